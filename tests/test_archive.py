import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web.archive import schema, store
from s0web.archive.batches import EPOCH
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.errors import SinkError
from s0web.model import Reading, Refused, Value

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive.db"


@pytest.fixture
def archive(path: Path, clock: FakeClock) -> Iterator[Archive]:
    archive = Archive(path, clock)
    archive.open()
    yield archive
    archive.close()


def again(archive: Archive, clock: FakeClock) -> Archive:
    """The same file in another process's hands, without what was not flushed."""
    other = Archive(archive.path, clock)
    other.open()
    return other


def power(clock: FakeClock, watts: float, **more: float) -> Reading:
    return Reading("main", clock.now(), {"power": watts, **more}, {"tariff": "low"})


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def run(archive: Archive, clock: FakeClock, seconds: int, step: int = 60) -> None:
    """A reading each `step` s, 1 Wh more each time."""
    for _ in range(0, seconds, step):
        number = archive.last + 1
        archive.write([power(clock, float(number), energy_import=number / 1000)])
        clock.advance(step)


def test_one_batch_is_appended_for_each_flush(archive: Archive, clock: FakeClock) -> None:
    run(archive, clock, 180, step=1)
    assert rows(archive.path, "SELECT first, last FROM batch") == [(1, 60), (61, 120)]
    archive.flush()
    assert rows(archive.path, "SELECT max(last), count(*) FROM batch") == [(180, 3)]
    archive.flush()
    assert rows(archive.path, "SELECT count(*) FROM batch") == [(3,)]


def test_a_tick_flushes_what_is_due(archive: Archive, clock: FakeClock) -> None:
    archive.write([power(clock, 1.0)])
    clock.advance(61)
    archive.write([])
    assert rows(archive.path, "SELECT last FROM batch") == [(1,)]


def test_an_interval_that_is_shortened_counts_at_once(archive: Archive, clock: FakeClock) -> None:
    archive.interval = 5.0
    archive.write([power(clock, 1.0)])
    clock.advance(5)
    archive.write([])
    assert rows(archive.path, "SELECT last FROM batch") == [(1,)]


def test_not_everyone_may_read_what_a_household_does(archive: Archive) -> None:
    archive.flush()
    for path in archive.path.parent.iterdir():
        assert path.stat().st_mode & 0o007 == 0, path


def test_the_file_is_in_wal_mode_with_full_sync(archive: Archive) -> None:
    assert rows(archive.path, "PRAGMA journal_mode") == [("wal",)]
    writer = archive._disk.require()
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)


def test_latest_values_words_and_the_number_survive_a_restart(
    archive: Archive, clock: FakeClock
) -> None:
    run(archive, clock, 3 * 3600)
    archive.write([Reading("grid.gas", NOON, {"volume": 7.0}, meter="G4")])
    archive.close()
    other = again(archive, clock)
    assert other.last == 181
    last = clock.now() - timedelta(seconds=60)
    assert other.latest()["main"] == {
        "power": Value(180.0, last, ""),
        "energy_import": Value(0.18, last, ""),
    }
    assert other.latest()["grid.gas"]["volume"] == Value(7.0, NOON, "G4")
    assert other.labels() == {"main": {"tariff": "low"}}
    other.close()


def test_hours_are_packed_once_they_have_ended_and_their_batches_go(
    archive: Archive, clock: FakeClock
) -> None:
    run(archive, clock, 3 * 3600 + 600)
    archive.flush()
    noon = int(NOON.timestamp()) // 3600
    packed = rows(archive.path, "SELECT hour, count FROM hour WHERE series = 1 ORDER BY hour")
    assert packed == [(noon, 60), (noon + 1, 60), (noon + 2, 60)]
    assert rows(archive.path, "SELECT count(*) FROM gauge") == [(12,)]
    assert archive._memory.open.count == 2 * 10
    (first,) = rows(archive.path, "SELECT min(first) FROM batch")
    assert 120 < int(str(first[0])) <= 181


def test_batches_stay_for_a_sink_that_is_away_and_come_in_order(
    archive: Archive, clock: FakeClock
) -> None:
    archive.move("sink:central", 5)
    run(archive, clock, 4 * 3600)
    cursor, got = 5, []
    while cursor < archive.last:
        batch = archive.after(cursor, limit=7)
        assert batch.missed == 0
        assert len(batch.readings) <= 7
        got += [reading.values["power"] for reading in batch.readings]
        cursor = batch.last
    assert got == [float(n) for n in range(6, 241)]
    archive.move("sink:central", cursor)
    run(archive, clock, 2 * 3600)
    assert archive.after(5).missed > 100
    archive.forget("sink:central")
    archive.flush()
    assert rows(archive.path, "SELECT * FROM cursor") == []


def test_a_cursor_is_never_saved_beyond_what_is_on_disk(archive: Archive, clock: FakeClock) -> None:
    run(archive, clock, 30, step=1)
    archive.flush()
    run(archive, clock, 10, step=1)
    archive.move("sink:central", 999)
    other = again(archive, clock)
    assert other.cursor("sink:central") is None
    other.close()
    archive.flush()
    assert rows(archive.path, "SELECT name, number FROM cursor") == [("sink:central", 40)]


def test_readings_that_left_the_log_unseen_leave_their_numbers_free(
    archive: Archive, clock: FakeClock
) -> None:
    run(archive, clock, 10, step=1)
    archive.skip(5)
    archive.write([power(clock, 16.0)])
    archive.flush()
    assert archive.last == 16
    batch = archive.after(10)
    assert (batch.missed, batch.last, batch.readings[0].values["power"]) == (5, 16, 16.0)


def test_a_late_value_repacks_its_hour(archive: Archive, clock: FakeClock) -> None:
    run(archive, clock, 2 * 3600)
    late = NOON + timedelta(minutes=20, seconds=30)
    archive.write([Reading("main", late, {"power": 9000.0, "energy_import": 0.0205})])
    history = History(archive, UTC)
    for _ in range(2):
        points = history.series("main", "power", NOON, NOON + timedelta(hours=1)).points
        assert (len(points), points[21].number) == (61, 9000.0)
        hour = history.series("main", "power", NOON, NOON + timedelta(hours=1), "hour").points
        assert [(p.high, p.number) for p in hour] == [(9000.0, (sum(range(1, 61)) + 9000) / 61)]
        run(archive, clock, 3600)
    assert rows(archive.path, "SELECT max(count) FROM hour") == [(61,)]
    other = again(archive, clock)
    assert History(other, UTC).series("main", "power", NOON, NOON + timedelta(hours=1)).points == (
        points
    )
    other.close()


def test_a_clock_that_jumps_back_loses_and_doubles_nothing(
    archive: Archive, clock: FakeClock
) -> None:
    run(archive, clock, 2 * 3600, step=600)
    clock.step_wall(-86_400)
    run(archive, clock, 3 * 3600, step=600)
    archive.close()
    archive.open()
    begin, end = NOON - timedelta(days=2), NOON + timedelta(days=2)
    points = History(archive, UTC).series("main", "power", begin, end).points
    assert sorted(point.number for point in points) == [float(n) for n in range(1, 31)]


def test_a_clock_that_was_ahead_for_a_while_keeps_no_batches(
    archive: Archive, clock: FakeClock
) -> None:
    run(archive, clock, 1800)
    clock.step_wall(400 * 86_400)
    run(archive, clock, 600)
    clock.step_wall(-400 * 86_400)
    run(archive, clock, 5 * 3600)
    assert rows(archive.path, "SELECT count(*) FROM batch")[0] < (70,)
    archive.close()
    other = again(archive, clock)
    assert other.last == archive.last
    points = History(other, UTC).series("main", "power", *EVER, "year").points
    assert [EPOCH + timedelta(milliseconds=point.time) for point in points] == [
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    ]
    other.close()


@pytest.mark.parametrize(("old", "new"), [("[", "\0"), ("main", "m\udcff"), (", ", "")])
def test_a_state_whose_bytes_rot_is_set_aside_with_its_file(
    archive: Archive, clock: FakeClock, old: str, new: str
) -> None:
    run(archive, clock, 2 * 3600)
    archive.close()
    with closing(sqlite3.connect(archive.path)) as connection, connection:
        (text,) = connection.execute("SELECT value FROM state WHERE name = 'memory'").fetchone()
        spoiled = text.replace(old, new).encode("utf-8", "surrogateescape")
        sql = "UPDATE state SET value = CAST(? AS TEXT) WHERE name = 'memory'"
        connection.execute(sql, (spoiled,))
    other = again(archive, clock)
    assert "cannot be read" in other.note
    assert "set aside as archive.db.damaged-" in other.note
    other.close()


def test_what_was_set_aside_is_let_go_with_what_is_set_aside_anew(
    archive: Archive, clock: FakeClock
) -> None:
    archive.asides.add("sink:away", [Refused(power(clock, 1.0), "too high")])
    archive.flush()
    (one,) = archive.asides.known()
    archive.asides.add("sink:away", [Refused(power(clock, 1.0), "still too high")])
    archive.asides.let_go(one.id)
    assert archive.asides.known() == [one]
    archive.flush()
    assert [aside.reason for aside in archive.asides.known()] == ["still too high"]


def test_what_is_set_aside_is_told_by_sink_and_reason(archive: Archive, clock: FakeClock) -> None:
    for _ in range(5):
        archive.asides.add("sink:away", [Refused(power(clock, 1.0, peak=2.0), "too high")])
    archive.asides.add("sink:away", [Refused(power(clock, 1.0), "too low")])
    archive.flush()
    told = [(aside.reason, aside.values) for aside in archive.asides.groups()]
    assert told == [("too high", 10), ("too low", 1)]


def test_more_is_not_set_aside_than_the_memory_holds(archive: Archive, clock: FakeClock) -> None:
    refused = [Refused(power(clock, 1.0), "too high")] * 15_000
    archive.asides.add("sink:away", refused)
    archive.asides.add("sink:away", refused)
    with pytest.raises(SinkError, match="cannot set aside more"):
        archive.asides.add("sink:away", refused)
    archive.flush()
    archive.asides.add("sink:away", refused)


def test_raw_hours_are_kept_so_long_and_rollups_for_ever(path: Path, clock: FakeClock) -> None:
    archive = Archive(path, clock, keep=1.0)
    archive.open()
    run(archive, clock, 30 * 3600, step=300)
    archive.flush()
    assert rows(path, "SELECT count(*) / 2 FROM hour") == [(24,)]
    assert rows(path, "SELECT count(*) FROM register") == [(29 * 4,)]
    history = History(archive, UTC)
    assert history.series("main", "power", NOON, clock.now(), "minute").step == "quarter"
    assert history.series("main", "power", clock.now() - timedelta(hours=9), clock.now()).step == (
        "raw"
    )
    archive.close()


def test_a_clock_that_is_years_ahead_for_a_while_costs_hours_and_not_years(
    archive: Archive, clock: FakeClock
) -> None:
    for _ in range(9):
        run(archive, clock, 3600, step=600)
        clock.advance(86_400)
    archive.flush()
    ((before,),) = rows(archive.path, "SELECT count(*) FROM hour")
    clock.step_wall(20 * 365 * 86_400)
    run(archive, clock, 600)
    archive.flush()
    clock.step_wall(-20 * 365 * 86_400)
    run(archive, clock, 7200, step=600)
    archive.flush()
    ((after,),) = rows(archive.path, "SELECT count(*) FROM hour")
    assert after > before - 8


def test_no_cursor_is_beyond_what_is_there(archive: Archive, clock: FakeClock) -> None:
    run(archive, clock, 300)
    archive.close()
    with closing(sqlite3.connect(archive.path)) as connection, connection:
        connection.execute("INSERT INTO cursor VALUES ('sink:away', 99)")
    other = again(archive, clock)
    assert other.cursor("sink:away") == other.last == 5
    other.close()


def test_a_disk_that_is_full_is_told_and_loses_nothing(
    archive: Archive, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = archive._disk.require()
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")
    run(archive, clock, 3600, step=10)
    assert "the disk is full: make room on it" in archive.trouble
    assert len(History(archive, UTC).series("main", "power", NOON, clock.now()).points) == 360
    with pytest.raises(SinkError, match=r"archive .*: the disk is full"):
        archive.flush()
    monkeypatch.setattr(store, "ROOM", len(archive._pending) + 60)
    run(archive, clock, 600, step=10)
    with pytest.raises(SinkError, match="the disk is full"):
        run(archive, clock, 10, step=10)
    assert archive.last == 420
    with pytest.raises(SinkError):
        archive.close()
    archive.open()
    archive.flush()
    assert archive.trouble == ""
    points = History(archive, UTC).series("main", "power", NOON, clock.now()).points
    assert [point.number for point in points] == [float(n) for n in range(1, 421)]


def test_a_disk_that_is_read_only_is_told(archive: Archive, clock: FakeClock) -> None:
    archive._disk.require().execute("PRAGMA query_only = 1")
    archive.write([power(clock, 1.0)])
    with pytest.raises(SinkError, match="cannot be written: is the disk mounted read-only"):
        archive.flush()
    archive._disk.require().execute("PRAGMA query_only = 0")
    archive.flush()
    assert archive.after(0).readings


def test_a_folder_that_is_not_there_is_told(tmp_path: Path, clock: FakeClock) -> None:
    archive = Archive(tmp_path / "nowhere" / "archive.db", clock)
    with pytest.raises(SinkError, match=r"nowhere.*cannot be opened: does the folder exist"):
        archive.open()
    with pytest.raises(SinkError, match="is not open"):
        archive.write([])
    with pytest.raises(SinkError, match="is not open"):
        History(archive).series("main", "power", NOON, NOON + timedelta(1))
    archive.close()


@pytest.mark.parametrize("damage", ["garbage", "pages", "cut"])
def test_a_damaged_file_is_set_aside_and_a_fresh_one_begun(
    archive: Archive, clock: FakeClock, damage: str
) -> None:
    run(archive, clock, 6 * 3600)
    archive.close()
    good = archive.path.read_bytes()
    bad = {
        "garbage": b"this is no database at all" * 400,
        "pages": good[:4096] + bytes(len(good) - 8192) + good[-4096:],
        "cut": good[: len(good) // 2],
    }[damage]
    archive.path.write_bytes(bad)
    other = Archive(archive.path, clock)
    other.open()
    aside = archive.path.with_name(f"archive.db.damaged-{clock.now():%Y%m%dT%H%M%SZ}")
    assert aside.name in other.note
    assert aside.read_bytes() == bad
    assert other.last == 0
    other.write([power(clock, 1.0)])
    other.close()
    other.open()
    assert other.last == 1
    other.close()


def test_damage_under_way_loses_nothing_that_is_in_memory(
    archive: Archive, clock: FakeClock
) -> None:
    run(archive, clock, 1800, step=10)
    archive.flush()
    with closing(sqlite3.connect(archive.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    archive.path.write_bytes(b"scratched" * 9_000)
    archive._disk.require().execute("PRAGMA shrink_memory")
    run(archive, clock, 120, step=10)
    archive.flush()
    assert "damaged" in archive.note
    assert archive.last == 192
    points = History(archive, UTC).series("main", "power", NOON, clock.now()).points
    assert len(points) == 192


def test_a_batch_whose_bytes_rot_is_missed_and_the_rest_comes(
    archive: Archive, clock: FakeClock
) -> None:
    run(archive, clock, 180, step=1)
    archive.flush()
    with closing(sqlite3.connect(archive.path)) as connection, connection:
        connection.execute("UPDATE batch SET blob = x'00' WHERE first = 61")
    other = again(archive, clock)
    assert other.after(60) == ([], 120, 60)
    assert other.after(120).missed == 0
    assert other.last == 180
    other.close()


def test_a_newer_version_is_refused_and_left_alone(path: Path, clock: FakeClock) -> None:
    archive = Archive(path, clock)
    archive.open()
    archive.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(SinkError, match=r"is of version 7, this s0web knows up to 2: update"):
        archive.open()
    assert path.exists()


def test_another_programs_database_is_refused_and_left_alone(path: Path, clock: FakeClock) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    with pytest.raises(SinkError, match="another program's database"):
        Archive(path, clock).open()
    assert rows(path, "SELECT name FROM sqlite_master") == [("songs",)]


def test_an_upgrade_keeps_everything_and_is_whole_or_not_at_all(
    archive: Archive, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(archive, clock, 2 * 3600)
    archive.close()
    step = "ALTER TABLE series ADD COLUMN unit TEXT;"
    monkeypatch.setattr(schema, "UPGRADES", (*schema.UPGRADES, f"{step} DROP TABLE absent;"))
    with pytest.raises(SinkError, match="no such table: absent"):
        archive.open()
    assert rows(archive.path, "PRAGMA user_version") == [(2,)]
    assert len(rows(archive.path, "PRAGMA table_info(series)")) == 4
    monkeypatch.setattr(schema, "UPGRADES", (*schema.UPGRADES[:2], step))
    other = again(archive, clock)
    assert rows(archive.path, "PRAGMA user_version") == [(3,)]
    assert other.last == 120
    other.close()


def test_a_file_of_the_first_version_is_upgraded_with_all_that_it_holds(
    path: Path, clock: FakeClock
) -> None:
    archive = Archive(path, clock)
    archive.open()
    archive.move("sink:away", 0)
    run(archive, clock, 2 * 3600)
    archive.move("sink:away", 7)
    archive.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "ALTER TABLE batch DROP COLUMN thin; DROP TABLE aside; DROP TABLE past; "
            "PRAGMA user_version = 1"
        )
    archive = again(archive, clock)
    assert (archive.last, archive.cursor("sink:away")) == (120, 7)
    assert archive.after(7).readings[0].values["power"] == 8.0
    archive.asides.add("sink:away", [Refused(power(clock, 1.0), "too high")])
    archive.flush()
    assert [aside.reason for aside in archive.asides.known()] == ["too high"]
    archive.close()


def test_many_threads_may_ask_while_one_writes(archive: Archive, clock: FakeClock) -> None:
    wrong: list[str] = []
    done = threading.Event()

    def ask() -> None:
        history = History(archive, UTC)
        while not done.is_set():
            last = archive.last
            points = history.series(
                "main", "power", NOON, NOON + timedelta(days=9), most=99_999
            ).points
            numbers = [point.number for point in points]
            if numbers != [float(n) for n in range(1, len(numbers) + 1)] or len(numbers) < last:
                wrong.append(f"{len(numbers)} points of {last}")
            spans = history.energy("main", "energy_import", "year", NOON, NOON + timedelta(days=9))
            if spans and round(spans[0].number * 1000) < last - 1:
                wrong.append(f"{spans} of {last}")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    run(archive, clock, 8 * 3600, step=60)
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []

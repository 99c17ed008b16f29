"""The archive in a station: what survives, who catches up, what happens when its disk is away."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from s0web import config, hub
from s0web.archive.disk import memory_of
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.archive.thinning import thinned
from s0web.clock import FakeClock
from s0web.log import Log
from s0web.model import Command, Reading
from s0web.sinks.csv import CsvSink
from s0web.station import Station
from s0web.workers import SinkLoop
from tests.conftest import S0, S0_AND_P1

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVER = NOON - timedelta(days=9), NOON + timedelta(days=9)
CSV = """\
[sink:files]
type = csv
file_path = {folder}
file_prefix = all
max_lines = 100000
from = {start}
"""


@pytest.fixture
def small_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "Log", lambda: Log(50))


@pytest.fixture
def house(ini: Path, clock: FakeClock) -> Iterator[Callable[..., Station]]:
    """Make a station on the warped clock, with this INI; the one before is stopped."""
    made: list[Station] = []

    def make(text: str = S0_AND_P1) -> Station:
        for station in made:
            station.stop()
        if text:
            ini.write_text(text)
        made.append(Station(ini, clock, threads=False))
        return made[-1]

    yield make
    for station in made:
        station.stop()


def on(station: Station, minutes: float) -> None:
    station.run(station.clock.now() + timedelta(minutes=minutes))


def written(folder: Path) -> list[tuple[str, str, str]]:
    """(time, device, quantity) of every line, in the order of the files; no line is there twice,
    though a value may be told anew for the same time.
    """
    lines = [
        line
        for path in sorted(folder.iterdir())
        for line in path.read_text().splitlines()
        if not line.startswith("time,")
    ]
    assert len(lines) == len(set(lines))
    rows = [line.split(",") for line in lines]
    return [(time, device, quantity) for time, _, device, quantity, *_ in rows]


@contextmanager
def remembered(station: Station) -> Iterator[History]:
    """The archive of a station that has ended."""
    archive = Archive(station.path.with_name("archive-simulated.db"), station.clock)
    archive.open()
    yield History(archive)
    archive.close()


def archived(station: Station) -> int:
    """How many values the archive of a station that has ended knows."""
    with remembered(station) as history:
        return sum(
            len(part)
            for known in history.catalog()
            for part in history.raw(known.device, known.quantity, *EVER)
        )


def test_a_restart_knows_what_was_told_and_goes_on_counting(house: Callable[..., Station]) -> None:
    first = house()
    on(first, 30)
    last, before = first.hub.last, first.hub.snapshot()
    first.stop()
    first.clock.advance(600)  # type: ignore[attr-defined]
    second = house("")
    on(second, 0.001)
    after = second.hub.snapshot()
    assert second.hub.last >= last
    for quantity in ("energy_import_high", "energy_import_low", "energy_export_high"):
        assert after.get("grid", quantity) == before.get("grid", quantity)
    assert after.get("grid", "power") is None  # of ten minutes ago: nobody knows
    assert after.health["grid.gas"].text == "what is shown was told before the start"
    on(second, 1)
    assert second.hub.snapshot().health["grid.gas"].state == "ok"


def test_a_sink_that_was_away_longer_than_the_ring_gets_everything_once(
    house: Callable[..., Station], tmp_path: Path, small_ring: None
) -> None:
    folder = tmp_path / "files"
    folder.write_text("in the way")
    station = house(S0_AND_P1 + CSV.format(folder=folder, start="now"))
    on(station, 70)  # readings of the first hour are packed by now
    progress = station.progress()["sink:files"]
    assert progress.behind > 500
    assert progress.oldest is None or progress.oldest < station.clock.now() - timedelta(hours=1)
    assert station.hub.snapshot().health["sink:files"].state == "failed"
    station.stop()

    station = house("")  # the backlog outlives the station
    folder.unlink()
    on(station, 10)
    assert station.progress()["sink:files"].behind < 5
    station.stop()
    lines = written(folder)
    assert len(set(lines)) == archived(station)


def test_a_new_sink_begins_now_or_with_the_past(
    house: Callable[..., Station], tmp_path: Path, small_ring: None
) -> None:
    on(house(), 65)
    now, past = tmp_path / "now", tmp_path / "past"
    both = CSV.format(folder=past, start="beginning")
    both += CSV.format(folder=now, start="now").replace("sink:files", "sink:others")
    station = house(S0_AND_P1 + both)
    begun = station.clock.now()
    on(station, 10)
    station.stop()
    whole, late = written(past), written(now)
    first = min(time for time, device, _ in late if device == "main")
    assert first >= begun.strftime("%Y-%m-%dT%H:%M:%S")
    assert set(late) <= set(whole)
    assert len(set(whole)) == archived(station)


def test_a_station_killed_while_files_catch_up_doubles_no_line(
    house: Callable[..., Station], tmp_path: Path, clock: FakeClock
) -> None:
    folder, stands = tmp_path / "files", tmp_path / "stands"
    station = house(S0_AND_P1 + CSV.format(folder=folder, start="now"))
    on(station, 1)
    keeping = station._followers.keeping
    assert keeping is not None
    begin = keeping.archive.last
    for number in range(60):
        told = [
            Reading("main", clock.now() + timedelta(seconds=number, milliseconds=n), {"power": 1.0})
            for n in range(1000)
        ]
        keeping.archive.write(told)
        keeping.archive.flush()
    assert station.config is not None
    options = station.config.sinks["files"]
    loop = SinkLoop(CsvSink("files", options, clock), station.hub, clock, begin, keeping)
    keeping.watch(loop.sink)
    station.hub.renumber(station.hub.last, keeping.archive.last)
    while loop.step() == 0.0:
        pass
    stands.mkdir()
    for path in station.path.parent.glob("archive*"):
        shutil.copy(path, stands)  # it is killed now
    loop.sink.close()
    archive = Archive(stands / "archive-simulated.db", clock)
    archive.open()
    cursor = archive.cursor("sink:files")
    archive.close()
    assert cursor is not None
    assert cursor > keeping.archive.last - 20_000
    loop = SinkLoop(CsvSink("files", options, clock), station.hub, clock, cursor, keeping)
    while loop.step() == 0.0:
        pass
    loop.sink.close()
    assert len(written(folder)) > 60_000


def test_a_sink_that_is_no_more_is_forgotten(house: Callable[..., Station], tmp_path: Path) -> None:
    (tmp_path / "files").write_text("in the way")
    on(house(S0 + CSV.format(folder=tmp_path / "files", start="now")), 5)
    station = house(S0)
    on(station, 5)
    station.stop()
    with remembered(station) as history:
        assert history._archive.names() == set()  # type: ignore[attr-defined]


def test_a_counter_goes_on_from_the_archive_where_that_is_newer(
    house: Callable[..., Station], ini: Path, clock: FakeClock
) -> None:
    station = house()
    on(station, 5)
    counted = station.hub.snapshot().number("main", "energy_import")
    assert counted is not None
    station.stop()
    kept = config.counter_text(counted)
    ini.write_text(ini.read_text().replace(kept, config.counter_text(counted - 0.004)))  # a crash
    saved = (clock.now() - timedelta(seconds=60)).timestamp()
    os.utime(ini, (saved, saved))
    station = house("")
    on(station, 0.001)
    assert station.hub.snapshot().number("main", "energy_import") == pytest.approx(counted)


def test_a_counter_that_was_changed_by_hand_counts(
    house: Callable[..., Station], ini: Path, clock: FakeClock
) -> None:
    on(house(), 5)
    text = ini.read_text() if house().stop() is None else ""
    row = next(line for line in text.splitlines() if line.startswith("main = "))
    ini.write_text(text.replace(row, "main = 7.5"))
    edited = (clock.now() + timedelta(seconds=60)).timestamp()
    os.utime(ini, (edited, edited))
    station = house("")
    on(station, 0.001)
    assert station.hub.snapshot().number("main", "energy_import") == pytest.approx(7.5, abs=0.01)


def test_the_station_runs_without_an_archive_and_takes_it_up_when_it_can(
    house: Callable[..., Station], tmp_path: Path
) -> None:
    first = house()
    on(first, 60)
    first.stop()
    place = first.path.with_name("archive-simulated.db")
    place.rename(tmp_path / "put away")
    place.mkdir()  # nobody can open that
    folder = tmp_path / "files"
    station = house(S0_AND_P1 + CSV.format(folder=folder, start="now"))
    begun = station.clock.now() + timedelta(seconds=1)
    on(station, 5)
    health = station.hub.snapshot().health
    assert health["sink:archive"].state == "failed"
    assert str(place) in health["sink:archive"].text
    assert health["grid"].state == health["sink:files"].state == "ok"
    place.rmdir()
    (tmp_path / "put away").rename(place)
    on(station, 1)
    on(station, 4)
    assert station.hub.snapshot().health["sink:archive"].state == "ok"
    assert station.hub.last > first.hub.last
    station.stop()
    lines = written(folder)
    times = {time for time, device, quantity in lines if quantity == "voltage_l1"}
    assert len(times) >= 59  # one telegram each 10 s, all ten minutes
    with remembered(station) as history:
        told = history.raw("grid", "voltage_l1", begun, EVER[1])
        assert sum(map(len, told)) == len(times)


def test_the_archive_may_move_while_the_station_runs(
    house: Callable[..., Station], tmp_path: Path
) -> None:
    station = house()
    on(station, 10)
    station.path.write_text(S0_AND_P1 + f"[archive]\npath = {tmp_path / 'elsewhere'}\n")
    station.apply(config.load(station.path))
    on(station, 10)
    assert (tmp_path / "elsewhere" / "archive-simulated.db").exists()
    station.path.write_text(S0_AND_P1 + "[archive]\npath = /proc/none\n")
    station.apply(config.load(station.path))
    on(station, 5)
    health = station.hub.snapshot().health["sink:archive"]
    assert health.state == "ok"
    assert "/proc/none" in health.text
    assert f"goes on in {tmp_path / 'elsewhere'}" in health.text
    assert station.hub.snapshot().health["sink:cache"].state == "ok"


def test_an_archive_in_memory_says_what_that_costs(house: Callable[..., Station]) -> None:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        station = house(S0_AND_P1 + f"[archive]\npath = {folder}\n")
        on(station, 1)
        health = station.hub.snapshot().health["sink:archive"]
        assert health.state == "ok"
        assert health.text == "in memory (tmpfs): a power cut or restart costs all history"
        station.stop()
    assert memory_of(Path("/proc/self/status")) == ""
    assert memory_of(Path(folder)) == ""  # it is gone


def test_what_a_server_did_not_take_is_shown_and_written_once_more(
    house: Callable[..., Station], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from s0web.model import Refused
    from s0web.sinks.csv import CsvSink

    write, is_strict = CsvSink.write, [True]

    def strict(self: CsvSink, batch: list[Reading]) -> list[Refused]:
        bad = [reading for reading in batch if reading.device == "main" and is_strict[0]]
        write(self, [reading for reading in batch if reading not in bad])
        return [Refused(reading, "no pulses here") for reading in bad]

    monkeypatch.setattr(CsvSink, "write", strict)
    folder = tmp_path / "files"
    station = house(S0_AND_P1 + CSV.format(folder=folder, start="now"))
    on(station, 10)
    assert {(aside.sink, aside.reason) for aside in station.asides()} == {
        ("sink:files", "no pulses here")
    }
    station.stop()
    station = house("")
    on(station, 1)
    is_strict[0] = False
    station.tell(Command("sink:files", "replay"))
    on(station, 5)
    assert station.asides() == []
    station.stop()
    lines = written(folder)
    assert len(set(lines)) == archived(station)


@pytest.mark.timeout(600)  # it calculates, however busy the machine is
def test_quarter_hours_of_the_oldest_are_left_when_a_backlog_outgrows_its_room(
    house: Callable[..., Station], tmp_path: Path, small_ring: None, clock: FakeClock
) -> None:
    folder = tmp_path / "files"
    folder.write_text("in the way")
    station = house(S0_AND_P1 + CSV.format(folder=folder, start="now"))
    on(station, 1)
    keeping = station._followers.keeping
    assert keeping is not None
    keeping.archive.bound = 60_000
    on(station, 6 * 60)
    note = station.hub.snapshot().health["sink:archive"].text
    assert "only quarter hours are left" in note
    folder.unlink()
    on(station, 10)
    assert station.progress()["sink:files"].behind < 5
    station.stop()
    times = [time for time, _, quantity in written(folder) if quantity == "energy_import_low"]
    assert times == sorted(times)
    by_hour = [sum(time[11:13] == f"{hour:02}" for time in times) for hour in range(12, 18)]
    assert all(4 <= count <= 8 for count in by_hour[:2])
    assert by_hour[5] == 360


def test_thinning_leaves_the_last_of_a_register_and_the_mean_of_a_gauge() -> None:
    told = [
        Reading(
            "grid",
            NOON + timedelta(minutes=minute),
            {"energy_import": 5.0 + minute, "power": 10.0 * minute},
            {"t": str(minute)},
            "a",
        )
        for minute in range(30)
    ]
    left = thinned([*told, Reading("grid", NOON, {"power": 1.0}, {}, "b")])
    assert [(r.time, dict(r.values), r.labels, r.meter) for r in left] == [
        (NOON, {"power": 1.0}, {}, "b"),
        (NOON + timedelta(minutes=14), {"energy_import": 19.0, "power": 70.0}, {"t": "14"}, "a"),
        (NOON + timedelta(minutes=29), {"energy_import": 34.0, "power": 220.0}, {"t": "29"}, "a"),
    ]

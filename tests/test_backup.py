"""`s0web backup` and `s0web restore`."""

import json
import sqlite3
import threading
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web.__main__ import main
from s0web.archive.glance import glance
from s0web.archive.past import days
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading
from s0web.statelock import StateLock
from tests.conftest import S0

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
LONG = timedelta(days=9999)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "own" / "s0web.ini"
    path.parent.mkdir()
    path.write_text(S0 + "# mine\n")
    monkeypatch.setenv("S0WEB_INI", str(path))
    return path


def archive_of(own: Path) -> Path:
    return own.with_name("archive-simulated.db")


def tell(own: Path, count: int, start: datetime = NOW) -> None:
    clock = FakeClock(start)
    archive = Archive(archive_of(own), clock)
    archive.open()
    for n in range(count):
        archive.write([Reading("main", clock.now(), {"energy_import": n / 12, "power": 1000.0})])
        clock.advance(300)
    archive.close()


def told(own: Path) -> list[Reading]:
    with glance(archive_of(own)) as view:
        return [r for _, readings in days(view, NOW - LONG, NOW + LONG) for r in readings]


def backed_up(own: Path, tmp_path: Path) -> Path:
    file = tmp_path / "b.zip"
    assert main(["backup", str(file)]) == 0
    return file


def test_a_backup_holds_all_and_is_for_its_owner_alone(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(own, 300)
    assert main(["backup", str(tmp_path)]) == 0
    (file,) = tmp_path.glob("s0web-20*.zip")
    assert file.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr().out
    assert "read back and found whole" in said
    assert "an archive of 2 series from 2026-03-10" in said
    assert "mode 0600" in said
    with zipfile.ZipFile(file) as inside:
        assert inside.read("s0web.ini").decode() == own.read_text()
        assert json.loads(inside.read("about.json"))["archive"]["last"] == 300
    assert main(["backup", str(file)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own", file.name]


def test_a_backup_is_made_while_the_station_writes(own: Path, tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    archive = Archive(archive_of(own), clock, interval=1e9)
    archive.open()
    archive.write([Reading("main", clock.now(), {"power": 1.0})])
    archive.flush()
    end = threading.Event()

    def run() -> None:
        while not end.is_set():
            archive.write([Reading("main", clock.now(), {"power": 1.0})])
            clock.advance(300)
            archive.flush()

    writing = threading.Thread(target=run)
    writing.start()
    try:
        file = backed_up(own, tmp_path)
    finally:
        end.set()
        writing.join()
        archive.close()
    own.write_text(S0)
    assert main(["restore", str(file), "--write"]) == 0
    assert told(own)[0].time == NOW


def test_a_restore_puts_back_what_was_and_sets_aside_what_is(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(own, 300)
    before, text = told(own), own.read_text()
    file = backed_up(own, tmp_path)
    own.write_text(S0.replace("pin = 4", "pin = 17"))
    tell(own, 10, NOW + timedelta(days=5))
    after = told(own)
    assert main(["restore", str(file)]) == 0  # a dry run
    assert "Nothing is changed yet" in capsys.readouterr().out
    assert told(own) == after
    assert main(["restore", str(file), "--write"]) == 0
    assert (told(own), own.read_text()) == (before, text)
    (old_ini,) = own.parent.glob("s0web.ini.before-restore-*")
    assert "pin = 17" in old_ini.read_text()
    (old,) = own.parent.glob("archive-simulated.db.before-restore-*Z")
    with glance(old) as view:
        assert [r for _, rs in days(view, NOW - LONG, NOW + LONG) for r in rs] == after
    tell(own, 3, NOW + timedelta(days=9))  # the station goes on


def test_it_is_restored_onto_a_new_machine(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(own, 30)
    before, file = told(own), backed_up(own, tmp_path)
    new = tmp_path / "new" / "state" / "s0web.ini"
    monkeypatch.setenv("S0WEB_INI", str(new))
    assert main(["restore", str(file), "--write"]) == 0
    assert told(new) == before
    assert new.stat().st_mode & 0o007 == 0


def test_a_station_without_an_archive_is_backed_up_too(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = backed_up(own, tmp_path)
    assert "no archive, since there is none" in capsys.readouterr().out
    assert main(["restore", str(file), "--write"]) == 0
    assert not archive_of(own).exists()


def spoilt(file: Path, name: str) -> Path:
    """Copies of a backup with something wrong."""
    data, bad = file.read_bytes(), file.with_name(f"{name}.zip")
    if name == "empty":
        bad.write_bytes(b"")
    elif name == "cut off":
        bad.write_bytes(data[: len(data) // 2])
    elif name == "flipped":
        middle = data.index(b"archive.db") + 200
        bad.write_bytes(data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :])
    elif name == "text":
        bad.write_text("[s0web]\nsimulate = yes\n")
    else:
        with zipfile.ZipFile(file) as old, zipfile.ZipFile(bad, "w") as new:
            for member in old.namelist():
                new.writestr(member, changed(name, member, old.read(member)))
    return bad


def changed(name: str, member: str, data: bytes) -> bytes:
    if member == "about.json":
        about = json.loads(data)
        if name == "newer":
            about["format"] = 99
        if name == "other counts":
            about["archive"]["hours"] += 1
        if name == "no numbers":
            about["archive"]["hours"] = [None]
        return b"[]" if name == "foreign" else json.dumps(about).encode()
    if member == "s0web.ini" and name == "wrong settings":
        return data + b"[love]\n"
    if member == "archive.db" and name == "no archive":
        return b"x" * 10_000
    return data


SENTENCES = {
    "empty": "is no backup", "cut off": "is no backup", "flipped": "damaged",
    "text": "is no backup", "newer": "update this one first", "foreign": "is no backup of s0web",
    "other counts": "does not hold what was put in", "no numbers": "is no backup of s0web",
    "no archive": "the archive is damaged", "wrong settings": "there is no such section",
}  # fmt: skip


@pytest.mark.parametrize("name", SENTENCES)
def test_what_is_no_sound_backup_changes_nothing(
    own: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(own, 300)
    bad = spoilt(backed_up(own, tmp_path), name)
    before, text = told(own), own.read_text()
    there = sorted(own.parent.iterdir())
    for words in ([], ["--write"]):
        assert main(["restore", str(bad), *words]) == 2
        said = capsys.readouterr().err
        assert SENTENCES[name] in said
    assert (told(own), own.read_text()) == (before, text)
    assert sorted({*own.parent.iterdir()} - {own.with_name("station.lock")}) == there


def test_a_newer_archive_is_not_taken(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(own, 3)
    with sqlite3.connect(archive_of(own)) as base:
        base.execute("PRAGMA user_version = 99")
    base.close()
    assert main(["backup", str(tmp_path / "b.zip")]) == 2
    assert "newer s0web" in capsys.readouterr().err
    assert not (tmp_path / "b.zip").exists()


def test_a_damaged_archive_is_not_backed_up_as_if_it_were_whole(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(own, 3000)
    data = bytearray(archive_of(own).read_bytes())
    data[8192:30000] = b"\xff" * (30000 - 8192)
    archive_of(own).write_bytes(data)
    assert main(["backup", str(tmp_path / "b.zip")]) == 2
    assert "damaged" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_an_archive_whose_bytes_rot_is_not_backed_up_and_not_exported(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(own, 30)
    with closing(sqlite3.connect(archive_of(own))) as connection, connection:
        connection.execute("UPDATE state SET value = '[7' WHERE name = 'memory'")
    assert main(["backup", str(tmp_path / "b.zip")]) == 2
    assert "is damaged (what was told last cannot be read" in capsys.readouterr().err
    assert main(["export"]) == 2
    assert "is damaged, or is no archive (what was told last" in capsys.readouterr().err


def test_while_a_station_runs_nothing_is_restored(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(own, 3)
    file = backed_up(own, tmp_path)
    lock = StateLock(own.with_name("station.lock"))
    assert lock.take()
    assert main(["restore", str(file), "--write"]) == 2
    assert "A station runs with" in capsys.readouterr().err
    lock.drop()


def test_a_place_that_is_not_there_is_told(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backup", str(tmp_path / "none" / "b.zip")]) == 2
    assert "(No such file or directory): make that folder first." in capsys.readouterr().err


def test_where_it_cannot_be_put_all_stays(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(own, 30)
    file, before = backed_up(own, tmp_path), told(own)
    there = sorted(own.parent.iterdir())

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("s0web.inifile.write", full)
    assert main(["restore", str(file), "--write"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert told(own) == before
    assert sorted({*own.parent.iterdir()} - {own.with_name("station.lock")}) == there

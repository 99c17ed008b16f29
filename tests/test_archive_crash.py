import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from tests.archive_writer import START, STEP, reading
from tests.server_process import freeze

ROOT = Path(__file__).parent.parent


@contextmanager
def writing(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-m", "tests.archive_writer", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def wait_for(child: subprocess.Popen[str], lines: int) -> int:
    """The number of the newest reading that it said is on disk."""
    assert child.stdout is not None
    said = [child.stdout.readline() for _ in range(lines)]
    assert said[-1], "the writer ended by itself"
    return int(said[-1])


def check(path: Path, least: int) -> int:
    """Everything up to the last flush is there, once; return the number of the last reading."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    archive = Archive(path, FakeClock(START), interval=1e9)
    archive.open()
    last = archive.last
    assert "damaged" not in archive.note
    assert last >= least
    cursor = archive.cursor("sink:central")
    assert cursor is not None
    assert least <= cursor <= last
    assert archive.latest()["main"]["energy_import"].number == last / 1000
    end = START + timedelta(seconds=(last + 1) * STEP)
    days = list(History(archive).raw("main", "energy_import", START, end))
    assert [point.number for day in days for point in day] == [n / 1000 for n in range(1, last + 1)]
    archive.close()
    return last


def test_a_station_killed_at_any_moment_loses_no_flush_and_spoils_nothing(tmp_path: Path) -> None:
    chance, path, last = random.Random(7), tmp_path / "archive.db", 0
    for _ in range(4):
        with writing(path) as child:
            said = wait_for(child, chance.randrange(1, 150))
            child.kill()
            child.wait()
            assert child.stdout is not None
            heard = [int(line) for line in child.stdout if line.endswith("\n")]
        kept = check(path, max([said, *heard]))
        assert kept >= last
        last = kept


def test_the_file_as_it_stands_at_any_moment_is_a_sound_archive(tmp_path: Path) -> None:
    chance, path = random.Random(8), tmp_path / "archive.db"
    with writing(path) as child:
        for number in range(5):
            said = wait_for(child, chance.randrange(1, 60))
            freeze(child.pid)
            image = tmp_path / f"image{number}" / path.name
            image.parent.mkdir()
            for end in ("", "-wal"):
                shutil.copy(f"{path}{end}", f"{image}{end}")
            os.kill(child.pid, signal.SIGCONT)
            check(image, said)


def test_after_a_kill_the_log_goes_on_and_a_sink_gets_each_reading_once(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with writing(path) as child:
        wait_for(child, 3)
    archive = Archive(path, FakeClock(START), interval=1e9)
    archive.open()
    last = archive.last
    archive.write([reading(last + 1), reading(last + 2)])
    archive.flush()
    cursor = archive.cursor("sink:central")
    assert cursor is not None
    batch = archive.after(cursor)
    while batch.last < archive.last:
        following = archive.after(batch.last)
        batch = following._replace(readings=batch.readings + following.readings)
    assert batch.readings == [reading(n) for n in range(cursor + 1, last + 3)]
    archive.close()

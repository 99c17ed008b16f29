"""The archive: bytes written to the block device, bytes per reading, query times, beside plain SQL.

    python -m bench.archive [days packed, 1] [days asked, 30] [hours written, 1] | --whole

1. One reading of 20 quantities a second: /proc/self/io write_bytes of a process that archives so
   many hours (a flush a minute, each hour packed), and of one that commits rows to SQLite each
   second, in its default mode; scaled to a day. TMPDIR (else /tmp) must be on a block device.
2. 20 quantities at 10 s: bytes of the packed hours per value; rollups of a year, scaled.
3. 5 quantities at 10 s, queries warm, median of 15: the same questions to rows with a primary key
   (series, ts), as one would write them: by scans of the range, in UTC.

`--whole`: 30 days, 365 days, 6 hours; some minutes. A day asked has 43,200 values.
"""

import math
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading

START = datetime(2025, 1, 1, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Brussels")
ROUNDS = 15
PHASES = ("l1", "l2", "l3")


def house(
    step: float, count: int, jitter: float = 0.004
) -> Iterator[tuple[float, dict[str, float]]]:
    """(s since START, 20 quantities) with the noise of a household, as a meter rounds them."""
    chance = random.Random(5)
    kwh = dict.fromkeys(PHASES, 1000.0)
    base = dict.fromkeys(PHASES, 200.0)
    export = 500.0
    for number in range(count):
        told: dict[str, float] = {}
        for phase in PHASES:
            if chance.random() < step / 600:
                base[phase] = chance.choice((60.0, 150.0, 300.0, 1100.0, 2200.0))
            watts = base[phase] + chance.gauss(0, 4)
            volts = 231 + 3 * math.sin(number * step / 7000) + chance.gauss(0, 0.4)
            kwh[phase] += watts * step / 3.6e6
            told |= {
                f"power_{phase}": round(watts),
                f"voltage_{phase}": round(volts, 1),
                f"current_{phase}": round(watts / volts, 2),
                f"reactive_power_{phase}": round(0.2 * watts + chance.gauss(0, 3)),
                f"energy_import_{phase}": round(kwh[phase], 3),
            }
        export += max(0.0, math.sin(number * step / 13751)) * step / 3600
        told["power"] = sum(told[f"power_{phase}"] for phase in PHASES)
        told["energy_import"] = round(sum(kwh.values()), 3)
        told["energy_export"] = round(export, 3)
        told["frequency"] = round(50 + chance.gauss(0, 0.01), 2)
        told["power_factor"] = round(0.97 + chance.gauss(0, 0.005), 3)
        yield number * step + chance.random() * jitter, told


def fill(archive: Archive, clock: FakeClock, step: float, seconds: int, quantities: int) -> None:
    """The archive of so long, as the station would write it."""
    archive.open()
    batch: list[Reading] = []
    for at, told in house(step, int(seconds / step)):
        if quantities < len(told):
            told = dict(list(told.items())[-quantities:])
        batch.append(Reading("mains", START + timedelta(seconds=at), told))
        if len(batch) * step >= 60:
            clock.advance(60)
            archive.write(batch)
            batch = []
    clock.advance(400)
    archive.close()


def io() -> int:
    """Bytes that this process has caused to be written to block devices."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def written(way: str, path: Path, hours: float) -> None:
    """In a process of its own: print the bytes that so many hours at 20 values/s cost."""
    before, seconds = io(), int(hours * 3600)
    if way == "archive":
        clock = FakeClock(START)
        fill(Archive(path, clock), clock, 1.0, seconds, 20)
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(
                "CREATE TABLE reading (device TEXT, quantity TEXT, ts REAL, value REAL, "
                "PRIMARY KEY (device, quantity, ts))"
            )
            for at, told in house(1.0, seconds):
                rows = [("mains", quantity, at, value) for quantity, value in told.items()]
                connection.executemany("INSERT INTO reading VALUES (?, ?, ?, ?)", rows)
                connection.commit()
    print(io() - before)


def disk(folder: Path, hours: float) -> tuple[float, float]:
    """GB a day of the archive, and of SQLite with a commit each second (of at most 20 minutes)."""
    found = []
    for way, span in (("archive", hours), ("sqlite", min(hours, 1 / 3))):
        command = [sys.executable, "-m", "bench.archive", "--written", way]
        told = subprocess.run(
            [*command, str(folder / f"{way}.db"), str(span)],
            check=True,
            capture_output=True,
            text=True,
        )
        found.append(int(told.stdout) / span * 24 / 1e9)
        print(f"  {way:8} {found[-1]:8.3f} GB/day, {span:g} h measured")
    return found[0], found[1]


def packed(folder: Path, days: int) -> tuple[float, float]:
    """Bytes per value of the packed hours, pages and all; MB of rollups a year."""
    clock = FakeClock(START)
    path = folder / "packed.db"
    begin = time.process_time()
    fill(Archive(path, clock, interval=3600.0), clock, 10.0, days * 86_400 + 3600, 20)
    spent = time.process_time() - begin
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("DELETE FROM batch")
        connection.execute("VACUUM")
        whole = path.stat().st_size
        values, blobs = connection.execute(
            "SELECT sum(count), sum(length(blob)) FROM hour"
        ).fetchone()
        connection.execute("DELETE FROM hour")
        connection.execute("VACUUM")
        rest = path.stat().st_size
    year = rest * 365 / (days + 1 / 24) / 1e6
    print(
        f"  {values:,} values: {blobs / values:.2f} bytes each, {(whole - rest) / values:.2f} with"
    )
    print(
        f"  SQLite's pages; rollups {year:.1f} MB a year; CPU {1e6 * spent / values:.1f} us a value"
    )
    return (whole - rest) / values, year


def milliseconds(ask: Callable[[], object]) -> float:
    ask()
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        ask()
        times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


def plain(path: Path, days: int) -> sqlite3.Connection:
    """The same values as rows."""
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE reading (series INTEGER, ts INTEGER, value REAL, PRIMARY KEY (series, ts)) "
        "WITHOUT ROWID"
    )
    rows = (
        (series, round(at * 1000), value)
        for at, told in house(10.0, days * 8640)
        for series, value in enumerate(list(told.values())[-5:])
    )
    connection.executemany("INSERT INTO reading VALUES (?, ?, ?)", rows)
    connection.commit()
    return connection


def asked(folder: Path, days: int) -> list[tuple[str, float, float]]:
    """(question, ms of the archive, ms of plain SQL)."""
    clock = FakeClock(START)
    archive = Archive(folder / "asked.db", clock, interval=3600.0)
    fill(archive, clock, 10.0, days * 86_400, 5)
    begin = time.perf_counter()
    archive.open()
    print(f"  opened, checked and read back in {time.perf_counter() - begin:.2f} s,", end=" ")
    print(f"{archive.path.stat().st_size / 1e6:.0f} MB, {days} days")
    history = History(archive, ZONE)
    end = START + timedelta(days=days)
    month, last, whole = (
        min(30, days),
        days * 86_400_000,
        "SELECT count(*), sum(value) FROM reading",
    )
    power, register = 0, 1  # of the last five quantities
    with closing(plain(folder / "plain.db", days)) as connection:

        def sql(text: str, *values: int) -> list[tuple[float, ...]]:
            return connection.execute(text, values).fetchall()

        assert sql(whole)[0][0] == days * 43_200
        hourly = "SELECT ts / 3600000, avg(value), min(value), max(value) FROM reading WHERE "
        daily = "SELECT ts / 86400000, max(value) - min(value) FROM reading WHERE series = ? "
        newest = "SELECT series, max(ts), value FROM reading GROUP BY series"
        day, ago = timedelta(days=1), end - timedelta(days=month)
        raw = history.series("mains", "power", end - day, end, "raw", 10_000)
        assert len(raw.points) == 8640
        assert len(history.series("mains", "power", ago, end, "hour").points) == month * 24
        assert len(history.energy("mains", "energy_import", "day", START, end)) == days + 1
        rows = [
            (
                "24 h raw",
                milliseconds(
                    lambda: history.series("mains", "power", end - day, end, "raw", 10_000)
                ),
                milliseconds(
                    lambda: sql(
                        "SELECT ts, value FROM reading WHERE series = ? AND ts >= ?",
                        power,
                        last - 86_400_000,
                    )
                ),
            ),
            (
                f"{month} d hourly",
                milliseconds(lambda: history.series("mains", "power", ago, end, "hour")),
                milliseconds(
                    lambda: sql(
                        f"{hourly} series = ? AND ts >= ? GROUP BY 1",
                        power,
                        last - month * 86_400_000,
                    )
                ),
            ),
            (
                f"{days} d daily energy",
                milliseconds(lambda: history.energy("mains", "energy_import", "day", START, end)),
                milliseconds(lambda: sql(f"{daily} GROUP BY 1", register)),
            ),
            ("latest of all", milliseconds(archive.latest), milliseconds(lambda: sql(newest))),
        ]
    archive.close()
    for question, own, theirs in rows:
        print(f"  {question:20} {own:8.3f} ms, plain SQL {theirs:9.3f} ms")
    return rows


def main() -> None:
    if "--written" in sys.argv:
        written(sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
        return
    sizes = [float(size) for size in sys.argv[1:] if size != "--whole"]
    days, span, hours = (
        (30, 365, 6) if "--whole" in sys.argv else (*sizes, *(1, 30, 1)[len(sizes) :])
    )
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        print("bytes written at 20 values/s")
        own, theirs = disk(folder, hours)
        print(f"20 quantities at 10 s, {days:g} days")
        size, year = packed(folder, int(days))
        print("questions to 5 quantities at 10 s")
        rows = asked(folder, int(span))
    print(f"written value: {own:.3f} GB/day")
    print(f"written, commit each second by archive, ratio: {theirs / own:.0f}")
    print(f"packed value: {size:.2f} bytes per reading; rollups {year:.0f} MB a year")
    print("asked value: " + ", ".join(f"{question} {own:.2f} ms" for question, own, _ in rows))
    shares = ", ".join(f"{plain / own:.1f}" for _, own, plain in rows)
    print(f"plain SQL by archive, ratio: {shares}")


if __name__ == "__main__":
    main()

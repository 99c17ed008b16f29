"""Rows a second into every database in batches of 1,000, and catching up with a day of backlog.

    python -m bench.sinks [rows, 20000] [seconds of backlog, 8640] | --whole

1. One reading of one quantity after the other, 20 series, given to the sink in batches of 1,000 as
   its loop does; beside the database's own library: executemany of the same upsert and a commit for
   each batch (MariaDB, PostgreSQL, SQLite), the same lines over the same connection (InfluxDB). The
   whole sink knows series by name, refuses what it must and makes quarters; for MariaDB our
   statement is held against executemany alone, too, with rows that are ready for both.
2. A station's archive holds so many seconds of 20 readings each that a sink has not written; its
   loop takes them from there: read, decoded, written, quarters made. A day is 1,728,000.

`--whole`: 200,000 rows, a day. Real servers of this machine, on its disk, with their usual sync.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from s0web import config
from s0web.archive.store import Archive
from s0web.clock import SystemClock
from s0web.hub import Hub
from s0web.keeping import Keeping
from s0web.model import Reading, Sink
from s0web.options import OPTIONS
from s0web.sinks.influx import InfluxSink
from s0web.sinks.mysql import MysqlSink
from s0web.sinks.mysql_tables import MysqlTables
from s0web.sinks.postgresql import PostgresqlSink
from s0web.workers import SinkLoop
from tests.influx_server import Influx
from tests.mariadb_server import MariaDb
from tests.postgres_server import ROOT_PASSWORD, Postgres

BATCH = 1_000
SERIES = [f"{name}_l{phase}" for name in ("power", "voltage", "current") for phase in (1, 2, 3)]
SERIES += ["frequency", "power", "voltage", "current", "power_factor", "reactive_power"]
SERIES += ["energy_import", "energy_export", "energy_import_l1", "energy_import_l2", "phase_angle"]
START = datetime(2026, 3, 2, tzinfo=UTC)
BIG = ("--innodb-buffer-pool-size=128M", "--innodb-log-file-size=96M")
Rows = list[tuple[int, int, float]]


def readings(seconds: int) -> Iterator[list[Reading]]:
    """20 a second, a list for each second."""
    for second in range(seconds):
        yield [
            Reading(
                "grid", START + timedelta(seconds=second, milliseconds=n), {name: second + n / 8}
            )
            for n, name in enumerate(SERIES)
        ]


def batches(count: int) -> list[list[Reading]]:
    told = [reading for part in readings(count // len(SERIES)) for reading in part]
    return [told[start : start + BATCH] for start in range(0, count, BATCH)]


def pace(write: Callable[[list[Any]], object], parts: Sequence[list[Any]]) -> float:
    """Rows a second; the first batch makes the series and does not count."""
    write(parts[0])
    begin = time.perf_counter()
    for part in parts[1:]:
        write(part)
    return (len(parts) - 1) * BATCH / (time.perf_counter() - begin)


def options(kind: str, **given: str) -> dict[str, object]:
    table = OPTIONS[f"sink.{kind}"]
    return {row.name: row.parse(given.get(row.name, row.default or "")) for row in table}


def executemany(
    cursor: object, commit: Callable[[], object], statement: str
) -> Callable[..., None]:
    def write(batch: Sequence[Reading]) -> None:
        rows = [
            (SERIES.index(name), round(reading.time.timestamp() * 1000), value)
            for reading in batch
            for name, value in reading.values.items()
        ]
        cursor.executemany(statement, rows)  # type: ignore[attr-defined]
        commit()

    return write


def rows_of(batch: Sequence[Reading]) -> list[tuple[int, int, float]]:
    return [
        (1_000 + SERIES.index(name), round(reading.time.timestamp() * 1000), value)
        for reading in batch
        for name, value in reading.values.items()
    ]


def statements(sink: MysqlSink, server: MariaDb, parts: list[list[Reading]]) -> tuple[float, float]:
    """Our statement and executemany alone, rows/s: both are given the same rows, ready made."""
    assert sink._connection is not None
    tables, rows = MysqlTables(sink._connection, "alone"), [rows_of(part) for part in parts]
    ours = pace(tables.upsert, rows)
    with server.connected("s0web") as wire:
        wire.autocommit = False
        cursor = wire.cursor()
        cursor.execute(TABLE.replace("peer", "again"))

        def write(part: Sequence[tuple[int, int, float]]) -> None:
            cursor.executemany(UPSERT.format("again"), part)
            wire.commit()

        return ours, pace(write, rows)


UPSERT = "INSERT INTO {} VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE value = VALUES(value)"
TABLE = (
    "CREATE TABLE peer (series INT, ts BIGINT, value DOUBLE PRECISION, PRIMARY KEY (series, ts))"
)


def mariadb_peer(server: MariaDb, parts: list[list[Reading]]) -> float:
    with server.connected("s0web") as wire:
        wire.autocommit = False
        cursor = wire.cursor()
        cursor.execute(TABLE)
        return pace(executemany(cursor, wire.commit, UPSERT.format("peer")), parts)


def postgres_peer(server: Postgres, parts: list[list[Reading]]) -> float:
    with server.connection("s0web") as wire:
        wire.autocommit = False
        cursor = wire.cursor()
        cursor.execute(TABLE)
        sql = "INSERT INTO peer VALUES (%s, %s, %s) ON CONFLICT (series, ts) DO UPDATE "
        sql += "SET value = excluded.value"
        return pace(executemany(cursor, wire.commit, sql), parts)


def sqlite_peer(folder: Path, parts: list[list[Reading]]) -> float:
    with closing(sqlite3.connect(folder / "peer.db")) as wire:
        wire.execute(TABLE)
        sql = "INSERT OR REPLACE INTO peer VALUES (?, ?, ?)"
        return pace(executemany(wire, wire.commit, sql), parts)


def influx_peer(sink: InfluxSink, parts: list[list[Reading]]) -> float:
    """Lines as text, posted over one connection: the least that there is to do."""

    def write(batch: Sequence[Reading]) -> None:
        lines = [
            f"peer {name}={value!r} {round(reading.time.timestamp() * 1000)}000000"
            for reading in batch
            for name, value in reading.values.items()
        ]
        sink._ask("POST", sink._path, "\n".join(lines).encode())

    return pace(write, parts)


def archive_pace(folder: Path, parts: list[list[Reading]]) -> float:
    """Each batch flushed by itself: synced and durable."""
    archive = Archive(folder / "archive.db", SystemClock())
    archive.open()

    def write(batch: Sequence[Reading]) -> None:
        archive.write(batch)
        archive.flush()

    with closing(archive):
        return pace(write, parts)


def caught_up(folder: Path, sinks: Sequence[Sink], seconds: int) -> dict[str, float]:
    """Seconds that each sink needs, one after the other, for what an archive holds for it."""
    ini = folder / "s0web.ini"
    ini.write_text("[s0web]\n[archive]\nkeep = 36500\nbacklog = 10000\n")
    clock = SystemClock()
    hub = Hub(clock)
    keeping = Keeping(config.load(ini), hub, clock)
    assert not keeping.open()
    for sink in sinks:
        keeping.move(sink.name, 0)
    for number, part in enumerate(readings(seconds), 1):
        keeping.archive.write(part)
        if number % 60 == 0:
            keeping.archive.flush()
    keeping.archive.flush()
    hub.renumber(hub.last, keeping.archive.last)
    taken = {}
    for sink in sinks:
        loop = SinkLoop(sink, hub, clock, 0, keeping)
        begin = time.perf_counter()
        while loop.cursor < hub.last:
            loop.step()
        taken[sink.name] = time.perf_counter() - begin
        loop.finish()
    keeping.archive.close()
    return taken


def main() -> int:
    whole = "--whole" in sys.argv
    given = [int(text) for text in sys.argv[1:] if text.isdigit()]
    count, seconds = given or ([200_000, 86_400] if whole else [20_000, 8_640])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("mariadb", "influx", "house"):
            (folder / part).mkdir()
        mariadb, influx = MariaDb(folder / "mariadb", *BIG), Influx(folder / "influx")
        postgres = Postgres("shared_buffers = 128MB\nfsync = on\nsynchronous_commit = on")
        servers = (mariadb, influx, postgres)
        for server in servers:
            server.start()
        try:
            return measured(folder, mariadb, influx, postgres, count, seconds)
        finally:
            for server in servers:
                server.kill()
            postgres.remove()


def measured(
    folder: Path, mariadb: MariaDb, influx: Influx, postgres: Postgres, count: int, seconds: int
) -> int:
    clock, parts = SystemClock(), batches(count)
    mariadb.make_user()
    login = {"user": "s0web", "password": "secret", "tls": "no", "from": "now"}
    my = MysqlSink(
        "mariadb", options("mysql", host="127.0.0.1", port=str(mariadb.port), **login), clock
    )
    login |= {"user": "root", "password": ROOT_PASSWORD}
    pg = PostgresqlSink(
        "postgresql",
        options("postgresql", host="127.0.0.1", port=str(postgres.port), **login),
        clock,
    )
    flux = InfluxSink("influx", options("influx", url=influx.url), clock)
    sinks: tuple[Sink, ...] = (my, pg, flux)
    for sink in sinks:
        sink.open()
    peers = (
        ("MariaDB", my, lambda: mariadb_peer(mariadb, parts)),
        ("PostgreSQL", pg, lambda: postgres_peer(postgres, parts)),
        ("InfluxDB", flux, lambda: influx_peer(flux, parts)),
    )
    print(f"{'into':12}{'s0web, rows/s':>15}{'executemany':>13}{'ratio':>7}")
    ratios = []
    for title, sink, peer in peers:
        ours, theirs = pace(sink.write, parts), peer()
        ratios.append((title, ours / theirs))
        print(f"{title:12}{ours:15,.0f}{theirs:13,.0f}{ours / theirs:7.2f}")
    ours, theirs = archive_pace(folder, parts), sqlite_peer(folder, parts)
    print(f"{'SQLite':12}{ours:15,.0f}{theirs:13,.0f}{ours / theirs:7.2f}  (the archive)")
    alone, theirs = statements(my, mariadb, parts)
    print(f"{'MariaDB':12}{alone:15,.0f}{theirs:13,.0f}{alone / theirs:7.2f}  (statement alone)")
    print(f"rows/s into MariaDB, statement alone, ratio: {alone / theirs:.2f}")
    print(f"rows/s into MariaDB, whole sink, ratio: {ratios[0][1]:.2f}")
    for sink in sinks:
        sink.close()
    for name, taken in caught_up(folder / "house", sinks, seconds).items():
        number = seconds * len(SERIES)
        print(f"{name}: {number:,} readings of backlog in {taken:.1f} s, {number / taken:,.0f}/s")
        print(f"a day of backlog into {name}, s, value: {86_400 / seconds * taken:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

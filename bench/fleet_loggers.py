"""What a process of simulated loggers does: each is a Hub and a MySQL sink in its loop, or works in
the way of EnergyMonitor.

1. A logger tells a Reading of 20 quantities a second. Their stamps are a minute apart, so that in
   a short run quarters are over, and made, too.
2. Each value is another whole number, so that sums show what counts do not.
"""

import contextlib
import itertools
import logging
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

from s0web.clock import SystemClock
from s0web.hub import Hub
from s0web.model import Reading, Refused
from s0web.options import OPTIONS
from s0web.quantities import QUANTITIES
from s0web.sinks.mysql import MysqlSink
from s0web.workers import SinkLoop

NAMES = sorted(QUANTITIES)[:20]
BEGIN = datetime(2026, 7, 1, tzinfo=UTC)
CLOCK = SystemClock()
USER, PASSWORD, DATABASE = "fleet", "change me", "fleet"
DRAIN = 90.0  # s that loggers have to write what they still hold


@dataclass(frozen=True)
class Plan:
    """What the loggers of one process do."""

    names: Sequence[str]
    ports: Sequence[int]  # of the servers, in the order in which they are tried
    seconds: float  # that they tell; 0: all at once
    is_naive: bool = False
    at_once: int = 0  # Readings told by each before they begin


@dataclass
class Report:
    """What one logger did."""

    name: str
    told: int  # values
    total: int  # their sum
    kept: int  # values acknowledged
    stall: float  # s, longest without an acknowledgement
    commits: list[float] = field(default_factory=list)  # s, each write
    error: str = ""  # the last


def reading(number: int) -> Reading:
    first = number * len(NAMES)
    values = {name: float(first + place) for place, name in enumerate(NAMES)}
    return Reading("mains", BEGIN + timedelta(minutes=number), values)


def sink(name: str, ports: Sequence[int], **texts: str) -> MysqlSink:
    """As the INI would make it; it writes each second."""
    hosts = ", ".join(f"127.0.0.1:{port}" for port in ports)
    own = {"host": hosts, "logger": name, "database": DATABASE, "interval": "1"}
    texts = own | {"user": USER, "password": PASSWORD} | texts
    rows = OPTIONS["sink.mysql"]
    options = {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
    return MysqlSink(name, options, CLOCK)


class Watched:
    """contract: model.Sink; takes the time of another."""

    def __init__(self, inner: MysqlSink) -> None:
        self.inner, self.name, self.pace = inner, inner.name, inner.pace
        self.kept, self.commits = 0, list[float]()
        self.acknowledged = list[float]()

    def open(self) -> None:
        self.inner.open()

    def write(self, batch: Sequence[Reading]) -> Sequence[Refused] | None:
        begin = time.monotonic()
        refused = self.inner.write(batch)
        if batch:
            self.acknowledged.append(time.monotonic())
            self.commits.append(self.acknowledged[-1] - begin)
            self.kept += sum(len(told.values) for told in batch)
        return refused

    def close(self) -> None:
        self.inner.close()


class Logger:
    """Tells, and writes what it tells in a thread of its own, as a station does."""

    def __init__(self, name: str, plan: Plan) -> None:
        self.name = name
        self.told = 0  # Readings
        self._hub = Hub(CLOCK)
        self._sink = Watched(sink(name, plan.ports))
        self._loop = SinkLoop(self._sink, self._hub, CLOCK, cursor=0)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def is_connected(self) -> bool:
        return bool(self._sink.inner.note)

    def tell(self) -> None:
        self._hub.publish([reading(self.told)])
        self.told += 1

    def end(self) -> Report:
        limit = time.monotonic() + DRAIN
        while self._loop.cursor < self._hub.last and time.monotonic() < limit:
            self._loop.wake.set()
            time.sleep(0.05)
        self._end.set()
        self._loop.wake.set()
        self._thread.join()
        health = self._hub.snapshot().health[self._sink.name]
        watched, values = self._sink, self.told * len(NAMES)
        pairs = itertools.pairwise(watched.acknowledged)
        stall = max((after - before for before, after in pairs), default=0.0)
        total = values * (values - 1) // 2
        return Report(self.name, values, total, watched.kept, stall, watched.commits, health.error)

    def _run(self) -> None:
        while not self._end.is_set():
            self._loop.wake.clear()
            CLOCK.wait(self._loop.wake, self._loop.step())
        self._sink.close()


class Naive:
    """EnergyMonitor's way: a queue in memory, plain INSERTs into one host, 5 s of rest after an
    error, the row at the queue's tail again; what is queued when it ends is gone.
    """

    def __init__(self, name: str, plan: Plan) -> None:
        self.name, self._port = name, plan.ports[0]
        self.told = 0
        self._queue: queue.Queue[tuple[int, str, float]] = queue.Queue()
        self._end = threading.Event()
        self._connection: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def tell(self) -> None:
        for name, value in reading(self.told).values.items():
            self._queue.put((self.told, name, value))
        self.told += 1

    def end(self) -> Report:
        self._end.set()
        values = self.told * len(NAMES)
        total = values * (values - 1) // 2
        return Report(self.name, values, total, 0, 0.0)

    def _run(self) -> None:
        import mysql.connector

        while not self._end.is_set():
            try:
                self._connection = mysql.connector.connect(
                    host="127.0.0.1",
                    port=self._port,
                    user=USER,
                    password=PASSWORD,
                    database=DATABASE,
                    use_pure=True,
                    ssl_disabled=True,
                )
                self._write()
            except mysql.connector.Error:
                self._end.wait(5)

    def _write(self) -> None:
        cursor = self._connection.cursor()
        while not self._end.is_set():
            with contextlib.suppress(queue.Empty):
                row = self._queue.get(timeout=0.1)
                try:
                    cursor.execute("INSERT INTO naive VALUES (%s, %s, %s, %s)", (self.name, *row))
                    self._connection.commit()
                except BaseException:
                    self._queue.put(row)
                    raise


def work(plan: Plan, pipe: Connection) -> None:
    """One process: connect, say so, wait for the word, tell for so long, report."""
    logging.disable(logging.WARNING)  # a server that is away is what it is about
    loggers = [(Naive if plan.is_naive else Logger)(name, plan) for name in plan.names]
    while not all(logger.is_connected for logger in loggers):
        time.sleep(0.05)
    pipe.send("ready")
    pipe.recv()
    for logger in loggers:
        for _ in range(plan.at_once):
            logger.tell()
    begin = time.monotonic()
    for turn in range(int(plan.seconds)):
        for place, logger in enumerate(loggers):  # evenly over the second
            at = begin + turn + place / len(loggers)
            time.sleep(max(0.0, at - time.monotonic()))
            logger.tell()
    pipe.send([logger.end() for logger in loggers])

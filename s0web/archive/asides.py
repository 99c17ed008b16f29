"""What servers did not take, set aside with the reason until someone has it tried again."""

import logging
import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from ..clock import Clock
from ..model import Reading, Refused
from .batches import EPOCH, decode, encode
from .memory import MS
from .readers import Readers

LOG = logging.getLogger(__name__)
MOST = 100_000  # values kept of one sink; then the oldest go
TOLD = 1_000  # causes of which the log has a line


class Aside(NamedTuple):
    """Readings that one sink's server refused for one reason."""

    id: int
    sink: str
    time: datetime  # when they were set aside
    reason: str
    values: int


class _Waiting(NamedTuple):
    sink: str
    time: int  # ms
    reason: str
    readings: list[Reading]


class Asides:
    """Those that wait for the next flush are in memory; any thread may add."""

    def __init__(self, readers: Readers, clock: Clock) -> None:
        self._readers, self._clock = readers, clock
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._told: set[tuple[str, str, str]] = set()

    def add(self, sink: str, refused: Sequence[Refused]) -> None:
        now = (self._clock.now() - EPOCH) // MS
        by_reason = sorted(refused, key=lambda one: one.reason)
        groups = [
            _Waiting(sink, now, reason, [one.reading for one in group])
            for reason, group in groupby(by_reason, key=lambda one: one.reason)
        ]
        with self._lock:
            self._waiting += groups
            for one in refused:
                self._tell(sink, one)

    def waiting(self) -> list[_Waiting]:
        with self._lock:
            return list(self._waiting)

    def written(self, count: int) -> None:
        """So many of those that waited are on disk."""
        with self._lock:
            del self._waiting[:count]

    def known(self) -> list[Aside]:
        """All that are on disk, oldest first; raises SinkError."""
        with self._readers.lend() as connection:
            sql = "SELECT id, sink, time, reason, count FROM aside ORDER BY id"
            rows = connection.execute(sql).fetchall()
        return [Aside(i, sink, EPOCH + ms * MS, why, count) for i, sink, ms, why, count in rows]

    def readings(self, number: int) -> list[Reading]:
        """Those of one Aside; none where it is gone or damaged. Raises SinkError."""
        with self._readers.lend() as connection:
            row = connection.execute("SELECT blob FROM aside WHERE id = ?", (number,)).fetchone()
        try:
            return decode(row[0]) if row else []
        except ValueError as error:
            LOG.error("archive: readings set aside as %d are lost: %s", number, error)
            return []

    def _tell(self, sink: str, one: Refused) -> None:
        """The log has a line for each device, quantity and sink."""
        for quantity in one.reading.values:
            news = (sink, one.reading.device, quantity)
            if news in self._told or len(self._told) >= TOLD:
                continue
            self._told.add(news)
            LOG.warning(
                "%s: %s of %s at %s and the like are not taken and set aside: %s",
                sink, quantity, one.reading.device, one.reading.time.isoformat(), one.reason,
            )  # fmt: skip


def keep(connection: sqlite3.Connection, waiting: Sequence[_Waiting]) -> None:
    """Write them, within a transaction; of too many the oldest go."""
    for sink, time, reason, readings in waiting:
        count = sum(len(reading.values) for reading in readings)
        sql = "INSERT INTO aside (sink, time, reason, count, blob) VALUES (?, ?, ?, ?, ?)"
        connection.execute(sql, (sink, time, reason, count, encode(readings)))
    for sink in {one.sink for one in waiting}:
        sql = """
            DELETE FROM aside WHERE id IN (SELECT id FROM (SELECT id, sum(count) OVER
                (ORDER BY id DESC) AS newer FROM aside WHERE sink = ?) WHERE newer > ?)
        """
        gone = connection.execute(sql, (sink, MOST)).rowcount
        if gone:
            LOG.warning("%s: more than %d values are set aside: the oldest go", sink, MOST)


def let_go(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("DELETE FROM aside WHERE id = ?", (number,))

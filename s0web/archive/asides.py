"""What servers did not take, set aside with the reason until someone has it tried again."""

import logging
import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from ..clock import Clock
from ..errors import SinkError
from ..model import Reading, Refused
from .batches import EPOCH, decode, encode
from .memory import MS
from .readers import Readers

LOG = logging.getLogger(__name__)
MOST = 100_000  # values kept of one sink; then the oldest go
ROOM = 20_000  # readings that wait in memory for a disk that refuses them
GROUPS = 1_000  # told of at once
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
    """What is news waits in memory for the next flush; any thread may add and let go."""

    def __init__(self, readers: Readers, clock: Clock) -> None:
        self._readers, self._clock = readers, clock
        self._lock = threading.Lock()
        self._waiting: list[_Waiting] = []
        self._gone: list[int] = []
        self._saving = 0, 0  # how much of both is in the transaction
        self._told: set[tuple[str, str, str]] = set()

    def add(self, sink: str, refused: Sequence[Refused]) -> None:
        """SinkError where too much waits for the disk: then the sink shall come again."""
        now = (self._clock.now() - EPOCH) // MS
        by_reason = sorted(refused, key=lambda one: one.reason)
        groups = [
            _Waiting(sink, now, reason, [one.reading for one in group])
            for reason, group in groupby(by_reason, key=lambda one: one.reason)
        ]
        with self._lock:
            if sum(len(group.readings) for group in self._waiting) > ROOM:
                raise SinkError("the archive cannot set aside more before its next flush")
            self._waiting += groups
            for one in refused:
                self._tell(sink, one)

    def let_go(self, number: int) -> None:
        """It is written by now, or set aside anew: both come to the disk at once."""
        with self._lock:
            self._gone.append(number)

    def save(self, connection: sqlite3.Connection) -> None:
        """Within a transaction; once that is done, `saved`."""
        with self._lock:
            waiting, gone = list(self._waiting), list(self._gone)
        self._saving = len(waiting), len(gone)
        rows = [(number,) for number in gone]
        connection.executemany("DELETE FROM aside WHERE id = ?", rows)
        _keep(connection, waiting)

    def saved(self) -> None:
        with self._lock:
            del self._waiting[: self._saving[0]], self._gone[: self._saving[1]]

    def known(self) -> list[Aside]:
        """All that are on disk, oldest first; raises SinkError."""
        return self._asked("SELECT id, sink, time, reason, count FROM aside ORDER BY id")

    def groups(self) -> list[Aside]:
        """The same, those of one sink and reason as one, at the time of the newest; the newest
        groups, if there are many. Raises SinkError.
        """
        return self._asked(
            "SELECT * FROM (SELECT max(id) AS id, sink, max(time), reason, sum(count) FROM aside "
            f"GROUP BY sink, reason ORDER BY 1 DESC LIMIT {GROUPS}) ORDER BY id"
        )

    def _asked(self, sql: str) -> list[Aside]:
        with self._readers.lend() as connection:
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


def _keep(connection: sqlite3.Connection, waiting: Sequence[_Waiting]) -> None:
    """Of too many the oldest go."""
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

"""What is done when batches that only absent sinks still need outgrow their bound: the oldest are
thinned to quarter hours, and only when all are thin the oldest are dropped.

A thin batch stands for many: the readings first..last, of which one is left for each device, meter
and quarter of an hour, with the last value of each register and the mean of each gauge.
"""

import logging
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby

from ..model import Reading
from .batches import EPOCH, decode, encode
from .memory import MS
from .packer import is_register
from .rollups import QUARTER

LOG = logging.getLogger(__name__)
LEAVE = 0.9  # of the bound is left after it was reached, so that this is done now and then only
TOGETHER = 120  # batches that become one: two hours of the usual flush

_Row = tuple[int, int, bytes]  # first, last, blob


def shorten(connection: sqlite3.Connection, before: int, bound: int) -> None:
    """Bring the batches to at most `bound` bytes, within a transaction; those from number `before`
    on are needed by the archive itself and stay.
    """
    size = _size(connection)
    if size <= bound:
        return
    for rows in _full(connection, before):
        blob = encode(thinned(_readings(rows)))
        first, last = rows[0][0], rows[-1][1]
        connection.execute("DELETE FROM batch WHERE first BETWEEN ? AND ?", (first, last))
        connection.execute("INSERT INTO batch VALUES (?, ?, ?, 1)", (first, last, blob))
        size -= sum(len(row[2]) for row in rows) - len(blob)
        if size <= bound * LEAVE:
            return
    sql = "SELECT first, length(blob) FROM batch WHERE thin AND last < ? ORDER BY first"
    for first, length in connection.execute(sql, (before,)).fetchall():
        if size <= bound * LEAVE:
            return
        connection.execute("DELETE FROM batch WHERE first = ?", (first,))
        size -= length
        LOG.error("archive: the oldest readings that a sink has not written had to go")


def note(connection: sqlite3.Connection) -> str:
    """What of a backlog is thin, for people; "" where nothing is."""
    sql = "SELECT blob FROM batch WHERE thin ORDER BY first DESC LIMIT 1"
    row = connection.execute(sql).fetchone()
    readings = _decoded(row[0]) if row else []
    if not readings:
        return ""
    return (
        "a sink is away for so long that of what it has still to get from before "
        f"{readings[-1].time:%d %b %Y, %H:%M} UTC only quarter hours are left"
    )


def thinned(readings: Iterable[Reading]) -> list[Reading]:
    """One Reading for each device, meter and quarter, at the time of the last of them."""
    order, left = sorted(readings, key=_place), []
    for (device, meter, _), group in groupby(order, key=_place):
        told = sorted(group, key=lambda reading: reading.time)
        labels = {key: word for reading in told for key, word in reading.labels.items()}
        columns: dict[str, list[float]] = {}
        for reading in told:
            for quantity, number in reading.values.items():
                columns.setdefault(quantity, []).append(number)
        values = {
            quantity: numbers[-1] if is_register(quantity) else sum(numbers) / len(numbers)
            for quantity, numbers in columns.items()
        }
        left.append(Reading(device, told[-1].time, values, labels, meter))
    return sorted(left, key=lambda reading: reading.time)


def _place(reading: Reading) -> tuple[str, str, int]:
    return reading.device, reading.meter, (reading.time - EPOCH) // MS // QUARTER


def _size(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(sum(length(blob)), 0) FROM batch").fetchone()[0])


def _full(connection: sqlite3.Connection, before: int) -> Iterator[list[_Row]]:
    """Batches that are not thin, the oldest first, so many at once as become one."""
    start = 0
    while True:
        sql = (
            "SELECT first, last, blob FROM batch WHERE NOT thin AND first > ? AND last < ? "
            "ORDER BY first LIMIT ?"
        )
        rows = connection.execute(sql, (start, before, TOGETHER)).fetchall()
        if not rows:
            return
        start = rows[-1][0]
        yield rows


def _readings(rows: Iterable[_Row]) -> list[Reading]:
    return [reading for _, _, blob in rows for reading in _decoded(blob)]


def _decoded(blob: bytes) -> list[Reading]:
    try:
        return decode(blob)
    except ValueError as error:
        LOG.error("archive: readings of a batch are lost: %s", error)
        return []

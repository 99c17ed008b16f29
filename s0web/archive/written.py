"""What one transaction of the archive writes, and what is read back at the start.

A batch stays until its hours are packed and all cursors have passed it. `floor` is the number of
the oldest reading with a value that is not packed: from there batches are read at the start.
"""

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ..model import Reading
from .batches import decode, encode
from .memory import Memory
from .packer import Packer
from .thinning import shorten

LOG = logging.getLogger(__name__)
THIN = 48  # hours at a time: a clock that is wrong for a while shall not cost years


class Kept(NamedTuple):
    last: int  # number of the newest reading on disk
    packs: int  # packings so far
    cursors: dict[str, int]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def append(
    connection: sqlite3.Connection,
    first: int,
    readings: Sequence[Reading],
    cursors: Mapping[str, int],
) -> None:
    """One batch, if there is anything, and how far each sink has come: never beyond the batch."""
    last = first + len(readings) - 1
    if readings:
        row = (first, last, encode(readings))
        connection.execute("INSERT INTO batch VALUES (?, ?, ?, 0)", row)
    rows = [(name, min(number, last)) for name, number in cursors.items()]
    known = dict(connection.execute("SELECT name, number FROM cursor").fetchall())
    if dict(rows) != known:
        gone = [(name,) for name in known.keys() - cursors.keys()]
        connection.executemany("DELETE FROM cursor WHERE name = ?", gone)
        connection.executemany("INSERT OR REPLACE INTO cursor VALUES (?, ?)", rows)


def pack(
    connection: sqlite3.Connection,
    memory: Memory,
    hours: Sequence[int],
    kept: Kept,
    oldest: int,
    bound: int,
) -> None:
    """Pack these hours, thin those before `oldest`, drop the batches that no one needs; those that
    absent sinks need take at most `bound` bytes.
    """
    packer = Packer(connection)
    for hour in hours:
        packer.pack(hour, memory.open.of(hour))
        connection.execute("INSERT OR REPLACE INTO packed VALUES (?, ?)", (hour, kept.last))
    packer.thin(oldest, THIN)
    floor = memory.open.first(without=hours) or kept.last + 1
    connection.execute("DELETE FROM packed WHERE last < ?", (floor,))
    needed = min([floor, *(number + 1 for number in kept.cursors.values())])
    connection.execute("DELETE FROM batch WHERE last < ?", (needed,))
    shorten(connection, floor, bound)
    state = (("packs", kept.packs), ("floor", floor), ("memory", memory.dump()))
    connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", state)


def restore(connection: sqlite3.Connection, memory: Memory) -> Kept:
    """Fill the memory: the state as of the last packing, and the batches since."""
    state = dict(connection.execute("SELECT name, value FROM state").fetchall())
    last = memory.load(state["memory"]) if "memory" in state else 0
    packed = dict(connection.execute("SELECT hour, last FROM packed").fetchall())
    sql = "SELECT first, last, blob FROM batch WHERE last >= ? ORDER BY first"
    for first, newest, blob in connection.execute(sql, (state.get("floor", 0),)):
        last = max(last, newest)
        try:
            readings = decode(blob)
        except ValueError as error:
            LOG.error("archive: readings %d to %d are lost: %s", first, newest, error)
            continue
        for seq, reading in enumerate(readings, first):
            memory.take(reading, seq, packed)
    found = kept(connection)
    cursors = {name: min(number, last) for name, number in found.cursors.items()}
    return Kept(last, found.packs, cursors)


def kept(connection: sqlite3.Connection) -> Kept:
    """What the file says of itself; its last is that of its batches."""
    (last,) = connection.execute("SELECT coalesce(max(last), 0) FROM batch").fetchone()
    row = connection.execute("SELECT value FROM state WHERE name = 'packs'").fetchone()
    cursors = dict(connection.execute("SELECT name, number FROM cursor").fetchall())
    return Kept(last, row[0] if row else 0, cursors)

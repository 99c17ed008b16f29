"""What was told of a quantity, from packed hours and what is not packed, series by series."""

import logging
import sqlite3
from collections import Counter
from typing import NamedTuple

from .hours import HOUR, Pairs, cut, in_order
from .packer import unpack
from .rollups import QUARTER
from .store import Memories

LOG = logging.getLogger(__name__)
Ids = dict[str, int]  # segment -> id of its series; -1 for one that is in memory alone


class Point(NamedTuple):
    """Of a gauge the mean, low and high of a step; of a register by how much it rose, thrice. At
    step raw, the number that was told.
    """

    time: int  # ms, begin of the step
    number: float
    low: float
    high: float


def ids_of(connection: sqlite3.Connection, device: str, quantity: str, memories: Memories) -> Ids:
    sql = "SELECT segment, id FROM series WHERE device = ? AND quantity = ?"
    rows = connection.execute(sql, (device, quantity)).fetchall()
    return dict.fromkeys(memories, -1) | dict(rows)


def is_thinned(connection: sqlite3.Connection, ids: Ids, start: int) -> bool:
    """Whether something from `start` (ms) on is there as rollups alone."""
    for series in ids.values():
        sql = "SELECT min(hour) FROM hour WHERE series = ?"
        (oldest,) = connection.execute(sql, (series,)).fetchone()
        for table in ("gauge", "register"):
            sql = f"SELECT min(quarter) FROM {table} WHERE series = ? AND quarter >= ?"
            (first,) = connection.execute(sql, (series, start // QUARTER)).fetchone()
            if first is not None and (oldest is None or first * QUARTER < oldest * HOUR):
                return True
    return False


def count(
    connection: sqlite3.Connection, ids: Ids, memories: Memories, start: int, end: int
) -> int:
    """How many values there are; of packed hours, whole hours."""
    sql = "SELECT coalesce(sum(count), 0) FROM hour WHERE series = ? AND hour BETWEEN ? AND ?"
    number = sum(len(cut(pairs, start, end)[0]) for pairs in memories.values())
    for series in ids.values():
        span = (series, start // HOUR, (end - 1) // HOUR)
        number += connection.execute(sql, span).fetchone()[0]
    return number


def reach(connection: sqlite3.Connection, ids: Ids, start: int, end: int, most: int) -> int:
    """The end of the hour by which more than `most` values were packed, `end` at the latest."""
    sql = "SELECT hour, count FROM hour WHERE series = ? AND hour BETWEEN ? AND ? ORDER BY hour"
    packed: Counter[int] = Counter()
    for series in ids.values():
        told = 0
        for hour, number in connection.execute(
            sql, (series, -(start // -HOUR), (end - 1) // HOUR)
        ):  # the hour in which `start` lies may hold none of them
            packed[hour] += number
            told += number
            if told > most:
                break
    told = 0
    for hour in sorted(packed):
        told += packed[hour]
        if told > most:
            return min(end, (hour + 1) * HOUR)
    return end


def pairs_of(
    connection: sqlite3.Connection, series: int, memory: Pairs, start: int, end: int
) -> Pairs:
    """The values with start <= ms < end in order of time; an hour that is damaged is a gap."""
    sql = "SELECT blob, count FROM hour WHERE series = ? AND hour BETWEEN ? AND ? ORDER BY hour"
    times: list[int] = []
    values: list[float] = []
    for row in connection.execute(sql, (series, start // HOUR, (end - 1) // HOUR)):
        try:
            more = unpack(*row)
        except ValueError as error:
            LOG.warning("archive: an hour of series %d is lost: %s", series, error)
            continue
        times += more[0]
        values += more[1]
    times += memory[0]
    values += memory[1]
    return cut(in_order(times, values), start, end)


def points(
    connection: sqlite3.Connection, ids: Ids, memories: Memories, start: int, end: int
) -> list[Point]:
    """Every value that was told."""
    found: list[Point] = []
    for segment, series in ids.items():
        times, values = pairs_of(connection, series, memories.get(segment, ([], [])), start, end)
        found += map(Point, times, values, values, values)
    return found if len(ids) == 1 else sorted(found)

"""What the archive is asked: a quantity over a range at a resolution, energy of local periods.

From packed hours, rollups and the open hours in memory, at one instant, from any thread. Times are
asked as aware datetimes and told as ms since 1970. SinkError where the file cannot be read.
"""

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from . import totals
from .batches import EPOCH
from .hours import HOUR
from .memory import MS
from .packer import is_register
from .past import EVER, Known, Looks, catalog
from .periods import FIXED, STEPS, boundaries, fitting
from .store import Memories
from .sums import Sum, sums
from .told import Ids, Point, count, ids_of, is_thinned, pairs_of, points, reach

POINTS = 2_000
FINE = ("raw", "10s", "minute")  # what rollups cannot tell
COARSE = STEPS[STEPS.index("quarter") :]
SHORTEST = {step: timedelta(milliseconds=width) for step, width in FIXED.items()} | {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=28),
    "year": timedelta(days=365),
}


class Series(NamedTuple):
    step: str  # the one asked for, or the next that gives few enough points
    points: list[Point]  # none where nothing was told: a gap
    following: int | None = None  # of a page: ms from which to go on, if there may be more


class Span(NamedTuple):
    """What flowed in one local period. `gap`: ms of it in which nothing was told, though energy
    flowed: that is counted at the end of the silence.
    """

    start: int  # ms
    end: int
    number: float
    gap: int


class History:
    """`zone`: where days begin; None: the machine's."""

    def __init__(self, archive: Looks, zone: tzinfo | None = None) -> None:
        self.zone = zone
        self._archive = archive

    @property
    def last(self) -> int:
        """The number of the newest Reading that the archive has."""
        return self._archive.last

    def series(
        self,
        device: str,
        quantity: str,
        start: datetime,
        end: datetime,
        step: str = "raw",
        most: int = POINTS,
    ) -> Series:
        """start <= time < end; whole steps. ValueError for a step that is none."""
        if step not in ("raw", *STEPS):
            raise ValueError(f"'{step}' is no step: take one of raw, {', '.join(STEPS)}")
        first, last = (start - EPOCH) // MS, (end - EPOCH) // MS
        with self._archive.look(device, quantity, 0, EVER) as (connection, memories):
            ids = ids_of(connection, device, quantity, memories)
            if step in FINE and is_thinned(connection, ids, first):
                step = "quarter"
            if step == "raw":
                if count(connection, ids, memories, first, last) <= most:
                    return Series(step, points(connection, ids, memories, first, last))
                step = STEPS[0]
            step, edges = fitting(first, last, step, self.zone, most)
            if not edges:
                return Series(step, [])
            if is_register(quantity):
                spans = _spans(connection, ids, memories, edges, step)
                return Series(step, [Point(s.start, s.number, s.number, s.number) for s in spans])
            if step in FINE:
                return Series(step, _means(connection, ids, memories, edges))
            return Series(step, _rolled(connection, ids, memories, edges))

    def page(
        self, device: str, quantity: str, start: datetime, end: datetime, most: int = POINTS
    ) -> Series:
        """What was told from `start` on at full resolution, at most so many points; where only
        rollups are left, `series` of quarters.
        """
        first, last = (start - EPOCH) // MS, (end - EPOCH) // MS
        with self._archive.look(device, quantity, 0, EVER) as (connection, memories):
            ids = ids_of(connection, device, quantity, memories)
            if not is_thinned(connection, ids, first):
                until = reach(connection, ids, first, last, most)
                found = points(connection, ids, memories, first, until)
                if len(found) > most:
                    until = found[most].time
                    found = [point for point in found if point.time < until]
                return Series("raw", found, until if until < last else None)
        return self.series(device, quantity, start, end, "quarter", most)

    def page_end(self, period: str, start: datetime, end: datetime, most: int = POINTS) -> datetime:
        """`end`, or the boundary before it by which there are nearly `most` periods."""
        until = min(end, start + (most - 2) * SHORTEST[period])
        first, last = (start - EPOCH) // MS, (until - EPOCH) // MS
        edges = boundaries(first, last, period, self.zone, most)
        return end if until == end else EPOCH + edges[-1] * MS

    def catalog(self, device: str = "") -> list[Known]:
        """All that was ever told, by device and quantity; or of one device."""
        return catalog(self._archive, device)

    def energy(
        self,
        device: str,
        register: str,
        period: str,
        start: datetime,
        end: datetime,
        most: int = POINTS,
    ) -> list[Span]:
        """What flowed in each quarter, hour, day, week, month or year that shares time with
        start..end; a period before the first or after the last value is not told.

        Neighbours share the value at their boundary, the last one told by then, so their sum misses
        nothing; what lies between two meters is nobody's. ValueError for too many periods, a period
        that is none, and a quantity that is no register.
        """
        if not is_register(register):
            raise ValueError(f"{register} is no register: ask for its series")
        if not (edges := self._edges(period, start, end, most)):
            return []
        with self._archive.look(device, register, 0, EVER) as (connection, memories):
            ids = ids_of(connection, device, register, memories)
            return _spans(connection, ids, memories, edges, period)

    def sums(
        self,
        device: str,
        quantity: str,
        period: str,
        start: datetime,
        end: datetime,
        most: int = POINTS,
    ) -> list[Sum]:
        """What a gauge of closed quarters, each stamped at its end, adds up to in each period that
        shares time with start..end; one of which nothing was told is left out. ValueError as for
        `energy`.
        """
        if not (edges := self._edges(period, start, end, most)):
            return []
        stamps = edges[0], edges[-1] + 1  # a quarter that ends with the last period, too
        with self._archive.look(device, quantity, *stamps) as (connection, memories):
            ids = ids_of(connection, device, quantity, memories)
            return sums(connection, ids, memories, edges)

    def _edges(self, period: str, start: datetime, end: datetime, most: int) -> list[int]:
        if period not in COARSE:
            raise ValueError(f"'{period}' is no period: take one of {', '.join(COARSE)}")
        first, last = (start - EPOCH) // MS, (end - EPOCH) // MS
        edges = boundaries(first, last, period, self.zone, most)
        if not edges and last > first:
            raise ValueError(f"more than {most} of period {period}: take a longer one")
        return edges

    def raw(
        self, device: str, quantity: str, start: datetime, end: datetime
    ) -> Iterator[list[Point]]:
        """All that was told with start <= time < end at full resolution, a day at a time."""
        first, last = (start - EPOCH) // MS, (end - EPOCH) // MS
        for begin in range(first, last, 24 * HOUR):
            until = min(begin + 24 * HOUR, last)
            with self._archive.look(device, quantity, begin, until) as (connection, memories):
                ids = ids_of(connection, device, quantity, memories)
                told = points(connection, ids, memories, begin, until)
            if told:
                yield told


def _means(
    connection: sqlite3.Connection, ids: Ids, memories: Memories, edges: Sequence[int]
) -> list[Point]:
    """Steps of a gauge from what was told."""
    found = []
    for segment, series in ids.items():
        memory = memories.get(segment, ([], []))
        times, values = pairs_of(connection, series, memory, edges[0], edges[-1])
        for start, a, b in _cuts(times, edges):
            part = values[a:b]
            found.append(Point(start, sum(part) / len(part), min(part), max(part)))
    return found


def _rolled(
    connection: sqlite3.Connection, ids: Ids, memories: Memories, edges: Sequence[int]
) -> list[Point]:
    """Steps of a gauge from rollups, and what is not packed."""
    found: dict[int, tuple[int, float, float, float]] = {}
    for segment, series in ids.items():
        found |= totals.gauges(connection, series, edges)
        times, values = memories.get(segment, ([], []))
        for start, a, b in _cuts(times, edges):
            part = values[a:b]
            known, low, high, whole = found.get(start, (0, part[0], part[0], 0.0))
            found[start] = known + b - a, min(low, *part), max(high, *part), whole + sum(part)
    return [
        Point(start, whole / known, low, high)
        for start, (known, low, high, whole) in sorted(found.items())
    ]


def _cuts(times: Sequence[int], edges: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(begin, first index, index after the last) of each step with values."""
    at = bisect_left(times, edges[0])
    while at < len(times) and times[at] < edges[-1]:
        number = bisect_right(edges, times[at])
        end = bisect_left(times, edges[number], at)
        yield edges[number - 1], at, end
        at = end


def _spans(
    connection: sqlite3.Connection, ids: Ids, memories: Memories, edges: Sequence[int], step: str
) -> list[Span]:
    """The sum over the segments of a register."""
    flowed: dict[int, Span] = {}
    for segment, series in ids.items():
        memory = memories.get(segment, ([], []))
        if step in FINE:
            pairs = pairs_of(connection, series, memory, edges[0] - HOUR, edges[-1] + 1)
            track = totals.of_values(pairs, edges)
        else:
            track = totals.of_rollups(connection, series, memory, edges)
        for index, (number, gap) in track.items():
            start, end = edges[index], edges[index + 1]
            old = flowed.get(start, Span(start, end, 0.0, 0))
            flowed[start] = Span(start, end, old.number + number, old.gap + gap)
    return [flowed[start] for start in sorted(flowed)]

"""What a register or a gauge says of the periods between given edges (ms), series by series.

The total at an edge is the last value told at or before it, found by one seek; a period's energy is
the difference of its edges' totals.
"""

import json
import math
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from .hours import Pairs
from .rollups import QUARTER, silence

Flow = dict[int, tuple[float, int]]  # period -> energy, ms of silence in it
Told = tuple[int, float]  # ms, value

_EDGES = """
    SELECT p.last_at, p.last, e.first_at, e.first FROM json_each(?2) AS edge
    LEFT JOIN register AS p ON p.series = ?1 AND p.quarter =
        (SELECT max(quarter) FROM register WHERE series = ?1 AND quarter < edge.value)
    LEFT JOIN register AS e ON e.series = ?1 AND e.quarter = edge.value
    ORDER BY edge.key
"""
_ENDS = """
    SELECT first_at, first, last_at, last FROM register WHERE series = ?1 AND quarter IN (
        (SELECT min(quarter) FROM register WHERE series = ?1),
        (SELECT max(quarter) FROM register WHERE series = ?1)) ORDER BY quarter
"""
_GAPS = """
    SELECT first_at - gap, first_at FROM register WHERE series = ?1 AND gap > 0 AND quarter >= ?2
    AND quarter <= (SELECT coalesce(min(quarter), ?3) FROM register
        WHERE series = ?1 AND quarter >= ?3)
"""
_STEPS = """
    SELECT value ->> 0, sum(told), min(low), max(high), sum(sum) FROM json_each(?2) AS step
    CROSS JOIN gauge ON series = ?1 AND quarter >= (value ->> 0) AND quarter < (value ->> 1)
    GROUP BY step.key
"""


def gauges(
    connection: sqlite3.Connection, series: int, edges: Sequence[int]
) -> dict[int, tuple[int, float, float, float]]:
    """begin of a step -> count, low, high, sum, from rollups."""
    steps = json.dumps([[a // QUARTER, b // QUARTER] for a, b in pairwise(edges)])
    rows = connection.execute(_STEPS, (series, steps))
    return {
        quarter * QUARTER: (told, low, high, math.nan if whole is None else whole)
        for quarter, told, low, high, whole in rows
    }  # SQLite's word for a sum of infinities is NULL


def of_rollups(
    connection: sqlite3.Connection, series: int, memory: Pairs, edges: Sequence[int]
) -> Flow:
    """From rollups, and what is not packed."""
    ends = connection.execute(_ENDS, (series,)).fetchall()
    known = [ends[0][:2], ends[-1][2:]] if ends else []
    at, edges = _within(known, memory, edges)
    if not edges:
        return {}
    told: list[Told | None] = []
    quarters = json.dumps([edge // QUARTER for edge in edges])
    rows = connection.execute(_EDGES, (series, quarters))
    for edge, (last_at, before, first_at, number) in zip(edges, rows, strict=True):
        if first_at == edge:
            told.append((edge, number))
        else:
            told.append(None if last_at is None else (last_at, before))
    span = (series, edges[0] // QUARTER, edges[-1] // QUARTER)
    gaps = connection.execute(_GAPS, span).fetchall()
    return _flow(_with(memory, told, edges), known, memory, gaps, at, edges)


def of_values(pairs: Pairs, edges: Sequence[int]) -> Flow:
    """From values in order of time."""
    at, edges = _within([], pairs, edges)
    if not edges:
        return {}
    return _flow(_with(pairs, [None] * len(edges), edges), [], pairs, [], at, edges)


def _within(
    known: Sequence[Told], memory: Pairs, edges: Sequence[int]
) -> tuple[int, Sequence[int]]:
    """The first of the periods that share time with what is known, and their edges: a register that
    fell often has many short segments.
    """
    times = [told[0] for told in known] + memory[0][:1] + memory[0][-1:]
    if not times:
        return 0, []
    first = max(0, bisect_right(edges, min(times)) - 1)
    cut = edges[first : bisect_right(edges, max(times)) + 1]
    return first, cut if len(cut) > 1 else []


def _with(pairs: Pairs, told: Sequence[Told | None], edges: Sequence[int]) -> list[Told | None]:
    """At each edge the later of what is known and the last of these values."""
    times, values = pairs
    found = list(told)
    for index, edge in enumerate(edges):
        at = bisect_right(times, edge) - 1
        known = found[index]
        if at >= 0 and (known is None or times[at] >= known[0]):
            found[index] = times[at], values[at]
    return found


def _flow(
    told: Sequence[Told | None],
    known: Sequence[Told],
    memory: Pairs,
    gaps: Iterable[tuple[int, int]],
    at: int,
    edges: Sequence[int],
) -> Flow:
    """`known`: the first and the last value on disk; those in memory join them. `at`: the number of
    the first period.
    """
    open_values = list(zip(*memory, strict=True))
    begin = min([*known, *open_values[:1]])
    holes = list(gaps)
    before = [end for end in known[1:] if end < (open_values or [end])[0]]
    for one, other in pairwise([*before, *open_values]):
        if silence(one, other):
            holes.append((one[0], other[0]))
    return {
        at + index: ((end or begin)[1] - (start or begin)[1], gap)
        for index, ((start, end), gap) in enumerate(
            zip(pairwise(told), _silent(holes, edges), strict=True)
        )
    }


def _silent(holes: Iterable[tuple[int, int]], edges: Sequence[int]) -> list[int]:
    """ms of each period that lie in holes."""
    found = [0] * (len(edges) - 1)
    for begin, end in holes:
        first = max(0, bisect_right(edges, begin) - 1)
        for index in range(first, min(bisect_left(edges, end), len(found))):
            found[index] += min(edges[index + 1], end) - max(edges[index], begin)
    return found

"""What a register or a gauge says of the periods between given edges (ms), series by series.

The total at an edge is the last value told at or before it, found by one seek; a period's energy is
the difference of its edges' totals.
"""

import json
import sqlite3
from bisect import bisect_right
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
_GAPS = (
    "SELECT first_at - gap, first_at FROM register WHERE series = ? AND gap > 0 AND quarter >= ?"
)
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
    return {quarter * QUARTER: (told, low, high, whole) for quarter, told, low, high, whole in rows}


def of_rollups(
    connection: sqlite3.Connection, series: int, memory: Pairs, edges: Sequence[int]
) -> Flow:
    """From rollups, and what is not packed."""
    ends = connection.execute(_ENDS, (series,)).fetchall()
    first, last = (ends[0][:2], ends[-1][2:]) if ends else (None, None)
    told: list[Told | None] = []
    quarters = json.dumps([edge // QUARTER for edge in edges])
    rows = connection.execute(_EDGES, (series, quarters))
    for edge, (last_at, before, first_at, at) in zip(edges, rows, strict=True):
        if first_at == edge:
            told.append((edge, at))
        else:
            told.append(None if last_at is None else (last_at, before))
    gaps = connection.execute(_GAPS, (series, edges[0] // QUARTER)).fetchall()
    return _flow(_with(memory, told, edges), [first, last], memory, gaps, edges)


def of_values(pairs: Pairs, edges: Sequence[int]) -> Flow:
    """From values in order of time."""
    return _flow(_with(pairs, [None] * len(edges), edges), [], pairs, [], edges)


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
    ends: Sequence[Told | None],
    memory: Pairs,
    gaps: Iterable[tuple[int, int]],
    edges: Sequence[int],
) -> Flow:
    """`ends`: the first and the last value on disk; those in memory join them."""
    open_values = list(zip(*memory, strict=True))
    known = [end for end in ends if end is not None] + open_values[:1] + open_values[-1:]
    if not known:
        return {}
    begin, last = min(known), max(known)
    holes = [hole for hole in gaps if hole[0] < edges[-1]]
    before = [end for end in ends[1:] if end is not None and end < (open_values or [end])[0]]
    for one, other in pairwise([*before, *open_values]):
        if silence(one, other):
            holes.append((one[0], other[0]))
    flow: Flow = {}
    for index, (start, end) in enumerate(pairwise(edges)):
        if begin[0] < end and last[0] >= start:
            risen = (told[index + 1] or begin)[1] - (told[index] or begin)[1]
            gap = sum(max(0, min(end, b) - max(start, a)) for a, b in holes)
            flow[index] = risen, gap
    return flow

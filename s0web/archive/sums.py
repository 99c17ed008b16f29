"""What gauges of closed quarters add up to, period by period.

Such a gauge has one value a quarter, stamped at the quarter's end: a period has those with
begin < time <= end. A value that was told again counts once, as told last, packed or not.
"""

import json
import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from .rollups import QUARTER
from .store import Memories
from .told import Ids

_PACKED = """
    SELECT step.key, count(*), sum(sum) FROM json_each(?2) AS step
    CROSS JOIN gauge ON series = ?1 AND quarter > (value ->> 0) AND quarter <= (value ->> 1)
    GROUP BY step.key
"""
_SOME = """
    SELECT quarter, sum FROM json_each(?2) AS one
    CROSS JOIN gauge ON series = ?1 AND quarter = one.value
"""


class Sum(NamedTuple):
    start: int  # ms
    end: int
    number: float
    quarters: int  # that were told


def sums(
    connection: sqlite3.Connection, ids: Ids, memories: Memories, edges: Sequence[int]
) -> list[Sum]:
    """From rollups, and what is not packed; periods without any quarter are left out."""
    steps = json.dumps([[a // QUARTER, b // QUARTER] for a, b in pairwise(edges)])
    found: dict[int, tuple[int, float]] = {}
    for segment, series in ids.items():
        times, values = memories.get(segment, ([], []))
        fresh = dict(zip((time // QUARTER for time in times), values, strict=True))
        told = [
            (int(step), count, number)
            for step, count, number in connection.execute(_PACKED, (series, steps))
        ]
        if fresh:
            packed = connection.execute(_SOME, (series, json.dumps(list(fresh)))).fetchall()
            changes = [(q, -1, -number) for q, number in packed]
            changes += [(q, 1, number) for q, number in fresh.items()]
            for quarter, count, number in changes:
                step = bisect_left(edges, quarter * QUARTER) - 1
                if 0 <= step < len(edges) - 1:
                    told.append((step, count, number))
        for step, count, number in told:
            before = found.get(step, (0, 0.0))
            found[step] = before[0] + count, before[1] + number
    return [
        Sum(edges[step], edges[step + 1], number, count)
        for step, (count, number) in sorted(found.items())
        if count
    ]

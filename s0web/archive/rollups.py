"""What is kept of a quarter of an hour for ever: of a gauge count, low, high and sum; of a register
its first and last value with their times, and the silence before it.

Quarters are counted from 1970 in UTC, so every time zone's hours and days begin with one.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

QUARTER = 900_000  # ms
HOLE = 7_200_000  # ms of silence after which one no longer knows when energy flowed
PULSE = 0.01  # kWh, m3 ...: a rise up to here leaves nothing to wonder about


class Gauge(NamedTuple):
    quarter: int
    told: int  # values
    low: float
    high: float
    sum: float


class Register(NamedTuple):
    quarter: int
    told: int  # values
    first: float
    first_at: int  # ms
    last: float
    last_at: int  # ms
    gap: int  # ms of silence before the first value, see `silence`; else 0


def gauges(times: Sequence[int], values: Sequence[float]) -> list[Gauge]:
    """Of values in order of time (ms)."""
    return [
        Gauge(quarter, b - a, min(part := values[a:b]), max(part), sum(part))
        for quarter, a, b in _quarters(times)
    ]


def registers(
    times: Sequence[int], values: Sequence[float], before: tuple[int, float] | None
) -> list[Register]:
    """Of values in order of time (ms); `before`: time and value of the one before them."""
    rows = []
    for quarter, a, b in _quarters(times):
        gap = silence(before, (times[a], values[a]))
        before = times[b - 1], values[b - 1]
        rows.append(Register(quarter, b - a, values[a], times[a], before[1], before[0], gap))
    return rows


def silence(before: tuple[int, float] | None, after: tuple[int, float]) -> int:
    """ms between two values of a register if energy flowed in between that nobody can date; else
    0.
    """
    if before is None or after[0] - before[0] <= HOLE or after[1] - before[1] <= PULSE:
        return 0
    return after[0] - before[0]


def _quarters(times: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(quarter, first index, index after its last)."""
    at = 0
    while at < len(times):
        quarter = times[at] // QUARTER
        end = bisect_left(times, (quarter + 1) * QUARTER, at)
        yield quarter, at, end
        at = end

"""The week of the simulated house, which repeats: flows of energy, gas and water, and their sums.

Every flow is a whole number (W, ml/s) and constant within a tick of 2 s, so a sum is a whole number
too (Ws, ml) and is known at any second of any year by one look into a table. Seconds are counted
from EPOCH, a Monday 00:00 UTC.
"""

from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate, chain, repeat
from math import pi, sin
from operator import add, mul, sub
from random import Random
from typing import NamedTuple, Protocol

from .habits import DAY, GAS, L1, L2, L3, WATER, uses

EPOCH = datetime(2018, 1, 1, tzinfo=UTC)  # here all registers are 0
TICK = 2  # s
WEEK = 7 * DAY  # s
TICKS = WEEK // TICK
QUARTER = 900  # s

_FLUTTER = bytes(
    (i & 15) + (i >> 5) for i in range(256)
)  # small things that nobody switches: 0 to 22 W
_SKIES = (
    0.0,
    0.05,
    0.1,
    0.35,
    0.45,
    0.5,
    0.97,
)  # share of the time under clouds, one for each day, shuffled
_RISE, _LIGHT = 20_700, 43_200  # s UTC of sunrise, s of daylight: an equinox in Belgium
_GLIMPSE = 10  # s: how often the sun is looked at
_HIGH_FROM, _HIGH_UNTIL = 6 * 3600, 21 * 3600  # s of a workday, UTC: 7 to 22 h winter time


def is_high(second: int) -> bool:
    """Whether the high tariff is in force."""
    day, second = divmod(second % WEEK, DAY)
    return day < 5 and _HIGH_FROM <= second < _HIGH_UNTIL


class Flow(Protocol):
    def rate(self, second: int) -> int:
        """W or ml/s during this second."""

    def total(self, second: int) -> int:
        """Ws or ml that flowed from EPOCH until this second begins."""


class Course:
    """A flow that repeats each week."""

    def __init__(self, rates: Iterable[int]) -> None:
        sums = accumulate(map(mul, rates, repeat(TICK)), initial=0)
        self._sums: Sequence[int] = array("I", sums)

    def rate(self, second: int) -> int:
        tick = second % WEEK // TICK
        return (self._sums[tick + 1] - self._sums[tick]) // TICK

    def total(self, second: int) -> int:
        week, second = divmod(second, WEEK)
        tick, rest = divmod(second, TICK)
        before = self._sums[tick]
        return week * self._sums[-1] + before + (self._sums[tick + 1] - before) * rest // TICK


class Party:
    """A table grill on some Saturday evenings, on L3, and the one flow by which weeks differ.

    It begins and ends with a quarter-hour, after sunset, in the low tariff: so it is all imported.
    """

    START, SECONDS = 5 * DAY + 18 * 3600, 3600
    QUARTERS = range(START // QUARTER, (START + SECONDS) // QUARTER)  # of the week

    def __init__(self, rng: Random) -> None:
        self._watts = [rng.randrange(1500, 4400) if rng.random() < 0.4 else 0 for _ in range(53)]
        self._sums = list(accumulate((watts * self.SECONDS for watts in self._watts), initial=0))

    def watts(self, week: int) -> int:
        return self._watts[week % len(self._watts)]

    def rate(self, second: int) -> int:
        week, second = divmod(second, WEEK)
        return self.watts(week) if 0 <= second - self.START < self.SECONDS else 0

    def total(self, second: int) -> int:
        week, second = divmod(second, WEEK)
        cycles, week = divmod(week, len(self._watts))
        lasted = min(max(second - self.START, 0), self.SECONDS)
        return cycles * self._sums[-1] + self._sums[week] + self._watts[week] * lasted


class Week(NamedTuple):
    """All flows; the party is in none of the others."""

    phases: tuple[Sequence[int], Sequence[int], Sequence[int]]  # net W per tick, import positive
    solar: Sequence[int]  # W per tick
    consumption: Course
    imported: Course  # when the phases together import
    import_high: Course  # the part of it in the high tariff
    exported: Course
    export_high: Course
    gas: Course
    water: Course
    party: Party


@lru_cache(maxsize=4)
def week(seed: int) -> Week:
    """Always the same for the same seed; takes about a quarter of a second the first time."""
    rng = Random(seed)
    loads, gas, water = _household(rng)
    solar = array("h", _sun(rng))  # one inverter, on L2
    phases = (loads[L1], array("h", map(sub, loads[L2], solar)), loads[L3])
    net = array("h", map(add, map(add, phases[0], phases[1]), phases[2]))
    imported = array("h", map(max, net, repeat(0)))
    exported = array("h", map(sub, imported, net))
    return Week(
        phases=phases,
        solar=solar,
        consumption=Course(map(add, net, solar)),
        imported=Course(imported),
        import_high=Course(_in_high(imported)),
        exported=Course(exported),
        export_high=Course(_in_high(exported)),
        gas=gas,
        water=water,
        party=Party(rng),
    )


def _in_high(rates: "array[int]") -> "array[int]":
    high = array("h", bytes(2 * TICKS))
    for day in range(5):
        span = slice((day * DAY + _HIGH_FROM) // TICK, (day * DAY + _HIGH_UNTIL) // TICK)
        high[span] = rates[span]
    return high


def _household(rng: Random) -> tuple[list[Sequence[int]], Course, Course]:
    """What each phase consumes (W per tick), and gas and water."""
    changes = [array("i", bytes(4 * TICKS + 4)) for _ in (L1, L2, L3, GAS, WATER)]
    for day in range(7):
        for line, start, seconds, amount in uses(rng, day + 1):
            begin = day * DAY + start
            changes[line][begin // TICK] += amount
            changes[line][(begin + seconds) // TICK] -= amount
    rates = [accumulate(change[:TICKS]) for change in changes]
    noise = [rng.randbytes(TICKS).translate(_FLUTTER) for _ in (L1, L2, L3)]
    loads: list[Sequence[int]] = [
        array("h", map(add, rates[phase], noise[phase])) for phase in (L1, L2, L3)
    ]
    return loads, Course(rates[GAS]), Course(rates[WATER])


def _sun(rng: Random) -> Iterable[int]:
    """W per tick of 4 kWp of solar panels."""
    skies = rng.sample(_SKIES, len(_SKIES))
    glimpses = chain.from_iterable(_sunshine(rng, clouds) for clouds in skies)
    return chain.from_iterable(map(repeat, glimpses, repeat(_GLIMPSE // TICK)))


def _sunshine(rng: Random, clouds: float) -> Iterable[int]:
    """W every 10 s of one day: a bell, dented by clouds that come and go."""
    night = repeat(0, _RISE // _GLIMPSE)
    bell, light, target, left = [], 1.0, 1.0, 0
    for step in range(_LIGHT // _GLIMPSE):
        if left == 0:
            covered = rng.random() < clouds
            target = rng.uniform(0.12, 0.45) if covered else rng.uniform(0.93, 1.0)
            left = rng.randint(6, 70)
        left -= 1
        light += (target - light) * 0.2
        bell.append(round(3500 * light * sin(pi * step * _GLIMPSE / _LIGHT) ** 1.25))
    evening = repeat(0, (DAY - _RISE - _LIGHT) // _GLIMPSE)
    return chain(night, bell, evening)

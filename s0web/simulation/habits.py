"""What the simulated household does in one day: uses, each an amount on one line for some seconds.

Electricity is in W on L1, L2 and L3, gas and water in ml/s. Times are UTC; the household lives an
hour ahead, in Belgian winter time, all year. Two days differ by their weekday and by chance.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

L1, L2, L3, GAS, WATER = range(5)
DAY = 86_400  # s
WEEKEND = "67"
WORKDAYS = "12345"
DAILY = WORKDAYS + WEEKEND


class Use(NamedTuple):
    line: int
    start: int  # second of the day
    seconds: int
    amount: int  # W, or ml/s


class Habit(NamedTuple):
    """Something simple: so much, for so many seconds, about these hours of these days."""

    line: int
    amount: int
    shortest: int
    longest: int
    days: str  # 1 = Monday
    hours: tuple[float, ...]


class Program(NamedTuple):
    """A machine that runs through steps of (seconds, W)."""

    line: int
    days: str
    hour: float
    steps: tuple[tuple[int, int], ...]


HABITS = (
    Habit(L1, 2100, 110, 200, DAILY, (5.8, 14.8, 19.4)),  # kettle
    Habit(L2, 1250, 50, 90, DAILY, (5.7, 6.2, 7.0, 12.2)),  # coffee machine
    Habit(L1, 900, 150, 400, DAILY, (11.3, 16.9)),  # microwave oven
    Habit(L3, 1300, 180, 420, DAILY, (6.3,)),  # hair dryer
    Habit(L1, 125, 23_000, 26_000, WORKDAYS, (7.4,)),  # home office
    Habit(L3, 950, 1000, 1700, "6", (9.4,)),  # vacuum cleaner
    Habit(L2, 1500, 900, 1500, "37", (15.2,)),  # iron
    Habit(L1, 70, 4200, 6000, DAILY, (5.4,)),  # lights in the morning
    Habit(L1, 90, 16_000, 19_000, DAILY, (16.6,)),  # lights in the evening, room by room
    Habit(L2, 60, 11_000, 14_000, DAILY, (17.2,)),
    Habit(L3, 45, 6000, 12_000, DAILY, (18.1,)),
    Habit(L2, 140, 9000, 12_500, DAILY, (18.4,)),  # television
    Habit(WATER, 105, 50, 80, DAILY, (1.9, 5.5, 5.9, 6.1, 9.0, 11.5)),  # toilet
    Habit(WATER, 105, 50, 80, DAILY, (14.1, 16.2, 17.9, 19.8, 20.9, 21.3)),
    Habit(WATER, 80, 15, 45, DAILY, (5.6, 5.8, 6.5, 11.1, 12.0)),  # tap
    Habit(WATER, 80, 15, 45, DAILY, (16.5, 17.0, 17.6, 18.2, 20.5)),
    Habit(WATER, 180, 700, 1100, "37", (17.8,)),  # bath, garden
)

HOB = ((180, 1800), *(((24, 1800), (30, 200)) * 22))
OVEN = ((560, 2500), *(((60, 2500), (95, 60)) * 14))
WASHER = ((240, 120), (1080, 2050), *(((14, 320), (22, 40)) * 55), (300, 70), (420, 520))
DISHWASHER = ((300, 70), (840, 1950), (1500, 85), (660, 1950), (900, 25))
DRYER = ((60, 250), *(((330, 2250), (75, 230)) * 8), (240, 220))

PROGRAMS = (
    Program(L3, DAILY, 16.95, HOB),
    Program(L1, "135", 17.05, HOB),
    Program(L3, WEEKEND, 11.0, HOB),
    Program(L2, "2467", 16.75, OVEN),
    Program(L2, "146", 9.1, WASHER),
    Program(L2, "6", 13.6, WASHER),
    Program(L1, "167", 12.4, DRYER),
    Program(L3, "134567", 19.3, DISHWASHER),
)

STANDBY = ((L1, 85), (L2, 55), (L3, 60))
FRIDGES = ((L1, 80, 820, 1650), (L2, 105, 1100, 2300))  # line, W, seconds on, seconds off
HEATING = ((5.0, 7.6, 420, 780), (15.3, 20.8, 480, 900))  # from, until hour; seconds on, off


def uses(rng: Random, weekday: int) -> Iterator[Use]:
    """All uses of one day (weekday 1 = Monday), in no order; each lies within the day."""
    for use in _wishes(rng, str(weekday)):
        start = max(0, use.start)
        yield use._replace(start=start, seconds=min(use.seconds, DAY - start))


def _wishes(rng: Random, day: str) -> Iterator[Use]:
    for line, amount in STANDBY:
        yield Use(line, 0, DAY, amount)
    for fridge in FRIDGES:
        yield from _fridge(rng, *fridge)
    for habit in HABITS:
        if day in habit.days:
            for hour in habit.hours:
                seconds = rng.randint(habit.shortest, habit.longest)
                yield Use(habit.line, _about(rng, hour, day), seconds, habit.amount)
    for program in PROGRAMS:
        if day in program.days:
            yield from _run(program, _about(rng, program.hour, day))
    yield from _showers(rng, day)
    yield from _heating(rng, day)


def _about(rng: Random, hour: float, day: str) -> int:
    """The second of the day near that hour; a weekend's morning is late."""
    late = 1.6 if day in WEEKEND and hour < 9 else 0.0
    return round((hour + late) * 3600) + rng.randint(-600, 600)


def _run(program: Program, start: int) -> Iterator[Use]:
    for seconds, watts in program.steps:
        yield Use(program.line, start, seconds, watts)
        start += seconds


def _fridge(rng: Random, line: int, watts: int, on: int, off: int) -> Iterator[Use]:
    start = rng.randrange(off)
    while start < DAY:
        seconds = round(on * rng.uniform(0.85, 1.15))
        yield Use(line, start, 4, 5 * watts)  # the compressor starts
        yield Use(line, start, seconds, watts)
        start += seconds + round(off * rng.uniform(0.85, 1.15))


def _showers(rng: Random, day: str) -> Iterator[Use]:
    for hour in (5.6, 5.95, 20.1):
        start, seconds = _about(rng, hour, day), rng.randint(260, 420)
        yield Use(WATER, start, seconds, 150)
        yield Use(GAS, start + 8, seconds, 640)


def _heating(rng: Random, day: str) -> Iterator[Use]:
    """The gas boiler fires in turns while its pump runs."""
    for first, last, on, off in HEATING:
        start, end = _about(rng, first, day), _about(rng, last, day)
        yield Use(L3, start, end - start, 45)
        while start < end:
            seconds = round(on * rng.uniform(0.8, 1.2))
            yield Use(GAS, start, seconds, 220)
            start += seconds + round(off * rng.uniform(0.8, 1.2))

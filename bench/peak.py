"""The forecast of the running quarter-hour beside that of the predecessor (digital_meter).

    python -m bench.peak [days, 31] [days known before, 28]

Both get the same telegrams, one a second, of the simulated house from 1 October 2026 on, each week
with other chances, so that none repeats: demand and power in whole W, registers in whole Wh. Ours
knows the minutes of the weeks before, as from an archive; with 0 it begins without a past, and
learns. The predecessor's formula: the last step of 1-0:1.4.0 goes on
until the quarter's end; in the first 5 s the old forecast stays unless the new one is within 1 kW.
What the quarter came to is the house's truth. A jump is between two forecasts for the same quarter,
10 s apart. Then a car charges each evening: when is it warned of for the first and the last time?
"""

import math
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from s0web.energy.quarter import Alarm, Running, Sample
from s0web.simulation.house import House

START = datetime(2026, 10, 1, tzinfo=UTC)
QUARTER, SPAN = 900, 10  # s
LIMITS, CARS = (2500.0, 4000.0), 8
POINTS = {"1/3": 300, "2/3": 600}  # s of the quarter that are over


class Told(NamedTuple):
    second: int  # of the quarter
    sample: Sample


class Predecessor:
    """kW, as its telegrams."""

    def __init__(self) -> None:
        self._demand = self._second = 0.0
        self._forecast = 0.0

    def add(self, second: int, demand: float) -> float:
        step, seconds = demand - self._demand, second - self._second
        self._demand, self._second = demand, second
        if seconds > 0:
            forecast = demand + step / seconds * (QUARTER - second)
            if second >= 5 or abs(forecast - self._forecast) < 1.0:
                self._forecast = forecast
        return self._forecast


class Score:
    """Of one way to forecast."""

    def __init__(self) -> None:
        self.errors: dict[str, list[float]] = {point: [] for point in POINTS}
        self.jump = 0.0
        self._said: list[float] = []

    def add(self, forecast: float) -> None:
        self._said.append(forecast)
        if len(self._said) > SPAN:
            self.jump = max(self.jump, abs(forecast - self._said[-1 - SPAN]))

    def end(self, truth: float) -> None:
        for point, second in POINTS.items():
            self.errors[point].append(abs(self._said[second] - truth))
        self._said.clear()

    def mean(self, point: str) -> float:
        return sum(self.errors[point]) / len(self.errors[point])


def telegrams(house: House, start: datetime, before: float) -> Iterator[Told]:
    """Those of one quarter; the register counts on from that, in kWh."""
    begin = house.at(start)
    before -= begin.energy_import_high + begin.energy_import_low
    for second in range(QUARTER):
        time = start + timedelta(seconds=second)
        truth = house.at(time)
        stamp = time.timestamp()
        counted = before + truth.energy_import_high + truth.energy_import_low
        register = int(counted * 1000 + 1e-6) / 1000
        yield Told(second, Sample(stamp, truth.power, stamp, float(truth.demand), register))


def came_to(house: House, start: datetime) -> float:
    """W: what the quarter from `start` came to."""
    begin, end = house.at(start), house.at(start + timedelta(seconds=QUARTER))
    kwh = (end.energy_import_high - begin.energy_import_high) + (
        end.energy_import_low - begin.energy_import_low
    )
    return kwh * 3.6e6 / QUARTER


def warned(running: Running, begin: datetime, register: float) -> dict[float, float]:
    """Limit in W -> s after which a car is warned of that charges for 2 h, after 30 min without."""
    found: dict[float, float] = {}
    alarms = {limit: Alarm() for limit in LIMITS}
    for second in range(-1800, 7200):
        watts = 300.0 if second < 0 else 7700.0
        stamp = begin.timestamp() + second
        running.add(Sample(stamp, watts, stamp, None, register))
        register += watts / 3.6e6
        for limit, alarm in alarms.items():
            if alarm.judge(running, limit) and second >= 0:
                found.setdefault(limit, second)
    return found


def house_of(quarter: int) -> House:
    """Its weeks are none of those by which anything was chosen."""
    return House(seed=301 + quarter // 672)


def lived(running: Running, days: int) -> None:
    """The minutes before START, as they stand in an archive."""
    for number in range(-days * 1440, 0):
        start = START + timedelta(minutes=number)
        house, minute = house_of(number // 15), int(start.timestamp()) // 60
        kwh = [
            truth.energy_import_high + truth.energy_import_low
            for truth in (house.at(start), house.at(start + timedelta(minutes=1)))
        ]
        running.outlook.experience.add(minute, (kwh[1] - kwh[0]) * 60_000)


def main(days: float, known: int) -> None:
    running, predecessor = Running(), Predecessor()
    lived(running, known)
    ours, theirs, counted = Score(), Score(), 1000.0
    for number in range(-1, round(days * 96)):  # one before them, to warm up
        start = START + timedelta(seconds=number * QUARTER)
        house = house_of(number)
        truth = came_to(house, start)
        for told in telegrams(house, start, counted):
            if running.start:
                running.add(told.sample)
            else:
                running.begin(told.sample)
            said = predecessor.add(told.second, (told.sample.demand or 0.0) / 1000)
            if number >= 0:
                ours.add(running.forecast)
                theirs.add(said * 1000)
        counted += truth / 4000
        if number >= 0:
            for score in (ours, theirs):
                score.end(truth)
    print(f"{round(days * 96)} quarters; mean absolute error of the forecast, W")
    for point in POINTS:
        print(f"  at {point}: {ours.mean(point):.1f}, predecessor {theirs.mean(point):.1f}")
    for point in POINTS:
        part = ours.mean(point) / theirs.mean(point)
        print(f"forecast error by predecessor's at {point}, ratio: {part:.2f}")
    print(f"largest jump within 10 s, W, value: {ours.jump:.0f} (predecessor {theirs.jump:.0f})")
    begin = START + timedelta(days=math.ceil(days))
    for number in range(CARS):
        found = warned(running, begin + timedelta(days=number), counted + number * 100)
        if number in (0, CARS - 1):
            said = ", ".join(f"{s:.0f} s at {limit / 1000:g} kW" for limit, s in found.items())
            print(f"a car of 7.4 kW from a quarter's begin, time {number + 1}: warned after {said}")


if __name__ == "__main__":
    given = [float(text) for text in sys.argv[1:]]
    main(*given[:1] or [31], int(given[1]) if given[1:] else 28)

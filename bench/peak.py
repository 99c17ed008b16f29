"""The forecast of the running quarter-hour beside that of the predecessor (digital_meter).

    python -m bench.peak [days, 31]

Both get the same telegrams, one a second, of the simulated house from 1 October 2026 on: demand and
power in whole W, registers in whole Wh. The predecessor's formula: the last step of 1-0:1.4.0 goes
on until the quarter's end; in the first 5 s the old forecast stays unless the new one is within
1 kW. What the quarter came to is the house's truth. A jump is between two forecasts for the same
quarter, 10 s apart.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from s0web.energy.quarter import Running, Sample
from s0web.simulation.house import House

START = datetime(2026, 10, 1, tzinfo=UTC)
QUARTER, SPAN = 900, 10  # s
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


def telegrams(house: House, start: datetime) -> Iterator[Told]:
    """Those of one quarter."""
    for second in range(QUARTER):
        time = start + timedelta(seconds=second)
        truth = house.at(time)
        stamp = time.timestamp()
        counted = int((truth.energy_import_high + truth.energy_import_low) * 1000 + 1e-6) / 1000
        yield Told(second, Sample(stamp, truth.power, stamp, float(truth.demand), counted))


def came_to(house: House, start: datetime) -> float:
    """W: what the quarter from `start` came to."""
    begin, end = house.at(start), house.at(start + timedelta(seconds=QUARTER))
    kwh = (end.energy_import_high - begin.energy_import_high) + (
        end.energy_import_low - begin.energy_import_low
    )
    return kwh * 3.6e6 / QUARTER


def main(days: float) -> None:
    house, running, predecessor = House(), Running(), Predecessor()
    ours, theirs = Score(), Score()
    for number in range(-1, round(days * 96)):  # one before them, to warm up
        start = START + timedelta(seconds=number * QUARTER)
        for told in telegrams(house, start):
            if running.start:
                running.add(told.sample)
            else:
                running.begin(told.sample)
            said = predecessor.add(told.second, (told.sample.demand or 0.0) / 1000)
            if number >= 0:
                ours.add(running.forecast)
                theirs.add(said * 1000)
        if number >= 0:
            for score in (ours, theirs):
                score.end(came_to(house, start))
    print(f"{round(days * 96)} quarters; mean absolute error of the forecast, W")
    for point in POINTS:
        print(f"  at {point}: {ours.mean(point):.1f}, predecessor {theirs.mean(point):.1f}")
    for point in POINTS:
        part = ours.mean(point) / theirs.mean(point)
        print(f"forecast error by predecessor's at {point}, ratio: {part:.2f}")
    print(f"largest jump within 10 s, W, value: {ours.jump:.0f} (predecessor {theirs.jump:.0f})")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 31)

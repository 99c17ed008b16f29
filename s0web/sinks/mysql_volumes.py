"""EnergyMonitor's table VolumeData: one row for each point and interval, made from the readings.

1. Supply is what the point imported, Usage what it exported: differences of its registers, split at
   the ends of the interval. Times are UTC, the begin of the interval.
2. A row is made of all readings of its interval, once the registers are known beyond its end, and
   again when a late one comes; so a station that is killed midway loses and doubles nothing.
3. Where nothing was told for up to 31 days, the energy is spread evenly; an interval whose energy
   is not known whole has no row.

https://github.com/Nicer82/EnergyMonitor, db.sql
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from typing import NamedTuple

from ..model import Reading
from .mysql_connection import Connection
from .narrow import EPOCH, MS, ROWS, ValueRefused

LOG = logging.getLogger(__name__)
GAP = 31 * 86_400_000  # ms; a longer one is left empty
DAY = 86_400_000  # ms; news further apart is looked at apart
SUPPLY, USAGE, POWER = "energy_import", "energy_export", "power"
TABLE = {
    "VolumeData": """
        `TimeStamp` DATETIME NOT NULL,
        `Point` VARCHAR(64) NOT NULL,
        `NumReads` INT NOT NULL,
        `SupplyWh` DOUBLE NOT NULL,
        `SupplyMaxW` DOUBLE NOT NULL,
        `SupplyMinW` DOUBLE NOT NULL,
        `SupplyAvgW` DOUBLE NOT NULL,
        `UsageWh` DOUBLE NOT NULL,
        `UsageMaxW` DOUBLE NOT NULL,
        `UsageMinW` DOUBLE NOT NULL,
        `UsageAvgW` DOUBLE NOT NULL,
        `TotalAvgW` INT GENERATED ALWAYS AS (round(`SupplyAvgW` - `UsageAvgW`, 0)) VIRTUAL,
        `TotalMaxW` INT GENERATED ALWAYS AS
            (case when `SupplyMaxW` > 0 then `SupplyMaxW` else -`UsageMinW` end) VIRTUAL,
        `TotalMinW` INT GENERATED ALWAYS AS
            (case when `UsageMaxW` > 0 then -`UsageMaxW` else `SupplyMinW` end) VIRTUAL,
        PRIMARY KEY (`TimeStamp`, `Point`),
        KEY `PointTimestampIdx` (`Point`, `TimeStamp`)"""
}
_WRITTEN = (
    *("NumReads", "SupplyWh", "SupplyMaxW", "SupplyMinW", "SupplyAvgW"),
    *("UsageWh", "UsageMaxW", "UsageMinW", "UsageAvgW"),
)
_SERIES = "SELECT `id`, `quantity` FROM `series` WHERE `logger` = %s AND `device` = %s"
_EDGE = "(SELECT {0}(`ts`) FROM `reading` WHERE `series_id` = {1} AND `ts` {2} {3})"
_POINTS = (
    "SELECT `ts`, `value` FROM `reading` WHERE `series_id` = {0} AND `ts` >= {1} AND `ts` <= {2}"
)

Points = Sequence[tuple[int, float]]  # (ms, number) of one series, in order


class Volume(NamedTuple):
    """One interval of one point, in the order of the columns; Wh and W."""

    begin: int  # ms
    reads: int
    supply: tuple[float, float, float, float]  # energy, max, min, mean
    usage: tuple[float, float, float, float]


def volumes(
    supply: Iterable[Points],
    usage: Iterable[Points],
    power: Points,
    begin: int,
    end: int,
    step: int,
) -> list[Volume]:
    """The intervals from begin to end whose energy is known whole; registers in kWh, one series
    for each meter.
    """
    bought, known = _split(supply, begin, end, step)
    sold, known_sold = _split(usage, begin, end, step)
    reads: dict[int, list[float]] = defaultdict(list)
    for ts, watts in power:
        reads[ts // step * step].append(watts)
    return [
        Volume(
            start,
            len(reads.get(start, ())),
            _side(bought[start], [max(watts, 0.0) for watts in reads.get(start, ())], step),
            _side(sold[start], [max(-watts, 0.0) for watts in reads.get(start, ())], step),
        )
        for start, covered in sorted((known or known_sold).items())
        if covered >= step and isfinite(bought[start]) and isfinite(sold[start])
    ]


def _split(
    registers: Iterable[Points], begin: int, end: int, step: int
) -> tuple[dict[int, float], dict[int, int]]:
    """Begin of an interval -> Wh in it, and how many ms of it are known."""
    energy: dict[int, float] = defaultdict(float)
    known: dict[int, int] = defaultdict(int)
    for points in registers:
        for (t0, before), (t1, after) in pairwise(points):
            if t1 - t0 > GAP:
                continue
            per_ms = max(0.0, after - before) * 1000 / (t1 - t0)  # one that fell begins anew
            for start in range(max(t0, begin) // step * step, min(t1, end), step):
                part = min(t1, start + step) - max(t0, start)
                energy[start] += per_ms * part
                known[start] += part
    return energy, known


def _side(energy: float, watts: Sequence[float], step: int) -> tuple[float, float, float, float]:
    mean = energy * 3_600_000 / step
    return energy, max(watts, default=mean), min(watts, default=mean), mean


class Volumes:
    """Follows what was written into the narrow tables; used by one thread."""

    def __init__(self, on: Connection, logger: str, seconds: int) -> None:
        self._on, self._logger, self._step = on, logger, seconds * 1000
        self._refused: set[str] = set()  # points that the log told of

    def follow(self, batch: Sequence[Reading]) -> None:
        """Make the rows on which these readings, written already, have a bearing."""
        news: dict[str, set[int]] = defaultdict(set)
        for reading in batch:
            if "." not in reading.device and {SUPPLY, USAGE, POWER} & reading.values.keys():
                news[reading.device].add((reading.time - EPOCH) // MS)
        for device, times in news.items():
            series = self._series(device)
            for first, last in _spans(sorted(times)):
                self._make(device, series, first, last)

    def _series(self, device: str) -> Mapping[str, list[int]]:
        """Quantity -> ids, one for each meter."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, quantity in self._on.rows(_SERIES, [self._logger, device]):
            found[str(quantity)].append(int(number))
        return found

    def _make(self, point: str, series: Mapping[str, list[int]], first: int, last: int) -> None:
        step, registers = self._step, [*series.get(SUPPLY, ()), *series.get(USAGE, ())]
        edges = [
            (old, new)
            for one in registers
            for old, new in self._on.rows(
                f"SELECT {_EDGE.format('MAX', one, '<', first)}, "
                f"{_EDGE.format('MIN', one, '>', last)}"
            )
        ]
        olds = [old for old, _ in edges if old is not None and first - old <= GAP]
        news = [new for _, new in edges if new is not None and new - last <= GAP]
        begin = min(olds, default=first) // step * step
        end = (max(news, default=last) // step + 1) * step
        made = volumes(
            [self._points(one, begin, end) for one in series.get(SUPPLY, ())],
            [self._points(one, begin, end) for one in series.get(USAGE, ())],
            [point for one in series.get(POWER, ()) for point in self._inside(one, begin, end)],
            begin,
            end,
            step,
        )
        for start in range(0, len(made), ROWS):
            self._write(point, made[start : start + ROWS])

    def _points(self, series: int, begin: int, end: int) -> Points:
        """Its readings from the last one before to the first one after."""
        low = f"COALESCE({_EDGE.format('MAX', series, '<=', begin)}, {begin})"
        high = f"COALESCE({_EDGE.format('MIN', series, '>=', end)}, {end})"
        return self._on.rows(_POINTS.format(series, low, high) + " ORDER BY `ts`")

    def _inside(self, series: int, begin: int, end: int) -> Points:
        return self._on.rows(_POINTS.format(series, begin, end - 1))

    def _write(self, point: str, made: Sequence[Volume]) -> None:
        told = ", ".join(
            f"('{datetime.fromtimestamp(one.begin / 1000, UTC):%Y-%m-%d %H:%M:%S}', %s, "
            f"{one.reads}, {', '.join(map(repr, (*one.supply, *one.usage)))})"
            for one in made
        )
        names = ", ".join(f"`{name}`" for name in _WRITTEN)
        new = ", ".join(f"`{name}` = VALUES(`{name}`)" for name in _WRITTEN)
        try:
            self._on.run(
                f"INSERT INTO `VolumeData` (`TimeStamp`, `Point`, {names}) VALUES {told} "
                f"ON DUPLICATE KEY UPDATE {new}",
                [point] * len(made),
            )
        except ValueRefused as error:
            if point not in self._refused:
                LOG.warning("VolumeData does not take point %s (%s); readings do", point, error)
                self._refused.add(point)


def _spans(times: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of what lies close together."""
    cuts = [n for n, (one, other) in enumerate(pairwise(times), 1) if other - one > DAY]
    return [(part[0], part[-1]) for part in _parts(times, cuts)]


def _parts(times: Sequence[int], cuts: Sequence[int]) -> Iterable[Sequence[int]]:
    return (times[a:b] for a, b in pairwise([0, *cuts, len(times)]))

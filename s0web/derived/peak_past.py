"""What the archive knows of quarter-hours: those of a register, and the highest that were told."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ..archive.query import History
from ..energy.peaks import QUARTER, Flow, Peak, highest, spread
from ..errors import SinkError
from ..inside import Inside
from ..model import Value

LOG = logging.getLogger(__name__)
SLICE = 1_000 * QUARTER  # that are asked for at once
AROUND = timedelta(hours=12)  # before them, and more after: a silence may be longer than a slice
FINE = timedelta(hours=30)  # so much is looked at minute by minute
LONGEST = timedelta(days=400)  # how far back
RETRY = timedelta(seconds=60)
MONTH = 3_100  # quarters of a month, at most
OWN, OF_QUARTER = "peak", "demand_quarter"


def registers(values: Mapping[str, Value]) -> Sequence[str]:
    """What counts the import of a device: one register, or those of its tariffs; () for none."""
    if "energy_import" in values:
        return ("energy_import",)
    tariffs = ("energy_import_high", "energy_import_low")
    return tariffs if all(name in values for name in tariffs) else ()


class Past:
    """Of the grid connection. An archive that cannot be read is asked again after a minute."""

    def __init__(self, inside: Inside, grid: str) -> None:
        self._inside, self._grid = inside, grid
        self._not_before: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        if self._not_before is not None and self._not_before - RETRY <= now < self._not_before:
            return False
        return self._inside.history is not None

    def reach(self, names: Sequence[str], now: datetime) -> tuple[datetime, datetime] | None:
        """When the registers were told first and last; None where that is not known."""
        history = self._inside.history
        if history is None:
            return None
        try:
            known = [k for k in history.catalog(self._grid) if k.quantity in names]
        except SinkError as error:
            self._fail(error, now)
            return None
        if not known:
            return None
        return max(min(k.first for k in known), now - LONGEST), min(k.last for k in known)

    def quarters(
        self, names: Sequence[str], after: datetime, last: datetime, now: datetime
    ) -> list[tuple[datetime, float]] | None:
        """The quarters (end, W) that end after `after`, a slice or more, to that in which `last`
        is: until then the registers were told. None: ask later.
        """
        history = self._inside.history
        if history is None:
            return None
        start, end = after - AROUND, last + timedelta(milliseconds=1)
        try:
            flows = self._flows(history, names, start, end, "minute") if end - start < FINE else []
            if not flows:
                end = min(end, after + SLICE + 3 * AROUND)
                flows = self._flows(history, names, start, end, "quarter")
        except SinkError as error:
            self._fail(error, now)
            return None
        return [(at, watts) for at, watts in spread(flows) if at > after]

    def flowed(
        self, names: Sequence[str], start: datetime, last: datetime, now: datetime
    ) -> float | None:
        """kWh since the quarter began; until `last` the registers were told."""
        found = self.quarters(names, start, last, now) or []
        return next((watts / 4000 for end, watts in found if end == start + QUARTER), None)

    def _flows(
        self, history: History, names: Sequence[str], start: datetime, end: datetime, step: str
    ) -> list[Flow]:
        """None where there is nothing as fine as that."""
        told = history.series(self._grid, "power", start, end, step)
        spoke = {point.time for point in told.points}
        counted: dict[int, float] = defaultdict(float)
        for name in names:
            rose = history.series(self._grid, name, start, end, step)
            if rose.step != step:
                return []
            for point in rose.points:
                counted[point.time] += point.number
        return [
            Flow(
                datetime.fromtimestamp(ms / 1000, UTC), kwh, ms in spoke or (not spoke and kwh > 0)
            )
            for ms, kwh in sorted(counted.items())
        ]

    def minutes(
        self, start: datetime, end: datetime, now: datetime
    ) -> list[tuple[int, float]] | None:
        """Those since 1970, and their mean import in W. None: ask later."""
        history = self._inside.history
        if history is None:
            return None
        try:
            for quantity in ("power", "power_import"):
                told = history.series(self._grid, quantity, start, end, "minute")
                if told.points:
                    break
        except SinkError as error:
            self._fail(error, now)
            return None
        if told.step != "minute":
            return []  # thinned to quarters
        return [(point.time // 60_000, max(point.number, 0.0)) for point in told.points]

    def highest(self, start: datetime, end: datetime, now: datetime) -> Peak | None:
        """Of the quarters that were told of the month from `start` to `end`."""
        history = self._inside.history
        if history is None:
            return None
        first, last = start + QUARTER, end + QUARTER  # a quarter is stamped at its end
        try:
            found = history.series(OWN, OF_QUARTER, first, last, "quarter", MONTH)
        except SinkError as error:
            self._fail(error, now)
            return None
        zone = start.tzinfo
        return highest((datetime.fromtimestamp(p.time / 1000, zone), p.high) for p in found.points)

    def _fail(self, error: SinkError, now: datetime) -> None:
        LOG.warning("peak: the archive cannot be asked now: %s", error)
        self._not_before = now + RETRY

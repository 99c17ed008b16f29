"""What the bot knows of the house at one moment: the station as it is, what flowed in a span."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ..config import Config
from ..errors import StationError
from ..model import Options, Snapshot
from ..station import Station
from .words import Speech

TARIFFS = ("_high", "_low")
Row = tuple[datetime, float]  # start of a period, what flowed in it


class Flowed(NamedTuple):
    """kWh and m3 of a span; None: nothing is known of it."""

    imported: float | None
    exported: float | None
    solar: float | None
    gas: float | None
    water: float | None


class Home:
    def __init__(self, station: Station, config: Config) -> None:
        self.station, self.config = station, config
        self.now: datetime = station.clock.now()
        self.snapshot: Snapshot = station.hub.snapshot()
        name = str(config.sections["s0web"]["timezone"])
        self.zone: tzinfo | None = ZoneInfo(name) if name else None
        self.speech = Speech(str(config.sections["web"]["language"]), self.zone)
        self.roles: Options = config.sections["house"]

    @property
    def main(self) -> str:
        """The device that tells what the house takes: the grid meter, else the first counter."""
        if self.roles["grid"]:
            return str(self.roles["grid"])
        names = (name for name in self.config.sources if self._registers(name, "energy_import"))
        return next(names, "")

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """When a local day begins."""
        local = datetime.combine(day, time(), self.zone)
        return local if self.zone else local.astimezone()

    def flowed(self, start: datetime, end: datetime) -> Flowed:
        """SinkError where the archive cannot be read, StationError where it is not open."""
        solar = [self._solar(name, start, end) for name in self.roles["solar"]]
        known = [number for number in solar if number is not None]
        gas, water = (self.roles[name] or f"{self.roles['grid']}.{name}" for name in _VOLUMES)
        return Flowed(
            self.total(self.main, "energy_import", start, end),
            self.total(self.main, "energy_export", start, end),
            sum(known) if known else None,
            self.total(gas, "volume", start, end),
            self.total(water, "volume", start, end),
        )

    def total(self, device: str, register: str, start: datetime, end: datetime) -> float | None:
        rows = self.rows(device, register, "day", start, end)
        return sum(number for _, number in rows) if rows else None

    def rows(
        self, device: str, register: str, period: str, start: datetime, end: datetime
    ) -> list[Row]:
        """What flowed in each period; of a meter with tariffs, all together."""
        history = self.station.history
        if history is None:
            raise StationError("The archive is not open.")
        found: dict[int, float] = {}
        for name in self._registers(device, register):
            for span in history.energy(device, name, period, start, end):
                found[span.start] = found.get(span.start, 0.0) + span.number
        return [(_time(start), number) for start, number in sorted(found.items())]

    def powers(self, start: datetime, end: datetime) -> list[Row]:
        """Mean power of the main device, W, by quarters; what was told of it."""
        history = self.station.history
        if history is None:
            raise StationError("The archive is not open.")
        points = history.series(self.main, "power", start, end, "quarter").points
        return [(_time(point.time), point.number) for point in points]

    def _solar(self, device: str, start: datetime, end: datetime) -> float | None:
        """What panels gave: their meter may be wired either way."""
        sides = (self.total(device, f"energy_{side}", start, end) for side in ("import", "export"))
        return max((number for number in sides if number is not None), default=None)

    def _registers(self, device: str, register: str) -> Sequence[str]:
        values = self.snapshot.values.get(device, {})
        if register in values:
            return (register,)
        return tuple(name for end in TARIFFS if (name := f"{register}{end}") in values)


_VOLUMES = ("gas", "water")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _time(ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=ms)

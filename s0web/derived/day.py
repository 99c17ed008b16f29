"""What the archive tells of a day that ended, as the document of energy/daily.py.

Local days are by the clocks of the station's zone, and end where the next one begins.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from ..archive.batches import EPOCH
from ..archive.memory import MS
from ..archive.query import History
from ..energy import daily
from ..energy.booking import evened
from ..energy.peaks import highest
from ..model import Options
from . import meters

DAY, QUARTER = timedelta(days=1), meters.QUARTER
MOST = 100 * 366  # days
LOOKS = (timedelta(hours=1), DAY)  # back, for what a register said last
NAMES = {  # of the meter's registers, as in its document; "+" and "-" where tariffs are not told
    "energy_import_high": "+Day",
    "energy_export_high": "-Day",
    "energy_import_low": "+Night",
    "energy_export_low": "-Night",
    "energy_import": "+",
    "energy_export": "-",
}
COSTS = ("cost_import", "cost_import_low", "cost_export")


class Last(NamedTuple):
    time: datetime
    number: float


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """Where the local day begins, UTC."""
    return datetime.fromtimestamp(
        datetime(day.year, day.month, day.day, tzinfo=zone).timestamp(), UTC
    )


def local(time: datetime, zone: tzinfo | None) -> str:
    return f"{time.astimezone(zone):%Y-%m-%d %H:%M:%S}"


class Day:
    """One that ended."""

    def __init__(self, day: date, history: History, house: Options, zone: tzinfo | None) -> None:
        self.day, self._history, self._zone = day, history, zone
        self.begin, self.end = midnight(day, zone), midnight(day + DAY, zone)
        self._devices = meters.devices(house)
        self._last = {
            (carrier, quantity): last
            for carrier, device in self._devices.items()
            for quantity in meters.REGISTERS[carrier]
            if (last := self._told_last(device, quantity)) is not None
        }

    def document(self) -> dict[str, Any]:
        """As JSON."""
        spoke = [last.time for (carrier, _), last in self._last.items() if carrier == "electricity"]
        first = self.first(self._history, self._devices["electricity"]) or self.begin
        registers = {
            quantity if carrier == "electricity" else f"{quantity} {carrier}": last.number
            for (carrier, quantity), last in self._last.items()
        }
        peaks = {}
        for name, (day, _) in list(daily.columns(self.day).items())[: daily.DAYS]:
            best = highest(self._quarters(day))
            kw, when = (best.power / 1000, best.time) if best else (0.0, None)
            peaks[name] = [round(kw, 3), local(when, self._zone) if when else ""]
        two = [watts / 1000 for _, watts in self._quarters(self.day)[-2:]] or [0.0]
        said = daily.Said(
            registers,
            self._meters(),
            local(max(spoke, default=self.end - timedelta(seconds=1)), self._zone),
            local(first, self._zone),
            peaks,
            (round(two[0], 3), round(two[-1], 3)),
        )
        return daily.document(self.day, self._flowed(), said)

    @staticmethod
    def first(history: History, device: str) -> datetime | None:
        """When the grid meter's registers were told first."""
        return min((k.first for k in history.catalog(device) if k.quantity in NAMES), default=None)

    def _meters(self) -> dict[str, dict[str, Any]]:
        power = {
            name: last.number
            for quantity, name in NAMES.items()
            if (last := self._last.get(("electricity", quantity)))
        }
        found: dict[str, dict[str, Any]] = {"Electricity": {**power, "unit": "kWh"}}
        for carrier in ("gas", "water"):
            if last := self._last.get((carrier, "volume")):
                time = local(last.time, self._zone)
                row = {"value": last.number, "time": time, "unit": "m3"}
                found[carrier.capitalize()] = row
        return found

    def _flowed(self) -> dict[date, dict[str, float]]:
        """Of each day since the year's begin, or since the booking's, up to this one."""
        columns = daily.columns(self.day).values()
        start = midnight(min(first for first, _ in columns), self._zone)
        booked = [self._history.catalog(f"costs.{carrier}") for carrier in self._devices]
        start = min([start, *(known.first - QUARTER for rows in booked for known in rows)])
        span = ("day", start, self.end, MOST)
        found: defaultdict[date, dict[str, float]] = defaultdict(dict)
        for carrier, device in self._devices.items():
            for name in meters.REGISTERS[carrier]:
                key = name if carrier == "electricity" else f"{name} {carrier}"
                for flow in self._history.energy(device, name, *span):
                    found[self._date(flow.start)][key] = flow.number
            parts = {f"cost {carrier}": "cost"}
            if carrier == "electricity":
                parts |= dict(zip(COSTS, COSTS, strict=True))
            for key, name in parts.items():
                for cost in self._history.sums(f"costs.{carrier}", name, *span):
                    found[self._date(cost.start)][key] = cost.number
        return found

    def _quarters(self, day: date) -> list[tuple[datetime, float]]:
        """Of a day, its quarters (begin, W): as the station told them, else as registers show."""
        start, end, most = midnight(day, self._zone), midnight(day + DAY, self._zone), 200
        told = self._history.series(
            "peak", "demand_quarter", start + QUARTER, end + QUARTER, "quarter", most
        )  # each is stamped at its end
        if told.points:
            return [(EPOCH + p.time * MS - QUARTER, p.high) for p in told.points]
        tariffs = ("energy_import_high", "energy_import_low")
        for names in (tariffs, ("energy_import",)):
            flowed: defaultdict[datetime, float] = defaultdict(float)
            for name in names:
                spans = self._history.energy(
                    self._devices["electricity"], name, "quarter", start, end, most
                )
                for span, kwh in zip(spans, evened(spans), strict=True):
                    flowed[EPOCH + span.start * MS] += kwh
            if flowed:
                break
        return [(begin, 4000 * flowed[begin]) for begin in sorted(flowed)]

    def _told_last(self, device: str, quantity: str) -> Last | None:
        """What a register said last in the day; None where it said nothing, or that is thinned."""
        for look in LOOKS:
            start = max(self.begin, self.end - look)
            parts = list(self._history.raw(device, quantity, start, self.end))
            if parts:
                return Last(EPOCH + parts[-1][-1].time * MS, parts[-1][-1].number)
        return None

    def _date(self, ms: int) -> date:
        return (EPOCH + ms * MS).astimezone(self._zone).date()

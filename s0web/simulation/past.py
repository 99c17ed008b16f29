"""The last day of the simulated house, so that a page has something to show at once."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from ..model import Options, Reading
from ..registry import METERS, load
from .house import House, Truth

DAY = timedelta(hours=24)
STEP = timedelta(minutes=1)


def past(house: House, sources: Mapping[str, Options], now: datetime) -> Iterator[Reading]:
    """The power of each source of energy, a Reading for each of the last 1,440 minutes."""
    moment = now - DAY
    while moment < now:
        truth = house.at(moment)
        for device, options in sources.items():
            if (watts := _power(truth, options)) is not None:
                yield Reading(device, moment, {"power": float(watts)})
        moment += STEP


def _power(truth: Truth, options: Options) -> int | None:
    """What such a source measures, W; None where it is no power of this house."""
    kind = options["type"]
    if kind == "modbus":  # three-phase meters are at the grid, others at the inverter
        return truth.power if load(METERS, options["model"]).phases == 3 else -truth.solar
    if kind == "s0":
        return truth.consumption if options["measures"] == "energy" else None
    return truth.power if kind in ("p1", "adc") else None

"""The last day of the simulated house, so that a page has something to show at once."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from ..model import Options, Reading
from .house import House

DAY = timedelta(hours=24)
STEP = timedelta(minutes=1)


def past(house: House, sources: Mapping[str, Options], now: datetime) -> Iterator[Reading]:
    """The power of each source of energy, a Reading for each of the last 1,440 minutes."""
    moment = now - DAY
    while moment < now:
        truth = house.at(moment)
        for device, options in sources.items():
            if options["type"] == "p1":
                yield Reading(device, moment, {"power": float(truth.power)})
            elif options.get("measures") == "energy":
                yield Reading(device, moment, {"power": float(truth.consumption)})
        moment += STEP

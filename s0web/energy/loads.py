"""What a switched load is to the rules: how much it takes, by what it is switched, and its limits.

Thresholds are numbers here: W (% of its power are resolved), or EUR/kWh for the price.
"""

from datetime import datetime
from typing import NamedTuple

from ..model import Options
from .bands import Hours, hours, is_within


class Load(NamedTuple):
    name: str
    power: float  # W
    rule: str  # manual export import price peak clock
    on: float
    off: float
    hold_on: float  # s
    hold_off: float
    minimum_on: float  # s
    minimum_off: float
    daily_minimum: float  # s
    daily_maximum: float
    hours: Hours  # when the rule may have it on; none: always
    priority: int
    safe: str  # on off keep

    @property
    def needs_meter(self) -> bool:
        return self.rule in ("export", "import", "peak")

    def may_run(self, local: datetime) -> bool:
        """Whether it is its time of the day."""
        return not self.hours or is_within(self.hours, local)

    @property
    def enough(self) -> float:
        """W that must be exported, so that it may be switched on and stay on."""
        return max(self.on, self.power + self.off)


def load_of(name: str, options: Options) -> Load:
    """From the options of a [switch:NAME]; ValueError for hours that are none."""
    power = float(options["power"])

    def watts(option: str) -> float:
        threshold = options[option]
        return float(threshold.number * (power / 100 if threshold.is_percent else 1))

    return Load(
        name,
        power,
        options["rule"],
        watts("on"),
        watts("off"),
        options["hold_on"],
        options["hold_off"],
        options["minimum_on"],
        options["minimum_off"],
        options["daily_minimum"] * 60,
        options["daily_maximum"] * 60,
        hours(options["hours"]),
        options["priority"],
        options["safe"],
    )

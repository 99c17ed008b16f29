"""When a load that did not get its daily time must run: in the cheapest hours that are left of the
day, or at its end.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .loads import Load

if TYPE_CHECKING:
    from .relays import Measured

EVENING = 17  # local hour until which the sun may still do it for nothing
STEP = timedelta(minutes=15)


def must_run(load: Load, run_today: float, measured: "Measured") -> bool:
    """Whether it is to run now, since it would not get its daily minimum else."""
    missing = load.daily_minimum - run_today
    if missing <= 0:
        return False
    now, zone = measured.now, measured.local.tzinfo
    quarters = _quarters(now, measured.midnight)
    left = [start for start in quarters if load.may_run(start.astimezone(zone))]
    if sum(_length(start, measured) for start in left) <= missing:
        return True  # the last moment
    if load.rule == "export" and measured.local.hour < EVENING:
        return False
    prices = {start: price for start in left if (price := _price(start, measured)) is not None}
    if len(prices) < len(left):
        return False
    for start in sorted(left, key=lambda start: (prices[start], start)):
        if start == left[0] and start <= now:
            return True
        missing -= _length(start, measured)
        if missing <= 0:
            return False
    return False


def _quarters(now: datetime, midnight: datetime) -> list[datetime]:
    """The beginnings of the quarter-hours from the running one on."""
    start = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    return [start + n * STEP for n in range(-((start - midnight) // STEP))]


def _length(start: datetime, measured: "Measured") -> float:
    """s of a quarter-hour that are still to come."""
    return (start + STEP - max(start, measured.now)).total_seconds()


def _price(start: datetime, measured: "Measured") -> float | None:
    at = max(start, measured.now)
    return next((slot.spot for slot in measured.slots if slot.start <= at < slot.end), None)

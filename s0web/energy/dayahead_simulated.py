"""Day-ahead prices of nowhere: a pure function of time, for the simulated house and for trying out.

Dear evenings, cheaper nights, sunny noons that are at times paid for; each day has a level of its
own.
"""

import math
from datetime import datetime, timedelta, tzinfo
from zlib import crc32

from .price_book import Slot

LENGTH = timedelta(minutes=15)


def price(local: datetime) -> float:
    """EUR/MWh at a local time."""
    hour = local.hour + local.minute / 60
    summer = 0.5 - 0.5 * math.cos(2 * math.pi * (local.timetuple().tm_yday - 10) / 365)
    level = 95 - 30 * summer + 25 * (_chance(local, "level") - 0.5)
    sun = (30 + 70 * summer) * (0.3 + 0.9 * _chance(local, "sun"))
    evening = 55 * (1.4 - summer * 0.5) * _hill(hour, 19.0, 1.8)
    morning = 30 * _hill(hour, 8.0, 1.5)
    night = -20 * _hill(hour, 3.5, 2.5)
    weekend = -15 if local.weekday() >= 5 else 0
    return round(level + evening + morning + night + weekend - sun * _hill(hour, 13.0, 2.3), 2)


def slots(start: datetime, end: datetime, zone: tzinfo | None) -> list[Slot]:
    """The quarter-hours of start..end (UTC)."""
    begins = (start + number * LENGTH for number in range((end - start) // LENGTH))
    return [Slot(t, t + LENGTH, price(t.astimezone(zone)), "simulated") for t in begins]


def _hill(hour: float, top: float, width: float) -> float:
    return math.exp(-(((hour - top) / width) ** 2))


def _chance(local: datetime, of: str) -> float:
    """0 to 1, the same all day."""
    return crc32(f"{of} {local.toordinal()}".encode()) % 1000 / 999

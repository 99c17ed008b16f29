"""Day and night by the clock: the hours of a day/night tariff, weekends and holidays."""

import re
from datetime import datetime

from .holidays import is_holiday

Hours = tuple[tuple[int, int], ...]  # from, to: minutes of the day; over midnight if from > to
_HOURS = re.compile(r"([01]?\d|2[0-4]):([0-5]\d) *- *([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)
DAY = 24 * 60


def hours(text: str) -> Hours:
    """22:00-07:00, 12:00-14:00 -> minutes; ValueError says what is wrong with it."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _HOURS.fullmatch(part)
        minutes = [60 * int(match[i]) + int(match[i + 1]) for i in (1, 3)] if match else []
        if not minutes or max(minutes) > DAY or minutes[0] == minutes[1]:
            raise ValueError(f"'{part[:20]}' is no range of hours such as 22:00-07:00")
        found.append((minutes[0], minutes[1]))
    return tuple(found)


def is_within(ranges: Hours, local: datetime) -> bool:
    minute = 60 * local.hour + local.minute
    return any(
        begin <= minute < end if begin < end else minute >= begin or minute < end
        for begin, end in ranges
    )


def tariff_of(night: Hours, local: datetime) -> str:
    """low at night, at weekends and on holidays of Belgium; else high."""
    low = local.weekday() >= 5 or is_holiday(local.date()) or is_within(night, local)
    return "low" if low else "high"

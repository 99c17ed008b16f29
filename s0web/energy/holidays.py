"""The ten legal holidays of Belgium, on which the night tariff of a day/night contract holds all
day.
"""

from datetime import date, timedelta
from functools import lru_cache

_FIXED = ((1, 1), (5, 1), (7, 21), (8, 15), (11, 1), (11, 11), (12, 25))  # month, day
_AFTER_EASTER = (1, 39, 50)  # days: Easter Monday, Ascension, Whit Monday


def is_holiday(day: date) -> bool:
    return day in holidays(day.year)


@lru_cache(maxsize=8)
def holidays(year: int) -> frozenset[date]:
    sunday = easter(year)
    moving = (sunday + timedelta(days=days) for days in _AFTER_EASTER)
    return frozenset((*(date(year, month, day) for month, day in _FIXED), *moving))


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the computus of Meeus, Jones and Butcher)."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    leaps, odd = divmod(century, 4)
    shift = (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + century - leaps - shift + 15) % 30
    fours, ones = divmod(rest, 4)
    week = (32 + 2 * odd + 2 * fours - moon - ones) % 7
    late = (golden + 11 * moon + 22 * week) // 451
    month, day = divmod(moon + week - 7 * late + 114, 31)
    return date(year, month, day + 1)

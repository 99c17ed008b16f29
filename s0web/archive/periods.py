"""Where local periods begin: days, weeks, months and years by the zone's own rules, shorter ones by
the clock.

Times are ms since 1970. A zone of None is the machine's. Weeks begin on Monday. On the days of a
clock change a day has 23 or 25 hours, and every hour is one.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo

FIXED = {"10s": 10_000, "minute": 60_000, "quarter": 900_000, "hour": 3_600_000}
STEPS = (*FIXED, "day", "week", "month", "year")  # from fine to coarse


def boundaries(start: int, end: int, step: str, zone: tzinfo | None, most: int) -> list[int]:
    """The begins of all periods that share time with start..end, and the end of the last; empty if
    there are more than `most`, or none.
    """
    if end <= start:
        return []
    if step in FIXED:
        width = FIXED[step]
        shift = _shift(start, zone) % width if step == "hour" else 0
        first, last = (start + shift) // width, -((end + shift) // -width)
        if last - first > most:
            return []
        return [number * width - shift for number in range(first, last + 1)]
    day, following = _FIRST[step](_local(start, zone).date()), _FOLLOWING[step]
    found = [_midnight(day, zone)]
    while found[-1] < end:
        if len(found) > most:
            return []
        day = following(day)
        found.append(_midnight(day, zone))
    return found


def fitting(
    start: int, end: int, step: str, zone: tzinfo | None, most: int
) -> tuple[str, list[int]]:
    """The finest step, from `step` on, with no more than `most` periods, and its boundaries."""
    for coarser in STEPS[STEPS.index(step) :]:
        if found := boundaries(start, end, coarser, zone, most):
            return coarser, found
    return STEPS[-1], []


_FIRST: dict[str, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
    "year": lambda day: day.replace(month=1, day=1),
}
_FOLLOWING: dict[str, Callable[[date], date]] = {
    "day": lambda day: day + timedelta(days=1),
    "week": lambda day: day + timedelta(days=7),
    "month": lambda day: (day + timedelta(days=31)).replace(day=1),
    "year": lambda day: day.replace(year=day.year + 1),
}


def _local(ms: int, zone: tzinfo | None) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)


def _shift(ms: int, zone: tzinfo | None) -> int:
    """By how much local time is ahead, ms."""
    offset = _local(ms, zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1000)


def _midnight(day: date, zone: tzinfo | None) -> int:
    """Where clocks skip midnight, the first instant of the day."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)

"""Which day-ahead prices should be known, and when whoever tells them may be asked again.

Prices come by days of the market: Central European, wherever the house is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import groupby
from typing import NamedTuple

from .price_book import Slot

PUBLISHED = time(13)  # local time of the market from which tomorrow's may be there
LATE = time(15)  # from which they should be
FIRST, LONGEST = 60.0, 1800.0  # s until the next try after a failure
SPACING = 10.0  # s between two questions
HOUR, NONE = timedelta(hours=1), timedelta(0)


class Span(NamedTuple):
    start: datetime  # UTC
    end: datetime


@dataclass
class Pace:
    """When to ask next, in monotonic seconds, and whom."""

    due: float = float("-inf")
    provider: int = 0
    failures: int = 0  # of all providers, one after the other

    def failed(self, now: float, providers: int) -> None:
        """The next provider is asked soon; after the last one the wait gets longer each time."""
        self.provider, wait = self.provider + 1, 0.0
        if self.provider >= providers:
            self.provider, wait = 0, min(LONGEST, FIRST * 2 ** min(self.failures, 10))
            self.failures += 1
        self.due = now + wait

    def worked(self, now: float, spacing: float) -> None:
        self.provider, self.failures, self.due = 0, 0, now + spacing


def days(moment: datetime, zone: tzinfo | None, number: int = 1, later: int = 0) -> Span:
    """So many days of the zone, from the one `later` days after that of the moment."""
    first = moment.astimezone(zone).date() + timedelta(days=later)
    last = first + timedelta(days=number)
    begin, end = (datetime.combine(day, time(), zone) for day in (first, last))
    return Span(begin.astimezone(UTC), end.astimezone(UTC))


def is_after(moment: datetime, market: tzinfo, clock: time, delay: float = 0.0) -> bool:
    """Whether it is later in the market's day than `clock` and a delay, s."""
    local = moment.astimezone(market)
    return local >= datetime.combine(local.date(), clock, market) + timedelta(seconds=delay)


def is_whole(slots: Iterable[Slot], span: Span) -> bool:
    """Whether the slots tell every moment of it."""
    parts = (min(slot.end, span.end) - max(slot.start, span.start) for slot in slots)
    told = sum((part for part in parts if part > NONE), NONE)
    return told >= span.end - span.start


def cheapest_hours(slots: Iterable[Slot], after: datetime, most: int) -> list[Slot]:
    """The whole hours that begin then or later and have the lowest mean, the lowest first. `slots`:
    in order of time.
    """
    hours = []
    for begin, part in groupby(slots, lambda slot: slot.start.replace(minute=0, second=0)):
        span, told = Span(begin, begin + HOUR), list(part)
        if begin >= after and is_whole(told, span):
            mean = sum(slot.spot * ((slot.end - slot.start) / HOUR) for slot in told)
            hours.append(Slot(*span, mean, told[0].provider))
    return sorted(hours, key=lambda hour: (hour.spot, hour.start))[:most]

"""The demand of the simulated house: its quarter-hours, and the highest of each month (Belgium)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .week import EPOCH, QUARTER, WEEK, Week

BRUSSELS = ZoneInfo("Europe/Brussels")

MONTHS = 13  # that a Belgian meter remembers

_QUARTERS = WEEK // QUARTER


class Peak(NamedTuple):
    """The highest quarter-hour of one local month, the earliest if several are as high."""

    month: datetime  # its first moment, local
    time: datetime  # the end of that quarter-hour, UTC; while none has ended, the month's start
    power: int  # W, mean import


class Peaks:
    """Quarters are counted from EPOCH; a local month begins with a quarter."""

    def __init__(self, week: Week) -> None:
        self._week = week
        sums = [week.imported.total(QUARTER * number) for number in range(_QUARTERS + 1)]
        once = [(b - a) // QUARTER for a, b in pairwise(sums)]
        self._ring = once + once  # W, without the party
        self._latest: tuple[int, Peak] | None = None  # quarter, what `now` said in it
        self._past: tuple[datetime, tuple[Peak, ...]] | None = None  # month, those before it

    def demand(self, second: int) -> int:
        """W: import since the quarter began, spread over a whole quarter."""
        begin, flows = second - second % QUARTER, (self._week.imported, self._week.party)
        return sum(flow.total(second) - flow.total(begin) for flow in flows) // QUARTER

    def now(self, second: int) -> Peak:
        """The peak of the month so far, of quarters that have ended."""
        quarter, latest = second // QUARTER, self._latest
        if latest is None or latest[0] != quarter:
            month = month_of(EPOCH + timedelta(seconds=second))
            latest = self._latest = quarter, self._highest(month, quarter)
        return latest[1]

    def history(self, t: datetime) -> tuple[Peak, ...]:
        """The peaks of the 13 local months before that of t, oldest first."""
        month, past = month_of(t), self._past
        if past is None or past[0] != month:
            past = self._past = month, tuple(reversed(list(self._before(month))))
        return past[1]

    def _before(self, month: datetime) -> Iterator[Peak]:
        for _ in range(MONTHS):
            end, month = month, month_of(month - timedelta(days=1))
            yield self._highest(month, (end - EPOCH) // timedelta(seconds=QUARTER))

    def _highest(self, month: datetime, end: int) -> Peak:
        """The peak of the quarters from the month's first one to before `end`."""
        first = (month - EPOCH) // timedelta(seconds=QUARTER)
        start = first % _QUARTERS
        span = self._ring[start : start + min(end - first, _QUARTERS)]
        power = max(span, default=0)
        best = first + span.index(power) if span else first - 1
        for week in range(first // _QUARTERS, end // _QUARTERS + 1):
            for quarter in self._week.party.QUARTERS:
                watts = self._ring[quarter] + self._week.party.watts(week)
                if watts > power and first <= week * _QUARTERS + quarter < end:
                    power, best = watts, week * _QUARTERS + quarter
        return Peak(month, EPOCH + timedelta(seconds=(best + 1) * QUARTER), power)


def month_of(t: datetime) -> datetime:
    """The first moment, local, of the local month of t."""
    local = t.astimezone(BRUSSELS)
    return datetime(local.year, local.month, 1, tzinfo=BRUSSELS)

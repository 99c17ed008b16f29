"""What prices are asked for, of whom and when: one question at a time, less often the longer nobody
answers.

Needed are today's, tomorrow's once they are out, and those of past days that someone wished for:
out of the archive, else of a provider together with the days that follow.
"""

import logging
import random
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from ..clock import Clock
from ..energy import price_days
from ..energy.price_book import PriceBook, Slot
from ..energy.price_days import PUBLISHED, SPACING, Pace, Span
from ..errors import SourceError
from ..inside import Inside
from . import price_file
from .price_past import archived
from .price_providers import Provider

LOG = logging.getLogger(__name__)
KEPT = timedelta(days=8)  # that the book goes back
FILED = timedelta(days=2)  # that the file goes back
ALONG = 20  # days that are asked for at once, of the past
HELD = 6  # times so many that the book holds: it is what costs are counted with
SPREAD = 600.0  # s over which stations ask for tomorrow's prices
WISHES = 1_000
KINDS = ("today", "tomorrow", "past")
SIMULATED = "simulated"
NOTHING: tuple[Slot, ...] = ()


class Fetching:
    def __init__(
        self, providers: Sequence[Provider], inside: Inside, clock: Clock, market: tzinfo, key: str
    ) -> None:
        """`key`: of what the prices in the file are: a zone, or SIMULATED."""
        self.market = market
        self.note = ""  # whom the last prices are of, where that is not the first provider
        self.wishes: dict[datetime, None] = {}  # begins of past days
        self._providers, self._inside, self._clock, self._key = providers, inside, clock, key
        self._paces = {what: Pace() for what in KINDS}
        self._reasons: dict[str, dict[str, str]] = {what: {} for what in KINDS}  # by provider
        self._past: deque[datetime] = deque(maxlen=HELD)  # begins of what was fetched last
        is_real = key != SIMULATED
        self._delay = random.uniform(0, SPREAD) if is_real else 0.0
        self._spacing = SPACING if is_real else 0.0

    @property
    def book(self) -> PriceBook:
        return self._inside.book

    @property
    def file(self) -> Path:
        return self._inside.folder / "prices.json"

    def recall(self, now: datetime) -> None:
        """Begin with what the file knows."""
        self.book.slots = ()
        self.book.add(price_file.load(self.file, self._key), now - KEPT)

    def wish(self, moment: datetime) -> None:
        """Someone needs the prices of this day; of today and later they come by themselves."""
        if len(self.wishes) >= WISHES:
            raise ValueError(f"prices of more than {WISHES} days are wished for already")
        day = price_days.days(moment, self.market)
        if day.end <= self._clock.now():
            self.wishes[day.start] = None

    def step(self, now: datetime) -> Sequence[Slot] | None:
        """Ask one provider for what is due; return what is new of past days, None where nothing is
        new at all.
        """
        for what, span in self._missing(now):
            pace = self._paces[what]
            if self._clock.monotonic() >= pace.due:
                return self._ask(what, span, pace, now)
        return None

    def reason(self, what: str) -> str:
        """Why prices are missing after everyone was asked; "" as long as that is not so."""
        return "; ".join(self._reasons[what].values()) if self._paces[what].failures else ""

    def knows(self, day: Span) -> bool:
        return price_days.is_whole(self.book.between(*day), day)

    def _missing(self, now: datetime) -> list[tuple[str, Span]]:
        """What should be known and is not, first what is needed first."""
        today, tomorrow = (price_days.days(now, self.market, later=later) for later in (0, 1))
        found = [] if self.knows(today) else [("today", today)]
        if price_days.is_after(now, self.market, PUBLISHED, self._delay):
            found += [] if self.knows(tomorrow) else [("tomorrow", tomorrow)]
        while self.wishes and self.knows(self._wished()):
            del self.wishes[self._wished().start]
        if self.wishes:
            span = self._wished(ALONG)
            found.append(("past", span._replace(end=min(span.end, today.start))))
        return found

    def _wished(self, number: int = 1) -> Span:
        return price_days.days(next(iter(self.wishes)), self.market, number)

    def _ask(self, what: str, span: Span, pace: Pace, now: datetime) -> Sequence[Slot] | None:
        day = price_days.days(span.start, self.market)
        slots: Sequence[Slot] = archived(self._inside.history, *span) if what == "past" else NOTHING
        if price_days.is_whole(slots, day):
            self._add(slots, what, span, now)
            return None
        provider, reasons = self._providers[pace.provider], self._reasons[what]
        try:
            slots = provider.ask(*span)
            if not price_days.is_whole(slots, day):
                name = f"{day.start.astimezone(self.market):%d %b %Y}"
                raise SourceError(f"{provider.name} does not have those of {name}")
        except SourceError as error:
            reasons[provider.name] = str(error)
            pace.failed(self._clock.monotonic(), len(self._providers))
            if what == "past" and not pace.provider:  # another day may be there
                self.wishes[day.start] = self.wishes.pop(day.start)
            return None
        reasons.pop(provider.name, None)
        pace.worked(self._clock.monotonic(), self._spacing)
        self._add(slots, what, span, now)
        if what == "past":
            return slots
        self.note = "; ".join(reasons.values())
        self._save(now, day)
        return NOTHING

    def _add(self, slots: Sequence[Slot], what: str, span: Span, now: datetime) -> None:
        """The book holds the last days, and what was wished for last."""
        if what == "past":
            self._past.append(span.start)
        self.book.add(slots, min((now - KEPT, *self._past)))

    def _save(self, now: datetime, day: Span) -> None:
        """Where it cannot be kept, a restart asks again."""
        try:
            price_file.save(self.file, self._key, self.book.between(now - FILED, day.end))
        except OSError as error:
            LOG.warning("%s: cannot be written (%s)", self.file, error.strerror)

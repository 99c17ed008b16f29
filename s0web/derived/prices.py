"""Day-ahead prices, as a Source: kept in the station's book, and told as Readings, each at the
begin of its slot.

Command("prices", "fetch", s since 1970) asks for those of a past day of the
house.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..clock import Clock
from ..energy import price_days
from ..energy.price_book import Slot
from ..energy.price_days import LATE
from ..errors import SourceError
from ..inside import Inside
from ..model import Command, Options, Reading, Telling, Totals, Trouble
from .price_fetching import FILED, SIMULATED, Fetching
from .price_past import QUANTITY
from .price_providers import providers

MARKET = "Europe/Brussels"  # Central European time
IDLE, BUSY = 5.0, 1.0  # s between two looks
TICK = timedelta(seconds=1)
EARLIEST = 946_684_800  # 2000, s since 1970


class PriceSource:
    is_amid = False
    patience = math.inf

    def __init__(
        self, sections: Mapping[str, Options], inside: Inside, clock: Clock, totals: Totals
    ) -> None:
        ((self._device, self._options),) = sections.items()
        self.name = f"source:{self._device}"
        self.devices: Sequence[str] = (self._device,)
        self.interval = IDLE
        self._inside, self._clock = inside, clock
        self._fetching: Fetching | None = None
        self._told: datetime | None = None  # begin of the slot that was told last

    def open(self) -> str:
        """Begin with what the file knows; return who is asked."""
        try:
            market = ZoneInfo(MARKET)
        except ZoneInfoNotFoundError:
            text = "the time zones of this machine are missing: install the package tzdata"
            raise SourceError(text) from None
        asked = providers(self._options, market)
        key = SIMULATED if self._options["provider"] == SIMULATED else str(self._options["zone"])
        self._fetching = Fetching(asked, self._inside, self._clock, market, key)
        self._fetching.recall(self._clock.now())
        known = self._inside.snapshot().get(self._device, QUANTITY)
        self._told = known.time if known else None
        return f"asks {', then '.join(provider.name for provider in asked)}"

    def read(self) -> Sequence[Telling]:
        assert self._fetching is not None
        now = self._clock.now()
        past = self._fetching.step(now)
        told = [self._reading(slot) for slot in past or () if slot.start <= now]
        told += [self._reading(slot) for slot in self._begun(now, past is not None)]
        self.interval = BUSY if self._fetching.wishes else IDLE
        return [*told, *self._troubles(self._fetching, now)]

    def obey(self, command: Command) -> Sequence[Telling]:
        if command.verb != "fetch" or self._fetching is None:
            raise ValueError(f"{self._device} cannot {command.verb} now")
        if not EARLIEST <= command.value <= self._clock.now().timestamp():
            raise ValueError(f"there are no prices of the moment {command.value:.0f}")
        moment = datetime.fromtimestamp(command.value, UTC)
        here = price_days.days(moment, self._inside.zone)
        for edge in (here.start, here.end - TICK):  # it may be in two days of the market
            self._fetching.wish(edge)
        return ()

    def close(self) -> None:
        """What is known of now and later is in the file."""
        self._inside.book.slots = ()

    def _begun(self, now: datetime, again: bool) -> list[Slot]:
        """The slots that began since the last one that was told; `again`: with that one, so that it
        is what is known last.
        """
        current = self._inside.book.at(now)
        if current is None:
            return []
        after = max(self._told or current.start, now - FILED)
        slots = self._inside.book.between(after, current.end)
        news = [slot for slot in slots if after < slot.start]
        if not news and (again or self._told is None):
            news = [current]
        self._told = current.start
        return news

    def _reading(self, slot: Slot) -> Reading:
        note = self._fetching.note if self._fetching else ""
        labels = {"provider": slot.provider, "note": note}
        return Reading(self._device, slot.start, {QUANTITY: slot.spot}, labels)

    def _troubles(self, fetching: Fetching, now: datetime) -> list[Trouble]:
        """What is missing though everyone was asked."""
        tomorrow = price_days.days(now, fetching.market, later=1)
        is_late = price_days.is_after(now, fetching.market, LATE)
        if self._inside.book.at(now) is None and (reason := fetching.reason("today")):
            since = max((s.end for s in self._inside.book.slots if s.end <= now), default=None)
            text = f"no day-ahead price is known{self._since(since)}: {reason}"
        elif is_late and not fetching.knows(tomorrow) and (reason := fetching.reason("tomorrow")):
            text = f"tomorrow's day-ahead prices are not known yet: {reason}"
        elif fetching.wishes and (reason := fetching.reason("past")):
            text = f"day-ahead prices of {len(fetching.wishes)} past days are not known: {reason}"
        else:
            return []
        remedy = "They are asked for again; what does not depend on them goes on."
        return [Trouble(self._device, "missing", text, remedy)]

    def _since(self, moment: datetime | None) -> str:
        if moment is None:
            return ""
        return f" since {moment.astimezone(self._inside.zone):%H:%M on %d %b}"

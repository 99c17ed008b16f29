"""The day-ahead prices that are known: slots of a quarter-hour or an hour, of the past days and of
what is to come.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Slot(NamedTuple):
    start: datetime  # UTC
    end: datetime
    spot: float  # EUR/MWh
    provider: str


class PriceBook:
    """Written by one thread, asked by any: what is known is swapped as a whole."""

    def __init__(self) -> None:
        self.slots: tuple[Slot, ...] = ()  # in order of time, none over another

    def add(self, slots: Iterable[Slot], oldest: datetime) -> None:
        """Newer words replace older ones of the same time; what ended by `oldest` goes."""
        news = sorted(slots)
        starts = [slot.start for slot in news]

        def is_replaced(slot: Slot) -> bool:
            index = bisect_left(starts, slot.end) - 1
            return index >= 0 and slot.start < news[index].end

        kept = [slot for slot in self.slots if not is_replaced(slot)]
        self.slots = tuple(sorted(s for s in (*kept, *news) if s.end > oldest))

    def at(self, time: datetime) -> Slot | None:
        slots = self.slots
        index = bisect_right(slots, time, key=lambda slot: slot.start) - 1
        return slots[index] if index >= 0 and time < slots[index].end else None

    def between(self, start: datetime, end: datetime) -> list[Slot]:
        """Those that share time with start..end."""
        slots = self.slots
        first = bisect_right(slots, start, key=lambda slot: slot.end)
        return list(slots[first : bisect_left(slots, end, key=lambda slot: slot.start)])

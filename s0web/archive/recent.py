"""The last 24 hours of every gauge at 10 s, in memory, for the live page (later the archive's open
hours).

A slot holds the mean of what was told in its 10 s; a gauge that told nothing keeps its last value
for up to a minute (pulses tell only changes), then there is a gap.
"""

import math
import threading
from array import array
from collections.abc import Sequence
from datetime import datetime

from ..model import Reading
from ..quantities import QUANTITIES

STEP = 10  # s
SLOTS = 24 * 3600 // STEP
BACK = 2 * 3600 // STEP  # slots that a late value may be behind the newest


class _Ring:
    """One value per slot of absolute time, newest `SLOTS` of them; NaN where nothing is known."""

    def __init__(self) -> None:
        self.means = array("f", [math.nan]) * SLOTS
        self.newest = -1  # absolute slot number
        self._count = 0

    def add(self, slot: int, number: float) -> None:
        if self.newest - slot > BACK:  # the clock was ahead and has been set right
            self.newest, self.means = -1, array("f", [math.nan]) * SLOTS
        if slot > self.newest:
            for gap in (
                range(max(self.newest + 1, slot - SLOTS + 1), slot) if self.newest >= 0 else ()
            ):
                self.means[gap % SLOTS] = math.nan
            self.newest, self._count = slot, 1
            self.means[slot % SLOTS] = number
        elif slot == self.newest:
            self._count += 1
            mean = self.means[slot % SLOTS]
            self.means[slot % SLOTS] = mean + (number - mean) / self._count
        elif slot > self.newest - SLOTS:
            self.means[slot % SLOTS] = number  # late: what came last counts

    def span(self, first: int, last: int, hold: int) -> list[float | None]:
        """The slots first..last; None where nothing is known, the last value held over `hold` slots
        at most.
        """
        told: list[float | None] = []
        held, age = math.nan, 0
        for slot in range(first - hold, last + 1):
            known = self.newest - SLOTS < slot <= self.newest
            value = self.means[slot % SLOTS] if known else math.nan
            if math.isnan(value):
                age += 1
                value = held if age <= hold else math.nan
            else:
                held, age = value, 0
            if slot >= first:
                told.append(None if math.isnan(value) else round(value, 3))
        return told


class Recent:
    """contract: model.Sink, and the page's questions; safe for many threads."""

    name = "sink:recent"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rings: dict[tuple[str, str], _Ring] = {}

    def open(self) -> None:
        """Nothing to connect to."""

    def write(self, batch: Sequence[Reading]) -> None:
        with self._lock:
            for reading in batch:
                slot = int(reading.time.timestamp()) // STEP
                for quantity, number in reading.values.items():
                    if QUANTITIES[quantity].kind == "gauge":
                        ring = self._rings.setdefault((reading.device, quantity), _Ring())
                        ring.add(slot, number)

    def close(self) -> None:
        """Nothing is kept outside memory."""

    def clear(self) -> None:
        """Forget everything: another house begins."""
        with self._lock:
            self._rings.clear()

    def series(
        self, device: str, quantity: str, now: datetime, seconds: int, step: int, hold: int
    ) -> tuple[int, list[float | None]] | None:
        """Time of the first point (epoch s) and the means of each `step` seconds up to now; None if
        never told.

        `hold`: for how many seconds a value that was told stays true without being told again.
        """
        with self._lock:
            ring = self._rings.get((device, quantity))
            if ring is None:
                return None
            width = max(1, step // STEP)
            last = int(now.timestamp()) // STEP
            first = (last - min(seconds, 24 * 3600) // STEP + 1) // width * width
            slots = ring.span(first, last, min(hold // STEP, SLOTS))
        if width == 1:
            return first * STEP, slots
        groups = (slots[i : i + width] for i in range(0, len(slots), width))
        return first * STEP, [_mean(group) for group in groups]


def _mean(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return round(sum(known) / len(known), 3) if known else None

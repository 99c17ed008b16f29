"""The monthly peaks that the capacity tariff of a month looks at: the meter's own where there is
one, else that of computed quarters.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, tzinfo

from ..archive.batches import EPOCH
from ..archive.memory import MS
from ..archive.query import History
from ..energy.booking import evened
from ..energy.capacity import MONTHS
from ..energy.peaks import QUARTER, Peak, highest, month_name, month_start

MOST = 31 * 100 + 2  # quarters of a month


class MonthlyPeaks:
    """Of one grid meter; `own`: what it says itself of past months, by name (2026-10);
    `registers`: those that count its import after a time.
    """

    def __init__(
        self,
        history: History,
        device: str,
        zone: tzinfo | None,
        own: Mapping[str, Peak],
        registers: Callable[[datetime], Iterable[str]],
    ) -> None:
        self.own, self._registers = own, registers
        self._history, self._device, self._zone = history, device, zone
        self._known: dict[datetime, float | None] = {}  # begin of a closed month -> W

    def until(self, time: datetime, first: datetime) -> list[float]:
        """W, of the local month that ends with the quarter that begins at `time`, and of those
        before it, at most twelve; none of before `first`.
        """
        found = []
        end = time + QUARTER
        for _ in range(MONTHS):
            begin = month_start(end - QUARTER, self._zone)
            peak = self._peak(begin, end)
            if peak is not None:
                found.append(peak)
            if begin <= first and month_name(begin - QUARTER, self._zone) not in self.own:
                break
            end = begin
        return found

    def _peak(self, begin: datetime, end: datetime) -> float | None:
        if begin not in self._known:
            own = self.own.get(month_name(begin, self._zone)) or self._told(begin, end)
            best = own or self._computed(begin, end)
            self._known[begin] = best.power if best else None
        return self._known[begin]

    def _told(self, begin: datetime, end: datetime) -> Peak | None:
        """The highest that the meter said in the month; it is stamped at its quarter's end."""
        found = self._history.series(
            self._device, "peak", begin + QUARTER, end + QUARTER, "quarter", MOST
        )
        return highest((EPOCH + p.time * MS, p.high) for p in found.points)

    def _computed(self, begin: datetime, end: datetime) -> Peak | None:
        flowed: dict[datetime, float] = {}
        for register in self._registers(begin):
            spans = self._history.energy(self._device, register, "quarter", begin, end, MOST)
            for span, kwh in zip(spans, evened(spans), strict=True):
                stamp = EPOCH + span.end * MS
                flowed[stamp] = flowed.get(stamp, 0.0) + kwh
        return highest((stamp, 4000 * flowed[stamp]) for stamp in sorted(flowed))

"""What the archive's registers cost, quarter by quarter, as Readings of costs.electricity,
costs.gas and costs.water.

Told in pages. A page ends where a day-ahead price is missing, and before a silence whose end is not
closed yet: energy of a silence is spread over it as a whole.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from ..archive.batches import EPOCH
from ..archive.memory import MS
from ..archive.past import Known
from ..archive.query import History
from ..archive.rollups import HOLE
from ..archive.sums import Sum
from ..energy import booking, capacity, rates
from ..energy.booking import Flow, Span
from ..energy.contract import Contract, in_force, of
from ..energy.peaks import month_start, of_meter
from ..energy.price_book import PriceBook
from ..model import Options, Reading
from . import meters
from .meters import Meter
from .months import MonthlyPeaks
from .price_past import archived

QUARTER = timedelta(minutes=15)
SILENCE = HOLE * MS  # of a register that is well: nothing flowed
LOOK = 700  # quarters of a page: a week
MOST = 2_000  # the same, where a silence makes it longer


class Page(NamedTuple):
    readings: list[Reading]
    until: datetime  # where to go on
    missing: datetime | None  # the first quarter whose day-ahead price is not known
    uncovered: list[datetime]  # quarters for which there is no contract


def contracts_of(sections: Mapping[str, Options]) -> list[Contract]:
    return [of(name, options) for name, options in sections.items()]


def floored(time: datetime) -> datetime:
    """The begin of its quarter."""
    return time - (time - EPOCH) % QUARTER


class Ledger:
    def __init__(
        self,
        history: History,
        contracts: Sequence[Contract],
        house: Options,
        zone: tzinfo | None,
        book: PriceBook,
        labels: Callable[[str], Mapping[str, str]],
        floor: float,
    ) -> None:
        """`labels`: what a device says in words; `floor`: W, as what a month's peak is billed at
        least.
        """
        self.devices = meters.devices(house)
        self._history, self._contracts = history, contracts
        self._zone, self._book, self._labels, self._floor = zone, book, labels, floor
        self._peaks: MonthlyPeaks | None = None
        self._past: PriceBook | None = None  # prices of a page's time, as they were archived

    def meter(self, carrier: str, after: datetime | None = None) -> Meter | None:
        """With the registers that went on after a time; None while it has told nothing."""
        return meters.meter(self._history, carrier, self.devices[carrier], after)

    def booked(self, carrier: str) -> tuple[datetime, datetime] | None:
        """The begin of the first quarter that is booked, and the end of the last."""
        cost = self.told(carrier).get("cost")
        return cost and (floored(cost.first) - QUARTER, floored(cost.last))

    def told(self, carrier: str) -> dict[str, Known]:
        """What was booked of it ever, by quantity."""
        return {known.quantity: known for known in self._history.catalog(f"costs.{carrier}")}

    def costs(self, carrier: str, start: datetime, end: datetime) -> list[Sum]:
        """What is booked for each quarter."""
        most = (end - start) // QUARTER + 1
        return self._history.sums(f"costs.{carrier}", "cost", "quarter", start, end, most)

    def begin(self, carrier: str, meter: Meter) -> datetime:
        """Where booking begins: with the first contract, or with the meter's first word."""
        first = floored(meter.first)
        days = [one.first for one in self._contracts if one.carrier == carrier]
        if None in days:
            return first
        day = min(day for day in days if day is not None)
        return max(first, EPOCH + _midnight(day.year, day.month, day.day, self._zone) * MS)

    def page(
        self,
        carrier: str,
        meter: Meter,
        start: datetime,
        end: datetime,
        most: int = LOOK,
        waits: bool = True,
    ) -> Page:
        """Price the quarters from `start` on, at most so many, or a whole silence; `end`: up to
        there they are closed. Where a day-ahead price is missing it ends, or, if it does not wait,
        leaves that quarter out.
        """
        flows = self._settled(meter, start, end, most)
        self._past = None
        readings: list[Reading] = []
        uncovered, cut, missing = [], start, None
        for time, flow, is_within in flows:
            cut = cut if is_within else time
            contract = in_force(self._contracts, carrier, time.astimezone(self._zone).date())
            if contract is None:
                uncovered.append(time)
                continue
            spot = self._spot(time) if contract.is_dynamic else None
            peaks = self._capacity(contract, meter, time)
            told = booking.booked(contract, time, self._zone, spot, flow, peaks)
            if told is not None:
                readings.append(Reading(f"costs.{carrier}", time + QUARTER, *told))
                continue
            missing = missing or time
            if waits:
                before = [one for one in readings if one.time <= cut]
                return Page(before, cut, missing, uncovered)
        until = flows[-1][0] + QUARTER if flows else start
        return Page(readings, until, missing, uncovered)

    def forget(self) -> None:
        """Look at the peaks of past months again."""
        self._peaks = None

    def silence_begin(self, meter: Meter, time: datetime) -> datetime:
        """Where the silence of a meter began that covers a time; the time itself without one."""
        rows = self._rows(meter, time - MOST * QUARTER, MOST).values()
        return time - (MOST - min(booking.settled(row) for row in rows)) * QUARTER

    def _settled(
        self, meter: Meter, start: datetime, end: datetime, most: int
    ) -> list[tuple[datetime, Flow, bool]]:
        """What flowed in each quarter that can be priced by now, and whether it goes on with a
        silence. A silence is looked at whole; of one of three weeks and more only its end is dated.
        """
        count = min(most, (end - start) // QUARTER)
        while count > 0:
            rows = self._rows(meter, start, count)
            ready = min(booking.settled(row) for row in rows.values())
            whole = (end - start) // QUARTER
            if not ready and count < min(MOST, whole):
                count = min(2 * count, MOST, whole)
                continue
            if not ready and count == MOST:
                ready = count
            even = {register: booking.evened(row) for register, row in rows.items()}
            return [
                (
                    start + index * QUARTER,
                    _flow(meter, even, index),
                    any(index and row[index - 1][3] and row[index][3] for row in rows.values()),
                )
                for index in range(ready)
            ]
        return []

    def _rows(self, meter: Meter, start: datetime, count: int) -> dict[str, list[Span]]:
        """Of each register so many quarters, and the one that follows."""
        registers = (*meter.imported.values(), *meter.exported.values(), meter.volume)
        return {
            register: self._spans(meter.device, register, start, count + 1)
            for register in filter(None, registers)
        }

    def _spans(self, device: str, register: str, start: datetime, count: int) -> list[Span]:
        """One for each quarter; nothing flowed in those that the archive does not tell."""
        end = start + count * QUARTER
        found = self._history.energy(device, register, "quarter", start, end, count + 1)
        known = {span.start: span for span in found}
        first, width = (start - EPOCH) // MS, QUARTER // MS
        return [
            known.get(ms, (ms, ms + width, 0.0, 0))
            for ms in range(first, first + count * width, width)
        ]

    def _spot(self, time: datetime) -> float | None:
        """EUR/MWh by the book, else as it was told at that time."""
        slot = self._book.at(time)
        if slot is None:
            if self._past is None:
                self._past = PriceBook()
                self._past.slots = tuple(archived(self._history, time, time + MOST * QUARTER))
            slot = self._past.at(time)
        return None if slot is None else slot.spot

    def _capacity(self, contract: Contract, meter: Meter, time: datetime) -> float | None:
        """What the peaks cost, in the last quarter of a local month; None in all others."""
        local = time.astimezone(self._zone)
        if (time + QUARTER).astimezone(self._zone).month == local.month:
            return None
        if not capacity.rate_of(contract, local.year):
            return None
        registers = list(meter.imported.values())
        watts = self._months(meter.device).until(time, meter.first)
        begin = month_start(time, self._zone)
        spans = [
            self._history.energy(meter.device, register, "month", begin, time + QUARTER)
            for register in registers
        ]
        offtake = sum(span.number for row in spans for span in row)
        network = offtake * rates.network(contract)
        return capacity.month_cost(contract, watts, self._floor, local.date(), offtake, network)

    def _importing(self, after: datetime) -> list[str]:
        meter = self.meter("electricity", after)
        return [*meter.imported.values()] if meter else []

    def _months(self, device: str) -> MonthlyPeaks:
        if self._peaks is None:
            own = of_meter(self._labels(device).get("peak_history", ""))
            self._peaks = MonthlyPeaks(self._history, device, self._zone, own, self._importing)
        return self._peaks


def _flow(meter: Meter, even: Mapping[str, Sequence[float]], index: int) -> Flow:
    imported, exported = (
        {tariff: even[register][index] for tariff, register in way.items()}
        for way in (meter.imported, meter.exported)
    )
    return Flow(imported, exported, even[meter.volume][index] if meter.volume else 0.0)


def _midnight(year: int, month: int, day: int, zone: tzinfo | None) -> int:
    """ms."""
    return round(datetime(year, month, day, tzinfo=zone).timestamp() * 1000)

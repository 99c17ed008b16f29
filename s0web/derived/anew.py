"""Quarters that are past, priced once more with the contracts as they are now; those too that came
into the archive only after the booking had passed them.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from ..archive.batches import EPOCH
from ..archive.memory import MS
from ..energy.booking import COSTS
from ..model import Reading
from .ledger import LOOK, QUARTER, Ledger, Page, floored


class Task(NamedTuple):
    carrier: str
    start: datetime
    end: datetime
    booked: datetime  # up to there


def task(ledger: Ledger, carrier: str, start: datetime, end: datetime) -> Task | None:
    """What of a range has to be done, with the whole of a silence at its begin; None if nothing."""
    booked, meter = ledger.booked(carrier), ledger.meter(carrier, start)
    if booked is None or meter is None:
        return None
    first = min(booked[0], ledger.begin(carrier, meter))
    start, end = max(floored(start), first), min(end, booked[1])
    if start >= end:
        return None
    return Task(carrier, max(first, ledger.silence_begin(meter, start)), end, booked[1])


def step(ledger: Ledger, todo: Task) -> tuple[Page, Task | None]:
    """A page of it, and what is left. What cannot be priced for want of a day-ahead price keeps
    what it has.
    """
    carrier, start, end, booked = todo
    meter = ledger.meter(carrier, start)
    if meter is None:
        return Page([], start, None, []), None
    last = floored(meter.last)
    closed = min(booked, last) if start < last else booked
    most = min(LOOK, -((end - start) // -QUARTER))
    page = ledger.page(carrier, meter, start, closed, most, waits=False)
    is_over = page.until == start or page.until >= end
    whole = page._replace(readings=_whole(ledger, carrier, page, start))
    return whole, None if is_over else todo._replace(start=page.until)


def pages(ledger: Ledger, carrier: str, start: datetime, end: datetime) -> Iterator[Page]:
    todo = task(ledger, carrier, start, end)
    while todo is not None:
        page, todo = step(ledger, todo)
        yield page


def _whole(ledger: Ledger, carrier: str, page: Page, start: datetime) -> list[Reading]:
    """With 0 for what was told before and is no part of the cost any more."""
    told = ledger.told(carrier)
    zeros = dict.fromkeys((name for name in COSTS[carrier] if name in told), 0.0)
    readings = list(page.readings)
    if page.uncovered:
        booked = {EPOCH + row.start * MS for row in ledger.costs(carrier, start, page.until)}
        gone = (time for time in page.uncovered if time in booked)
        readings += [Reading(f"costs.{carrier}", time + QUARTER, {}) for time in gone]
    whole = (replace(one, values=zeros | dict(one.values)) for one in readings)
    return sorted(whole, key=lambda one: one.time)

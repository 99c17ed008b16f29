"""What the archive kept of the past, as Readings again, in order of time.

Of a time of which only quarter hours are left there is one value for each: of a register its last,
at its time; of a gauge the mean, at the quarter's last millisecond. Labels are not kept.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from ..model import Reading, Value
from .batches import EPOCH
from .hours import Pairs, cut, in_order
from .memory import MS
from .packer import is_register
from .rollups import QUARTER
from .segments import serial_of
from .store import Memories
from .told import ids_of, pairs_of

DAY = timedelta(days=1)
EVER = 1 << 62  # ms


class Known(NamedTuple):
    """A quantity that was told, and when; of a gauge to the quarter of an hour."""

    device: str
    quantity: str
    first: datetime
    last: datetime


class Looks(Protocol):
    """The archive, open or read-only: who can be asked."""

    def look(
        self, device: str, quantity: str, start: int, end: int
    ) -> AbstractContextManager[tuple[sqlite3.Connection, Memories]]:
        """The file and what is not yet packed (start <= ms < end), at one and the same instant."""

    def latest(self) -> Mapping[str, Mapping[str, Value]]:
        """device -> quantity -> what was told last."""

    @property
    def last(self) -> int:
        """The number of the newest Reading that it has."""


def catalog(archive: Looks, device: str = "") -> list[Known]:
    """All that was ever told, by device and quantity; or of one device."""
    found = []
    for name, quantity in _names(archive, device):
        with archive.look(name, quantity, 0, EVER) as (connection, memories):
            ends = [times[end] for times, _ in memories.values() if times for end in (0, -1)]
            for series in ids_of(connection, name, quantity, memories).values():
                ends += _ends(connection, series, is_register(quantity))
        if ends:
            first, last = (EPOCH + end * MS for end in (min(ends), max(ends)))
            found.append(Known(name, quantity, first, last))
    return found


def days(
    archive: Looks,
    start: datetime,
    end: datetime,
    devices: Collection[str] | None = None,
    width: timedelta = DAY,
) -> Iterator[tuple[datetime, list[Reading]]]:
    """What was told with start <= time < end, a UTC day at a time (or a shorter `width` that
    divides it): its begin and the readings; a day without any is left out. `devices`: of these
    alone.

    Values of one device, meter and millisecond are one Reading; gauges join the meter that told
    then, if it was one alone.
    """
    names = [k for k in catalog(archive) if devices is None or k.device in devices]
    if not names:
        return
    first = max(start, min(known.first for known in names))
    last = min(end, max(known.last for known in names) + MS)
    begin = first - (first - EPOCH) % width
    while begin < last:
        span = (max(begin, start) - EPOCH) // MS, (min(begin + width, end) - EPOCH) // MS
        if readings := _readings(archive, names, *span):
            yield begin, readings
        begin += width


def since(archive: Looks, device: str, quantity: str, but: str) -> datetime | None:
    """When a register was first told by another meter than this one; None if never."""
    with archive.look(device, quantity, 0, EVER) as (connection, memories):
        found = []
        for segment, series in ids_of(connection, device, quantity, memories).items():
            if serial_of(segment) != but:
                times = memories.get(segment, ([], []))[0]
                found += [*times[:1], *_ends(connection, series, register=True)]
    return EPOCH + min(found) * MS if found else None


def total(archive: Looks, device: str, quantity: str, meter: str, time: datetime) -> float | None:
    """What the register of a meter said last at that time; None if it had said nothing."""
    end = (time - EPOCH) // MS + 1
    sql = "SELECT max(last_at) FROM register WHERE series = ? AND first_at < ?"
    newest: tuple[int, float] | None = None
    with archive.look(device, quantity, 0, end) as (connection, memories):
        for segment, series in ids_of(connection, device, quantity, memories).items():
            if serial_of(segment) != meter:
                continue
            memory = memories.get(segment, ([], []))
            (last,) = connection.execute(sql, (series, end)).fetchone()
            begin = 0 if last is None else (min(last, end - 1) // QUARTER - 1) * QUARTER
            pairs = _pairs(connection, series, True, memory, begin, end)
            if pairs[0]:
                newest = max(newest or (-1, 0.0), (pairs[0][-1], pairs[1][-1]))
    return None if newest is None else newest[1]


def _names(archive: Looks, device: str) -> list[tuple[str, str]]:
    sql = "SELECT DISTINCT device, quantity FROM series WHERE ?1 IN ('', device)"
    with archive.look("", "", 0, 0) as (connection, _):
        packed = connection.execute(sql, (device,)).fetchall()
    told = {(name, q) for name, values in archive.latest().items() for q in values}
    return sorted({*packed, *(names for names in told if device in ("", names[0]))})


def _ends(connection: sqlite3.Connection, series: int, register: bool) -> list[int]:
    """The times (ms) of the first and the last packed value; [] if there is none."""
    found = []
    for end in ("min", "max"):
        if register:
            sql = (
                "SELECT first_at, last_at FROM register WHERE series = ?1 AND quarter = "
                f"(SELECT {end}(quarter) FROM register WHERE series = ?1)"
            )
            found += [time for row in connection.execute(sql, (series,)) for time in row]
        else:
            sql = f"SELECT {end}(quarter) FROM gauge WHERE series = ?"
            (quarter,) = connection.execute(sql, (series,)).fetchone()
            if quarter is not None:
                found.append(quarter * QUARTER + (QUARTER - 1 if end == "max" else 0))
    return found


def _readings(archive: Looks, names: Collection[Known], start: int, end: int) -> list[Reading]:
    told: dict[tuple[int, str], dict[str, dict[str, float]]] = {}  # -> meter -> values
    gauges: dict[tuple[int, str], dict[str, float]] = {}
    for known in names:
        device, quantity, register = known.device, known.quantity, is_register(known.quantity)
        with archive.look(device, quantity, start, end) as (connection, memories):
            ids = ids_of(connection, device, quantity, memories)
            for segment, series in ids.items():
                memory, serial = memories.get(segment, ([], [])), serial_of(segment)
                for ms, number in zip(
                    *_pairs(connection, series, register, memory, start, end), strict=True
                ):
                    if register:
                        meters = told.setdefault((ms, device), {})
                        meters.setdefault(serial, {})[quantity] = number
                    else:
                        gauges.setdefault((ms, device), {})[quantity] = number
    for place, values in gauges.items():
        meters = told.setdefault(place, {})
        meter = next(iter(meters)) if len(meters) == 1 else ""
        meters[meter] = meters.get(meter, {}) | values
    return [
        Reading(device, EPOCH + ms * MS, values, meter=meter)
        for (ms, device), meters in sorted(told.items(), key=lambda item: item[0])
        for meter, values in meters.items()
    ]


def _pairs(
    connection: sqlite3.Connection,
    series: int,
    register: bool,
    memory: Pairs,
    start: int,
    end: int,
) -> Pairs:
    """The values of a series; of hours that are thinned, those of their quarters."""
    told = pairs_of(connection, series, memory, start, end)
    sql = (
        "SELECT last_at, last FROM register"
        if register
        else f"SELECT quarter * {QUARTER} + {QUARTER - 1}, sum / told FROM gauge"
    )
    thinned = connection.execute(
        f"{sql} WHERE series = ?1 AND quarter BETWEEN ?2 AND ?3 AND NOT EXISTS "
        "(SELECT 1 FROM hour WHERE hour.series = ?1 AND hour = quarter / 4) ORDER BY quarter",
        (series, start // QUARTER, (end - 1) // QUARTER),
    ).fetchall()
    if not thinned:
        return told
    times, values = cut(([row[0] for row in thinned], [row[1] for row in thinned]), start, end)
    return in_order([*times, *told[0]], [*values, *told[1]])

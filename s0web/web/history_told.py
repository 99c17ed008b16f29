"""What the archive told, as documents and as CSV files.

Points come with epoch seconds, as those of /recent; periods with local times. What is no number of
this world (a sum of absurd values) is left out.
"""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from ..archive.query import Span
from ..archive.told import Point
from ..quantities import QUANTITIES
from .documents import iso

EPOCH = datetime.fromisoformat("1970-01-01T00:00Z")
DIGITS = 6
Row = Sequence[object]


class Told(NamedTuple):
    step: str
    points: Mapping[str, list[Point]]  # quantity -> oldest first
    following: datetime | None  # where the next page begins


class Period(NamedTuple):
    start: datetime
    end: datetime
    values: dict[str, float]  # register -> what flowed
    gap: float  # s in which nothing was told, though energy flowed
    is_partial: bool  # the device was not heard from its begin to its end


def time_of(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def series(told: Told) -> list[dict[str, Any]]:
    return [
        {
            "quantity": quantity,
            "unit": QUANTITIES[quantity].unit,
            "kind": QUANTITIES[quantity].kind,
            "columns": (columns := _columns(quantity, told.step)),
            "points": [
                [_seconds(point.time), *(round(n, DIGITS) for n in point[1 : len(columns)])]
                for point in points
                if all(map(math.isfinite, point))
            ],
        }
        for quantity, points in told.points.items()
    ]


def series_file(told: Told, zone: tzinfo | None) -> str:
    """A line for each time, a column for each quantity."""
    word = {"register": "" if told.step == "raw" else " rise"}
    word["gauge"] = "" if told.step == "raw" else " mean"
    head = [f"{q}{word[QUANTITIES[q].kind]}{_unit(q)}" for q in told.points]
    rows: dict[int, list[object]] = {}
    for column, points in enumerate(told.points.values()):
        for point in points:
            if math.isfinite(point.number):
                row = rows.setdefault(point.time, [""] * len(head))
                row[column] = round(point.number, DIGITS)
    lines = ([iso(time_of(ms)), _local(time_of(ms), zone), *rows[ms]] for ms in sorted(rows))
    return _file(["time", "local_time", *head], lines)


def periods(
    flowed: Mapping[str, list[Span]], known: Mapping[str, tuple[datetime, datetime]]
) -> list[Period]:
    """The registers side by side; `known`: when each was told first and last."""
    found: dict[int, Period] = {}
    for register, spans in flowed.items():
        first, last = known[register]
        for span in spans:
            start, end = time_of(span.start), time_of(span.end)
            period = found.get(span.start, Period(start, end, {}, 0.0, False))
            if math.isfinite(span.number):
                period.values[register] = round(span.number, DIGITS)
            found[span.start] = period._replace(
                gap=max(period.gap, span.gap / 1000),
                is_partial=period.is_partial or start < first or last < end,
            )
    return [found[start] for start in sorted(found)]


def energy(told: Iterable[Period], zone: tzinfo | None) -> list[dict[str, Any]]:
    return [
        {
            "start": _day(period.start, zone),
            "end": _day(period.end, zone),
            "values": period.values,
            "gap": period.gap,
            "partial": period.is_partial,
        }
        for period in told
    ]


def energy_file(told: Iterable[Period], registers: Iterable[str], zone: tzinfo | None) -> str:
    names = list(registers)
    lines = (
        [
            _day(period.start, zone),
            _day(period.end, zone),
            *(period.values.get(name, "") for name in names),
            period.gap,
            "yes" if period.is_partial else "no",
        ]
        for period in told
    )
    head = ["start", "end", *(f"{name}{_unit(name)}" for name in names), "gap [s]", "partial"]
    return _file(head, lines)


def _columns(quantity: str, step: str) -> list[str]:
    if step == "raw":
        return ["time", "value"]
    if QUANTITIES[quantity].kind == "register":
        return ["time", "rise"]
    return ["time", "mean", "low", "high"]


def _unit(quantity: str) -> str:
    unit = QUANTITIES[quantity].unit
    return f" [{unit}]" if unit else ""


def _seconds(ms: int) -> float:
    return ms / 1000 if ms % 1000 else ms // 1000


def _local(time: datetime, zone: tzinfo | None) -> str:
    return time.astimezone(zone).isoformat(timespec="milliseconds")


def _day(time: datetime, zone: tzinfo | None) -> str:
    return time.astimezone(zone).isoformat(timespec="seconds")


def _file(head: Row, lines: Iterable[Row]) -> str:
    """Nothing in it is a formula: words of the vocabulary, times and numbers."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return text.getvalue()

"""Answers about day-ahead prices, as slots: ENTSO-E's XML (documentType A44) and energy-charts'
JSON. ValueError, a sentence, for what is neither.

    <Publication_MarketDocument> <TimeSeries>       1 several: other auctions, other days
      <classificationSequence_AttributeInstanceComponent.position>1     2 the lowest one counts
      <curveType>A03</curveType>                    3 what repeats the price before is left out
      <Period> <timeInterval> <start>2026-10-24T22:00Z</start> <end> ...  4 UTC: 23, 24 or 25 hours
        <resolution>PT15M</resolution>              5
        <Point> <position>1</position> <price.amount>85.2</price.amount>  6 EUR/MWh
"""

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from xml.etree import ElementTree

from .price_book import Slot

MOST = 32 * 100  # slots of one period
LENGTHS = {"PT15M": 15, "PT30M": 30, "PT60M": 60, "PT1H": 60}  # minutes
SEQUENCE = "classificationSequence_AttributeInstanceComponent.position"
AGREEMENT = "contract_MarketAgreement.type"
DEAREST = 100_000.0  # EUR/MWh; the auction's own limit is a few thousand
_MINUTE = timedelta(minutes=1)


def entsoe(data: bytes) -> list[Slot]:
    """The slots in order; none where the answer is that there is no data."""
    root = _tree(data)
    name = _name(root)
    if name == "Acknowledgement_MarketDocument":
        return []
    if name != "Publication_MarketDocument":
        raise ValueError(f"is no document of prices, but {name[:60]!r}")
    series = [part for part in root if _name(part) == "TimeSeries"]
    periods = [period for one in series for period in _periods(one)]
    taken: list[Slot] = []
    for period in sorted(periods):
        if not any(slot.start < period.end and period.start < slot.end for slot in taken):
            taken += period.slots
    return sorted(taken)


def energy_charts(data: bytes) -> list[Slot]:
    """{"unix_seconds": [...], "price": [85.2, null, ...], "unit": "EUR / MWh"}"""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    times, prices = (said.get(k) if isinstance(said, dict) else None for k in _LISTS)
    if not isinstance(times, list) or not isinstance(prices, list):
        raise ValueError("has no unix_seconds and price")
    if len(times) != len(prices) or len(times) > MOST:
        raise ValueError(f"has {len(times)} times and {len(prices)} prices")
    if "".join(str(said.get("unit", "EUR/MWh")).split()) != "EUR/MWh":
        raise ValueError(f"is in {str(said['unit'])[:20]!r}, not in EUR/MWh")
    starts = [_epoch(time) for time in times]
    return list(slots_of(list(zip(starts, prices, strict=True)), "energy-charts"))


_LISTS = ("unix_seconds", "price")


def slots_of(told: list[tuple[datetime, float | None]], provider: str) -> Iterator[Slot]:
    """Prices at their begins, as slots of a quarter, half or whole hour: up to the next begin, else
    as long as the one before. A price of None is unknown.
    """
    length = timedelta(minutes=15)
    following = [start for start, _ in told[1:]]
    for index, (start, price) in enumerate(told):
        if index < len(following):
            step = following[index] - start
            if step <= timedelta(0):
                raise ValueError(f"is not in order of time at {start:%Y-%m-%d %H:%M}")
            if step / _MINUTE in LENGTHS.values():
                length = step
        if price is not None:
            yield Slot(start, start + length, _price(price), provider)


class _Period(NamedTuple):
    """One that comes first in order is to be taken first."""

    sequence: int
    length: timedelta
    start: datetime
    end: datetime
    slots: list[Slot]


def _tree(data: bytes) -> ElementTree.Element:
    """Decoded here, so that no declared encoding hides a document type: entities are refused."""
    try:
        text = data.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ValueError("has a document type, which no document of prices has")
        return ElementTree.fromstring(text)
    except (UnicodeDecodeError, ElementTree.ParseError):
        raise ValueError("is not XML, or not all of it") from None


def _periods(series: ElementTree.Element) -> Iterator[_Period]:
    for unit, right in (("currency_Unit.name", "EUR"), ("price_Measure_Unit.name", "MWH")):
        if (said := _text(series, unit)) not in ("", right):
            raise ValueError(f"has prices in {said[:20]!r}, not in EUR/MWh")
    if _text(series, AGREEMENT) not in ("", "A01"):  # A01: day-ahead
        return
    said = _text(series, SEQUENCE)
    sequence = int(said) if re.fullmatch(r"[0-9]{1,6}", said) else 0
    repeats = _text(series, "curveType") != "A01"
    for period in series:
        if _name(period) == "Period":
            yield _period(period, sequence, repeats)


def _period(period: ElementTree.Element, sequence: int, repeats: bool) -> _Period:
    resolution = _text(period, "resolution")
    if resolution not in LENGTHS:
        raise ValueError(f"has slots of {resolution[:20]!r}, not PT15M, PT30M or PT60M")
    length = LENGTHS[resolution] * _MINUTE
    interval = next((part for part in period if _name(part) == "timeInterval"), period)
    start, end = (_moment(_text(interval, name)) for name in ("start", "end"))
    count = (end - start) // length
    if not 0 < count <= MOST:
        raise ValueError(f"has a period of {count} slots")
    told = {}
    for point in period:
        if _name(point) == "Point" and (said := _text(point, "price.amount")):
            told[_position(_text(point, "position"), count)] = _price(said)
    slots, price = [], None
    for number in range(count):
        price = told.get(number + 1, price if repeats else None)
        if price is not None:
            begin = start + number * length
            slots.append(Slot(begin, begin + length, price, "entsoe"))
    return _Period(sequence, length, start, end, slots)


def _name(element: ElementTree.Element) -> str:
    """Without its name space."""
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element, name: str) -> str:
    part = next((part for part in element if _name(part) == name), None)
    return (part.text or "").strip() if part is not None else ""


def _position(text: str, count: int) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= count:
        raise ValueError(f"has a price at position {text[:20]!r} of {count}")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"has a time that is none, {text[:30]!r}") from None
    if moment.tzinfo is None or not 2000 <= moment.year <= 2999:
        raise ValueError(f"has a time that cannot be right, {text[:30]!r}")
    return moment.astimezone(UTC)


def _epoch(seconds: object) -> datetime:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError(f"has a time that is none, {str(seconds)[:30]!r}")
    if not 946_684_800 <= seconds < 32_472_144_000:  # the years 2000 to 2998
        raise ValueError(f"has a time that cannot be right, {str(seconds)[:30]!r}")
    return datetime.fromtimestamp(int(seconds), UTC)


def _price(said: object) -> float:
    try:
        price = float(said) if isinstance(said, str | int | float) else math.nan
    except (ValueError, OverflowError):
        price = math.nan
    if isinstance(said, bool) or not abs(price) <= DEAREST:
        raise ValueError(f"has a price that is none, {str(said)[:30]!r}")
    return price

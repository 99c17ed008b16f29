"""The JSON API's prices: day-ahead, and what a kWh costs by the contract in force."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, current_app, request
from flask_restful import Resource

from ..config import Config
from ..derived.price_past import archived
from ..energy import contract, price_days
from ..energy.contract import Contract
from ..energy.price_book import PriceBook, Slot
from ..energy.price_days import Span
from ..energy.rates import rate
from ..model import Snapshot
from ..station import Station
from . import history_ask
from .documents import Document, iso
from .history_answers import document
from .rest import Api

DEVICE, UNIT = "prices", "EUR/MWh"
CHEAPEST = 3  # hours
LONGEST = timedelta(days=35)
TOMORROW = timedelta(days=2)  # as far as prices are known


def prices_blueprint() -> Blueprint:
    blueprint = Blueprint("prices", __name__)
    Api(blueprint, prefix="/api/v1").add_resource(Prices, "/prices")
    return blueprint


class Prices(Resource):  # type: ignore[misc]
    def get(self) -> Response:
        """Of today and tomorrow, where nothing else is asked for."""
        station: Station = current_app.extensions["station"]
        start, end = days(station)
        try:
            if asked := {name: text for name, text in request.args.items() if text}:
                asked = {"to": iso(end)} | asked if "from" in asked else asked
                now = station.clock.now()
                start, end = history_ask.span(asked, now, _zone(station), TOMORROW)
            if end - start > LONGEST:
                raise ValueError(f"from: prices are told of {LONGEST.days} days at a time.")
        except ValueError as error:
            abort(400, str(error))
        return document(prices_document(station, start, end))


def days(station: Station) -> tuple[datetime, datetime]:
    """Today and tomorrow, as days begin in the house."""
    return price_days.days(station.clock.now(), _zone(station), 2)


def prices_document(station: Station, start: datetime, end: datetime) -> Document:
    """What is known of start..end, at most LONGEST, and what is cheapest of what is to come."""
    now, snapshot, config = station.clock.now(), station.hub.snapshot(), station.config
    sections = config.sections if config else {}
    options, grid = sections.get(DEVICE, {}), sections.get("house", {}).get("grid", "")
    current = station.book.at(now)
    coming = station.book.between(now, now + TOMORROW)
    tariff = snapshot.labels.get(grid, {}).get("tariff", "")
    agreed, zone = _contracts(config), _zone(station)
    return {
        "unit": UNIT,
        "zone": options.get("zone", ""),
        "provider": current.provider if current else options.get("provider", "none"),
        "note": _note(snapshot),
        "from": iso(start),
        "to": iso(end),
        "now": _priced(current, agreed, zone, tariff) if current else None,
        "slots": [_priced(slot, agreed, zone) for slot in _known(station, start, end)],
        "cheapest": [_spot(slot) for slot in price_days.cheapest_hours(coming, now, CHEAPEST)],
    }


def _known(station: Station, start: datetime, end: datetime) -> list[Slot]:
    """Of the book, and what it does not hold of the past, of the archive."""
    slots = station.book.between(start, end)
    if price_days.is_whole(slots, Span(start, min(end, station.clock.now()))):
        return slots
    both = PriceBook()
    both.add(archived(station.history, start, end), start)
    both.add(slots, start)
    return both.between(start, end)


def _priced(
    slot: Slot, agreed: Sequence[Contract], zone: tzinfo | None, tariff: str = ""
) -> dict[str, Any]:
    """With what a kWh costs and brings, where a contract says it."""
    power = contract.in_force(agreed, "electricity", slot.start.astimezone(zone).date())
    told = rate(power, slot.start, zone, slot.spot, tariff) if power else None
    return _spot(slot) | {
        "import": round(told.imported, 6) if told else None,
        "export": round(told.exported, 6) if told else None,
    }


def _spot(slot: Slot) -> dict[str, Any]:
    return {"start": iso(slot.start), "end": iso(slot.end), "spot": round(slot.spot, 4)}


def _contracts(config: Config | None) -> list[Contract]:
    there = config.contracts if config else {}
    return [contract.of(name, options) for name, options in there.items()]


def _note(snapshot: Snapshot) -> str:
    """What is missing, or who told in place of whom."""
    health = snapshot.health.get(DEVICE)
    if health and health.state == "failed":
        return health.text
    return snapshot.labels.get(DEVICE, {}).get("note", "")


def _zone(station: Station) -> tzinfo | None:
    name = station.config.sections["s0web"]["timezone"] if station.config else ""
    return ZoneInfo(name) if name else None

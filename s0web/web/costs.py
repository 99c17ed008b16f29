"""The JSON API's costs: what was booked in local periods, and what energy costs now.

A period's numbers are the sums of its closed quarters; quarters that were not booked are no part of
them. Whoever may change something has the past booked anew.
"""

import csv
import io
from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, current_app, request
from flask_restful import Resource

from ..archive.batches import EPOCH
from ..archive.memory import MS
from ..archive.past import Known
from ..archive.query import COARSE, History
from ..derived.ledger import contracts_of, floored
from ..energy.booking import COSTS
from ..energy.contract import in_force
from ..energy.rates import rate
from ..errors import StationError
from ..model import Command
from ..station import Station
from . import history_ask
from .documents import Document, iso
from .history import USUAL
from .history_answers import attachment, document
from .rest import Api
from .rights import changing

DIGITS = 6
YOUNG = timedelta(seconds=60)  # an older power says nothing of now
BookedBy = Mapping[str, Mapping[str, Known]]  # carrier -> what was booked of it -> when


class Told(NamedTuple):
    periods: dict[int, dict[str, Any]]  # begin, ms -> its document
    totals: dict[str, Any]
    following: datetime | None


def costs_blueprint() -> Blueprint:
    blueprint = Blueprint("costs", __name__)
    api = Api(blueprint, prefix="/api/v1")
    api.add_resource(Costs, "/costs")
    api.add_resource(CostsFile, "/costs.csv")
    api.add_resource(Reprice, "/costs/reprice")
    return blueprint


class Costs(Resource):  # type: ignore[misc]
    def get(self) -> Response:
        """Of each period, and now."""
        station = _station()
        period, start, end = _asked(station)
        known = _booked(_history(station))
        told = _told(_history(station), known, period, start, end)
        return document(_document(station, period, start, end, known, told), told.following, end)


class CostsFile(Resource):  # type: ignore[misc]
    def get(self) -> Response:
        """The same periods for a spreadsheet."""
        station = _station()
        period, start, end = _asked(station)
        history = _history(station)
        told = _told(history, _booked(history), period, start, end)
        text = _file(told, history.zone)
        return attachment(text, f"costs_{period}", start, told.following, end)


class Reprice(Resource):  # type: ignore[misc]
    @changing
    def post(self) -> tuple[Document, int]:
        """Have what was booked from..to priced anew by the contracts as they are now."""
        station = _station()
        try:
            if not request.values.get("from"):
                raise ValueError("from: say the first day to be priced anew, such as 2026-03-01.")
            now, zone = station.clock.now(), _zone(station)
            start, end = history_ask.span(request.values, now, zone, USUAL["day"])
            _check_kept(station, start, now)
        except ValueError as error:
            abort(400, str(error))
        try:
            station.tell(Command("costs", "reprice", start.timestamp(), end.isoformat()))
        except StationError as error:
            abort(503, str(error))
        return {"from": iso(start), "to": iso(end)}, 202


def costs_document(station: Station, period: str, start: datetime, end: datetime) -> Document:
    """ValueError for a period that is none; StationError while the archive is not open."""
    if station.history is None:
        raise StationError("The archive is not open, so costs cannot be told now.")
    history_ask.choice("period", period, COARSE)
    known = _booked(station.history)
    told = _told(station.history, known, period, start, end)
    return _document(station, period, start, end, known, told)


# -- what is asked ---------------------------------------------------------------------------------


def _station() -> Station:
    station: Station = current_app.extensions["station"]
    return station


def _zone(station: Station) -> tzinfo | None:
    name = station.config.sections["s0web"]["timezone"] if station.config else ""
    return ZoneInfo(name) if name else None


def _history(station: Station) -> History:
    if station.history is None:
        abort(503, f"The archive is not open, so costs cannot be told now. {station.sentence()}")
    return station.history


def _asked(station: Station) -> tuple[str, datetime, datetime]:
    try:
        period = history_ask.choice("period", request.args.get("period") or "day", COARSE)
        now, zone = station.clock.now(), _zone(station)
        start, end = history_ask.span(request.args, now, zone, USUAL[period])
    except ValueError as error:
        abort(400, str(error))
    return period, start, end


def _check_kept(station: Station, start: datetime, now: datetime) -> None:
    """Of older hours the archive takes nothing any more."""
    days = station.config.sections["archive"]["keep"] if station.config else 0
    if start <= now - timedelta(days=days):
        raise ValueError(f"from: only the last {days:g} days can be priced anew ([archive] keep).")


# -- what was booked -------------------------------------------------------------------------------


def _booked(history: History) -> BookedBy:
    found = {
        carrier: {k.quantity: k for k in history.catalog(f"costs.{carrier}")} for carrier in COSTS
    }
    return {carrier: known for carrier, known in found.items() if "cost" in known}


def _told(history: History, known: BookedBy, period: str, start: datetime, end: datetime) -> Told:
    costs = [of["cost"] for of in known.values()]
    first = max(start, min((k.first for k in costs), default=end) - timedelta(minutes=15))
    last = min(end, max((k.last for k in costs), default=start))
    if first >= last:
        return Told({}, _totalled({}), None)
    until = history.page_end(period, first, last)
    periods: dict[int, dict[str, Any]] = {}
    totals: dict[str, Any] = {}
    for carrier, of in known.items():
        for quantity in (name for name in COSTS[carrier] if name in of):
            name = quantity if quantity == "cost" else quantity.removeprefix("cost_")
            rows = history.sums(f"costs.{carrier}", quantity, period, first, until)
            for row in rows:
                span = {"start": iso(EPOCH + row.start * MS), "end": iso(EPOCH + row.end * MS)}
                into = periods.setdefault(row.start, span)
                into.setdefault(carrier, {})[name] = round(row.number, DIGITS)
            if rows:
                whole = sum(row.number for row in rows)
                totals.setdefault(carrier, {})[name] = round(whole, DIGITS)
    ordered = {ms: _totalled(periods[ms]) for ms in sorted(periods)}
    return Told(ordered, _totalled(totals), until if until < last else None)


def _totalled(told: dict[str, Any]) -> dict[str, Any]:
    """With the sum of its carriers, after the times."""
    carriers = {name: told[name] for name in COSTS if name in told}
    total = sum((parts.get("cost", 0.0) for parts in carriers.values()), 0.0)
    times = {name: said for name, said in told.items() if name not in carriers}
    return {**times, "total": round(total, DIGITS), **carriers}


def _document(
    station: Station, period: str, start: datetime, end: datetime, known: BookedBy, told: Told
) -> Document:
    agreed = {of["type"] for of in station.config.contracts.values()} if station.config else set()
    return {
        "period": period,
        "from": iso(start),
        "to": iso(end),
        "currency": "EUR",
        "carriers": [name for name in COSTS if name in agreed or name in known],
        "now": _now(station),
        "periods": list(told.periods.values()),
        "totals": told.totals,
        "booked_until": {name: iso(floored(of["cost"].last)) for name, of in known.items()},
    }


def _now(station: Station) -> Document | None:
    """The rates of this moment, and what an hour costs at the present power."""
    if station.config is None:
        return None
    now, zone, snapshot = station.clock.now(), _zone(station), station.hub.snapshot()
    grid = station.config.sections["house"]["grid"]
    contracts = contracts_of(station.config.contracts)
    contract = in_force(contracts, "electricity", now.astimezone(zone).date())
    if contract is None:
        return None
    slot = station.book.at(now)
    tariff = snapshot.labels.get(grid, {}).get("tariff", "")
    told = rate(contract, floored(now), zone, slot.spot if slot else None, tariff)
    if told is None:
        return None
    said: Document = {
        "tariff": told.tariff,
        "import": round(told.imported, DIGITS),
        "export": round(told.exported, DIGITS),
    }
    power = snapshot.get(grid, "power")
    if power is not None and power.time > now - YOUNG:
        per_kwh = told.imported if power.number > 0 else told.exported
        said["per_hour"] = round(power.number / 1000 * per_kwh, DIGITS)
    return said


def _file(told: Told, zone: tzinfo | None) -> str:
    """Nothing in it is a formula: local times and numbers."""
    columns = [
        (carrier, name) for carrier, parts in told.totals.items() if carrier in COSTS
        for name in parts
    ]  # fmt: skip
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [f"{carrier} {name} [EUR]" for carrier, name in columns]
    writer.writerow(["start", "end", "total [EUR]", *names])
    for said in told.periods.values():
        times = [
            datetime.fromisoformat(said[name]).astimezone(zone).isoformat(timespec="seconds")
            for name in ("start", "end")
        ]
        numbers = [said.get(carrier, {}).get(name, "") for carrier, name in columns]
        writer.writerow([*times, said["total"], *numbers])
    return text.getvalue()

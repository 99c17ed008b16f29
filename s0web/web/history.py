"""The JSON API's past: what is known of it, series and energy of a device, as JSON and as CSV."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import Blueprint, Response, abort, current_app, request
from flask_restful import Resource

from ..archive.past import Known
from ..archive.periods import STEPS
from ..archive.query import COARSE, POINTS, History, Series
from ..quantities import QUANTITIES
from ..station import Station
from . import documents, history_ask, history_told
from .history_answers import attachment, document
from .history_told import Period, Told, time_of
from .rest import Api

FEW = 1_000  # points, where no step is asked for
RAW_AND_STEPS = ("raw", *STEPS)  # from fine to coarse
COUNTED = ("kWh", "m3", "GJ")  # units of the registers that are told where none is asked for
TICK = timedelta(milliseconds=1)
DAY = timedelta(days=1)
USUAL = {
    "quarter": DAY,
    "hour": DAY,
    "day": 31 * DAY,
    "week": 92 * DAY,
    "month": 366 * DAY,
    "year": 3_660 * DAY,
}


def history_blueprint() -> Blueprint:
    blueprint = Blueprint("history", __name__)
    api = Api(blueprint, prefix="/api/v1")
    api.add_resource(Catalog, "/history")
    api.add_resource(DeviceSeries, "/history/<string:device>")
    api.add_resource(SeriesFile, "/history/<string:device>.csv")
    api.add_resource(Energy, "/energy/<string:device>")
    api.add_resource(EnergyFile, "/energy/<string:device>.csv")
    return blueprint


class Past(NamedTuple):
    """Of one device."""

    history: History
    device: str
    known: dict[str, Known]  # quantity -> when it was told


class Catalog(Resource):  # type: ignore[misc]
    def get(self) -> Response:
        """Which device told what, and when."""
        devices: dict[str, dict[str, Any]] = {}
        for known in _catalog(_history()):
            quantity = QUANTITIES[known.quantity]
            devices.setdefault(known.device, {})[known.quantity] = {
                "unit": quantity.unit,
                "kind": quantity.kind,
                "first": documents.iso(known.first),
                "last": documents.iso(known.last),
            }
        return document({"devices": devices})


class DeviceSeries(Resource):  # type: ignore[misc]
    def get(self, device: str) -> Response:
        past = _past(device)
        start, end, told = _series(past)
        said = {
            "device": device,
            "from": documents.iso(start),
            "to": documents.iso(end),
            "step": told.step,
            "series": history_told.series(told),
        }
        return document(said, told.following, end)


class SeriesFile(Resource):  # type: ignore[misc]
    def get(self, device: str) -> Response:
        past = _past(device)
        start, end, told = _series(past)
        text = history_told.series_file(told, past.history.zone)
        return attachment(text, f"{device}_{told.step}", start, told.following, end)


class Energy(Resource):  # type: ignore[misc]
    def get(self, device: str) -> Response:
        past = _past(device)
        start, end, flowed = _energy(past)
        said = {
            "device": device,
            "period": flowed.period,
            "from": documents.iso(start),
            "to": documents.iso(end),
            "units": {name: QUANTITIES[name].unit for name in flowed.registers},
            "periods": history_told.energy(flowed.told, past.history.zone),
        }
        return document(said, flowed.following, end)


class EnergyFile(Resource):  # type: ignore[misc]
    def get(self, device: str) -> Response:
        past = _past(device)
        start, end, flowed = _energy(past)
        text = history_told.energy_file(flowed.told, flowed.registers, past.history.zone)
        return attachment(text, f"{device}_energy_{flowed.period}", start, flowed.following, end)


# -- what is asked ---------------------------------------------------------------------------------


def _station() -> Station:
    station: Station = current_app.extensions["station"]
    return station


def _history() -> History:
    station = _station()
    if station.history is None:
        health = station.hub.snapshot().health.get("sink:archive")
        said = health.text if health and health.text else station.sentence()
        abort(503, f"The archive is not open, so the past cannot be told now. {said}")
    return station.history


def _catalog(history: History, device: str = "") -> list[Known]:
    """What this s0web has a word for; another version may have told more."""
    return [known for known in history.catalog(device) if known.quantity in QUANTITIES]


def _past(device: str) -> Past:
    history, configured = _history(), documents.names(_station())
    known = _catalog(history, device)
    if not known and device not in configured:
        there = dict.fromkeys([*configured, *(known.device for known in _catalog(history))])
        names = ", ".join(there) or "none yet"
        abort(404, f"There is no device {device[:40]!r}; there are: {names}.")
    return Past(history, device, {of.quantity: of for of in known})


def _span(past: Past, usual: timedelta) -> tuple[datetime, datetime]:
    return history_ask.span(request.args, _station().clock.now(), past.history.zone, usual)


def _told(known: Sequence[Known], start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The part of a range in which something was told: so much is to be looked through."""
    if not known:
        return start, start
    first, last = min(k.first for k in known), max(k.last for k in known)
    return max(start, first), min(end, last + TICK)


# -- series ----------------------------------------------------------------------------------------


def _series(past: Past) -> tuple[datetime, datetime, Told]:
    try:
        start, end = _span(past, DAY)
        quantities = history_ask.names("quantity", request.args.getlist("quantity"))
        step = request.args.get("step", "")
        if step:
            history_ask.choice("step", step, RAW_AND_STEPS)
    except ValueError as error:
        abort(400, str(error))
    quantities = quantities or _usual(past)
    known = [past.known[name] for name in quantities if name in past.known]
    first, last = _told(known, start, end)
    if first >= last:
        return start, end, Told(step or STEPS[0], {name: [] for name in quantities}, None)
    found = {k.quantity: _points(past, k.quantity, first, last, step) for k in known}
    coarsest = max((one.step for one in found.values()), key=RAW_AND_STEPS.index)
    for name, one in found.items():  # all at the same step
        if one.step != coarsest:
            found[name] = _points(past, name, first, last, coarsest)
    follow = min((one.following for one in found.values() if one.following), default=None)
    points = {
        name: [p for p in found[name].points if follow is None or p.time < follow]
        if name in found
        else []
        for name in quantities
    }
    return start, end, Told(coarsest, points, None if follow is None else time_of(follow))


def _usual(past: Past) -> list[str]:
    """Power, or what the device tells in its place."""
    return [next((name for name in ("power", *QUANTITIES) if name in past.known), "power")]


def _points(past: Past, quantity: str, start: datetime, end: datetime, step: str) -> Series:
    if step == "raw":
        return past.history.page(past.device, quantity, start, end)
    most = POINTS if step else FEW
    return past.history.series(past.device, quantity, start, end, step or STEPS[0], most)


# -- energy ----------------------------------------------------------------------------------------


class Flowed(NamedTuple):
    period: str
    registers: list[str]
    told: list[Period]
    following: datetime | None


def _energy(past: Past) -> tuple[datetime, datetime, Flowed]:
    try:
        period = history_ask.choice("period", request.args.get("period") or "day", COARSE)
        start, end = _span(past, USUAL[period])
        registers = history_ask.names("register", request.args.getlist("register"))
        _refuse_gauges(registers)
    except ValueError as error:
        abort(400, str(error))
    registers = registers or [name for name in past.known if QUANTITIES[name].unit in COUNTED]
    known = {name: past.known[name] for name in registers if name in past.known}
    first, last = _told(list(known.values()), start, end)
    if first >= last:
        return start, end, Flowed(period, registers, [], None)
    until = past.history.page_end(period, first, last)
    flowed = {n: past.history.energy(past.device, n, period, first, until) for n in known}
    told = history_told.periods(flowed, {name: (k.first, k.last) for name, k in known.items()})
    return start, end, Flowed(period, registers, told, until if until < last else None)


def _refuse_gauges(names: Iterable[str]) -> None:
    for name in names:
        if QUANTITIES[name].kind != "register":
            raise ValueError(
                f"register: {name} is momentary and counts nothing; ask /s0/api/v1/history for it, "
                "or for a register such as energy_import."
            )

"""The JSON API, version 1, and what watches and describes it: readings, status, recent, fast,
healthz, readyz, metrics.
"""

from typing import Any

from flask import Blueprint, Response, abort, current_app, jsonify, request
from flask_restful import Resource

from ..archive.recent import SLOTS, STEP
from ..model import Command
from ..quantities import QUANTITIES
from ..station import Station
from . import documents, metrics
from .openapi import openapi
from .rest import Api
from .rights import changing

DAY = SLOTS * STEP  # s
POINTS = 2_000  # at most, of one answer
HOLD = 60  # s for which a value of a meter that speaks by itself stays true
HOLD_PULSES = 3_600  # s, the same for a pulse counter, which tells changes only


def api_blueprint() -> Blueprint:
    blueprint = Blueprint("api", __name__)
    api = Api(blueprint, prefix="/api/v1")
    api.add_resource(Readings, "/readings")
    api.add_resource(DeviceReadings, "/readings/<string:device>")
    api.add_resource(RecentSeries, "/recent/<string:device>")
    api.add_resource(Status, "/status")
    api.add_resource(Fast, "/fast/<string:device>")
    for rule, view in (
        ("/openapi.json", openapi_document),
        ("/healthz", healthz),
        ("/readyz", readyz),
        ("/metrics", prometheus),
    ):
        blueprint.add_url_rule(rule, view_func=view)
    return blueprint


def _station() -> Station:
    station: Station = current_app.extensions["station"]
    return station


class Readings(Resource):  # type: ignore[misc]
    def get(self) -> dict[str, Any]:
        return documents.readings(_station())


class DeviceReadings(Resource):  # type: ignore[misc]
    def get(self, device: str) -> dict[str, Any]:
        station = _station()
        kind = _known(station, device)
        return {"name": device, **documents.device(station.hub.snapshot(), device, kind)}


class RecentSeries(Resource):  # type: ignore[misc]
    def get(self, device: str) -> dict[str, Any]:
        station = _station()
        _known(station, device)
        quantity = request.args.get("quantity", "power")
        if quantity not in QUANTITIES:
            abort(400, f"quantity: {quantity[:40]!r} is not known; see /s0/openapi.json.")
        seconds = _whole("seconds", request.args.get("seconds", str(DAY)), STEP, DAY)
        step = _whole("step", request.args.get("step", "60"), STEP, 3_600) // STEP * STEP
        step = max(step, -(-seconds // POINTS // STEP) * STEP)
        options = station.devices().get(device, {})
        hold = HOLD_PULSES if options.get("type") == "s0" else HOLD
        found = station.recent.series(device, quantity, station.clock.now(), seconds, step, hold)
        start, numbers = found or (0, [])
        return {
            "device": device,
            "quantity": quantity,
            "unit": QUANTITIES[quantity].unit,
            "start": start,
            "step": step,
            "values": numbers,
        }


class Status(Resource):  # type: ignore[misc]
    def get(self) -> dict[str, Any]:
        return documents.status(_station())


class Fast(Resource):  # type: ignore[misc]
    @changing
    def post(self, device: str) -> tuple[dict[str, Any], int]:
        """Have every quantity of a Modbus meter read as often as its fast_interval says, for a
        while.
        """
        station = _station()
        kind = _known(station, device)
        if kind != "modbus":
            abort(400, f"{device} is no Modbus meter; it tells what it has as soon as it can.")
        usual = str(int(station.devices()[device]["fast_seconds"]))
        seconds = _whole("seconds", _wish("seconds", usual), 1, DAY)
        station.tell(Command(device, "fast", seconds, "over HTTP"))
        return {"device": device, "seconds": seconds}, 202


def _known(station: Station, device: str) -> str:
    if station.config is None:
        abort(503, station.sentence())  # no settings yet: nobody knows which devices there are
    kind = documents.names(station).get(device)
    if kind is None:
        there = ", ".join(documents.names(station)) or "none yet"
        abort(404, f"There is no device {device[:40]!r}; there are: {there}.")
    return kind


def _wish(name: str, usual: str) -> str:
    """A value of the form or the JSON object that came with the request, as text."""
    if not request.is_json:
        return request.form.get(name, usual)
    try:
        body = request.get_json(silent=True)
    except RecursionError:  # a thousand lists in each other
        body = None
    if not isinstance(body, dict):
        abort(400, f'The body is no JSON object such as {{"{name}": {usual}}}.')
    return str(body.get(name, usual))


def _whole(name: str, text: str, low: int, high: int) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= 9
    if not is_number or not low <= int(text) <= high:
        abort(400, f"{name}: {text[:40]!r} is not a whole number of seconds from {low} to {high}.")
    return int(text)


def openapi_document() -> Response:
    return jsonify(openapi(request.script_root or "/"))


def healthz() -> Response:
    """The process answers."""
    return jsonify(status="ok")


def readyz() -> tuple[Response, int]:
    """The station has its wires."""
    station = _station()
    code = 200 if station.state == "running" else 503
    return jsonify(state=station.state, text=station.sentence()), code


def prometheus() -> Response:
    return Response(
        metrics.text(_station()), content_type="text/plain; version=0.0.4; charset=utf-8"
    )

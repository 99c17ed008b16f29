"""The last telegram of a device as it came, for people who look at their own meter.

It holds serial numbers and EAN codes: the machine itself may read it, others with the admin
password.
"""

from flask import Blueprint, Response, abort, current_app

from ..station import Station
from . import documents
from .rights import is_local, require_right


def telegram_blueprint() -> Blueprint:
    blueprint = Blueprint("telegram", __name__)
    blueprint.add_url_rule("/api/v1/telegram/<string:device>", view_func=telegram)
    return blueprint


def telegram(device: str) -> Response:
    if not is_local():
        require_right()
    station: Station = current_app.extensions["station"]
    if station.config is None:
        abort(503, station.sentence())
    if device not in documents.names(station):
        there = ", ".join(documents.names(station)) or "none yet"
        abort(404, f"There is no device {device[:40]!r}; there are: {there}.")
    raw = station.hub.snapshot().raw.get(device)
    if raw is None:
        abort(404, f"{device} has told no telegram: only P1 meters do, once their wire works.")
    return Response(raw.decode("ascii", "replace"), mimetype="text/plain")

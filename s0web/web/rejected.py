"""What the servers of sinks did not take: what it is, and a second try."""

from typing import Any

from flask import Blueprint, abort, current_app
from flask_restful import Resource

from ..errors import StationError
from ..model import Command
from ..station import Station
from .documents import iso
from .rest import Api
from .rights import changing


def rejected_blueprint() -> Blueprint:
    blueprint = Blueprint("rejected", __name__)
    api = Api(blueprint, prefix="/api/v1")
    api.add_resource(Rejected, "/rejected")
    api.add_resource(Again, "/rejected/<string:sink>")
    return blueprint


def _station() -> Station:
    station: Station = current_app.extensions["station"]
    return station


class Rejected(Resource):  # type: ignore[misc]
    def get(self) -> dict[str, Any]:
        """In groups of one sink and reason, oldest first."""
        return {
            "rejected": [
                {
                    "sink": aside.sink.partition(":")[2],
                    "time": iso(aside.time),
                    "reason": aside.reason,
                    "values": aside.values,
                }
                for aside in _station().asides()
            ]
        }


class Again(Resource):  # type: ignore[misc]
    @changing
    def post(self, sink: str) -> tuple[dict[str, Any], int]:
        """Have the sink write once more what was set aside; what is refused again is set aside
        anew.
        """
        station = _station()
        if station.config is not None and sink not in station.config.sinks:
            there = ", ".join(station.config.sinks) or "none"
            abort(404, f"There is no sink {sink[:40]!r}; there are: {there}.")
        name = f"sink:{sink}"
        try:
            values = sum(aside.values for aside in station.asides() if aside.sink == name)
            station.tell(Command(name, "replay", reason="over HTTP"))
        except StationError as error:
            abort(503, str(error))
        return {"sink": sink, "values": values}, 202

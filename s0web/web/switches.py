"""Switches over HTTP: how each is and why, and the word of a person who switches one by hand."""

from typing import Any

from flask import Blueprint, abort, current_app, request
from flask_restful import Resource

from ..model import Command, Snapshot
from ..station import Station
from . import documents
from .documents import Document
from .rest import Api
from .rights import changing

WORDS = ("on", "off", "auto")
LONGEST = 366 * 24 * 60  # minutes


def switches_blueprint() -> Blueprint:
    blueprint = Blueprint("switches", __name__)
    api = Api(blueprint, prefix="/api/v1")
    api.add_resource(Switches, "/switches")
    api.add_resource(OneSwitch, "/switches/<string:name>")
    return blueprint


def switches_document(station: Station) -> Document:
    snapshot = station.hub.snapshot()
    switches = station.config.switches if station.config else {}
    told = [_switch(snapshot, name, dict(options)) for name, options in switches.items()]
    return {"switches": told}


def _switch(snapshot: Snapshot, name: str, options: dict[str, Any]) -> Document:
    labels, state = snapshot.labels.get(name, {}), snapshot.number(name, "switch")
    return {
        "name": name,
        "type": options["type"],
        "rule": options["rule"],
        "on": None if state is None else state == 1,
        "since": labels.get("since") or None,
        "reason": labels.get("reason", ""),
        "power": options["power"],
        "run_time_today": snapshot.number(name, "run_time_today") or 0.0,
        "override": _override(labels.get("override", "")),
        "health": documents.health(snapshot.health.get(name)),
    }


def _override(text: str) -> Document | None:
    """From the label: on, off, perhaps with ` until ` and a time."""
    word, _, until = text.partition(" until ")
    return {"on": word == "on", "until": until or None} if word else None


class Switches(Resource):  # type: ignore[misc]
    def get(self) -> Document:
        return switches_document(_station())


class OneSwitch(Resource):  # type: ignore[misc]
    @changing
    def post(self, name: str) -> tuple[Document, int]:
        """Switch by hand, for some minutes or until another word; auto: leave it to its rule."""
        station = _station()
        if station.config is None:
            abort(503, station.sentence())
        if name not in station.config.switches:
            there = ", ".join(station.config.switches) or "none"
            abort(404, f"There is no switch {name[:40]!r}; there are: {there}.")
        said = _said()
        word, minutes = str(said.get("state", "")), _minutes(said.get("minutes", ""))
        if word not in WORDS:
            abort(400, f"state: {word[:40]!r} is none of on, off and auto.")
        station.tell(Command(name, word, 0.0 if word == "auto" else minutes * 60.0, "over HTTP"))
        return {"name": name, "state": word, "minutes": minutes}, 202


def _station() -> Station:
    station: Station = current_app.extensions["station"]
    return station


def _said() -> dict[str, Any]:
    """What came with the request: a form, or a JSON object."""
    if not request.is_json:
        return request.form.to_dict()
    try:
        body = request.get_json(silent=True)
    except RecursionError:  # a thousand lists in each other
        body = None
    if not isinstance(body, dict):
        abort(400, 'The body is no JSON object such as {"state": "on", "minutes": 30}.')
    return body


def _minutes(said: object) -> int:
    """0: until another word."""
    text = "0" if said == "" else str(said)
    if isinstance(said, float) and said.is_integer():  # 30.0 is a whole number, too
        text = str(int(said))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= LONGEST):
        text = f"minutes: {text[:40]!r} is not a whole number from 0 to {LONGEST}."
        abort(400, f"{text} Without one it holds until another word.")
    return int(text)

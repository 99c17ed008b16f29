"""The pages: shells with what they must know beforehand; their scripts poll the JSON API."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, current_app, render_template

from ..assembly import devices
from ..quantities import PHASES, QUANTITIES
from ..station import Station
from .documents import typed
from .rights import form_token

ROLES = ("grid", "solar", "battery", "car", "gas", "water")
OF_PHASES = [f"{name}_{p}" for name in ("power", "voltage", "current") for p in PHASES]


def pages_blueprint() -> Blueprint:
    blueprint = Blueprint("pages", __name__)
    blueprint.add_url_rule("/", view_func=live)
    blueprint.add_url_rule("/history", view_func=history)
    blueprint.add_url_rule("/devices", "devices", devices_page)
    blueprint.add_url_rule("/switches", view_func=switches)
    return blueprint


def live() -> str:
    return _page("live.html", ("power", "voltage", "current", "volume", *OF_PHASES))


def history() -> str:
    return _page("history.html", ())


def devices_page() -> str:
    return _page("devices.html", QUANTITIES, command=typed(_station()), token=form_token())


def switches() -> str:
    return _page("switches.html", ())


def _station() -> Station:
    station: Station = current_app.extensions["station"]
    return station


def _page(template: str, quantities: Iterable[str], **more: str) -> str:
    dumps = current_app.json.dumps
    words = dumps(_vocabulary(quantities))
    return render_template(template, vocabulary=words, house=dumps(house(_station())), **more)


def _vocabulary(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What it takes to write numbers as people do."""
    rows = [QUANTITIES[name] for name in names]
    return {q.name: {"meaning": q.meaning, "unit": q.unit, "digits": q.digits} for q in rows}


def house(station: Station) -> dict[str, Any]:
    """Which device is what in the house, and which documents there are to ask for; where the
    settings do not say it, a P1 meter is at the grid, and gas and water hang on it.
    """
    if station.config is None:
        nothing = {role: [] if role == "solar" else "" for role in ROLES}
        return nothing | {"said": {"grid": ""}, "asks": {}}
    said = dict(station.config.sections["house"])
    known = devices(station.config)
    first = next((name for name, options in known.items() if options.get("type") == "p1"), "")
    grid = said["grid"] or first
    told = station.hub.snapshot().values
    hanging = {role: f"{grid}.{role}" for role in ("gas", "water") if f"{grid}.{role}" in told}
    found = {role: said[role] or hanging.get(role, "") for role in ROLES}
    asks = {"peak": "peak" in known, "costs": "costs" in known, "prices": "prices" in known}
    return found | {
        "grid": grid,
        "solar": list(said["solar"]),
        "said": {"grid": said["grid"]},
        "asks": asks | {"switches": bool(station.config.switches)},
    }

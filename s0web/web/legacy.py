"""S0-Logger's interface to the letter, for FHEM and other old clients: Wh, local time, no null and
never an error in disguise.

FHEM's HTTPMOD ignores the HTTP status, reads whatever keys it finds, and turns null into 0: so a
document is whole or is not there at all.
"""

import json
import math
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, current_app, request
from flask_restful import Resource

from .. import config as ini
from ..config import Config
from ..model import Command, Options, Snapshot
from ..station import Station
from .corrections import Corrections
from .rest import Api
from .rights import changing, require_right, token_right

VERSION = 2.0  # of the document, S0-Logger's
UNITS = {
    "energy": "Wh",
    "power": "W",
    "time": "dd.mm.yyyy hh:mm:ss",
    "dtime": "s",
    "S0-ticks": "",
    "version": "",
}
SWITCHES = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
SWITCHED = {  # parameter: S0-Logger's label; section ("": the meter's), option, its off and on
    "debug": ("Debug", "log", "level", ("info", "debug")),
    "simulate": ("Simulation", "s0web", "simulate", ("no", "yes")),
    "s0blink": ("s0Blink", "", "blink", ("no", "yes")),
    "blink": ("s0Blink", "", "blink", ("no", "yes")),
}
PARAMETERS = ("energy", "debug", "simulate", "s0blink", "blink", "hw", "save")


def legacy_blueprint() -> Blueprint:
    blueprint = Blueprint("legacy", __name__)
    blueprint.record(lambda state: state.app.extensions.setdefault("electricity", {}))
    api = Api(blueprint)
    api.add_resource(Electricity, "/electricity", "/electricity.html")
    api.add_resource(Version, "/version")
    blueprint.add_url_rule("/trigger", view_func=trigger, methods=["GET", "POST"])
    return blueprint


def _station() -> Station:
    station: Station = current_app.extensions["station"]
    return station


class Electricity(Resource):  # type: ignore[misc]
    def get(self) -> Response:
        """The document; made once for all who ask before something changes."""
        station = _station()
        device, _ = chosen(station)
        snapshot, config = station.hub.snapshot(), station.config
        made: dict[str, Made] = current_app.extensions["electricity"]
        known = made.get(device)
        if known is None or known[0] is not snapshot or known[1] is not config:
            known = snapshot, config, json.dumps(electricity(station, snapshot, device)).encode()
            made[device] = known
        return Response(known[2], content_type="application/json")


Made = tuple[Snapshot, Config | None, bytes]  # what a document was made from, and its text


def electricity(station: Station, snapshot: Snapshot, device: str) -> dict[str, Any]:
    energy = snapshot.get(device, "energy_import")
    if station.devices()[device].get("measures", "energy") != "energy":
        abort(404, f"{device} counts no energy; see /s0/api/v1/readings/{device}")
    if energy is None:
        abort(503, f"Nothing is known of {device} yet. {station.sentence()}")
    counted = snapshot.get(device, "pulses") or energy
    data = {
        "energy": round(energy.number * 1000, 6),
        "power": round(snapshot.number(device, "power") or 0.0, 3),
        "time": counted.time.astimezone(zone(station)).strftime("%d.%m.%Y %H:%M:%S"),
        "dtime": round(snapshot.number(device, "pulse_interval") or 0.0, 6),
        "S0-ticks": int(snapshot.number(device, "pulses") or 0),
        "version": VERSION,
    }
    return {"data": data, "units": UNITS}


class Version(Resource):  # type: ignore[misc]
    def get(self) -> dict[str, Any]:
        return {"application": "S0-Logger", "version": VERSION}


def chosen(station: Station) -> tuple[str, Options]:
    """?device=NAME, else the first pulse counter of energy, else the first other meter."""
    if station.config is None:
        abort(503, station.sentence())
    devices = station.devices()
    name = request.args.get("device") if request.query_string else None
    if name is not None:
        if name not in devices:
            abort(
                404,
                f"There is no device {name[:40]!r}; there are: {', '.join(devices) or 'none yet'}.",
            )
        return name, devices[name]
    for kind in ("s0", "p1", "modbus", "adc"):
        for name, options in devices.items():
            if options["type"] == kind and options.get("measures", "energy") == "energy":
                return name, options
    return abort(503, "No meter is configured yet; add one at /s0/config.")


def zone(station: Station) -> ZoneInfo | None:
    """The station's local time zone; None: the machine's."""
    name = station.config.sections["s0web"]["timezone"] if station.config else ""
    return ZoneInfo(name) if name else None


def trigger() -> Response:
    """One pulse on the simulated wire."""
    station = _station()
    if station.config is None:
        abort(503, station.sentence())
    if not station.config.simulate:
        return Response("Not in simulation mode!")
    require_right()
    if request.method == "POST" and not token_right(request.form.get("token", "")):
        abort(400, "The page was too old; nothing was changed.")
    device, options = chosen(station)
    if options["type"] != "s0":
        abort(404, f"{device} is no pulse counter.")
    station.tell(Command(device, "trigger", reason="by /trigger"))
    return Response("Triggered!")


def asked_to_change() -> bool:
    """Whether a GET of /config carries S0-Logger's parameters."""
    return any(name in request.args for name in PARAMETERS)


@changing
def change() -> Response:
    """S0-Logger's GET /config?...: all wishes are checked before one is carried out."""
    station = _station()
    if station.config is None:
        abort(503, station.sentence())
    correction = _correction() if "energy" in request.args else None
    changes, lines = _switched(station)
    lines.insert(0, _corrected(station, correction))
    if changes:
        ini.save(station.path, changes)
        station.tell(Command("station", "apply"))
    if "hw" in request.args:
        lines.append("Hardware: unchanged (it is found by itself, or set by chip and pin)")
    rows = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return Response(f"<h3>Configuration was updated</h3><ul>{rows}</ul>", mimetype="text/html")


def _switched(station: Station) -> tuple[dict[str, dict[str, str | None]], list[str]]:
    """What the parameters switch in the INI, and S0-Logger's lines about it."""
    changes: dict[str, dict[str, str | None]] = {}
    lines: list[str] = []
    for name, (label, section, option, texts) in SWITCHED.items():
        if name not in request.args:
            continue
        on = _switch(name)
        if not section:
            device, options = chosen(station)
            if options["type"] != "s0":
                abort(400, f"{name}: {device} is no pulse counter and has no LED.")
            section = f"source:{device}"
        changes.setdefault(section, {})[option] = texts[on]
        lines.append(f"{label}: {'on' if on else 'off'}")
    return changes, lines


def _correction() -> tuple[str, float]:
    """The device and what its counter shall read, in Wh."""
    text = request.args["energy"].strip().replace(",", ".")
    device, options = chosen(_station())
    if options["type"] != "s0":
        abort(400, f"energy: {device} keeps its own register; only a pulse counter is corrected.")
    try:
        new = float(text)
    except ValueError:
        abort(400, f"energy: {text[:40]!r} is not a number of Wh.")
    if not math.isfinite(new) or not 0 <= new <= 1e12:
        abort(400, "energy: it must be 0 or more, and less than a million million Wh.")
    return device, new


def _corrected(station: Station, correction: tuple[str, float] | None) -> str:
    """Carry it out; return S0-Logger's line about it."""
    if correction is None:
        return "Energy: unchanged"
    device, new = correction
    corrections: Corrections = current_app.extensions["corrections"]
    old = corrections.to_reading(station, device, new / 1000) * 1000
    if abs(new - old) < 5e-7:
        return "Energy: unchanged"
    return f"Energy changed from {old:.3f} Wh to {new:.3f} Wh"


def _switch(name: str) -> bool:
    text = request.args[name]
    if text.lower() not in SWITCHES:
        abort(400, f"{name}: {text[:40]!r} is neither on nor off.")
    return SWITCHES[text.lower()]

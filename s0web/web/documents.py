"""JSON documents made from a Snapshot: plain dicts, every number finite, every time in UTC."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import __version__
from .. import config as ini
from ..assembly import devices
from ..errors import ConfigError
from ..model import Health, Snapshot, Value
from ..quantities import QUANTITIES
from ..station import Station

Document = dict[str, Any]


def typed(station: Station) -> str:
    """What is typed on the machine before a command for this station, from any folder."""
    beside = Path(sys.executable).with_name("s0web")
    return f"S0WEB_INI={station.path.absolute()} {beside if beside.exists() else 's0web'}"


def iso(time: datetime) -> str:
    """2026-03-02T12:00:00.123Z"""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def value(quantity: str, told: Value) -> Document:
    document = {
        "value": round(told.number, 6),
        "unit": QUANTITIES[quantity].unit,
        "time": iso(told.time),
    }
    return document | ({"meter": told.meter} if told.meter else {})


def health(of: Health | None) -> Document:
    if of is None:
        return {"state": "starting", "text": "", "remedy": "", "kind": "", "troubles": 0}
    return {
        "state": of.state,
        "since": iso(of.since),
        "text": of.text,
        "remedy": of.remedy,
        "kind": of.kind,
        "troubles": of.troubles,
        "last_error": of.error,
    }


def device(snapshot: Snapshot, name: str, kind: str) -> Document:
    return {
        "type": kind,
        "health": health(snapshot.health.get(name)),
        "values": {q: value(q, told) for q, told in snapshot.values.get(name, {}).items()},
        "labels": dict(snapshot.labels.get(name, {})),
    }


def readings(station: Station) -> Document:
    """Every device that is configured or hangs on one, with its latest values."""
    snapshot = station.hub.snapshot()
    return {
        "time": iso(station.clock.now()),
        "version": snapshot.version,
        "devices": {name: device(snapshot, name, kind) for name, kind in names(station).items()},
    }


def names(station: Station) -> dict[str, str]:
    """Device -> type, the configured ones in the order of the INI, each followed by what hangs on
    it.
    """
    told = station.hub.snapshot().values
    found: dict[str, str] = {}
    for name, options in station.devices().items():
        kind, wires = options["type"], dict(options.get("current_channels", ()))
        found[name] = (
            options["measures"] if kind == "s0" and options["measures"] != "energy" else kind
        )
        parts = (other for other in told if other.startswith(name + "."))
        order = list(wires)
        for other in sorted(parts, key=lambda part: (_place(part, order), part)):
            what = other.rpartition(".")[2]
            found[other] = "wire" if what in wires or kind == "remote" else what
    if station.config is not None:
        found |= dict.fromkeys(station.config.switches, "switch")
        derived = devices(station.config).keys() - found.keys()
        found |= {name: "derived" for name in sorted(told) if name.partition(".")[0] in derived}
    return found


def _place(part: str, order: list[str]) -> int:
    """Where a wire stands in the settings; 0 for what has no place there."""
    wire = part.rpartition(".")[2]
    return order.index(wire) if wire in order else 0


def status(station: Station) -> Document:
    """How the station, its workers and its devices are, in words for people and for programs."""
    snapshot = station.hub.snapshot()
    of_kind: dict[str, Document] = {"workers": {}, "devices": {}}
    for name, of in sorted(snapshot.health.items()):
        if name != "station":
            of_kind["workers" if ":" in name else "devices"][name] = health(of)
    for name, readings in station.counts().items():
        of_kind["workers"].setdefault(name, {})["readings"] = readings
    for name, progress in station.progress().items():
        oldest = progress.oldest
        of_kind["workers"].setdefault(name, {}).update(
            behind=progress.behind, oldest=iso(oldest) if oldest else None
        )
    return {
        "station": {
            "state": station.state,
            "text": station.sentence(),
            "version": __version__,
            "started": iso(station.started),
            "time": iso(station.clock.now()),
            "simulated": bool(station.config and station.config.simulate),
        },
        "config": config_state(station),
        **of_kind,
        "log": {"readings": station.hub.last, "dropped_values": dict(station.hub.dropped)},
    }


def config_state(station: Station) -> Document:
    """Whether what is saved is what is applied."""
    applied = station.config.digest if station.config else ""
    try:
        saved, problem = ini.load(station.path).digest, ""
    except ConfigError as error:
        saved, problem = "", str(error)
    return {
        "saved": saved,
        "applied": applied,
        "is_applied": saved == applied,
        "problem": problem or (station.problem if saved != applied else ""),
    }

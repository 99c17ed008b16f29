"""Prometheus' text format (exposition format 0.0.4) made from a Snapshot."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from .. import __version__
from ..quantities import QUANTITIES
from ..station import Station
from . import documents

STATES = ("starting", "ok", "stale", "failed", "stopped")
Row = tuple[Mapping[str, str], float]


def text(station: Station) -> str:
    snapshot = station.hub.snapshot()
    known = documents.names(station)
    told = [
        ({"device": device, "quantity": quantity, "unit": QUANTITIES[quantity].unit}, value)
        for device in known
        for quantity, value in snapshot.values.get(device, {}).items()
    ]
    health = [(name, of) for name, of in sorted(snapshot.health.items()) if name != "station"]
    times = [
        ({key: labels[key] for key in ("device", "quantity")}, value.time.timestamp())
        for labels, value in told
    ]
    states = [
        ({"name": name, "state": state}, of.state == state)
        for name, of in health
        for state in STATES
    ]
    sinks, now = sorted(station.progress().items()), station.clock.now()
    families: list[tuple[str, str, str, Iterable[Row]]] = [
        ("s0web_info", "gauge", "Version of s0web.", [({"version": __version__}, 1)]),
        ("s0web_running", "gauge", "1 if it has its wires.", [({}, station.state == "running")]),
        ("s0web_start_time_seconds", "gauge", "Start of the station since the epoch.",
         [({}, station.started.timestamp())]),
        ("s0web_reading", "gauge", "Latest value of a quantity, in its unit.",
         [(labels, value.number) for labels, value in told]),
        ("s0web_reading_time_seconds", "gauge", "Time of that value since the epoch.",
         times),
        ("s0web_health", "gauge", "1 for the state that a worker or device is in.",
         states),
        ("s0web_troubles_total", "counter", "Troubles of a worker or device since start.",
         [({"name": name}, of.troubles) for name, of in health]),
        ("s0web_source_readings_total", "counter", "Readings of a source since it started.",
         [({"name": name}, number) for name, number in station.counts().items()]),
        ("s0web_log_readings_total", "counter", "Number of the newest reading.",
         [({}, station.hub.last)]),
        ("s0web_sink_behind_readings", "gauge", "Readings that a sink has not written.",
         [({"name": name}, progress.behind) for name, progress in sinks]),
        ("s0web_sink_behind_seconds", "gauge", "Age of the oldest reading that it has not written.",
         [({"name": name}, _age(progress.oldest, now)) for name, progress in sinks]),
        ("s0web_dropped_values_total", "counter", "Values refused, by reason.",
         [({"reason": reason}, number) for reason, number in sorted(station.hub.dropped.items())]),
    ]  # fmt: skip
    return "".join(_family(*family) for family in families)


def _age(oldest: datetime | None, now: datetime) -> float:
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def _family(name: str, kind: str, meaning: str, rows: Iterable[Row]) -> str:
    lines = [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
    for labels, number in rows:
        inner = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
        lines.append(
            f"{name}{{{inner}}} {float(number):.12g}" if inner else f"{name} {float(number):.12g}"
        )
    return "\n".join(lines) + "\n" if len(lines) > 2 else ""


def _escaped(text: str) -> str:
    return re.sub(r'[\\"\n]', lambda found: {"\n": r"\n"}.get(found[0], "\\" + found[0]), text)

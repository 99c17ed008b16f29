"""A simulated house of eight days in a database, and its panels asked as Grafana would."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from s0web.clock import FakeClock
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.registry import SINKS, load
from s0web.simulation.house import House
from tests.grafana_macros import expanded
from tools.grafana.__main__ import HERE

HOUSE, ZONE = House(), ZoneInfo("Europe/Brussels")
STEP, QUARTER = timedelta(minutes=5), timedelta(minutes=15)
BEGIN = datetime(2026, 10, 24, 12, tzinfo=UTC)  # before a day of 25 hours
END = datetime(2026, 11, 1, 9, 35, tzinfo=UTC)  # and after a month's end
NOW = END + timedelta(seconds=20)
ODD = "it's (a|b)*"  # a name that wants to be quoted
RANGES = {  # the panels' own
    "now/d": datetime(2026, 11, 1, tzinfo=ZONE),
    "now-11M/M": datetime(2025, 12, 1, tzinfo=ZONE),
    "now-11M/M+15m": datetime(2025, 12, 1, 0, 15, tzinfo=ZONE),
    "now/M": datetime(2026, 11, 1, tzinfo=ZONE),
    "now/y": datetime(2026, 1, 1, tzinfo=ZONE),
    "7d": NOW - timedelta(days=7),
    "10m": NOW - timedelta(minutes=10),
}

Curves = dict[str, list[tuple[float, float]]]  # name -> (seconds since 1970, value)


def told(t: datetime) -> list[Reading]:
    """What the devices of the logger pi tell at one moment."""
    truth = HOUSE.at(t)
    phases = {
        f"{name}_l{n}": float(value)
        for name, of in (
            ("power", truth.phases),
            ("voltage", truth.voltages),
            ("current", truth.currents),
        )
        for n, value in enumerate(of, 1)
    }
    registers = {
        name: getattr(truth, name)
        for name in (
            "energy_import_high",
            "energy_import_low",
            "energy_export_high",
            "energy_export_low",
        )
    }
    return [
        Reading("grid", t, {"power": truth.power, **registers, **phases}, meter="1SAG"),
        Reading("grid.gas", t, {"volume": truth.gas}),
        Reading("grid.water", t, {"volume": truth.water}),
        Reading("main", t, {"power": truth.consumption, "energy_import": truth.energy}),
        Reading("mains.brown", t, {"power": truth.phases[0]}),
        Reading(ODD, t, {"power": 7.0}),
    ]


def booked(t: datetime) -> list[Reading]:
    """What is derived of the quarter that ends at t, each number another in every quarter."""
    number = (t - BEGIN) // QUARTER
    if number < 1 or (t - BEGIN) % QUARTER:
        return []
    bought, sold, gas = (number % 97) / 100, -(number % 13) / 200, (number % 7) / 300
    electricity = {"cost": bought + sold + 0.01, "cost_import": bought, "cost_export": sold}
    rates = {"rate_import": 0.2 + (number % 5) / 100, "rate_export": 0.04}
    return [
        Reading("costs.electricity", t, {**electricity, "cost_fixed": 0.01, **rates}),
        Reading("costs.gas", t, {"cost": gas, "cost_volume": gas, "rate_volume": 1.1}),
        Reading("peak", t, {"demand_quarter": 100.0 * (number % 41)}),
        Reading("prices", t, {"price_spot": float(number % 96)}),  # the slot that begins
    ]


def moments() -> list[datetime]:
    return [BEGIN + n * STEP for n in range((END - BEGIN) // STEP + 1)]


class Database(NamedTuple):
    name: str
    ask: Callable[[str], list[Any]]  # rows, or InfluxDB's series


def fill(kind: str, **texts: str) -> None:
    """By the real sinks of two stations; the one in the shed fell silent two hours ago."""
    silent = END - timedelta(hours=2)
    shed = [Reading("shed", t, {"power": 5.0}) for t in moments() if t <= silent]
    pi = [reading for t in moments() for reading in (*told(t), *booked(t))]
    for logger, readings in (("pi", pi), ("shed", shed)):
        given = texts | {"logger": logger, "timezone": str(ZONE)}
        rows = OPTIONS[f"sink.{kind}"]
        options = {row.name: row.parse(given.get(row.name, row.default or "")) for row in rows}
        sink = load(SINKS, kind)("db", options, FakeClock(NOW))
        sink.open()
        try:
            for start in range(0, len(readings), 2_000):
                assert not sink.write(readings[start : start + 2_000])
        finally:
            sink.close()


# -- asking as Grafana does ------------------------------------------------------------------------


def dashboard(database: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / database / f"{name}.json").read_text())
    return found


def panel(database: str, name: str, title: str) -> dict[str, Any]:
    (found,) = (p for p in dashboard(database, name)["panels"] if p["title"] == title)
    return dict(found)


def chosen(of: Database, name: str, **picked: list[str]) -> dict[str, list[str]]:
    """The variables of a dashboard: the station pi, all devices, or what is picked."""
    found = dict(picked)
    for variable in dashboard(of.name, name)["templating"]["list"]:
        if variable["type"] == "query" and variable["name"] not in found:
            query = expanded(variable["query"], of.name, BEGIN, NOW, found)
            rows = of.ask(query)
            if of.name == "influxdb":
                rows = [value[1:] for series in rows for value in series["values"]]
            values = [str(value) for (value,) in rows]
            found[variable["name"]] = values if variable["multi"] else ["pi"]
    return found


def asked(
    of: Database,
    name: str,
    title: str,
    *,
    begin: datetime = BEGIN,
    end: datetime = NOW,
    interval: str = "1m",
    variables: Mapping[str, list[str]] | None = None,
) -> Curves:
    """The curves of a panel; what Grafana makes of columns time, metric and value, or of tags."""
    found: Curves = {}
    about = panel(of.name, name, title)
    begin = RANGES.get(about.get("timeFrom", ""), begin)
    variables = variables or chosen(of, name)
    for target in about["targets"]:
        text = target.get("rawSql") or target["query"]
        rows = of.ask(expanded(text, of.name, begin, end, variables, interval))
        if of.name == "influxdb":
            for series in rows:
                _add_series(found, series, target["alias"])
        else:
            assert target["format"] == "time_series"
            seconds = [_seconds(row[0]) for row in rows]
            assert seconds == sorted(seconds)  # Grafana refuses them in another order
            for at, (_, metric, value) in zip(seconds, rows, strict=True):
                found.setdefault(metric, []).append((at, float(value)))
    return found


def _add_series(found: Curves, series: Mapping[str, Any], alias: str) -> None:
    for place, column in enumerate(series["columns"][1:], 1):
        name = alias.replace("$col", column)
        for tag, value in series.get("tags", {}).items():
            name = name.replace(f"$tag_{tag}", value)
        if points := [(v[0] / 1e9, v[place]) for v in series["values"] if v[place] is not None]:
            found.setdefault(name, []).extend(points)


def _seconds(time: Any) -> float:
    return float(time.timestamp() if isinstance(time, datetime) else time)


def last_of(curves: Curves) -> dict[str, float]:
    """As a stat panel reduces them."""
    return {name: points[-1][1] for name, points in curves.items()}


def grown(device: str, quantity: str, begin: datetime, end: datetime) -> float:
    """By the registers as told last before both moments."""

    def at(moment: datetime) -> float:
        newest = BEGIN + (moment - timedelta(milliseconds=1) - BEGIN) // STEP * STEP
        of = next(r for r in told(max(newest, BEGIN)) if r.device == device).values
        return sum(
            v for k, v in of.items() if k in (quantity, f"{quantity}_high", f"{quantity}_low")
        )

    return at(end) - at(begin)


def table(of: Database, title: str) -> list[tuple[Any, ...]]:
    about = panel(of.name, "fleet", title)
    (target,) = about["targets"]
    variables = chosen(of, "fleet")
    assert variables["logger"] == ["pi", "shed"]
    begin = RANGES.get(about.get("timeFrom", ""), NOW - timedelta(days=1))
    text = target.get("rawSql") or target["query"]
    return of.ask(expanded(text, of.name, begin, NOW, variables))

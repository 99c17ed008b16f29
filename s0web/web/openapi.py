"""The OpenAPI 3 description of every address that programs use."""

from .. import __version__
from ..quantities import QUANTITIES
from . import (
    openapi_costs,
    openapi_history,
    openapi_peak,
    openapi_prices,
    openapi_switches,
    openapi_telegram,
)
from .openapi_parts import (
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    YESNO,
    Document,
    answer,
    mapping,
    parameter,
    plain,
    record,
    ref,
    refusals,
    texts,
)


def openapi(root: str) -> Document:
    """The document for a server mounted at `root`."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "s0web",
            "version": __version__,
            "description": "Readings of a home-energy station. Times are UTC.",
            "license": {"name": "MIT", "url": "https://opensource.org/license/mit"},
        },
        "servers": [{"url": root}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "admin": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _paths() -> Document:
    device = parameter(
        "device", "path", TEXT, "Name of a device, such as main or grid.gas.", "main"
    )
    seconds = {**WHOLE, "minimum": 10, "maximum": 86_400, "default": 86_400}
    step = {**WHOLE, "minimum": 10, "maximum": 3_600, "default": 60}
    quantity = {**TEXT, "enum": list(QUANTITIES), "default": "power"}
    span = [
        parameter("quantity", "query", quantity, "A quantity of the vocabulary."),
        parameter("seconds", "query", seconds, "How far back."),
        parameter("step", "query", step, "Seconds of one mean."),
    ]
    return {
        "/api/v1/readings": {"get": answer("Every device with its latest values.", "Readings", [])},
        "/api/v1/readings/{device}": {"get": answer("One device.", "Device", [device], 404, 503)},
        "/api/v1/recent/{device}": {
            "get": answer(
                "Means of the last 24 h, in memory.", "Recent", [device, *span], 400, 404, 503
            )
        },
        **openapi_history.paths(device),
        **openapi_switches.paths(),
        **openapi_telegram.paths(device),
        **openapi_peak.paths(),
        **openapi_prices.paths(),
        **openapi_costs.paths(),
        "/api/v1/status": {"get": answer("How everything is.", "Status", [])},
        "/api/v1/fast/{device}": {"post": _fast(device)},
        "/api/v1/rejected": {"get": answer("What servers did not take.", "Rejected", [], 503)},
        "/api/v1/rejected/{sink}": {"post": _again()},
        "/state/{point}": _point(),
        **_s0_logger(),
        "/grafana/": {"get": plain("Dashboards for Grafana: a page with links.", [])},
        "/grafana/{database}/{name}": {"get": _download()},
        "/healthz": {"get": answer("The process answers.", "Alive", [])},
        "/readyz": {"get": answer("The station has its wires.", "Ready", [], 503)},
        "/metrics": {"get": plain("Prometheus' text format.", [])},
        "/openapi.json": {"get": answer("This document.", "Any", [])},
    }


def _s0_logger() -> Document:
    """The addresses of S0-Logger."""
    chosen = parameter("device", "query", TEXT, "Name of a meter; else the first one.")
    electricity = answer(
        "S0-Logger's document: Wh, W, local time.", "Electricity", [chosen], 404, 503
    )
    switches = [
        parameter("energy", "query", TEXT, "New reading of the pulse counter, Wh."),
        *(
            parameter(name, "query", TEXT, "on or off (also true, false)")
            for name in ("debug", "simulate", "s0blink")
        ),
    ]
    change = plain(
        "The settings dialog; with a parameter, S0-Logger's change.", [*switches, chosen]
    )
    change["responses"] |= refusals(400, 401, 403, 404, 429, 503)
    trigger = plain("One pulse on the simulated wire.", [chosen])
    trigger["responses"] |= refusals(401, 403, 404, 429, 503)
    return {
        "/electricity": {"get": electricity},
        "/electricity.html": {"get": electricity},
        "/version": {"get": answer("S0-Logger's version document.", "Version", [])},
        "/trigger": {"get": trigger | {"security": [{"admin": []}, {}]}},
        "/config": {"get": change | {"security": [{"admin": []}, {}]}},
    }


def _download() -> Document:
    """A file for Grafana."""
    databases = {**TEXT, "enum": ["mysql", "postgresql", "influxdb", "provisioning"]}
    database = parameter("database", "path", databases, "Where the readings are.", "mysql")
    name = parameter("name", "path", TEXT, "A file that the page names.", "overview.json")
    found = answer("A dashboard, or a provisioning file.", "Any", [database, name], 404)
    found["responses"]["200"]["content"]["application/yaml"] = {"schema": TEXT}
    return found


def _fast(device: Document) -> Document:
    meaning = "Have every quantity of a Modbus meter read often for a while."
    operation = answer(meaning, "Fast", [device], 400, 401, 403, 404, 429, 503)
    operation["responses"]["202"] = operation["responses"].pop("200")
    wish = {"type": "object", "properties": {"seconds": {**WHOLE, "minimum": 1, "maximum": 86_400}}}
    kinds = ("application/json", "application/x-www-form-urlencoded")
    operation["requestBody"] = {"content": {kind: {"schema": wish} for kind in kinds}}
    return operation | {"security": [{"admin": []}, {}]}


def _again() -> Document:
    sink = parameter("sink", "path", TEXT, "Name of a sink.", "central")
    meaning = "Have a sink write once more what its server did not take."
    operation = answer(meaning, "Again", [sink], 401, 403, 404, 429, 503)
    operation["responses"]["202"] = operation["responses"].pop("200")
    return operation | {"security": [{"admin": []}, {}]}


def _point() -> Document:
    """EnergyMonitor's interface; /state/... beside /s0 is passed on to it."""
    name = parameter("point", "path", TEXT, "Name of a device, or of a remote's point.", "Mains")
    get = answer("How a point is, in EnergyMonitor's form.", "State", [name], 503)
    json = {"application/json": {"schema": {**TEXT, "enum": ["point not found"]}}}
    get["responses"]["404"] = {"description": "EnergyMonitor's words.", "content": json}
    put = answer("Tell how a point is: what is known now.", "State", [name])
    put["responses"]["201"] = put["responses"]["200"] | {"description": "The first: the same back."}
    put["responses"] |= refusals(400, 401, 403, 404, 409, 413, 429, 503)
    told = {"application/json": {"schema": ref("ToldState")}}
    put["requestBody"] = {"required": True, "content": told}
    return {"get": get, "put": put | {"security": [{"token": []}, {"admin": []}, {}]}}


def _schemas() -> Document:
    value = record({"value": NUMBER, "unit": TEXT, "time": TIME}, {"meter": TEXT})
    said = texts("state", "text", "remedy", "kind") | {"troubles": WHOLE}
    counts = {"readings": WHOLE, "behind": WHOLE, "oldest": {**TIME, "nullable": True}}
    health = record(said, {"since": TIME, "last_error": TEXT} | counts)
    rejected = record(texts("sink", "reason") | {"time": TIME, "values": WHOLE})
    about = {"type": TEXT, "health": ref("Health")}
    device = about | {"values": mapping(ref("Value")), "labels": mapping(TEXT)}
    told = {"energy": NUMBER, "power": NUMBER, "time": TEXT, "dtime": NUMBER}
    data = record(told | {"S0-ticks": WHOLE, "version": NUMBER})
    return {
        "Value": value,
        "Health": health,
        "Device": record(device, {"name": TEXT}),
        "Readings": record({"time": TIME, "version": WHOLE, "devices": mapping(ref("Device"))}),
        "Recent": _recent(),
        **openapi_history.schemas(),
        **openapi_switches.schemas(),
        **openapi_peak.schemas(),
        **openapi_prices.schemas(),
        **openapi_costs.schemas(),
        "Status": _status(),
        "Electricity": record({"data": data, "units": mapping(TEXT)}),
        "Version": record({"application": TEXT, "version": NUMBER}),
        "Alive": record(texts("status")),
        "Ready": record(texts("state", "text")),
        "Rejected": record({"rejected": {"type": "array", "items": rejected}}),
        "Again": record({"sink": TEXT, "values": WHOLE}),
        "Fast": record({"device": TEXT, "seconds": WHOLE}),
        "State": _state(nullable=False),
        "ToldState": _state(nullable=True),
        "Any": {"type": "object"},
    }


def _state(nullable: bool) -> Document:
    """What is answered leaves out what is not measured; what is told says null."""
    maybe = {**NUMBER, "nullable": True} if nullable else NUMBER
    measured = {"current": maybe, "voltage": maybe}
    stamp = {**NUMBER, "description": "Seconds since the epoch."}
    always = {"point": TEXT, "time": stamp, "power": NUMBER}
    wire: Document = {"type": "object", "properties": measured | {"power": NUMBER}}
    if nullable:
        wire["required"] = [*measured, "power"]
    state = record(always | measured) if nullable else record(always, measured)
    return state | {"additionalProperties": wire, "description": "Each further key is a wire."}


def _recent() -> Document:
    start = {**WHOLE, "description": "Time of the first mean, seconds since the epoch."}
    means = {"type": "array", "items": {**NUMBER, "nullable": True}}
    names = texts("device", "quantity", "unit")
    return record(names | {"start": start, "step": WHOLE, "values": means})


def _status() -> Document:
    station = texts("state", "text", "version") | {"started": TIME, "time": TIME}
    config = texts("saved", "applied", "problem") | {"is_applied": YESNO}
    return record(
        {
            "station": record(station | {"simulated": YESNO}),
            "config": record(config),
            "workers": mapping(ref("Health")),
            "devices": mapping(ref("Health")),
            "log": record({"readings": WHOLE, "dropped_values": mapping(WHOLE)}),
        }
    )

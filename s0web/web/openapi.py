"""The OpenAPI 3 description of every address that programs use."""

from typing import Any

from .. import __version__
from ..quantities import QUANTITIES

Document = dict[str, Any]
TIME = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}
YESNO = {"type": "boolean"}


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
    device = _parameter(
        "device", "path", TEXT, "Name of a device, such as main or grid.gas.", "main"
    )
    chosen = _parameter("device", "query", TEXT, "Name of a meter; else the first one.")
    seconds = {**WHOLE, "minimum": 10, "maximum": 86_400, "default": 86_400}
    step = {**WHOLE, "minimum": 10, "maximum": 3_600, "default": 60}
    quantity = {**TEXT, "enum": list(QUANTITIES), "default": "power"}
    span = [
        _parameter("quantity", "query", quantity, "A quantity of the vocabulary."),
        _parameter("seconds", "query", seconds, "How far back."),
        _parameter("step", "query", step, "Seconds of one mean."),
    ]
    electricity = _get(
        "S0-Logger's document: Wh, W, local time.", "Electricity", [chosen], 404, 503
    )
    switches = [
        _parameter("energy", "query", TEXT, "New reading of the pulse counter, Wh."),
        *(
            _parameter(name, "query", TEXT, "on or off (also true, false)")
            for name in ("debug", "simulate", "s0blink")
        ),
    ]
    change = _text(
        "The settings dialog; with a parameter, S0-Logger's change.", [*switches, chosen]
    )
    change["responses"] |= _refusals(400, 401, 403, 404, 429, 503)
    trigger = _text("One pulse on the simulated wire.", [chosen])
    trigger["responses"] |= _refusals(401, 403, 404, 429, 503)
    return {
        "/api/v1/readings": {"get": _get("Every device with its latest values.", "Readings", [])},
        "/api/v1/readings/{device}": {"get": _get("One device.", "Device", [device], 404, 503)},
        "/api/v1/recent/{device}": {
            "get": _get(
                "Means of the last 24 h, in memory.", "Recent", [device, *span], 400, 404, 503
            )
        },
        "/api/v1/status": {"get": _get("How everything is.", "Status", [])},
        "/api/v1/fast/{device}": {"post": _fast(device)},
        "/state/{point}": _point(),
        "/electricity": {"get": electricity},
        "/electricity.html": {"get": electricity},
        "/version": {"get": _get("S0-Logger's version document.", "Version", [])},
        "/trigger": {"get": trigger | {"security": [{"admin": []}, {}]}},
        "/config": {"get": change | {"security": [{"admin": []}, {}]}},
        "/healthz": {"get": _get("The process answers.", "Alive", [])},
        "/readyz": {"get": _get("The station has its wires.", "Ready", [], 503)},
        "/metrics": {"get": _text("Prometheus' text format.", [])},
        "/openapi.json": {"get": _get("This document.", "Any", [])},
    }


def _fast(device: Document) -> Document:
    meaning = "Have every quantity of a Modbus meter read often for a while."
    operation = _get(meaning, "Fast", [device], 400, 401, 403, 404, 429, 503)
    operation["responses"]["202"] = operation["responses"].pop("200")
    wish = {"type": "object", "properties": {"seconds": {**WHOLE, "minimum": 1, "maximum": 86_400}}}
    kinds = ("application/json", "application/x-www-form-urlencoded")
    operation["requestBody"] = {"content": {kind: {"schema": wish} for kind in kinds}}
    return operation | {"security": [{"admin": []}, {}]}


def _point() -> Document:
    """EnergyMonitor's interface; /state/... beside /s0 is passed on to it."""
    name = _parameter("point", "path", TEXT, "Name of a device, or of a remote's point.", "Mains")
    get = _get("How a point is, in EnergyMonitor's form.", "State", [name], 503)
    json = {"application/json": {"schema": {**TEXT, "enum": ["point not found"]}}}
    get["responses"]["404"] = {"description": "EnergyMonitor's words.", "content": json}
    put = _get("Tell how a point is: what is known now.", "State", [name])
    put["responses"]["201"] = put["responses"]["200"] | {"description": "The first: the same back."}
    put["responses"] |= _refusals(400, 401, 403, 404, 409, 413, 429, 503)
    told = {"application/json": {"schema": _ref("ToldState")}}
    put["requestBody"] = {"required": True, "content": told}
    return {"get": get, "put": put | {"security": [{"token": []}, {"admin": []}, {}]}}


def _parameter(
    name: str, where: str, schema: Document, meaning: str, example: str = ""
) -> Document:
    parameter: Document = {"name": name, "in": where, "schema": schema, "description": meaning}
    if where == "path":
        parameter["required"] = True
    return parameter | ({"example": example} if example else {})


def _get(meaning: str, schema: str, parameters: list[Document], *refusals: int) -> Document:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    responses: Document = {"200": {"description": meaning, "content": content}}
    responses |= _refusals(*refusals)
    return {"summary": meaning, "parameters": parameters, "responses": responses}


def _text(meaning: str, parameters: list[Document]) -> Document:
    content = {kind: {"schema": TEXT} for kind in ("text/html", "text/plain")}
    responses: Document = {"200": {"description": meaning, "content": content}}
    return {"summary": meaning, "parameters": parameters, "responses": responses}


def _refusals(*codes: int) -> Document:
    content = {
        "application/json": {"schema": {"type": "object"}},
        "text/plain": {"schema": TEXT},
        "text/html": {"schema": TEXT},
    }
    message = {"description": "A sentence: what is wrong and what to do.", "content": content}
    return {str(code): message for code in codes}


def _object(required: Document, optional: Document | None = None) -> Document:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def _map(of: Document) -> Document:
    return {"type": "object", "additionalProperties": of}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _schemas() -> Document:
    value = _object({"value": NUMBER, "unit": TEXT, "time": TIME}, {"meter": TEXT})
    said = _texts("state", "text", "remedy", "kind") | {"troubles": WHOLE}
    health = _object(said, {"since": TIME, "last_error": TEXT, "readings": WHOLE})
    about = {"type": TEXT, "health": _ref("Health")}
    device = about | {"values": _map(_ref("Value")), "labels": _map(TEXT)}
    told = {"energy": NUMBER, "power": NUMBER, "time": TEXT, "dtime": NUMBER}
    data = _object(told | {"S0-ticks": WHOLE, "version": NUMBER})
    return {
        "Value": value,
        "Health": health,
        "Device": _object(device, {"name": TEXT}),
        "Readings": _object({"time": TIME, "version": WHOLE, "devices": _map(_ref("Device"))}),
        "Recent": _recent(),
        "Status": _status(),
        "Electricity": _object({"data": data, "units": _map(TEXT)}),
        "Version": _object({"application": TEXT, "version": NUMBER}),
        "Alive": _object(_texts("status")),
        "Ready": _object(_texts("state", "text")),
        "Fast": _object({"device": TEXT, "seconds": WHOLE}),
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
    state = _object(always | measured) if nullable else _object(always, measured)
    return state | {"additionalProperties": wire, "description": "Each further key is a wire."}


def _recent() -> Document:
    start = {**WHOLE, "description": "Time of the first mean, seconds since the epoch."}
    means = {"type": "array", "items": {**NUMBER, "nullable": True}}
    names = _texts("device", "quantity", "unit")
    return _object(names | {"start": start, "step": WHOLE, "values": means})


def _status() -> Document:
    station = _texts("state", "text", "version") | {"started": TIME, "time": TIME}
    config = _texts("saved", "applied", "problem") | {"is_applied": YESNO}
    return _object(
        {
            "station": _object(station | {"simulated": YESNO}),
            "config": _object(config),
            "workers": _map(_ref("Health")),
            "devices": _map(_ref("Health")),
            "log": _object({"readings": WHOLE, "dropped_values": _map(WHOLE)}),
        }
    )


def _texts(*names: str) -> Document:
    return dict.fromkeys(names, TEXT)

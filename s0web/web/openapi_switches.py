"""What the OpenAPI description says of switches."""

from .openapi_parts import (
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    YESNO,
    Document,
    answer,
    parameter,
    record,
    ref,
    texts,
)
from .switches import LONGEST, WORDS


def paths() -> Document:
    return {
        "/api/v1/switches": {"get": answer("How every switch is, and why.", "Switches", [])},
        "/api/v1/switches/{name}": {"post": _by_hand()},
    }


def schemas() -> Document:
    override = record({"on": YESNO, "until": {**TIME, "nullable": True}}) | {"nullable": True}
    switch = texts("name", "type", "rule", "reason") | {
        "on": {**YESNO, "nullable": True},
        "since": {**TIME, "nullable": True},
        "power": NUMBER,
        "run_time_today": NUMBER,
        "override": override,
        "health": ref("Health"),
    }
    return {
        "Switch": record(switch),
        "Switches": record({"switches": {"type": "array", "items": ref("Switch")}}),
        "Switched": record({"name": TEXT, "state": TEXT, "minutes": WHOLE}),
    }


def _by_hand() -> Document:
    name = parameter("name", "path", TEXT, "Name of a switch.", "boiler")
    meaning = "Switch by hand, for some minutes or until another word; auto: leave it to its rule."
    operation = answer(meaning, "Switched", [name], 400, 401, 403, 404, 429, 503)
    operation["responses"]["202"] = operation["responses"].pop("200")
    minutes = {**WHOLE, "minimum": 0, "maximum": LONGEST, "default": 0}
    wish = record({"state": {**TEXT, "enum": list(WORDS)}}, {"minutes": minutes})
    kinds = ("application/json", "application/x-www-form-urlencoded")
    operation["requestBody"] = {
        "required": True,
        "content": {kind: {"schema": wish} for kind in kinds},
    }
    return operation | {"security": [{"admin": []}, {}]}

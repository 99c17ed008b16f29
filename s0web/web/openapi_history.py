"""What the OpenAPI description says of history and energy."""

from ..archive.periods import STEPS
from ..archive.query import COARSE
from ..quantities import QUANTITIES
from .history_ask import MOST
from .openapi_parts import (
    NUMBER,
    TEXT,
    TIME,
    YESNO,
    Document,
    answer,
    mapping,
    parameter,
    record,
    ref,
    refusals,
    texts,
)

NAMES = {"type": "array", "items": {**TEXT, "enum": list(QUANTITIES)}, "maxItems": MOST}
MOMENT = "ISO 8601 (without a zone: the station's), seconds since 1970, now, or back: -24h, -7d."


def paths(device: Document) -> Document:
    span = [
        parameter("from", "query", TEXT, MOMENT, "-7d"),
        parameter("to", "query", TEXT, f"{MOMENT} Not included.", "now"),
    ]
    step = parameter("step", "query", {**TEXT, "enum": ["raw", *STEPS]}, "Else one that suits.")
    chosen = [device, _names("quantity", "Else power."), *span, step]
    period = {**TEXT, "enum": list(COARSE), "default": "day"}
    registers = _names("register", "Else all of energy and volume.")
    counted = [device, registers, *span, parameter("period", "query", period, "Local periods.")]
    of_series, of_energy = "A device's past.", "What flowed in local periods."
    return {
        "/api/v1/history": {"get": answer("What there is.", "Catalog", [], 503)},
        "/api/v1/history/{device}": {"get": answer(of_series, "History", chosen, 400, 404, 503)},
        "/api/v1/history/{device}.csv": {"get": _file(of_series, chosen)},
        "/api/v1/energy/{device}": {"get": answer(of_energy, "Energy", counted, 400, 404, 503)},
        "/api/v1/energy/{device}.csv": {"get": _file(of_energy, counted)},
    }


def schemas() -> Document:
    known = record(texts("unit", "kind") | {"first": TIME, "last": TIME})
    point = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 4}
    columns = {"type": "array", "items": TEXT}
    series = texts("quantity", "unit", "kind") | {
        "columns": columns,
        "points": {"type": "array", "items": point},
    }
    asked = {"device": TEXT, "from": TIME, "to": TIME}
    following = {"next": {**TEXT, "description": "The address at which the rest is."}}
    period = {"start": TIME, "end": TIME, "values": mapping(NUMBER), "gap": NUMBER}
    return {
        "Catalog": record({"devices": mapping(mapping(known))}),
        "Series": record(series),
        "History": record(
            asked | {"step": TEXT, "series": {"type": "array", "items": ref("Series")}}, following
        ),
        "Period": record(period | {"partial": YESNO}),
        "Energy": record(
            asked
            | {"period": TEXT, "units": mapping(TEXT)}
            | {"periods": {"type": "array", "items": ref("Period")}},
            following,
        ),
    }


def _names(name: str, meaning: str) -> Document:
    """Several, as name=a,b or name=a&name=b."""
    chosen = parameter(name, "query", NAMES, f"Quantities of the vocabulary. {meaning}")
    return chosen | {"style": "form", "explode": False}


def _file(meaning: str, parameters: list[Document]) -> Document:
    said = {"description": meaning, "content": {"text/csv": {"schema": TEXT}}}
    responses: Document = {"200": said} | refusals(400, 404, 503)
    return {"summary": f"{meaning} As CSV.", "parameters": parameters, "responses": responses}

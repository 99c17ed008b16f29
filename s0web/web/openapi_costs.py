"""What the OpenAPI description says of costs."""

from ..archive.query import COARSE
from ..energy.booking import COSTS
from .openapi_history import MOMENT
from .openapi_parts import (
    NUMBER,
    TEXT,
    TIME,
    Document,
    answer,
    mapping,
    parameter,
    record,
    ref,
    refusals,
)


def paths() -> Document:
    span = [
        parameter("from", "query", TEXT, MOMENT, "-7d"),
        parameter("to", "query", TEXT, f"{MOMENT} Not included.", "now"),
    ]
    chosen = {**TEXT, "enum": list(COARSE), "default": "day"}
    asked = [parameter("period", "query", chosen, "Local periods."), *span]
    meaning = "What energy cost in local periods, EUR."
    text = {"description": meaning, "content": {"text/csv": {"schema": TEXT}}}
    responses: Document = {"200": text} | refusals(400, 503)
    file = {"summary": f"{meaning} As CSV.", "parameters": asked, "responses": responses}
    return {
        "/api/v1/costs": {"get": answer(meaning, "Costs", asked, 400, 503)},
        "/api/v1/costs.csv": {"get": file},
        "/api/v1/costs/reprice": {"post": _reprice(span)},
    }


def schemas() -> Document:
    carriers = {
        carrier: record({"cost": NUMBER}, {name.removeprefix("cost_"): NUMBER for name in parts})
        for carrier, parts in COSTS.items()
    }
    now = record({"tariff": TEXT, "import": NUMBER, "export": NUMBER}, {"per_hour": NUMBER})
    totals = {"type": "object", "properties": {"total": NUMBER, **carriers}}
    period = record({"start": TIME, "end": TIME, "total": NUMBER}, carriers)
    asked = {"period": TEXT, "from": TIME, "to": TIME, "currency": TEXT}
    said = {
        "carriers": {"type": "array", "items": TEXT},
        "now": {"allOf": [ref("CostNow")], "nullable": True},
        "periods": {"type": "array", "items": ref("CostPeriod")},
        "totals": totals,
        "booked_until": mapping(TIME),
    }
    following = {"next": {**TEXT, "description": "The address at which the rest is."}}
    return {
        "CostNow": now,
        "CostPeriod": period,
        "Costs": record(asked | said, following),
        "Repriced": record({"from": TIME, "to": TIME}),
    }


def _reprice(span: list[Document]) -> Document:
    start, end = span
    meaning = "Have what was booked priced anew by the contracts as they are now."
    asked = [{**start, "required": True}, end]
    operation = answer(meaning, "Repriced", asked, 400, 401, 403, 429, 503)
    operation["responses"]["202"] = operation["responses"].pop("200")
    return operation | {"security": [{"admin": []}, {}]}

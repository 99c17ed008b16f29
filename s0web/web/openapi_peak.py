"""What the OpenAPI description says of the quarter-hour peak."""

from .openapi_parts import NUMBER, TEXT, TIME, Document, answer, record, ref, texts

MAYBE = {**NUMBER, "nullable": True}
MOMENT = {**TIME, "nullable": True}


def paths() -> Document:
    meaning = "The running quarter-hour, the month's peak, what it costs; powers in W."
    return {"/api/v1/peak": {"get": answer(meaning, "Peak", [], 404, 503)}}


def schemas() -> Document:
    source = {**TEXT, "enum": ["meter", "computed"]}
    apart = {**MAYBE, "description": "By computed quarters, where that differs from the meter's."}
    high = {"peak": NUMBER, "time": MOMENT, "from": source, "computed": apart}
    share = {**NUMBER, "minimum": 0, "maximum": 1}
    times = {"start": TIME, "end": TIME}
    quarter = record(times | {"elapsed": share, "demand": MAYBE, "forecast": MAYBE})
    rates = ("per_kw_year", "per_kw_month", "mean", "year", "if_exceeded")
    cost = record({"area": TEXT, **dict.fromkeys(rates, NUMBER)})
    alarm = {**TEXT, "enum": ["none", "will_exceed", "has_exceeded"]}
    limit = {**NUMBER, "description": "[peak] limit, else the month's peak, at least the floor."}
    gap = {**MAYBE, "description": "The limit less the forecast; below 0: too much."}
    return {
        "PeakMonth": record({"month": TEXT, **high}),
        "PeakCost": cost | {"nullable": True},
        "Peak": record(
            texts("device", "text")
            | {"quarter": quarter, "month": record({"start": TIME, **high})}
            | {"floor": NUMBER, "limit": limit, "gap": gap, "alarm": alarm}
            | {"cost": {"allOf": [ref("PeakCost")], "nullable": True}}
            | {"months": {"type": "array", "items": ref("PeakMonth")}}
        ),
    }

"""What the OpenAPI description says of day-ahead prices."""

from .openapi_history import MOMENT
from .openapi_parts import NUMBER, TEXT, TIME, Document, answer, parameter, record, ref, texts

MAYBE = {**NUMBER, "nullable": True}


def paths() -> Document:
    span = [
        parameter("from", "query", TEXT, f"{MOMENT} Else today, or 2 days before to.", "-2d"),
        parameter("to", "query", TEXT, f"{MOMENT} Else the end of tomorrow.", "now"),
    ]
    meaning = "Day-ahead prices (EUR/MWh), and what a kWh costs (EUR) by the contract in force."
    return {"/api/v1/prices": {"get": answer(meaning, "Prices", span, 400)}}


def schemas() -> Document:
    spot = {"start": TIME, "end": TIME, "spot": NUMBER}
    return {
        "Price": record(spot | {"import": MAYBE, "export": MAYBE}),
        "Prices": record(
            texts("unit", "zone", "provider", "note")
            | {"from": TIME, "to": TIME}
            | {"now": {"allOf": [ref("Price")], "nullable": True}}
            | {"slots": {"type": "array", "items": ref("Price")}}
            | {"cheapest": {"type": "array", "items": record(spot)}}
        ),
    }

"""The rates.json of rudyvan's digital_meter as contract sections: EUR/kWh by day and night, EUR/m3
of gas and water.

    {"Electricity": {"+": {"Day": 0.3214, "Night": 0.2225}, "-": {"Day": 0.1, "Night": 0.1}},
     "Gas": {"+": 1.576, "cnv": ["kWh", 11.510]}, "Water": {"+": 6.2}}
"""

import json
from typing import Any

Texts = dict[str, dict[str, str]]  # section -> option -> text


def sections(data: bytes) -> Texts:
    """ValueError, a sentence without the file's name, where it holds no rates."""
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON, or not all of it") from None
    found: Texts = {}
    for carrier, make in (("Electricity", _electricity), ("Gas", _gas), ("Water", _water)):
        row = said.get(carrier) if isinstance(said, dict) else None
        if isinstance(row, dict):
            name = carrier.lower()
            found[f"contract:{name}"] = {"type": name, **make(row)}
    if not found:
        raise ValueError("has none of Electricity, Gas and Water: it is no rates.json")
    return found


def _electricity(row: dict[str, Any]) -> dict[str, str]:
    taken, given = (_bands(row.get(sign), sign) for sign in ("+", "-"))
    return {
        "tariff": "single" if taken[0] == taken[1] and given[0] == given[1] else "day_night",
        "import_rate": _text(taken[0]),
        "import_rate_low": _text(taken[1]),
        "export_rate": _text(given[0]),
        "export_rate_low": _text(given[1]),
    }


def _gas(row: dict[str, Any]) -> dict[str, str]:
    options = {"rate": _text(_number(row.get("+"), "Gas +"))}
    cnv = row.get("cnv")  # label and kWh per m3
    if isinstance(cnv, list) and len(cnv) == 2:
        options["kwh_per_m3"] = _text(_number(cnv[1], "Gas cnv"))
    return options


def _water(row: dict[str, Any]) -> dict[str, str]:
    return {"rate": _text(_number(row.get("+"), "Water +"))}


def _bands(row: Any, sign: str) -> tuple[float, float]:
    """Day and night; nothing for what is not there."""
    if row is None:
        return 0.0, 0.0
    if not isinstance(row, dict):
        both = _number(row, f"Electricity {sign}")
        return both, both
    day = _number(row.get("Day"), f"Electricity {sign} Day")
    return day, _number(row["Night"], f"Electricity {sign} Night") if "Night" in row else day


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1000:
        raise ValueError(f"has no rate at {name}")
    return float(value)


def _text(number: float) -> str:
    return f"{number:.9f}".rstrip("0").rstrip(".")

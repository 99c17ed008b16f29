"""What `s0web export` and the csv sink write: CSV or JSON lines with one value in each."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

from ..model import Reading
from ..quantities import QUANTITIES
from . import Choices, Fault, Parser, Told
from .tables import rows
from .texts import LocalTimes, number, shown

COLUMNS = ("time", "local_time", "device", "quantity", "value", "unit", "meter")
NEEDED = ("time", "device", "quantity", "value", "unit", "meter")


def parser(choices: Choices) -> Parser:
    times = LocalTimes(UTC)

    def told(values: Mapping[str, str]) -> Reading:
        if missing := [name for name in NEEDED[:4] if name not in values]:
            raise ValueError(f"has no {missing[0]}")
        quantity = values["quantity"]
        if quantity not in QUANTITIES:
            raise ValueError(f"{shown(quantity)} is no quantity that is known here")
        unit = values.get("unit", "")
        if unit != QUANTITIES[quantity].unit:
            raise ValueError(f"{quantity} is in {QUANTITIES[quantity].unit}, not {shown(unit)}")
        time, device = times.read(values["time"]), choices.device(values["device"])
        meter = values.get("meter", "")
        return Reading(device, time, {quantity: number(values["value"])}, meter=meter)

    def parse(lines: Iterable[str]) -> Told:
        for row in _rows(lines):
            if isinstance(row, Fault):
                yield row
                continue
            try:
                yield told(row[1])
            except ValueError as error:
                yield Fault(row[0], str(error))

    return parse


def _rows(lines: Iterable[str]) -> Iterable[Fault | tuple[int, Mapping[str, str]]]:
    numbered = iter(lines)
    first = next(numbered, "")
    whole = _chain(first, numbered)
    if first.lstrip("\ufeff").startswith("{"):
        return _json(whole)
    if "step" in split_names(first):
        raise ValueError("holds means and energies of steps (--step): export it without, to import")
    return ((r.line, r.values) if not isinstance(r, Fault) else r for r in rows(whole, NEEDED, ()))


def split_names(line: str) -> list[str]:
    return line.strip("\ufeff\r\n").split(",")


def _chain(first: str, rest: Iterable[str]) -> Iterable[str]:
    yield first
    yield from rest


def _json(lines: Iterable[str]) -> Iterable[Fault | tuple[int, Mapping[str, str]]]:
    for line_number, line in enumerate(lines, 1):
        try:
            row: Any = json.loads(line.lstrip("\ufeff"))
        except (ValueError, RecursionError):
            if not line.endswith("\n"):
                raise ValueError("it ends in the middle: make the file anew") from None
            row = None
        if not isinstance(row, dict):
            yield Fault(line_number, f"{shown(line)} is no JSON object")
        elif "step" in row:
            raise ValueError("holds means and energies of steps (--step): export it without")
        else:
            yield line_number, {str(k): str(v) for k, v in row.items() if v not in ("", None)}

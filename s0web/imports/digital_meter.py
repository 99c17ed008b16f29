"""History files of rudyvan's digital_meter: JSON with the meter's registers at the file's time.

Its usage per day is left out: it is the difference of the registers, and had other mistakes. Times
are local; a register of gas or water that is 0 means that there is no such meter.
"""

import json
from collections.abc import Iterable
from typing import Any

from ..model import Reading
from . import Choices, Parser, Told
from .texts import LocalTimes

DEVICE = "grid"
REGISTERS = {
    "+Day": "energy_import_high",
    "+Night": "energy_import_low",
    "-Day": "energy_export_high",
    "-Night": "energy_export_low",
    "+": "energy_import",  # of a meter without tariffs, as [daily] writes it
    "-": "energy_export",
}


def parser(choices: Choices) -> Parser:
    device = choices.device(DEVICE)

    def parse(lines: Iterable[str]) -> Told:
        try:
            data = json.loads("".join(lines))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"is not JSON, or not all of it ({error})") from None
        meters = data.get("meters") if isinstance(data, dict) else None
        if not isinstance(meters, dict) or "cur_time" not in data:
            raise ValueError("has no cur_time and meters: it is no history file of digital_meter")
        power = meters.get("Electricity")
        values = _registers(power) if isinstance(power, dict) else {}
        if values:
            yield Reading(device, LocalTimes(choices.zone).read(str(data["cur_time"])), values)
        for name, kind in (("Gas", "gas"), ("Water", "water")):
            row = meters.get(name)
            volume = row.get("value") if isinstance(row, dict) else None
            if isinstance(row, dict) and _is_number(volume) and volume:
                time = LocalTimes(choices.zone).read(str(row.get("time")))
                yield Reading(f"{device}.{kind}", time, {"volume": float(volume)})

    return parse


def _registers(row: dict[str, Any]) -> dict[str, float]:
    return {
        quantity: float(row[name])
        for name, quantity in REGISTERS.items()
        if _is_number(row.get(name))
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

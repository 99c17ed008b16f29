"""CSV files of smartmeter-python: a line for each telegram of a P1 meter.

Energy is kWh, power kW; what flows out has a column of its own. Day is the high tariff, as in
Belgium, where its meters are.
"""

from collections.abc import Iterable, Mapping

from ..model import Reading
from ..quantities import PHASES
from . import Choices, Fault, Parser, Told
from .tables import Row, rows
from .texts import meter_time, number

DEVICE = "grid"
REGISTERS = {
    "total_consumption_day": "energy_import_high",
    "total_consumption_night": "energy_import_low",
    "total_injection_day": "energy_export_high",
    "total_injection_night": "energy_export_low",
}
POWERS = {"total": "power"} | {phase: f"power_{phase}" for phase in PHASES}
GAUGES = {
    f"{phase}_{what}": f"{what}_{phase}" for what in ("voltage", "current") for phase in PHASES
}
COLUMNS = (
    "timestamp",
    *REGISTERS,
    "actual_tariff",
    *(f"actual_total_{side}" for side in ("consumption", "injection")),
    *(f"actual_{phase}_{side}" for side in ("consumption", "injection") for phase in PHASES),
    *GAUGES,
    "total_gas_consumption",
    "gas_timestamp",
)


def parser(choices: Choices) -> Parser:
    device = choices.device(DEVICE)

    def told(row: Row) -> list[Reading]:
        values = row.values
        found = [Reading(device, meter_time(values.get("timestamp", "")), _values(values))]
        if "total_gas_consumption" in values and "gas_timestamp" in values:
            gas = {"volume": number(values["total_gas_consumption"])}
            found.append(Reading(f"{device}.gas", meter_time(values["gas_timestamp"]), gas))
        return found

    def parse(lines: Iterable[str]) -> Told:
        for row in rows(lines, ("timestamp", "total_consumption_day"), COLUMNS):
            if isinstance(row, Fault):
                yield row
                continue
            try:
                yield from told(row)
            except ValueError as error:
                yield Fault(row.line, str(error))

    return parse


def _values(texts: Mapping[str, str]) -> dict[str, float]:
    direct = REGISTERS | GAUGES
    found = {direct[name]: number(text) for name, text in texts.items() if name in direct}
    for where, quantity in POWERS.items():
        sides = [texts.get(f"actual_{where}_{side}") for side in ("consumption", "injection")]
        if sides[0] or sides[1]:
            kilowatts = number(sides[0] or "0") - number(sides[1] or "0")
            found[quantity] = round(kilowatts * 1000, 3)
    return found

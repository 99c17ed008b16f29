"""The words of smartmeter-python: its columns and fields, from the readings of a P1 meter.

Energy is kWh, power kW, never negative: what flows out has a column of its own. Its time is that of
the meter in Belgium, YYMMDDhhmmss and S or W for summer or winter.
"""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from ..model import Reading
from ..quantities import PHASES

COLUMNS = (
    "timestamp",
    "total_consumption_day",
    "total_consumption_night",
    "total_injection_day",
    "total_injection_night",
    "actual_tariff",
    "actual_total_consumption",
    "actual_total_injection",
    *(f"actual_{phase}_consumption" for phase in PHASES),
    *(f"actual_{phase}_injection" for phase in PHASES),
    *(f"{phase}_voltage" for phase in PHASES),
    *(f"{phase}_current" for phase in PHASES),
    "total_gas_consumption",
    "gas_timestamp",
)
GAS = "total_gas_consumption"
_REGISTERS = {
    "energy_import_high": "total_consumption_day",
    "energy_import_low": "total_consumption_night",
    "energy_export_high": "total_injection_day",
    "energy_export_low": "total_injection_night",
}
_POWERS = {"power": "total"} | {f"power_{phase}": phase for phase in PHASES}
_TARIFFS = {"high": 1.0, "low": 2.0}


class Smartmeter:
    """One P1 device; remembers its tariff and gas, which are told only when they change."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._tariff: float | None = None
        self._gas: tuple[float, datetime] | None = None

    def take(self, reading: Reading) -> dict[str, float]:
        """Return the fields of a telegram, without those of gas; {} for any other reading."""
        if reading.device == f"{self._device}.gas" and "volume" in reading.values:
            self._gas = reading.values["volume"], reading.time
        if reading.device != self._device:
            return {}
        if "tariff" in reading.labels:
            self._tariff = _TARIFFS.get(reading.labels["tariff"])
        found = _fields(reading.values)
        if found and self._tariff is not None:
            found["actual_tariff"] = self._tariff
        return found

    def row(self, fields: Mapping[str, float], time: datetime) -> list[str]:
        """Return the texts of all COLUMNS; "" for what is not known."""
        texts = {name: f"{number:.10g}" for name, number in fields.items()}
        texts["timestamp"] = stamp(time)
        if self._gas is not None:
            texts[GAS], texts["gas_timestamp"] = f"{self._gas[0]:.10g}", stamp(self._gas[1])
        return [texts.get(column, "") for column in COLUMNS]


def stamp(time: datetime) -> str:
    """Return the time as a Belgian meter writes it: 211024195235S."""
    local = time.astimezone(ZoneInfo("Europe/Brussels"))
    return f"{local:%y%m%d%H%M%S}{'S' if local.dst() else 'W'}"


def _fields(values: Mapping[str, float]) -> dict[str, float]:
    found = {name: values[register] for register, name in _REGISTERS.items() if register in values}
    for quantity, where in _POWERS.items():
        if quantity in values:
            kilowatts = round(values[quantity] / 1000, 6)
            found[f"actual_{where}_consumption"] = max(0.0, kilowatts)
            found[f"actual_{where}_injection"] = max(0.0, -kilowatts)
    for phase in PHASES:
        if (voltage := values.get(f"voltage_{phase}")) is not None:
            found[f"{phase}_voltage"] = voltage
        if (current := values.get(f"current_{phase}")) is not None:
            found[f"{phase}_current"] = abs(current)
    return found

"""Power of wires whose voltage no channel of the ADC measures: what is assumed, and said so.

The voltage is a number, or what another device of the station told within the last minute; the
power factor is a number. The direction is unknown, so power counts as import.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..model import Options, Totals
from .adc_power import Measured

NOISE = (
    10.0  # W: a smaller power may be noise, which without a voltage has no sign and would add up
)


class Assumed(NamedTuple):
    voltages: Sequence[float] = ()  # V, of each wire; empty: measured, or unknown
    labels: Mapping[str, str] = {}
    problem: tuple[str, str, str] | None = None  # kind, text and remedy of a Trouble


class Assumption:
    """What the options of one section say about its wires."""

    def __init__(self, options: Options, totals: Totals, wires: Sequence[str]) -> None:
        self._is_needed = not options["voltage_channels"]
        self._source, self._totals, self._wires = str(options["voltage"]), totals, wires
        self._power_factor = float(options["power_factor"])

    def now(self) -> Assumed:
        if not self._is_needed:
            return Assumed()
        if (volts := _number(self._source)) is not None:
            return Assumed([volts] * len(self._wires), {"assumed": "voltage, power factor"})
        if voltages := self._measured():
            return Assumed(voltages, {"assumed": "power factor"})
        text = f"{self._source} tells no voltage, so power is not told"
        remedy = f"See why {self._source} tells none, or set voltage to a number such as 230."
        return Assumed(problem=("no_voltage", text, remedy))

    def apply(self, measured: Measured, volts: float) -> Measured:
        power = volts * measured.current * self._power_factor
        return Measured(measured.current, volts, power if power >= NOISE else 0.0)

    def _measured(self) -> list[float]:
        """The voltages of wires of the same names, else of the phases in the order of the wires,
        else one for all.
        """
        named = [self._totals(f"{self._source}.{wire}").get("voltage") for wire in self._wires]
        known = self._totals(self._source)
        phases = [known.get(f"voltage_l{n}") for n in range(1, len(self._wires) + 1)]
        for voltages in (named, phases, [known.get("voltage")] * len(self._wires)):
            told = [volts for volts in voltages if volts is not None]
            if len(told) == len(self._wires):
                return told
        return []


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None

"""A point that an ADC measures: its wires, their sum, and the energies counted from them.

1. Every window adds its mean power x its time: to energy_import from 0 up, else to energy_export;
   the point by the sign of its sum, as a three-phase meter does.
2. A gap of at most 10 s, as long as a sampler takes to begin again, counts with the mean of the
   powers on both sides; a longer one is not counted, and said.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from ..energy.factors import of_wire
from ..model import Options, Reading, Telling, Totals, Trouble
from .adc_assumed import Assumption
from .adc_health import Channel, Fault, Look, worst
from .adc_power import Measured, Wave, Wire
from .adc_windows import Window

BRIDGED = 10.0  # s, a gap whose energy is estimated
LEAST = 0.5  # VA: below, a power factor is noise
DIGITS = {"voltage": 3, "current": 4, "power_factor": 5, "frequency": 4}

Values = dict[str, float]


class Register:
    """The energies of one device, kWh."""

    def __init__(self, device: str, totals: Mapping[str, float]) -> None:
        self.device = device
        self._imported = totals.get("energy_import", 0.0)
        self._exported = totals.get("energy_export", 0.0)
        self._power: float | None = None  # of the last window

    def add(self, power: float, window: Window) -> None:
        if self._power is not None and 0 < window.gap <= BRIDGED:
            self._count((self._power + power) / 2, window.gap)
        self._count(power, window.span)
        self._power = power

    def forget(self) -> None:
        """A window told no power: what comes next has nothing before it."""
        self._power = None

    def correct(self, difference: float) -> None:
        if self._imported + difference < 0:
            raise ValueError(f"{self.device}: a counter cannot be less than 0")
        self._imported += difference

    @property
    def values(self) -> Values:
        return {
            "energy_import": round(self._imported, 9),
            "energy_export": round(self._exported, 9),
        }

    def _count(self, power: float, seconds: float) -> None:
        if power >= 0:
            self._imported += power * seconds / 3.6e6
        else:
            self._exported -= power * seconds / 3.6e6


class Branch(NamedTuple):
    """One wire of a point."""

    device: str  # mains.brown
    wire: Wire
    current: Channel
    voltage: Channel | None
    register: Register


class Point:
    """All wires of one section."""

    def __init__(
        self, device: str, options: Options, totals: Totals, channels: Sequence[int]
    ) -> None:
        self.device = device
        places = {number: place for place, number in enumerate(channels)}
        voltages = dict(options["voltage_channels"])
        self.branches: list[Branch] = []
        for name, number in options["current_channels"]:
            current, voltage = Channel(number, places[number]), None
            if name in voltages:
                voltage = Channel(voltages[name], places[voltages[name]])
            wire = Wire(
                f"{device}.{name}",
                current.place,
                voltage.place if voltage else None,
                of_wire(options["amps_per_code"], name),
                of_wire(options["volts_per_code"], name),
                of_wire(options["phase_error"], name),
            )
            register = Register(wire.name, totals(wire.name))
            self.branches.append(Branch(wire.name, wire, current, voltage, register))
        names = [branch.wire.name.rpartition(".")[2] for branch in self.branches]
        self._assumption = Assumption(options, totals, names)
        self.register = Register(device, totals(device))
        self._late = int(totals(device).get("frames_late", 0))
        self._late_told: int | None = None
        self._labels_told: dict[str, Mapping[str, str]] = {}

    def correct(self, device: str, difference: float) -> Mapping[str, float]:
        """Shift the energy_import of the point or of one of its wires, by kWh."""
        registers = (self.register, *(branch.register for branch in self.branches))
        register = next(register for register in registers if register.device == device)
        register.correct(difference)
        return register.values

    def add_late(self, frames: int) -> None:
        self._late += frames

    def tell(self, window: Window, wave: Wave, look: Look, time: datetime) -> list[Telling]:
        """What one window tells: readings, and after them what is wrong."""
        assumed = self._assumption.now()
        told: list[Telling] = []
        troubles: list[Telling] = []
        rows, blind = [], []
        for number, branch in enumerate(self.branches):
            frequencies = wave.frequencies
            fault = worst(look, branch.current, branch.voltage, branch.wire.volts, frequencies)
            measured = wave.wires[branch.device]
            if assumed.voltages:
                measured = self._assumption.apply(measured, assumed.voltages[number])
            values = self._values(branch, measured, fault, look)
            rows.append(values)
            if "power" in values:
                branch.register.add(values["power"], window)
                values = values | branch.register.values
            else:
                branch.register.forget()
            told += self._reading(branch.device, time, values, assumed.labels)
            if fault is not None:
                troubles.append(Trouble(branch.device, fault.kind, fault.text, fault.remedy))
                blind += [branch.device] if fault.is_blind else []
        told += self._reading(self.device, time, self._sum(rows, wave, window), assumed.labels)
        if blind:
            text = f"the sum is not told, since {' and '.join(blind)} cannot be measured"
            troubles.append(Trouble(self.device, "incomplete", text, f"See {blind[0]}."))
        if window.gap > BRIDGED:
            text = f"no samples for {window.gap:.1f} s: the energy of that time is not counted"
            remedy = "If it comes again: see the messages about the wire, and the machine's load."
            troubles.append(Trouble(self.device, "gap", text, remedy))
        if assumed.problem:
            names = (*(branch.device for branch in self.branches), self.device)
            troubles += [Trouble(name, *assumed.problem) for name in names]
        return told + troubles

    def _values(
        self, branch: Branch, measured: Measured, fault: Fault | None, look: Look
    ) -> Values:
        """What is known of one wire."""
        values: Values = {}
        if measured.voltage is not None and not (
            branch.voltage is not None and look.is_stuck(branch.voltage.place)
        ):
            values["voltage"] = measured.voltage
        if not look.is_stuck(branch.current.place):
            values["current"] = measured.current
        if measured.power is None or measured.voltage is None or (fault and fault.is_blind):
            return values
        values["power"] = measured.power
        values["apparent_power"] = measured.voltage * measured.current
        if measured.reactive_power is not None:
            values["reactive_power"] = measured.reactive_power
            values |= _power_factor(values)
        return values

    def _sum(self, rows: Sequence[Values], wave: Wave, window: Window) -> Values:
        """The whole point; a sum in which a wire is missing is not told."""
        values: Values = {}
        for quantity in ("power", "current", "apparent_power", "reactive_power"):
            if all(quantity in row for row in rows):
                values[quantity] = sum(row[quantity] for row in rows)
        if known := [row["voltage"] for row in rows if "power" in row]:
            values["voltage"] = sum(known) / len(known)
        if "reactive_power" in values:
            values |= _power_factor(values)
        if wave.frequency == wave.frequency and any(b.voltage for b in self.branches):
            values["frequency"] = wave.frequency
        if "power" in values:
            self.register.add(values["power"], window)
            values |= self.register.values
        else:
            self.register.forget()
        if self._late != self._late_told:
            self._late_told = self._late
            values["frames_late"] = float(self._late)
        return values

    def _reading(
        self, device: str, time: datetime, values: Values, labels: Mapping[str, str]
    ) -> list[Telling]:
        if not values:
            return []
        news = labels if labels != self._labels_told.get(device, {}) else {}
        self._labels_told[device] = labels
        rounded = {
            quantity: number
            if quantity.startswith("energy")
            else round(number, DIGITS.get(quantity, 3))
            for quantity, number in values.items()
        }
        return [Reading(device, time, rounded, news)]


def _power_factor(values: Values) -> Values:
    if values["apparent_power"] < LEAST:
        return {}
    return {"power_factor": max(-1.0, min(1.0, values["power"] / values["apparent_power"]))}

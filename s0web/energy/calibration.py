"""The factors of one ADC wire, from what it reads and what a reference meter shows; pure.

1. A resistive load has no reactive power, so the angle of the reading is the transformers' own:
   `phase_error` gets what the current leads by, and the power of the reading is sqrt(P^2 + Q^2).
2. Where the wire was read before the load was switched on too, the load is the difference; active
   and reactive (fundamental) power add up, currents do not.
3. A load that is not resistive enough raises ValueError, a sentence that says so.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev
from typing import NamedTuple

LEAST_LOAD = 500.0  # W
LEAST_CURRENT = 2.0  # A, where the voltage is not known
UNSTEADY = 0.02  # standard deviation of what is read, of its mean
WIDEST = 15.0  # deg: no transformer shifts more
PURE = 0.995  # power factor that has to be left when the shift is taken off
SEEN = 0.02  # of the load, at least, is in the reading, however wrong the factors are


class Mean(NamedTuple):
    value: float
    spread: float  # standard deviation


Means = Mapping[str, Mean]  # by quantity


class Truth(NamedTuple):
    """What the reference meter shows; None: not known."""

    voltage: float | None = None  # V
    power: float | None = None  # W, of the load
    current: float | None = None  # A, of the whole wire


class Found(NamedTuple):
    volts: float  # volts_per_code is multiplied by it
    amps: float  # likewise amps_per_code; below 0 the transformer sits the wrong way round
    lead: float  # deg, added to phase_error


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, Mean]:
    """The means of all quantities that every row has."""
    shared = set.intersection(*(set(row) for row in rows)) if rows else set()
    columns = {quantity: [row[quantity] for row in rows] for quantity in sorted(shared)}
    return {quantity: Mean(fmean(of), pstdev(of)) for quantity, of in columns.items()}


def found(on: Means, off: Means | None, truth: Truth) -> Found:
    """The factors, from the wire with the load on it and, where known, before it was. Then the true
    voltage is that of before too: the load makes it sink.
    """
    if "reactive_power" not in on:  # without a voltage channel currents are all there is
        amps = _by_current(on, truth)
        if truth.current and truth.current < LEAST_CURRENT:
            raise ValueError(f"{truth.current:g} A is too small: take a load of 500 W or more.")
        _check_steady("current", on)
        return Found(1.0, amps, 0.0)
    volts = truth.voltage / (off or on)["voltage"].value if truth.voltage else 1.0
    base = off or {}
    active, reactive = (
        on[name].value - (base[name].value if name in base else 0.0)
        for name in ("power", "reactive_power")
    )
    reading = math.hypot(active, reactive)
    _check_load(reading, on, truth, volts)
    _check_steady("power", on)
    if off and off["power"].spread > UNSTEADY * reading:
        raise ValueError("what else is on this wire is not steady: switch off what changes.")
    sign = math.copysign(1.0, active)
    angle = math.degrees(math.atan2(sign * reactive, sign * active))
    _check_resistive(angle, on)
    amps = _by_current(on, truth) if truth.power is None else truth.power / (reading * volts)
    return Found(volts, sign * amps, -angle)


def _by_current(on: Means, truth: Truth) -> float:
    if not truth.current:
        raise ValueError("what the load draws is not known: give its current in A.")
    if on["current"].value < SEEN * truth.current:
        raise ValueError(_no_load(f"{on['current'].value:.2f} A"))
    return truth.current / on["current"].value


def _check_steady(quantity: str, on: Means) -> None:
    if on[quantity].spread > UNSTEADY * abs(on[quantity].value):
        raise ValueError(
            f"the {quantity} is not steady (it varies by "
            f"{on[quantity].spread / max(abs(on[quantity].value), 1e-9):.0%}): take a kettle or a "
            "heater without a thermostat that clicks, and switch off what changes."
        )


def _check_load(reading: float, on: Means, truth: Truth, volts: float) -> None:
    power = truth.power
    if power is None:
        power = (truth.current or 0.0) * on["voltage"].value * volts
    if power < LEAST_LOAD:
        raise ValueError(
            f"the load of {power:.0f} W is too small: take one of {LEAST_LOAD:.0f} W or more, "
            "such as a kettle."
        )
    if reading < SEEN * power:
        raise ValueError(_no_load(f"{reading:.0f} W"))


def _no_load(seen: str) -> str:
    return (
        f"the load is not seen (only {seen} more): is it on, on this phase, and the transformer "
        "closed around this wire?"
    )


def _check_resistive(angle: float, on: Means) -> None:
    if abs(angle) > WIDEST:
        raise ValueError(
            f"current and voltage are {abs(angle):.0f} degrees apart, more than transformers "
            "shift: the load is not resistive, or the voltage is that of another phase "
            "(voltage_channels)."
        )
    apparent = on["apparent_power"].value
    explained = math.hypot(on["power"].value, on["reactive_power"].value)
    if explained < PURE * apparent:
        raise ValueError(
            f"the load is not resistive (its power factor is {explained / apparent:.3f} at best): "
            "take a kettle or a heater, nothing with a motor, a dimmer or electronics."
        )

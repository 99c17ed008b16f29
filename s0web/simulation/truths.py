"""What a Modbus meter in the simulated house measures: pure functions from a Truth to quantities.

Import is positive everywhere. What the house does not know is a constant, or follows from what it
knows so that a register only grows.
"""

from cmath import rect
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from math import atan2, degrees, hypot, radians, sqrt

from ..quantities import PAIRS, PHASES
from .house import Truth
from .week import EPOCH

VARS = 75  # on each phase, all the time: see house._currents
NOMINAL = 230.0  # V, for what is summed over time
SOLAR_MOST = 3500  # W: the inverter on its best day, see week._sun
SHARES = (0.36, 0.26, 0.38)  # of the phases in all energy: the house sums it as a whole
FREQUENCY = 50.0  # Hz
RESETTABLE = ("energy_import", "energy_export", "energy_total", "reactive_energy_total")
THD = {"thd_voltage": 1.8, "thd_voltage_ll": 1.5, "thd_current": 6.0}  # %, of each phase and pair

Values = dict[str, float]


def grid(truth: Truth) -> Values:
    """A three-phase meter at the connection to the grid.

    Like the meter of the grid company it counts the net of the phases as import or export.
    """
    values = _momentary(truth.phases, VARS, truth.voltages, truth.currents)
    imported = truth.energy_import_high + truth.energy_import_low
    exported = truth.energy_export_high + truth.energy_export_low
    hours = (truth.time - EPOCH) / timedelta(hours=1)
    values |= _energies(imported, exported, 3 * VARS / 1000 * hours, SHARES)
    values |= {
        "energy_import_high": truth.energy_import_high,
        "energy_import_low": truth.energy_import_low,
        "energy_export_high": truth.energy_export_high,
        "energy_export_low": truth.energy_export_low,
    }
    highest = max(truth.peak, truth.demand)  # the peak is of quarter-hours that ended
    return values | _demands(truth.demand, highest, 3 * VARS, 3) | _between(truth.voltages)


def solar(truth: Truth) -> Values:
    """A single-phase meter beside the inverter, which is on L2 of the house and L1 of the meter.

    To the house production is export: `power` is -truth.solar, and `energy_export` is all that the
    inverter ever made. It makes no reactive power, and takes nothing at night.
    """
    volts = truth.voltages[1]
    values = _momentary([-truth.solar], 0, [volts], [truth.solar / volts])
    values |= _energies(0.0, truth.solar_energy, 0.0, (1.0,))
    values |= {  # the inverter knows no tariff
        "energy_import_high": 0.0,
        "energy_import_low": 0.0,
        "energy_export_high": 0.0,
        "energy_export_low": truth.solar_energy,
    }
    return values | _demands(-truth.solar, -SOLAR_MOST, 0, 1)


def _momentary(
    powers: Sequence[int], var: int, volts: Sequence[float], amperes: Sequence[float]
) -> Values:
    """The gauges of each phase (W, and `var` on each) and of all together; the latter as vectors,
    so that W and var make VA, and both the power factor and the angle.
    """
    count, total = len(powers), sum(powers)
    values = _triangle("", total, count * var)
    for phase, watts, volt, ampere in zip(PHASES, powers, volts, amperes, strict=False):
        values |= _triangle(f"_{phase}", watts, var)
        values |= {f"voltage_{phase}": volt, f"current_{phase}": ampere}
        values |= {f"{name}_{phase}": thd for name, thd in THD.items() if name != "thd_voltage_ll"}
    return values | {
        "voltage": sum(volts) / count,
        "current": sum(amperes),
        "current_mean": sum(amperes) / count,
        "current_neutral": _neutral(values, amperes),
        "power_import": float(max(total, 0)),
        "power_export": float(max(-total, 0)),
        "power_factor_negated": -values["power_factor"],
        "frequency": FREQUENCY,
        **THD,
    }


def _triangle(suffix: str, watts: int, var: int) -> Values:
    """Active, reactive and apparent power, their factor (the sign is the direction) and angle."""
    apparent = hypot(watts, var)
    return {
        f"power{suffix}": float(watts),
        f"reactive_power{suffix}": float(var),
        f"apparent_power{suffix}": apparent,
        f"power_factor{suffix}": watts / apparent if apparent else 1.0,
        f"phase_angle{suffix}": degrees(atan2(var, watts)),
    }


def _neutral(values: Values, amperes: Sequence[float]) -> float:
    """A: the currents of the phases, 120 degrees apart and each behind its voltage, as vectors."""
    vectors = (
        rect(ampere, radians(-120 * number - values[f"phase_angle_{phase}"]))
        for number, (phase, ampere) in enumerate(zip(PHASES, amperes, strict=False))
    )
    return abs(sum(vectors))


def _between(volts: Sequence[float]) -> Values:
    """The voltages between phases that are 120 degrees apart."""
    pairs = list(pairwise((*volts, volts[0])))
    between = [sqrt(one * one + other * other + one * other) for one, other in pairs]
    values = {"voltage_ll": sum(between) / len(between)}
    for (one, other), number in zip(PAIRS, between, strict=True):
        values[f"voltage_{one}_{other}"] = number
        values[f"thd_voltage_{one}_{other}"] = THD["thd_voltage_ll"]
    return values


def _energies(imported: float, exported: float, reactive: float, shares: Sequence[float]) -> Values:
    """Registers in kWh, kvarh, kVAh and Ah; `shares` divides the kWh among the phases.

    Reactive energy is exact, since reactive power never changes. Apparent energy is what the sums
    of the two at least make (Minkowski), and charge is that at 230 V: both only grow.
    """
    apparent, values = hypot(imported + exported, reactive), {}
    alike = [1 / len(shares)] * len(shares)
    for name, brought, taken, parts in (
        ("energy", imported, exported, shares),
        ("reactive_energy", reactive, 0.0, alike),
    ):
        sums = {"import": brought, "export": taken, "total": brought + taken}
        for way, number in sums.items():
            values[f"{name}_{way}"] = number
            for phase, part in zip(PHASES, parts, strict=False):
                values[f"{name}_{way}_{phase}"] = number * part
    for name in RESETTABLE:
        values[f"{name}_resettable"] = values[name]  # nobody ever reset it
    return values | {
        "energy_net": imported - exported,
        "apparent_energy": apparent,
        "charge": apparent * 1000 / NOMINAL,
    }


def _demands(power: int, highest: int, var: int, phases: int) -> Values:
    """Means of the demand period (W) and the highest of them, by the power alone: all phases alike,
    so that nothing flows in the neutral wire.
    """
    values = {"current_neutral_demand": 0.0, "current_neutral_demand_max": 0.0}
    for end, watts in (("demand", power), ("demand_max", highest)):
        apparent = hypot(watts, var)
        values |= {
            f"power_{end}": float(watts),
            f"power_import_{end}": float(max(watts, 0)),
            f"power_export_{end}": float(max(-watts, 0)),
            f"apparent_power_{end}": apparent,
            f"current_{end}": apparent / NOMINAL,
        }
        for phase in PHASES[:phases]:
            values[f"current_{end}_{phase}"] = apparent / NOMINAL / phases
    return values

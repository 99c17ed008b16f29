"""The past of the simulated house at quarter-hours: registers, powers and demands, as its sources
would have told them.

Registers are cut off below what the wires show, so that they go on with the live ones and never
fall; the counters of pulses, which begin at 0, go on by themselves.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from ..model import Options, Reading
from ..registry import METERS, load
from .house import House, Truth
from .slave import FIRST_SERIAL
from .telegram import GAS_SERIAL, SERIAL, WATER_SERIAL

QUARTER = timedelta(minutes=15)
HOUR = QUARTER / timedelta(hours=1)  # of a quarter
COARSE = 0.002  # kWh: how far a register of four bytes may be off
Values = dict[str, float]
Sources = Mapping[str, Options]  # device -> options


class Moment(NamedTuple):
    """A quarter begins: the house a quarter ago, now, and in a quarter."""

    before: Truth
    now: Truth
    after: Truth


def year(
    house: House, sources: Sources, start: datetime, end: datetime, peak: str = ""
) -> Iterator[Reading]:
    """What was told with start <= time < end, both at full quarters. `peak`: the device that tells
    closed quarters, where there is one.
    """
    moment = Moment(*(house.at(start + number * QUARTER) for number in (-1, 0, 1)))
    while moment.now.time < end:
        for device, options in sources.items():
            yield from _TOLD.get(options["type"], _nothing)(device, options, moment)
        if peak:
            demand = _rise(moment.before, moment.now, _IMPORTED) / HOUR * 1000
            yield Reading(peak, moment.now.time, {"demand_quarter": float(round(demand))})
        moment = Moment(moment.now, moment.after, house.at(moment.after.time + QUARTER))


_IMPORTED = ("energy_import_high", "energy_import_low")
_EXPORTED = ("energy_export_high", "energy_export_low")


def _p1(device: str, options: Options, moment: Moment) -> Iterator[Reading]:
    now = moment.now
    values = {name: _cut(getattr(now, name)) for name in (*_IMPORTED, *_EXPORTED)}
    values["energy_import"] = _sum(values, _IMPORTED)
    values["energy_export"] = _sum(values, _EXPORTED)
    values["power"] = _net(moment)
    if now.peak_time == now.time:
        values["peak"] = float(now.peak)
    yield Reading(device, now.time, values, meter=SERIAL)
    yield Reading(f"{device}.gas", now.time, {"volume": _cut(now.gas)}, meter=GAS_SERIAL)
    yield Reading(f"{device}.water", now.time, {"volume": _cut(now.water)}, meter=WATER_SERIAL)


def _modbus(device: str, options: Options, moment: Moment) -> Iterator[Reading]:
    model, now = load(METERS, options["model"]), moment.now
    if model.phases == 3:
        imported, exported = (_of(now, names) for names in (_IMPORTED, _EXPORTED))
        values = {"energy_import": imported, "energy_export": exported, "power": _net(moment)}
    else:
        watts = _rise(now, moment.after, ("solar_energy",)) / HOUR * 1000
        values = {"energy_export": now.solar_energy, "power": -float(round(watts))}
    for name in values.keys() - {"power"}:
        values[name] = _cut(max(0.0, values[name] - COARSE))
    meter = str(FIRST_SERIAL + options["unit"]) if model.serial else ""
    yield Reading(device, now.time, values, meter=meter)


def _s0(device: str, options: Options, moment: Moment) -> Iterator[Reading]:
    now, measures = moment.now, options["measures"]
    if measures == "energy":
        watts = _rise(now, moment.after, ("energy",)) / HOUR * 1000
        values = {"energy_import": _cut(now.energy), "power": float(round(watts))}
    else:
        values = {"volume": _cut(getattr(now, measures))}
    yield Reading(device, now.time, values)


def _adc(device: str, options: Options, moment: Moment) -> Iterator[Reading]:
    yield Reading(device, moment.now.time, {"power": _net(moment)})


def _nothing(device: str, options: Options, moment: Moment) -> Iterator[Reading]:
    yield from ()


_TOLD = {"p1": _p1, "modbus": _modbus, "s0": _s0, "adc": _adc}


def _cut(number: float) -> float:
    """To thousandths, as the telegram does."""
    return math.floor(number * 1000 + 1e-5) / 1000


def _sum(values: Values, names: Sequence[str]) -> float:
    return round(sum(values[name] for name in names), 3)


def _of(truth: Truth, names: Sequence[str]) -> float:
    return float(sum(getattr(truth, name) for name in names))


def _rise(begin: Truth, end: Truth, names: Sequence[str]) -> float:
    return _of(end, names) - _of(begin, names)


def _net(moment: Moment) -> float:
    """W, the mean of the quarter that begins."""
    flowed = _rise(moment.now, moment.after, _IMPORTED) - _rise(moment.now, moment.after, _EXPORTED)
    return float(round(flowed / HOUR * 1000))

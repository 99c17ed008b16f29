"""The ways in which others compute mains power from ADC codes, re-stated in own words from what
they publish; peers of bench.adc_accuracy.

1. EnergyMonitor: a block of a nominal number of waves; the mean, rounded to a whole code, is taken
   off; power is the mean product of codes that were converted one after the other, voltage the rms;
   current is power by voltage. Plain Python, as it runs there.
2. emonLibCM: whole waves from one rising change of sign of the voltage to another; the voltage
   between its two conversions around the current is mixed from both by trigonometric weights, for
   the nominal frequency; offsets are taken off the sums.
"""

import statistics
from collections.abc import Sequence
from math import nan, pi, radians, sin, sqrt
from typing import Any, NamedTuple

import numpy as np


class Told(NamedTuple):
    voltage: float
    current: float
    power: float
    hertz: float


def energymonitor(
    current: Sequence[int], voltage: Sequence[int], amps: float, volts: float
) -> Told:
    """One block of codes of one wire; its means are those of the statistics module."""
    i, v = _centred(current), _centred(voltage)
    products = []
    for index in range(len(i)):
        products.append(i[index] * v[index])
    power = statistics.mean(products) * amps * volts
    squares = 0.0
    for code in v:
        squares = squares + code**2
    rms = sqrt(squares / len(v)) * volts
    return Told(rms, power / rms, power, nan)


def _centred(codes: Sequence[int]) -> list[int]:
    middle, moved = round(statistics.mean(codes)), list(codes)
    for index in range(len(moved)):
        moved[index] -= middle
    return moved


def emonlibcm(
    current: Any,
    voltage: Any,
    amps: float,
    volts: float,
    skew: float,
    rate: float,
    lead: float = 0.0,
) -> Told:
    """Codes of one wire, numpy; the current is converted `skew` s before the voltage."""
    i, v = current - 2048.0, voltage - 2048.0
    rises = np.flatnonzero((v[:-1] <= 0) & (v[1:] > 0)) + 1
    begin, end = int(rises[0]), int(rises[-1])
    step = 2 * pi * 50 / rate
    shift = 2 * pi * 50 * skew - radians(lead)
    last, this = sin(shift) / sin(step), sin(step - shift) / sin(step)
    one, now, before = i[begin:end], v[begin:end], v[begin - 1 : end - 1]
    mean_i, mean_v = one.mean(), now.mean()
    power = (
        last * (one * before).mean() + this * (one * now).mean() - mean_i * mean_v * (last + this)
    )
    rms_v = sqrt((now * now).mean() - mean_v**2)
    rms_i = sqrt(max((one * one).mean() - mean_i**2, 0.0))
    hertz = (len(rises) - 1) * rate / (end - begin)
    return Told(rms_v * volts, rms_i * amps, float(power) * amps * volts, hertz)

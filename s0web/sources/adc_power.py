"""Voltage, current, power and frequency of the wires in one window of ADC samples; pure functions.

1. An ADC converts one channel after the other, and transformers shift what they measure: the
   voltage is taken at the very instants of the current, by a polynomial through the four
   conversions around each (Lagrange), whatever their spacing.
2. The noise of the ADC has a known power, which is taken off the mean squares; in active power it
   averages out, because two conversions do not share it.
3. reactive_power is that of the fundamental wave, positive where the current lags (an inductive
   load that imports); apparent_power is V x I, with all harmonics.
"""

from collections.abc import Mapping, Sequence
from math import cos, floor, isnan, nan, pi, radians, sin, sqrt
from typing import TYPE_CHECKING, NamedTuple

from .adc_windows import Window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

QUANTISED = 1 / 12  # power of the rounding to whole codes
LOWEST, HIGHEST = 40.0, 70.0  # Hz, what can be mains


class Wire(NamedTuple):
    """How a wire is measured."""

    name: str
    current: int  # its place in the frame
    voltage: int | None  # likewise; None: the voltage is not measured
    amps: float  # A for one code; negative: the transformer is turned
    volts: float  # V for one code
    lead: float  # deg by which the current seems to lead


class Measured(NamedTuple):
    """What one window tells of a wire; without a voltage channel the rest is None."""

    current: float  # A, rms
    voltage: float | None = None  # V, rms
    power: float | None = None  # W, import positive
    reactive_power: float | None = None  # var


class Wave(NamedTuple):
    """What all wires share."""

    frequency: float  # Hz; nan: no voltage channel shows mains
    frequencies: Mapping[int, float]  # of each voltage channel, by its place in the frame
    wires: Mapping[str, Measured]


def measure(window: Window, wires: Sequence[Wire], noise: float) -> Wave:
    """Measure all wires; `noise` is that of the ADC, rms, in codes."""
    import numpy as np

    weights = window.weights / window.weights.sum()
    waves = np.ascontiguousarray(window.codes, np.float64)
    waves -= (waves @ weights)[:, None]
    squares = (waves * waves) @ weights - (noise**2 + QUANTISED)
    rms = np.sqrt(np.maximum(squares, 0.0))
    places = sorted({wire.voltage for wire in wires if wire.voltage is not None})
    found = {place: frequency(window.times, waves[place]) for place in places}
    good = [hertz for hertz in found.values() if LOWEST <= hertz <= HIGHEST]
    hertz = sorted(good)[len(good) // 2] if good else nan
    phasors = None if isnan(hertz) else fundamentals(window, waves, weights, hertz)
    between = None if isnan(hertz) else Between(window.times)
    told = {}
    for wire in wires:
        current = abs(wire.amps) * float(rms[wire.current])
        if wire.voltage is None:
            told[wire.name] = Measured(current)
            continue
        voltage = abs(wire.volts) * float(rms[wire.voltage])
        if phasors is None or between is None:
            told[wire.name] = Measured(current, voltage)
            continue
        shift = window.slot * (wire.current - wire.voltage) + wire.lead / 360 / hertz
        product = between.product(waves[wire.current], waves[wire.voltage], weights, shift)
        lag = phasors[wire.voltage] * (phasors[wire.current] * _turn(-wire.lead)).conjugate()
        scale = wire.amps * wire.volts
        told[wire.name] = Measured(current, voltage, scale * product, scale * lag.imag)
    return Wave(hertz, found, told)


def frequency(times: "Floats", wave: "Floats") -> float:
    """The slope of the line through all rising crossings of 0, Hz; nan: there is none."""
    import numpy as np

    negative = wave < 0
    before = np.flatnonzero(negative[:-1] > negative[1:])
    if len(before) < 3:
        return nan
    low, high = wave[before], wave[before + 1]
    crossings = times[before] + (times[before + 1] - times[before]) * low / (low - high)
    steps = np.diff(crossings)
    period = sorted(steps.tolist())[len(steps) // 2]
    if period * HIGHEST < 1 / 2:
        return nan  # noise: it crosses at every other sample
    numbers = np.concatenate(([0.0], np.cumsum(np.rint(steps / period))))
    numbers -= numbers.mean()
    slope = float(numbers @ crossings) / float(numbers @ numbers)
    return 1 / slope if slope > 0 else nan


def fundamentals(window: Window, waves: "Floats", weights: "Floats", hertz: float) -> list[complex]:
    """The fundamental wave of each channel, rms, in codes, all at the same instant."""
    import numpy as np

    turns = hertz * window.times
    angles = (2 * pi * (turns - np.floor(turns))).astype(np.float32)  # fine enough, and faster
    real, imaginary = waves @ (weights * np.cos(angles)), waves @ (weights * np.sin(angles))
    slot = -360 * hertz * window.slot  # deg by which the next channel of a frame is late
    return [
        sqrt(2) * complex(a, -b) * _turn(slot * place)
        for place, (a, b) in enumerate(zip(real.tolist(), imaginary.tolist(), strict=True))
    ]


class Between:
    """Values between samples: the polynomial of third degree through the four around an instant.

    By Newton's divided differences: their divisors depend on the stamps alone and serve all
    channels of a window.
    """

    def __init__(self, times: "Floats") -> None:
        self._step = float(times[-1] - times[0]) / (len(times) - 1)
        self._times = t = times / self._step  # about 1 apart
        self._one, self._two, self._three = (1 / (t[n:] - t[:-n]) for n in (1, 2, 3))

    def product(self, one: "Floats", other: "Floats", weights: "Floats", shift: float) -> float:
        """The mean of one(t) x other(t + shift), shift in s."""
        ahead = shift / self._step
        whole = floor(ahead)
        low, high = max(0, 1 - whole), min(len(one), len(one) - 2 - whole)
        nodes = slice(low + whole - 1, high + whole - 1)  # of each instant the first of four
        first = (other[1:] - other[:-1]) * self._one
        second = (first[1:] - first[:-1]) * self._two
        value = (second[1:] - second[:-1]) * self._three
        value = value[nodes]
        at = self._times[low:high] + ahead
        for node, difference in ((2, second), (1, first), (0, other)):
            value *= at - self._times[nodes.start + node : nodes.stop + node]
            value += difference[nodes]
        weight = weights[low:high]
        return float((weight * one[low:high]) @ value) / float(weight.sum())


def _turn(degrees: float) -> complex:
    return complex(cos(radians(degrees)), sin(radians(degrees)))

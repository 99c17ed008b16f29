"""What is wrong with the channels of an ADC, seen in the codes of one window; pure functions.

A fault is judged by a short time at an end of the range, or by the window's last quarter of a
second, so that it is told within 2 s of its beginning, wherever in a window that is. The sentences
hold no figure that changes with each window: the same fault is the same trouble.
"""

from collections.abc import Mapping
from math import nan
from typing import TYPE_CHECKING, NamedTuple

from .adc_power import HIGHEST, LOWEST
from .adc_windows import Window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TAIL = 0.25  # s
STUCK = 0.02  # s at one end of the range: no wave stays there for a whole cycle
COARSE = 1023  # top of a range whose steps hide the noise: no load looks like a dead channel
NEAR = 2  # codes from an end that noise may make
CLIPPED = 3  # codes at an end of the range in one window: no chance
OFF = 0.2  # part of the range by which the middle of a wave may lie beside that of the range
LEAST_VOLTAGE = 20.0  # V, rms: less is no mains

LATENESS = 10.0  # s of frames over which the late ones are counted
MOST_LATE = 0.1  # share of late frames that costs next to no accuracy

LATE = (
    "late",
    "many frames come too late and are left out: values are less accurate",
    "Lower samples_per_wave, or see what else keeps the machine busy.",
)
CONVERTER = (
    "no_converter",
    "the converter does not answer: all its channels are at one end of their range",
    "Check the wires CS, CLK, MISO and MOSI, its 3.3 V, and the option spi.",
)


class Fault(NamedTuple):
    kind: str  # one word for programs
    text: str
    remedy: str
    is_blind: bool = False  # nothing can be measured


class Look:
    """The channels of a window, each by its place in the frame; `top` is the highest code."""

    def __init__(self, window: Window, top: int) -> None:
        import numpy as np

        self._top, self._codes = top, window.codes
        tail = window.codes[:, int(np.searchsorted(window.times, window.times[-1] - TAIL)) :]
        still = (tail.min(axis=1) == tail.max(axis=1)) & (top > COARSE)
        self._still = still.tolist()
        self._means, self._rms = tail.mean(axis=1).tolist(), tail.std(axis=1).tolist()
        self._low, self._high = window.codes.min(axis=1).tolist(), window.codes.max(axis=1).tolist()
        frames = STUCK * (len(window.times) - 1) / float(window.times[-1])
        self._stuck = [self._end(place, frames) for place in range(len(window.codes))]

    def is_stuck(self, place: int) -> bool:
        return bool(self._stuck[place])

    def all_stuck(self) -> bool:
        return all(self._stuck)

    def fault(self, place: int, name: str) -> Fault | None:
        """What is wrong with one channel; its name is "current channel 0"."""
        if end := self._stuck[place]:
            text = f"its {name} is stuck at {end}"
            return Fault("dead", text, "Check the wiring of this channel.", is_blind=True)
        if self._still[place]:
            text = f"its {name} does not move at all, not even by noise"
            return Fault("dead", text, "Check the wiring of this channel.")
        if abs(self._means[place] / self._top - 0.5) > OFF:
            text = f"the middle of the wave on its {name} is far from half the reference voltage"
            remedy = "Check the two resistors that hold the channel at half the reference voltage."
            return Fault("offset", text, remedy)
        if self._is_clipped(place):
            text = f"the wave on its {name} is cut off at an end of the range: values are too low"
            remedy = "Take a smaller burden resistor, or another transformer, and calibrate again."
            return Fault("clipped", text, remedy)
        return None

    def no_mains(self, place: int, name: str, volts: float, hertz: float) -> Fault | None:
        """What is wrong with a voltage channel as the reference of power."""
        if abs(volts) * self._rms[place] < LEAST_VOLTAGE:
            text = f"its {name} shows no mains voltage, so its power is not told"
        elif not LOWEST <= hertz <= HIGHEST:
            text = f"its {name} shows no mains frequency, so its power is not told"
        else:
            return None
        remedy = "Check the voltage transformer, its wiring and volts_per_code."
        return Fault("no_reference", text, remedy, is_blind=True)

    def _end(self, place: int, frames: float) -> str:
        """At which end of the range the channel stays, but for noise, longer than any wave does."""
        codes, high = self._codes[place], self._top - NEAR
        if self._low[place] <= NEAR and _longest(codes <= NEAR) > frames:
            return "0 V"
        if self._high[place] >= high and _longest(codes >= high) > frames:
            return "the reference voltage"
        return ""

    def _is_clipped(self, place: int) -> bool:
        if self._low[place] > 0 and self._high[place] < self._top:
            return False
        codes = self._codes[place]
        return int(((codes == 0) | (codes >= self._top)).sum()) >= CLIPPED


def _longest(there: "NDArray[np.bool_]") -> int:
    """How many are true in a row, at most."""
    import numpy as np

    elsewhere = np.flatnonzero(~there)
    return int(np.diff(elsewhere, prepend=-1, append=len(there)).max()) - 1


class Lateness:
    """Whether many frames come late, looked at every 10 s; a stall is a gap, and not counted."""

    is_high = False

    def __init__(self, rate: float) -> None:
        self._enough, self._frames, self._late = LATENESS * rate, 0, 0

    def add(self, frames: int, late: int) -> None:
        self._frames += frames
        self._late += min(late, frames)
        if self._frames + self._late >= self._enough:
            self.is_high = self._late > MOST_LATE * (self._frames + self._late)
            self._frames = self._late = 0


class Channel(NamedTuple):
    """One channel of a wire."""

    number: int  # of the converter
    place: int  # in the frame


def worst(
    look: Look,
    current: Channel,
    voltage: Channel | None,
    volts: float,
    frequencies: Mapping[int, float],
) -> Fault | None:
    """What is wrong with one wire."""
    found = [look.fault(current.place, f"current channel {current.number}")]
    if voltage is not None:
        name = f"voltage channel {voltage.number}"
        hertz = frequencies.get(voltage.place, nan)
        found.append(look.fault(voltage.place, name))
        if not look.is_stuck(voltage.place):
            found.append(look.no_mains(voltage.place, name, volts, hertz))
    return max(filter(None, found), key=lambda fault: fault.is_blind, default=None)

"""The house as an ADC sees it: a 50 Hz wave on three phases behind a fixed front end, as codes.

1. Channels 0, 2, 4 are the currents of L1, L2, L3 (wires brown, black, gray), 1, 3, 5 their
   voltages; 6 and 7 are not connected. A code is 0.0244 A or 0.2527 V (the demo's factors).
2. The mean of voltage times current is exactly the house's power of that phase: harmonics of the
   current stand at right angles to those of the voltage, or where the voltage has none.
3. As on a real one: 12 bit about 2048, noise of 0.7 steps, conversions one after the other, and
   transformers by which the current leads by 1.5 degrees of 50 Hz.
"""

import threading
from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..errors import SourceError
from ..hardware import Adc, Samples
from .house import NS, House, Truth

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

AMPS_PER_CODE, VOLTS_PER_CODE = 0.0244, 0.2527
LEAD = np.radians(1.5)  # of the current, by the transformers: a time, so n-fold on harmonic n
OFFSETS = (2048.0, 2051.3, 2044.6, 2049.8, 2046.1, 2045.2, 2048.0, 2048.0)  # codes
NOISE = 0.7  # rms, codes
SLOT_NS = 35_000  # between two conversions
JITTER_NS = 2000  # rms, of a frame against its stamp
FREQUENCY = 50.0
REACTIVE = 75.0  # var on each phase, inductive, as in the house's own currents
WANDER = ((0.020, 600), (0.010, 97))  # Hz, s: a slow beat about 50 Hz
VOLTAGE = ((5, 0.025, 0.6), (7, 0.015, 2.1))  # order, share of the fundamental, rad
CURRENT = ((3, 0.10, 0.4), (5, 0.05, 0.6 + np.pi / 2), (7, 0.03, 2.1 + np.pi / 2))
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
PIECE = 0.6  # s of frames that stand for the seconds of a minute

_1970 = datetime(1970, 1, 1, tzinfo=UTC)


class Basis(NamedTuple):
    """The waves of some frames, [frames, channels]: voltages of 1 V, currents of 1 W/V and of
    1 var/V; 0 where it does not apply.
    """

    active: Floats
    reactive: Floats


class Wave:
    """Codes of the house for one order of channels; the same seed makes the same noise."""

    def __init__(self, house: House, adc: Adc, seed: int = 1) -> None:
        self._house, self._channels = house, adc.channels
        self._shift = 2 if adc.chip == "mcp3008" else 0  # 10 bit of the same span
        self._chance = np.random.default_rng(seed)
        self._offsets = np.array([OFFSETS[channel] for channel in adc.channels])
        self._slots = np.arange(len(adc.channels)) * SLOT_NS

    def codes_at(self, times: Times) -> npt.NDArray[np.uint16]:
        """Codes [frames, channels] at rising house times, ns since 1970, of the frames' first
        conversions.
        """
        jitter = self._chance.normal(0, JITTER_NS, len(times)).astype(np.int64)
        basis = self.basis(times + jitter)
        codes = np.empty(basis.active.shape, np.uint16)
        seconds = times // NS
        for second in range(int(seconds[0]), int(seconds[-1]) + 1):
            rows = slice(*np.searchsorted(seconds, (second, second + 1)))
            truth = self._house.at(_1970 + timedelta(seconds=second))
            codes[rows] = self.codes(
                Basis(basis.active[rows], basis.reactive[rows]), truth.voltages, truth.phases
            )
        return codes

    def basis(self, times: Times) -> Basis:
        """The waves of frames that begin at these ns since 1970."""
        turns = 2 * np.pi * cycles(times[:, None] + self._slots)
        active, reactive = np.zeros(turns.shape), np.zeros(turns.shape)
        share = np.sqrt(1 + sum(part**2 for _, part, _ in VOLTAGE))  # rms to fundamental
        for column, channel in enumerate(self._channels):
            if channel > 5:
                continue
            angle = turns[:, column] - channel // 2 * 2 * np.pi / 3
            if channel % 2:
                active[:, column] = np.sqrt(2) / share * _sum(angle, VOLTAGE)
            else:
                angle = angle + LEAD
                active[:, column] = np.sqrt(2) * share * _sum(angle, CURRENT)
                reactive[:, column] = -np.sqrt(2) * share * np.cos(angle)
        return Basis(active, reactive)

    def codes(
        self, basis: Basis, volts: Sequence[float] | Floats, watts: Sequence[float] | Floats
    ) -> npt.NDArray[np.uint16]:
        """What the converter makes of phases of these voltages and powers."""
        active, reactive = np.zeros(len(self._channels)), np.zeros(len(self._channels))
        for column, channel in enumerate(self._channels):
            if channel > 5:
                continue
            phase = channel // 2
            if channel % 2:
                active[column] = volts[phase] / VOLTS_PER_CODE
            else:
                active[column] = watts[phase] / volts[phase] / AMPS_PER_CODE
                reactive[column] = REACTIVE / volts[phase] / AMPS_PER_CODE
        exact = self._offsets + basis.active * active + basis.reactive * reactive
        exact += self._chance.normal(0, NOISE, exact.shape)
        return (np.clip(np.rint(exact), 0, 4095).astype(np.int64) >> self._shift).astype(np.uint16)


def cycles(times: Times) -> Floats:
    """How many times the mains has swung at ns since 1970, less a whole number; no jumps."""
    seconds = times // NS
    parts = (times - seconds * NS) / NS
    turns = FREQUENCY * parts  # in a whole second they are a whole number
    for deviation, period in WANDER:
        place = 2 * np.pi * (seconds % period + parts) / period
        turns = turns - deviation * period / (2 * np.pi) * np.cos(place)
    return np.asarray(turns, np.float64)


def _sum(angle: Floats, harmonics: Sequence[tuple[int, float, float]]) -> Floats:
    wave = np.sin(angle)
    for order, share, shift in harmonics:
        wave = wave + share * np.sin(order * angle + shift)
    return np.asarray(wave, np.float64)


class Warped(Protocol):
    """What a converter in memory needs of its wires: the house's time, and the clock's."""

    def time(self) -> datetime: ...

    def wait(self, event: threading.Event, seconds: float) -> bool: ...

    def monotonic(self) -> float: ...


class MemorySampler:
    """hardware.Sampler on a clock that is moved by hand: tells each full minute of house time.

    A minute is at most two pieces: one for the seconds in which the house imported, one for those
    in which it exported; each is 0.6 s of a wave that has the mean powers of its seconds, and
    stands for their number. So the energy in both directions is exact.
    """

    note = "simulated"

    def __init__(self, house: House, wires: Warped, adc: Adc) -> None:
        self._house, self._wires, self._closed = house, wires, threading.Event()
        self._wave = Wave(house, adc)
        self._times = (np.arange(round(PIECE * adc.rate)) * NS / adc.rate).astype(np.int64)
        self._basis = self._wave.basis(self._times)
        self._told = wires.time().replace(microsecond=0)  # the house has been told until here

    def read(self, seconds: float) -> Sequence[Samples]:
        """Wait up to `seconds` of the wires' time for the end of a minute, and tell what is over;
        raises SourceError when closed.
        """
        missing = (_full(self._told) + MINUTE - self._wires.time()).total_seconds()
        if missing > 0:
            self._wires.wait(self._closed, min(seconds, missing))
        if self._closed.is_set():
            raise SourceError("the simulated converter is closed: open it again")
        now = self._wires.time()
        until = _full(now)
        truths = [
            self._house.at(self._told + number * SECOND)
            for number in range((until - self._told) // SECOND)
        ]
        self._told = max(self._told, until)
        imported = [truth for truth in truths if truth.power >= 0]
        exported = [truth for truth in truths if truth.power < 0]
        groups = [group for group in (imported, exported) if group]
        passed = (now - until).total_seconds() + PIECE * len(groups)
        begin = round((self._wires.monotonic() - passed) * NS)
        return [
            self._piece(group, begin + round(number * PIECE * NS))
            for number, group in enumerate(groups)
        ]

    def close(self) -> None:
        self._closed.set()

    def _piece(self, truths: Sequence[Truth], begin: int) -> Samples:
        """Frames from the stamp `begin` on that are like the mean of these seconds."""
        volts = np.mean([truth.voltages for truth in truths], axis=0)
        watts = np.mean([truth.phases for truth in truths], axis=0)
        times, codes = array("q"), array("H")
        times.frombytes((self._times + begin).tobytes())
        codes.frombytes(self._wave.codes(self._basis, volts, watts).tobytes())
        return Samples(times, codes, SLOT_NS, len(truths), 0)


def _full(time: datetime) -> datetime:
    """The last full minute."""
    return time - (time - _1970) % MINUTE

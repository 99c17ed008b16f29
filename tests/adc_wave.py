"""Mains waves as an ADC gives them, made for tests and benches, and an ADC held in the hand."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from s0web.clock import FakeClock
from s0web.hardware import Adc, Samples

AMPS, VOLTS = 0.01778, 0.2527  # for one code, the defaults of the options
V_HARMONICS = ((3, 0.01, 20.0), (5, 0.03, 70.0), (7, 0.02, 200.0))  # order, share, deg
I_HARMONICS = ((3, 0.25, 100.0), (5, 0.15, 250.0), (7, 0.08, 30.0), (11, 0.03, 60.0))


@dataclass
class Load:
    """A load in steady state; `lag` of the fundamental in deg, `lead` that of the transformer."""

    amps: float = 5.0
    lag: float = 0.0
    hertz: float = 50.0
    volts: float = 230.0
    sign: int = 1
    harmonics: bool = False
    lead: float = 0.0
    phase: float = 0.0  # deg, of the voltage at time 0

    def __post_init__(self) -> None:
        v = ((1, 1.0, 0.0), *(V_HARMONICS if self.harmonics else ()))
        i = ((1, 1.0, -self.lag), *(I_HARMONICS if self.harmonics else ()))
        self._v, self._i = _scaled(v, self.volts), _scaled(i, self.amps)
        both = {order: (rms, angle) for order, rms, angle in self._v}
        products = [
            (order, rms * both[order][0], np.radians(angle - both[order][1]))
            for order, rms, angle in self._i
            if order in both
        ]
        self.power = self.sign * sum(float(s * np.cos(a)) for _, s, a in products)
        self.reactive = self.sign * -float(products[0][1] * np.sin(products[0][2]))
        self.apparent = self.volts * self.amps

    def voltage(self, t: Any) -> Any:
        return self._wave(self._v, t)

    def current(self, t: Any) -> Any:
        """As the transformer shows it: earlier by its lead."""
        return self.sign * self._wave(self._i, t + self.lead / 360 / self.hertz)

    def _wave(self, parts: Sequence[tuple[int, float, float]], t: Any) -> Any:
        base = 2 * np.pi * self.hertz * t + np.radians(self.phase)
        return sum(
            np.sqrt(2) * rms * np.sin(order * base + np.radians(angle))
            for order, rms, angle in parts
        )


def _scaled(
    parts: Sequence[tuple[int, float, float]], rms: float
) -> list[tuple[int, float, float]]:
    whole = np.sqrt(sum(share**2 for _, share, _ in parts))
    return [(order, float(rms * share / whole), angle) for order, share, angle in parts]


@dataclass
class Front:
    """What stands between the mains and the codes."""

    seed: int = 1
    noise: float = 0.7  # codes, rms
    jitter: float = 2e-6  # s, rms: the stamps do not know it
    slot: float = 35e-6  # s
    middle: float = 2048.0
    top: int = 4095
    rate: float = 3000.0
    late: float = 0.0  # part of the frames that come up to 400 us late, and say so in their stamps
    amps: float = AMPS
    volts: float = VOLTS
    chance: Any = field(init=False)

    def __post_init__(self) -> None:
        self.chance = np.random.default_rng(self.seed)

    def stamps(self, begin: float, seconds: float) -> Any:
        """s, of the frames of so many seconds."""
        t = begin + np.arange(round(seconds * self.rate)) / self.rate
        if self.late:
            late = self.chance.random(len(t)) < self.late
            t = t + np.where(late, self.chance.uniform(0, 400e-6, len(t)), 0)
            busy = 6 * self.slot  # no frame begins before the one before it is done
            steps = np.arange(len(t)) * busy
            t = np.maximum.accumulate(t - steps) + steps
        return t

    def codes(self, t: Any, channels: Sequence[Any]) -> Any:
        """Frames x channels; a channel is a function of time that gives codes about 0."""
        true = t + self.chance.normal(0, self.jitter, len(t))
        waves = [wave(true + place * self.slot) for place, wave in enumerate(channels)]
        codes = np.stack(waves, axis=1) + self.middle
        codes += self.chance.normal(0, self.noise, codes.shape)
        return np.clip(np.rint(codes), 0, self.top).astype(np.uint16)

    def phase(self, load: Load) -> tuple[Any, Any]:
        """The two channels of a load: its current, its voltage."""
        return (lambda t: load.current(t) / self.amps), (lambda t: load.voltage(t) / self.volts)


def pieces(
    t: Any, codes: Any, slot: float = 35e-6, sizes: Sequence[int] = (10**9,), late: int = 0
) -> list[Samples]:
    """Frames cut into pieces of these sizes, over and over."""
    found, begin, number = [], 0, 0
    while begin < len(t):
        end = begin + sizes[number % len(sizes)]
        stamps = array("q", np.rint(t[begin:end] * 1e9).astype(np.int64).tobytes())
        words = array("H", codes[begin:end].tobytes())
        lasts = len(stamps) / (len(t) - 1) * (t[-1] - t[0])
        found.append(Samples(stamps, words, slot * 1e9, float(lasts), late))
        begin, number = end, number + 1
    return found


class HandSampler:
    """hardware.Sampler that gives what was put into it."""

    note = "by hand"

    def __init__(self, adc: Adc) -> None:
        self.adc = adc
        self.queue: list[Samples] = []
        self.gone = self.closed = False

    def read(self, seconds: float) -> list[Samples]:
        if self.gone:
            raise OSError("the sampler process ended")
        found, self.queue = self.queue, []
        return found

    def close(self) -> None:
        self.closed = True


class AdcWires:
    """hardware.Wires with an ADC alone, on a FakeClock."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.claims: list[HandSampler] = []
        self.missing = ""

    def sampler(self, adc: Adc) -> HandSampler:
        if self.missing:
            raise OSError(self.missing)
        self.claims.append(HandSampler(adc))
        return self.claims[-1]

    def monotonic(self) -> float:
        return self._clock.monotonic()

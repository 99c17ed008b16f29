"""Mains power from ADC samples: the largest errors, and the CPU of the arithmetic, beside peers.

    python -m bench.adc_accuracy [every n-th case, 8] | --whole

448 cases a row: 49.5 to 50.5 Hz, currents that lag by 0 to 90 degrees, with and without harmonics,
import and export, two seeds; 12 bit, 0.7 codes of noise, 35 us between two conversions, jitter of
2 us, 60 frames a wave. s0web is measured through its windows as in the source; it is told the slot
between conversions and the phase error, emonLibCM's rule too. Then energy across steps of the load,
and CPU time of the arithmetic for three phases and one second, the median of interleaved rounds.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from math import isnan

import numpy as np

from bench.adc_peers import Told, emonlibcm, energymonitor
from s0web.sources.adc_health import Look
from s0web.sources.adc_power import Wire, measure
from s0web.sources.adc_windows import Window, Windows
from tests.adc_wave import AMPS, VOLTS, Front, Load, pieces

ROUNDS = 7
LAGS = (0.0, 12.0, 25.0, 37.0, 50.0, 60.0, 75.0, 90.0)
HERTZ = (49.5, 49.7, 49.9, 50.0, 50.1, 50.3, 50.5)
ROWS = (
    ("5 A", Load(5.0), Front()),
    ("15 A", Load(15.0), Front()),
    ("0.5 A", Load(0.5), Front()),
    ("0.05 A", Load(0.05), Front()),
    ("5 A, the transformers lead by 6.5 deg", Load(5.0, lead=6.5), Front()),
    ("5 A, 3 % of the frames late by up to 400 us", Load(5.0), Front(late=0.03)),
    ("5 A, 20 frames a wave", Load(5.0), Front(rate=1000.0)),
    ("0.05 A, noise of 3 codes", Load(0.05), Front(noise=3.0)),
)
FIGURES = (ROWS[0][0], ROWS[3][0], ROWS[5][0])  # those with a reach


def cases(base: Load) -> Iterator[tuple[int, Load]]:
    rows = product(HERTZ, LAGS, (False, True), (1, -1), range(2))
    for number, (hertz, lag, harmonics, sign, _) in enumerate(rows):
        phase = 137.0 * number % 360
        yield (
            number,
            replace(base, hertz=hertz, lag=lag, harmonics=harmonics, sign=sign, phase=phase),
        )


def three(load: Load, front: Front) -> tuple[Told, Told, Told]:
    """The same samples by s0web, EnergyMonitor's formula and emonLibCM's rule."""
    t = front.stamps(0.0, 2.2)
    codes = front.codes(t, front.phase(load))
    wire = Wire("brown", 0, 1, front.amps, front.volts, load.lead)
    windows = Windows(2, front.rate, 50.0)
    window = [full for piece in pieces(t, codes) for full in windows.feed(piece)][1]
    wave = measure(window, (wire,), front.noise)
    own = wave.wires["brown"]
    assert own.voltage is not None
    assert own.power is not None
    second = slice(int(front.rate), 2 * int(front.rate))
    i, v = codes[second, 0], codes[second, 1]
    return (
        Told(own.voltage, own.current, own.power, wave.frequency),
        energymonitor(i.tolist(), v.tolist(), front.amps, front.volts),
        emonlibcm(
            i.astype(float),
            v.astype(float),
            front.amps,
            front.volts,
            front.slot,
            front.rate,
            load.lead,
        ),
    )


def errors(told: Told, load: Load) -> tuple[float, float, float, float, float]:
    """V %, I %, P in % of VA, P in W, f in mHz."""
    watts = abs(told.power - load.power)
    return (
        100 * abs(told.voltage / load.volts - 1),
        100 * abs(told.current / load.amps - 1),
        100 * watts / load.apparent,
        watts,
        -1.0 if isnan(told.hertz) else 1000 * abs(told.hertz - load.hertz),
    )


def accuracy(every: int) -> dict[str, dict[str, tuple[float, ...]]]:
    """Print a table; return the largest errors of each row and way."""
    found = {}
    for title, base, front in ROWS:
        rows: list[tuple[tuple[float, ...], ...]] = []
        for number, load in cases(base):
            if number % every == 0:
                own = three(load, replace(front, seed=number))
                rows.append(tuple(errors(told, load) for told in own))
        names = ("s0web", "EnergyMonitor", "emonLibCM")
        most = {
            name: tuple(max(column) for column in zip(*way, strict=True))
            for name, way in zip(names, zip(*rows, strict=True), strict=True)
        }
        print(f"{title}: largest error of {len(rows)} cases")
        for name, (volts, amps, share, watts, hertz) in most.items():
            print(
                f"  {name:13} V {volts:6.3f} %  I {amps:8.3f} %  P {share:6.3f} % of VA"
                f" = {watts:6.3f} W  f {f'{hertz:7.2f} mHz' if hertz >= 0 else '-'}"
            )
        found[title] = most
    return found


def energy(length: int) -> float:
    """The error of the energy across steps of the load in so many s, %: 8 A and 0.6 A, each for 0.7
    to 3 s, beside that of blocks of a second with a pause of 60 ms for computing.
    """
    front, own, blocks = Front(), 0.0, 0.0
    ends, t = np.cumsum(front.chance.uniform(0.7, 3.0, length)), front.stamps(0.0, length)
    load = Load(1.0, 20.0, 50.07)
    high = np.searchsorted(ends, t) % 2 == 0
    amps = np.where(high, 8.0, 0.6)
    current, voltage = front.phase(load)
    codes = front.codes(t, (lambda at: current(at) * amps, voltage))
    wire = Wire("brown", 0, 1, front.amps, front.volts, 0.0)
    windows = Windows(2, front.rate, 50.0)
    counted = 0.0
    for piece in pieces(t, codes, sizes=(173, 211)):
        for window in windows.feed(piece):
            own += (measure(window, (wire,), front.noise).wires["brown"].power or 0.0) * window.span
            counted += window.span
    frames = int(counted * front.rate)
    true = load.power * float(amps[:frames].sum()) / front.rate
    count = int(front.rate)
    starts = range(0, frames - count, int(1.06 * count))
    for start in starts:
        block = codes[start : start + count]
        told = energymonitor(block[:, 0].tolist(), block[:, 1].tolist(), AMPS, VOLTS)
        blocks += told.power * min(1.06, (frames - start) / count)
    print(f"energy of {counted:.0f} s with steps of the load between 8 and 0.6 A")
    print(f"  s0web {100 * (own / true - 1):+.4f} %")
    print(f"  blocks of 1 s and pauses of 60 ms {100 * (blocks / true - 1):+.4f} %")
    return 100 * abs(own / true - 1)


def seconds(way: Callable[[], None]) -> float:
    """CPU seconds."""
    start = time.process_time()
    way()
    return time.process_time() - start


def cpu() -> float:
    """CPU seconds of the arithmetic for three phases and a second, by that of the plain formula."""
    front = Front()
    loads = [Load(5.0, 20.0, 50.1, phase=120.0 * n, harmonics=True) for n in range(3)]
    channels = [channel for load in loads for channel in front.phase(load)]
    t = front.stamps(0.0, 12.2)
    codes = front.codes(t, channels)
    wires = [Wire(str(n), 2 * n, 2 * n + 1, AMPS, VOLTS, 1.5) for n in range(3)]
    streams = pieces(t, codes, sizes=(300,))
    lists = [codes[:3000, n].tolist() for n in range(6)]

    def cut() -> list[Window]:
        windows = Windows(6, front.rate, 50.0)
        full = [window for piece in streams for window in windows.feed(piece)]
        assert len(full) == 12
        return full

    def own() -> None:
        for window in cut():
            measure(window, wires, front.noise)

    cuts = cut()

    def look() -> None:
        for window in cuts:
            assert not Look(window, 4095).all_stuck()

    def theirs() -> None:
        for n in range(3):
            energymonitor(lists[2 * n], lists[2 * n + 1], AMPS, VOLTS)

    own(), theirs(), look()
    health = statistics.median(seconds(look) / 12 for _ in range(ROUNDS))
    rounds = [(seconds(own) / 12, seconds(theirs)) for _ in range(ROUNDS)]
    mine, plain = (statistics.median(column) for column in zip(*rounds, strict=True))
    print("CPU of the arithmetic, three phases, one second of samples")
    print(
        f"  s0web {1e3 * mine:.2f} ms, with the windows; {1e3 * health:.2f} ms more for the faults"
    )
    print(f"  EnergyMonitor's formula in plain Python {1e3 * plain:.2f} ms")
    return statistics.median(a / b for a, b in rounds)


def main() -> None:
    whole = "--whole" in sys.argv
    every = 1 if whole else int(sys.argv[1]) if len(sys.argv) > 1 else 8
    table = accuracy(every)
    steps = energy(600 if whole else 60)
    share = cpu()
    for title, most in table.items():
        volts, amps, power, watts, _ = most["s0web"]
        told = f"V {volts:.3f} %, I {amps:.3f} %, P {power:.3f} % of VA, {watts:.2f} W"
        if title in FIGURES:
            print(f"{title} value: {told}")
    print(f"energy across steps value: {steps:.4f} %")
    print(f"CPU ratio: {share:.3f}")


if __name__ == "__main__":
    main()

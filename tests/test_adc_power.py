"""The arithmetic of the ADC: windows that count every sample once, and what they tell of a wave."""

from array import array
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s0web.hardware import Samples
from s0web.sources.adc_power import Between, Measured, Wave, Wire, frequency, measure
from s0web.sources.adc_windows import Window, Windows
from tests.adc_wave import AMPS, VOLTS, Front, Load, pieces

WIRE = Wire("brown", 0, 1, AMPS, VOLTS, 0.0)
SECOND = 10**9


def windows_of(samples: list[Samples], channels: int = 2, rate: float = 3000.0) -> list[Window]:
    windows = Windows(channels, rate, 50.0)
    return [window for piece in samples for window in windows.feed(piece)]


def waves(load: Load, front: Front, wire: Wire = WIRE, seconds: float = 2.2) -> list[Wave]:
    t = front.stamps(10.0, seconds)
    codes = front.codes(t, front.phase(load))
    full = windows_of(pieces(t, codes, front.slot), rate=front.rate)
    return [measure(window, (wire,), front.noise) for window in full]


def of(wave: Wave) -> tuple[float, float, float, float]:
    """voltage, current, power, reactive power."""
    told = wave.wires["brown"]
    assert told.voltage is not None
    assert told.power is not None
    assert told.reactive_power is not None
    return told.voltage, told.current, told.power, told.reactive_power


CASES = [
    Load(5.0, lag, hertz, sign=sign, harmonics=harmonics, phase=41.0 * lag)
    for lag, hertz, sign, harmonics in product(
        (0.0, 37.0, 90.0), (49.5, 50.2, 50.5), (1, -1), (False, True)
    )
]


@pytest.mark.parametrize("late", [0.0, 0.03])
def test_five_amperes_are_told_within_the_reach(late: float) -> None:
    for number, load in enumerate(CASES):
        for wave in waves(load, Front(seed=number, late=late)):
            voltage, current, power, reactive = of(wave)
            assert voltage == pytest.approx(load.volts, rel=2e-4), load
            assert current == pytest.approx(load.amps, rel=5e-4), load
            assert power == pytest.approx(load.power, abs=5e-4 * load.apparent), load
            assert reactive == pytest.approx(load.reactive, abs=1e-3 * load.apparent), load
            assert wave.frequency == pytest.approx(load.hertz, abs=0.002)


def test_a_small_current_is_told_in_spite_of_the_noise() -> None:
    for number, load in enumerate(CASES):
        load = replace(load, amps=0.05)
        _, current, power, _ = of(waves(load, Front(seed=number))[1])
        assert power == pytest.approx(load.power, abs=0.3)
        assert current == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize("lead", [-4.0, 1.5, 30.0, 90.0])
def test_the_phase_error_of_the_transformers_is_taken_back(lead: float) -> None:
    load = Load(5.0, 25.0, 49.8, lead=lead)
    voltage, _, power, reactive = of(waves(load, Front(), WIRE._replace(lead=lead))[1])
    assert voltage == pytest.approx(230.0, rel=2e-4)
    assert power == pytest.approx(load.power, abs=5e-4 * load.apparent)
    assert reactive == pytest.approx(load.reactive, abs=1e-3 * load.apparent)


def test_a_transformer_without_correction_seems_to_lead() -> None:
    """So that what calibration finds is what the option wants: a lead shows as a negative lag."""
    _, _, power, reactive = of(waves(Load(5.0, lead=2.0), Front())[1])
    assert np.degrees(np.arctan2(reactive, power)) == pytest.approx(-2.0, abs=0.05)


def test_a_turned_transformer_is_put_right_by_a_negative_scale() -> None:
    load = Load(5.0, 20.0, sign=-1)
    _, current, power, reactive = of(waves(load, Front(), WIRE._replace(amps=-AMPS))[1])
    assert current == pytest.approx(5.0, rel=5e-4)
    assert power == pytest.approx(-load.power, rel=1e-3)
    assert reactive == pytest.approx(-load.reactive, rel=2e-3)


@pytest.mark.parametrize("rate", [800.0, 1000.0, 6000.0])
def test_other_rates_are_as_good(rate: float) -> None:
    load = Load(5.0, 30.0, 50.3)
    front = Front(rate=rate, noise=0.1)
    wave = waves(load, front)[1]
    assert of(wave)[2] == pytest.approx(load.power, abs=5e-4 * load.apparent)
    assert wave.frequency == pytest.approx(50.3, abs=0.002)


def test_a_shared_voltage_is_taken_at_the_instants_of_each_current() -> None:
    front, t = Front(), Front().stamps(10.0, 2.2)
    loads = [Load(5.0, 30.0), Load(3.0, -20.0), Load(2.0, 80.0)]
    one, voltage = front.phase(loads[0])
    others = [front.phase(load)[0] for load in loads[1:]]
    full = windows_of(pieces(t, front.codes(t, (one, voltage, *others))), channels=4)
    wires = [Wire(str(n), place, 1, AMPS, VOLTS, 0.0) for n, place in enumerate((0, 2, 3))]
    wave = measure(full[1], wires, front.noise)
    for load, told in zip(loads, wave.wires.values(), strict=True):
        assert told.power == pytest.approx(load.power, abs=5e-4 * load.apparent)


def test_without_mains_there_is_neither_frequency_nor_power() -> None:
    front, t = Front(), Front().stamps(10.0, 1.2)
    current, _ = front.phase(Load())
    full = windows_of(pieces(t, front.codes(t, (current, np.zeros_like))))
    wave = measure(full[0], (WIRE,), front.noise)
    assert np.isnan(wave.frequency)
    told = wave.wires["brown"]
    assert told.power is None
    assert told.voltage == pytest.approx(0.0, abs=0.1)
    assert told.current == pytest.approx(5.0, rel=1e-3)


def test_a_wire_without_a_voltage_channel_tells_its_current() -> None:
    front, t = Front(), Front().stamps(10.0, 1.2)
    current, _ = front.phase(Load(0.5))
    (window,) = windows_of(pieces(t, front.codes(t, (current,))), channels=1)
    wave = measure(window, (WIRE._replace(voltage=None),), front.noise)
    assert wave.wires == {"brown": Measured(pytest.approx(0.5, rel=5e-3))}


def test_the_frequency_of_noise_or_of_nothing_is_unknown() -> None:
    t = np.arange(3000) / 3000
    assert np.isnan(frequency(t, np.zeros(3000)))
    assert np.isnan(frequency(t, np.random.default_rng(1).normal(size=3000)))


@given(
    shift=st.floats(-0.01, 0.01),
    parts=st.lists(st.floats(-3, 3), min_size=4, max_size=4),
    seed=st.integers(0, 1000),
)
@settings(max_examples=50, deadline=None)
def test_a_polynomial_of_third_degree_is_met_exactly_between_uneven_stamps(
    shift: float, parts: list[float], seed: int
) -> None:
    t = np.cumsum(np.random.default_rng(seed).uniform(0.2e-3, 0.5e-3, 200))
    curve = np.polynomial.Polynomial(parts, domain=[0, 0.06])
    weights = np.zeros(200)
    weights[80] = 1.0  # a mean of one instant is its value
    value = Between(t).product(np.ones(200), curve(t), weights, shift)
    assert value == pytest.approx(curve(t[80] + shift), abs=1e-6)


# -- windows ---------------------------------------------------------------------------------------


def frames(stamps: list[int], seconds: float = 0.0) -> Samples:
    """One channel of nothing at these stamps, ns."""
    times = np.array(stamps, np.int64) / 1e9
    (piece,) = pieces(times, np.full((len(stamps), 1), 2048, np.uint16))
    return piece._replace(seconds=seconds or piece.seconds)


def regular(begin: float, end: float, rate: int = 3000) -> list[int]:
    return [round(n * 1e9 / rate) for n in range(round(begin * rate), round(end * rate))]


@given(
    sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=8),
    late=st.sampled_from([0.0, 0.05]),
    rate=st.sampled_from([960.0, 3000.0]),
)
@settings(max_examples=30, deadline=None)
def test_every_sample_counts_once_whatever_the_pieces(
    sizes: list[int], late: float, rate: float
) -> None:
    front = Front(rate=rate, late=late)
    t = front.stamps(5.0, 4.5)
    codes = np.arange(len(t), dtype=np.uint16)[:, None] % 4000  # which sample it is
    full = windows_of(pieces(t, codes, sizes=sizes), channels=1, rate=rate)
    assert len(full) == 4
    stamps = np.rint(t * 1e9)
    spacing = np.gradient(stamps) / 1e9
    total = np.zeros(len(t))
    at = 0
    for window in full:
        at += int(np.flatnonzero(codes[at:, 0] == window.codes[0, 0])[0])
        total[at : at + len(window.weights)] += window.weights
    begin, end = np.searchsorted(t, (5.2, 8.8))  # beyond the flank that lowers means alone
    assert np.abs(total[begin:end] / spacing[begin:end] - 1).max() < 1e-9
    assert [window.gap for window in full] == [0.0] * 4
    assert sum(window.span for window in full[1:]) == pytest.approx(3.0, abs=1e-4)


def test_the_spans_of_closed_windows_are_the_time_of_all_samples() -> None:
    windows = Windows(1, 3000.0, 50.0)
    full = windows.feed(frames(regular(0, 2.6)))
    full += windows.close()
    assert sum(window.span for window in full) == pytest.approx(2.6, abs=1e-9)
    assert full[-1].end_ns == pytest.approx(2.6e9, abs=4e5)
    assert windows.close() == []


def test_energy_across_steps_of_the_load_is_right() -> None:
    front = Front()
    t = front.stamps(0.0, 20.0)
    load = Load(1.0, 20.0, 50.07)
    amps = np.where(t % 3.7 < 1.3, 8.0, 0.6)
    current, voltage = front.phase(load)
    codes = front.codes(t, (lambda at: current(at) * amps, voltage))
    energy = counted = 0.0
    for window in windows_of(pieces(t, codes, sizes=(173, 211))):
        energy += (measure(window, (WIRE,), front.noise).wires["brown"].power or 0) * window.span
        counted += window.span
    true = load.power * float(amps[: round(counted * 3000)].sum()) / 3000
    assert energy == pytest.approx(true, rel=1e-3)


def test_a_hole_of_some_frames_is_filled_with_the_wave_before_it() -> None:
    load, front = Load(5.0, 20.0), Front()
    t = front.stamps(10.0, 2.2)
    t = np.concatenate((t[:1700], t[1712:3500], t[3600:]))  # 4 ms and 33 ms are missing
    found = windows_of(pieces(t, front.codes(t, front.phase(load)), sizes=(100,)))
    assert [window.gap for window in found] == [0.0, 0.0]
    for window in found:
        assert np.diff(window.times).max() < 0.5e-3
        steps = np.abs(np.diff(window.codes[1].astype(int)))
        assert steps.max() < 150  # the steepest part of the wave; it nowhere breaks
        power = measure(window, (WIRE,), front.noise).wires["brown"].power
        assert power == pytest.approx(load.power, abs=1e-3 * load.apparent)
        assert window.span == pytest.approx(1.0, abs=1e-6)


def test_a_gap_ends_the_windows_and_is_told_by_the_next() -> None:
    windows = Windows(1, 3000.0, 50.0)
    full = windows.feed(frames(regular(0, 2.5)))
    full += windows.feed(frames(regular(4.0, 6.0)))
    assert [round(window.span, 3) for window in full] == [1.0, 1.0, 0.5, 1.0]
    assert [round(window.gap, 3) for window in full] == [0.0, 0.0, 0.0, 1.5]


def test_what_is_too_short_to_measure_belongs_to_the_gap() -> None:
    windows = Windows(1, 3000.0, 50.0)
    full = windows.feed(frames(regular(0, 1.2)))
    full += windows.feed(frames(regular(2.0, 2.25)))
    full += windows.feed(frames(regular(3.0, 4.5)))
    assert [round(window.span, 3) for window in full] == [1.0, 1.0]
    assert [round(window.gap, 3) for window in full] == [0.0, 2.0]


def test_stamps_that_run_backwards_begin_anew_without_a_gap() -> None:
    windows = Windows(1, 3000.0, 50.0)
    full = windows.feed(frames(regular(100, 101.5)))
    full += windows.feed(frames(regular(3, 4.5)))
    assert [round(window.span, 3) for window in full] == [1.0, 0.5, 1.0]
    assert full[2].gap == 0.0
    assert full[2].end_ns == pytest.approx(4e9, abs=4e5)


def test_a_piece_that_stands_for_more_time_is_a_window_of_its_own() -> None:
    windows = Windows(1, 3000.0, 50.0)
    full = windows.feed(frames(regular(0, 1), seconds=43.0))
    full += windows.feed(frames(regular(1, 2), seconds=17.0))
    assert [window.span for window in full] == [43.0, 17.0]
    assert [window.gap for window in full] == [0.0, 0.0]
    assert all(len(window.times) == 3000 for window in full)


def test_a_stream_goes_on_beside_a_piece_that_stands_for_more_time() -> None:
    windows = Windows(1, 3000.0, 50.0)
    full = windows.feed(frames(regular(0, 0.8)))
    full += windows.feed(frames(regular(60, 61), seconds=59.2))
    assert [round(window.span, 3) for window in full] == [0.8, 59.2]
    assert windows.feed(frames(regular(61, 62.2)))[0].gap == 0.0


def test_no_samples_are_no_window() -> None:
    nothing = frames([1, 2])._replace(times_ns=array("q"), codes=array("H"))
    assert Windows(1, 3000.0, 50.0).feed(nothing) == []

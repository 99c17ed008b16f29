"""The simulated wave: its codes hold exactly the house's powers, live and in memory."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np
import pytest

from s0web.clock import FakeClock
from s0web.errors import SourceError
from s0web.hardware import Adc, Samples
from s0web.simulation.house import NS, House, Truth
from s0web.simulation.wave import (
    AMPS_PER_CODE,
    LEAD,
    SLOT_NS,
    VOLTS_PER_CODE,
    Floats,
    MemorySampler,
    Times,
    Wave,
    cycles,
)

RATE = 3000.0
START = datetime(2026, 5, 6, 9, 30, 17, tzinfo=UTC)  # a sunny day: it imports and exports
START_NS = int(START.timestamp()) * NS
LEAD_NS = round(float(LEAD) / (2 * np.pi) / 50 * NS)


class Fixed:
    """A house that is always the same, or changes with the second."""

    def __init__(self, *phases: tuple[int, int, int]) -> None:
        self._phases = phases

    def at(self, t: datetime) -> Truth:
        phases = self._phases[int(t.timestamp()) % len(self._phases)]
        truth = House().at(START)
        return truth._replace(power=sum(phases), phases=phases, voltages=(229.3, 231.4, 240.1))


class Wires:
    """A clock that is moved by hand, as the simulated wires tell it."""

    def __init__(self) -> None:
        self.clock = FakeClock(START)
        self.time, self.wait, self.monotonic = (
            self.clock.now,
            self.clock.wait,
            self.clock.monotonic,
        )


def adc(*channels: int, chip: str = "mcp3208") -> Adc:
    return Adc("0.0", chip, 1_250_000, RATE, channels or (0, 1, 2, 3, 4, 5))


def wave(house: Fixed, *channels: int, chip: str = "mcp3208") -> Wave:
    return Wave(cast(House, house), adc(*channels, chip=chip))


def stamps(seconds: float, begin: int = START_NS) -> Times:
    return (begin + np.arange(round(seconds * RATE)) * NS / RATE).astype(np.int64)


def centred(codes: object, weights: Floats) -> Floats:
    exact = np.asarray(codes, np.float64)
    return np.asarray(exact - np.average(exact, weights=weights), np.float64)


@pytest.mark.parametrize("watts", [(1234, 517, 7900), (-3434, 100, -1), (2500, -2500, 5000)])
def test_the_mean_power_of_each_phase_is_that_of_the_house(watts: tuple[int, int, int]) -> None:
    house, times = Fixed(watts), stamps(1.0)
    weights = np.hanning(len(times))
    for phase in range(3):
        amps = wave(house, 2 * phase).codes_at(times)[:, 0]
        volts = wave(house, 2 * phase + 1).codes_at(times + LEAD_NS)[:, 0]  # as transformers do
        product = centred(amps, weights) * centred(volts, weights)
        power = np.average(product, weights=weights) * AMPS_PER_CODE * VOLTS_PER_CODE
        assert power == pytest.approx(watts[phase], rel=5e-4, abs=0.4)


def test_voltages_are_those_of_the_house() -> None:
    codes = wave(Fixed((0, 0, 0)), 1, 3, 5).codes_at(stamps(1.0))
    weights = np.hanning(len(codes))
    for column, volts in enumerate((229.3, 231.4, 240.1)):
        square = np.average(centred(codes[:, column], weights) ** 2, weights=weights)
        assert np.sqrt(square - 0.7**2 - 1 / 12) * VOLTS_PER_CODE == pytest.approx(volts, rel=2e-4)


def test_a_resistive_load_leads_by_the_transformers_error_and_lags_by_the_houses_vars() -> None:
    times = stamps(1.0)
    waves = np.exp(-2j * np.pi * cycles(times)) * np.hanning(len(times))
    codes = wave(Fixed((7500, 0, 0)), 0, 1).codes_at(times)
    current, voltage = (np.sum(waves * (codes[:, column] - 2048.0)) for column in (0, 1))
    slot = 2 * np.pi * 50 * SLOT_NS / NS  # the voltage is converted later
    shift = np.angle(current / voltage) + slot
    assert np.degrees(shift) == pytest.approx(1.5 - np.degrees(np.arctan(75 / 7500)), abs=0.02)


def test_the_largest_load_is_not_clipped_and_a_larger_one_is() -> None:
    codes = wave(Fixed((7900, -7900, 0)), 0, 2).codes_at(stamps(0.1))
    assert 0 < codes.min() < 300
    assert 3800 < codes.max() < 4095
    codes = wave(Fixed((12_000, 0, 0)), 0).codes_at(stamps(0.1))
    assert (codes.min(), codes.max()) == (0, 4095)


def test_channels_without_a_wire_lie_in_the_middle() -> None:
    codes = wave(Fixed((2000, 2000, 2000)), 6, 7).codes_at(stamps(1.0))
    assert np.mean(codes) == pytest.approx(2048, abs=0.1)
    assert np.std(codes) == pytest.approx(0.75, abs=0.05)


def test_a_ten_bit_converter_has_a_quarter_of_the_codes() -> None:
    fine = wave(Fixed((2000, 0, 0)), 0, 1).codes_at(stamps(0.1))
    coarse = wave(Fixed((2000, 0, 0)), 0, 1, chip="mcp3008").codes_at(stamps(0.1))
    assert (coarse == fine // 4).all()


def test_a_load_changes_at_the_full_second() -> None:
    codes = wave(Fixed((0, 0, 0), (6000, 0, 0)), 0).codes_at(stamps(2.0, START_NS - NS // 2))
    before, there, after = (np.ptp(part) for part in np.split(codes[:, 0], [1500, 4500]))
    assert max(before, after) < 100 < 2500 < there  # START is an odd second


def test_the_frequency_wanders_a_little_and_never_jumps() -> None:
    seconds = np.arange(0, 1200.0, 0.25)
    times = (START_NS + seconds * NS).astype(np.int64)
    step = 1_000_000
    turned = (cycles(times + step) - cycles(times) + 0.5) % 1 - 0.5
    frequency = turned / step * NS
    assert np.abs(frequency - 50).max() <= 0.0301
    assert np.ptp(frequency) > 0.03
    border = START_NS + NS * np.arange(1000)
    jump = (cycles(border) - cycles(border - 1) + 0.5) % 1 - 0.5
    assert np.abs(jump).max() < 1e-6


def test_the_same_instant_has_the_same_wave() -> None:
    house, times = Fixed((3000, 200, -900)), stamps(0.2)
    whole = wave(house).codes_at(times).astype(int)
    later = wave(house).codes_at(times[100:]).astype(int)
    assert np.abs(whole[100:] - later).max() < 20  # noise and jitter, of a swing of 2600


def powers(samples: Samples) -> list[float]:
    """The powers of the phases of a whole number of waves, from the fundamental: harmonics have
    none.
    """
    codes = np.frombuffer(samples.codes, np.uint16).reshape(-1, 6)
    turn = np.exp(-2j * np.pi * 50 * np.arange(len(codes)) / RATE) * np.sqrt(2) / len(codes)
    shift = np.exp(1j * (2 * np.pi * 50 * samples.slot_ns / NS - float(LEAD)))
    parts = turn @ codes
    scale = AMPS_PER_CODE * VOLTS_PER_CODE
    return [
        float((parts[2 * n] * shift * np.conj(parts[2 * n + 1])).real) * scale for n in range(3)
    ]


def told(sampler: MemorySampler, wires: Wires, until: datetime) -> Sequence[Samples]:
    found = list[Samples]()
    while wires.time() < until:
        found += sampler.read(60.0)
    return found


def test_hours_in_memory_hold_the_energies_of_the_house() -> None:
    wires, house = Wires(), House()
    sampler = MemorySampler(house, wires, adc())
    end = START.replace(hour=17, minute=30, second=0)
    pieces = told(sampler, wires, end)
    before, after = house.at(START), house.at(end)
    assert sum(each.seconds for each in pieces) == (end - START).total_seconds()
    means = [(sum(powers(each)), each.seconds) for each in pieces]
    for registers, sign in (
        (("energy_import_high", "energy_import_low"), 1),
        (("energy_export_high", "energy_export_low"), -1),
    ):
        energy = sum(max(0.0, sign * power) * seconds for power, seconds in means) / 3.6e6
        real = sum(getattr(after, name) - getattr(before, name) for name in registers)
        assert real > 0.3
        assert energy == pytest.approx(real, rel=3e-4)


def test_a_minute_in_memory_comes_when_it_is_over_with_stamps_of_its_end() -> None:
    wires, house = Wires(), Fixed((1000, 0, 0), (0, -2000, 0))
    sampler = MemorySampler(cast(House, house), wires, adc())
    assert sampler.read(1.0) == []
    assert wires.time() == START + timedelta(seconds=1)  # it waits as a wire does
    pieces = told(sampler, wires, START + timedelta(seconds=43))
    assert [each.seconds for each in pieces] == [21, 22]  # until the full minute
    assert wires.time() == START + timedelta(seconds=43)
    assert {(len(each.times_ns), len(each.codes)) for each in pieces} == {(1800, 10_800)}
    end = round(wires.monotonic() * NS)
    assert pieces[1].times_ns[-1] == pytest.approx(end - NS / RATE, abs=1000)
    assert pieces[0].times_ns[-1] < pieces[1].times_ns[0]
    assert powers(pieces[0]) == pytest.approx([1000, 0, 0], abs=2)
    assert powers(pieces[1]) == pytest.approx([0, -2000, 0], abs=2)


def test_minutes_that_nobody_read_are_told_at_once() -> None:
    wires = Wires()
    sampler = MemorySampler(cast(House, Fixed((1000, 0, 0))), wires, adc())
    wires.clock.advance(43 + 600 + 12.5)
    (piece,) = sampler.read(1.0)
    assert piece.seconds == 643
    age = wires.monotonic() - piece.times_ns[-1] / NS
    assert age == pytest.approx(12.5, abs=0.001)
    assert sampler.read(1.0) == []


def test_a_closed_sampler_in_memory_says_so() -> None:
    sampler = MemorySampler(House(), Wires(), adc())
    sampler.close()
    sampler.close()
    with pytest.raises(SourceError, match="closed: open it again"):
        sampler.read(1.0)


def test_it_does_not_wait_for_a_clock_that_is_stopped() -> None:
    class Stopped(Wires):
        def __init__(self) -> None:
            super().__init__()
            self.waited = list[float]()

            def wait(event: threading.Event, seconds: float) -> bool:
                self.waited.append(seconds)
                return False

            self.wait = wait

    wires = Stopped()
    sampler = MemorySampler(House(), wires, adc())
    assert sampler.read(100.0) == []
    assert wires.waited == [43.0]

"""The ADC as a source: what it tells of wires and points, the energies it counts, and faults."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from s0web.clock import FakeClock
from s0web.errors import SourceError
from s0web.hub import Hub
from s0web.model import Command, Reading, Telling, Trouble
from s0web.options import OPTIONS
from s0web.sources.adc import AdcSource, order
from s0web.workers import SourceLoop
from tests.adc_wave import AdcWires, Front, HandSampler, Load, pieces

ODD = (137, 250, 1, 611)  # frames of a piece
WIRES = {"current_channels": "brown:0, black:2", "voltage_channels": "brown:1, black:3"}
ONE = {"current_channels": "brown:0", "voltage_channels": "brown:1"}
SEEN = Load(5.0, 30.0)


def options(**texts: str) -> Mapping[str, Any]:
    parsed = {}
    for option in OPTIONS["source.adc"]:
        text = texts.pop(option.name, option.default)
        assert text is not None, option.name
        parsed[option.name] = option.parse(text)
    assert not texts
    return {"type": "adc", **parsed}


class Bench:
    """A source whose samples are made by hand, with a clock that follows them."""

    def __init__(
        self,
        sections: Mapping[str, Mapping[str, str]],
        totals: Mapping[str, Mapping[str, float]] | None = None,
        front: Front | None = None,
    ) -> None:
        self.clock, self.front = FakeClock(monotonic=100.0), front or Front()
        self.wires = AdcWires(self.clock)
        self.totals = dict(totals or {})
        self.source = AdcSource(
            {name: options(**texts) for name, texts in sections.items()},
            self.wires,  # type: ignore[arg-type]  # an ADC alone
            self.clock,
            lambda device: self.totals.get(device, {}),
        )
        self.source.open()

    @property
    def sampler(self) -> HandSampler:
        return self.wires.claims[-1]

    def wave(
        self, channels: Mapping[int, Callable[[Any], Any]], seconds: float, late: int = 0
    ) -> None:
        """Sample the channels (those not given: noise) for so long, as the clock goes on."""
        begin = self.clock.monotonic()
        t = self.front.stamps(begin, seconds)
        quiet = [channels.get(n, np.zeros_like) for n in self.sampler.adc.channels]
        codes = self.front.codes(t, quiet)
        self.sampler.queue += pieces(t, codes, self.front.slot, ODD, late)
        self.clock.advance(seconds)

    def told(
        self, channels: Mapping[int, Callable[[Any], Any]], seconds: float = 2.2, late: int = 0
    ) -> list[Telling]:
        self.wave(channels, seconds, late)
        return list(self.source.read())


def readings(told: list[Telling], device: str) -> list[Reading]:
    return [item for item in told if isinstance(item, Reading) and item.device == device]


def troubles(told: list[Telling]) -> set[tuple[str, str]]:
    return {(item.device, item.kind) for item in told if isinstance(item, Trouble)}


def phases(front: Front, *loads: Load) -> dict[int, Callable[[Any], Any]]:
    """Channels I1 V1 I2 V2 ... of these loads."""
    found = {}
    for n, load in enumerate(loads):
        found[2 * n], found[2 * n + 1] = front.phase(load)
    return found


def test_wires_and_their_sum_are_told_each_second() -> None:
    bench = Bench({"mains": WIRES})
    one, two = Load(5.0, 30.0), Load(2.0, 0.0, sign=-1, phase=240.0)
    begin = bench.clock.now()
    told = bench.told(phases(bench.front, one, two), 3.2)
    brown, mains = readings(told, "mains.brown"), readings(told, "mains")
    assert [len(brown), len(mains)] == [3, 3]
    seconds = [(reading.time - begin).total_seconds() for reading in mains]
    assert seconds == pytest.approx([1.0, 2.0, 3.0], abs=1e-3)
    assert brown[1].values == pytest.approx(
        {
            "voltage": 230.0,
            "current": 5.0,
            "power": one.power,
            "apparent_power": 1150.0,
            "reactive_power": one.reactive,
            "power_factor": np.cos(np.radians(30)),
            "energy_import": one.power * 2 / 3.6e6,
            "energy_export": 0.0,
        },
        rel=1e-3,
    )
    power = one.power + two.power
    assert mains[1].values == pytest.approx(
        {
            "voltage": 230.0,
            "current": 7.0,
            "power": power,
            "apparent_power": 1610.0,
            "reactive_power": one.reactive,
            "power_factor": power / 1610.0,
            "frequency": 50.0,
            "energy_import": power * 2 / 3.6e6,
            "energy_export": 0.0,
        },
        rel=1e-3,
    )
    assert readings(told, "mains.black")[1].values["power_factor"] == pytest.approx(-1, abs=1e-3)
    assert troubles(told) == set()


def test_the_point_counts_by_the_sign_of_its_sum_and_wires_by_their_own() -> None:
    bench = Bench({"mains": WIRES})
    taken, given = Load(2.0), Load(5.0, sign=-1)
    told = bench.told(phases(bench.front, taken, given), 2.2)
    last = {device: readings(told, device)[-1].values for device in ("mains", "mains.black")}
    assert last["mains"]["energy_import"] == 0.0
    assert last["mains"]["energy_export"] == pytest.approx(690 * 2 / 3.6e6, rel=1e-3)
    assert last["mains.black"]["energy_export"] == pytest.approx(1150 * 2 / 3.6e6, rel=1e-3)
    assert readings(told, "mains.brown")[-1].values["energy_import"] > 0


def test_energies_go_on_from_what_was_kept() -> None:
    kept = {
        "mains": {"energy_import": 812.5, "energy_export": 3.0, "frames_late": 7.0},
        "mains.brown": {"energy_import": 400.0, "energy_export": 1.0},
    }
    bench = Bench({"mains": ONE}, kept)
    told = bench.told(phases(bench.front, Load(5.0)), 1.2)
    (mains,), (brown,) = readings(told, "mains"), readings(told, "mains.brown")
    assert mains.values["energy_import"] == pytest.approx(812.5 + 1150 / 3.6e6, abs=1e-6)
    assert mains.values["energy_export"] == 3.0
    assert mains.values["frames_late"] == 7.0
    assert brown.values["energy_import"] == pytest.approx(400.0 + 1150 / 3.6e6, abs=1e-6)


def test_a_correction_shifts_the_register_of_the_point_or_of_a_wire() -> None:
    bench = Bench({"mains": ONE}, {"mains": {"energy_import": 10.0, "energy_export": 2.0}})
    (told,) = bench.source.obey(Command("mains", "correct", 2.5))
    assert isinstance(told, Reading)
    assert told.values == {"energy_import": 12.5, "energy_export": 2.0}
    (told,) = bench.source.obey(Command("mains.brown", "correct", 1.0))
    assert isinstance(told, Reading)
    assert (told.device, told.values["energy_import"]) == ("mains.brown", 1.0)
    with pytest.raises(ValueError, match="mains: a counter cannot be less than 0"):
        bench.source.obey(Command("mains", "correct", -13.0))


def test_what_it_cannot_do_is_refused_with_a_sentence() -> None:
    bench = Bench({"mains": ONE})
    with pytest.raises(ValueError, match="mains: an ADC cannot trigger"):
        bench.source.obey(Command("mains", "trigger"))


def test_late_frames_are_told_when_there_are_more() -> None:
    bench = Bench({"mains": ONE})
    channels = phases(bench.front, SEEN)
    first = readings(bench.told(channels, 2.2), "mains")
    assert [reading.values.get("frames_late") for reading in first] == [0.0, None]
    assert readings(bench.told(channels, 0.5), "mains") == []
    (reading,) = readings(bench.told(channels, 0.5, late=1), "mains")
    assert reading.values["frames_late"] > 0


def test_many_late_frames_are_a_trouble_until_they_come_in_time_again() -> None:
    bench = Bench({"mains": ONE})
    channels = phases(bench.front, Load(5.0))
    few = bench.told(channels, 11.0, late=3)  # in each piece of 250 frames on average
    many = bench.told(channels, 11.0, late=60)
    after = bench.told(channels, 20.0)
    assert troubles(few) == set()
    assert troubles(many) == {("mains", "late")}
    assert not isinstance(after[-1], Trouble)


def test_a_stall_is_no_lateness() -> None:
    bench = Bench({"mains": ONE})
    channels = phases(bench.front, Load(5.0))
    bench.told(channels, 5.0)
    bench.clock.advance(15.0)
    bench.wave(channels, 0.05)
    bench.sampler.queue[0] = bench.sampler.queue[0]._replace(late=45_000)
    bench.told(channels, 8.0)
    assert troubles(bench.told(channels, 1.0)) == set()


@pytest.mark.parametrize("gap", [1.5, 9.0])
def test_a_short_gap_counts_with_the_mean_of_both_sides(gap: float) -> None:
    bench = Bench({"mains": ONE})
    before = bench.told(phases(bench.front, Load(4.0)), 2.0)
    bench.clock.advance(gap)
    after = bench.told(phases(bench.front, Load(8.0)), 1.2)
    told = before + after
    energy = readings(told, "mains")[-1].values["energy_import"]
    assert energy == pytest.approx(230 * (2 * 4 + gap * 6 + 8) / 3.6e6, rel=1e-3)
    assert troubles(told) == set()


def test_a_gap_beside_a_time_without_power_is_not_counted() -> None:
    bench = Bench({"mains": ONE})
    channels = phases(bench.front, Load(4.0))
    bench.told(channels, 2.0)
    bench.told({**channels, 1: np.zeros_like}, 2.0)
    bench.clock.advance(1.5)
    told = bench.told(channels, 1.2)
    for device in ("mains", "mains.brown"):
        energy = readings(told, device)[-1].values["energy_import"]
        assert energy == pytest.approx(920 * 3 / 3.6e6, rel=0.05), device


def test_a_long_gap_is_not_counted_and_said() -> None:
    bench = Bench({"mains": ONE})
    before = bench.told(phases(bench.front, Load(4.0)), 2.0)
    bench.clock.advance(12.0)
    told = before + bench.told(phases(bench.front, Load(8.0)), 1.2)
    energy = readings(told, "mains")[-1].values["energy_import"]
    assert energy == pytest.approx(230 * (2 * 4 + 8) / 3.6e6, rel=1e-3)
    (trouble,) = (item for item in told if isinstance(item, Trouble))
    assert (trouble.device, trouble.kind) == ("mains", "gap")
    assert "no samples for 12.0 s" in trouble.text


def test_a_piece_that_stands_for_a_minute_counts_as_one() -> None:
    bench = Bench({"mains": ONE})
    t = bench.front.stamps(100.0, 1.0)
    codes = bench.front.codes(t, bench.front.phase(Load(4.0)))
    (piece,) = pieces(t, codes, bench.front.slot)
    bench.sampler.queue.append(piece._replace(seconds=60.0))
    bench.clock.advance(60.0)
    (mains,) = readings(list(bench.source.read()), "mains")
    assert mains.values["energy_import"] == pytest.approx(920 * 60 / 3.6e6, rel=1e-3)


# -- channels and sections -------------------------------------------------------------------------


def test_each_voltage_follows_the_first_current_that_needs_it() -> None:
    three = options(
        current_channels="brown:0, black:2, gray:4", voltage_channels="brown:1, black:3, gray:5"
    )
    shared = options(current_channels="a:7, b:3, c:4", voltage_channels="a:0, b:0, c:0")
    assert order([three]) == (0, 1, 2, 3, 4, 5)
    assert order([shared]) == (7, 0, 3, 4)
    assert order([shared, three]) == (7, 0, 3, 4, 1, 2, 5)
    assert order([options(current_channels="a:6")]) == (6,)


def test_two_points_on_one_converter_are_sampled_together() -> None:
    solar = {"current_channels": "roof:6", "voltage_channels": "roof:1", "noise": "0.7"}
    sections = {"mains": ONE, "solar": solar}
    bench = Bench(sections)
    assert bench.source.devices == ("mains", "solar")
    assert bench.sampler.adc.channels == (0, 1, 6)
    roof, _ = bench.front.phase(Load(3.0, sign=-1))
    told = bench.told({**phases(bench.front, SEEN), 6: roof}, 1.2)
    assert readings(told, "mains")[0].values["power"] == pytest.approx(SEEN.power, rel=1e-3)
    assert readings(told, "solar")[0].values["power"] == pytest.approx(-690, rel=1e-3)
    assert {AdcSource.wire(options(**texts)) for texts in sections.values()} == {"adc:0.0"}


def test_wires_may_share_a_voltage_and_have_scales_of_their_own() -> None:
    bench = Bench(
        {
            "mains": {
                "current_channels": "a:0, b:2",
                "voltage_channels": "a:1, b:1",
                "amps_per_code": "a:0.01778, b:-0.03556",
                "phase_error": "a:0, b:2",
            }
        }
    )
    one, two = Load(2.0, 10.0), Load(3.0, 40.0, lead=2.0)
    channels = phases(bench.front, one, two)
    del channels[3]
    told = bench.told(channels, 1.2)
    assert readings(told, "mains.a")[0].values["power"] == pytest.approx(one.power, rel=1e-3)
    assert readings(told, "mains.b")[0].values["power"] == pytest.approx(-2 * two.power, rel=1e-3)


def test_the_wire_is_asked_for_frames_at_the_right_rate() -> None:
    bench = Bench({"mains": {**ONE, "samples_per_wave": "40", "frequency": "60", "spi": "1.2"}})
    adc = bench.sampler.adc
    assert (adc.device, adc.chip, adc.rate) == ("1.2", "mcp3208", 2400.0)


# -- without voltage channels ----------------------------------------------------------------------

BLIND = {"current_channels": "brown:0, black:1", "power_factor": "0.9"}


def blind(front: Front, *amps: float) -> dict[int, Callable[[Any], Any]]:
    return {n: front.phase(Load(each))[0] for n, each in enumerate(amps)}


def test_a_constant_voltage_is_taken_and_marked_as_assumed() -> None:
    bench = Bench({"mains": {**BLIND, "voltage": "235"}})
    told = bench.told(blind(bench.front, 4.0, 0.01), 2.2)
    first, second = readings(told, "mains.brown")
    assert first.values["power"] == pytest.approx(235 * 4 * 0.9, rel=1e-3)
    assert first.values["voltage"] == 235.0
    assert first.values["energy_import"] == pytest.approx(235 * 4 * 0.9 / 3.6e6, rel=1e-3)
    assert "reactive_power" not in first.values
    assert first.labels == {"assumed": "voltage, power factor"}
    assert second.labels == {}
    assert readings(told, "mains.black")[0].values["power"] == 0.0  # less may be noise
    mains = readings(told, "mains")[0]
    assert mains.labels == {"assumed": "voltage, power factor"}
    assert "frequency" not in mains.values


def test_the_voltage_of_another_device_is_taken_by_phase_or_as_a_whole() -> None:
    bench = Bench({"mains": {**BLIND, "voltage": "grid"}})
    bench.totals["grid"] = {"voltage_l1": 231.0, "voltage_l2": 229.0, "voltage": 200.0}
    told = bench.told(blind(bench.front, 4.0, 4.0), 1.2)
    assert readings(told, "mains.black")[0].values["voltage"] == 229.0
    assert readings(told, "mains")[0].labels == {"assumed": "power factor"}
    bench.totals["grid"] = {"voltage": 233.0}
    told = bench.told(blind(bench.front, 4.0, 4.0), 1.0)
    assert readings(told, "mains.black")[0].values["voltage"] == 233.0


def test_a_device_without_voltage_is_named_and_no_power_is_told() -> None:
    bench = Bench({"mains": {**BLIND, "voltage": "grid"}})
    told = bench.told(blind(bench.front, 4.0, 4.0), 1.2)
    (mains,) = readings(told, "mains")
    assert mains.values["current"] == pytest.approx(8.0, rel=1e-3)
    assert not {"power", "voltage", "energy_import"} & set(mains.values)
    (trouble,) = (item for item in told if isinstance(item, Trouble) and item.device == "mains")
    assert trouble.kind == "no_voltage"
    assert "grid tells no voltage" in trouble.text


# -- what is wrong ---------------------------------------------------------------------------------


def stuck(code: float) -> Callable[[Any], Any]:
    return lambda t: np.full_like(t, code)


def off(wave: Callable[[Any], Any], codes: float) -> Callable[[Any], Any]:
    return lambda t: wave(t) + codes


@pytest.mark.parametrize(
    ("channel", "change", "kind", "word"),
    [
        (0, lambda wave: stuck(-3000.0), "dead", "current channel 0 is stuck at 0 V"),
        (0, lambda wave: stuck(3000.0), "dead", "stuck at the reference voltage"),
        (0, lambda wave: off(wave, -1200.0), "offset", "middle of the wave"),
        (0, lambda wave: lambda t: 6 * wave(t), "clipped", "cut off"),
        (1, lambda wave: np.zeros_like, "no_reference", "voltage channel 1 shows no mains voltage"),
        (1, lambda wave: lambda t: wave(4 * t), "no_reference", "no mains frequency"),
        (1, lambda wave: stuck(-3000.0), "dead", "voltage channel 1 is stuck"),
    ],
)
def test_a_fault_is_told_within_two_seconds_with_its_channel(
    channel: int, change: Callable[[Any], Any], kind: str, word: str
) -> None:
    for begin in (0.6, 0.78, 1.0):  # wherever in a window it happens
        bench = Bench({"mains": WIRES})
        channels = phases(bench.front, Load(5.0), Load(5.0))
        assert troubles(bench.told(channels, 1.0 + begin)) == set()
        broken = {**channels, channel: change(channels[channel])}
        for _ in range(4):  # 1.6 s, and what one read waits
            told = bench.told(broken, 0.4)
            if troubles(told):
                break
        blind = {("mains", "incomplete")} if kind in ("dead", "no_reference") else set()
        assert troubles(told) == {("mains.brown", kind), *blind}, begin
        trouble = next(item for item in told if isinstance(item, Trouble))
        assert word in trouble.text
        assert trouble.remedy.endswith(".")


def test_a_channel_that_does_not_even_show_noise_is_dead() -> None:
    bench = Bench({"mains": WIRES}, front=Front(noise=0.0))
    channels = phases(bench.front, Load(5.0), Load(5.0))
    told = bench.told({**channels, 2: np.zeros_like}, 1.2)
    assert troubles(told) == {("mains.black", "dead")}
    assert readings(told, "mains.black")[0].values["power"] == pytest.approx(0.0, abs=0.01)


def test_without_its_reference_a_wire_tells_no_power_and_the_point_no_sum() -> None:
    bench = Bench({"mains": WIRES})
    channels = phases(bench.front, Load(5.0), Load(3.0))
    told = bench.told({**channels, 1: np.zeros_like}, 1.2)
    assert readings(told, "mains.brown")[0].values == pytest.approx(
        {"current": 5.0, "voltage": 0.0}, rel=1e-3, abs=0.2
    )
    black, mains = readings(told, "mains.black")[0], readings(told, "mains")[0]
    assert black.values["power"] == pytest.approx(690, rel=1e-3)
    assert mains.values["current"] == pytest.approx(8.0, rel=1e-3)
    assert mains.values["voltage"] == pytest.approx(230.0, rel=1e-3)
    assert not {"power", "apparent_power", "energy_import"} & set(mains.values)
    assert troubles(told) == {("mains.brown", "no_reference"), ("mains", "incomplete")}


def test_time_without_a_reference_is_not_counted() -> None:
    bench = Bench({"mains": ONE})
    channels = phases(bench.front, Load(5.0))
    bench.told(channels, 2.0)
    bench.told({**channels, 1: np.zeros_like}, 3.0)
    energy = readings(bench.told(channels, 2.2), "mains")[-1].values["energy_import"]
    assert energy == pytest.approx(4 * 1150 / 3.6e6, rel=0.15)


def test_a_converter_that_does_not_answer_is_one_trouble_and_no_reading() -> None:
    bench = Bench({"mains": WIRES})
    told = bench.told({n: stuck(-3000.0) for n in range(4)}, 1.2)
    assert troubles(told) == {(f"mains{wire}", "no_converter") for wire in ("", ".brown", ".black")}
    assert not [item for item in told if isinstance(item, Reading)]
    (text,) = {item.text for item in told if isinstance(item, Trouble)}
    assert "the converter does not answer" in text


def test_ten_bits_may_be_too_coarse_to_show_noise() -> None:
    ten = Front(middle=512.0, top=1023, amps=0.0976, volts=1.0108, noise=0.1)
    scales = {"amps_per_code": "0.0976", "volts_per_code": "1.0108", "chip": "mcp3008"}
    bench = Bench({"mains": {**ONE, **scales}}, front=ten)
    assert troubles(bench.told(phases(ten, Load(0.0)), 1.2)) == set()
    told = bench.told(phases(ten, Load(0.25)), 3.0)
    assert readings(told, "mains")[-1].values["current"] == pytest.approx(0.25, rel=0.01)


def test_ten_bit_codes_have_their_own_range() -> None:
    ten = Front(middle=512.0, top=1023, amps=0.07, volts=1.0)
    scales = {"amps_per_code": "0.07", "volts_per_code": "1", "chip": "mcp3008"}
    bench = Bench({"mains": {**ONE, **scales}}, front=ten)
    told = bench.told(phases(ten, Load(5.0)), 1.2)
    assert troubles(told) == set()
    assert readings(told, "mains")[0].values["power"] == pytest.approx(1150, rel=2e-3)
    assert troubles(bench.told(phases(ten, Load(40.0)), 1.0)) == {("mains.brown", "clipped")}


def test_a_fault_decides_the_health_until_it_is_over() -> None:
    bench = Bench({"mains": ONE})
    hub = Hub(bench.clock)
    loop = SourceLoop(bench.source, hub, bench.clock)
    channels = phases(bench.front, Load(5.0))

    def health(channels: Mapping[int, Callable[[Any], Any]], seconds: float = 1.0) -> str:
        bench.wave(channels, seconds)
        loop.step()
        return hub.snapshot().health["mains.brown"].state

    loop.step()  # opens the wire
    assert health(channels, 1.2) == "ok"
    assert health({**channels, 0: stuck(3000.0)}) == "failed"
    assert health(channels) == "failed"  # its window was half spoilt
    assert health(channels) == "ok"
    assert hub.snapshot().health["mains.brown"].troubles >= 1


# -- the wire --------------------------------------------------------------------------------------


def test_a_wire_that_cannot_be_claimed_says_why() -> None:
    bench = Bench({"mains": ONE})
    bench.source.close()
    bench.source.close()
    assert bench.sampler.closed
    bench.wires.missing = "no /dev/spidev0.0: switch SPI on"
    with pytest.raises(SourceError, match=r"no /dev/spidev0.0: switch SPI on"):
        bench.source.open()
    with pytest.raises(SourceError, match="read before it is open"):
        bench.source.read()


def test_a_wire_that_is_gone_is_a_source_error_and_energy_goes_on_after_it() -> None:
    bench = Bench({"mains": ONE})
    channels = phases(bench.front, Load(4.0))
    bench.told(channels, 2.0)
    bench.sampler.gone = True
    with pytest.raises(SourceError, match="the converter is gone"):
        bench.source.read()
    bench.source.close()
    bench.clock.advance(1.0)
    bench.source.open()
    told = bench.told(channels, 1.2)
    energy = readings(told, "mains")[-1].values["energy_import"]
    assert energy == pytest.approx(920 * 4 / 3.6e6, rel=1e-3)


def test_without_numpy_the_source_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench({"mains": ONE})
    bench.source.close()
    monkeypatch.setitem(__import__("sys").modules, "numpy", None)
    with pytest.raises(SourceError, match="the ADC needs numpy: sudo apt install python3-numpy"):
        bench.source.open()


def test_the_stamp_follows_the_wall_clock() -> None:
    bench = Bench({"mains": ONE})
    channels = phases(bench.front, replace(SEEN, hertz=50.2))
    begin = bench.clock.now()
    bench.clock.step_wall(3600)
    (reading,) = readings(bench.told(channels, 1.2), "mains")
    assert abs(reading.time - begin - timedelta(seconds=3601)) < timedelta(milliseconds=1)

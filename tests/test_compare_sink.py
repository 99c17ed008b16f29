"""The comparison, fed with what the simulated house would tell on its wires, right and wrong."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import floor

import pytest

from s0web.clock import FakeClock
from s0web.model import Health, Options, Reading
from s0web.simulation.house import House, Truth
from s0web.sinks.compare import CompareSink

HOUSE = House()
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)  # a week with much sun
MORNING = MONDAY + timedelta(hours=5)
NOON = MONDAY + timedelta(hours=11)
EVENING = MONDAY + timedelta(hours=16.8)  # all phases are in use
MINUTE = timedelta(minutes=1)
WIRES = ("brown", "black", "gray")
SOURCES: Mapping[str, Options] = {
    "grid": {"type": "p1"},
    "meter": {"type": "modbus"},
    "main": {"type": "s0", "pulses_per_kwh": 1000.0, "minimum_width_ms": 15.0},
    "mains": {
        "type": "adc",
        "current_channels": (("brown", 0), ("black", 2), ("gray", 4)),
        "amps_per_code": (("", 0.0244),),
    },
    "remote": {"type": "remote"},
}
Device = Callable[[datetime, Truth, Truth], list[Reading]]


def net(truth: Truth) -> float:
    imported = truth.energy_import_high + truth.energy_import_low
    return imported - truth.energy_export_high - truth.energy_export_low


def cut(kwh: float) -> float:
    return floor(kwh * 1000 + 1e-6) / 1000


def grid(time: datetime, before: Truth, now: Truth) -> list[Reading]:
    """A P1 meter that shows whole Wh in two tariffs, and whose clock is 20 s slow."""
    registers = ("import_high", "import_low", "export_high", "export_low")
    values = {f"energy_{name}": cut(getattr(now, f"energy_{name}")) for name in registers}
    return [Reading("grid", time - timedelta(seconds=20), values | {"lag": 20.0}, meter="E0061")]


def meter(factor: float = 1.0) -> Device:
    """A Modbus meter whose registers have 10 Wh."""

    def tell(time: datetime, before: Truth, now: Truth) -> list[Reading]:
        imported = now.energy_import_high + now.energy_import_low
        exported = now.energy_export_high + now.energy_export_low
        values = {"energy_import": imported, "energy_export": exported}
        rounded = {name: floor(kwh * factor * 100) / 100 for name, kwh in values.items()}
        return [Reading("meter", time, rounded)]

    return tell


def mains(factors: Sequence[float] = (1, 1, 1), name: str = "mains") -> Device:
    """Three transformers, each with its factor; -1 is one that sits the wrong way round."""
    totals = {wire: [0.0, 0.0] for wire in (*WIRES, "")}

    def tell(time: datetime, before: Truth, now: Truth) -> list[Reading]:
        flowed = net(now) - net(before)
        shares = [0.0, before.phases[1] / 60_000, before.phases[2] / 60_000]
        shares[0] = flowed - sum(shares)
        seen = [share * factor for share, factor in zip(shares, factors, strict=True)]
        told = []
        for wire, kwh in zip((*WIRES, ""), (*seen, sum(seen)), strict=True):
            totals[wire][kwh < 0] += abs(kwh)
            values = dict(zip(("energy_import", "energy_export"), totals[wire], strict=True))
            told.append(Reading(f"{name}.{wire}".rstrip("."), time, values))
        return told

    return tell


def main(per_kwh: float = 1000.0, missed: Callable[[int], bool] = lambda pulse: False) -> Device:
    """A pulse output of the house's consumption."""
    state = {"count": 0, "kept": 0}

    def tell(time: datetime, before: Truth, now: Truth) -> list[Reading]:
        begin, end = floor(before.energy * per_kwh), floor(now.energy * per_kwh)
        state["kept"] += sum(not missed(pulse) for pulse in range(begin, end))
        if begin == end:
            return []
        pulses = float(state["kept"])
        return [Reading("main", time, {"pulses": pulses, "energy_import": 5 + pulses / 1000})]

    return tell


def load(time: datetime, before: Truth, now: Truth) -> list[Reading]:
    """A P1 meter behind which all consumption is, but no sun."""
    return [Reading("grid", time, {"energy_import": cut(now.energy)})]


class Watch:
    """A comparison that is fed minute by minute, and what it says."""

    def __init__(
        self, start: datetime, *groups: tuple[str, ...], sources: Mapping[str, Options] = SOURCES
    ) -> None:
        self.clock, self.time = FakeClock(start), start
        self.health: dict[str, Health] = {}
        self.states: list[str] = []
        self.sink = CompareSink(groups, 3.0, sources, self.clock, self._report)
        self.sink.open()

    def _report(self, name: str, health: Health) -> None:
        self.health[name] = health
        self.states.append(health.state)

    def feed(self, minutes: int, *devices: Device) -> "Watch":
        start = self.time
        truths = (HOUSE.at(start + MINUTE * number) for number in range(minutes + 1))
        for before, now in pairwise(truths):
            self.clock.advance(60)
            self.time += MINUTE
            batch = [reading for device in devices for reading in device(self.time, before, now)]
            self.sink.write(batch)
        return self

    @property
    def verdict(self) -> Health:
        (health,) = self.health.values()
        return health


def test_before_there_is_enough_energy_nothing_is_said() -> None:
    watch = Watch(MORNING, ("grid", "mains")).feed(9, grid, mains())
    assert watch.verdict.state == "starting"
    assert watch.verdict.text == "too little energy yet"
    assert list(watch.health) == ["compare:grid-mains"]


@pytest.mark.parametrize("start", [MORNING, NOON], ids=["no sun", "sun"])
def test_devices_that_agree_are_well_within_an_hour(start: datetime) -> None:
    watch = Watch(start, ("grid", "mains")).feed(61, grid, mains())
    assert watch.verdict.state == "ok"
    assert watch.verdict.text.startswith("grid and mains agree to 0.")
    assert "failed" not in watch.states


def test_a_week_with_sun_and_nights_brings_no_false_alarm() -> None:
    watch = Watch(MONDAY, ("grid", "meter", "mains"))
    watch.feed(7 * 1440, grid, meter(1.01), mains((0.99, 1.01, 1.0)))
    assert {health.state for health in watch.health.values()} == {"ok"}
    assert "failed" not in watch.states
    assert watch.health.keys() == {"compare:grid-meter", "compare:grid-mains"}


def test_a_week_of_pulses_brings_no_false_alarm() -> None:
    watch = Watch(MONDAY, ("grid", "main")).feed(7 * 1440, load, main())
    assert watch.verdict.state == "ok"
    assert "failed" not in watch.states


@pytest.mark.parametrize("start", [MORNING, NOON], ids=["no sun", "sun"])
def test_transformers_the_wrong_way_round_are_found_within_75_minutes(start: datetime) -> None:
    watch = Watch(start, ("grid", "mains")).feed(75, grid, mains((-1, -1, -1)))
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "turned")
    assert "grid and mains differ by 200 %" in watch.verdict.text
    assert "-" not in watch.verdict.text  # no negative kWh: the other direction is named
    assert "[source:mains] amps_per_code = -0.0244" in watch.verdict.remedy


@pytest.mark.parametrize("number", range(3), ids=WIRES)
def test_one_turned_transformer_of_three_is_named(number: int) -> None:
    factors = [1.0, 1.01, 0.98]
    factors[number] *= -1
    brown, black, gray = factors
    watch = Watch(EVENING, ("grid", "mains")).feed(60, grid, mains((brown, black, gray)))
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "turned")
    assert f"The current transformer of mains.{WIRES[number]} sits" in watch.verdict.remedy
    assert f"{WIRES[number]}:-0.0244" in watch.verdict.remedy


def test_one_transformer_with_a_wrong_factor_is_named_with_the_right_one() -> None:
    watch = Watch(NOON, ("grid", "mains")).feed(60, grid, mains((1, 0.8, 1)))
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "factor")
    assert "mains.black alone explains it" in watch.verdict.remedy
    assert "brown:0.0244, black:0.030" in watch.verdict.remedy


@pytest.mark.parametrize("start", [MORNING, NOON], ids=["no sun", "sun"])
def test_a_factor_of_all_transformers_is_found_with_the_right_one(start: datetime) -> None:
    watch = Watch(start, ("grid", "mains")).feed(75, grid, mains((0.9, 0.9, 0.9)))
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "factor")
    suggested = float(watch.verdict.remedy.partition("amps_per_code = ")[2].split()[0])
    assert suggested == pytest.approx(0.0244 / 0.9, rel=0.01)


@pytest.mark.parametrize(("wrong", "kind"), [(-1.0, "turned"), (0.9, "factor")])
def test_no_factor_is_suggested_from_the_time_before_it_changed(
    wrong: float, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    factors = [1.0, 1.0, 1.0]
    device = mains(factors)
    watch = Watch(EVENING, ("grid", "mains")).feed(75, grid, device)
    factors[:] = [wrong] * 3
    kinds = [watch.feed(1, grid, device).verdict.kind for _ in range(80)]
    assert list(dict.fromkeys(kinds)) == ["", "unsteady", kind]
    assert watch.verdict.remedy.split()[:2] == caplog.messages[-1].partition(". ")[2].split()[:2]


def test_one_wire_may_be_compared_by_itself() -> None:
    watch = Watch(MORNING, ("mains", "other.gray"), sources={**SOURCES, "other": SOURCES["mains"]})
    watch.feed(60, mains((0, 0, 1)), mains((1, 1, -1), "other"))
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "turned")
    assert "brown:0.0244, black:0.0244, gray:-0.0244" in watch.verdict.remedy


@pytest.mark.parametrize("per_kwh", [500, 800, 2000, 10_000])
def test_a_wrong_number_of_pulses_is_found_with_the_right_one(per_kwh: int) -> None:
    watch = Watch(MORNING, ("grid", "main")).feed(90, load, main(per_kwh))
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "pulses_per_kwh")
    assert f"should be {per_kwh} rather than 1000" in watch.verdict.remedy
    assert ("counted twice" in watch.verdict.remedy) == (per_kwh == 2000)


def test_missed_pulses_are_told_as_such() -> None:
    watch = Watch(MORNING, ("grid", "main"))
    watch.feed(90, load, main(missed=lambda pulse: pulse % 20 == 0))
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "missed")
    assert "misses about 5" in watch.verdict.remedy
    assert "minimum_width_ms = 15" in watch.verdict.remedy


def test_pulses_that_are_missed_for_a_time_are_not_taken_for_a_factor() -> None:
    watch = Watch(MORNING, ("grid", "main"))
    begin = floor(HOUSE.at(MORNING + 45 * MINUTE).energy * 1000)
    until = floor(HOUSE.at(MORNING + 90 * MINUTE).energy * 1000)
    end = begin + round((until - begin) * 0.6)
    watch.feed(80, load, main(missed=lambda pulse: begin <= pulse < end))
    assert watch.verdict.kind == "missed"


def test_extra_pulses_are_told_as_such() -> None:
    watch = Watch(MORNING, ("grid", "main")).feed(90, load, main(1080))
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "extra")


def test_a_counter_without_pulses_counts_nothing() -> None:
    watch = Watch(MORNING, ("grid", "main"))
    watch.sink.write([Reading("main", MORNING, {"pulses": 0.0, "energy_import": 5.0})])
    watch.feed(180, load)
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "nothing")


def test_a_transformer_beside_a_counter_without_export_is_known_to_be_turned() -> None:
    house: dict[str, float] = {"kwh": 0.0}

    def turned(time: datetime, before: Truth, now: Truth) -> list[Reading]:
        house["kwh"] += now.energy - before.energy
        return [Reading("mains", time, {"energy_import": 0.0, "energy_export": house["kwh"]})]

    watch = Watch(MORNING, ("main", "mains")).feed(90, main(), turned)
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "turned")


def test_the_reference_is_suspected_where_it_alone_has_a_factor() -> None:
    watch = Watch(MORNING, ("main", "grid")).feed(90, load, main(800))
    assert list(watch.health) == ["compare:main-grid"]
    assert "pulses_per_kwh in [source:main] should be 800" in watch.verdict.remedy
    assert "main and grid differ by 20 %" in watch.verdict.text


def test_meters_that_differ_are_asked_for_their_own_settings() -> None:
    watch = Watch(MORNING, ("grid", "meter")).feed(360, grid, meter(1.2))
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "factor")
    assert "multiplied by 0.83" in watch.verdict.remedy


def test_what_is_put_right_is_well_again_and_the_error_is_remembered() -> None:
    factors = [-1.0, -1.0, -1.0]
    adc = mains(factors)
    watch = Watch(MORNING, ("grid", "mains")).feed(75, grid, adc)
    assert watch.verdict.state == "failed"
    factors[:] = 1.0, 1.0, 1.0
    watch.feed(100, grid, adc)
    assert (watch.verdict.state, watch.verdict.kind) == ("failed", "turned")
    assert watch.verdict.text.endswith("; before they differed")
    watch.feed(60, grid, adc)
    assert watch.verdict.state == "ok"
    assert "mains differ by" in watch.verdict.error
    assert "wrong way round" in watch.verdict.error
    assert watch.verdict.troubles == 1


def test_a_correction_by_hand_is_no_difference() -> None:
    watch = Watch(MORNING, ("grid", "main"))
    count = main()
    corrected = False

    def counter(time: datetime, before: Truth, now: Truth) -> list[Reading]:
        told = count(time, before, now)
        more = 100.0 if corrected else 0.0
        return [
            Reading("main", r.time, {**r.values, "energy_import": r.values["energy_import"] + more})
            for r in told
        ]

    watch.feed(60, load, counter)
    corrected = True
    watch.feed(30, load, counter)
    assert watch.verdict.state == "ok"
    assert "failed" not in watch.states


def test_another_meter_begins_anew() -> None:
    watch = Watch(MORNING, ("grid", "mains"))
    adc = mains()
    watch.feed(75, grid, adc)
    assert watch.verdict.state == "ok"

    def replaced(time: datetime, before: Truth, now: Truth) -> list[Reading]:
        (told,) = grid(time, before, now)
        less = {name: kwh - 400 for name, kwh in told.values.items() if name != "lag"}
        return [Reading("grid", told.time, less | {"lag": 20.0}, meter="E0099")]

    watch.feed(5, replaced, adc)
    assert (watch.verdict.state, watch.verdict.text) == ("starting", "too little energy yet")
    watch.feed(90, replaced, adc)
    assert watch.verdict.state == "ok"
    assert "failed" not in watch.states


def test_what_an_adc_missed_while_it_was_unplugged_is_no_difference() -> None:
    watch = Watch(MORNING, ("grid", "mains"))
    adc = mains()
    watch.feed(60, grid, adc).feed(20, grid).feed(60, grid, adc)
    assert watch.verdict.state == "ok"
    assert "failed" not in watch.states


def test_a_device_that_tells_no_energy_is_never_judged() -> None:
    watch = Watch(MORNING, ("grid", "remote"))
    watch.feed(90, grid, lambda time, *_: [Reading("remote", time, {"power": 5.0})])
    assert watch.verdict.state == "starting"
    assert watch.verdict.text == "remote: no energy register told yet"


def test_a_day_of_readings_stays_small_in_memory() -> None:
    watch = Watch(MORNING, ("grid", "mains"))
    watch.feed(1440, grid, mains())
    registers = watch.sink._registers.values()
    assert max(len(each.track.points) for each in registers) <= 64
    assert max(len(verdict.pair._marks) for verdict in watch.sink._verdicts) <= 73

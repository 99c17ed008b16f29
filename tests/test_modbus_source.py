import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s0web import registry
from s0web.clock import FakeClock, SystemClock
from s0web.errors import ReplyError, SourceError
from s0web.hardware import BusLine
from s0web.hardware.wires import RealWires
from s0web.hub import Hub
from s0web.meters.registers import Meter
from s0web.model import Command, Reading, Telling, Trouble
from s0web.option import Option
from s0web.options import OPTIONS
from s0web.sources.modbus import ModbusSource
from s0web.sources.modbus_schedule import EARLY, Schedule, groups
from s0web.workers import SourceLoop
from tests.modbus_server import rtu_server

SERIAL, CODE = 0xFC00, 0xFC02
Fault = Callable[[int, int], ReplyError | None]  # address, count


def silent() -> ReplyError:
    return ReplyError("silent", "no answer within 0.30 s")


def refused(code: int) -> ReplyError:
    return ReplyError("refused", f"refused (exception {code})", code)


class FakeMeter:
    """One meter in memory, that answers with what `numbers` says."""

    def __init__(self, model: str = "sdm630", serial: int | None = 123456) -> None:
        self.table: Meter = registry.load(registry.METERS, model)
        self.numbers = {q: 1000.0 + i for i, q in enumerate(self.table.quantities)}
        self.numbers["frequency"] = 50.0
        self.serial, self.code = serial, {"sdm630": 0x70, "sdm120": 0x20}.get(model)
        self.is_off = False
        self.fault: Fault = lambda address, count: None
        self.asked: list[tuple[int, int]] = []  # address and count of each request
        self.when: list[float] = []

    def plan(self) -> list[tuple[int, int]]:
        """The requests for values, without those that ask who is there."""
        return [(a, n) for a, n in self.asked if a < SERIAL and n > 2]

    def answer(self, function: int, address: int, count: int) -> bytes:
        if self.is_off:
            raise silent()
        if error := self.fault(address, count):
            raise error
        if address == SERIAL and function == 3 and self.serial is not None:
            return struct.pack(">I", self.serial)
        if address == CODE and function == 3 and self.code is not None:
            return struct.pack(">H", self.code)
        if address >= SERIAL or function != self.table.function:
            raise refused(2)
        data = bytearray(2 * count)
        for register in self.table.registers:
            at = register.address - address
            if at >= 0 and at + register.words <= count:
                coded = register.encode(self.numbers[register.quantity])
                data[2 * at : 2 * (at + register.words)] = coded
        return bytes(data)


class FakeBus:
    note = "9600 8N1"

    def __init__(self, clock: FakeClock, meters: Mapping[int, FakeMeter]) -> None:
        self.clock, self.meters, self.is_gone = clock, meters, False
        self.pauses: list[tuple[int, float]] = []

    def read(
        self, unit: int, function: int, address: int, count: int, timeout: float, pause: float
    ) -> bytes:
        if self.is_gone:
            raise SourceError("the bus is gone")
        meter = self.meters[unit]
        meter.asked.append((address, count))
        meter.when.append(self.clock.monotonic())
        self.pauses.append((unit, pause))
        try:
            data = meter.answer(function, address, count)
        except ReplyError as error:
            self.clock.advance(timeout + 0.002 * count if error.kind == "silent" else 0.03)
            raise
        self.clock.advance(0.03 + 0.002 * count)
        return data

    def close(self) -> None: ...


class FakeWires:
    """As much of hardware.Wires as a Modbus source asks for."""

    def __init__(self, clock: FakeClock, meters: Mapping[int, FakeMeter]) -> None:
        self.made, self.bus_ = list[BusLine](), FakeBus(clock, meters)
        self.heals = False  # whether a bus that is gone is there when it is opened again

    def bus(self, line: BusLine) -> FakeBus:
        self.made.append(line)
        self.bus_.is_gone = self.bus_.is_gone and not self.heals
        return self.bus_


class Bench:
    """A source over fake meters, turned as its loop does."""

    def __init__(self, *meters: FakeMeter, **options: str) -> None:
        self.clock = FakeClock()
        units = dict(enumerate(meters, 1))
        self.wires = FakeWires(self.clock, units)
        self.sections = {
            f"m{unit}": checked(unit=str(unit), **({"model": meter.table.name.lower()} | options))
            for unit, meter in units.items()
        }
        self.source = self.make()
        self.source.open()

    def make(self) -> ModbusSource:
        wires: Any = self.wires
        return ModbusSource(self.sections, wires, self.clock, lambda device: {})

    def turn(self) -> Sequence[Telling]:
        """One read(), then the pause that the source asks for."""
        begin = self.clock.monotonic()
        told = self.source.read()
        self.clock.advance(max(0.0, self.source.interval - (self.clock.monotonic() - begin)))
        return told

    def run(self, seconds: float) -> list[Telling]:
        told: list[Telling] = []
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            told += self.turn()
        return told


def checked(**texts: str) -> dict[str, Any]:
    """The options of a section, as the INI would give them."""
    rows: tuple[Option, ...] = OPTIONS["source.modbus"]
    texts = {"port": "/dev/ttyUSB0", "model": "sdm630"} | texts
    return {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}


def readings(told: Sequence[Telling], device: str = "m1") -> list[Reading]:
    return [item for item in told if isinstance(item, Reading) and item.device == device]


def troubles(told: Sequence[Telling]) -> list[Trouble]:
    return [item for item in told if isinstance(item, Trouble)]


# -- a sweep ---------------------------------------------------------------------------------------


def test_a_sweep_tells_every_quantity_in_one_reading_with_the_serial_number() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    (told,) = bench.turn()
    assert isinstance(told, Reading)
    values = dict(told.values)
    assert values.pop("requests_failed") == 0.0
    assert values == meter.numbers
    assert told.meter == "123456"
    assert told.labels["plan"] == f"{len(meter.plan())} requests of up to 80 registers"


def test_a_reading_is_stamped_within_its_sweep() -> None:
    bench = Bench(FakeMeter())
    bench.turn()
    before = bench.clock.now()
    told = bench.source.read()
    assert before < readings(told)[0].time < bench.clock.now()


def test_requests_failed_and_labels_are_told_when_they_change_only() -> None:
    bench = Bench(FakeMeter())
    bench.turn()
    (told,) = readings(bench.turn())
    assert "requests_failed" not in told.values
    assert told.labels == {}


def test_the_line_is_opened_as_the_sections_say() -> None:
    bench = Bench(FakeMeter(), FakeMeter("sdm120"), baud="19200", parity="E", stopbits="2")
    assert bench.source.name == "source:m1"
    assert bench.source.devices == ("m1", "m2")
    (line,) = bench.wires.made
    assert line == BusLine("/dev/ttyUSB0", 19200, "E", 2, {1: "sdm630", 2: "sdm120"})
    assert bench.source.open() == "9600 8N1"


def test_values_of_a_slow_line_are_told_a_part_at_a_time() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    slow = bench.wires.bus_

    def read(*args: Any) -> bytes:
        bench.clock.advance(0.6)
        return FakeBus.read(slow, *args)

    slow.read = read  # type: ignore[method-assign]
    told, begin = [], bench.clock.monotonic()
    while len(told) < 2:
        told += readings(bench.source.read())
    assert bench.source.interval < 5
    assert 0 < len(told[0].values) < len(meter.numbers)
    assert not told[0].values.keys() & told[1].values.keys()
    assert bench.clock.monotonic() - begin < 6


def test_a_slave_of_another_make_on_a_real_line_is_read() -> None:
    meter = FakeMeter()
    registers = struct.unpack(">400H", meter.answer(4, 0, 400))
    beyond = {r.quantity for r in meter.table.registers if r.end > 400}
    options = checked(intervals=", ".join(f"{quantity}:never" for quantity in beyond))
    with rtu_server(registers) as port:
        sections = {"m1": options | {"port": port}}
        source = ModbusSource(sections, RealWires(), SystemClock(), lambda device: {})
        assert source.open() == "9600 8N1"
        (told,) = source.read()
        source.close()
    assert isinstance(told, Reading)
    told_values = {q: n for q, n in told.values.items() if q != "requests_failed"}
    assert told_values == {q: n for q, n in meter.numbers.items() if q not in beyond}


# -- intervals and fast mode -----------------------------------------------------------------------


def test_groups_are_read_at_their_own_intervals_and_the_rest_never() -> None:
    meter = FakeMeter()
    bench = Bench(
        meter, interval="10", intervals="energy_import:60, energy*:never, current_l*:5, thd*:never"
    )
    told = readings(bench.run(119))
    counts = {q: sum(q in reading.values for reading in told) for q in meter.numbers}
    assert counts["current_l1"] == counts["current_l3"] == 24
    assert counts["voltage_l1"] == 12
    assert counts["energy_import"] == 2
    assert counts["energy_export"] == counts["thd_current"] == 0
    assert all(("voltage_l1" in r.values) <= ("current_l1" in r.values) for r in told)


def test_a_sweep_reads_no_more_registers_than_are_due() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="60", intervals="current_l*:5")
    bench.turn()
    meter.asked.clear()
    bench.turn()
    assert sum(count for _, count in meter.asked) <= 8


def test_fast_mode_reads_everything_often_and_ends_by_itself() -> None:
    bench = Bench(FakeMeter(), interval="60", intervals="thd*:never")
    bench.turn()
    bench.source.obey(Command("m1", "fast", 10))
    told = readings(bench.run(30))
    assert len(told) == 10
    assert all("energy_import" in r.values and "thd_current" not in r.values for r in told)
    assert told[0].labels["mode"].startswith("fast until 12:0")
    (later,) = readings(bench.run(60))
    assert later.labels["mode"] == ""


def test_fast_mode_lasts_as_the_options_say_and_can_be_ended() -> None:
    bench = Bench(FakeMeter(), interval="60", fast_seconds="20", fast_interval="2")
    bench.turn()
    bench.source.obey(Command("m1", "fast"))
    assert len(readings(bench.run(50))) == 10
    bench.source.obey(Command("m1", "fast", 1000))
    bench.run(10)
    bench.source.obey(Command("m1", "fast", -1))
    assert len(readings(bench.run(59))) == 1


@pytest.mark.parametrize(("verb", "value"), [("trigger", 0.0), ("fast", math.nan)])
def test_what_a_meter_cannot_do_is_refused(verb: str, value: float) -> None:
    bench = Bench(FakeMeter())
    with pytest.raises(ValueError, match=verb):
        bench.source.obey(Command("m1", verb, value))


@settings(deadline=None)
@given(
    every=st.lists(st.floats(0.1, 600), min_size=1, max_size=4, unique=True),
    costs=st.lists(st.floats(0, 3), min_size=1, max_size=40),
    start=st.floats(0, 1e7),
)
def test_beats_never_drift_and_missed_ones_are_skipped(
    every: list[float], costs: list[float], start: float
) -> None:
    schedule = Schedule({s: frozenset([f"q{s}"]) for s in every}, start)
    now, served = start, dict.fromkeys(every, -1)
    for cost in costs:
        due = schedule.take(now)
        beats = {s: math.floor((now + EARLY - start) / s) for s in every}  # how many were, from 0
        assert due == {f"q{s}" for s in every if beats[s] > served[s]}
        served = beats
        assert not schedule.take(now), "nothing is due twice"
        assert schedule.next == min(start + (beats[s] + 1) * s for s in every)
        now = max(now + cost, schedule.next)


def test_the_first_pattern_that_fits_counts() -> None:
    found = groups(
        ["energy_import", "energy_export", "power"],
        5.0,
        (("energy_import", 60.0), ("energy*", math.inf)),
    )
    assert found == {60.0: frozenset({"energy_import"}), 5.0: frozenset({"power"})}


def test_a_meter_of_which_nothing_is_wanted_says_so() -> None:
    bench = Bench(FakeMeter(), intervals="*:never")
    (trouble,) = troubles(bench.turn())
    assert trouble.text == "meter m1 (unit 1): no quantity is ever read"


# -- faults ----------------------------------------------------------------------------------------


def test_what_was_read_is_told_and_the_block_that_failed_is_named_after_it() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    bench.turn()
    bad = meter.plan()[2]
    meter.fault = lambda a, n: silent() if (a, n) == bad else None
    told = bench.turn()
    reading, trouble = told
    assert isinstance(reading, Reading)
    assert isinstance(trouble, Trouble)
    assert trouble.kind == "silent"
    where = f"registers {bad[0]} to {bad[0] + bad[1] - 1}"
    assert trouble.text == f"meter m1 (unit 1): {where}: no answer within 0.30 s"
    assert meter.asked.count(bad) == 3, "once well, then once more for the one that failed"
    assert reading.values["requests_failed"] == 2.0
    assert reading.values.keys() < meter.numbers.keys() | {"requests_failed"}


def test_what_failed_is_asked_again_soon_and_its_trouble_ends() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="300")
    bad = (0, 80)
    meter.fault = lambda a, n: ReplyError("garbled", "wrong checksum") if (a, n) == bad else None
    told = bench.turn()
    assert troubles(told)[0].kind == "garbled"
    missing = meter.numbers.keys() - readings(told)[0].values.keys()
    meter.fault = lambda a, n: None
    told = list(bench.run(2))
    assert set(readings(told)[0].values) - {"requests_failed"} == missing
    assert not troubles(told)


def test_a_trouble_stands_while_other_groups_are_read_well() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="5", intervals="energy_import_l1:3600")
    meter.fault = lambda a, n: refused(2) if 346 in range(a, a + n) else None
    hub = Hub(bench.clock)
    loop = SourceLoop(bench.source, hub, bench.clock)
    for _ in range(4):
        bench.clock.advance(loop.step())
        health = hub.snapshot().health["m1"]
        assert (health.state, health.kind) == ("failed", "refused")
    assert "energy_import_l1:never" in health.remedy
    assert hub.snapshot().health["source:m1"].state == "ok"


def test_one_lost_answer_costs_nothing() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    bench.turn()
    lost = [(0, 80)]
    meter.fault = lambda a, n: silent() if (a, n) in lost and not lost.remove((a, n)) else None
    told = bench.turn()
    assert not troubles(told)
    assert dict(readings(told)[0].values) == meter.numbers | {"requests_failed": 1.0}


def test_numbers_that_are_none_are_left_out_and_named() -> None:
    meter = FakeMeter()
    meter.numbers |= {"thd_current": math.nan, "power": math.inf}
    bench = Bench(meter)
    told = bench.turn()
    values = readings(told)[0].values
    assert not {"thd_current", "power"} & values.keys()
    assert all(map(math.isfinite, values.values()))
    (trouble,) = troubles(told)
    assert trouble.kind == "number"
    assert "no number in power" in trouble.text
    meter.numbers |= {"thd_current": 1.0, "power": 2.0}
    assert not troubles(bench.turn())


def test_a_register_that_falls_is_told_with_a_note() -> None:
    meter = FakeMeter()
    meter.numbers["energy_import"] = 120.5
    bench = Bench(meter)
    bench.turn()
    meter.numbers["energy_import"] = 0.125
    (told,) = readings(bench.turn())
    assert told.values["energy_import"] == 0.125
    assert told.labels["note"] == (
        "energy_import fell from 120.5 to 0.125 kWh: was the meter changed or reset?"
    )


def test_a_gone_wire_is_told_and_the_meters_are_met_anew() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    bench.turn()
    bench.wires.bus_.is_gone = True
    with pytest.raises(SourceError, match="gone"):
        bench.source.read()
    bench.source.close()
    bench.source.close()
    with pytest.raises(SourceError, match="not open"):
        bench.source.read()
    bench.wires.bus_.is_gone = False
    meter.serial = 77
    bench.source.open()
    (told,) = readings(bench.turn())
    assert told.meter == "77"
    assert told.labels["note"] == "meter 123456 was replaced by 77"


def test_what_was_read_when_the_wire_went_is_read_anew() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="5", intervals="energy*:3600")
    last = meter.table.blocks(80)[-1].address

    def fault(address: int, count: int) -> None:
        bench.wires.bus_.is_gone |= address == last
        if bench.wires.bus_.is_gone:
            raise SourceError("the bus is gone")

    meter.fault = fault
    with pytest.raises(SourceError):
        bench.run(5)
    meter.fault, bench.wires.bus_.is_gone = (lambda a, n: None), False
    bench.source.open()
    told = readings(bench.run(5))
    assert meter.numbers.keys() <= {q for reading in told for q in reading.values}


def test_a_connection_that_a_gateway_ended_while_idle_is_opened_again_at_once() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="60")
    bench.turn()
    bench.wires.bus_.is_gone = bench.wires.heals = True
    assert meter.numbers.keys() <= readings(bench.turn())[0].values.keys()
    bench.wires.bus_.is_gone, bench.wires.heals = True, False
    with pytest.raises(SourceError, match="gone"):
        bench.source.read()


def test_a_wire_that_goes_while_it_is_used_is_told() -> None:
    bench = Bench(FakeMeter(), interval="5")
    bench.turn()
    bench.wires.bus_.is_gone = bench.wires.heals = True
    with pytest.raises(SourceError, match="gone"):
        bench.source.read()


# -- silence ---------------------------------------------------------------------------------------


def test_a_silent_meter_hardly_slows_the_others() -> None:
    good, dead = FakeMeter(), FakeMeter()
    bench = Bench(good, dead, interval="1")
    dead.is_off = True
    told = bench.run(120)
    assert len(dead.asked) <= 20
    assert len(readings(told, "m1")) >= 115
    assert not readings(told, "m2")
    assert {t.text for t in troubles(told)} == {
        "meter m2 (unit 2): registers 70 to 71: no answer within 0.30 s"
    }


def test_a_silent_meter_is_asked_after_1_2_4_8_and_then_each_10_seconds() -> None:
    dead = FakeMeter()
    dead.is_off = True
    bench = Bench(dead, interval="1")
    bench.run(50)
    gaps = [round(b - a) for a, b in zip(dead.when[1:], dead.when[2:], strict=False)]
    assert gaps == [1, 2, 4, 8, 10, 10, 10]


def test_a_meter_that_answers_again_is_read_at_once_and_whole() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="5", intervals="energy*:3600")
    bench.turn()
    meter.is_off = True
    bench.run(100)
    meter.is_off, meter.serial = False, 99
    told = bench.run(10)
    assert readings(told)[0].meter == "99"
    assert not troubles(told)
    assert "power" in readings(told)[0].values


def test_what_was_due_when_the_meter_went_silent_is_read_when_it_is_back() -> None:
    meter = FakeMeter()
    meter.is_off = True
    bench = Bench(meter, interval="5", intervals="energy*:3600")
    meter.fault = lambda a, n: silent() if n > 2 and bench.clock.monotonic() < 1020 else None
    meter.is_off = False
    told = bench.run(40)
    assert any("energy_import" in reading.values for reading in readings(told))


def test_another_meter_is_read_whole_at_once() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="5", intervals="energy*:3600")
    bench.run(20)
    meter.serial = 77
    bench.source.open()
    told = readings(bench.run(6))
    assert meter.numbers.keys() <= {q for r in told for q in r.values if r.meter == "77"}


def test_a_meter_that_is_slow_to_say_who_it_is_is_swept_in_its_next_turn() -> None:
    mute, other = FakeMeter(), FakeMeter()
    mute.fault = lambda a, n: silent() if a >= SERIAL else None
    bench = Bench(mute, other)
    assert not bench.turn()
    assert not mute.plan()
    assert readings(bench.turn(), "m2"), "and another has its turn before"
    assert readings(bench.turn(), "m1")


def test_each_due_meter_gets_its_turn() -> None:
    meters = [FakeMeter(), FakeMeter(), FakeMeter()]
    bench = Bench(*meters, interval="0.1")
    told = bench.run(60)
    counts = [len(readings(told, f"m{unit}")) for unit in (1, 2, 3)]
    assert max(counts) - min(counts) <= 1
    assert min(counts) > 10


def test_the_pause_is_the_models_or_the_options_and_longer_after_another_meter() -> None:
    bench = Bench(FakeMeter("sdm120"), FakeMeter("sdm630"), bus_pause_ms="40")
    bench.run(5)
    own = {1: 0.06, 2: 0.005}
    last = 0
    for unit, pause in bench.wires.bus_.pauses:
        assert pause == (max(own[unit], 0.04) if last not in (0, unit) else own[unit])
        last = unit
    fixed = Bench(FakeMeter("sdm120"), pause_ms="0")
    fixed.turn()
    assert {pause for _, pause in fixed.wires.bus_.pauses} == {0.0}


# -- the read plan ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [2, 3])
def test_a_meter_that_refuses_long_blocks_is_asked_for_shorter_ones_ever_after(code: int) -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    meter.fault = lambda a, n: refused(code) if n > 50 else None
    told = bench.turn()
    assert not troubles(told)
    assert dict(readings(told)[0].values).keys() == meter.numbers.keys() | {"requests_failed"}
    assert readings(told)[0].labels["plan"].endswith("of up to 50 registers")
    assert [n for _, n in meter.plan() if n > 50] == [80, 58]
    bench.source.close()
    bench.source.open()
    meter.asked.clear()
    bench.run(20)
    assert max(n for _, n in meter.plan()) <= 50


def test_a_meter_that_keeps_silent_at_long_blocks_is_asked_for_shorter_ones() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    meter.fault = lambda a, n: silent() if n > 60 else None
    told = bench.run(20)
    assert readings(told)[-1].values.keys() >= meter.numbers.keys()
    assert not troubles(told[-1:])
    assert [r.labels["plan"] for r in readings(told) if "plan" in r.labels][-1].endswith(
        "up to 60 registers"
    )


def test_a_disturbed_line_does_not_shorten_the_blocks() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="1")
    bench.turn()
    count = iter(range(10**6))
    meter.fault = lambda a, n: silent() if next(count) % 7 in (0, 1) else None
    bench.run(200)
    meter.fault = lambda a, n: None
    meter.asked.clear()
    bench.run(3)
    assert max(n for _, n in meter.plan()) == 80


def test_only_what_a_meter_refuses_is_lost_and_it_is_asked_for_it_once() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    lost = {348: "energy_import_l2", 376: "reactive_energy_total_l1"}
    meter.fault = lambda a, n: refused(2) if lost.keys() & set(range(a, a + n)) else None
    told = bench.run(4)
    found = {quantity for reading in readings(told) for quantity in reading.values}
    assert meter.numbers.keys() - found == set(lost.values())
    trouble = troubles(told)[-1]
    assert trouble.kind == "refused"
    assert "registers 348 to 349: refused (exception 2) (and 1 more such)" in trouble.text
    assert trouble.remedy.endswith(
        "intervals = energy_import_l2:never, reactive_energy_total_l1:never"
    )
    told = bench.run(30)
    asked = len(meter.asked)
    told += bench.run(30)
    last = readings(told)[-1]
    assert troubles(told)[-1] == trouble
    assert meter.numbers.keys() - last.values.keys() == set(lost.values())
    assert "requests_failed" not in last.values
    assert len(meter.asked) - asked <= 6 * 12
    meter.fault = lambda a, n: None
    bench.source.open()
    told = bench.run(12)
    assert not troubles(told)
    assert readings(told)[-1].values.keys() == meter.numbers.keys()


def test_a_meter_that_refused_everything_is_asked_again_after_an_hour() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="60")
    meter.fault = lambda a, n: refused(2)
    told = bench.run(1800)
    assert not readings(told)
    assert troubles(told)[-1].remedy == "Is the model right? s0web scan finds out which one it is."
    asked = len(meter.asked)
    assert asked < 250
    meter.fault = lambda a, n: None
    told = bench.run(2000)
    assert meter.numbers.keys() <= readings(told)[0].values.keys()
    assert isinstance(told[-1], Reading)


def test_groups_of_other_quantities_are_divided_each_by_itself() -> None:
    meter = FakeMeter()
    meter.fault = lambda a, n: refused(2) if a <= 348 < a + n else None
    bench = Bench(meter, interval="10", intervals="energy_*_l*:5, energy_total:7")
    told = bench.run(300)
    for reading in readings(told)[-12:]:
        assert "energy_import_l2" not in reading.values
    counts = {q: sum(q in r.values for r in readings(told)) for q in meter.numbers}
    assert counts.pop("energy_import_l2") == 0
    assert counts["energy_import_l1"] >= 59
    assert counts["energy_total"] >= 42
    assert min(counts.values()) >= 29


def test_most_registers_is_obeyed() -> None:
    meter = FakeMeter()
    bench = Bench(meter, most_registers="40")
    bench.turn()
    assert max(n for _, n in meter.plan()) <= 40
    one = FakeMeter()
    Bench(one, most_registers="1").turn()
    assert {n for a, n in one.asked if a < SERIAL} == {2}, "a value is never cut in two"


def test_a_busy_meter_is_asked_again() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    bench.turn()
    busy = [(0, 80)]
    meter.fault = lambda a, n: refused(6) if (a, n) in busy and not busy.remove((a, n)) else None
    assert not troubles(bench.turn())
    meter.fault = lambda a, n: refused(6)
    told = bench.turn()
    assert troubles(told)[-1].kind == "busy"
    assert "{" not in troubles(told)[-1].remedy


# -- who is it -------------------------------------------------------------------------------------


def test_a_wrong_model_tells_no_number_until_it_is_the_right_one() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    meter.code = 0x20
    told = bench.run(30)
    assert not readings(told)
    assert not meter.plan()
    trouble = troubles(told)[0]
    assert trouble.kind == "model"
    assert trouble.text == (
        "meter m1 (unit 1): it is of model SDM120, not SDM630: its numbers cannot be believed"
    )
    assert "model = sdm120" in trouble.remedy
    meter.code = 0x70
    assert readings(bench.run(12))


def test_a_meter_changed_between_two_reads_is_noticed() -> None:
    meter = FakeMeter()
    bench = Bench(meter, interval="60")
    bench.turn()
    meter.serial = 77
    (told,) = readings(bench.turn())
    assert told.meter == "77"
    assert told.labels["note"] == "meter 123456 was replaced by 77"


def test_a_meter_of_another_make_is_told_by_its_frequency() -> None:
    meter = FakeMeter()
    meter.serial = meter.code = None
    meter.numbers["frequency"] = 3e-41  # integers, read as a float
    bench = Bench(meter)
    told = bench.run(30)
    assert not readings(told)
    trouble = troubles(told)[0]
    assert trouble.kind == "model"
    assert trouble.text == ("meter m1 (unit 1): its frequency would be 3e-41 Hz: it is no SDM630")
    assert "s0web scan" in trouble.remedy
    meter.numbers["frequency"] = 60.0
    assert readings(bench.run(12))


def test_a_frequency_of_0_or_none_is_no_sign_of_another_model() -> None:
    meter = FakeMeter()
    for meter.numbers["frequency"] in (0.0, math.nan):
        assert readings(Bench(meter).turn())
    meter.fault = lambda a, n: refused(2) if a <= 70 < a + n else None
    assert readings(Bench(meter).run(3))


def test_another_model_whose_registers_are_the_same_is_believed() -> None:
    meter = FakeMeter("sdm120")
    meter.code = 0x70
    table = {(r.quantity, r.address) for r in registry.load(registry.METERS, "sdm630").registers}
    mine = {(r.quantity, r.address) for r in meter.table.registers}
    told = Bench(meter).turn()
    assert bool(readings(told)) == (mine <= table)


@pytest.mark.parametrize("error", [refused(2), silent()])
def test_a_meter_that_does_not_know_who_it_is_is_read_all_the_same(error: ReplyError) -> None:
    meter = FakeMeter()
    meter.fault = lambda a, n: error if a >= SERIAL else None
    told = Bench(meter).run(3)
    assert readings(told)[0].meter == ""
    assert not troubles(told)


def test_a_meter_without_the_function_may_be_of_another_model() -> None:
    meter = FakeMeter()
    meter.fault = lambda a, n: refused(1)
    told = Bench(meter).turn()
    assert not readings(told)
    assert troubles(told)[0].kind == "model"
    assert "Is the model right?" in troubles(told)[0].remedy


def test_a_serial_number_that_cannot_be_read_again_holds_the_values_back() -> None:
    meter = FakeMeter()
    bench = Bench(meter)
    bench.turn()
    bench.source.open()
    meter.fault = lambda a, n: silent() if a == SERIAL else None
    assert not readings(bench.run(20))
    meter.fault = lambda a, n: None
    assert readings(bench.run(12))[0].meter == "123456"


# -- no wrong value --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_only_what_the_meter_said_at_these_registers_is_ever_told(data: st.DataObject) -> None:
    kinds = st.sampled_from(["silent", "short", "garbled", "stranger", "refused", ""])
    faults = iter(data.draw(st.lists(kinds, min_size=60, max_size=60)))

    def fault(address: int, count: int) -> ReplyError | None:
        kind = next(faults, "")
        code = data.draw(st.sampled_from([1, 2, 3, 4, 6, 11])) if kind == "refused" else 0
        return ReplyError(kind, f"{kind}!", code) if kind else None

    meter = FakeMeter()
    bench = Bench(meter, interval="1")
    meter.fault = fault
    for reading in readings(bench.run(30)):
        values = {q: n for q, n in reading.values.items() if q != "requests_failed"}
        assert values.items() <= meter.numbers.items()
    meter.fault = lambda a, n: None
    assert readings(bench.run(25))

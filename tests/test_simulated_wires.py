"""The simulated wires tell the truth of the house: edges, telegrams, ports; live and in memory."""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from s0web.clock import FakeClock, SystemClock
from s0web.hardware import Edge, Line
from s0web.meters.framing import Framer
from s0web.meters.p1 import Number, Peak, Stamped, Telegram, parse
from s0web.meters.telegram import readings
from s0web.simulation.house import NS, House
from s0web.simulation.pty import Pty, PtyMeter
from s0web.simulation.telegram import EAN, GAS_SERIAL, SERIAL, telegram
from s0web.simulation.wires import SimulatedWires

BRUSSELS = ZoneInfo("Europe/Brussels")
HOUSE = House()
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WINTER_DAY = (datetime(2026, 3, 2, tzinfo=UTC), 24)
SPRING_DAY = (datetime(2026, 3, 28, 23, tzinfo=UTC), 23)  # 02:00 becomes 03:00
AUTUMN_DAY = (datetime(2026, 10, 24, 22, tzinfo=UTC), 25)  # 03:00 becomes 02:00
DAYS = pytest.mark.parametrize(("start", "hours"), [WINTER_DAY, SPRING_DAY, AUTUMN_DAY])


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


def number(message: Telegram, code: str) -> float:
    value = message.objects[code]
    value = value.number if isinstance(value, Stamped) else value
    assert isinstance(value, Number)
    return value.value


# telegrams


@DAYS
def test_telegrams_of_a_day_tell_what_the_house_knows(start: datetime, hours: int) -> None:
    for step in range(0, hours * 3600, 171):
        t = start + timedelta(seconds=step)
        truth, message = HOUSE.at(t), parse(telegram(HOUSE, t))
        assert message.unread == ()
        assert message.time == t
        watts = round(1000 * (number(message, "1-0:1.7.0") - number(message, "1-0:2.7.0")))
        assert watts == truth.power
        for code, kwh in (
            ("1-0:1.8.1", truth.energy_import_high),
            ("1-0:1.8.2", truth.energy_import_low),
            ("1-0:2.8.1", truth.energy_export_high),
            ("1-0:2.8.2", truth.energy_export_low),
        ):
            assert 0 <= kwh - number(message, code) + 1e-8 < 0.001
        assert round(number(message, "1-0:1.4.0") * 1000) == truth.demand
        peak = message.objects["1-0:1.6.0"]
        assert isinstance(peak, Stamped)
        assert (peak.time, round(peak.number.value * 1000)) == (truth.peak_time, truth.peak)


def test_a_telegram_has_every_phase_and_the_peaks_of_13_months() -> None:
    truth, message = HOUSE.at(NOON), parse(telegram(HOUSE, NOON))
    for phase, (bought, sold, volts, amperes) in enumerate(
        ((21, 22, 32, 31), (41, 42, 52, 51), (61, 62, 72, 71))
    ):
        kw = number(message, f"1-0:{bought}.7.0") - number(message, f"1-0:{sold}.7.0")
        assert round(kw * 1000) == truth.phases[phase]
        assert number(message, f"1-0:{volts}.7.0") == truth.voltages[phase]
        assert number(message, f"1-0:{amperes}.7.0") == truth.currents[phase]
    history = message.objects["0-0:98.1.0"]
    assert isinstance(history, tuple)
    peaks = HOUSE.peaks(NOON)
    assert len(history) == len(peaks) == 13
    for row, peak in zip(history, peaks, strict=True):
        assert isinstance(row, Peak)
        assert (row.time, round(row.number.value * 1000)) == (peak.time, peak.power)
        assert row.until is not None
        assert (row.until - timedelta(seconds=1)).astimezone(BRUSSELS).month == peak.month.month


def test_readings_of_a_telegram_name_the_meters_and_their_own_times() -> None:
    t = NOON + timedelta(minutes=8, seconds=20)
    five = NOON + timedelta(minutes=5)
    main, *others = readings(parse(telegram(HOUSE, t)), "grid", t)
    assert (main.device, main.meter, main.time) == ("grid", SERIAL, t)
    assert main.labels["ean"] == EAN
    assert main.labels["tariff"] == HOUSE.at(t).tariff
    found = {reading.device: reading for reading in others}
    assert found["grid.gas"].meter == GAS_SERIAL
    assert found["grid.gas"].time == found["grid.water"].time == five
    assert found["grid.gas"].values["volume"] == pytest.approx(HOUSE.at(five).gas, abs=0.001)
    assert found["grid.water"].values["volume"] == pytest.approx(HOUSE.at(five).water, abs=0.001)


def test_a_telegram_has_the_form_of_the_specification() -> None:
    raw = telegram(HOUSE, NOON)
    ident, empty, version, *_ = raw.split(b"\r\n")
    assert (ident, empty, version) == (b"/FLU5\\253769484_A", b"", b"0-0:96.1.4(50221)")
    assert raw.endswith(b"\r\n")
    assert Framer().feed(raw)
    assert b"1-0:1.8.1(009972.297*kWh)\r\n" in raw
    assert b"1-0:2.7.0(03.046*kW)\r\n" in raw
    assert b"1-0:52.7.0(234.7*V)\r\n" in raw
    assert b"1-0:51.7.0(014.51*A)\r\n" in raw
    assert b"0-1:24.2.3(260302130000W)(09037.932*m3)\r\n" in raw
    assert b"0-0:1.0.0(261025023000S)" in telegram(HOUSE, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert b"0-0:1.0.0(261025023000W)" in telegram(HOUSE, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))


# edges


METER = Line(4, pulses_per_unit=1000)


def read_for(wires: SimulatedWires, lines: list[Line], seconds: float) -> list[Edge]:
    """All edges of a span of clock time, read as a source does."""
    edges, found = wires.edges("", lines), []
    end = wires.monotonic() + seconds
    while (left := end - wires.monotonic()) > 1e-6:
        found += edges.read(min(0.2, left))
    return found


def truths(start: datetime, seconds: float, measure: str, per_unit: float) -> list[int]:
    begin = int(start.timestamp()) * NS
    return HOUSE.pulses(measure, per_unit, begin, begin + round(seconds * NS))


@DAYS
def test_edges_of_an_hour_each_day_are_the_pulses_of_the_house(start: datetime, hours: int) -> None:
    start += timedelta(hours=hours - 6.5)
    wires = SimulatedWires(HOUSE, FakeClock(start, monotonic=77.0), live=False)
    lines = [METER, Line(5, pulses_per_unit=100, measures="gas")]
    edges = read_for(wires, lines, 3600)
    origin = int(start.timestamp()) * NS - 77 * NS
    for line in lines:
        expected = truths(start, 3600, line.measures, line.pulses_per_unit)
        mine = [edge for edge in edges if edge.line == line.offset]
        rising = [edge.time_ns + origin for edge in mine if edge.rising]
        assert rising == expected
        assert [edge.seqno for edge in mine] == list(range(1, len(mine) + 1))
        assert all(
            up.rising and not down.rising and down.time_ns - up.time_ns == 30_000_000
            for up, down in zip(mine[::2], mine[1::2], strict=False)
        )
    assert edges == sorted(edges, key=lambda edge: edge.time_ns)


def test_an_edge_is_told_when_it_has_happened_and_not_before() -> None:
    clock = FakeClock(NOON)
    edges = SimulatedWires(HOUSE, clock, live=False).edges("", [METER])
    for _ in range(50):
        for edge in edges.read(0.2):
            assert 0 <= clock.monotonic() - edge.time_ns / NS < 1e-5


def test_a_step_of_the_wall_clock_changes_no_edge() -> None:
    steady, stepped = FakeClock(NOON), FakeClock(NOON)
    first, second = (
        SimulatedWires(HOUSE, clock, live=False).edges("", [METER]) for clock in (steady, stepped)
    )
    for turn in range(2000):
        if turn % 100 == 50:
            stepped.step_wall(-3000.0 if turn % 200 == 50 else 5000.0)
        assert first.read(0.2) == second.read(0.2)


def test_a_process_that_was_stopped_finds_all_edges() -> None:
    clock = FakeClock(NOON)
    edges = SimulatedWires(HOUSE, clock, live=False).edges("", [METER])
    clock.advance(600)
    found = [edge for edge in edges.read(0.2) if edge.rising]
    assert len(found) == len(truths(NOON, 600, "energy", 1000)) > 10


def test_quick_pulses_are_shorter_but_all_there() -> None:
    evening = NOON + timedelta(hours=7.5)
    wires = SimulatedWires(HOUSE, FakeClock(evening), live=False)
    found = read_for(wires, [METER._replace(pulses_per_unit=40_000)], 60)
    assert sum(edge.rising for edge in found) == len(truths(evening, 60, "energy", 40_000)) > 600
    assert all(a.time_ns < b.time_ns and a.rising is not b.rising for a, b in pairwise(found))
    widths = [b.time_ns - a.time_ns for a, b in pairwise(found) if a.rising]
    assert 5_000_000 < min(widths) <= max(widths) < 30_000_000


def test_a_trigger_is_one_pulse_and_costs_none() -> None:
    wires = SimulatedWires(HOUSE, FakeClock(NOON), live=False)
    edges = wires.edges("", [METER])
    found = []
    for _ in range(100):
        edges.trigger(4)
        end = wires.monotonic() + 6.0
        while (left := end - wires.monotonic()) > 1e-6:
            found += edges.read(left)
    expected = len(truths(NOON, 600, "energy", 1000)) + 100
    assert abs(sum(edge.rising for edge in found) - expected) <= 1
    assert all(a.rising is not b.rising for a, b in pairwise(found))
    assert all(b.time_ns - a.time_ns >= 30_000_000 for a, b in pairwise(found))
    with pytest.raises(ValueError, match="no simulated line 7"):
        edges.trigger(7)


def test_a_trigger_wakes_a_waiting_reader() -> None:
    wires = SimulatedWires(HOUSE, SystemClock())
    edges = wires.edges("", [METER._replace(pulses_per_unit=0.001)])
    found: list[Edge] = []
    reader = threading.Thread(target=lambda: found.extend(edges.read(60.0)))
    reader.start()
    edges.trigger(4)
    reader.join(timeout=20)
    assert not reader.is_alive()
    assert [edge.rising for edge in found] == [True]
    assert abs(found[0].time_ns / NS - time.monotonic()) < 20


def test_closed_wires_say_so() -> None:
    wires = SimulatedWires(HOUSE, FakeClock(NOON), live=False)
    edges, port = wires.edges("", [METER]), wires.port("grid", 115200)
    edges.blink(4)
    for wire in (edges, port):
        wire.close()
        wire.close()
        with pytest.raises(OSError, match="closed"):
            wire.read(1.0)
    wires.close()
    wires.close()


# ports


@DAYS
def test_a_port_in_memory_gives_a_telegram_each_10_s(start: datetime, hours: int) -> None:
    clock = FakeClock(start + timedelta(seconds=3))
    port = SimulatedWires(HOUSE, clock, live=False).port("grid", 115200)
    port.set_baud(9600)
    times, end = [], start + timedelta(hours=hours)
    while clock.now() < end - timedelta(seconds=5):
        if data := port.read(1.0):
            times.append(parse(data).time)
            assert times[-1] == clock.now().replace(microsecond=0)
    assert times[0] == start + timedelta(seconds=10)
    assert len(times) == hours * 360 - 1
    assert all(b - a == timedelta(seconds=10) for a, b in pairwise(times) if a and b)


def test_a_port_in_memory_keeps_no_old_telegrams() -> None:
    clock = FakeClock(NOON)
    port = SimulatedWires(HOUSE, clock, live=False).port("grid", 115200)
    clock.advance(3605)
    assert parse(port.read(1.0)).time == clock.now()
    assert port.read(1.0) == b""


@pytest.fixture
def meter() -> Iterator[PtyMeter]:
    meter = PtyMeter(lambda: telegram(HOUSE, NOON), interval=0.1)
    yield meter
    meter.close()


def listen(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)


def gone(end: int) -> bool:
    try:
        return not os.read(end, 65536)
    except BlockingIOError:
        return False
    except OSError as error:
        return error.errno == errno.EIO


def drain(end: int) -> bytes:
    try:
        return os.read(end, 65536)
    except BlockingIOError:
        return b""


def test_a_live_port_gives_the_telegrams_of_now() -> None:
    wires = SimulatedWires(HOUSE, SystemClock())
    port = wires.port("grid", 115200)
    framer, found = Framer(), []
    try:
        end = time.monotonic() + 15
        while len(found) < 2 and time.monotonic() < end:
            for raw in framer.feed(port.read(1.0)):
                found.append(parse(raw))
                now = datetime.now(UTC)
                assert found[-1].time is not None
                assert timedelta(0) <= now - found[-1].time < timedelta(seconds=30)
    finally:
        port.close()
        wires.close()
    assert len(found) == 2
    for message in found:
        assert message.time is not None
        assert message.raw == telegram(HOUSE, message.time)


def test_a_live_port_can_be_unplugged_and_plugged(meter: PtyMeter) -> None:
    for _ in range(5):
        end, framer = listen(meter.path), Framer()
        wait_for(lambda framer=framer, end=end: bool(framer.feed(drain(end))))
        meter.unplug()
        meter.unplug()
        assert not os.path.lexists(meter.path)
        wait_for(lambda end=end: gone(end))
        os.close(end)
        with pytest.raises(FileNotFoundError):
            listen(meter.path)
        meter.plug()
        meter.plug()


def test_a_meter_that_nobody_hears_keeps_nothing_and_goes_on() -> None:
    said = []

    def say() -> bytes:
        said.append(time.monotonic())
        return telegram(HOUSE, NOON)

    meter = PtyMeter(say, interval=0.01, paced=False)
    try:
        end = listen(meter.path)  # opens, and does not read
        wait_for(lambda: len(said) >= 2)
        count = len(said)
        waited = threading.Event()
        assert not waited.wait(0.2)  # a score of intervals
        assert len(said) == count
        assert len(drain(end)) < 4096
        wait_for(lambda: len(said) > count)
        os.close(end)
    finally:
        meter.close()
        meter.close()


def test_a_closed_meter_leaves_nothing() -> None:
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        meter = PtyMeter(lambda: b"", interval=0.01)
        folder = Path(meter.path).parent
        meter.close()
        assert not folder.exists()
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == files


def test_a_port_takes_no_path_that_belongs_to_another(tmp_path: Path) -> None:
    mine, device = tmp_path / "file", tmp_path / "device"
    mine.write_text("precious")
    device.symlink_to("/dev/null")
    for path in (mine, device):
        with pytest.raises(FileExistsError, match="give a path that is free"):
            Pty(path)
    assert mine.read_text() == "precious"
    stale = tmp_path / "stale"
    stale.symlink_to("/dev/pts/987654")
    port = Pty(stale)
    assert not port.opened()
    port.close()
    assert sorted(tmp_path.iterdir()) == [device, mine]

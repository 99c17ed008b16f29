"""The P1 source: what it tells of telegrams, on a line in memory and on real pseudo terminals."""

import errno
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web.clock import FakeClock, SystemClock
from s0web.errors import ConfigError, SourceError
from s0web.hardware.wires import RealWires
from s0web.meters.p1 import crc16
from s0web.model import Command, Frame, Reading, Source
from s0web.sources.p1 import P1Source
from tests.cable import Cable
from tests.p1_wire import (
    METER,
    START,
    OneWire,
    Wire,
    feed,
    readings,
    run,
    source_on,
    telegram,
    totals,
    troubles,
)


@pytest.fixture
def wire(clock: FakeClock) -> Wire:
    return Wire(clock)


@pytest.fixture
def source(wire: Wire) -> P1Source:
    source = source_on(wire)
    source.open()
    return source


def test_it_is_a_source_of_the_house(source: P1Source) -> None:
    as_source: Source = source
    assert (as_source.name, tuple(as_source.devices)) == ("source:grid", ("grid",))
    assert (as_source.interval, as_source.patience) == (0.0, 30.0)
    assert P1Source.wire({"port": "/dev/ttyP1"}) == "/dev/ttyP1"


def test_two_sections_on_one_port_are_refused(wire: Wire) -> None:
    sections = {"grid": {"port": "/dev/ttyP1"}, "solar": {"port": "/dev/ttyP1"}}
    with pytest.raises(ConfigError, match="one meter, one port") as caught:
        P1Source(sections, OneWire(wire), wire.clock, totals)
    assert [problem.section for problem in caught.value.problems] == ["source:solar"]


def test_a_telegram_is_told_with_its_frame_and_its_lag(source: P1Source, wire: Wire) -> None:
    data = telegram(START)
    wire.send(data, 0.35)
    told = run(source, wire.clock, 1)
    (main,) = readings(told)
    assert (main.time, main.meter) == (START, METER)
    assert main.values["power"] == 500.0
    assert main.values["energy_import_high"] == 123.456
    assert main.values["lag"] == 0.4
    (gas,) = readings(told, "grid.gas")
    assert gas.values["volume"] == 112.384
    assert [item.data for item in told if isinstance(item, Frame)] == [data]
    assert not troubles(told)


def test_what_did_not_change_is_told_once(source: P1Source, wire: Wire) -> None:
    for i in range(5):
        wire.send(telegram(START + timedelta(seconds=i), gas=112.384 + (i > 2)), i)
    told = run(source, wire.clock, 6)
    assert len(readings(told)) == 5
    assert [r.values["volume"] for r in readings(told, "grid.gas")] == [112.384, 113.384]
    assert sum("peak" in item.values for item in told if isinstance(item, Reading)) == 1
    labels = [main.labels for main in readings(told)]
    assert labels[0]["tariff"] == "high"
    assert labels[1:] == [{}] * 4
    source.open()
    wire.send(telegram(wire.clock.now()))
    again = run(source, wire.clock, 1)
    assert len(readings(again, "grid.gas")) == 1
    assert readings(again)[0].labels == labels[0]


def test_of_waiting_telegrams_only_the_newest_is_told(source: P1Source, wire: Wire) -> None:
    feed(wire, 30)
    wire.clock.advance(30)  # the machine was busy
    told = run(source, wire.clock, 0.01)
    assert [main.values["power"] for main in readings(told)] == [29.0]
    assert source.skipped == 29
    assert readings(told)[0].labels["skipped"] == "29"
    assert len([item for item in told if isinstance(item, Frame)]) == 1


@pytest.mark.parametrize("burst", [1, 12, 62, 2000])
def test_a_telegram_costs_few_looks_and_is_told_soon(
    source: P1Source, wire: Wire, burst: int
) -> None:
    data = telegram(START, *("0-0:96.13.0()" for _ in range(100)))
    wire.send(data, burst=burst)
    end = wire.pieces[-1][0]
    assert len(data) > 1700
    assert len(readings(source.read())) == 1
    assert wire.clock.monotonic() - end <= 0.021
    assert wire.looks <= 14


def test_a_read_ends_within_about_a_second(source: P1Source, wire: Wire) -> None:
    wire.send(b"noise without end" * 10_000)
    for _ in range(5):
        begin = wire.clock.monotonic()
        source.read()
        assert wire.clock.monotonic() - begin <= 1.03
    assert source.open() == ""


def test_a_telegram_slower_than_a_read_is_put_together(clock: FakeClock) -> None:
    wire = Wire(clock, 9600)
    source = source_on(wire, baud=9600)
    assert source.open() == "9600 baud"
    wire.send(telegram(START, *("0-0:96.13.0()" for _ in range(100))))
    assert len(readings(run(source, clock, 3))) == 1


def test_a_value_without_a_stamp_of_its_own_is_told_when_it_changes(
    source: P1Source, wire: Wire
) -> None:
    for second, gas in enumerate((1.0, 1.0, 2.0, 2.0)):
        data = telegram(START + timedelta(seconds=second), gas=gas)
        body = data.replace(b"(260302125500W)", b"(700101010000W)")[: data.index(b"!") + 1]
        wire.send(body + b"%04X\r\n" % crc16(body), second)
    told = run(source, wire.clock, 4)
    assert [r.values["volume"] for r in readings(told, "grid.gas")] == [1.0, 2.0]


def test_another_meter_is_noted(source: P1Source, wire: Wire) -> None:
    wire.send(telegram(START))
    wire.send(telegram(START, meter="1SAG1100000999"), 1)
    first, second = readings(run(source, wire.clock, 2))
    assert (first.meter, second.meter) == (METER, "1SAG1100000999")
    assert second.labels["note"] == f"meter {METER} was replaced by 1SAG1100000999"


def test_unread_lines_are_counted_and_quoted_until_they_are_gone(
    source: P1Source, wire: Wire
) -> None:
    bad = ("1-0:32.7.0(2x4.5*V)", "broken" * 50, "a", "b")
    wire.send(telegram(START, *bad))
    wire.send(telegram(START, *bad), 1)
    wire.send(telegram(START), 2)
    first, second, third = readings(run(source, wire.clock, 3))
    assert first.labels["unread"].startswith("4: 1-0:32.7.0(2x4.5*V) brokenbroken")
    assert len(first.labels["unread"]) < 200
    assert "unread" not in second.labels
    assert third.labels["unread"] == ""


def test_a_label_that_goes_while_the_port_is_closed_is_told_to_be_gone(
    source: P1Source, wire: Wire
) -> None:
    wire.send(telegram(START, "broken"))
    (before,) = readings(run(source, wire.clock, 1))
    assert before.labels["unread"] == "1: broken"
    source.open()
    source.open()
    wire.send(telegram(START))
    (after,) = readings(run(source, wire.clock, 1))
    assert after.labels == {**before.labels, "unread": ""}


def test_a_port_that_fails_is_closed_and_opened_anew(source: P1Source, wire: Wire) -> None:
    wire.failure = OSError(errno.EIO, "Input/output error")
    with pytest.raises(SourceError, match="/dev/ttyP1 is gone"):
        source.read()
    source.close()
    source.close()
    wire.failure = None
    source.open()
    wire.send(telegram(START))
    assert len(readings(source.read())) == 1


def test_it_obeys_nothing(source: P1Source) -> None:
    with pytest.raises(ValueError, match="grid cannot trigger"):
        source.obey(Command("grid", "trigger"))


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "usb-P1_cable")
    yield cable
    cable.unplug()


@pytest.fixture
def live(cable: Cable) -> Iterator[P1Source]:
    options = {"port": str(cable.link), "baud": 0, "patience": 30.0}
    source = P1Source({"grid": options}, RealWires(), SystemClock(), totals)
    source.open()
    yield source
    source.close()


def first_reading(source: P1Source) -> Reading:
    """Read until a telegram is told, for 10 s at most."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for main in readings(source.read()):
            return main
    raise AssertionError("no reading within 10 s")


@pytest.mark.parametrize("burst", [1, 12, 2000])
def test_a_real_port_is_read_in_any_bursts(live: P1Source, cable: Cable, burst: int) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    sender = threading.Thread(target=cable.write, args=(telegram(now, power=1.234), burst))
    sender.start()
    assert first_reading(live).values["power"] == 1234.0
    sender.join()


def test_unplugging_and_plugging_heals_without_a_leak(live: P1Source, cable: Cable) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for i in range(30):
        cable.write(telegram(datetime.now(UTC), power=i / 1000))
        assert first_reading(live).values["power"] == i
        cable.unplug()
        with pytest.raises(SourceError, match="usb-P1_cable is gone"):
            live.read()
        live.close()
        with pytest.raises(SourceError, match="no port"):
            live.open()
        cable.plug()
        assert live.open() == "115200 baud"
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_stalled_reader_tells_the_newest_telegram(live: P1Source, cable: Cable) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    times = (now - timedelta(seconds=age) for age in (2, 1, 0))
    data = b"".join(telegram(moment, power=i / 1000) for i, moment in enumerate(times))
    cable.write(data)
    cable.arrive(len(data))
    assert first_reading(live).values["power"] == 2.0
    assert live.skipped == 2

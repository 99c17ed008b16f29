"""What the P1 source says is wrong with its line, and how it finds the baud rate."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from s0web.clock import FakeClock
from s0web.errors import SourceError
from s0web.model import Frame, Reading, Telling, Trouble
from s0web.sources.p1 import P1Source
from tests.p1_wire import (
    NOISE,
    OLD,
    START,
    Wire,
    feed,
    readings,
    run,
    source_on,
    telegram,
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


def test_an_old_meter_is_found_at_9600_baud(clock: FakeClock) -> None:
    wire = Wire(clock, 9600)
    source = source_on(wire)
    assert source.open() == ""
    for i in range(6):
        wire.send(OLD, i * 10 + 4)
    told = run(source, clock, 60)
    assert [t.kind for t in troubles(told)] == ["garbled"]
    assert "at 115200 baud" in troubles(told)[0].text
    assert troubles(told)[0].text.endswith("Trying 9600")
    assert [r.values["power"] for r in readings(told)] == [1190.0] * 5
    assert "lag" not in readings(told)[0].values
    assert source.open() == "9600 baud"  # what worked last comes first
    assert wire.opened == [115200, 9600]


@pytest.mark.parametrize("noise", [b"\x00\xf8\x80" * 20, b"/\x80\xf8\x86!\xe6\x9e" * 9])
def test_each_baud_rate_is_tried_long_enough_for_a_slow_meter(
    clock: FakeClock, noise: bytes
) -> None:
    wire = Wire(clock, 300)  # never right
    source = source_on(wire)
    source.open()
    tried = [(clock.monotonic(), wire.tuned)]
    for i in range(60):
        wire.send(noise, i)
    for _ in range(300):
        assert {t.kind for t in troubles(source.read())} <= {"garbled", "silent"}
        if wire.tuned != tried[-1][1]:
            tried.append((clock.monotonic(), wire.tuned))
    assert [baud for _, baud in tried[:4]] == [115200, 9600, 115200, 9600]
    times = [moment for moment, _ in tried]
    assert all(12 <= b - a < 15 for a, b in pairwise(times) if b < 1060)


def test_a_given_baud_rate_is_kept(clock: FakeClock) -> None:
    wire = Wire(clock, 9600)
    source = source_on(wire, baud=115200)
    source.open()
    for i in range(6):
        wire.send(OLD, i * 10)
    told = run(source, clock, 50)
    assert {t.kind for t in troubles(told)} == {"garbled"}
    assert wire.tuned == 115200


def test_no_port_is_told_by_open(source: P1Source, wire: Wire) -> None:
    wire.missing = "there is no port /dev/ttyP1: is its cable plugged in?"
    with pytest.raises(SourceError, match="is its cable plugged in"):
        source.open()
    with pytest.raises(SourceError, match="not open"):
        source.read()


def test_no_bytes_are_told_with_what_to_do(source: P1Source, clock: FakeClock) -> None:
    told = run(source, clock, 60)
    assert {t.kind for t in troubles(told)} == {"silent"}
    assert "grid operator" in troubles(told)[0].remedy
    assert 4 <= len(troubles(told)) <= 5  # from 12 s on, each 10 s


def test_a_slow_meter_is_no_trouble(source: P1Source, wire: Wire) -> None:
    feed(wire, 300, every=10)
    told = run(source, wire.clock, 300)
    assert len(readings(told)) == 30
    assert not troubles(told)


def test_a_damaged_telegram_of_a_slow_meter_costs_only_itself(source: P1Source, wire: Wire) -> None:
    feed(wire, 300, every=10, damage=7)
    told = run(source, wire.clock, 300)
    assert len(readings(told)) == 26
    assert not troubles(told)
    assert wire.tuned == 115200


def test_a_baud_rate_that_was_right_is_given_up_later(source: P1Source, wire: Wire) -> None:
    feed(wire, 3)
    run(source, wire.clock, 3)
    proven = wire.clock.monotonic()
    wire.baud = 300
    for i in range(120):
        wire.send(b"\x00\xf8\x80" * 9, i)
    tried = [(proven, wire.tuned)]
    while wire.clock.monotonic() < proven + 100:
        source.read()
        if wire.tuned != tried[-1][1]:
            tried.append((wire.clock.monotonic(), wire.tuned))
    assert [baud for _, baud in tried[:4]] == [115200, 9600, 115200, 9600]
    waits = [round(b - a) for (a, _), (b, _) in pairwise(tried[:4])]
    assert waits == pytest.approx([36, 12, 12], abs=3)


def test_a_meter_that_comes_back_is_not_taken_for_noise(source: P1Source, wire: Wire) -> None:
    feed(wire, 3)
    run(source, wire.clock, 40)
    wire.send(telegram(wire.clock.now()), 1)
    told = run(source, wire.clock, 3)
    assert len(readings(told)) == 1
    assert not [t for t in troubles(told) if t.kind != "silent"]
    assert wire.tuned == 115200


def test_crc_errors_are_told_after_each_reading_until_they_are_gone(
    source: P1Source, wire: Wire
) -> None:
    feed(wire, 60, damage=10)
    told = run(source, wire.clock, 60)
    assert len(readings(told)) == 54
    last = [item for item in told if isinstance(item, Reading | Trouble)][-1]
    assert isinstance(last, Trouble)
    assert last.kind == "crc"
    assert "USB port" in last.remedy
    assert len({t.text for t in troubles(told)}) == 1  # no new words each second
    feed(wire, 120)
    quiet = run(source, wire.clock, 121)
    assert len(readings(quiet)) == 120
    assert isinstance(quiet[-1], Frame)


def test_nothing_but_crc_errors_is_not_a_wrong_baud_rate(source: P1Source, wire: Wire) -> None:
    feed(wire, 60, damage=1)
    told = run(source, wire.clock, 60)
    assert not readings(told)
    assert {t.kind for t in troubles(told)} == {"crc"}
    assert wire.tuned == 115200


def test_one_crc_error_is_no_trouble(source: P1Source, wire: Wire) -> None:
    feed(wire, 60, damage=45)
    assert not troubles(run(source, wire.clock, 60))


def damaged(told: Sequence[Telling]) -> list[float]:
    """The counts of damaged telegrams that were told."""
    return [main.values["crc_errors"] for main in readings(told) if "crc_errors" in main.values]


def test_damaged_telegrams_are_counted_and_the_count_is_told_when_it_changes(
    source: P1Source, wire: Wire
) -> None:
    feed(wire, 60, damage=25)
    told = run(source, wire.clock, 60)
    assert damaged(told) == [0.0, 1.0, 2.0]
    assert "crc_errors" in readings(told)[0].values
    assert not troubles(told)


def test_the_count_of_damaged_telegrams_goes_on_when_the_port_is_opened_anew(
    source: P1Source, wire: Wire
) -> None:
    feed(wire, 4, damage=3)
    assert damaged(run(source, wire.clock, 4)) == [0.0, 1.0]
    source.open()
    feed(wire, 4, damage=3)
    assert damaged(run(source, wire.clock, 4)) == [1.0, 2.0]


def test_noise_at_a_wrong_baud_rate_is_no_damaged_telegram(clock: FakeClock) -> None:
    wire = Wire(clock, 9600)
    source = source_on(wire)
    source.open()
    wire.send(bytes(NOISE.index(byte) for byte in b"/ISk5!0000"))
    for i in range(4):
        wire.send(OLD, i * 10 + 4)
    told = run(source, clock, 40)
    assert len(readings(told)) == 3
    assert damaged(told) == [0.0]


def test_a_meter_clock_that_is_wrong_is_told(source: P1Source, wire: Wire) -> None:
    feed(wire, 5, behind=3723)
    told = run(source, wire.clock, 6)
    assert {t.kind for t in troubles(told)} == {"lag"}
    assert troubles(told)[0].text == "the meter's clock is 1:02:03 behind this machine's"
    assert readings(told)[0].values["lag"] == pytest.approx(3723.3, abs=0.2)


def test_telegrams_that_waited_are_told_as_a_slow_machine(source: P1Source, wire: Wire) -> None:
    feed(wire, 3)
    wire.clock.advance(90)
    told = run(source, wire.clock, 0.01)
    assert [t.kind for t in troubles(told)] == ["lag"]
    assert "wait for this machine" in troubles(told)[0].text


def test_a_meter_whose_clock_was_never_set_is_read_all_the_same(
    source: P1Source, wire: Wire
) -> None:
    for second in range(3):
        wire.send(telegram(datetime(2000, 1, 1, 0, 0, second, tzinfo=UTC)), second)
    told = run(source, wire.clock, 3)
    assert readings(told)[0].time == pytest.approx(START, abs=timedelta(seconds=0.1))
    assert "lag" not in readings(told)[0].values
    assert {t.kind for t in troubles(told)} == {"lag"}
    assert "the meter's clock is 9557 days" in troubles(told)[0].text

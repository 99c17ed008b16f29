import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import cast

import pytest

from s0web.clock import FakeClock, SystemClock
from s0web.crew import Crew
from s0web.earlier import Anew
from s0web.errors import SinkError, SourceError
from s0web.guarded import RETRY
from s0web.hub import Hub
from s0web.model import Command, Reading, Telling, Trouble
from s0web.workers import SinkLoop, SourceLoop
from tests.conftest import until

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class HandSource:
    name = "source:grid"
    devices = ("grid",)
    interval = 0.0
    is_amid = False
    patience = 30.0

    def __init__(self) -> None:
        self.next: list[Telling] | Exception = []
        self.opens = self.closes = 0
        self.obeyed: list[Command] = []
        self.open_error: Exception | None = None

    def open(self) -> str:
        self.opens += 1
        if self.open_error:
            raise self.open_error
        return "115200 baud"

    def read(self) -> Sequence[Telling]:
        if isinstance(self.next, Exception):
            raise self.next
        told, self.next = self.next, []
        return told

    def obey(self, command: Command) -> Sequence[Telling]:
        if command.verb != "correct":
            raise ValueError("cannot")
        self.obeyed.append(command)
        return [Reading("grid", NOON, {"power": command.value})]

    def close(self) -> None:
        self.closes += 1


class HandSink:
    name = "sink:hand"

    def __init__(self) -> None:
        self.kept: list[float] = []
        self.error: Exception | None = None

    def open(self) -> None:
        if self.error:
            raise self.error

    def write(self, batch: Sequence[Reading]) -> None:
        if self.error:
            raise self.error
        self.kept += [reading.values["power"] for reading in batch]

    def close(self) -> None: ...


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def hub(clock: FakeClock) -> Hub:
    return Hub(clock)


def power(watts: float) -> list[Telling]:
    return [Reading("grid", NOON, {"power": watts})]


def state(hub: Hub, name: str) -> str:
    return hub.snapshot().health[name].state


def test_health_is_ok_only_after_something_moved(hub: Hub, clock: FakeClock) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    loop.step()
    assert state(hub, "source:grid") == "starting"
    source.next = power(5)
    loop.step()
    assert state(hub, "source:grid") == "ok"
    assert hub.snapshot().health["source:grid"].text == "115200 baud"
    assert state(hub, "grid") == "ok"


def test_a_wire_that_is_gone_is_opened_again_after_a_wait(hub: Hub, clock: FakeClock) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    source.next = power(5)
    loop.step()
    source.next = SourceError("source:grid: unplugged")
    waits = [loop.step() for _ in range(6)]
    assert waits == [1, 2, 2, 2, 2, 2]
    assert max(waits) <= RETRY
    assert source.closes == source.opens == 6
    assert state(hub, "grid") == "failed"
    assert hub.snapshot().number("grid", "power") == 5  # the last value stays
    source.next = power(6)
    loop.step()
    health = hub.snapshot().health["source:grid"]
    assert (health.state, health.error) == ("ok", "source:grid: unplugged")


def test_a_bug_ends_no_thread_and_is_named(
    hub: Hub, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    source.next = ZeroDivisionError("division by zero")
    with caplog.at_level(logging.ERROR, "s0web"):
        assert [loop.step() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert hub.snapshot().health["source:grid"].text == "ZeroDivisionError: division by zero"


def test_a_standing_failure_is_logged_once(
    hub: Hub, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    source = HandSource()
    source.open_error = SourceError("there is no /dev/ttyUSB0")
    loop = SourceLoop(source, hub, clock)
    with caplog.at_level(logging.INFO, "s0web"):
        for _ in range(20):
            loop.step()
    told = [r for r in caplog.records if r.name == "s0web.guarded" and "ttyUSB0" in r.message]
    assert len(told) == 2  # the worker and its device


def test_a_trouble_is_shown_until_the_next_reading(hub: Hub, clock: FakeClock) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    source.next = [Trouble("grid", "crc", "12 CRC errors a minute", "Check the cable.")]
    loop.step()
    health = hub.snapshot().health["grid"]
    assert (health.state, health.kind, health.remedy) == ("failed", "crc", "Check the cable.")
    source.next = power(5)
    loop.step()
    assert state(hub, "grid") == "ok"


def test_what_is_said_last_decides(hub: Hub, clock: FakeClock) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    source.next = [*power(5), Trouble("grid", "crc", "CRC errors", "Cable.")]
    loop.step()
    assert state(hub, "grid") == "failed"
    assert hub.snapshot().number("grid", "power") == 5


def test_silence_longer_than_the_patience_is_stale(hub: Hub, clock: FakeClock) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    source.next = power(5)
    loop.step()
    clock.advance(29)
    loop.step()
    loop.check()
    assert state(hub, "grid") == "ok"
    clock.advance(2)
    loop.step()
    loop.check()
    assert state(hub, "source:grid") == state(hub, "grid") == "stale"
    source.next = power(6)
    loop.step()
    assert state(hub, "grid") == "ok"


def test_a_worker_without_a_turn_is_shown_as_hung(hub: Hub, clock: FakeClock) -> None:
    loop = SourceLoop(HandSource(), hub, clock)
    loop.step()
    clock.advance(31)
    loop.check()
    assert "no turn for more than 30 s" in hub.snapshot().health["source:grid"].text


def test_a_long_interval_is_no_hanging(hub: Hub, clock: FakeClock) -> None:
    source = HandSource()
    source.interval = source.patience = 300.0
    loop = SourceLoop(source, hub, clock)
    source.next = power(5)
    loop.step()
    clock.advance(290)
    loop.check()
    assert state(hub, "grid") == "ok"
    clock.advance(41)
    loop.check()
    assert "no turn for more than 30 s" in hub.snapshot().health["grid"].text


def test_a_source_that_ends_late_is_not_heard(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its section may be gone by then, or another source be in its place."""
    reads, release = threading.Event(), threading.Event()

    def read() -> Sequence[Telling]:
        reads.set()
        release.wait(10)
        return power(9)

    source = HandSource()
    monkeypatch.setattr(source, "read", read)
    crew = Crew(hub, SystemClock(), threads=True)
    crew.start_source("p1 x", {"grid": {}}, source)
    assert reads.wait(10)
    crew.stop_sources(["p1 x"], 0.0)
    release.set()
    until(lambda: source.closes, "its end")
    assert hub.last == 0
    assert state(hub, "grid") == "starting"


def test_nobody_waits_for_a_sink_that_is_away(hub: Hub, clock: FakeClock) -> None:
    sink = HandSink()
    loop = SinkLoop(sink, hub, clock)
    hub.publish([Reading("grid", NOON, {"power": 1.0})])
    assert loop.is_behind
    sink.error = SinkError("away")
    loop.step()
    assert not loop.is_behind


def test_commands_are_obeyed_before_the_next_read_even_when_the_wire_is_gone(
    hub: Hub, clock: FakeClock
) -> None:
    source = HandSource()
    source.open_error = SourceError("gone")
    loop = SourceLoop(source, hub, clock)
    loop.tell(Command("grid", "correct", 7.0))
    loop.tell(Command("grid", "dance"))
    loop.step()
    assert [command.value for command in source.obeyed] == [7.0]
    assert hub.snapshot().number("grid", "power") == 7.0


def test_a_failing_sink_loses_nothing(hub: Hub, clock: FakeClock) -> None:
    sink = HandSink()
    loop = SinkLoop(sink, hub, clock)
    sink.error = SinkError("away")
    for watts in range(5):
        hub.publish([Reading("grid", NOON, {"power": float(watts)})])
        loop.step()
    assert state(hub, "sink:hand") == "failed"
    sink.error = None
    loop.step()
    assert sink.kept == [0, 1, 2, 3, 4]
    assert state(hub, "sink:hand") == "ok"


def test_a_sink_catches_up_in_batches_oldest_first(hub: Hub, clock: FakeClock) -> None:
    sink = HandSink()
    loop = SinkLoop(sink, hub, clock)
    for watts in range(2500):
        hub.publish([Reading("grid", NOON, {"power": float(watts)})])
    assert [loop.step() == 0.0 for _ in range(3)] == [True, True, False]
    assert sink.kept == [float(n) for n in range(2500)]


def test_a_past_that_cannot_be_read_for_a_while_goes_on_where_it_was(
    hub: Hub, clock: FakeClock
) -> None:
    parts, left = [power(1.0), power(2.0), power(3.0)], [0, 1, 2]

    def past(sink: str) -> Iterator[list[Reading]]:
        for number in list(left):
            if number == 1 and clock.monotonic() < end:
                raise SinkError("the disk gives errors")
            yield cast(list[Reading], parts[number])
            left.remove(number)

    end = clock.monotonic() + 5
    sink = HandSink()
    loop = SinkLoop(sink, hub, clock, past=Anew(past, "sink:hand"))
    while loop.cursor < hub.last or left:
        clock.advance(loop.step())
    assert sink.kept == [1.0, 2.0, 3.0]


def test_what_is_asked_for_again_and_again_is_written_twice_at_most(
    hub: Hub, clock: FakeClock
) -> None:
    sink = HandSink()
    loop = SinkLoop(sink, hub, clock)
    for _ in range(50_000):
        loop.write_too(Anew(one_part, "sink:hand"))
    while loop.step() == 0.0:
        pass
    assert sink.kept == [1.0, 1.0]


def one_part(sink: str) -> Iterator[list[Reading]]:
    yield cast(list[Reading], power(1.0))


def test_a_stopping_sink_writes_what_is_left(hub: Hub, clock: FakeClock) -> None:
    sink = HandSink()
    loop = SinkLoop(sink, hub, clock)
    for watts in range(1500):
        hub.publish([Reading("grid", NOON, {"power": float(watts)})])
    loop.finish()
    assert len(sink.kept) == 1500


def test_the_crew_stops_sources_before_sinks(hub: Hub) -> None:
    source, sink = HandSource(), HandSink()
    source.interval = 0.01
    crew = Crew(hub, SystemClock(), threads=True)
    crew.start_sink(sink)
    crew.start_source("p1 x", {"grid": {}}, source)
    source.next = power(9)
    until(lambda: hub.last == 1, "the reading")
    crew.stop()
    assert sink.kept == [9]
    assert state(hub, "source:grid") == state(hub, "sink:hand") == "stopped"


def test_the_end_obeys_what_was_asked_and_hears_what_is_half_told(
    hub: Hub, clock: FakeClock
) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    source.next = power(5)
    loop.step()
    loop.tell(Command("grid", "correct", 7.0))
    source.is_amid, source.next = True, power(8)
    loop.finish()
    assert [command.value for command in source.obeyed] == [7.0]
    assert hub.snapshot().number("grid", "power") == 8
    assert state(hub, "grid") == "stopped"


def test_what_hangs_on_a_wire_shares_its_fate(hub: Hub, clock: FakeClock) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    source.next = [*power(5), Reading("grid.gas", NOON, {"volume": 1.0})]
    loop.step()
    source.next = SourceError("gone")
    loop.step()
    assert state(hub, "grid.gas") == "failed"
    source.next = []
    loop.step()
    assert state(hub, "grid.gas") == "starting"  # open again, nothing heard yet
    loop.finish()
    assert state(hub, "grid.gas") == "stopped"


def test_a_wire_that_opens_and_fails_again_and_again_is_logged_once(
    hub: Hub, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    with caplog.at_level(logging.INFO, "s0web"):
        for _ in range(20):
            source.next = SourceError("no answer")
            loop.step()
    assert len([r for r in caplog.records if "no answer" in r.message]) == 2


def test_readings_that_left_the_log_are_told_once(
    hub: Hub, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    sink = HandSink()
    loop = SinkLoop(sink, hub, clock)
    sink.error = SinkError("disk full")
    for watts in range(6000):
        hub.publish([Reading("grid", NOON, {"power": float(watts)})])
    with caplog.at_level(logging.WARNING, "s0web"):
        for _ in range(5):
            loop.step()
        sink.error = None
        loop.step()
    assert len([r for r in caplog.records if "left the log" in r.message]) == 1
    assert sink.kept[0] == 1000.0


def test_a_silence_of_the_wire_ends_for_all_that_hangs_on_it(hub: Hub, clock: FakeClock) -> None:
    source = HandSource()
    loop = SourceLoop(source, hub, clock)
    source.next = [*power(5), Reading("grid.gas", NOON, {"volume": 1.0})]
    loop.step()
    clock.advance(31)
    loop.step()
    loop.check()
    assert state(hub, "grid.gas") == "stale"
    source.next = power(6)  # the gas has not changed, so it is not told
    loop.step()
    assert state(hub, "grid.gas") == "ok"

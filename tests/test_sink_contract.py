"""The one contract of all sinks, on the real servers: nothing lost, nothing doubled, nothing mixed.

InfluxDB 2 is VictoriaMetrics by its protocol. Full disks are small ones of their own (tmpfs), where
mounting is permitted.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from s0web import config
from s0web.clock import FakeClock
from s0web.errors import SinkError
from s0web.hub import Hub
from s0web.keeping import Keeping
from s0web.log import Log
from s0web.model import Reading
from s0web.registry import SINKS
from s0web.workers import SinkLoop
from tests.conftest import until
from tests.present_servers import PRESENT, Present
from tests.sink_servers import (
    EDGES,
    ODD,
    PLACES,
    SECRET,
    Place,
    can_mount,
    killed_at_each_step,
    ms,
    readings,
    sink_of,
)

T = datetime(2025, 10, 26, 0, 59, 59, 123000, tzinfo=UTC)
NOW = datetime(2025, 11, 2, 12, tzinfo=UTC)
RING = 300
Held = dict[tuple[str, str, str, int], float]
Made = Callable[..., Any]


@pytest.fixture(scope="module")
def started() -> Iterator[Callable[[str], Any]]:
    """The place of a sink, started when it is first asked for, where clocks change."""
    there: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Brussels")
        time.tzset()

        def get(name: str) -> Any:
            if name not in there:
                there[name] = (PLACES | PRESENT)[name]()
            return there[name]

        yield get
    time.tzset()
    for place in there.values():
        place.remove()


@pytest.fixture
def place(request: pytest.FixtureRequest, started: Callable[[str], Place]) -> Place:
    found = started(request.param)
    found.fresh()
    return found


@pytest.fixture
def made() -> Iterator[Made]:
    """Makes a sink, which is closed at the end."""
    sinks: list[Any] = []

    def make(place: Any, station: str = "pi", clock: FakeClock | None = None, **texts: str) -> Any:
        sinks.append(sink_of(place.kind, place.texts(station) | texts, clock))
        return sinks[-1]

    yield make
    for sink in sinks:
        with suppress(SinkError):  # some tests leave it on a full disk
            sink.close()


def all_of(*wanted: str) -> pytest.MarkDecorator:
    """Run the test for each sink that has these."""
    names = [name for name, of in PLACES.items() if all(getattr(of, want) for want in wanted)]
    return pytest.mark.parametrize("place", names, indirect=True)


each = all_of()
each_present = pytest.mark.parametrize("place", list(PRESENT), indirect=True)


class House:
    """A station's log and archive, and one sink that follows them."""

    def __init__(self, folder: Path, sink: Any, clock: FakeClock) -> None:
        self.clock, self.hub = clock, Hub(clock, Log(RING))
        self.keeping = Keeping(config.parse(folder / "s0web.ini", ""), self.hub, clock)
        assert self.keeping.open() == ""
        self._archive = SinkLoop(self.keeping.archive, self.hub, clock, 0)
        self.sink, self.loop = sink, SinkLoop(sink, self.hub, clock, 0, self.keeping)
        self._write = sink.write
        self.written: list[Sequence[Reading]] = []
        sink.write = self._noted

    def tell(self, told: Sequence[Reading]) -> None:
        """More than the ring holds is the archive's."""
        for start in range(0, len(told), RING):
            self.hub.publish(told[start : start + RING])
            self._archive.step()

    def turns(self, limit: float = 20.0) -> None:
        """Let the sink have turns until it has written all."""

        def is_done() -> bool:
            self.loop.step()
            self.clock.advance(1)
            return not self.loop._failures and self.loop.cursor == self.hub.last

        until(is_done, "the sink to catch up", limit)

    @property
    def health(self) -> Any:
        return self.hub.snapshot().health[self.loop.name]

    def close(self) -> None:
        self.loop.finish()
        self.keeping.archive.close()

    def _noted(self, batch: Sequence[Reading]) -> Any:
        refused = self._write(batch)
        self.written.append(batch)
        return refused


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    houses: list[House] = []

    def make(place: Any, made: Made, **texts: str) -> House:
        clock = FakeClock(NOW)
        houses.append(House(tmp_path, made(place, clock=clock, **texts), clock))
        return houses[-1]

    yield make
    for one in houses:
        one.close()


def told(place: Place, batch: Sequence[Reading], station: str = "pi") -> Held:
    """What a sink has to keep of a batch."""
    return {
        (place.spelled(station), reading.device, quantity, ms(reading.time)): number
        for reading in batch
        for quantity, number in reading.values.items()
    }


def held(place: Place) -> Held:
    """What it keeps, each once."""
    rows = place.rows()
    found = {row[:4]: row.value for row in rows}
    assert len(found) == len(rows), "rows are doubled"
    return found


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(SinkError) as caught:
        call()
    return str(caught.value)


def test_every_sink_of_the_registry_is_held_to_the_contract() -> None:
    kinds = {of.kind for of in PLACES.values()} | {of.kind for of in PRESENT.values()}
    assert kinds == set(SINKS)


# -- those that keep every reading -----------------------------------------------------------------


@each
def test_into_nothing_it_writes_all_and_the_same_again_changes_nothing(
    place: Place, made: Made
) -> None:
    batch = [*readings(400, T), *readings(3, T, "grid.gas"), Reading("grid", T, {}, {"ean": "5"})]
    sink = made(place)
    sink.open()
    assert not sink.write(batch)
    assert held(place) == told(place, batch)
    assert not sink.write(batch[100:])
    assert not sink.write([])
    sink.close()
    sink.close()
    sink.open()
    assert not sink.write(batch)
    sink.close()
    again = made(place)
    again.open()
    assert not again.write(batch)
    again.close()
    assert held(place) == told(place, batch)


@each
def test_a_server_killed_and_back_gets_what_it_missed_oldest_first(
    place: Place, made: Made, house: Callable[..., House]
) -> None:
    it = house(place, made)
    first, second = readings(400, T), readings(1_500, T + timedelta(hours=1))
    it.tell(first)
    it.turns()
    place.kill()
    before = it.loop.cursor
    try:
        it.tell(second)
        troubles = [it.loop.step() and it.health.troubles for _ in range(9)]
        assert 0 < troubles[2] == troubles[-1]  # the log does not have it each time
        assert it.loop.cursor == before == it.keeping.archive.cursor(it.loop.name)
        assert it.loop.progress.behind == len(second)
        assert it.health.state == "failed"
        assert place.at in it.health.text
    finally:
        place.start()
    third = readings(50, T + timedelta(hours=2))
    it.tell(third)
    it.turns()
    assert held(place) == told(place, [*first, *second, *third])
    times = [reading.time for batch in it.written for reading in batch]
    assert times == sorted(times)
    assert it.health.state == "ok"


@each
def test_killed_between_two_steps_of_a_batch_it_is_exact_when_the_batch_comes_again(
    place: Place, made: Made
) -> None:
    assert killed_at_each_step(place, "pi", 1_200, T) >= 3
    sink = made(place)
    sink.open()
    assert not sink.write(readings(1_200, T))
    assert held(place) == told(place, readings(1_200, T))


@all_of("wrong")
def test_a_wrong_secret_is_a_sentence_without_it(
    place: Place, made: Made, house: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made(place).open()  # the database is there
    it = house(place, made, **place.wrong)
    it.tell(readings(1, T))
    assert it.loop.step() > 0
    assert it.health.state == "failed"
    assert it.health.text.startswith(f"{place.at} refuses ")
    assert ": " in it.health.text
    assert SECRET not in f"{it.health} {caplog.text} {it.hub.snapshot()} {it.sink!r}"
    assert it.loop.cursor == 0


@pytest.mark.parametrize("place", list(PLACES) if can_mount() else [], indirect=True)
def test_a_full_disk_of_its_own_on_tmpfs_loses_and_doubles_nothing(
    place: Place, made: Made, house: Callable[..., House]
) -> None:
    it = house(place, made)
    batch = readings(400, T)
    it.tell(batch)
    it.turns()
    place.disk.fill(place.room)

    def is_full() -> bool:
        more = readings(place.gulp, batch[-1].time + timedelta(seconds=1))
        batch.extend(more)
        it.tell(more)
        it.loop.step()
        return bool(it.health.state == "failed")

    try:
        until(is_full, "the disk to be full", 20)
        assert place.at in it.health.text
        until(lambda: "make room" in it.health.text or place.has_ended(), it.health.text)
        troubles = [it.loop.step() and it.health.troubles for _ in range(9)]
        assert troubles[2] == troubles[-1]  # the log does not have it each time
    finally:
        place.disk.free()
        place.revive()
    it.turns(20)
    assert held(place) == told(place, batch)


@all_of("can_refuse")
def test_a_value_that_is_refused_is_set_aside_and_the_rest_is_kept(
    place: Place, made: Made, house: Callable[..., House]
) -> None:
    it = house(place, made)
    it.sink.open()
    place.refuse(T)
    bad = Reading("grid", T, {"peak": 666.0, "voltage": 230.5}, {}, "1SAG")
    batch = [*readings(300, T), bad, *readings(300, T, "main")]
    it.tell(batch)
    it.turns()
    expected = told(place, batch)
    del expected["pi", "grid", "peak", ms(T)]
    assert held(place) == expected
    it.keeping.archive.flush()
    (aside,) = it.keeping.archive.asides.known()
    assert (aside.sink, aside.values) == (it.loop.name, 1)
    assert aside.reason
    (kept,) = it.keeping.archive.asides.readings(aside.id)
    assert kept == Reading("grid", T, {"peak": 666.0}, {}, "1SAG")
    assert it.health.state == "ok"


@each
@pytest.mark.parametrize("day", ["2025-03-30", "2025-10-26"])
def test_every_minute_of_a_day_on_which_clocks_change_is_there_once(
    place: Place, made: Made, day: str
) -> None:
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Brussels"))
    minute = timedelta(minutes=1)
    batch = [
        Reading("grid", begin.astimezone(UTC) + n * minute, {"power": float(n)}) for n in range(300)
    ]
    sink = made(place)
    sink.open()
    for start in range(0, len(batch), 100):
        sink.write(batch[start : start + 100])
    assert held(place) == told(place, batch)


@each
def test_two_stations_that_begin_at_once_do_not_mix(place: Place, made: Made) -> None:
    stations = {
        name: [
            Reading("grid", r.time, {"power": sign * r.values["power"]}) for r in readings(600, T)
        ]
        for name, sign in (("pi", 1), ("attic", -1))
    }
    barrier, wrong = threading.Barrier(2), []

    def run(sink: Any, batch: list[Reading]) -> None:
        barrier.wait()
        try:
            sink.open()
            for start in range(0, len(batch), 100):
                sink.write(batch[start : start + 100])
        except Exception as error:  # noqa: BLE001 - a thread's
            wrong.append(error)

    threads = [
        threading.Thread(target=run, args=(made(place, name), batch))
        for name, batch in stations.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert held(place) == told(place, stations["pi"]) | told(place, stations["attic"], "attic")


@each
def test_a_batch_of_5000_and_what_comes_late_or_twice_within_it(place: Place, made: Made) -> None:
    batch = readings(5_000, T)
    late = Reading("grid", T + timedelta(seconds=7), {"current": 1.5})
    sink = made(place)
    sink.open()
    assert not sink.write([*batch, late, *batch[:50]])
    assert held(place) == told(place, [*batch, late])


@each
def test_numbers_at_the_edges_come_back_as_they_were(place: Place, made: Made) -> None:
    batch = [
        Reading("grid", T + timedelta(milliseconds=n), {"power": number, "energy_import": number})
        for n, number in enumerate(place.edges)
    ]
    sink = made(place)
    sink.open()
    assert not sink.write(batch)
    assert not sink.write(readings(1, T + timedelta(hours=1)))  # the quarter is over
    expected = told(place, [*batch, *readings(1, T + timedelta(hours=1))])
    assert held(place) == pytest.approx(expected, rel=place.digits, abs=0)


@each
def test_names_may_have_what_they_like(place: Place, made: Made) -> None:
    place.fresh(ODD)
    meters = ("1SAG 31'\\", '"; DROP TABLE reading', "a,b=c", "ü\0\n", "%s {}")
    batch = [
        Reading("grid", T + timedelta(seconds=n), {"power": float(n)}, {}, meter)
        for n, meter in enumerate(meters)
    ]
    sink = made(place, ODD)
    sink.open()
    assert not sink.write(batch)
    sink.close()
    sink.open()
    assert not sink.write(batch)
    assert held(place) == told(place, batch, ODD)


@each
def test_meters_whose_names_come_out_alike_stop_nothing(place: Place, made: Made) -> None:
    batch = [Reading("grid", T, {"power": 1.0}, {}, meter) for meter in ("a\0", "a\1", "a_", "a ")]
    sink = made(place)
    sink.open()
    assert not sink.write(batch)
    assert {row[:4] for row in place.rows()} == set(told(place, batch))


# -- those that tell the present alone -------------------------------------------------------------


@each_present
def test_the_newest_is_told_and_nothing_of_a_former_silence(
    place: Present, made: Made, house: Callable[..., House]
) -> None:
    it = house(place, made)
    it.tell(readings(5, T))
    it.turns()
    until(lambda: place.now("pi").get("power") == 104, "the newest")
    place.kill()
    try:
        it.tell(readings(1_500, T + timedelta(hours=1)))

        def is_away() -> bool:
            it.clock.advance(1)
            return bool(it.loop.step() and it.health.state == "failed")

        until(is_away, "the silence to be seen")
        assert place.at in it.health.text
    finally:
        place.start()
    it.tell(readings(20, T + timedelta(hours=2)))

    def is_told() -> bool:
        it.turns()
        return place.now("pi").get("power") == 119

    until(is_told, "what is true now")
    assert it.health.state == "ok"


@each_present
def test_a_wrong_secret_is_a_sentence_without_it_for_the_present_too(
    place: Present, made: Made, house: Callable[..., House], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    it = house(place, made, **place.wrong)
    it.tell(readings(1, T))
    assert it.loop.step() > 0
    assert it.health.state == "failed"
    assert it.health.text.startswith(place.at)
    assert SECRET not in f"{it.health} {caplog.text} {it.hub.snapshot()} {it.sink!r}"
    assert place.now("pi") == {}


@each_present
def test_two_stations_and_any_name_do_not_mix(place: Present, made: Made) -> None:
    clock = FakeClock(NOW)
    sinks = {name: made(place, name, clock) for name in ("pi", "attic", ODD)}
    for sink in sinks.values():
        sink.open()
    for _ in range(2):
        clock.advance(5)
        for n, sink in enumerate(sinks.values()):
            sink.write([Reading("grid", clock.now(), {"power": 100.0 + n})])

    def powers() -> list[float | None]:
        return [place.now(name).get("power") for name in sinks]

    until(lambda: powers() == [100, 101, 102], "what each has told")


@each_present
def test_closed_twice_and_opened_again_it_goes_on_and_a_backlog_is_passed_over(
    place: Present, made: Made
) -> None:
    clock = FakeClock(NOW)
    sink = made(place, clock=clock)
    sink.open()
    sink.write([])
    sink.write(readings(5_000, T))
    sink.close()
    sink.close()
    sink.open()
    clock.advance(5)
    sink.write([])
    until(lambda: place.now("pi").get("power") == 5_099, "the end of the backlog")


@each_present
def test_numbers_at_the_edges_stop_nothing(place: Present, made: Made) -> None:
    clock = FakeClock(NOW)
    sink = made(place, clock=clock)
    sink.open()
    for number in EDGES:
        clock.advance(5)
        with suppress(SinkError):  # a station takes what can be the power of a house
            sink.write([Reading("grid", clock.now(), {"power": number})])
    clock.advance(5)
    sink.write([Reading("grid", clock.now(), {"power": 7.0})])
    until(lambda: place.now("pi").get("power") == 7, "the last")

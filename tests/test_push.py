"""Telling another station how a device is: the newest state, and nothing else."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any

import pytest

from s0web.clock import FakeClock
from s0web.errors import SinkError
from s0web.hub import Hub
from s0web.log import Log
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.sinks.push import BACKLOG, PushSink
from s0web.station import Station
from s0web.workers import SinkLoop
from tests.conftest import until
from tests.served import under_waitress
from tests.web_peer import Peer, peer

L1 = {"power_l1": 400.0, "current_l1": 1.8, "voltage_l1": 231.0}


@pytest.fixture
def other() -> Iterator[Peer]:
    with peer() as made:
        yield made


def sink(clock: FakeClock, url: str, **texts: str) -> PushSink:
    texts |= {"device": "grid", "url": url}
    rows = OPTIONS["sink.push"]
    options = {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
    made = PushSink("other", options, clock)
    assert made.name == "sink:other"
    made.open()
    return made


def reading(clock: FakeClock, power: float, device: str = "grid", **more: float) -> Reading:
    return Reading(device, clock.now(), {"power": power, **more})


def told(other: Peer) -> list[Any]:
    return [json.loads(body) for body in other.bodies]


def test_the_newest_state_goes_out_in_energymonitors_form(clock: FakeClock, other: Peer) -> None:
    push = sink(clock, f"{other.url}/state/My%20house", token="geheim")
    push.write([reading(clock, 300), reading(clock, 5, "main"), reading(clock, 400.4, **L1)])
    assert told(other) == [
        {
            "point": "My house",
            "time": clock.now().timestamp(),
            "l1": {"current": 1.8, "voltage": 231.0, "power": 400.0},
            "current": 1.8,
            "voltage": 231.0,
            "power": 400,
        }
    ]
    assert other.paths == ["PUT /state/My%20house"]
    assert other.heads[0]["Authorization"] == "Bearer geheim"
    assert other.heads[0]["Content-Type"] == "application/json"


def test_wires_that_hang_on_the_device_are_sent(clock: FakeClock, other: Peer) -> None:
    push = sink(clock, f"{other.url}/state/x")
    full = {"current": 1.0, "voltage": 230.0}
    push.write(
        [reading(clock, 7, "grid.brown", **full), reading(clock, 7), reading(clock, 3, "grids")]
    )
    push.write([reading(clock, 8, "grid.half")])
    assert told(other)[0]["brown"] == {**full, "power": 7.0}
    clock.advance(2)
    push.write([])
    assert "half" not in told(other)[-1]  # a receiver needs all three numbers of a wire


def test_it_tells_at_most_each_interval_and_only_news(clock: FakeClock, other: Peer) -> None:
    push = sink(clock, f"{other.url}/state/x", interval="5")
    for power in range(11):
        push.write([reading(clock, power)])
        clock.advance(1)
    assert [body["power"] for body in told(other)] == [0, 5, 10]
    clock.advance(60)
    push.write([])
    push.write([reading(clock, 1, "main")])
    assert len(other.bodies) == 3


def test_nothing_is_told_before_a_power_is_known(clock: FakeClock, other: Peer) -> None:
    push = sink(clock, f"{other.url}/state/x")
    push.write([Reading("grid", clock.now(), {"energy_import": 3.0})])
    push.write([Reading("grid", clock.now(), {"voltage": 230.0})])
    assert not other.bodies


def test_a_refusal_is_told_in_the_other_stations_words_and_the_newest_comes_again(
    clock: FakeClock, other: Peer
) -> None:
    push = sink(clock, f"{other.url}/state/x")
    other.status, other.answer = 403, json.dumps({"message": "Not you. " + "x" * 9999}).encode()
    for power in range(50):
        with pytest.raises(SinkError) as refused:
            push.write([reading(clock, power)])
        assert "answers 403: " in str(refused.value)
        assert len(str(refused.value)) < 300
    other.status, other.answer = 201, b""
    push.write([])
    assert told(other)[-1]["power"] == 49
    assert len(push._values["grid"]) == 1  # nothing has been heaped up


def test_an_answer_that_drips_ends_at_the_deadline(clock: FakeClock) -> None:
    """A line of its head now and then for ever: no single wait is too long, all are."""
    over = Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def drip() -> None:
            wire, _ = server.accept()
            with wire:
                wire.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.01):
                    try:
                        wire.sendall(b"X")
                    except OSError:
                        return

        thread = Thread(target=drip)
        thread.start()
        limit = Timer(20, over.set)  # so that a push that waits for ever fails, and does not hang
        limit.start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/state/x"
            push = sink(clock, url, timeout="0.5")
            with pytest.raises(SinkError, match=r"does not answer within 0\.5 s"):
                push.write([reading(clock, 1)])
            assert not over.is_set()
        finally:
            limit.cancel()
            over.set()
            thread.join()


def test_nobody_there_and_no_address_are_sentences(clock: FakeClock) -> None:
    with peer() as gone:
        url = gone.url
    with pytest.raises(SinkError, match="cannot be reached"):
        sink(clock, url).write([reading(clock, 1)])
    with pytest.raises(SinkError, match="write it as http://192"):
        sink(clock, "https://secure/state/x")


def test_after_a_silence_only_what_is_true_then_is_told(clock: FakeClock, other: Peer) -> None:
    hub = Hub(clock, Log(4 * BACKLOG))
    other.status = 500
    loop = SinkLoop(sink(clock, f"{other.url}/state/x"), hub, clock)
    hub.publish([reading(clock, -1)])
    assert loop.step() > 0
    for power in range(3 * BACKLOG):
        clock.advance(1)
        hub.publish([reading(clock, power)])
    other.status, before = 200, len(other.bodies)
    for _ in range(9):
        loop.step()
        clock.advance(1)
    assert [body["power"] for body in told(other)[before:]] == [3 * BACKLOG - 1]
    assert hub.snapshot().health["sink:other"].state == "ok"


def test_a_station_that_is_away_stays_so_however_much_is_to_be_told(clock: FakeClock) -> None:
    with peer() as gone:
        url = gone.url
    push = sink(clock, url)
    for count in (1, BACKLOG - 1, BACKLOG, 2 * BACKLOG):
        with pytest.raises(SinkError, match="cannot be reached"):
            push.write([reading(clock, 1)] * count)


@contextmanager
def serving(ini: Path, text: str) -> Iterator[tuple[Station, str]]:
    ini.parent.mkdir()
    ini.write_text(text)
    with under_waitress(ini) as found:
        yield found


TAKES = """\
[source:house]
type = remote
point = Mains
token = geheim=é
"""
TELLS = """\
[s0web]
simulate = yes
[source:grid]
type = p1
port = simulated
[source:back]
type = remote
point = back
url = {url}/state/Mains
interval = 1
[sink:other]
type = push
device = grid
url = {url}/state/Mains
token = geheim=é
"""


def test_one_station_shows_what_another_measures(tmp_path: Path) -> None:
    with serving(tmp_path / "b/s0web.ini", TAKES) as (takes, url):
        with serving(tmp_path / "a/s0web.ini", TELLS.format(url=url)) as (tells, _):
            until(lambda: takes.hub.snapshot().get("house.l3", "voltage"), "a state")
            until(lambda: tells.hub.snapshot().get("back.l3", "voltage"), "it to come back")
            until(lambda: tells.hub.snapshot().health["sink:other"].state == "ok", "its health")
            now = tells.hub.snapshot()
        there = takes.hub.snapshot()
        assert set(there.values) == {"house", "house.l1", "house.l2", "house.l3"}
        time = there.values["house"]["power"].time
        assert abs(time - now.values["grid"]["power"].time) < timedelta(seconds=30)
        powers = [there.values[f"house.{phase}"]["power"].number for phase in ("l1", "l2", "l3")]
        assert abs(sum(powers) - there.values["house"]["power"].number) < 3
        assert there.health["house"].state == "ok"

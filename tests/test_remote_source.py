"""A point that another station measures: told by a command, or asked for at a url."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from s0web.clock import FakeClock
from s0web.errors import SourceError
from s0web.hardware.web import MOST, fetch
from s0web.hub import Hub
from s0web.meters.peer import place
from s0web.model import Command, Reading, Trouble
from s0web.options import OPTIONS
from s0web.sources.remote import RemoteSource
from s0web.workers import SourceLoop
from tests.web_peer import Peer, peer

WIRE = {"current": 3.9, "voltage": 230.1, "power": 900.4}


@pytest.fixture
def other() -> Iterator[Peer]:
    with peer() as made:
        yield made


def remote(clock: FakeClock, **texts: str) -> RemoteSource:
    options = {
        option.name: option.parse(texts.get(option.name, option.default or ""))
        for option in OPTIONS["source.remote"]
    }
    return RemoteSource({"garage": options}, None, clock, lambda device: {})  # type: ignore[arg-type]


def state(clock: FakeClock, age: float = 0.0, **more: Any) -> bytes:
    told = {"point": "Mains", "time": clock.now().timestamp() - age, "power": 900, **more}
    return json.dumps(told).encode()


def test_a_told_state_becomes_readings_of_the_device_and_its_wires(clock: FakeClock) -> None:
    source, hub = remote(clock, point="Mains"), Hub(clock)
    loop = SourceLoop(source, hub, clock)
    loop.step()
    health = hub.snapshot().health["garage"]
    assert (health.state, health.text) == ("starting", "waits for PUT /state/Mains")
    told = [
        Reading("garage", clock.now(), {"power": 900.0}),
        Reading("garage.l1", clock.now(), WIRE),
    ]
    loop.tell(Command("garage", "state", state=told))
    loop.step()
    assert hub.snapshot().number("garage.l1", "voltage") == 230.1
    assert hub.snapshot().health["garage"].state == "ok"


def test_without_a_state_for_long_it_is_stale(clock: FakeClock) -> None:
    hub = Hub(clock)
    loop = SourceLoop(remote(clock, patience="10"), hub, clock)
    loop.step()
    loop.tell(Command("garage", "state", state=[Reading("garage", clock.now(), {"power": 1.0})]))
    loop.step()
    clock.advance(11)
    loop.step()
    loop.check()
    assert hub.snapshot().health["garage"].state == "stale"
    assert "10 s" in hub.snapshot().health["garage"].text


def test_it_obeys_states_of_its_own_device_only(clock: FakeClock) -> None:
    source = remote(clock)
    with pytest.raises(ValueError, match="cannot trigger"):
        source.obey(Command("garage", "trigger"))
    for stranger in ("main", "garages.l1"):
        with pytest.raises(ValueError, match=f"{stranger} is not garage"):
            source.obey(
                Command("garage", "state", state=[Reading(stranger, clock.now(), {"power": 1.0})])
            )


def test_its_wires_cannot_grow_without_end(clock: FakeClock) -> None:
    source = remote(clock)

    def tell(wire: int) -> None:
        reading = Reading(f"garage.w{wire}", clock.now(), {"power": 1.0})
        source.obey(Command("garage", "state", state=[reading]))

    for wire in range(24):
        tell(wire)
    tell(3)
    with pytest.raises(ValueError, match="more than 24"):
        tell(24)


def test_a_url_is_asked_and_what_changed_is_told(clock: FakeClock, other: Peer) -> None:
    source = remote(clock, url=f"{other.url}/state/Mains?x=1", interval="7")
    assert source.open() == f"asks {other.url}/state/Mains?x=1"
    assert source.interval == 7
    other.answer = state(clock, 0.5, brown=WIRE, black={"power": 3})
    device, brown, black = source.read()
    assert isinstance(device, Reading)
    assert isinstance(brown, Reading)
    assert isinstance(black, Reading)
    assert (device.device, dict(device.values)) == ("garage", {"power": 900.0})
    assert device.time == clock.now() - timedelta(seconds=0.5)
    assert (brown.device, dict(brown.values)) == ("garage.brown", WIRE)
    assert (black.device, dict(black.values)) == ("garage.black", {"power": 3.0})
    assert not source.read()
    assert other.paths == ["GET /state/Mains?x=1"] * 2
    assert other.heads[0]["Host"] == other.url.removeprefix("http://")


def test_an_old_state_is_not_fresh_but_a_moving_one_of_a_wrong_clock_is(
    clock: FakeClock, other: Peer
) -> None:
    source = remote(clock, url=other.url)
    source.open()
    other.answer = state(clock, 3600)
    assert not source.read()
    assert not source.read()
    clock.advance(5)
    other.answer = state(clock, 3600)
    (wrong,) = source.read()
    assert isinstance(wrong, Reading)
    assert wrong.time == clock.now()
    assert "behind" in wrong.labels["note"]
    other.answer = state(clock)
    (right,) = source.read()
    assert isinstance(right, Reading)
    assert right.labels == {"note": ""}  # taken back
    other.answer = state(clock, power=5)
    (next_one,) = source.read()
    assert isinstance(next_one, Reading)
    assert not next_one.labels


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (404, b'"point not found"', "answers 404: point not found"),
        (503, b'{"message": "Nothing is known yet."}', "answers 503: Nothing is known yet."),
        (500, b"<h1>\x1bOops</h1>\n" * 99, "answers 500: <h1> Oops</h1> <h1>"),
        (302, b"", "answers 302"),
        (200, b"x" * (MOST + 1), "more than 65536 bytes"),
    ],
)
def test_another_station_that_gives_no_state_is_named_with_the_reason(
    clock: FakeClock, other: Peer, status: int, answer: bytes, reason: str
) -> None:
    other.status, other.answer = status, answer
    other.head = {"Location": f"{other.url}/else"} if status == 302 else {}
    source = remote(clock, url=other.url)
    source.open()
    with pytest.raises(SourceError) as told:
        source.read()
    assert str(told.value).startswith(other.url)
    assert reason in str(told.value)
    assert len(str(told.value)) < 300
    assert len(other.paths) == 1  # nothing is followed


@pytest.mark.parametrize(
    "answer", [b"<html>", b'{"point": "Mains"}', b'{"point": "x", "time": 1e12, "power": 1}']
)
def test_an_answer_that_is_no_state_is_a_trouble_of_the_device(
    clock: FakeClock, other: Peer, answer: bytes
) -> None:
    other.answer = answer
    source = remote(clock, url=other.url)
    source.open()
    (trouble,) = source.read()
    assert isinstance(trouble, Trouble)
    assert (trouble.device, trouble.kind) == ("garage", "garbled")
    assert "answers no state: " in trouble.text


def test_nobody_there_is_a_sentence(clock: FakeClock) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        source = remote(clock, url=f"http://127.0.0.1:{port}/state/Mains")
        source.open()
        with pytest.raises(SourceError, match="cannot be reached"):
            source.read()


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.0 2", b"SSH-2.0-x\r\n", b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n{}"],
)
def test_half_an_answer_is_none(said: bytes) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def answer() -> None:
            wire, _ = server.accept()
            with wire:
                wire.recv(1000)
                wire.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(SourceError, match="no whole HTTP answer"):
            fetch("127.0.0.1", server.getsockname()[1], "/", "x", 5)
        thread.join()


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    """A whole head, then a byte now and then for ever: no single wait is too long, all are."""
    over = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def drip() -> None:
            wire, _ = server.accept()
            with wire:
                wire.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                while not over.wait(0.01):
                    try:
                        wire.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(SourceError, match=r"does not answer within 0\.2 s"):
                fetch("127.0.0.1", server.getsockname()[1], "/", "x", 0.2)
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "mains",
        "https://a/b",
        "ftp://a/b",
        "http://",
        "http://a:x/",
        "http://a..b/",
        "http://u:secret@a/",
    ],
)
def test_an_address_that_is_none_is_a_sentence_without_its_secret(
    clock: FakeClock, url: str
) -> None:
    with pytest.raises(SourceError, match="write it as http://192") as told:
        remote(clock, url=url).open()
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "netloc", "path", "point"),
    [
        ("http://a", "a", "/", ""),
        ("http://192.168.1.20/state/Mains", "192.168.1.20", "/state/Mains", "Mains"),
        ("http://[fe80::1]:8080/state/a%20b?c=d", "[fe80::1]:8080", "/state/a%20b?c=d", "a b"),
        ("http://Pi.local:80/state/Büro", "pi.local", "/state/B%C3%BCro", "Büro"),
    ],
)
def test_an_address_is_taken_apart(url: str, netloc: str, path: str, point: str) -> None:
    found = place(url)
    assert (found.netloc, found.path, found.point) == (netloc, path, point)

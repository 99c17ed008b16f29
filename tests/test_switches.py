"""Switches on real loopback servers, a real broker and simulated lines: what they do and tell."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from s0web.archive.query import History
from s0web.clock import FakeClock
from s0web.energy.price_book import PriceBook
from s0web.errors import SourceError
from s0web.hardware.lan import Thing, place_of
from s0web.hub import Hub
from s0web.inside import Inside
from s0web.model import Command, Health, Options, Source
from s0web.options import OPTIONS
from s0web.registry import SWITCHES, load
from s0web.simulation.house import House
from s0web.simulation.wires import SimulatedWires
from s0web.workers import SourceLoop
from tests.conftest import until
from tests.mosquitto import Listener, listening, mosquitto, publish
from tests.plugs import PASSWORD, Plug, plug

NAME = "boiler"


def none() -> History | None:
    return None


class Bench:
    """One switch in its loop, turned by hand."""

    def __init__(self, kind: str, hub: Hub | None = None, start: datetime | None = None,
                 **texts: str) -> None:  # fmt: skip
        rows = OPTIONS[f"switch.{kind}"]
        self.clock = FakeClock(start) if start else FakeClock()
        self.hub = hub or Hub(self.clock)
        self.wires = SimulatedWires(House(), self.clock, live=False)
        inside = Inside(
            Path("/nonesuch"), UTC, self.wires, PriceBook(), self.hub, none, lambda _: True
        )
        options: Options = {
            row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows
        }
        self.source: Source = load(SWITCHES, kind)(
            {NAME: options}, inside, self.clock, lambda _: {}
        )
        self.loop = SourceLoop(self.source, self.hub, self.clock)

    def turn(self, seconds: float = 1.0, times: int = 1) -> None:
        for _ in range(times):
            self.loop.step()
            self.clock.advance(seconds)

    def wish(self, on: bool, reason: str = "2100 W is exported") -> None:
        self.loop.tell(Command(NAME, "wish", float(on), reason))
        self.turn()

    def say(self, verb: str, seconds: float = 0.0) -> None:
        self.loop.tell(Command(NAME, verb, seconds, "over HTTP"))
        self.turn()

    def number(self, quantity: str = "switch") -> float | None:
        return self.hub.snapshot().number(NAME, quantity)

    def label(self, name: str) -> str:
        return self.hub.snapshot().labels[NAME][name]

    @property
    def health(self) -> Health:
        return self.hub.snapshot().health[NAME]


@pytest.fixture
def lamp() -> Bench:
    return Bench("simulated")


def test_a_wish_is_carried_out_and_told_with_its_reason(lamp: Bench) -> None:
    lamp.turn()
    assert (lamp.number(), lamp.health.state) == (0, "ok")
    lamp.wish(True)
    assert (lamp.number(), lamp.label("reason")) == (1, "2100 W is exported")
    assert lamp.label("since") == "2026-03-02T12:00:01Z"
    assert lamp.number("switchings") == 1


def test_run_time_is_counted_each_minute_and_today_begins_at_midnight() -> None:
    lamp = Bench("simulated", start=datetime(2026, 3, 2, 23, 30, tzinfo=UTC))
    lamp.turn()
    lamp.wish(True)
    lamp.turn(times=2 * 1800)
    assert lamp.number("run_time") == pytest.approx(3600, abs=61)
    assert lamp.number("run_time_today") == pytest.approx(1800, abs=61)
    lamp.wish(False)
    assert lamp.number("run_time") == pytest.approx(3600, abs=1.1)
    assert lamp.number("run_time_today") == pytest.approx(1800, abs=3)


def test_what_a_person_says_goes_before_wishes_until_its_time_is_over(lamp: Bench) -> None:
    lamp.turn()
    lamp.say("on", 600)
    assert (lamp.number(), lamp.label("override")) == (1, "on until 2026-03-02T12:10:01Z")
    lamp.wish(False)
    assert lamp.number() == 1
    lamp.turn(times=605)
    assert (lamp.number(), lamp.label("override")) == (0, "")
    assert lamp.label("reason") == "the time given by hand is over"


def test_with_a_rule_the_state_after_a_person_is_left_to_the_rule() -> None:
    lamp = Bench("simulated", rule="export")
    lamp.turn()
    lamp.say("on", 60)
    lamp.turn(times=70)
    assert (lamp.number(), lamp.label("override")) == (1, "")
    lamp.say("off")
    assert (lamp.number(), lamp.label("override")) == (0, "off")
    lamp.say("auto")
    assert lamp.label("override") == ""
    lamp.wish(True)
    assert lamp.number() == 1


@pytest.mark.parametrize("verb", ["trigger", "correct", "explode"])
def test_words_that_are_none_change_nothing(lamp: Bench, verb: str) -> None:
    lamp.turn()
    lamp.say(verb, 5)
    lamp.say("on", -5)
    lamp.say("on", float("nan"))
    assert (lamp.number(), lamp.health.state, lamp.label("override")) == (0, "ok", "")


def test_what_was_known_goes_on_after_a_restart() -> None:
    first = Bench("simulated", rule="export")
    first.turn()
    first.say("on", 3600)
    first.turn(times=120)
    first.loop.finish()
    first.clock.advance(60)
    again = Bench("simulated", first.hub, first.clock.now(), rule="export")
    again.turn(times=3)
    assert (again.number(), again.label("override")) == (1, "on until 2026-03-02T13:00:01Z")
    assert again.number("run_time") == pytest.approx(120, abs=62)
    assert again.number("run_time_today") == again.number("run_time")
    late = Bench("simulated", first.hub, again.clock.now() + timedelta(hours=13), rule="export")
    late.turn(times=3)
    assert (late.number(), late.label("override"), late.number("run_time_today")) == (0, "", 0)
    assert (late.number("run_time") or 0) > 60


def test_a_relay_is_claimed_in_its_safe_state_and_goes_there_at_its_end() -> None:
    relay = Bench("gpio", pin="18", numbering="board")
    relay.turn()
    relay.wish(True)
    assert relay.wires.lines == {("", 24): True}
    relay.loop.finish()
    assert relay.wires.lines == {("", 24): False}


@pytest.mark.parametrize(("safe", "at_end"), [("off", False), ("on", True), ("keep", True)])
def test_the_safe_state_at_the_end_is_as_set(safe: str, at_end: bool) -> None:
    relay = Bench("gpio", pin="24", safe=safe)
    relay.turn()
    relay.wish(True)
    relay.loop.finish()
    assert relay.wires.lines[("", 24)] is at_end


def test_a_line_that_something_else_has_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Bench("gpio", pin="24")

    def busy(*_: object) -> None:
        raise OSError(16, "/dev/gpiochip0: line 24 is in use by spi0; take another pin")

    monkeypatch.setattr(relay.wires, "output", busy)
    relay.turn()
    assert (relay.health.state, relay.health.text[:35]) == (
        "failed",
        "/dev/gpiochip0: line 24 is in use b",
    )


@pytest.fixture(params=["shelly1", "shelly2", "tasmota"])
def smart(request: pytest.FixtureRequest) -> Iterator[tuple[Plug, Bench]]:
    """A plug that asks for a password, and its switch."""
    with plug(request.param, locked=True) as made:
        kind = request.param.rstrip("12")
        user = "" if request.param == "shelly2" else "admin"
        yield made, Bench(kind, host=made.host, user=user, password=PASSWORD, rule="export")


def test_plugs_obey_tell_their_state_and_are_left_safe(smart: tuple[Plug, Bench]) -> None:
    made, bench = smart
    bench.turn()
    assert (bench.number(), bench.health.state) == (0, "ok")
    bench.wish(True)
    assert made.on
    bench.turn(times=70)
    assert bench.number() == 1
    made.on = False  # by the button on it
    bench.turn(times=8)
    assert (bench.number(), bench.label("reason")) == (0, "switched at the thing itself")
    bench.wish(True)
    bench.loop.finish()
    assert not made.on


def test_a_plug_goes_off_by_itself_when_nobody_renews_it(smart: tuple[Plug, Bench]) -> None:
    made, bench = smart
    bench.turn()
    bench.wish(True)
    mark = {"shelly1": "timer=180", "shelly2": "toggle_after=180", "tasmota": "Power1+ON"}[
        made.kind
    ]
    times = len([asked for asked in made.asked if mark in asked])
    assert times == 1
    if made.kind == "tasmota":
        assert made.last("PulseTime1+280")
    bench.turn(times=130)
    assert len([asked for asked in made.asked if mark in asked]) == 3
    bench.wish(False)
    assert "timer" not in made.asked[-1]
    assert "toggle_after" not in made.asked[-1]
    bench.loop.finish()
    assert made.kind != "tasmota" or "PulseTime1+0" in made.asked[-1]


def test_a_plug_that_comes_back_does_what_was_wished(smart: tuple[Plug, Bench]) -> None:
    made, bench = smart
    bench.turn()
    made.mood = "junk"
    bench.wish(True)
    assert bench.health.state == "failed"
    assert "whole HTTP answer" in bench.health.text
    assert not made.on
    made.mood = "well"
    bench.turn(times=3)
    assert made.on
    assert (bench.number(), bench.health.state) == (1, "ok")


def test_a_wrong_password_is_said_without_it(smart: tuple[Plug, Bench]) -> None:
    made, _ = smart
    bench = Bench(made.kind.rstrip("12"), host=made.host, user="admin", password="wrong-one")
    bench.turn(times=2)
    assert bench.health.state == "failed"
    assert "password" in bench.health.text
    assert "wrong-one" not in str(bench.hub.snapshot().health)


@pytest.mark.parametrize("mood", ["silent", "junk", "endless"])
def test_a_plug_gone_mad_costs_a_bounded_time(mood: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s0web.hardware.lan.SECONDS", 0.3)
    with plug("shelly1") as made:
        bench = Bench("shelly", host=made.host)
        bench.turn()
        made.mood = mood
        bench.turn(times=7)
        assert bench.health.state == "failed"
        assert made.host in bench.health.text
        bench.loop.finish()


def test_a_plug_that_is_not_there_is_a_sentence() -> None:
    with plug("shelly1") as made:
        host = made.host
    bench = Bench("shelly", host=host)
    bench.turn()
    assert bench.health.text.startswith(f"{host} cannot be reached (Connection refused)")


def test_another_thing_at_the_address_is_no_shelly_and_a_wrong_channel_is_said() -> None:
    with plug("http") as made, plug("shelly2") as second:
        stranger = Bench("shelly", host=made.host)
        stranger.turn()
        assert "HTTP 404" in stranger.health.text
        wrong = Bench("shelly", host=second.host, channel="3")
        wrong.turn()
        assert "is the channel right?" in wrong.health.text


def test_two_addresses_switch_anything() -> None:
    with plug("http") as made:
        at = f"http://{made.host}"
        bench = Bench("http", on_url=f"{at}/on", off_url=f"{at}/off?key=hidden-key")
        bench.turn()
        assert made.asked == ["/off?key=hidden-key"]  # its state is made known
        bench.wish(True)
        assert (made.on, bench.number()) == (True, 1)
        made.mood = "junk"
        bench.wish(False)
        assert bench.health.state == "failed"
        assert "hidden-key" not in str(bench.hub.snapshot().health)
        made.mood = "well"
        bench.turn(times=3)
        assert not made.on


class MqttPlug:
    """Obeys as Tasmota does: cmnd/plug/POWER, told on stat/plug/POWER."""

    def __init__(self, port: int, ear: Listener) -> None:
        self._port, self._ear, self._done = port, ear, 0

    def obey(self) -> list[str]:
        said = self._ear.of("cmnd/plug/POWER")
        for word in said[self._done :]:
            publish(self._port, "stat/plug/POWER", word, "-r")
        self._done = len(said)
        return said


def test_a_plug_over_mqtt_obeys_confirms_and_is_left_safe(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker, listening(broker.port) as ear:
        publish(broker.port, "stat/plug/POWER", "OFF", "-r")
        bench = Bench("mqtt", host="127.0.0.1", port=str(broker.port),
                      command_topic="cmnd/plug/POWER", state_topic="stat/plug/POWER")  # fmt: skip
        plug = MqttPlug(broker.port, ear)
        bench.turn()
        assert (bench.number(), plug.obey()) == (0, [])
        bench.wish(True)
        until(lambda: plug.obey() == ["ON"], "the command")
        bench.turn(times=8)
        assert bench.number() == 1
        publish(broker.port, "stat/plug/POWER", "OFF", "-r")
        until(lambda: bench.turn() or bench.number() == 0, "what was done by hand")
        assert bench.label("reason") == "switched at the thing itself"
        bench.wish(True)
        bench.loop.finish()
        until(lambda: plug.obey()[-1:] == ["OFF"], "the safe state")
        assert not [t for t, _, retained in ear.read() if retained and t.startswith("cmnd")]


def test_the_broker_switches_off_when_we_vanish_and_its_loss_is_told(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker, listening(broker.port) as ear:
        bench = Bench("mqtt", host="127.0.0.1", port=str(broker.port), command_topic="plug/set")
        bench.turn()
        until(lambda: publish(broker.port, "here", "x") or ear.of("here"), "the listener")
        bench.wish(True)
        until(lambda: ear.of("plug/set")[-1:] == ["ON"], "the command")
        actor = bench.source._actor  # type: ignore[attr-defined]
        actor._client.socket().shutdown(2)  # as a crash does
        until(lambda: ear.of("plug/set")[-1:] == ["OFF"], "the will")
        until(lambda: bench.turn() or bench.health.state == "failed", "the loss")
        broker.kill()
        bench.turn(times=3)
        assert "cannot be reached" in bench.health.text
        broker.start()
        until(lambda: bench.turn() or bench.health.state == "ok", "the broker's return")
        bench.loop.finish()


def test_a_plug_that_does_not_confirm_is_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s0web.switches.mqtt.CONFIRM", 0.0)
    with mosquitto(tmp_path) as broker:
        bench = Bench("mqtt", host="127.0.0.1", port=str(broker.port),
                      command_topic="cmnd/plug/POWER", state_topic="stat/plug/POWER")  # fmt: skip
        bench.turn(times=8)
        assert "does not answer on stat/plug/POWER" in bench.health.text
        bench.loop.finish()


@pytest.mark.parametrize("kind", sorted(SWITCHES))
def test_every_switch_can_be_closed_before_it_was_opened_and_twice(kind: str) -> None:
    needed = {"pin": "4", "host": "127.0.0.1:9", "on_url": "http://127.0.0.1:9/",
              "off_url": "http://127.0.0.1:9/", "command_topic": "a"}  # fmt: skip
    bench = Bench(kind, **needed | ({"host": "127.0.0.1"} if kind == "mqtt" else {}))
    bench.source.close()
    bench.source.close()
    assert bench.source.devices == (NAME,)
    with pytest.raises(ValueError, match="cannot fly"):
        bench.source.obey(Command(NAME, "fly"))


@pytest.mark.parametrize("number", range(40))
def test_whatever_a_plug_answers_is_a_sentence(number: int) -> None:
    chance = Random(number)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b'{"type": "SHPLG-S", "gen": [1e999], "ison": "yes"}'
    text = bytearray((b"HTTP/1.1 200 OK\r\n\r\n", head)[number % 2] + body)
    for _ in range(number // 2):
        text[chance.randrange(len(text))] = chance.randrange(256)
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"

        def serve() -> None:
            wire, _ = server.accept()
            with wire:
                wire.recv(4096)
                wire.sendall(bytes(text))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with suppress(SourceError):
            Thing(place_of(host)).json("/relay/0")
        thread.join(5)

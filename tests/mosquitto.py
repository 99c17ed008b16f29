"""A real Mosquitto of its own: Debian's program on a loopback port, in a private folder; it can be
killed, stopped and started again. A client of it that remembers what it saw, and an MQTT sink.
"""

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from s0web.clock import FakeClock
from s0web.errors import SinkError
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.sinks.mqtt import MqttSink
from tests.conftest import until
from tests.server_process import ServerProcess

PROGRAM = "/usr/sbin/mosquitto"


class Mosquitto(ServerProcess):
    """Without more lines it takes everyone; `lines` are those of its configuration. What it
    retained is gone when it is killed.
    """

    def __init__(self, folder: Path, *lines: str) -> None:
        super().__init__(folder)
        self._config = folder / "mosquitto.conf"
        own = [f"listener {self.port} 127.0.0.1", "persistence false"]
        if os.geteuid() == 0:
            own.append("user root")  # it may read the private folder
        self._config.write_text("\n".join([*own, *(lines or ["allow_anonymous true"]), ""]))
        self.start()

    def command(self) -> list[str]:
        return [PROGRAM, "-c", str(self._config)]

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def mosquitto(folder: Path, *lines: str) -> Iterator[Mosquitto]:
    made = Mosquitto(folder, *lines)
    try:
        yield made
    finally:
        made.kill()


class Listener:
    """mosquitto_sub on everything: what the broker retains at its start, and all that comes."""

    def __init__(self, port: int, *arguments: str) -> None:
        command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(port), "-t", "#"]
        command += ["-F", "%r %t %p", *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._rest = b""
        self._marker, self.is_ready = f"marker/{os.urandom(4).hex()}", False
        self.heard: list[tuple[str, str, bool]] = []  # topic, payload, retained before

    def wait(self, port: int, *arguments: str) -> None:
        """Until it has heard what was retained, and hears what comes."""
        until(
            lambda: publish(port, self._marker, "x", *arguments) or (self.read(), self.is_ready)[1],
            "the listener to listen",
        )

    def read(self) -> list[tuple[str, str, bool]]:
        """All that came so far."""
        assert self._process.stdout is not None
        *lines, self._rest = (self._rest + (self._process.stdout.read() or b"")).split(b"\n")
        for line in lines:
            retained, topic, payload = line.decode().split(" ", 2)
            if topic == self._marker:
                self.is_ready = True
            else:
                self.heard.append((topic, payload, retained == "1"))
        return self.heard

    def of(self, topic: str) -> list[str]:
        """The payloads of a topic, in their order."""
        return [payload for heard, payload, _ in self.read() if heard == topic]

    def last(self, topic: str) -> str | None:
        return next(iter(reversed(self.of(topic))), None)

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def listening(port: int, *arguments: str) -> Iterator[Listener]:
    made = Listener(port, *arguments)
    try:
        made.wait(port, *arguments)
        yield made
    finally:
        made.close()


def publish(port: int, topic: str, payload: str, *arguments: str) -> None:
    """As another program would, acknowledged."""
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-q", "1"]
    subprocess.run([*command, "-t", topic, "-m", payload, *arguments], check=True, timeout=10)


def sink(clock: FakeClock, port: int, **texts: str) -> MqttSink:
    texts = {"host": "127.0.0.1", "port": str(port), **texts}
    rows = OPTIONS["sink.mqtt"]
    options = {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
    made = MqttSink("ha", options, clock)
    assert made.name == "sink:ha"
    return made


@contextmanager
def opened(clock: FakeClock, port: int, **texts: str) -> Iterator[MqttSink]:
    made = sink(clock, port, **texts)
    try:
        made.open()
        yield made
    finally:
        made.close()


def reading(clock: FakeClock, power: float, device: str = "grid", **more: float) -> Reading:
    return Reading(device, clock.now(), {"power": power, **more})


def refusal(made: MqttSink) -> str:
    """Why it cannot be opened."""
    with pytest.raises(SinkError) as refused:
        made.open()
    made.close()
    return str(refused.value)


def retained(port: int, *arguments: str) -> dict[str, str]:
    """All that the broker tells a late subscriber."""
    with listening(port, *arguments) as late:
        return {topic: payload for topic, payload, before in late.read() if before}


def turns(clock: FakeClock, mqtt: MqttSink, condition: Callable[[], object]) -> None:
    """Let the sink have its turns until it is so."""

    def so() -> object:
        clock.advance(1)
        mqtt.write([])
        return condition()

    until(so, "what was waited for")

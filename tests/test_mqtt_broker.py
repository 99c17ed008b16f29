"""The MQTT sink when the broker is away, hangs, or does not want us; on a real Mosquitto."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from s0web.clock import FakeClock
from s0web.errors import SinkError
from s0web.hub import Hub
from s0web.workers import SinkLoop
from tests.conftest import until
from tests.mosquitto import (
    Mosquitto,
    listening,
    mosquitto,
    opened,
    publish,
    reading,
    refusal,
    retained,
    sink,
    turns,
)
from tests.ports import free_port


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as made:
        yield made


def test_the_status_is_offline_after_the_end(clock: FakeClock, broker: Mosquitto) -> None:
    with opened(clock, broker.port):
        assert retained(broker.port)["s0web/status"] == "online"
    assert retained(broker.port)["s0web/status"] == "offline"


CHILD = """\
import sys, time
sys.path[:0] = {paths!r}
from s0web.clock import SystemClock
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.sinks.mqtt import MqttSink
texts = dict(host="127.0.0.1", port="{port}", {texts})
rows = OPTIONS["sink.mqtt"]
clock = SystemClock()
options = {{row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}}
mqtt = MqttSink("child", options, clock)
mqtt.open()
mqtt.write([Reading("grid", clock.now(), {{"power": 77.0}})])
import paho.mqtt
print(paho.mqtt.__version__, flush=True)
sys.stdin.read()
mqtt.close()
"""


@contextmanager
def child(port: int, *paths: str, texts: str = "") -> Iterator[subprocess.Popen[str]]:
    """Another process that has told a power of 77 W; its first line is paho's version."""
    code = CHILD.format(port=port, paths=list(paths), texts=texts)
    command = [sys.executable, "-W", "error", "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_will_speaks_for_a_killed_process(broker: Mosquitto) -> None:
    with child(broker.port) as process, listening(broker.port) as heard:
        until(lambda: heard.last("s0web/grid/power") == "77.0", "its power")
        assert heard.last("s0web/status") == "online"
        process.send_signal(signal.SIGKILL)
        until(lambda: heard.last("s0web/status") == "offline", "its will")
    assert retained(broker.port)["s0web/status"] == "offline"


def test_the_will_of_a_former_connection_is_corrected(clock: FakeClock, broker: Mosquitto) -> None:
    with opened(clock, broker.port) as mqtt, listening(broker.port) as heard:
        publish(broker.port, "s0web/status", "offline", "-r")
        turns(clock, mqtt, lambda: "offline" in heard.of("s0web/status"))
        turns(clock, mqtt, lambda: heard.of("s0web/status")[-1] == "online")


def test_a_killed_broker_is_told_everything_again(clock: FakeClock, broker: Mosquitto) -> None:
    hub = Hub(clock)
    loop = SinkLoop(sink(clock, broker.port), hub, clock)
    hub.publish([reading(clock, 5, energy_import=9), reading(clock, 6, "main")])
    loop.step()

    def health() -> str:
        loop.step()
        clock.advance(1)
        return hub.snapshot().health["sink:ha"].state

    for _ in range(2):
        broker.kill()
        until(lambda: health() == "failed", "it to be seen")
        until(
            lambda: health() and "refuses the conn" in hub.snapshot().health["sink:ha"].text, "why"
        )
        broker.start()
        until(lambda: health() == "ok", "it to heal")
        found = retained(broker.port)
        assert found["s0web/grid/energy_import"] == "9"
        assert found["s0web/main/power"] == "6"
        assert found["s0web/status"] == "online"
        assert "homeassistant/device/s0web_main/config" in found
    loop.finish()


def test_a_frozen_broker_is_a_sentence_and_heals(clock: FakeClock, broker: Mosquitto) -> None:
    mqtt = sink(clock, broker.port, timeout="2", interval="0.5")
    mqtt.open()
    broker.freeze()
    with pytest.raises(SinkError, match=r"leaves \d+ messages without an answer for 2 s"):
        mqtt.write([reading(clock, 5)])
    mqtt.close()
    assert "says nothing within 2 s" in refusal(mqtt)
    broker.thaw()
    mqtt.open()
    mqtt.write([])
    assert retained(broker.port)["s0web/grid/power"] == "5"
    mqtt.close()


def things() -> tuple[int, list[str]]:
    return len(os.listdir("/proc/self/fd")), sorted(t.name for t in threading.enumerate())


def test_no_thread_and_no_socket_stays(clock: FakeClock, broker: Mosquitto) -> None:
    gc.collect()  # of other tests
    before = things()
    mqtt = sink(clock, broker.port, timeout="2")
    for _ in range(5):
        mqtt.open()
        mqtt.write([reading(clock, 5)])
        mqtt.close()
        mqtt.close()
    assert things() == before
    mqtt.open()
    broker.freeze()
    mqtt.close()
    assert things() == before
    refusal(mqtt)
    assert things() == before
    broker.thaw()
    mqtt.open()
    broker.kill()
    mqtt.close()
    refusal(mqtt)
    assert things() == before


def test_a_broker_that_is_not_there_is_a_sentence(clock: FakeClock) -> None:
    port = free_port()
    expected = f"127.0.0.1:{port} refuses the connection: does the broker run there"
    assert expected in refusal(sink(clock, port))
    assert "no address is known of host nobody.invalid" in refusal(
        sink(clock, port, host="nobody.invalid")
    )
    assert "no address is known" in refusal(sink(clock, port, host="x" * 70))


def test_a_broker_of_old_is_a_sentence(clock: FakeClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as old:

        def answer() -> None:
            wire, _ = old.accept()
            with wire:
                wire.recv(1000)
                wire.sendall(b"\x20\x02\x00\x01")  # CONNACK: no such version
                wire.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        text = refusal(sink(clock, old.getsockname()[1]))
        thread.join(5)
    assert "set version = 3.1.1" in text


def test_without_paho_it_says_what_to_install(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    assert "apt install python3-paho-mqtt" in refusal(sink(clock, 1))


def test_debians_paho_does_as_well(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "paho").symlink_to("/usr/lib/python3/dist-packages/paho")
    with child(broker.port, str(tmp_path)) as process:
        assert process.stdout is not None
        version = process.stdout.readline()
        assert version, process.stderr.read() if process.stderr else ""
        assert retained(broker.port)["s0web/grid/power"] == "77.0"
        _, said = process.communicate("", 10)
    assert process.returncode == 0
    assert not said
    assert retained(broker.port)["s0web/status"] == "offline"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mosquitto]:
    """Only anna and paul may come in, and paul may only write s0web/#."""
    passwords, rights = tmp_path / "passwords", tmp_path / "rights"
    for name, word in (("anna", "geheim"), ("paul", "pass")):
        new = [] if passwords.exists() else ["-c"]
        subprocess.run(["mosquitto_passwd", *new, "-b", str(passwords), name, word], check=True)
    rights.write_text("user anna\ntopic readwrite #\nuser paul\ntopic readwrite s0web/#\n")
    lines = ("allow_anonymous false", f"password_file {passwords}", f"acl_file {rights}")
    with mosquitto(tmp_path, *lines) as made:
        yield made


def test_user_and_password_are_needed(clock: FakeClock, guarded: Mosquitto, tmp_path: Path) -> None:
    at = f"127.0.0.1:{guarded.port}"
    for version in ("5", "3.1.1"):
        wrong = sink(clock, guarded.port, user="anna", password="geheimer", version=version)
        assert refusal(wrong) == f"{at} refuses user anna: are user and password right?"
        nobody = sink(clock, guarded.port, version=version)
        assert refusal(nobody) == f"{at} takes nobody without a name: set user and password"
    word = tmp_path / "word"
    word.write_text("geheim\n")
    word.chmod(0o600)
    for texts in ({"password": "geheim"}, {"password_file": str(word)}):
        with opened(clock, guarded.port, user="anna", **texts) as mqtt:
            mqtt.write([reading(clock, 5)])
            assert retained(guarded.port, "-u", "anna", "-P", "geheim")["s0web/grid/power"] == "5"
    word.chmod(0o644)
    readable = sink(clock, guarded.port, user="anna", password_file=str(word))
    assert "everyone may read it" in refusal(readable)
    missing = sink(clock, guarded.port, user="anna", password_file=str(tmp_path / "none"))
    assert "none cannot be read: No such file" in refusal(missing)


def test_what_the_user_may_not_write_is_named_and_the_rest_arrives(
    clock: FakeClock, guarded: Mosquitto
) -> None:
    with opened(clock, guarded.port, user="paul", password="pass") as mqtt:
        with pytest.raises(SinkError) as refused:
            mqtt.write([reading(clock, 5)])
        assert str(refused.value) == (
            f"127.0.0.1:{guarded.port} does not let user paul write "
            "homeassistant/device/s0web_grid/config: allow it in the broker's access list"
        )
        assert retained(guarded.port, "-u", "anna", "-P", "geheim")["s0web/grid/power"] == "5"
    with opened(clock, guarded.port, user="paul", password="pass", discovery="no") as mqtt:
        mqtt.write([reading(clock, 6)])
    with pytest.raises(SinkError, match="write other/status"):
        sink(clock, guarded.port, user="paul", password="pass", prefix="other").open()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two CAs, ca and strange, and certificates of localhost and elsewhere by ca."""
    folder = tmp_path_factory.mktemp("ca")

    def openssl(text: str) -> None:
        subprocess.run(["openssl", *text.split()], check=True, cwd=folder, capture_output=True)

    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for ca in ("ca", "strange"):
        openssl(f"req -x509 {key} -days 9 -subj /CN={ca} -keyout {ca}.key -out {ca}.crt")
    for host in ("localhost", "elsewhere"):
        openssl(
            f"req -x509 {key} -days 9 -subj /CN={host} -addext subjectAltName=DNS:{host} "
            f"-addext basicConstraints=critical,CA:FALSE "
            f"-CA ca.crt -CAkey ca.key -keyout {host}.key -out {host}.crt"
        )
    return folder


@contextmanager
def sealed(authority: Path, folder: Path, host: str) -> Iterator[Mosquitto]:
    """A broker with TLS alone, and the certificate of that host."""
    lines = [f"{option} {authority}/{host}.{end}" for option, end in CERTIFICATE]
    with mosquitto(folder, "allow_anonymous true", *lines) as made:
        yield made


CERTIFICATE = (("certfile", "crt"), ("keyfile", "key"))


def test_tls_with_a_ca_of_ones_own(clock: FakeClock, authority: Path, tmp_path: Path) -> None:
    ca = str(authority / "ca.crt")
    with sealed(authority, tmp_path, "localhost") as broker:
        texts = {"host": "localhost", "tls": "yes", "ca_file": ca, "timeout": "10"}
        with opened(clock, broker.port, **texts) as mqtt:
            mqtt.write([reading(clock, 5)])
            seen = retained(broker.port, "--cafile", ca, "-h", "localhost")
            assert seen["s0web/grid/power"] == "5"
        gc.collect()  # of other tests
        before = things()
        for wrong in (str(authority / "strange.crt"), ""):
            text = refusal(sink(clock, broker.port, **(texts | {"ca_file": wrong})))
            assert "its certificate is not trusted (" in text
        assert "IP address mismatch" in refusal(
            sink(clock, broker.port, **(texts | {"host": "127.0.0.1"}))
        )
        blind = texts | {"host": "127.0.0.1", "ca_file": "", "tls_verify": "no"}
        with opened(clock, broker.port, **blind) as mqtt:
            mqtt.write([reading(clock, 6)])
        assert "tls = yes" in refusal(sink(clock, broker.port, host="localhost"))
        broker.freeze()
        assert "does not answer within 1 s" in refusal(
            sink(clock, broker.port, **(texts | {"timeout": "1"}))
        )
        broker.thaw()
        assert things() == before


def test_a_certificate_of_another_host_is_a_sentence(
    clock: FakeClock, authority: Path, tmp_path: Path
) -> None:
    texts = {"host": "localhost", "tls": "yes", "ca_file": str(authority / "ca.crt")}
    with sealed(authority, tmp_path, "elsewhere") as broker:
        text = refusal(sink(clock, broker.port, **texts))
    assert "Hostname mismatch" in text
    assert "as host a name that is in the certificate" in text


def test_tls_to_a_port_without_it_and_a_useless_ca_file_are_sentences(
    clock: FakeClock, broker: Mosquitto, tmp_path: Path
) -> None:
    assert "is that its port with TLS?" in refusal(sink(clock, broker.port, tls="yes"))
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    text = refusal(sink(clock, broker.port, tls="yes", ca_file=str(empty)))
    assert text == f"ca_file {empty} cannot be used: it holds no certificate"
    text = refusal(sink(clock, broker.port, tls="yes", ca_file="/none.pem"))
    assert text == "ca_file /none.pem cannot be used: No such file or directory"

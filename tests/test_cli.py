import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.security import check_password_hash

from s0web import __version__, config
from s0web.__main__ import main
from tests.conftest import S0, until
from tests.ports import free_port

Run = subprocess.Popen[str]


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def answers(url: str) -> bool:
    try:
        fetch(url)
    except OSError:
        return False
    return True


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[object]:
    """Start s0web in a folder of its own; whatever still runs at the end is killed."""
    running: list[Run] = []

    def start(*arguments: str, ini: Path | None = None) -> Run:
        environment = {k: v for k, v in os.environ.items() if k != "S0WEB_INI"}
        if ini is not None:
            environment["S0WEB_INI"] = str(ini)
        process = subprocess.Popen(
            [sys.executable, "-m", "s0web", *arguments],
            cwd=tmp_path,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_demo_shows_a_simulated_house_and_keeps_its_state(spawn, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    port = free_port()
    begin = time.monotonic()
    process = spawn("demo", "--port", str(port))
    base = f"http://127.0.0.1:{port}"
    until(lambda: answers(f"{base}/s0/version"), "an answer", 15)
    print(f"first answer after {time.monotonic() - begin:.2f} s")
    assert '"S0-Logger"' in fetch(f"{base}/s0/version")
    assert "<html" in fetch(f"{base}/")  # led to /s0/
    until(lambda: answers(f"{base}/s0/readyz"), "the start")
    until(lambda: '"power"' in fetch(f"{base}/s0/api/v1/readings/grid"), "a telegram")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert config.load(tmp_path / "var/demo/s0web.ini").simulate
    assert process.stdout is not None
    text = process.stdout.read()
    assert f"http://127.0.0.1:{port}/s0/" in text
    assert "Traceback" not in text


def test_a_taken_port_is_one_clear_sentence(spawn) -> None:  # type: ignore[no-untyped-def]
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        process = spawn("demo", "--port", str(port))
        assert process.wait(15) == 2
        assert process.stdout is not None
        assert process.stdout.read() == (
            f"s0web: Port {port} on 127.0.0.1 is taken by another program; "
            "choose another with --port.\n"
        )


def test_serve_refuses_a_file_with_mistakes_before_it_starts(spawn, ini: Path) -> None:  # type: ignore[no-untyped-def]
    ini.write_text("[source:main]\ntype = s0\npin = four\n")
    process = spawn("serve", "--port", str(free_port()), ini=ini)
    assert process.wait(15) == 2
    assert process.stdout is not None
    text = process.stdout.read()
    assert "[source:main] pin: 'four' is not a whole number" in text
    assert "Traceback" not in text


def test_serve_ends_in_order_and_saves_the_counter(spawn, ini: Path) -> None:  # type: ignore[no-untyped-def]
    ini.write_text(S0)
    port = free_port()
    process = spawn("serve", "--port", str(port), ini=ini)
    base = f"http://127.0.0.1:{port}/s0"
    until(lambda: answers(f"{base}/electricity"), "an answer", 15)
    assert fetch(f"{base}/trigger") == "Triggered!"
    until(lambda: '"energy": 22228.0' not in fetch(f"{base}/electricity"), "the pulse")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) in (0, 130)
    assert config.load(ini).cache["main"] > 22.228


@pytest.fixture
def own_ini(ini: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("S0WEB_INI", str(ini))
    return ini


def test_passwd_keeps_a_salted_hash_only(
    own_ini: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert main(["passwd"]) == 0
    hashed = config.load(own_ini).sections["web"]["admin_password"]
    assert check_password_hash(hashed, "correct horse")
    assert "correct horse" not in own_ini.read_text() + capsys.readouterr().out


def test_a_password_can_be_set_in_s0_loggers_file_too(
    own_ini: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_ini.write_text("[Config]\nhw = RASPI\ns0pin = 7\n[Cache]\nenergy = 5.0\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert main(["passwd"]) == 0
    assert config.load(own_ini).cache == {"main": 0.005}


def test_a_short_password_is_refused(
    own_ini: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert main(["passwd"]) == 2
    assert "at least 8 characters" in capsys.readouterr().err


def test_check_tells_every_mistake(own_ini: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_ini.write_text("[source:a]\ntype = s0\npin = x\n[source:b]\ntype = p1\n")
    assert main(["check"]) == 1
    text = capsys.readouterr().out
    assert "[source:a] pin: 'x'" in text
    assert "[source:b] port: is missing" in text


def test_check_tells_which_wire_is_missing(
    own_ini: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_ini.write_text("[source:grid]\ntype = p1\nport = /dev/nonesuch\n")
    assert main(["check"]) == 1
    text = capsys.readouterr().out
    assert "no mistakes. Sources: grid" in text
    assert "there is no /dev/nonesuch" in text
    for word in ("GPIO", "serial", "SPI"):
        assert word in text


def test_check_says_no_more_of_a_wire_than_it_looked_at(
    own_ini: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway, other = "tcp://192.168.1.30:502", "http://192.168.1.20/state/x"
    own_ini.write_text(
        f"[source:far]\ntype = modbus\nport = {gateway}\nmodel = sdm120\n"
        "[source:near]\ntype = modbus\nport = /dev/null\nmodel = sdm120\n"
        f"[source:asked]\ntype = remote\nurl = {other}\n[source:told]\ntype = remote\n"
        f"[sink:there]\ntype = push\ndevice = far\nurl = {other}\ntoken = geheim\n"
    )
    assert main(["check"]) == 0
    text = capsys.readouterr().out
    for line in (
        f"far: {gateway} is not tried here",
        "near: its wire is there\n",
        f"asked: {other} is not tried here",
        "told: waits for another station to tell it",
        f"sink      there: {other} is not tried here",
    ):
        assert line in text
    assert "geheim" not in text


def test_smartmeters_settings_are_imported_into_a_new_or_an_old_file(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "config.ini"
    old.write_text(
        "[serial]\nport = /dev/serial0\nbaudrate = 115000\n[logging]\nloglevel = warning\n"
    )
    assert main(["import", "smartmeter", str(old)]) == 0
    read = config.load(own_ini)
    assert read.sources["grid"]["port"] == "/dev/serial0"
    assert read.sections["log"]["level"] == "warning"
    assert main(["import", "smartmeter", str(old)]) == 2
    assert "has a [source:grid] already" in capsys.readouterr().err


def test_s0_loggers_file_is_imported_with_its_counter(own_ini: Path, tmp_path: Path) -> None:
    old = tmp_path / "s0logger.conf"
    old.write_text(
        "[Config]\nhw = RASPI\ns0pin = 7\nticksperkwh = 1000\n[Cache]\nenergy = 22228.0\n"
    )
    assert main(["import", "s0-logger", str(old)]) == 0
    assert config.load(own_ini).cache == {"main": 22.228}


def test_a_mistake_in_the_settings_to_import_leaves_nothing_behind(
    own_ini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "config.ini"
    old.write_text("[serial]\nport = /dev/serial0\nbaudrate = fast\n")
    assert main(["import", "smartmeter", str(old)]) == 2
    assert "config.ini: 1 mistake(s):\n  [source:grid] baud: 'fast'" in capsys.readouterr().err
    assert not own_ini.exists()
    old.write_text("[serial]\nport = /dev/serial0\nbaudrate = 9600\n")
    assert main(["import", "smartmeter", str(old)]) == 0
    assert config.load(own_ini).sources["grid"]["baud"] == 9600


LIVE = "[s0web]\n{simulate}[log]\nlevel = warning\n[cache]\n{counter}"
OLD = "[Config]\nhw = RASPI\ns0pin = 7\nsimulate = True\ndebug = True\n[Cache]\nenergy = 22228.0\n"


@pytest.mark.parametrize("simulate", ["", "simulate = no\n"])
@pytest.mark.parametrize(
    ("counter", "kept"), [("", 22.228), ("water = 3\n", 22.228), ("main = 5\n", 5.0)]
)
def test_an_import_into_a_live_house_changes_nothing_that_is_set(
    own_ini: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    simulate: str,
    counter: str,
    kept: float,
) -> None:
    own_ini.write_text(LIVE.format(simulate=simulate, counter=counter))
    old = tmp_path / "s0logger.conf"
    old.write_text(OLD)
    assert main(["import", "s0-logger", str(old)]) == 0
    read = config.load(own_ini)
    assert (read.simulate, read.sections["log"]["level"]) == (False, "warning")
    assert read.sources["main"]["pin"] == 7
    assert read.cache["main"] == kept
    said = capsys.readouterr().out
    assert "[s0web] simulate stays no\n[log] level stays warning\n" in said
    assert ("[cache] main stays 5\n" in said) == (kept == 5.0)


def test_help_and_version_are_for_newcomers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "New here?" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"s0web {__version__}\n"


@pytest.mark.parametrize("port", ["x", "-1", "65536"])
def test_a_port_that_is_none_is_a_sentence(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", f"--port={port}"])
    assert "is not a port from 0 to 65535" in capsys.readouterr().err

"""`s0web top` on a terminal, against a real station over HTTP."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from werkzeug.security import generate_password_hash
from werkzeug.serving import make_server

from s0web import config
from s0web.__main__ import main
from s0web.clock import FakeClock
from s0web.errors import StationError
from s0web.meters.p1 import parse
from s0web.screen.client import Client, NeedsPassword
from s0web.screen.news import News
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.server import mounted
from tests.conftest import S0_AND_P1, running, until
from tests.web_peer import Peer, peer

GRID = S0_AND_P1 + "[house]\ngrid = grid\n"


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One for all of this file: its tests only read."""
    yield from running(tmp_path_factory.mktemp("state") / "s0web.ini", GRID)


class Served:
    """A station over HTTP, until it is closed."""

    def __init__(self, station: Station, port: int = 0) -> None:
        app = mounted(create_app(station))
        self._listening = make_server("127.0.0.1", port, app, threaded=True)
        self.port = self._listening.server_port
        self.url = f"http://127.0.0.1:{self.port}/s0"
        self._thread = threading.Thread(
            target=self._listening.serve_forever, args=(0.01,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown()
        self._listening.server_close()
        self._thread.join(5)


@pytest.fixture
def served(station: Station) -> Iterator[Served]:
    made = Served(station)
    yield made
    made.close()


def without(environment: Mapping[str, str], *names: str) -> dict[str, str]:
    """A size in the environment goes before that of the terminal."""
    return {name: text for name, text in environment.items() if name not in names}


class Terminal:
    """`s0web top` on a pty."""

    def __init__(self, *arguments: str, columns: int = 80, rows: int = 24) -> None:
        self.text = ""
        self._master, slave = pty.openpty()
        self.resize(columns, rows)
        self.modes = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "s0web", "top", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**without(os.environ, "COLUMNS", "LINES"), "TERM": "xterm"},
        )
        self._slave = slave

    def resize(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def shows(self, *words: str, seconds: float = 20.0) -> None:
        """Wait until all of them are drawn, from now on."""
        self.text, end = "", time.monotonic() + seconds
        while not all(word in self.text for word in words):
            assert time.monotonic() < end, f"{words} not in {self.text[-3_000:]}"
            if select.select([self._master], [], [], 0.1)[0]:
                self.text += os.read(self._master, 65_536).decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def ends(self, seconds: float = 10.0) -> int:
        """Its exit code; the terminal is as before."""
        until(lambda: self._drained() or self.process.poll() is not None, "the end", seconds)
        code = self.process.wait(5)
        self._drained()
        assert termios.tcgetattr(self._slave) == self.modes
        assert "\x1b[?1049l" in self.text  # the former screen is back
        assert "\x1b[?25h" in self.text  # and the cursor
        assert "Traceback" not in self.text
        return code

    def _drained(self) -> bool:
        if select.select([self._master], [], [], 0)[0]:
            self.text += os.read(self._master, 65_536).decode("utf-8", "replace")
        return False

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def terminal(served: Served) -> Iterator[Terminal]:
    made = Terminal(served.url)
    yield made
    made.close()


def test_pages_are_turned_and_the_terminal_is_as_before(terminal: Terminal) -> None:
    terminal.shows("meter", "Until ", "forecast", "gap")
    terminal.press("t")
    terminal.shows("1-0:1.8.1", "energy imported, high tariff")
    terminal.press("s")
    terminal.shows("grid.water", "source:main"[:4])
    terminal.press("p")
    terminal.shows("Monthly peaks")
    terminal.resize(200, 60)
    terminal.press("o")
    terminal.shows("Monthly peaks", "0-2:24.2.1")
    terminal.press("q")
    assert terminal.ends() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_restore_the_terminal(terminal: Terminal, number: int) -> None:
    terminal.shows("forecast")
    terminal.process.send_signal(number)
    assert terminal.ends() == 0


def test_a_lost_station_leaves_its_last_values_and_comes_back(
    station: Station, terminal: Terminal, served: Served
) -> None:
    terminal.shows("forecast")
    served.close()
    terminal.shows("What is shown is old", "forecast")
    again = Served(station, served.port)
    terminal.shows("q quit")
    terminal.press("q")
    assert terminal.ends() == 0
    again.close()


def test_into_a_pipe_it_prints_one_screen(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["top", served.url.removesuffix("/s0")]) == 0
    told = capsys.readouterr().out
    assert "meter" in told
    assert "\x1b" not in told


def test_where_nobody_answers_a_sentence_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["top", "http://127.0.0.1:9/s0"]) == 2
    assert "http://127.0.0.1:9/s0 does not answer" in capsys.readouterr().err
    assert main(["top", "gopher://x"]) == 2
    assert "is not an address such as http://" in capsys.readouterr().err


def test_without_rich_a_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith(("rich", "s0web.screen"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert main(["top", "http://127.0.0.1:9/s0"]) == 2
    assert "apt install python3-rich, or pip install rich" in capsys.readouterr().err


@pytest.fixture
def other() -> Iterator[Peer]:
    with peer() as made:
        yield made


@pytest.mark.parametrize("answer", [b"", b"[]", b"<html>", b"\xff", b"[" * 100_000, b'{"a": 1}'])
def test_another_server_is_no_station(
    other: Peer, answer: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    other.answer = answer
    assert main(["top", other.url]) == 2
    assert "is not a station of s0web" in capsys.readouterr().err


def test_a_password_goes_where_it_was_said_and_no_further(other: Peer) -> None:
    with peer() as elsewhere:
        other.status, other.head = 302, {"Location": f"{elsewhere.url}/api/v1/readings"}
        with pytest.raises(StationError, match="answers 302"):
            Client(other.url, "admin", "geheim").ask("readings")
        assert other.heads[0]["Authorization"].startswith("Basic ")
        assert elsewhere.paths == []
    other.status, other.head = 401, {}
    with pytest.raises(NeedsPassword, match="--user NAME") as refused:
        Client(other.url, "admin", "geheim").ask("readings")
    assert "geheim" not in str(refused.value)


def test_junk_never_ends_the_asking(other: Peer) -> None:
    news = News(Client(other.url), FakeClock())
    for answer in ({"devices": []}, {"devices": {"x": 5}}, {"devices": {"x": {"values": 1}}}):
        other.answer = json.dumps(answer).encode()
        news.turn()
        assert not news.known.trouble
    other.status = 500
    clock_later(news)
    news.turn()
    assert "answers 500" in news.known.trouble
    assert news.known.document("readings")  # what was said last stays


def clock_later(news: News) -> None:
    """All is due."""
    news._due.clear()


LAN: dict[str, Any] = {"environ_base": {"REMOTE_ADDR": "192.168.1.20"}}


def test_a_telegram_is_for_this_machine_and_those_with_the_password(ini: Path) -> None:
    for station in running(ini, GRID):
        client = create_app(station).test_client()
        answer = client.get("/api/v1/telegram/grid")
        assert answer.mimetype == "text/plain"
        assert parse(answer.data).text("0-0:96.1.1")
        assert client.get("/api/v1/telegram/grid", **LAN).status_code == 403
        hashed = generate_password_hash("correct horse", "pbkdf2:sha256:1000")
        config.save(ini, {"web": {"admin_password": hashed}})
        until(
            lambda s=station: s.config and s.config.sections["web"]["admin_password"],
            "the password",
        )
        assert client.get("/api/v1/telegram/grid", **LAN).status_code == 401
        right = {"auth": ("admin", "correct horse"), **LAN}
        assert client.get("/api/v1/telegram/grid", **right).status_code == 200
        assert client.get("/api/v1/telegram/main").status_code == 404
        assert "There is no device" in client.get("/api/v1/telegram/nobody").text

"""The way through SSH, with the system's ssh and a real sshd."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from s0web.errors import SinkError
from s0web.sinks.hosts import Host
from s0web.sinks.tunnel import Tunnel, place
from tests.conftest import until
from tests.ssh_server import Sshd, make_key

NAME = ".s.PGSQL.5432"


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    made = Sshd(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def echo() -> Iterator[Host]:
    """A server that says again what it hears."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                while data := connection.recv(4096):
                    connection.sendall(data)

    serving = threading.Thread(target=serve)
    serving.start()
    yield Host("127.0.0.1", listener.getsockname()[1])
    listener.shutdown(socket.SHUT_RDWR)
    serving.join()
    listener.close()


def tunnel(sshd: Sshd, **other: str) -> Tunnel:
    given = {"to": sshd.to, "key": str(sshd.key), "known_hosts": str(sshd.known_hosts)} | other
    return Tunnel(place(given["to"]), given["key"], given["known_hosts"], 5)


def said(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(100)


def connected(through: Tunnel, host: Host) -> socket.socket:
    """As libpq does it: a connection counts when the server has answered."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    try:
        with through.way(host, NAME) as folder:
            connection.connect(f"{folder}/{NAME}")
            assert Path(folder).stat().st_mode & 0o077 == 0
            try:
                answer = said(connection, b"?")
            except OSError:
                answer = b""
            if answer != b"?":
                raise SinkError("closed")
    except BaseException:
        connection.close()
        raise
    assert not Path(folder).exists()
    return connection


def refusal(through: Tunnel, host: Host) -> str:
    with pytest.raises(SinkError) as caught:
        connected(through, host)
    through.close()
    return str(caught.value)


def children() -> list[int]:
    """Of this process: those called ssh."""
    pids: list[int] = []
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that ended meanwhile
            pids += map(int, (task / "children").read_text().split())
    return [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text() == "ssh\n"]


def test_what_is_sent_goes_through_and_no_port_is_opened(sshd: Sshd, echo: Host) -> None:
    through = tunnel(sshd)
    with connected(through, echo) as connection:
        assert said(connection, b"hello") == b"hello"
        assert len(children()) == 1
    through.close()
    through.close()
    assert children() == []


def test_when_ssh_dies_the_connection_ends_and_the_next_one_works(sshd: Sshd, echo: Host) -> None:
    through = tunnel(sshd)
    with connected(through, echo) as connection:
        os.kill(children()[0], signal.SIGKILL)
        assert connection.recv(1) == b""
    with connected(through, echo) as connection:
        assert said(connection, b"again") == b"again"
    through.close()


def test_ssh_ends_when_the_station_is_killed(sshd: Sshd, echo: Host) -> None:
    code = f"""\
import socket, sys
from s0web.sinks.hosts import Host
from s0web.sinks.tunnel import Tunnel, place
through = Tunnel(place({sshd.to!r}), {str(sshd.key)!r}, {str(sshd.known_hosts)!r}, 5)
with through.way(Host("127.0.0.1", {echo.port}), "s") as folder:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(folder + "/s")
    connection.sendall(b"?")
    assert connection.recv(1) == b"?"
print(through._ssh.pid, flush=True)
sys.stdin.read()
"""
    station = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert station.stdout is not None
    assert station.stdin is not None
    ssh = Path("/proc", station.stdout.readline().strip())
    assert (ssh / "comm").read_text() == "ssh\n"
    station.kill()
    station.wait(10)
    station.stdout.close()
    station.stdin.close()

    def is_gone() -> bool:
        try:
            return "\nState:\tZ" in (ssh / "status").read_text()
        except OSError:
            return True

    until(is_gone, "the end of ssh")


def test_each_refusal_is_a_sentence(sshd: Sshd, echo: Host, tmp_path: Path) -> None:
    unknown = tmp_path / "nobody"
    unknown.write_text("")
    assert "a host whose key we do not know" in refusal(
        tunnel(sshd, known_hosts=str(unknown)), echo
    )
    stranger = make_key(tmp_path / "stranger")
    assert "refuses our key" in refusal(tunnel(sshd, key=str(stranger)), echo)
    sshd.key.chmod(0o644)
    assert "chmod 600" in refusal(tunnel(sshd), echo)
    sshd.key.chmod(0o600)
    nowhere = Host("127.0.0.1", 1)
    assert "cannot reach 127.0.0.1:1 " in refusal(tunnel(sshd), nowhere)
    assert "is unknown" in refusal(tunnel(sshd, to="pi@nosuch.invalid"), echo)
    assert "does sshd run there" in refusal(tunnel(sshd, to="pi@127.0.0.1:1"), echo)
    sshd.stop()
    sshd.new_host_key()
    sshd.start()
    assert "shows another host key" in refusal(tunnel(sshd), echo)


def test_a_host_that_forwards_nothing_is_told(tmp_path: Path, echo: Host) -> None:
    sshd = Sshd(tmp_path, forwarding="no")
    sshd.start()
    assert "does not let us on to 127.0.0.1" in refusal(tunnel(sshd), echo)
    sshd.stop()


def test_without_ssh_it_says_what_to_install(
    sshd: Sshd, echo: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "sudo apt install openssh-client" in refusal(tunnel(sshd), echo)


@pytest.mark.parametrize(
    "text", ["pi", "pi@", "@db", "-oProxyCommand=x@db", "pi@-db", "pi@db:0", "pi@db:99999", "a b@c"]
)
def test_what_is_no_ssh_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no SSH host"):
        place(text)


def test_an_ssh_host_may_have_a_port_and_an_address() -> None:
    assert place("pi@db.lan") == ("pi", "db.lan", 22)
    assert place("pi@[fe80::1]:2222") == ("pi", "fe80::1", 2222)

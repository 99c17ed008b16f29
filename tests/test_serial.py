"""The serial port on real pseudo terminals and sockets: reading, unplugging, and sentences."""

import errno
import os
import socket
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from s0web.errors import SourceError
from s0web.hardware.serial import open_port, ports
from tests.cable import Cable


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "usb-P1_cable")
    yield cable
    cable.unplug()


def test_a_read_returns_all_that_is_there(cable: Cable) -> None:
    port = open_port(str(cable.link), 115200)
    cable.write(b"/KAM5\r\n")
    cable.write(b"\x11\x13\xff\x00!\r\n")  # flow control and control bytes are bytes like any other
    data = b""
    while len(data) < 14:
        data += port.read(5.0)
    assert data == b"/KAM5\r\n\x11\x13\xff\x00!\r\n"
    port.close()


def test_a_read_waits_for_the_first_byte_only(cable: Cable) -> None:
    port = open_port(str(cable.link), 115200)
    timer = threading.Timer(0.05, cable.write, [b"x"])
    timer.start()
    assert port.read(60.0) == b"x"
    timer.join()
    port.close()


def test_a_silent_line_gives_no_bytes_and_no_error(cable: Cable) -> None:
    port = open_port(str(cable.link), 115200)
    assert port.read(0.0) == b""
    assert port.read(0.01) == b""
    port.close()


def test_bytes_from_before_the_opening_are_discarded(cable: Cable) -> None:
    cable.write(b"half of an old telegram")
    port = open_port(str(cable.link), 115200)
    assert port.read(0.0) == b""
    port.close()


def test_the_speed_can_be_changed_while_open(cable: Cable) -> None:
    port = open_port(str(cable.link), 115200)
    assert termios.tcgetattr(cable.master)[5] == termios.B115200
    port.set_baud(9600)
    assert termios.tcgetattr(cable.master)[5] == termios.B9600
    port.close()


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_an_unplugged_port_raises_with_its_name(cable: Cable, seconds: float) -> None:
    port = open_port(str(cable.link), 115200)
    cable.unplug()
    with pytest.raises(SourceError, match="usb-P1_cable is gone"):
        port.read(seconds)
    port.close()


def test_replugging_a_hundred_times_heals_and_leaks_nothing(cable: Cable) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        port = open_port(str(cable.link), 115200)
        cable.write(b"x")
        assert port.read(5.0) == b"x"
        cable.unplug()
        with pytest.raises(SourceError):
            port.read(5.0)
        port.close()
        with pytest.raises(SourceError):
            open_port(str(cable.link), 115200)
        cable.plug()
    assert len(os.listdir("/proc/self/fd")) == before


def test_closing_twice_is_harmless_and_reading_then_raises(cable: Cable) -> None:
    port = open_port(str(cable.link), 115200)
    port.close()
    port.close()
    with pytest.raises(SourceError, match="closed"):
        port.read(0.0)


def test_a_missing_port_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no port .*ttyUSB7: is its cable.*Adapters found: "):
        open_port(str(tmp_path / "ttyUSB7"), 115200)


def test_a_port_in_use_names_the_program_that_holds_it(cable: Cable) -> None:
    port = open_port(str(cable.link), 115200)
    with pytest.raises(SourceError, match=rf"in use by another program \(.* \({os.getpid()}\)"):
        open_port(str(cable.link), 115200)
    port.close()


def test_a_file_is_not_taken_for_a_port(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(SourceError, match=r"notes.txt cannot be used as a serial port"):
        open_port(str(tmp_path / "notes.txt"), 115200)


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "group dialout"), (errno.EIO, "plug it in again")],
)
def test_a_refused_port_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(code, os.strerror(code))

    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(SourceError, match=rf"/dev/ttyUSB0 .*{words}"):
        open_port("/dev/ttyUSB0", 115200)


def test_a_port_behind_a_network_is_read_until_the_far_side_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 115200)
        far, _ = server.accept()
        far.sendall(b"/KAM5\r\n")
        assert port.read(5.0) == b"/KAM5\r\n"
        assert port.read(0.0) == b""
        port.set_baud(9600)  # the far side's matter
        far.close()
        with pytest.raises(SourceError, match="is gone"):
            port.read(5.0)
        port.close()


def test_a_far_side_that_is_away_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        name = f"socket://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(SourceError, match=rf"{name} cannot be reached .*ser2net"):
        open_port(name, 115200)


@pytest.mark.parametrize("name", ["socket://", "socket://host", "socket://host:x", "socket://:1"])
def test_an_address_without_host_or_port_is_refused(name: str) -> None:
    with pytest.raises(SourceError, match="is no address"):
        open_port(name, 115200)


def test_ports_lists_what_is_plugged_in(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    folder = tmp_path / "by-id"
    assert ports(str(folder)) == []
    folder.mkdir()
    (folder / "usb-FTDI_P1").symlink_to("../ttyUSB0")
    (folder / "usb-FTDI_gone").symlink_to("../ttyUSB1")
    assert ports(str(folder)) == [(str(folder / "usb-FTDI_P1"), str(device))]

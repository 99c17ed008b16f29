"""A serial port, local (pyserial) or behind a network (ser2net), read as bytes.

1. 8N1, no flow control, claimed with an advisory lock; bytes from before the opening are discarded.
2. A port that is gone (end of file, EIO, hang-up) raises, so that its owner can open it again.
3. Every failure is a SourceError: a sentence that names the port, the reason and what to do.
"""

import errno
import os
import select
import socket
import termios
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import SourceError

if TYPE_CHECKING:
    from serial import Serial

BY_ID = "/dev/serial/by-id"
CONNECT_SECONDS = 5.0
KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))


class SerialPort:
    """A claimed port (hardware.Port); not for two threads at once."""

    def __init__(self, name: str, wire: "Serial | socket.socket") -> None:
        self._name, self._wire, self._open = name, wire, True
        self._fd = wire.fileno()
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)

    def read(self, seconds: float) -> bytes:
        """Wait up to `seconds` for the first byte and return all that are there, perhaps b""."""
        if not self._open:
            raise SourceError(f"{self._name} is closed: open it first")
        if seconds > 0 and not self._poll.poll(seconds * 1000):
            return b""
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise gone(self._name, os.strerror(error.errno or 0)) from error
        if not data:
            raise gone(self._name, "it ended")
        return data

    def set_baud(self, baud: int) -> None:
        """Change the speed in bit/s; behind a network it is the far side that sets it."""
        if isinstance(self._wire, socket.socket):
            return
        try:
            self._wire.baudrate = baud
        except (OSError, termios.error, ValueError) as error:
            raise SourceError(f"{self._name} cannot be set to {baud} baud: {error}") from error

    def close(self) -> None:
        if self._open:
            self._open = False
            self._wire.close()


def open_port(name: str, baud: int) -> SerialPort:
    """Claim a port, `/dev/...` or `socket://host:port`, at `baud` bit/s; raises SourceError."""
    if name.startswith("socket://"):
        ask = "is that machine on, and does ser2net run there?"
        return SerialPort(name, connect(name, "socket://192.168.1.20:2001", ask))
    return SerialPort(name, _claim(name, baud))


def ports(folder: str = BY_ID) -> list[tuple[str, str]]:
    """Return (path, device) of each adapter; a path by id outlives a change of ttyUSB number."""
    try:
        paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))
    except OSError:  # the folder is there only while an adapter is
        return []
    return [(path, os.path.realpath(path)) for path in paths if os.path.exists(path)]


def _claim(name: str, baud: int) -> "Serial":
    from serial import Serial

    try:
        # inter_byte_timeout=0 sets VMIN to 1: "no byte yet" is then EAGAIN, and b"" only a hang-up
        return Serial(name, baud, timeout=0, exclusive=True, inter_byte_timeout=0)
    except (OSError, termios.error, ValueError) as error:
        raise SourceError(why_not(name, error)) from error


def connect(name: str, example: str, ask: str, port: int | None = None) -> socket.socket:
    """Connect to `scheme://host:port`, without a port to `port`; never waits once it is connected.

    SourceError: `example` is how it is written, `ask` what to look at when nobody answers.
    """
    try:
        parts = urlsplit(name)
        host, port = parts.hostname, parts.port or port
    except ValueError:
        host = None
    if not host or not port:
        raise SourceError(f"{name} is no address: write it as {example}")
    try:
        wire = socket.create_connection((host, port), CONNECT_SECONDS)
    except OSError as error:
        raise SourceError(f"{name} cannot be reached ({error.strerror or error}): {ask}") from error
    wire.setblocking(False)
    # a far side that lost its power never says good-bye: find out within half a minute
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        wire.setsockopt(socket.IPPROTO_TCP, option, value)
    return wire


def why_not(name: str, error: Exception) -> str:
    """Say in a sentence why a local port cannot be claimed, and what to do."""
    code = getattr(error, "errno", None)
    if code == errno.ENOENT:
        there = ", ".join(path for path, _ in ports()) or "none"
        return f"there is no port {name}: is its cable plugged in? Adapters found: {there}"
    if code in (errno.EACCES, errno.EPERM):
        return (
            f"{name} may not be opened by this user: add the user to the group dialout "
            "(sudo usermod -aG dialout USER) and start again"
        )
    if code in (errno.EAGAIN, errno.EBUSY):
        who = ", ".join(_holders(os.path.realpath(name))) or "perhaps ser2net or ModemManager"
        return f"{name} is in use by another program ({who}): stop that one, or use another port"
    if code in (errno.EIO, errno.ENXIO, errno.ENODEV):
        return (
            f"{name} does not answer ({os.strerror(code)}): unplug the adapter and plug it in again"
        )
    return f"{name} cannot be used as a serial port: {error}"


def _holders(device: str) -> list[str]:
    """Return the programs that hold the device, as far as this user may see: `cat (1234)`."""
    found = set()
    for link in glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) == device:
                process = Path(link).parents[1]
                found.add(f"{(process / 'comm').read_text().strip()} ({process.name})")
        except OSError:  # it has just ended, or is another user's
            continue
    return sorted(found)


def gone(name: str, reason: str) -> SourceError:
    return SourceError(f"{name} is gone ({reason}): was it unplugged, or did its power fail?")

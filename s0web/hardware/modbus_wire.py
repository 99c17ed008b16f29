"""Wires under a Modbus bus: a serial port with any baud, parity and stop bits, or a TCP connection.

Bytes go out and come in; a wire that is gone raises SourceError, so that its owner can open it
again.
"""

import os
import socket
import termios

from serial import Serial

from ..errors import SourceError
from . import BusLine
from .serial import SerialPort, connect, gone, why_not

MODBUS_PORT = 502


class Wire(SerialPort):
    """A claimed wire that takes bytes too; `delay` is by how many seconds it may hand them late."""

    def __init__(self, name: str, wire: Serial | socket.socket, delay: float) -> None:
        super().__init__(name, wire)
        self.delay = delay

    def write(self, data: bytes) -> None:
        """Send a request, which is far shorter than any buffer; raises SourceError."""
        try:
            sent = os.write(self._fd, data)
        except OSError as error:
            raise gone(self._name, os.strerror(error.errno or 0)) from error
        if sent < len(data):
            raise gone(self._name, "it takes no more bytes")

    def discard_output(self) -> None:
        """Forget what was not sent yet: nobody listens there."""
        if isinstance(self._wire, Serial):
            try:
                self._wire.reset_output_buffer()
            except (OSError, termios.error) as error:
                raise gone(self._name, str(error)) from error


def claim(line: BusLine) -> Wire:
    """Claim a local port; raises SourceError."""
    try:
        # inter_byte_timeout=0 sets VMIN to 1: "no byte yet" is then EAGAIN, and b"" only a hang-up
        port = Serial(
            line.port,
            line.baud,
            parity="N" if _is_pty(line.port) else line.parity,
            stopbits=line.stopbits,
            timeout=0,
            exclusive=True,
            inter_byte_timeout=0,
        )
    except (OSError, termios.error, ValueError) as error:
        raise SourceError(why_not(line.port, error)) from error
    return Wire(line.port, port, _hurry(port))


def _is_pty(name: str) -> bool:
    """A pty has no parity: glibc refuses to set it."""
    return os.path.realpath(name).startswith("/dev/pts/")


def _hurry(port: Serial) -> float:
    """Ask the adapter to pass bytes on at once; return by how long it may hold them back, in s.

    An FTDI gathers for 16 ms unless told otherwise; any user who may open the port may tell it.
    """
    try:
        port.set_low_latency_mode(True)
    except (OSError, ValueError):  # no such setting: a pty, an adapter of another make
        return 0.020
    return 0.005


def reach(name: str) -> Wire:
    """Connect to a gateway, `tcp://host:port` or `socket://host:port`; raises SourceError."""
    scheme = name.partition("://")[0]
    port = MODBUS_PORT if scheme == "tcp" else None
    ask = "is the gateway on, and is this its port?"
    wire = connect(name, f"{scheme}://192.168.1.20:{port or 2001}", ask, port)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Wire(name, wire, 0.100)

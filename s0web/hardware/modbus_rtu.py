"""A Modbus RTU bus, on a local port or through a network: minimalmodbus asks, `_Line` listens.

1. An RTU answer does not name its registers, so what comes late could pass for the answer to
   another request of the same length. The bus remembers what it is owed; before it asks for other
   registers of that length it listens until the late answer came, or cannot come any more.
2. The answer ends the wait at once. Bytes before it are skipped only where the whole frame fits.
3. minimalmodbus builds the request and checks the answer. Its raw command is used: turning bytes
   into numbers one by one, as `read_registers` does, takes eight times as long.
"""

import struct
import time
from typing import cast

import minimalmodbus

from ..errors import ReplyError, SourceError
from . import BusLine
from .modbus_frame import (
    REQUEST_SIZE,
    Owed,
    Request,
    find_answer,
    find_refusal,
    find_unit,
    is_request,
    owed_at,
    refusal,
)
from .modbus_wire import Wire, claim, reach

LATE = 3.0  # s; meters answer within 0.2 s or give up, the slowest adapters within 1 s
LATE_NETWORK = 6.0  # s; TCP may send a lost packet for the fourth time after 3 s
GAP = 0.2  # s of silence that end a frame: 1.5 characters by the standard, but a USB port may stall
BABBLE = 1.0  # s after which a line that is never silent is given up
FIFO = 16  # bytes that a UART may gather before it passes them on
MOST = 4096  # bytes kept while no frame is found
TRY_TCP = "if the gateway speaks Modbus TCP, write tcp:// in place of socket://"


class RtuBus:
    """hardware.Bus with RTU frames."""

    def __init__(self, line: BusLine) -> None:
        is_remote = line.port.startswith("socket://")
        wire = reach(line.port) if is_remote else claim(line)
        self.note = "RTU over TCP" if is_remote else f"{line.baud} 8{line.parity}{line.stopbits}"
        late = LATE_NETWORK if is_remote else LATE
        self._line = _Line(wire, line, is_remote, owed_at(line.port, late))
        self._master = minimalmodbus.Instrument(self._line, 1)

    def read(
        self, unit: int, function: int, address: int, count: int, timeout: float, pause: float
    ) -> bytes:
        self._line.prepare(Request(unit, function, address, count), timeout, pause)
        self._master.address = unit
        payload = self._master._perform_command(function, struct.pack(">HH", address, count))
        return cast(bytes, payload[1:])

    def close(self) -> None:
        self._line.close()


class _Line:
    """What minimalmodbus takes for its serial port; `read` returns a sound answer, or raises."""

    def __init__(self, wire: Wire, line: BusLine, is_remote: bool, owed: Owed) -> None:
        self._wire, self._owed, self._is_remote = wire, owed, is_remote
        self.port, self.baudrate, self.is_open = line.port, line.baud, True
        bits = 9 + line.stopbits + (line.parity != "N")
        self._byte = bits / line.baud  # s
        self._silence = max(3.5 * self._byte, 0.00175)
        # through a network a frame may come in parts at any distance
        self._gap = float("inf") if is_remote else GAP + FIFO * self._byte
        self._slack = wire.delay + FIFO * self._byte
        self._heard = time.monotonic()  # when the bus was last in use
        self._is_proved = False  # it gave a good answer once
        self._request, self._sent, self._patience = Request(0, 0, 0, 0), b"", 0.0

    def prepare(self, request: Request, timeout: float, pause: float) -> None:
        """Take note of what is asked next; wait until it may be asked."""
        self._request, self._patience = request, timeout
        silence, stray = max(pause, self._silence), b""
        give_up = time.monotonic() + silence + BABBLE
        while True:
            now = time.monotonic()
            self._owed.forget(now)
            until = self._owed.until(request)
            if (stray and list(self._owed)) or len(stray) >= REQUEST_SIZE:
                silence = max(silence, GAP)  # a late answer, or the talk of others: let it end
            wait = max(self._heard + silence, until) - now
            chunk = self._wire.read(max(0.0, wait))
            if not chunk and wait <= 0:
                return
            if not chunk:
                continue
            self._heard = time.monotonic()
            stray = self._settle(stray + chunk)[-MOST:]
            if self._heard > max(give_up, until):
                raise ReplyError(
                    "garbled",
                    "the bus is never silent: is there a second master on it, or are A and B "
                    "swapped?",
                )

    def _settle(self, data: bytes) -> bytes:
        """Take the late answers out of what came."""
        for request in self._owed:
            if (at := find_answer(data, request)) >= 0:
                self._owed.settle(request)
                data = data[:at] + data[at + request.size :]
        return data

    def open(self) -> None:
        """It is open as long as it lives."""

    def close(self) -> None:
        self.is_open = False
        self._wire.close()

    def reset_input_buffer(self) -> None:
        """`prepare` has read what came."""

    def reset_output_buffer(self) -> None:
        self._wire.discard_output()

    def write(self, data: bytes) -> None:
        self._sent = data
        self._wire.write(data)
        self._heard = time.monotonic() + len(data) * self._byte

    def read(self, size: int) -> bytes:
        """The frame that answers the request, as soon as it is there; raises ReplyError."""
        try:
            data = self._listen()
        except SourceError as error:
            if self._is_remote and not self._is_proved:
                raise SourceError(f"{error} Or {TRY_TCP}.") from error
            raise
        finally:
            self._heard = max(self._heard, time.monotonic())
        self._is_proved = True
        return data

    def _listen(self) -> bytes:
        request, data = self._request, b""
        before = self._owed.others(request)
        self._owed.add(request, time.monotonic())
        begin_by = self._heard + self._patience + self._slack
        end_by = begin_by + request.size * self._byte
        last = begin_by
        while True:
            limit = end_by if data else begin_by
            if len(data) >= request.size or request.head in data:
                limit = min(end_by, last + self._gap)
            chunk = self._wire.read(max(0.0, limit - time.monotonic()))
            last = time.monotonic()
            data = (data + chunk)[-MOST:].removeprefix(self._sent)  # some adapters hear themselves
            if (at := find_answer(data, request)) >= 0:
                before_it = data[max(0, at - REQUEST_SIZE) : at]
                if before_it != self._sent and is_request(before_it, request.unit):
                    raise ReplyError("stranger", "another program on the bus asked it meanwhile")
                self._settle(data)
                return data[at : at + request.size]
            if (code := find_refusal(data, request)) and not self._is_anothers(before):
                self._owed.settle(request)
                raise refusal(code)
            if before and chunk:
                rest = self._settle(data)
                end_by += (len(data) - len(rest)) * self._byte  # ours came behind it
                data = rest
            if not chunk or last > end_by:
                raise self._verdict(data)

    def _is_anothers(self, before: list[Request]) -> bool:
        """A refusal names no registers: it may be the late answer to another request."""
        ours = self._request[:2]
        return any(other[:2] == ours for other in before)

    def _verdict(self, data: bytes) -> ReplyError:
        """Why there is no good answer in what came."""
        request = self._request
        if not data:
            hint = f"; {TRY_TCP}" if self._is_remote and not self._is_proved else ""
            return ReplyError("silent", f"no answer within {self._patience:.2f} s{hint}")
        if unit := find_unit(data, request.unit):
            return ReplyError("stranger", f"unit {unit} answered in its place")
        if find_refusal(data, request):
            return ReplyError("garbled", "a refusal that may be of an earlier request")
        at = data.find(request.head)
        if at < 0 and self._is_remote and data[2:4] == b"\0\0":  # where MBAP has its protocol
            return ReplyError("garbled", f"Modbus TCP in place of RTU frames; {TRY_TCP}")
        if at < 0:
            text = f"{len(data)} bytes that make no answer: are baud and parity right?"
            return ReplyError("garbled", text)
        if list(self._owed) == [request]:
            self._owed.settle(request)  # damaged, yet the answer: it does not come again
        there = len(data) - at
        if there < request.size:
            return ReplyError("short", f"only {there} of {request.size} bytes of the answer")
        return ReplyError("garbled", "a damaged answer (its checksum is wrong)")

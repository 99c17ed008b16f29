"""A Modbus TCP bus: a small client for gateways and meters that speak MBAP.

    1 transaction (2)   2 protocol (2), 0   3 bytes that follow (2)   4 unit   5 function ...

An answer repeats the transaction of its request, so a late one is known and dropped. The line
behind a gateway has no transactions: where it was silent, as many other registers are not asked for
until nothing can come late any more, lest the gateway takes the one answer for the other. Source:
Modbus Messaging on TCP/IP Implementation Guide V1.0b.
"""

import random
import struct
import time

from ..errors import ReplyError, SourceError
from . import BusLine
from .modbus_frame import REFUSED, Request, owed_at, refusal
from .modbus_wire import reach

HEADER = struct.Struct(">HHH")
LATE = 3.0  # s after which no answer comes on the line behind a gateway
STUCK = 1.5  # s for which a gateway may wait for a meter that is off; meanwhile it asks no other
BABBLE = 1.0  # s for which late answers are taken, at most
LONGEST = 254  # bytes that may follow the header
TRY_SOCKET = "if the gateway passes RTU frames on as they are, write socket:// in place of tcp://"


class TcpBus:
    """hardware.Bus with MBAP frames."""

    note = "Modbus TCP"

    def __init__(self, line: BusLine) -> None:
        self._wire = reach(line.port)
        self._byte = (9 + line.stopbits + (line.parity != "N")) / line.baud  # s, behind the gateway
        self._data = b""  # of a frame that has not ended
        self._transaction = random.getrandbits(16)  # unlike that of a connection before
        self._owed = owed_at(line.port, LATE)
        self._heard = time.monotonic()
        self._proved = set[int]()  # units that gave a good answer once

    def read(
        self, unit: int, function: int, address: int, count: int, timeout: float, pause: float
    ) -> bytes:
        request = Request(unit, function, address, count)
        try:
            self._hush(pause, request)
            self._transaction = (self._transaction + 1) & 0xFFFF
            body = struct.pack(">BBHH", unit, function, address, count)
            self._wire.write(HEADER.pack(self._transaction, 0, len(body)) + body)
            patience = timeout + (8 + 5 + 2 * count) * self._byte + self._wire.delay
            now = time.monotonic()
            stuck = self._owed.asked(but=unit) + STUCK if unit in self._proved else now
            self._owed.add(request, now)
            answer = self._answer(timeout, max(now, stuck) + patience)
        except SourceError as error:
            if self._proved:
                raise
            raise SourceError(f"{error} Or {TRY_SOCKET}.") from error
        finally:
            self._heard = time.monotonic()
        if answer[0] != unit:
            raise ReplyError("stranger", f"unit {answer[0]} answered in its place")
        if answer[1] == function | REFUSED and len(answer) == 3:
            refused = refusal(answer[2])
            if refused.kind != "silent":
                self._owed.settle(request)
            raise refused
        if answer[1:3] != bytes((function, 2 * count)) or len(answer) != 3 + 2 * count:
            raise ReplyError("garbled", "an answer to something else than was asked")
        self._owed.settle(request)
        self._proved.add(unit)
        return answer[3:]

    def close(self) -> None:
        self._wire.close()

    def _hush(self, pause: float, request: Request) -> None:
        """Let the bus behind the gateway rest, and take what came late."""
        self._owed.forget(time.monotonic())
        wait = max(self._heard + pause, self._owed.until(request)) - time.monotonic()
        if wait > 0:
            time.sleep(wait)
            self._owed.forget(time.monotonic())
        end = time.monotonic() + BABBLE
        while time.monotonic() < end and (chunk := self._wire.read(0.0)):
            self._data += chunk
            while self._frame() is not None:
                continue

    def _answer(self, timeout: float, end: float) -> bytes:
        """Unit, function and the rest of the answer to the last request; raises ReplyError."""
        while True:
            while (frame := self._frame()) is not None:
                if frame[0] == self._transaction:
                    return frame[1]
            left = end - time.monotonic()
            chunk = self._wire.read(left) if left > 0 else b""
            if not chunk and self._data:
                raise ReplyError("short", f"only {len(self._data)} bytes of an answer")
            if not chunk:
                hint = "" if self._proved else f"; {TRY_SOCKET}"
                raise ReplyError("silent", f"no answer within {timeout:.2f} s{hint}")
            self._data += chunk

    def _frame(self) -> tuple[int, bytes] | None:
        """Cut off the first whole frame: its transaction, and what follows the header."""
        if len(self._data) < HEADER.size:
            return None
        transaction, protocol, length = HEADER.unpack_from(self._data)
        if protocol != 0 or not 3 <= length <= LONGEST:
            strange, self._data = len(self._data), b""
            raise ReplyError("garbled", f"{strange} bytes that are no Modbus TCP; {TRY_SOCKET}")
        if len(self._data) < HEADER.size + length:
            return None
        frame = self._data[HEADER.size : HEADER.size + length]
        self._data = self._data[HEADER.size + length :]
        return transaction, frame

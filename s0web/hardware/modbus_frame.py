"""RTU frames as they lie among other bytes, and the answers that a bus still owes.

    request  unit, function, address (2), count (2), CRC (2, low byte first)
    answer   unit, function, number of bytes, the bytes, CRC (2)
    refusal  unit, function + 128, code, CRC (2)

Source: Modbus over Serial Line V1.02, Modbus Application Protocol V1.1b3. An answer does not say
which address it is of: only `Owed` tells a late one from the right one.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import ReplyError

REFUSED = 0x80  # is added to the function code
REFUSAL_SIZE = 5
REQUEST_SIZE = 8
CODES = {
    1: "it does not know this function",
    2: "it has no such registers, or gives not so many at once",
    3: "it does not accept this number of registers",
    4: "it failed while it answered",
    5: "it needs more time",
    6: "it is busy",
    10: "the gateway has no way to it",
    11: "the gateway has no answer from it",
}


def _table() -> tuple[int, ...]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = row >> 1 ^ (0xA001 if row & 1 else 0)
        rows.append(row)
    return tuple(rows)


_TABLE = _table()


def crc(data: bytes) -> int:
    """CRC-16/MODBUS; 0 over a frame that ends with its own."""
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ _TABLE[(register ^ byte) & 0xFF]
    return register


class Request(NamedTuple):
    unit: int
    function: int
    address: int
    registers: int  # how many

    @property
    def head(self) -> bytes:
        """How its answer begins; that of the same number of registers elsewhere begins alike."""
        return bytes((self.unit, self.function, 2 * self.registers))

    @property
    def size(self) -> int:
        """Bytes of its answer."""
        return 5 + 2 * self.registers


def find_answer(data: bytes, request: Request) -> int:
    """Where the last undamaged frame begins that may answer this request; -1 = nowhere."""
    at = data.rfind(request.head)
    while at >= 0:
        frame = data[at : at + request.size]
        if len(frame) == request.size and crc(frame) == 0:
            return at
        at = data.rfind(request.head, 0, at + len(request.head) - 1)
    return -1


def find_refusal(data: bytes, request: Request) -> int:
    """The code with which this unit refuses this function; 0 = it does not."""
    head = bytes((request.unit, request.function | REFUSED))
    at = data.find(head)
    while at >= 0:
        frame = data[at : at + REFUSAL_SIZE]
        if len(frame) == REFUSAL_SIZE and crc(frame) == 0:
            return frame[2]
        at = data.find(head, at + 1)
    return 0


def find_unit(data: bytes, but: int) -> int:
    """The unit of the first undamaged frame of another than `but`; 0 = there is none."""
    for at in range(len(data) - REFUSAL_SIZE + 1):
        unit, function = data[at], data[at + 1]
        if unit == but or not 1 <= unit <= 247 or function & ~REFUSED not in (3, 4):
            continue
        size = REFUSAL_SIZE if function & REFUSED else 5 + data[at + 2]
        if at + size <= len(data) and crc(data[at : at + size]) == 0:
            return unit
    return 0


def is_request(data: bytes, unit: int) -> bool:
    """Whether that is a request to this unit."""
    return len(data) == REQUEST_SIZE and data[0] == unit and data[1] in (3, 4) and crc(data) == 0


def refusal(code: int) -> ReplyError:
    """What to raise for an exception reply; of a meter that a gateway cannot reach: silent."""
    text = CODES.get(code, "for a reason of its own")
    if code in (10, 11):
        return ReplyError("silent", text, code)
    return ReplyError("refused", f"refused with code {code}: {text}", code)


class Owed:
    """The requests of the last seconds whose answer did not come, and may still come."""

    def __init__(self, late: float) -> None:
        self._late = late  # s after which no answer comes any more
        self._asked: list[tuple[float, Request]] = []  # oldest first

    def __iter__(self) -> Iterator[Request]:
        return iter([request for _, request in self._asked])

    def add(self, request: Request, now: float) -> None:
        self._asked.append((now, request))

    def forget(self, now: float) -> None:
        """Drop what is too old."""
        self._asked = [row for row in self._asked if row[0] + self._late > now]

    def settle(self, request: Request) -> None:
        """An answer like this came: it belongs to the oldest request that it fits."""
        for row in self._asked:
            if row[1].head == request.head:
                self._asked.remove(row)
                return

    def others(self, request: Request) -> list[Request]:
        """All but those of the very same registers."""
        return [other for other in self if other != request]

    def asked(self, but: int) -> float:
        """When a request to another unit than `but` was made last; 0.0 = to none."""
        return max((asked for asked, other in self._asked if other.unit != but), default=0.0)

    def until(self, request: Request) -> float:
        """When an answer can no longer be mistaken for that to `request`; 0.0 = at once."""
        return max(
            (
                asked + self._late
                for asked, other in self._asked
                if other.head == request.head and other.address != request.address
            ),
            default=0.0,
        )


_OWED: dict[str, Owed] = {}  # port -> what is owed there


def owed_at(port: str, late: float) -> Owed:
    """What is owed at a port, also after it was opened again, be it by another name."""
    return _OWED.setdefault(os.path.realpath(port) if port.startswith("/") else port, Owed(late))

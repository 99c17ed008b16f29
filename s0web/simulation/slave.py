"""Modbus meters of the simulated house: what they answer, on a pty as a real RTU slave, or straight
from memory.

    request  (1) unit (2) function (3) address (4) count (5) CRC     8 bytes
    answer   (1) unit (2) function (3) bytes that follow (4) registers (5) CRC
    refusal  (1) unit (2) function + 0x80 (3) code (5) CRC           5 bytes

All numbers have the high byte first, but the CRC. Source: Modbus over serial line V1.02.
"""

import struct
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..errors import ReplyError, SourceError
from ..hardware.modbus_frame import crc
from ..meters.registers import Meter, Register
from ..registry import METERS, load
from .house import Truth
from .pty import Pty
from .truths import grid, solar

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_COUNT = 1, 2, 3  # codes of a refusal
REQUEST = 8  # bytes
LONGEST = 256  # bytes of a frame
SILENCE = 0.1  # s: ends a frame that is no request
FIFO = 16  # bytes that a UART passes on at once
TOTALS = ("energy_total", "reactive_energy_total")
FIRST_SERIAL = 24_050_000  # what the meter of unit 0 would have


class _Field(NamedTuple):
    register: Register
    fixed: float | None = None  # what it always holds; None: what the house measures


class _Fields:
    """All that one function of a meter reads: which addresses, and what is there."""

    def __init__(self, fields: list[_Field], areas: tuple[tuple[int, int], ...]) -> None:
        self._fields = fields
        spans = {(f.register.address, f.register.end) for f in fields}
        self._known = {a for first, end in (*areas, *spans) for a in range(first, end)}
        self._inside = {a for first, end in spans for a in range(first + 1, end)}
        self._step = 2 if all(first % 2 == end % 2 == 0 for first, end in spans) else 1

    def refuses(self, address: int, count: int) -> bool:
        """Whether that leaves what the meter has, or would cut a register in two."""
        ends = {address, address + count}
        return (
            not self._known.issuperset(range(address, address + count))
            or not self._inside.isdisjoint(ends)
            or any(end % self._step for end in ends)
        )

    def read(self, address: int, count: int, values: Mapping[str, float]) -> bytes:
        """The registers; gaps between those that the meter has are 0."""
        data = bytearray(2 * count)
        for register, fixed in self._fields:
            if address <= register.address < address + count:
                number = values.get(register.quantity, 0.0) if fixed is None else fixed
                if register.kind.startswith("uint"):
                    number = abs(number)  # such a meter knows no direction
                start = 2 * (register.address - address)
                data[start : start + 2 * register.words] = register.encode(number)
        return bytes(data)


class _Unit:
    """One meter on the bus: its table, and what it holds for each function."""

    def __init__(self, unit: int, model: str) -> None:
        self.meter: Meter = load(METERS, model)
        self.measures = solar if self.meter.phases == 1 else grid
        serial, code = self.meter.serial, self.meter.code
        codes = code.models.items() if code else ()
        # where two quantities are one register, it counts both ways: the total is put there last
        own = sorted(self.meter.registers, key=lambda register: register.quantity in TOTALS)
        fields = {self.meter.function: [_Field(register) for register in own]}
        for probe, number in (
            (serial, FIRST_SERIAL + unit),
            (code, next((number for number, name in codes if name == model), 0)),
        ):
            if probe:
                register = Register("", probe.address, probe.kind)
                fields.setdefault(probe.function, []).append(_Field(register, number))
        self._functions = {
            function: _Fields(held, self.meter.areas if function == self.meter.function else ())
            for function, held in fields.items()
        }

    def registers(self, function: int, address: int, count: int, truth: Truth) -> bytes:
        """Raises ReplyError as Slave.registers does."""
        if (fields := self._functions.get(function)) is None:
            raise _refusal(ILLEGAL_FUNCTION, f"the {self.meter.name} has no function {function}")
        if not 1 <= count <= self.meter.most:
            reason = f"the {self.meter.name} reads 1 to {self.meter.most} registers, not {count}"
            raise _refusal(ILLEGAL_COUNT, reason)
        if fields.refuses(address, count):
            reason = f"the {self.meter.name} has no {count} registers from {address} on"
            raise _refusal(ILLEGAL_ADDRESS, reason)
        return fields.read(address, count, self.measures(truth))


def _refusal(code: int, text: str) -> ReplyError:
    return ReplyError("refused", text, code)


class Slave:
    """The meters on one bus, unit -> model: three-phase ones at the grid, others at the inverter.

    `truth` is asked once for each answer, so all registers of one answer are of one second. May be
    used by several threads. Raises KeyError for a model that is not registered.
    """

    def __init__(self, meters: Mapping[int, str], truth: Callable[[], Truth]) -> None:
        self._truth = truth
        self._units = {unit: _Unit(unit, model) for unit, model in meters.items()}

    def registers(self, unit: int, function: int, address: int, count: int) -> bytes:
        """What a meter answers: 2 * count bytes. Raises ReplyError: silent where there is no such
        unit, refused with the code of Modbus where the meter would not read that.
        """
        if unit not in self._units:
            raise ReplyError("silent", f"there is no unit {unit} on this bus")
        return self._units[unit].registers(function, address, count, self._truth())

    def answer(self, frame: bytes) -> bytes:
        """The RTU frame that answers a frame; b"" where all meters stay silent: not theirs, or
        damaged.
        """
        if len(frame) < 4 or crc(frame) != 0:
            return b""
        unit, function = frame[:2]
        address, count = struct.unpack(">HH", frame[2:6]) if len(frame) == REQUEST else (0, 0)
        try:
            data = self.registers(unit, function, address, count)
            body = bytes((unit, function, len(data))) + data
        except ReplyError as error:
            if error.kind == "silent":
                return b""
            body = bytes((unit, function | 0x80, error.code))
        return body + crc(body).to_bytes(2, "little")


class PtySlave:
    """An RTU slave on a real port: it answers in a thread of its own until it is closed.

    `slave` may be replaced at any time. The meter takes `latency` s to begin its answer; with a
    `baud`, request and answer also take the time of such a line, with so many bits for a byte.
    """

    def __init__(
        self, slave: Slave, baud: int | None = None, latency: float = 0.002, bits: int = 10
    ) -> None:
        self.slave, self._latency = slave, latency
        self._byte_seconds = bits / baud if baud else 0.0
        self._pty = Pty()
        self.path = self._pty.path
        self.plug, self.unplug = self._pty.plug, self._pty.unplug
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slave", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Fall silent and leave nothing; may be called twice."""
        self._stop.set()
        self._pty.interrupt()
        self._thread.join()
        self._pty.close()

    def _run(self) -> None:
        heard = b""
        while not self._stop.is_set():
            data = self._pty.read(SILENCE if heard else None)
            heard = (heard + data)[-LONGEST:]
            request = heard[-REQUEST:]  # what came before it was noise
            if len(request) == REQUEST and crc(request) == 0:
                self._tell(request)
                heard = b""
            elif not data:
                self._tell(heard)  # a frame of another length has ended
                heard = b""

    def _tell(self, frame: bytes) -> None:
        """Answer, if that is to be answered, in the time that it takes."""
        if not (answer := self.slave.answer(frame)):
            return
        begin = time.monotonic() + len(frame) * self._byte_seconds + self._latency
        size = FIFO if self._byte_seconds else len(answer)
        for start in range(0, len(answer), size):
            part = answer[start : start + size]
            due = begin + (start + len(part)) * self._byte_seconds
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            self._pty.write(part)


class MemoryBus:
    """hardware.Bus that asks the meters straight, without a wire: for a FakeClock."""

    note = "simulated"

    def __init__(self, slave: Slave) -> None:
        self._slave, self._open = slave, True

    def read(
        self, unit: int, function: int, address: int, count: int, timeout: float, pause: float
    ) -> bytes:
        """The registers, at once; raises ReplyError as Slave.registers does."""
        if not self._open:
            raise SourceError("the simulated bus is closed: open it again")
        return self._slave.registers(unit, function, address, count)

    def close(self) -> None:
        """Let go; may be called twice."""
        self._open = False

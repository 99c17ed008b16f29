"""Modbus meters on a real pty, paced as on a line, that make the faults they are told to make.

    drop     no answer                      late     the answer comes `late()` seconds later
    corrupt  a byte of the answer changed   late 0.7 ... or after so many
    short    half of the answer             noise    some bytes, then the answer
    refuse   an exception reply, code 2     busy     the same, code 6
    stranger the answer bears another unit  echo     the request comes back, then the answer
    deaf     the request comes back alone

A late answer goes its own way: it may overtake, and be overtaken by, those to later requests.
"""

import heapq
import os
import queue
import select
import struct
import tempfile
import threading
import time
import tty
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from s0web.hardware.modbus_frame import crc

CHUNK = 16  # bytes that an adapter passes on at once

Registers = Callable[[int, int], int]  # unit, address -> its 16 bits now; LookupError = none
Fault = Callable[[int], str | None]  # number of the request -> what goes wrong with its answer


def frame(body: bytes) -> bytes:
    """Unit, function and the rest, with the checksum."""
    return body + struct.pack("<H", crc(body))


class FaultySlave:
    """Meters behind `path`. `baud=None`: not paced. `silence`: s that they (or each unit) need
    between the last byte on the bus and a request to them, else they do not hear it.
    """

    def __init__(
        self,
        registers: Registers,
        units: Sequence[int] = (1,),
        baud: int | None = 9600,
        bits: int = 10,
        latency: float = 0.02,
        silence: float | Mapping[int, float] = 0.0,
        most: int = 80,
        fault: Fault = lambda number: None,
        late: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self.registers, self.units, self.latency, self.most = registers, units, latency, most
        self.silence, self.fault, self.late = silence, fault, late
        self.byte = bits / baud if baud else 0.0  # s
        self.requests = 0  # heard, undamaged
        self.missed = 0  # not heard: too soon after the last byte
        self.asked: list[tuple[int, int, int, int]] = []  # unit, function, address, count
        self.faults: Counter[str] = Counter()
        self._folder = tempfile.TemporaryDirectory(prefix="s0web-")
        self.path = f"{self._folder.name}/bus"
        self._ends: tuple[int, ...] = ()  # ours, and the other, held so that ours has no hang-up
        self._due: list[tuple[float, int, bytes]] = []  # when, order, what to send
        self._order, self._busy_until, self._heard = 0, 0.0, b""
        self._orders: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]]
        self._orders = queue.SimpleQueue()
        self._bell = os.pipe()
        self._is_over = False
        self._plug()
        self._thread = threading.Thread(target=self._run, name="slave", daemon=True)
        self._thread.start()

    def plug(self) -> None:
        self._do(self._plug)

    def unplug(self) -> None:
        """Whoever has the port open gets an error, and its path is gone."""
        self._do(self._unplug)

    def send(self, data: bytes) -> None:
        """Say something unasked."""
        self._do(lambda: self._write(data))

    def close(self) -> None:
        """Unplug and leave nothing; may be called twice."""
        if not self._is_over:
            self._do(self._end)
            self._thread.join()
            for end in self._bell:
                os.close(end)
            self._folder.cleanup()

    def _do(self, order: Callable[[], None]) -> None:
        done = threading.Event()
        self._orders.put((order, done))
        os.write(self._bell[1], b"!")
        assert done.wait(10), "the slave hangs"

    def _plug(self) -> None:
        if not self._ends:
            self._ends = os.openpty()
            tty.setraw(self._ends[1])
            os.set_blocking(self._ends[0], False)
            os.symlink(os.ttyname(self._ends[1]), self.path)

    def _unplug(self) -> None:
        if self._ends:
            Path(self.path).unlink()
            for end in self._ends:
                os.close(end)
        self._ends, self._heard, self._due = (), b"", []

    def _end(self) -> None:
        self._unplug()
        self._is_over = True

    def _run(self) -> None:
        while not self._is_over:
            wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            ready, _, _ = select.select([self._bell[0], *self._ends[:1]], [], [], wait)
            if self._bell[0] in ready:
                os.read(self._bell[0], 1)
                order, done = self._orders.get()
                order()
                done.set()
            elif ready:
                self._hear(os.read(self._ends[0], 4096))
            while self._due and self._due[0][0] <= time.monotonic():
                self._write(heapq.heappop(self._due)[2])

    def _write(self, data: bytes) -> None:
        if self._ends:
            try:
                os.write(self._ends[0], data)
            except BlockingIOError:  # nobody reads: the bytes are lost, as on a wire
                self.faults["lost"] += 1

    def _hear(self, data: bytes) -> None:
        now, self._heard = time.monotonic(), self._heard + data
        while len(self._heard) >= 8:
            if crc(self._heard[:8]):
                self._heard = self._heard[1:]
                continue
            request, self._heard = self._heard[:8], self._heard[8:]
            self._answer(request, now)

    def _answer(self, request: bytes, now: float) -> None:
        unit, function, address, count = struct.unpack(">BBHH", request[:6])
        quiet, self._busy_until = now - self._busy_until, now + 8 * self.byte
        need = self.silence if isinstance(self.silence, float) else self.silence.get(unit, 0.0)
        if unit not in self.units:
            return
        if quiet < need:
            self.missed += 1
            return
        self.requests += 1
        self.asked.append((unit, function, address, count))
        fault, _, seconds = (self.fault(self.requests) or "").partition(" ")
        if fault:
            self.faults[fault] += 1
        if fault == "drop":
            return
        begin = self._busy_until + self.latency
        if fault == "late":
            begin += float(seconds) if seconds else self.late()
        answer = self._damage(fault, request, self._body(fault, unit, function, address, count))
        end = self._schedule(begin, answer)
        if fault != "late":
            self._busy_until = max(self._busy_until, end)

    def _body(self, fault: str, unit: int, function: int, address: int, count: int) -> bytes:
        code = {"refuse": 2, "busy": 6}.get(fault, 0)
        if function not in (3, 4):
            code = 1
        elif count > self.most:
            code = 2
        try:
            values = [self.registers(unit, address + i) for i in range(count)] if not code else []
        except LookupError:
            code = 2
        if code:
            return bytes((unit, function | 0x80, code))
        return struct.pack(f">BBB{count}H", unit, function, 2 * count, *values)

    @staticmethod
    def _damage(fault: str, request: bytes, body: bytes) -> bytes:
        answer = frame(body)
        middle = len(answer) // 2
        if fault == "corrupt":
            return answer[:middle] + bytes((answer[middle] ^ 0x15,)) + answer[middle + 1 :]
        if fault == "short":
            return answer[:middle]
        if fault == "noise":
            return b"\x00\xff" + answer[:2] + b"\x83" + answer  # and the look of a beginning
        if fault == "stranger":
            return frame(bytes((body[0] + 1,)) + body[1:])
        if fault == "deaf":
            return request
        return request + answer if fault == "echo" else answer

    def _schedule(self, begin: float, data: bytes) -> float:
        """Let the bytes go at line speed; return when the last is out."""
        size = CHUNK if self.byte else len(data)
        for at in range(0, len(data), size):
            chunk = data[at : at + size]
            begin += len(chunk) * self.byte
            self._order += 1
            heapq.heappush(self._due, (begin, self._order, chunk))
        return begin

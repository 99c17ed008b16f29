"""The wire of bench.s0_pulses: S0 pulses as a kernel hands them to a process, without a kernel.

Two things reach the process: a FIFO of 1,024 struct gpio_v2_line_event, of which the oldest goes
when it is full while the numbering runs on (the character device), and one signal that "something
changed", with the level as it is now (sysfs, on which RPi.GPIO waits).
"""

import fcntl
import mmap
import os
import struct
import termios
import time
from collections.abc import Callable, Mapping

from s0web.hardware.gpio import EVENT, FIFO

LINE = 4


class Wire:
    """Both ends; made before the process that reads is forked."""

    def __init__(self) -> None:
        self.events, self._events_in = os.pipe()
        self.signal = os.eventfd(0)
        self._level = mmap.mmap(-1, 1)
        self._seqno = 0

    def level(self) -> bool:
        """The level of the line now."""
        return self._level[0] == 1

    def change(self, rising: bool) -> int:
        """The line changes now; return the stamp, ns of CLOCK_MONOTONIC."""
        self._seqno += 1
        self._level[0] = rising
        stamp = time.monotonic_ns()
        if self._waiting() >= FIFO:
            os.read(self.events, EVENT.size)  # the oldest goes
        kind = 1 if rising else 2
        os.write(self._events_in, EVENT.pack(stamp, kind, LINE, self._seqno, self._seqno))
        os.eventfd_write(self.signal, 1)
        return stamp

    def close(self) -> None:
        for handle in (self.events, self._events_in, self.signal):
            os.close(handle)
        self._level.close()

    def _waiting(self) -> int:
        """Events in the pipe."""
        answer = fcntl.ioctl(self.events, termios.FIONREAD, bytes(4))
        size: int = struct.unpack("=i", answer)[0]
        return size // EVENT.size


class CallbackPeer:
    """What RPi.GPIO does: a thread waits for the signal, then, when the interpreter lets it, reads
    the level and the clock. Changes in the meantime are one.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.rises: list[int] = []  # ns, as the callback stamps them

    def run(self) -> None:
        was_high = False
        while True:
            os.eventfd_read(self._wire.signal)
            is_high, stamp = self._wire.level(), time.monotonic_ns()
            if is_high and not was_high:
                self.rises.append(stamp)
            was_high = is_high


def play(
    wire: Wire, count: int, period: float, width: float, at: Mapping[int, Callable[[], None]]
) -> list[int]:
    """Make so many pulses (seconds); do what `at` says before the pulse of that number. Return the
    stamps of their beginnings. On a machine too busy for the period, pulses come later but never
    shorter.
    """
    rises = []
    due = time.monotonic() + 0.1
    for number in range(count):
        if number in at:
            at[number]()
        time.sleep(max(0.0, due - time.monotonic()))
        rises.append(wire.change(True))
        time.sleep(width)
        wire.change(False)
        due = max(due + period, time.monotonic() + width)
    return rises

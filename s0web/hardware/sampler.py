"""The child process that samples an ADC: frames at an even pace, from SPI to its standard output.

`python -m s0web.hardware.sampler ADC`, where ADC is hardware.Adc as JSON. It is a process of its
own since any busy thread beside it would keep frames waiting for milliseconds, and it ends when its
standard input ends, so no orphan holds the wire. What it writes, in this machine's byte order:

    a line of text, once the converter is claimed: what is worth knowing
    then batches without end, each:
        1  "ADC1"
        2  uint32                n, frames in this batch
        3  uint32                frames that are missing, since they would have come late
        4  double                ns between two conversions of one frame
        5  int64 [n]             CLOCK_MONOTONIC ns of the first conversion of each frame
        6  uint16 [n * channels] codes, frame by frame

A failure is a sentence on standard error, and exit code 3.
"""

import gc
import json
import os
import select
import sys
from array import array
from collections.abc import Callable
from contextlib import suppress
from struct import Struct
from time import monotonic_ns, sleep
from typing import Protocol

from ..errors import SourceError
from . import Adc
from .spi import open_converter

MAGIC = b"ADC1"
HEADER = Struct("=4sIId")
FAILED = 3  # exit code
BATCH = 50_000_000  # ns of frames in a batch
SHORT = 20_000  # ns: a pause that is not worth a sleep
PRIORITY = 10  # of SCHED_FIFO: above all ordinary programs, below the kernel's own threads
NICE = -15


class Converter(Protocol):
    """A claimed converter: takes frames, keeps their codes until they are fetched."""

    note: str  # what is worth knowing, for the health
    frames: int  # that one call takes
    slot_ns: float  # between two conversions of one frame
    lag_ns: float  # how late a call may begin, so that its frames are still in time

    def convert(self, due: int) -> tuple[int, int]:
        """Take `frames` frames at the pace of Adc.rate, from now on, which is about the time `due`;
        return the CLOCK_MONOTONIC ns of the first and of the last one.
        """

    def fetch(self) -> bytes:
        """The codes of all frames since the last fetch, as array type H."""


def stream(
    adc: Adc,
    converter: Converter,
    write: Callable[[bytes], None],
    is_over: Callable[[], bool],
) -> None:
    """Take frames by absolute deadlines and write batches until it is over.

    Nothing is caught up in a hurry: frames whose time has passed are left out and counted as late,
    so those that are there and the late ones together are what was asked for.
    """
    period = 1e9 / adc.rate
    frames, call = converter.frames, converter.frames * period
    calls = max(1, round(BATCH / call))
    due = float(monotonic_ns())
    while not is_over():
        times, late = array("q"), 0
        for _ in range(calls):
            lost = _await(due, period, converter.lag_ns)
            due += lost * period
            late += lost
            begin, last = converter.convert(round(due))
            due += call
            step = max(1, (last - begin) // max(1, frames - 1))
            times.extend(range(begin, begin + frames * step, step))
        header = HEADER.pack(MAGIC, len(times), late, converter.slot_ns)
        write(header + times.tobytes() + converter.fetch())


def _await(due: float, period: float, lag: float) -> int:
    """Sleep until it is due; where that has passed, until the next frame, and say how many are
    lost.
    """
    lost = 0
    while True:
        rest = due + lost * period - monotonic_ns()
        if rest < -lag:
            lost += max(1, round(-rest / period))
        elif rest > SHORT:
            sleep(rest / 1e9)
        else:
            return lost


def run(open_wire: Callable[[Adc], Converter]) -> int:
    """The program: sample what argv[1] describes from the converter; return the exit code."""
    given = json.loads(sys.argv[1])
    adc = Adc(**{**given, "channels": tuple(given["channels"])})
    gc.disable()  # nothing here makes cycles
    try:
        converter = open_wire(adc)
        most = 1e9 / max(1.0, converter.slot_ns * len(adc.channels))
        note = converter.note
        if most < adc.rate:
            note = (
                f"the bus is too slow for {adc.rate:.0f} frames/s, {most:.0f} at most: lower "
                "samples_per_wave"
            )
        _write(f"{note}\n".encode())
        stream(adc, converter, _write, _ended)
    except BrokenPipeError:  # nobody listens any more
        return 0
    except SourceError as error:
        print(error, file=sys.stderr)
        return FAILED
    return 0


def hurry() -> None:
    """Go before all other programs, as far as this user may; and wake up on time."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    if (os.cpu_count() or 1) > 1:  # a bus that cannot keep up must not starve the only core
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    with suppress(OSError), open("/proc/self/timerslack_ns", "w") as slack:
        slack.write("1")  # ns; else sleeps of ordinary programs may last 50 us longer


def _write(data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(sys.stdout.fileno(), rest) :]


def _ended() -> bool:
    """Whether standard input has ended: the parent closed it, or is no more."""
    ready, _, _ = select.select([sys.stdin.fileno()], [], [], 0)
    return bool(ready) and not os.read(sys.stdin.fileno(), 4096)


if __name__ == "__main__":
    hurry()
    sys.exit(run(open_converter))

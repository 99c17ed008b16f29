"""`s0web replay`: play a captured P1 stream onto a serial port of its own, at any speed.

Bytes are played as they were captured, damaged ones too. A capture is cut before each line that
begins with "/"; what comes before the first one is left out.
"""

import argparse
import math
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import NamedTuple

from ..meters.framing import SEVEN_BITS
from ..simulation.pty import PILE, Pty

USUAL_GAP = 1.0  # s between two telegrams where their time stamps do not tell
SETTLE_SECONDS = 0.2  # a program that opens a port sets it up first and throws away what is there
LOOK_SECONDS = 0.005  # how often one looks what the reader does
PATIENCE = 10.0  # s without reading until a telegram counts as lost
SHOW_SECONDS = 10.0  # between two lines of progress where it does not go to a terminal

_START = re.compile(rb"^/", re.MULTILINE)
_STAMP = re.compile(rb"0-0:1\.0\.0\((\d{12})([SW])\)")


class Step(NamedTuple):
    data: bytes
    time: datetime | None  # of the meter, UTC
    gap: float  # s from here to the next telegram, as captured


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "replay",
        help="play a captured P1 stream onto a serial port of its own",
        description="Play a captured P1 stream onto a serial port of its own, at the pace of its "
        "time stamps. It begins when a program opens the port.",
    )
    parser.add_argument(
        "file", metavar="FILE", help="the captured stream; - reads standard input to its end"
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument(
        "--speed", type=_positive, default=1.0, metavar="X", help="so many times as fast (1)"
    )
    pace.add_argument(
        "--interval", type=_positive, metavar="S", help="one telegram every S seconds instead"
    )
    parser.add_argument("--loop", action="store_true", help="begin again at the end, for ever")
    parser.add_argument(
        "--link", type=Path, metavar="PATH", help="where to put the port (a temporary folder)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Play to the end or until interrupted: 0; 2, with a sentence on stderr, if there is no way."""
    name = "standard input" if args.file == "-" else args.file
    try:
        steps = cut(sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes())
    except OSError as error:
        return _refuse(f"{name} cannot be read: {error.strerror}")
    except ValueError as error:
        return _refuse(f"{name} {error}")
    try:
        port = Pty(args.link)
    except OSError as error:
        return _refuse(f"there can be no port {args.link or ''}: {error.strerror}")
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # leaves nothing behind either
    with closing(port), suppress(KeyboardInterrupt):
        print(f"port = {port.path}", flush=True)
        lost = play(steps, port, _pace(args.speed, args.interval), args.loop)
        print(f"\nplayed {len(steps)} telegrams, {lost} of them unread", file=sys.stderr)
    return 0


def _pace(speed: float, interval: float | None) -> Callable[[Step], float]:
    return lambda step: interval or step.gap / speed


def cut(capture: bytes) -> list[Step]:
    """The telegrams of a stream, with the pauses between them; ValueError if it has none."""
    readable = capture.translate(SEVEN_BITS)
    begins = [match.start() for match in _START.finditer(readable)]
    spans = [
        slice(begin, end)
        for begin, end in pairwise([*begins, len(capture)])
        if b"!" in readable[begin:end]
    ]
    if not spans:
        raise ValueError("holds no P1 telegram: those go from a line with / to a line with !")
    times = [_time(readable[span]) for span in spans]
    gaps = [_gap(before, after) for before, after in pairwise([*times, None])]
    return [
        Step(capture[span], moment, gap)
        for span, moment, gap in zip(spans, times, gaps, strict=True)
    ]


def play(steps: list[Step], port: Pty, pace: Callable[[Step], float], loop: bool) -> int:
    """Put each telegram on the wire when it is due; return how many of them nobody read.

    Begins when the port is opened, and ends when the last telegram is read. A reader that cannot
    keep up slows it down.
    """
    show = Progress(len(steps))
    show("waiting for a program to open the port")
    _until(port.opened, math.inf)
    due, lost = time.monotonic() + SETTLE_SECONDS, 0
    for turn in count() if loop else range(len(steps)):
        number = turn % len(steps)
        time.sleep(max(0.0, due - time.monotonic()))
        due = max(due + pace(steps[number]), time.monotonic())
        lost += not _put(port, steps[number].data)
        show.step(number + 1, steps[number].time, lost)
    _until(lambda: port.unread() == 0, PATIENCE)
    return lost


class Progress:
    """Progress on stderr: one line that changes on a terminal, else a line every 10 s."""

    def __init__(self, whole: int) -> None:
        self._whole, self._live, self._next = whole, sys.stderr.isatty(), 0.0

    def __call__(self, text: str) -> None:
        if self._live:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + SHOW_SECONDS
            print(text, file=sys.stderr, flush=True)

    def step(self, number: int, moment: datetime | None, lost: int) -> None:
        when = f", meter time {moment:%d.%m.%Y %H:%M:%S} UTC" if moment else ""
        unread = f", {lost} unread" if lost else ""
        self(f"telegram {number} of {self._whole}{when}{unread}")


def _put(port: Pty, data: bytes) -> bool:
    """Write it all as the reader makes room; False if nobody reads."""

    def written() -> bool:
        nonlocal data
        if port.unread() < PILE:
            data = data[port.write(data) :]
        return not data or not port.opened()

    _until(written, PATIENCE)
    return not data


def _until(condition: Callable[[], bool], limit: float) -> None:
    """Wait until it is so, or so many seconds are over."""
    end = time.monotonic() + limit
    while not condition() and time.monotonic() < end:
        time.sleep(LOOK_SECONDS)


def _time(telegram: bytes) -> datetime | None:
    found = _STAMP.search(telegram)
    if not found:
        return None
    try:
        local = datetime.strptime(found[1].decode(), "%y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # a clock that was never set
        return None
    return local - timedelta(hours=2 if found[2] == b"S" else 1)


def _gap(before: datetime | None, after: datetime | None) -> float:
    if before and after and after > before:
        return (after - before).total_seconds()
    return USUAL_GAP


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _refuse(text: str) -> int:
    print(f"s0web replay: {text}", file=sys.stderr)
    return 2

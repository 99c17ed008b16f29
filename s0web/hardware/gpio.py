"""GPIO by the kernel's character device, uAPI v2 (kernel 5.10 and later), with the standard library
alone.

Edges carry the kernel's own time stamps (CLOCK_MONOTONIC, taken in the interrupt), wait in a FIFO
of 1,024 events while the process sleeps, and are numbered, so that even an overflow is counted
exactly. Structures: linux/gpio.h.
"""

import errno
import fcntl
import os
import select
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from . import Edge, Line

LABELS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")  # Pi 1 to 3, Pi 4, Pi 5
FIFO = 1024  # events per request, the kernel's maximum
CONSUMER = b"s0web"

GET_CHIPINFO = 0x8044B401  # struct gpiochip_info: name[32] label[32] lines
GET_LINEINFO = 0xC100B405  # struct gpio_v2_line_info
GET_LINE = 0xC250B407  # struct gpio_v2_line_request
SET_VALUES = 0xC010B40F  # struct gpio_v2_line_values: bits mask
USED, INPUT, OUTPUT, RISING, FALLING = 1, 4, 8, 16, 32
BIAS = {"up": 256, "down": 512, "none": 1024}
RISING_EDGE = 1  # gpio_v2_line_event.id; 2 is falling
EVENT = struct.Struct("=QIIII24x")  # timestamp_ns id offset seqno line_seqno
LINEINFO = struct.Struct("=32s32sIIQ176x")


class Chip(NamedTuple):
    path: str
    name: str
    label: str
    lines: int


def chips(folder: str = "/dev") -> list[Chip]:
    """The GPIO chips of this machine that may be opened."""
    found = []
    for path in sorted(Path(folder).glob("gpiochip*")):
        try:
            found.append(chip_info(str(path)))
        except OSError:
            continue  # not ours to open: find() says so when it was the one that was wanted
    return found


def chip_info(path: str) -> Chip:
    with _opened(path) as chip:
        answer = bytearray(68)
        fcntl.ioctl(chip, GET_CHIPINFO, answer)
    name, label, lines = struct.unpack("=32s32sI", answer)
    return Chip(path, _text(name), _text(label), lines)


def find(wanted: str = "") -> Chip:
    """The chip of that label or path, or a Raspberry Pi's; OSError says what is there instead."""
    if wanted.startswith("/"):
        try:
            return chip_info(wanted)
        except OSError as error:
            raise OSError(error.errno, f"{wanted}: {_reason(error)}") from error
    labels = (wanted,) if wanted else LABELS
    there = chips()
    for chip in there:
        if chip.label in labels:
            return chip
    others = ", ".join(f"{chip.path} ({chip.label})" for chip in there) or "none that may be opened"
    what = f"no GPIO chip {wanted}" if wanted else "no Raspberry Pi GPIO chip"
    hint = (
        "is the service in the group gpio?"
        if not there and any(Path("/dev").glob("gpiochip*"))
        else ""
    )
    raise FileNotFoundError(
        errno.ENODEV, f"{what} on this machine (there is: {others}). {hint}".strip()
    )


def user_of(chip: str, offset: int) -> str:
    """Who holds the line: the consumer's name, or "" when it is free."""
    with _opened(chip) as handle:
        question = bytearray(LINEINFO.size)
        struct.pack_into("=I", question, 64, offset)
        fcntl.ioctl(handle, GET_LINEINFO, question)
    _, consumer, _, _, flags = LINEINFO.unpack(question)
    return (_text(consumer) or "the kernel") if flags & USED else ""


class ChardevEdges:
    """Lines of one chip, claimed with both edges (contract: hardware.Edges)."""

    kernel_time = True

    def __init__(self, chip: str, lines: Sequence[Line]) -> None:
        info = find(chip)
        self.note = f"{info.label} ({info.path}), kernel time stamps"
        self._leds = {line.offset: _Led(line) for line in lines if line.led is not None}
        outputs = [led.offset for led in self._leds.values()]
        self._out = -1
        self._fd = request(info.path, [line.offset for line in lines], input_config(lines), FIFO)
        try:
            if outputs:
                self._out = request(info.path, outputs, struct.pack("=QI20x240x", OUTPUT, 0), 0)
        except OSError:
            self.close()
            raise
        os.set_blocking(self._fd, False)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)

    def read(self, seconds: float) -> list[Edge]:
        self._dim()
        if lit := [led.until for led in self._leds.values() if led.until]:
            seconds = min(seconds, max(0.0, min(lit) - time.monotonic()))
        return read_events(self._fd) if self._poll.poll(seconds * 1000) else []

    def blink(self, line: int) -> None:
        if (led := self._leds.get(line)) is not None:
            led.until = time.monotonic() + led.seconds
            self._light(led.offset, True)

    def trigger(self, line: int) -> None:
        raise ValueError("a pulse can be made only in simulation")

    def close(self) -> None:
        for handle in (self._fd, self._out):
            if handle >= 0:
                os.close(handle)
        self._fd = self._out = -1

    def _dim(self) -> None:
        now = time.monotonic()
        for led in self._leds.values():
            if led.until and now >= led.until:
                led.until = 0.0
                self._light(led.offset, False)

    def _light(self, offset: int, on: bool) -> None:
        bit = 1 << [led.offset for led in self._leds.values()].index(offset)
        fcntl.ioctl(self._out, SET_VALUES, struct.pack("=QQ", bit if on else 0, bit))


class _Led:
    def __init__(self, line: Line) -> None:
        assert line.led is not None
        self.offset, self.seconds, self.until = line.led, line.led_seconds, 0.0


def input_config(lines: Sequence[Line]) -> bytes:
    """struct gpio_v2_line_config: both edges on all lines; each pull other than the first's is an
    attribute.
    """
    base = INPUT | RISING | FALLING
    attributes = b""
    pulls = sorted({line.pull for line in lines}, key=[line.pull for line in lines].index)
    for pull in pulls[1:]:
        mask = sum(1 << i for i, line in enumerate(lines) if line.pull == pull)
        attributes += struct.pack("=IIQQ", 1, 0, base | BIAS[pull], mask)
    count = len(pulls) - 1
    return struct.pack("=QI20x", base | BIAS[pulls[0]], count) + attributes.ljust(240, b"\0")


def request(path: str, offsets: Sequence[int], config: bytes, fifo: int) -> int:
    """Claim lines of the chip; return the descriptor of the request. OSError names the line and who
    holds it.
    """
    padded = [*offsets, *[0] * (64 - len(offsets))]
    question = bytearray(
        struct.pack("=64I", *padded)
        + CONSUMER.ljust(32, b"\0")
        + config
        + struct.pack("=II20xi", len(offsets), fifo, -1)
    )
    with _opened(path) as chip:
        try:
            fcntl.ioctl(chip, GET_LINE, question)
        except OSError as error:
            raise OSError(error.errno, _refusal(path, offsets, error)) from error
    handle: int = struct.unpack_from("=i", question, 588)[0]
    return handle


def read_events(fd: int) -> list[Edge]:
    """All edges that wait in the FIFO."""
    edges: list[Edge] = []
    while True:
        try:
            data = os.read(fd, EVENT.size * 256)
        except BlockingIOError:
            return edges
        for stamp, kind, offset, _, seqno in EVENT.iter_unpack(data):
            edges.append(Edge(offset, kind == RISING_EDGE, stamp, seqno))
        if len(data) < EVENT.size * 256:
            return edges


def _refusal(path: str, offsets: Sequence[int], error: OSError) -> str:
    lines = ", ".join(map(str, offsets))
    if error.errno == errno.EBUSY:
        for offset in offsets:
            if user := user_of(path, offset):
                return f"{path}: line {offset} is in use by {user}; stop it or take another pin"
        return f"{path}: line {lines} refused: the same line twice"
    if error.errno == errno.EINVAL:
        return f"{path}: line {lines} refused: no such line"
    return f"{path}: {_reason(error)}"


def _reason(error: OSError) -> str:
    if error.errno == errno.EACCES:
        return "no permission: add the service's user to the group gpio"
    return error.strerror or str(error)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("ascii", "replace")

"""MCP3208, MCP3204 and MCP3008 on SPI: many conversions in one call of the kernel, where it allows.

One conversion is three bytes out and three in, MSB first, SPI mode 0 (Microchip DS21298, DS21295):

    mcp3208, mcp3204   out  0000 01sc  cc00 0000  0000 0000     s = 1: single-ended, ccc: channel
                       in   .... ....  ...0 vvvv  vvvv vvvv     12 bit
    mcp3008            out  0000 0001  sccc 0000  0000 0000
                       in   .... ....  .... .0vv  vvvv vvvv     10 bit

SPI_IOC_MESSAGE(n) of /dev/spidevB.D does n of them, with the chip deselected between two
(cs_change). spidev copies them through a buffer of 4096 bytes, each padded to 128 on 64-bit ARM: 32
at most, 64 on 32-bit ARM (drivers/spi/spidev.c); where that is too many, it says EMSGSIZE.
"""

import errno
import fcntl
import os
import struct
import sys
from array import array
from collections.abc import Callable
from glob import glob
from time import monotonic_ns
from typing import Any

from ..errors import SourceError
from . import Adc

SIZE = 3  # bytes of a conversion
MOST = 32  # conversions in one call
LONGEST = 2_000_000  # ns: frames in one call lie so close that their stamps may be interpolated
WAKE_US = 60  # what a pause in the kernel takes longer than asked for, at first
TRIALS = 9  # calls by which the time of a conversion is found
WR_MODE, WR_BITS, WR_SPEED = 0x40016B01, 0x40016B03, 0x40046B04  # linux/spi/spidev.h

HIGH = {  # the bits of the second byte that belong to the code
    chip: bytes(byte & mask for byte in range(256))
    for chip, mask in (("mcp3208", 15), ("mcp3204", 15), ("mcp3008", 3))
}
REFUSED = (errno.EMSGSIZE, errno.EINVAL, errno.ENOTTY)

# spi_ioc_transfer: tx_buf, rx_buf, len, speed_hz, delay_usecs, bits_per_word, cs_change, four more
TRANSFER = struct.Struct("=QQIIHBB4x")
DELAY = struct.Struct("=H")
DELAY_AT = 24  # byte of delay_usecs in a transfer


def request(channel: int, chip: str) -> bytes:
    """The three bytes that ask for a single-ended conversion."""
    if chip == "mcp3008":
        return bytes((1, 0x80 | channel << 4, 0))
    return bytes((6 | channel >> 2, (channel & 3) << 6, 0))


def decode(raw: bytes | bytearray, chip: str) -> bytes:
    """The codes, as array type H, of three bytes for each conversion."""
    data = bytearray(len(raw) // SIZE * 2)  # low byte first
    data[0::2] = raw[2::SIZE]
    data[1::2] = raw[1::SIZE].translate(HIGH[chip])
    codes = array("H", bytes(data))
    if sys.byteorder == "big":
        codes.byteswap()
    return codes.tobytes()


def open_converter(adc: Adc) -> "BatchConverter | SingleConverter":
    """Claim the chip on /dev/spidevB.D by what this kernel allows; raises SourceError."""
    batch = BatchConverter(adc, f"/dev/spidev{adc.device}")
    if batch.frames:
        return batch
    batch.close()
    return SingleConverter(adc)


class BatchConverter:
    """sampler.Converter of several frames in one ioctl; the kernel itself pauses between them.

    `frames` is 0 where the kernel refuses even one frame; then nothing may be converted.
    """

    def __init__(
        self, adc: Adc, path: str, ioctl: Callable[[int, int, Any], Any] = fcntl.ioctl
    ) -> None:
        self._adc, self._path, self._ioctl = adc, path, ioctl
        self._width, self._period = len(adc.channels), 1e9 / adc.rate
        self.lag_ns = self._period / 2
        self._raw = bytearray()
        self._spans: list[int] = []  # ns from the first frame of a call to its last
        self._pause = 0.0  # us after each frame but the last
        self._fd = _claim(path)
        try:
            self._prepare()
        except OSError as error:
            self.close()
            raise self._failure(error) from error

    def _prepare(self) -> None:
        for number, value in (
            (WR_MODE, struct.pack("=B", 0)),
            (WR_BITS, struct.pack("=B", 8)),
            (WR_SPEED, struct.pack("=I", self._adc.speed)),
        ):
            self._ioctl(self._fd, number, value)
        self.frames = max(1, min(MOST // self._width, int(LONGEST / self._period)))
        while self.frames and not self._fits():
            self.frames //= 2
        if self.frames:
            self.slot_ns = self._slot()
            self._pace((self._period - self._width * self.slot_ns) / 1000 - WAKE_US)
            self.note = f"{self.slot_ns / 1000:.0f} us for a conversion"

    def convert(self, due: int) -> tuple[int, int]:
        begin = monotonic_ns()
        try:
            self._call(self.frames * self._width)
        except OSError as error:
            raise self._failure(error) from error
        span = monotonic_ns() - begin - round(self._width * self.slot_ns)
        self._spans.append(span)
        self._raw += self._rx
        return begin, begin + span

    def fetch(self) -> bytes:
        raw, self._raw = self._raw, bytearray()
        if self.frames > 1 and self._spans:
            typical = sorted(self._spans)[len(self._spans) // 2] / (self.frames - 1)
            self._pace(self._pause + (self._period - typical) / 2000)  # half, not to swing
        self._spans.clear()
        return decode(raw, self._adc.chip)

    def close(self) -> None:
        os.close(self._fd)

    def _fits(self) -> bool:
        """Prepare a call of so many frames; whether the kernel takes it."""
        channels = self._adc.channels * self.frames
        self._tx = array("B", b"".join(request(c, self._adc.chip) for c in channels))
        self._rx = array("B", bytes(len(self._tx)))
        tx, rx, last = self._tx.buffer_info()[0], self._rx.buffer_info()[0], len(channels) - 1
        self._transfers = bytearray().join(
            TRANSFER.pack(tx + SIZE * k, rx + SIZE * k, SIZE, self._adc.speed, 0, 8, k < last)
            for k in range(len(channels))
        )
        try:
            self._call(len(channels))
        except OSError as error:
            if error.errno in REFUSED:
                return False
            raise
        return True

    def _slot(self) -> float:
        """ns for one conversion: by how much a call with more of them takes longer."""
        count = self.frames * self._width
        one = self._typical(1)  # leaves the chip selected: the whole calls after it mend that
        whole = self._typical(count)
        return max(0.0, (whole - one) / (count - 1)) if count > 1 else float(one)

    def _typical(self, count: int) -> int:
        times = []
        for _ in range(TRIALS):
            begin = monotonic_ns()
            self._call(count)
            times.append(monotonic_ns() - begin)
        return sorted(times)[TRIALS // 2]

    def _pace(self, pause: float) -> None:
        """Let the kernel pause so many us after each frame but the last of a call."""
        self._pause = min(max(pause, 0.0), 65_535.0)
        for frame in range(1, self.frames):
            place = (frame * self._width - 1) * TRANSFER.size + DELAY_AT
            DELAY.pack_into(self._transfers, place, round(self._pause))

    def _call(self, count: int) -> None:
        """SPI_IOC_MESSAGE(count); raises OSError."""
        number = 1 << 30 | count * TRANSFER.size << 16 | ord("k") << 8
        self._ioctl(self._fd, number, self._transfers)

    def _failure(self, error: OSError) -> SourceError:
        return SourceError(f"{self._path} fails ({error.strerror}): does another driver use it?")


class SingleConverter:
    """sampler.Converter of one conversion a call, by the spidev module: where the kernel allows no
    more.
    """

    frames = 1

    def __init__(self, adc: Adc) -> None:
        try:
            from spidev import SpiDev
        except ImportError as error:
            raise SourceError(
                "this kernel takes only one conversion at a time, and for that the ADC needs the "
                "spidev module: sudo apt install python3-spidev (or pip install spidev)"
            ) from error
        self.lag_ns, self._path = 0.5e9 / adc.rate, f"/dev/spidev{adc.device}"
        bus, _, device = adc.device.partition(".")
        self._spi = SpiDev()
        try:
            self._spi.open(int(bus), int(device))
            self._spi.mode, self._spi.max_speed_hz = 0, adc.speed
        except OSError as error:
            raise SourceError(why_not(self._path, error)) from error
        self._chip, self._raw = adc.chip, bytearray()
        self._requests = [list(request(channel, adc.chip)) for channel in adc.channels]
        times = []
        for _ in range(TRIALS):
            begin, _ = self.convert(0)
            times.append(monotonic_ns() - begin)
        self._raw.clear()
        self.slot_ns = sorted(times)[TRIALS // 2] / len(adc.channels)
        self.note = f"{self.slot_ns / 1000:.0f} us for a conversion, each by a call of its own"

    def convert(self, due: int) -> tuple[int, int]:
        begin = monotonic_ns()
        try:
            for each in self._requests:
                self._raw += bytes(self._spi.xfer2(each[:]))
        except OSError as error:
            raise SourceError(f"{self._path} fails ({error.strerror})") from error
        return begin, begin

    def fetch(self) -> bytes:
        raw, self._raw = self._raw, bytearray()
        return decode(raw, self._chip)


def why_not(path: str, error: OSError) -> str:
    """Say in a sentence why a device cannot be claimed, and what to do."""
    if error.errno in (errno.ENOENT, errno.ENXIO, errno.ENODEV):
        there = ", ".join(sorted(glob("/dev/spidev*"))) or "none"
        return (
            f"there is no {path}: switch SPI on (sudo raspi-config, Interface Options, SPI) and "
            f"start the machine again; there now: {there}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"{path} may not be opened by this user: add the user to the group spi "
            "(sudo usermod -aG spi USER) and start again"
        )
    if error.errno in (errno.EAGAIN, errno.EBUSY):
        return f"{path} is in use by another s0web: stop that one, or use another device"
    return f"{path} cannot be used: {error.strerror}"


def _claim(path: str) -> int:
    """A descriptor of the device, locked against a second station; raises SourceError."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise SourceError(why_not(path, error)) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise SourceError(why_not(path, error)) from error
    return fd

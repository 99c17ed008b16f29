"""SPI conversions, on a stand-in below the ioctl: a chip that reads and writes the real buffers."""

import ctypes
import errno
import sys
import types
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s0web.errors import SourceError
from s0web.hardware import Adc, spi
from s0web.hardware.sampler import Converter
from s0web.hardware.spi import BatchConverter, SingleConverter, open_converter, why_not

SIX = (0, 1, 2, 3, 4, 5)
CONVERSION, ENTRY, WAKE = 35_000, 9_000, 1.3  # ns, ns, factor: how long the stand-in takes


def adc(chip: str = "mcp3208", channels: tuple[int, ...] = SIX, rate: float = 3000.0) -> Adc:
    return Adc("0.0", chip, 1_250_000, rate, channels)


def answer(chip: str, sent: bytes, code: Callable[[int], int]) -> bytes:
    """What the chip says to three bytes, by its data sheet; undefined bits are 1."""
    bits = int.from_bytes(sent, "big")
    if chip == "mcp3008":
        assert bits >> 16 == 1, "the start bit ends the first byte"
        assert bits >> 15 & 1, "single-ended"
        return (0xFFF800 | code(bits >> 12 & 7)).to_bytes(3, "big")
    assert bits >> 18 == 1, "the start bit is bit 2 of the first byte"
    assert bits >> 17 & 1, "single-ended"
    return (0xFFE000 | code(bits >> 14 & 7)).to_bytes(3, "big")


class Chip:
    """fcntl.ioctl of a /dev/spidev with a converter; takes so many conversions in a call."""

    def __init__(self, chip: str = "mcp3208", most: int = 511, error: int = errno.EMSGSIZE) -> None:
        self.chip, self.most, self.error = chip, most, error
        self.now = 10**12  # ns
        self.settings: dict[int, bytes] = {}
        self.calls: list[list[tuple[int, ...]]] = []

    def code(self, channel: int) -> int:
        return 100 * channel + 77

    def ioctl(self, fd: int, number: int, value: Any) -> None:
        if number & 0xFF:
            self.settings[number & 0xFF] = bytes(value)
            return
        count = (number >> 16 & 0x3FFF) // 32
        if count > self.most:
            raise OSError(self.error, "refused")
        self.calls.append([spi.TRANSFER.unpack_from(value, 32 * k) for k in range(count)])
        self.now += ENTRY
        for tx, rx, size, _speed, pause, _bits, _change in self.calls[-1]:
            said = answer(self.chip, ctypes.string_at(tx, size), self.code)
            ctypes.memmove(rx, said, size)
            self.now += CONVERSION + round(pause * 1000 * WAKE)


@pytest.fixture
def device(tmp_path: Path) -> str:
    path = tmp_path / "spidev"
    path.touch()
    return str(path)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Chip:
    """A chip that moves the clock by what it takes."""
    chip = Chip()
    monkeypatch.setattr(spi, "monotonic_ns", lambda: chip.now)
    return chip


def codes(converter: Converter) -> list[int]:
    found = array("H")
    found.frombytes(converter.fetch())
    return found.tolist()


@pytest.mark.parametrize(("chip", "count"), [("mcp3208", 8), ("mcp3204", 4), ("mcp3008", 8)])
def test_every_channel_of_every_chip_is_asked_and_decoded_by_its_data_sheet(
    chip: str, count: int, device: str
) -> None:
    stand_in, channels = Chip(chip), tuple(reversed(range(count)))
    converter = BatchConverter(adc(chip, channels), device, stand_in.ioctl)
    converter.convert(0)
    converter.convert(0)
    assert codes(converter) == [100 * c + 77 for c in channels] * converter.frames * 2
    assert codes(converter) == []
    converter.close()


@pytest.mark.parametrize("code", [0, 1, 0x7FF, 0x800, 0xFFF])
def test_all_twelve_bits_arrive(code: int, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Chip, "code", lambda self, channel: code)
    converter = BatchConverter(adc(channels=(3,)), device, Chip().ioctl)
    converter.convert(0)
    assert set(codes(converter)) == {code}
    converter.close()


def test_the_chip_is_deselected_between_conversions_and_after_the_last(device: str) -> None:
    chip = Chip()
    converter = BatchConverter(adc(), device, chip.ioctl)
    converter.convert(0)
    call = chip.calls[-1]
    assert len(call) == 30  # 64-bit ARM takes 32
    assert [change for *_, change in call] == [1] * 29 + [0]  # 1 on the last would keep it selected
    assert {(size, speed, bits) for _, _, size, speed, _, bits, _ in call} == {(3, 1_250_000, 8)}
    assert chip.settings == {1: b"\0", 3: b"\x08", 4: (1_250_000).to_bytes(4, sys.byteorder)}
    converter.close()


@pytest.mark.parametrize(("most", "frames"), [(511, 5), (29, 2), (12, 2), (11, 1), (6, 1)])
def test_a_call_that_is_too_large_for_the_kernel_is_halved(
    most: int, frames: int, device: str
) -> None:
    converter = BatchConverter(adc(), device, Chip(most=most).ioctl)
    assert converter.frames == frames
    converter.convert(0)
    assert len(codes(converter)) == 6 * frames
    converter.close()


def test_frames_of_a_call_lie_close_together_at_any_rate(device: str) -> None:
    for rate, frames in ((16 * 45.0, 1), (3000.0, 6), (200 * 65.0, 16)):
        converter = BatchConverter(adc(channels=(0, 1), rate=rate), device, Chip().ioctl)
        assert converter.frames == frames
        converter.close()


def test_the_kernel_paces_the_frames_of_a_call_evenly(timed: Chip, device: str) -> None:
    converter = BatchConverter(adc(), device, timed.ioctl)
    assert converter.slot_ns == CONVERSION
    assert converter.note == "35 us for a conversion"
    for _ in range(12):
        for _ in range(30):
            first, last = converter.convert(timed.now)
        converter.fetch()
    period = 1e9 / 3000
    assert abs((last - first) / 4 - period) < ENTRY / 4 + 1500  # a pause is whole us
    converter.close()


def test_a_bus_that_is_too_slow_is_not_paused(timed: Chip, device: str) -> None:
    converter = BatchConverter(adc(rate=6000.0), device, timed.ioctl)
    for _ in range(30):
        converter.convert(timed.now)
    converter.fetch()
    assert {pause for *_, pause, _, _ in timed.calls[-1]} == {0}
    converter.close()


@pytest.mark.parametrize("error", [errno.EMSGSIZE, errno.EINVAL, errno.ENOTTY])
def test_a_kernel_that_takes_no_frame_at_once_is_asked_by_the_spidev_module(
    error: int, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip, asked = Chip(most=1, error=error), []

    class SpiDev:
        mode, max_speed_hz = 3, 0

        def open(self, bus: int, number: int) -> None:
            asked.append((bus, number))

        def xfer2(self, sent: list[int]) -> list[int]:
            said = list(answer("mcp3208", bytes(sent), chip.code))
            sent[:] = said  # some versions answer in place
            return said

    def batch(wanted: Adc, path: str) -> BatchConverter:
        assert path == "/dev/spidev1.2"
        return BatchConverter(wanted, device, chip.ioctl)

    monkeypatch.setattr(spi, "BatchConverter", batch)
    monkeypatch.setitem(sys.modules, "spidev", types.SimpleNamespace(SpiDev=SpiDev))
    converter = open_converter(adc()._replace(device="1.2"))
    assert isinstance(converter, SingleConverter)
    assert asked == [(1, 2)]
    first, last = converter.convert(0)
    assert first == last
    converter.convert(0)
    assert codes(converter) == [100 * c + 77 for c in SIX] * 2
    assert "each by a call of its own" in converter.note


def test_without_the_spidev_module_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "spidev", None)
    with pytest.raises(SourceError, match="apt install python3-spidev"):
        SingleConverter(adc())


def test_a_converter_serves_one_station_alone(device: str) -> None:
    converter = BatchConverter(adc(), device, Chip().ioctl)
    with pytest.raises(SourceError, match="in use by another s0web"):
        BatchConverter(adc(), device, Chip().ioctl)
    converter.close()
    BatchConverter(adc(), device, Chip().ioctl).close()


def test_a_bus_that_fails_is_named(device: str) -> None:
    chip = Chip()
    converter = BatchConverter(adc(), device, chip.ioctl)
    chip.most, chip.error = 0, errno.EIO
    with pytest.raises(SourceError, match=r"spidev fails \(refused\)"):
        converter.convert(0)
    converter.close()
    with pytest.raises(SourceError, match=r"spidev fails \(refused\)"):
        BatchConverter(adc(), device, chip.ioctl)


def test_a_missing_device_says_how_to_switch_spi_on() -> None:
    with pytest.raises(SourceError, match=r"no /dev/spidev9\.9: switch SPI on \(sudo raspi-config"):
        open_converter(adc()._replace(device="9.9"))


def test_a_forbidden_device_names_the_group() -> None:
    assert "group spi" in why_not("/dev/spidev0.0", OSError(errno.EACCES, "Permission denied"))
    assert why_not("/dev/x", OSError(errno.EIO, "I/O error")) == "/dev/x cannot be used: I/O error"

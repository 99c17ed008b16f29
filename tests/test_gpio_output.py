"""Output lines: the structure by the kernel's header, the second backend, the house's own.

The ioctl calls themselves meet a kernel in bench/virtual_pi.
"""

import errno
import fcntl
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from s0web.clock import FakeClock
from s0web.hardware import gpio, gpio_output
from s0web.hardware.rpigpio import CallbackOutput
from s0web.hardware.wires import RealWires
from s0web.simulation.house import House
from s0web.simulation.wires import SimulatedWires


@pytest.mark.parametrize("active_low", [False, True])
@pytest.mark.parametrize("on", [False, True])
def test_a_line_is_claimed_with_its_first_value(active_low: bool, on: bool) -> None:
    config = gpio_output.output_config(active_low, on)
    assert len(config) == 272
    flags, attributes = struct.unpack_from("=QI", config)
    assert (flags, attributes) == (gpio.OUTPUT | (2 if active_low else 0), 1)
    assert struct.unpack_from("=IIQQ", config, 32) == (2, 0, int(on), 1)
    assert gpio_output.GET_VALUES >> 16 & 0x3FFF == 16


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """A chip whose ioctls are kept."""
    chip = tmp_path / "gpiochip0"
    chip.touch()
    seen: dict[str, Any] = {"level": 0, "fds": []}

    def ioctl(fd: int, number: int, data: Any) -> int:
        if number == gpio.GET_CHIPINFO:
            data[:68] = struct.pack("=32s32sI", b"gpiochip0", b"pinctrl-bcm2711", 58)
        elif number == gpio.GET_LINE:
            offset, consumer = struct.unpack_from("=I", data)[0], bytes(data[256:288]).rstrip(b"\0")
            seen.update(line=offset, consumer=consumer)
            (seen["level"],) = struct.unpack_from("=Q", data, 288 + 32 + 8)
            seen["fds"].append(os.dup(fd))
            struct.pack_into("=i", data, 588, seen["fds"][-1])
        elif number == gpio.SET_VALUES:
            bits, mask = struct.unpack("=QQ", data)
            seen["level"] = seen["level"] & ~mask | bits & mask
        elif number == gpio_output.GET_VALUES:
            struct.pack_into("=Q", data, 0, seen["level"])
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    seen["chip"] = str(chip)
    return seen


def test_a_relay_line_follows_and_is_let_go_once(kernel: dict[str, Any]) -> None:
    output = RealWires().output(kernel["chip"], 24, True, True)
    assert (kernel["line"], kernel["consumer"], kernel["level"]) == (24, b"s0web", 1)
    assert output.is_on()
    output.put(False)
    assert not output.is_on()
    assert "pinctrl-bcm2711" in output.note
    output.close()
    output.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(kernel["fds"][0])


class FakeRPi:
    """The interface of RPi.GPIO as far as it is used."""

    BCM, OUT = 11, 0

    def __init__(self) -> None:
        self.levels: dict[int, bool] = {}
        self.cleaned: list[int] = []

    def setmode(self, mode: int) -> None:
        assert mode == self.BCM

    def setup(self, pin: int, direction: int, initial: bool) -> None:
        if pin > 27:
            raise ValueError("The channel sent is invalid on a Raspberry Pi")
        self.levels[pin] = initial

    def output(self, pin: int, level: bool) -> None:
        self.levels[pin] = level

    def input(self, pin: int) -> int:
        return int(self.levels[pin])

    def cleanup(self, pins: list[int]) -> None:
        self.cleaned += pins


def test_the_second_backend_turns_an_active_low_relay_round() -> None:
    board = FakeRPi()
    output = CallbackOutput(24, True, False, board)
    assert board.levels == {24: True}
    output.put(True)
    assert (board.levels[24], output.is_on()) == (False, True)
    output.close()
    output.close()
    assert board.cleaned == [24]
    with pytest.raises(OSError, match=r"RPi\.GPIO: The channel sent is invalid"):
        CallbackOutput(40, False, False, board)


def test_a_machine_without_the_chip_says_so() -> None:
    with pytest.raises(OSError, match="no GPIO chip nonesuch on this machine") as refused:
        RealWires().output("nonesuch", 24, False, False)
    assert refused.value.errno == errno.ENODEV
    if not gpio.chips():
        with pytest.raises(OSError, match=r"no Raspberry Pi GPIO chip.*RPi.GPIO is not usable"):
            RealWires().output("", 24, False, False)


def test_the_house_has_lines_that_can_be_looked_at() -> None:
    wires = SimulatedWires(House(), FakeClock(), live=False)
    output = wires.output("", 24, True, True)
    assert wires.lines == {("", 24): True}
    wires.lines["", 24] = False
    assert not output.is_on()
    output.close()

"""The GPIO character device: its structures by the kernel's header, its events through a pipe.

The ioctl calls themselves meet a kernel in bench/virtual_pi, which boots one with gpio-sim.
"""

import os
import struct
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from s0web.hardware import Edge, Line, gpio
from s0web.hardware.rpigpio import CallbackEdges
from s0web.hardware.wires import RealWires


def event(stamp: int, rising: bool, line: int, seqno: int) -> bytes:
    """struct gpio_v2_line_event: timestamp_ns id offset seqno line_seqno padding[6]"""
    return struct.pack("=QIIII6I", stamp, 1 if rising else 2, line, seqno, seqno, *[0] * 6)


def test_events_are_read_in_order_until_the_fifo_is_empty() -> None:
    receiver, sender = os.pipe()
    os.set_blocking(receiver, False)
    os.write(sender, b"".join(event(1000 + n, n % 2 == 0, 4, n + 1) for n in range(600)))
    edges = gpio.read_events(receiver)
    os.close(sender)
    os.close(receiver)
    assert len(edges) == 600
    assert edges[0] == Edge(4, True, 1000, 1)
    assert edges[-1] == Edge(4, False, 1599, 600)


def test_structures_have_the_sizes_of_the_kernel_header() -> None:
    assert gpio.EVENT.size == 48
    assert gpio.LINEINFO.size == 256
    assert len(gpio.input_config([Line(4)])) == 272
    size_in_ioctl = {
        gpio.GET_CHIPINFO: 68,
        gpio.GET_LINEINFO: 256,
        gpio.GET_LINE: 592,
        gpio.SET_VALUES: 16,
    }
    for number, size in size_in_ioctl.items():
        assert number >> 16 & 0x3FFF == size


def test_lines_with_another_pull_get_an_attribute_of_their_own() -> None:
    config = gpio.input_config([Line(4, "down"), Line(17, "up"), Line(27, "down"), Line(5, "none")])
    flags, attributes = struct.unpack_from("=QI", config)
    both_edges = gpio.INPUT | gpio.RISING | gpio.FALLING
    assert (flags, attributes) == (both_edges | gpio.BIAS["down"], 2)
    rows = [struct.unpack_from("=IIQQ", config, 32 + 24 * n) for n in range(2)]
    assert rows == [
        (1, 0, both_edges | gpio.BIAS["up"], 0b0010),
        (1, 0, both_edges | gpio.BIAS["none"], 0b1000),
    ]


def test_a_machine_without_the_chip_says_what_is_there_instead() -> None:
    with pytest.raises(OSError, match="no GPIO chip nonesuch on this machine"):
        gpio.find("nonesuch")
    with pytest.raises(OSError, match="/dev/nonesuch: No such file"):
        gpio.find("/dev/nonesuch")


def test_a_pc_names_both_backends_that_are_missing() -> None:
    if gpio.chips():
        with pytest.raises(OSError, match="no GPIO chip nonesuch"):
            RealWires().edges("nonesuch", [Line(4)])
    else:
        with pytest.raises(OSError, match=r"no Raspberry Pi GPIO chip.*RPi.GPIO is not usable"):
            RealWires().edges("", [Line(4)])


class FakeRPi:
    """The interface of RPi.GPIO as far as it is used."""

    BCM, IN, OUT, BOTH, PUD_UP, PUD_DOWN, PUD_OFF = range(7)

    def __init__(self) -> None:
        self.levels: dict[int, bool] = {}
        self.callbacks: dict[int, Any] = {}
        self.outputs: list[tuple[int, bool]] = []
        self.cleaned: list[int] = []

    def setmode(self, mode: int) -> None:
        assert mode == self.BCM

    def setup(self, pin: int, direction: int, pull_up_down: int = 0) -> None:
        if pin > 27:
            raise ValueError("The channel sent is invalid on a Raspberry Pi")

    def input(self, pin: int) -> bool:
        return self.levels.get(pin, False)

    def output(self, pin: int, level: bool) -> None:
        self.outputs.append((pin, level))

    def add_event_detect(self, pin: int, edge: int, callback: Any) -> None:
        self.callbacks[pin] = callback

    def cleanup(self, pins: list[int]) -> None:
        self.cleaned += pins

    def change(self, pin: int, level: bool) -> None:
        self.levels[pin] = level
        self.callbacks[pin](pin)


def test_the_second_backend_tells_edges_with_its_own_stamps() -> None:
    board = FakeRPi()
    edges = CallbackEdges([Line(4, led=27)], board)
    begin = time.monotonic_ns()
    board.change(4, True)
    board.change(4, False)
    rise, fall = edges.read(1.0)
    assert (rise.rising, rise.seqno, fall.rising, fall.seqno) == (True, 1, False, 2)
    assert begin <= rise.time_ns <= fall.time_ns <= time.monotonic_ns()
    assert not edges.kernel_time
    assert "no kernel time" in edges.note
    edges.blink(4)
    assert board.outputs == [(27, True)]
    edges.close()
    edges.close()
    assert board.cleaned == [4, 27]


def test_a_level_that_did_not_change_counts_the_edge_that_was_missed() -> None:
    board = FakeRPi()
    edges = CallbackEdges([Line(4)], board)
    board.change(4, False)  # a whole pulse went by before the callback ran
    (edge,) = edges.read(1.0)
    assert (edge.rising, edge.seqno) == (False, 2)


def test_a_read_waits_for_an_edge_and_no_longer() -> None:
    board = FakeRPi()
    edges = CallbackEdges([Line(4)], board)
    assert edges.read(0.01) == []
    timer = threading.Timer(0.05, board.change, (4, True))
    timer.start()
    assert len(edges.read(5.0)) == 1
    timer.join()


def test_a_refused_pin_is_a_sentence_and_is_let_go() -> None:
    board = FakeRPi()
    with pytest.raises(OSError, match=r"RPi\.GPIO: The channel sent is invalid"):
        CallbackEdges([Line(40)], board)
    assert board.cleaned == [40]


def test_an_led_goes_out_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    board = FakeRPi()
    edges = CallbackEdges([Line(4, led=27)], board)
    edges.blink(4)
    later = time.monotonic() + 1.0
    monkeypatch.setattr("s0web.hardware.rpigpio.time", SimpleNamespace(monotonic=lambda: later))
    edges.read(0)
    assert board.outputs == [(27, True), (27, False)]

"""GPIO by the RPi.GPIO interface: RPi.GPIO on old kernels, rpi-lgpio on new ones; never both.

The second choice, where there is no GPIO character device: stamps are taken in Python when the
callback runs, so power is coarse on a busy machine, and edges that come faster than callbacks run
may merge.
"""

import errno
import time
from collections.abc import Sequence
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any

from . import Edge, Line


def module() -> Any:
    """The RPi.GPIO module; OSError says why there is none."""
    try:
        return import_module("RPi.GPIO")
    except (ImportError, RuntimeError, OSError) as error:
        raise OSError(
            errno.ENODEV,
            f"RPi.GPIO is not usable here ({error}); on a Pi: apt install python3-rpi-lgpio",
        ) from error


class CallbackEdges:
    """Lines claimed by RPi.GPIO (contract: hardware.Edges)."""

    kernel_time = False
    note = "RPi.GPIO, no kernel time: power is coarse"

    def __init__(self, lines: Sequence[Line], gpio: Any = None) -> None:
        self._gpio = gpio or module()
        self._queue: SimpleQueue[Edge] = SimpleQueue()
        self._count = {line.offset: 0 for line in lines}
        self._level = {line.offset: False for line in lines}
        self._leds = {line.offset: line.led for line in lines if line.led is not None}
        self._lit: dict[int, float] = {}
        self._claimed: list[int] = []
        pulls = {"up": self._gpio.PUD_UP, "down": self._gpio.PUD_DOWN, "none": self._gpio.PUD_OFF}
        try:
            self._gpio.setmode(self._gpio.BCM)
            for line in lines:
                self._claimed.append(line.offset)
                self._gpio.setup(line.offset, self._gpio.IN, pull_up_down=pulls[line.pull])
                self._level[line.offset] = bool(self._gpio.input(line.offset))
                self._gpio.add_event_detect(line.offset, self._gpio.BOTH, callback=self._edge)
            for led in self._leds.values():
                self._claimed.append(led)
                self._gpio.setup(led, self._gpio.OUT)
        except (RuntimeError, ValueError) as error:
            self.close()
            raise OSError(errno.EIO, f"RPi.GPIO: {error}") from error

    def _edge(self, line: int) -> None:
        """The library's callback. A level that did not change means that its opposite came and went
        unseen.
        """
        level = bool(self._gpio.input(line))
        self._count[line] += 1 if level != self._level[line] else 2
        self._level[line] = level
        self._queue.put(Edge(line, level, time.monotonic_ns(), self._count[line]))

    def read(self, seconds: float) -> list[Edge]:
        self._dim()
        edges = []
        try:
            edges.append(
                self._queue.get(timeout=seconds) if seconds > 0 else self._queue.get_nowait()
            )
            while True:
                edges.append(self._queue.get_nowait())
        except Empty:
            return edges

    def blink(self, line: int) -> None:
        if (led := self._leds.get(line)) is not None:
            self._lit[led] = time.monotonic() + 0.1
            self._gpio.output(led, True)

    def trigger(self, line: int) -> None:
        raise ValueError("a pulse can be made only in simulation")

    def close(self) -> None:
        if self._claimed:
            self._gpio.cleanup(self._claimed)
        self._claimed = []

    def _dim(self) -> None:
        now = time.monotonic()
        for led in [led for led, until in self._lit.items() if now >= until]:
            del self._lit[led]
            self._gpio.output(led, False)


class CallbackOutput:
    """An output line claimed by RPi.GPIO (contract: hardware.Output)."""

    note = "RPi.GPIO"

    def __init__(self, offset: int, active_low: bool, on: bool, gpio: Any = None) -> None:
        self._gpio = gpio or module()
        self._offset, self._active_low, self._is_claimed = offset, active_low, False
        try:
            self._gpio.setmode(self._gpio.BCM)
            self._gpio.setup(offset, self._gpio.OUT, initial=on != active_low)
        except (RuntimeError, ValueError) as error:
            raise OSError(errno.EIO, f"RPi.GPIO: {error}") from error
        self._is_claimed = True

    def put(self, on: bool) -> None:
        self._gpio.output(self._offset, on != self._active_low)

    def is_on(self) -> bool:
        return bool(self._gpio.input(self._offset)) != self._active_low

    def close(self) -> None:
        if self._is_claimed:
            self._gpio.cleanup([self._offset])
        self._is_claimed = False

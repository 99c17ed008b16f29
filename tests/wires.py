"""Wires for tests, held in the hand: edges and bytes are put in, sources read them."""

import errno
from collections.abc import Sequence

from s0web.clock import FakeClock
from s0web.hardware import Edge, Line


class HandEdges:
    """hardware.Edges whose edges come from `pulse`; numbering and stamps as the kernel does it."""

    kernel_time = True
    note = "by hand"

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.queue: list[Edge] = []
        self.seqno = {line.offset: 0 for line in lines}
        self.blinks: list[int] = []
        self.gone = self.led_fails = False
        self.closed = False

    def edge(self, line: int, rising: bool, at: float) -> None:
        self.seqno[line] += 1
        self.queue.append(Edge(line, rising, round(at * 1e9), self.seqno[line]))

    def pulse(self, line: int, at: float, width: float = 0.03) -> None:
        self.edge(line, True, at)
        self.edge(line, False, at + width)

    def read(self, seconds: float) -> list[Edge]:
        if self.gone:
            raise OSError(errno.ENODEV, "unplugged")
        edges, self.queue = self.queue, []
        return edges

    def blink(self, line: int) -> None:
        if self.led_fails:
            raise OSError(errno.EIO, "no LED")
        self.blinks.append(line)

    def trigger(self, line: int) -> None:
        self.edge(line, True, 0.0)

    def close(self) -> None:
        self.closed = True


class HandWires:
    """hardware.Wires on a FakeClock."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.claims: list[HandEdges] = []
        self.missing = False

    def edges(self, chip: str, lines: Sequence[Line]) -> HandEdges:
        if self.missing:
            raise FileNotFoundError(errno.ENODEV, "no Raspberry Pi GPIO chip on this machine")
        self.claims.append(HandEdges(lines))
        return self.claims[-1]

    def port(self, name: str, baud: int) -> object:
        raise FileNotFoundError(errno.ENOENT, f"there is no {name}")

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def close(self) -> None: ...

"""The GPIO lines of the simulated house: S0 pulses as edges, each when it is due; and relays."""

import threading
from collections import deque
from collections.abc import Sequence

from ..clock import Clock
from ..errors import SourceError
from ..hardware import Edge, Line
from .house import NS, House

WIDTH = 30_000_000  # ns: how long a pulse is high, and the least time before the next one


class Output:
    """The pulse output behind one line; times in ns since 1970, of the house.

    A pulse stays high for 30 ms, or for half the time to the next one where that is shorter. It
    waits until the line is free, so none is lost when one is triggered by hand just before it.
    """

    def __init__(self, house: House, line: Line, now: int) -> None:
        self._house, self._line = house, line
        self._known = self._free = now  # crossings are known until then; the line is low from then
        self._crossings: deque[int] = deque()
        self._edges: deque[tuple[int, bool]] = deque()
        self._count = 0

    def next(self, until: int) -> int:
        """When the next edge comes, or `until` if there is none before."""
        known = until + 2 * WIDTH
        if known > self._known:
            line = self._line
            self._crossings += self._house.pulses(
                line.measures, line.pulses_per_unit, self._known, known
            )
            self._known = known
        edge = self._edges[0][0] if self._edges else until
        return min(edge, self._crossings[0] if self._crossings else until, until)

    def trigger(self, now: int) -> None:
        self._settle(now)
        self._pulse(now, WIDTH)

    def take(self, now: int) -> list[tuple[int, bool, int]]:
        """The edges until now that were not taken yet: time, rising, number on this line."""
        self._settle(now)
        taken = []
        while self._edges and self._edges[0][0] <= now:
            self._count += 1
            taken.append((*self._edges.popleft(), self._count))
        return taken

    def _settle(self, now: int) -> None:
        """Make pulses of the crossings until now."""
        self.next(now)
        while self._crossings and self._crossings[0] <= now:
            crossing = self._crossings.popleft()
            half = (self._crossings[0] - crossing) // 2 if self._crossings else WIDTH
            self._pulse(crossing, min(WIDTH, half))

    def _pulse(self, time: int, width: int) -> None:
        rise = max(time, self._free)
        self._edges += (rise, True), (rise + width, False)
        self._free = rise + 2 * width


class SimulatedEdges:
    """hardware.Edges of the house, from the moment of claiming; `origin` is the 1970 time in ns at
    which the monotonic clock was 0, so that steps of the wall clock change nothing.
    """

    kernel_time = True
    note = "simulated"

    def __init__(self, house: House, clock: Clock, origin: int, lines: Sequence[Line]) -> None:
        self._clock, self._origin = clock, origin
        self._lock, self._news, self._open = threading.Lock(), threading.Event(), True
        now = self._now()
        self._outputs = {line.offset: Output(house, line, now) for line in lines}

    def read(self, seconds: float) -> list[Edge]:
        """Wait up to `seconds` for edges; return those that are there, in order."""
        now = self._now()
        end = now + round(seconds * NS)
        while True:
            if not self._open:
                raise SourceError("the simulated chip is closed: claim it again")
            with self._lock:
                edges = self._take(now)
                coming = min((out.next(end) for out in self._outputs.values()), default=end)
            if edges or now >= end:
                return edges
            self._clock.wait(self._news, max((coming - now) / NS, 1e-6))
            self._news.clear()
            now = self._now()

    def blink(self, line: int) -> None:
        """There is no LED."""

    def trigger(self, line: int) -> None:
        """Make one pulse now, or as soon as the line is free; wakes a waiting `read`."""
        if line not in self._outputs:
            raise ValueError(f"no simulated line {line}: there are {sorted(self._outputs)}")
        with self._lock:
            self._outputs[line].trigger(self._now())
        self._news.set()

    def close(self) -> None:
        self._open = False
        self._news.set()

    def _now(self) -> int:
        return self._origin + round(self._clock.monotonic() * NS)

    def _take(self, now: int) -> list[Edge]:
        edges = [
            Edge(offset, rising, time - self._origin, number)
            for offset, output in self._outputs.items()
            for time, rising, number in output.take(now)
        ]
        return sorted(edges, key=lambda edge: edge.time_ns)


class SimulatedOutput:
    """hardware.Output among the lines of the house; its owner may look at them, or set them."""

    note = "simulated"

    def __init__(self, lines: dict[tuple[str, int], bool], line: tuple[str, int], on: bool) -> None:
        self._lines, self._line = lines, line
        self.put(on)

    def put(self, on: bool) -> None:
        self._lines[self._line] = on

    def is_on(self) -> bool:
        return self._lines[self._line]

    def close(self) -> None:
        """The line stays as it is."""

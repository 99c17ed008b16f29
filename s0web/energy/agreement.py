"""Whether two devices that measure one line agree: their energies, difference by difference.

1. `Pair` marks both registers at the same moments, 5 minutes apart, and compares over the last
   hour: net energy where both know export, else import. Where that is too little energy it looks
   back up to 6 h.
2. Enough is when what cannot be known (a step of each register, 3 s of clock at both ends) is at
   most a third of the tolerance.
3. They differ when the sums are apart by more than the tolerance, or most steps by far more; where
   phases cancel, measured by what flows in the wires. They agree again when net sums and steps do.
   In between, and until enough looks in a row say so, the verdict stays.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from .track import Point, Track

STEP = 300.0  # s, at least, between two marks
HOUR = 3600.0  # s, compared
BRIEF = 600.0  # s, shortest span that is compared
MARKS = int(6 * HOUR / STEP) + 1
LATE = 3.0  # s: how far the clocks of two registers may be apart
UNEVEN = 0.1  # of what flowed: so far may steps be apart by stamps alone, and so a factor as ...
UNEVEN_FACTOR = 5.0  # ... this, of the tolerance
LOOKS = 2  # in a row until they are said to differ
LOOKS_WELL = 12  # in a row until they are well again: a wire may be idle for an hour


class Step(NamedTuple):
    """What flowed between two marks, kWh, net or import."""

    seconds: float
    trusted: float
    suspect: float
    reverse: float  # what the suspect exported where import is compared
    wires: Mapping[str, float]  # net, of the suspect's wires that are known


class Comparison(NamedTuple):
    """All steps of a span, summed by the direction in which the trusted device saw them flow."""

    steps: Sequence[Step]
    is_net: bool
    doubt: float  # kWh that cannot be known

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    @property
    def gross(self) -> float:
        """What the trusted device saw, either direction counted, kWh."""
        return sum(abs(step.trusted) for step in self.steps)

    @property
    def ratio(self) -> float:
        """The suspect's share of it: 1 where they agree, -1 where it has the directions swapped."""
        seen = sum(math.copysign(1, step.trusted) * step.suspect for step in self.steps)
        return seen / self.gross

    @property
    def apart(self) -> float:
        """kWh by which the steps differ, each by itself."""
        return sum(abs(step.suspect - step.trusted) for step in self.steps)

    @property
    def through(self) -> float:
        """What flowed through all wires, kWh: more than `gross` where one exports to another."""
        return sum(max(abs(s.trusted), sum(map(abs, s.wires.values()))) for s in self.steps)

    def flow(self, of: str, direction: int) -> float:
        """kWh of `trusted` or `suspect` while the trusted one saw import (1) or export (-1)."""
        amounts = (getattr(s, of) for s in self.steps if (s.trusted < 0) == (direction < 0))
        return direction * float(sum(amounts))

    def is_enough(self, tolerance: float) -> bool:
        return self.seconds >= BRIEF and self.doubt < tolerance / 3 * self.gross

    def differs(self, tolerance: float) -> bool | None:
        """None: it speaks neither for nor against."""
        uneven = max(UNEVEN, UNEVEN_FACTOR * tolerance)
        off = abs(self.ratio - 1) * self.gross
        if off > tolerance * self.through or self.apart > uneven * self.through:
            return True
        return None if off > tolerance * self.gross or self.apart > uneven * self.gross else False


class _Mark(NamedTuple):
    spans: tuple[int, ...]  # of all registers
    trusted: Point
    suspect: Point
    wires: Mapping[str, Point]


class Pair:
    """Two devices on one line, one of which is trusted; `wires` are those of the suspect."""

    def __init__(
        self, trusted: Track, suspect: Track, wires: Mapping[str, Track], tolerance: float
    ) -> None:
        self.trusted, self.suspect, self.tolerance = trusted, suspect, tolerance
        self.comparison: Comparison | None = None  # the latest one with enough energy
        self.differs: bool | None = None  # the verdict; None: none yet
        self._wires = wires
        self._against = 0  # looks in a row that speak against the verdict
        self._marks: deque[_Mark] = deque(maxlen=MARKS)

    def look(self) -> bool:
        """Mark the registers when that is due; return whether that changes what is known."""
        mark = self._mark()
        if mark is None:
            return False
        if self._marks and mark.spans != self._marks[-1].spans:
            self._marks.clear()
            self.comparison, self.differs, self._against = None, None, 0
            self._marks.append(mark)
            return True
        if self._marks and mark.trusted.time - self._marks[-1].trusted.time < STEP:
            return False
        self._marks.append(mark)
        found = self._compare()
        if found is None:
            return False
        self.comparison = found
        differs = found.differs(self.tolerance)
        if self.differs is None and not differs:
            self.differs = False
        is_against = differs is not None and differs != self.differs
        self._against = self._against + 1 if is_against else 0
        if self._against >= (LOOKS_WELL if self.differs else LOOKS):
            self.differs, self._against = differs, 0
        return True

    def _mark(self) -> _Mark | None:
        """Both at the latest reading of the slower one, where nothing need be guessed about it."""
        slow, fast = sorted((self.trusted, self.suspect), key=lambda track: -track.pace)
        due = self._marks[-1].trusted.time + STEP if self._marks else -math.inf
        if not slow.points or -STEP < slow.points[-1].time - due < 0:
            return None  # not yet; far before it is when the clock was set back
        spans = tuple(t.span for t in (self.trusted, self.suspect, *self._wires.values()))
        for point in reversed(slow.points):
            if other := fast.at(point.time):
                ours, theirs = (point, other) if slow is self.trusted else (other, point)
                wires = {
                    name: there
                    for name, track in self._wires.items()
                    if (there := track.at(point.time))
                }
                return _Mark(spans, ours, theirs, wires)
        return None

    def _compare(self) -> Comparison | None:
        """The last hour, or as much more of the past as it takes; None: too little energy yet."""
        steps: list[Step] = []
        seconds = 0.0
        grain = self.trusted.grain + self.suspect.grain
        for step, is_net in self._steps():
            steps.append(step)
            seconds += step.seconds
            swiftest = max(abs(s.trusted) / s.seconds for s in steps)  # kWh/s
            doubt = (2 if is_net else 1) * grain + 2 * LATE * swiftest
            found = Comparison(tuple(reversed(steps)), is_net, doubt)
            if seconds >= HOUR and found.is_enough(self.tolerance):
                return found
        return found if steps and found.is_enough(self.tolerance) else None

    def _steps(self) -> Iterator[tuple[Step, bool]]:
        """The steps between the marks, newest first, and whether they are net."""
        for after, before in pairwise(reversed(self._marks)):
            ours, theirs = (
                _flow(before.trusted, after.trusted),
                _flow(before.suspect, after.suspect),
            )
            is_net = not math.isnan(ours.exported) and not math.isnan(theirs.exported)
            wires = {
                name: flow.imported - flow.exported
                for name in before.wires.keys() & after.wires.keys()
                for flow in [_flow(before.wires[name], after.wires[name])]
            }
            if is_net:
                amounts = ours.imported - ours.exported, theirs.imported - theirs.exported, 0.0
            else:
                amounts = ours.imported, theirs.imported, theirs.exported
            yield Step(ours.time, *amounts, wires), is_net


def _flow(before: Point, after: Point) -> Point:
    return Point(*(b - a for a, b in zip(before, after, strict=True)))

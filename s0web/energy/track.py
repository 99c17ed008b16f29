"""What the registers of one device said lately, so that they can be read at any moment between.

A register that falls, another meter, a jump that no line can carry (a correction) and a pause of a
device that counts by itself begin a new span; differences never cross one.
"""

import math
from collections import deque
from itertools import pairwise
from typing import NamedTuple

CLOCK_BACK = 60.0  # s: a stamp that is older by more means that the clock was set
IMPOSSIBLE = 100.0  # kW: no line of a house carries that
PAUSE = 10.0  # s, and 4 times its usual pace: a device that counts by itself has missed some
RECENT = 64  # readings of a device that are kept


class Point(NamedTuple):
    time: float  # s since 1970
    imported: float  # kWh
    exported: float  # kWh; NaN: not known

    def between(self, other: "Point", time: float) -> "Point":
        """The point at a time between the two, on the straight line."""
        part = (time - self.time) / (other.time - self.time)
        return Point(
            time,
            self.imported + (other.imported - self.imported) * part,
            self.exported + (other.exported - self.exported) * part,
        )


class Track:
    """What the registers of one device said lately.

    `grain` (kWh) is the step of its registers, at most; smaller ones that are seen make it smaller.
    """

    def __init__(self, grain: float, counts_itself: bool = False) -> None:
        self.grain = grain
        self.span = 0  # which one this is
        self.points: deque[Point] = deque(maxlen=RECENT)
        self._counts_itself = counts_itself
        self._meter = ""

    @property
    def pace(self) -> float:
        """Mean seconds between two readings; 0 while that is not known."""
        points = self.points
        return (points[-1].time - points[0].time) / (len(points) - 1) if len(points) > 1 else 0.0

    def add(self, point: Point, meter: str = "") -> None:
        last = self.points[-1] if self.points else None
        if last is not None:
            if last.time - CLOCK_BACK <= point.time < last.time:
                point = point._replace(time=last.time)
            if self._is_broken(last, point, meter):
                self.points.clear()
                self.span += 1
            else:
                steps = (point.imported - last.imported, point.exported - last.exported)
                self.grain = min([self.grain, *(step for step in steps if step > 1e-6)])
                if point.time == last.time:
                    self.points.pop()
        self._meter = meter
        self.points.append(point)

    def at(self, time: float) -> Point | None:
        """The registers at a time between two readings, or None where there are none around it."""
        for before, after in pairwise(self.points):
            if before.time <= time <= after.time:
                return before.between(after, time)
        return None

    def _is_broken(self, last: Point, point: Point, meter: str) -> bool:
        seconds = point.time - last.time
        most = IMPOSSIBLE * max(seconds, 1.0) / 3600 + 2 * self.grain
        pause = max(PAUSE, 4 * self.pace) if self._counts_itself and self.pace else math.inf
        return (
            meter != self._meter
            or not 0 <= seconds <= pause
            or not 0 <= point.imported - last.imported <= most
            or math.isnan(point.exported) != math.isnan(last.exported)
            or point.exported < last.exported
            or point.exported - last.exported > most
        )

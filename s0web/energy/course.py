"""The course of the import in the last quarter of an hour, so that it can be seen for how long a
load has lasted.
"""

from collections import deque

LENGTH = 900.0  # s: a quarter of an hour
MINUTE = 60.0
SHORTEST = 150.0  # s: what is briefer than that, such as the turns of an oven, is smoothed
GRAIN = 10.0  # s between two moments of the past that are remembered
SILENCE = 60.0  # s without news, after which the power says nothing any more
BACK = 60.0  # s: a clock that goes back by more was set


class Course:
    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()  # s, Ws imported until then
        self._head = (0.0, 0.0)
        self._watts: float | None = None
        self._begin: float | None = None  # Ws imported until this minute began

    def add(self, time: float, power: float) -> list[tuple[int, float]]:
        """Take the power from this time on; return the minutes (since 1970) that ended, and their
        mean import in W.
        """
        ended = []
        last, energy = self._head
        if last - BACK <= time < last:
            time = last
        if self._watts is None or not 0 <= time - last <= SILENCE:
            self._points.clear()
            self._points.append((time, 0.0))
            self._head, self._begin = (time, 0.0), None
        else:
            ended = self._minutes(time)
            self._head = (time, energy + self._watts * (time - last))
            if time - self._points[-1][0] >= GRAIN:
                self._points.append(self._head)
            while time - self._points[0][0] > LENGTH + GRAIN:
                self._points.popleft()
        self._watts = max(power, 0.0)  # what is exported is not set off
        return ended

    def _minutes(self, time: float) -> list[tuple[int, float]]:
        """Those that end until then, if they were followed whole."""
        ended = []
        (last, energy), watts = self._head, self._watts or 0.0
        for minute in range(int(last // MINUTE), int(time // MINUTE)):
            until = energy + watts * ((minute + 1) * MINUTE - last)
            if self._begin is not None:
                ended.append((minute, (until - self._begin) / MINUTE))
            self._begin = until
        return ended

    def mean(self, seconds: float) -> float | None:
        """W of the last seconds, give or take a grain; None where less was followed."""
        time, energy = self._head
        for at, before in reversed(self._points):
            if time - at >= seconds - GRAIN / 2:
                return (energy - before) / (time - at)
        return None

    def ahead(self, seconds: float) -> float | None:
        """Ws that will be imported in the next seconds, if a load goes on for as long as it has
        lasted: at each moment the lowest mean of any span up to as long ago.
        """
        if self._watts is None:
            return None
        time, energy = self._head
        shortest = min(SHORTEST, max(seconds, GRAIN))
        lowest, reached, total = self._watts, 0.0, 0.0
        for at, before in reversed(self._points):
            span = time - at
            if span < shortest and (at, before) != self._points[0]:
                continue
            if span > 0:
                mean = (energy - before) / span
                lowest = mean if reached == 0.0 else min(lowest, mean)
                span = min(span, seconds)
                total += lowest * (span - reached)
                reached = span
                if reached >= seconds:
                    break
        return total + lowest * (seconds - reached)

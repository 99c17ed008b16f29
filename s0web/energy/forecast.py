"""What will be imported in the next minutes.

1. A load goes on for as long as it has lasted (`course.py`), ...
2. ... unless this house went on otherwise whenever it was like this (`experience.py`). What that
   adds or takes away is taken over slowly, so that the forecast does not jump.
"""

from math import exp

from .course import MINUTE, Course
from .experience import Experience

SMOOTH = 45.0  # s in which most of what experience says is taken over


class Forecast:
    def __init__(self) -> None:
        self._course, self.experience = Course(), Experience()
        self._more = 0.0  # W, in the mean of what is ahead, than what runs would import
        self._time = self._until = 0.0  # s, of which that is true

    def add(self, time: float, power: float) -> None:
        """The power (W, import positive) from this time on."""
        for minute, watts in self._course.add(time, power):
            self.experience.add(minute, watts)

    def ahead(self, time: float, until: float) -> float | None:
        """Ws that will be imported from one time to the other; None without a power."""
        rest = until - time
        lasting, minute = self._course.ahead(rest), self._course.mean(MINUTE)
        if lasting is None or minute is None or rest <= 0:
            return lasting
        now = int(time // MINUTE)
        more = (self.experience.ahead(now, rest, minute, lasting) - lasting) / rest
        if until != self._until:
            self._more = more
        self._more += (more - self._more) * (1 - exp(-max(time - self._time, 0.0) / SMOOTH))
        self._time, self._until = time, until
        return max(0.0, lasting + self._more * rest)

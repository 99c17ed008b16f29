"""When which quantities of one meter are read; times are monotonic seconds."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

EARLY = 0.001  # s that a beat may be taken before its time: sums of floats are never exact
Pattern = tuple[str, float]  # quantity, perhaps with *, and its interval in s; inf: never


def groups(
    quantities: Collection[str], interval: float, patterns: Sequence[Pattern]
) -> dict[float, frozenset[str]]:
    """Interval -> its quantities. The first pattern that fits counts; what is never read is left
    out.
    """
    found: dict[float, set[str]] = {}
    for quantity in quantities:
        every = next((s for pattern, s in patterns if fnmatchcase(quantity, pattern)), interval)
        if math.isfinite(every):
            found.setdefault(every, set()).add(quantity)
    return {every: frozenset(names) for every, names in found.items()}


@dataclass(slots=True)
class Beats:
    """The beats of one group: origin, origin + every, ... Those that were missed are skipped."""

    every: float
    quantities: frozenset[str]
    origin: float
    due: float

    def take(self, now: float) -> frozenset[str]:
        """The quantities if a beat is due, and on to the first beat after now; else nothing."""
        if now < self.due - EARLY:
            return frozenset()
        past = math.floor((now + EARLY - self.origin) / self.every)
        self.due = self.origin + (past + 1) * self.every
        return self.quantities


class Schedule:
    """All beats of one meter count from the same instant, so that those of 5 s and 300 s meet."""

    def __init__(self, intervals: dict[float, frozenset[str]], now: float) -> None:
        self.wanted = frozenset[str]().union(*intervals.values())
        self._beats = [Beats(every, names, now, now) for every, names in intervals.items()]
        self._fast: Beats | None = None
        self._fast_end = -math.inf
        self._again: frozenset[str] = frozenset()  # what was asked in vain
        self._again_at = math.inf

    @property
    def next(self) -> float:
        """When something is due; infinite: never."""
        fast = [self._fast.due] if self._fast and self._fast.due < self._fast_end else []
        return min([beats.due for beats in self._beats] + fast + [self._again_at], default=math.inf)

    @property
    def is_behind(self) -> bool:
        """Whether something that was asked for in vain has not been asked for again."""
        return bool(self._again)

    def take(self, now: float) -> frozenset[str]:
        """What is due now, perhaps nothing; it counts as asked for."""
        due = frozenset[str]().union(*(beats.take(now) for beats in self._beats))
        if self.is_fast(now) and self._fast:
            due |= self._fast.take(now)
        if now >= self._again_at - EARLY:
            due |= self._again
        self._again -= due
        if not self._again:
            self._again_at = math.inf
        return due

    def again(self, quantities: Collection[str], at: float) -> None:
        """These were asked for in vain: they are due at that time, if not before."""
        self._again |= self.wanted.intersection(quantities)
        if self._again:
            self._again_at = at

    def fast(self, every: float, end: float, now: float) -> None:
        """Everything (but what is never read) each `every` s from now until `end`."""
        self._fast, self._fast_end = Beats(every, self.wanted, now, now), end

    def is_fast(self, now: float) -> bool:
        return now < self._fast_end

"""The numbered log: every Reading gets a number, in order of arrival; a bounded ring in memory
holds the newest.

A reader keeps a cursor, the number of the last Reading it has dealt with. What has left the ring is
the archive's to serve (`Older`); without one a reader that fell behind is told how many it missed.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Protocol

from .model import Reading, Refused

CAPACITY = 5_000  # readings; about 10 MB with full P1 telegrams, over an hour of one meter


class Batch(NamedTuple):
    readings: list[Reading]
    last: int  # the cursor after this batch
    missed: int  # readings between the cursor and this batch that are gone


class Log:
    """Not locked by itself: the Hub appends and reads it under its own lock."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._ring: deque[Reading] = deque(maxlen=capacity)
        self.last = 0  # number of the newest Reading; the first ever is 1

    def append(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            self._ring.append(reading)
            self.last += 1

    def after(self, cursor: int, limit: int = 1_000) -> Batch:
        """The oldest readings that come after the cursor, at most `limit`."""
        first = self.last - len(self._ring) + 1
        missed = max(0, first - cursor - 1)
        start = max(first, cursor + 1)
        readings = list(islice(self._ring, start - first, start - first + limit))
        return Batch(readings, start + len(readings) - 1, missed)

    def renumber(self, base: int, last: int) -> None:
        """Number `base` is `last` from now on; what came up to there is no longer held."""
        for _ in range(len(self._ring) - (self.last - base)):
            self._ring.popleft()
        self.last += last - base


class Older(Protocol):
    """The log's older part, the archive: what left the ring, and how far each sink has come."""

    def after(self, cursor: int, limit: int = 1_000) -> Batch: ...

    def move(self, name: str, number: int) -> None: ...

    def set_aside(self, name: str, refused: Sequence[Refused]) -> None: ...


class Progress(NamedTuple):
    """How far a sink has come."""

    behind: int  # readings that it has not written
    oldest: datetime | None  # stamp of the oldest of them, where it is more than a moment behind

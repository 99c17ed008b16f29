"""What a house went on to import whenever its import had been much as it is now.

1. Two moments are alike when the means of the last minute and of the last quarter of an hour are of
   the same size: their classes are 12 % wide, and at little import some watts.
2. What followed moments that are alike in both is held against what followed those alike in the
   last minute alone, and that against a guess: so few times say little.
3. Four weeks are remembered, minute by minute, and of each likeness the last times.
"""

from array import array
from math import log
from statistics import median

DAYS = 28  # that are remembered
DAY = 1440  # minutes
BEFORE = 15  # minutes that a moment is judged by
WIDTH, FEW = 0.12, 30.0  # of a class: share of the size, and W that are added to it
TIMES = 60  # of each likeness, at most
GUESSES = 2  # times that a guess counts
SET = 60  # minutes: a clock that goes back by more was wrong

Likeness = tuple[int, ...]


class Experience:
    """Some 2 MB at most."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._first = 0  # how many minutes are forgotten
        self._minutes = array("q")  # since 1970
        self._sums = array("d")  # W min imported until they ended
        self._times: dict[Likeness, array[int]] = {}  # numbers of the minutes, the first one is 0

    def add(self, minute: int, watts: float) -> None:
        """The mean import of a minute; they come in order, some may be missing."""
        if self._minutes and minute <= self._minutes[-1]:
            if minute > self._minutes[-1] - SET:
                return
            self._forget()
        if len(self._minutes) >= (DAYS + 1) * DAY:
            del self._minutes[:DAY], self._sums[:DAY]
            self._first += DAY
        self._minutes.append(minute)
        self._sums.append((self._sums[-1] if self._sums else 0.0) + watts)
        last = len(self._minutes) - 1
        quarter = self._imported(last - BEFORE, BEFORE)
        for likeness in _likenesses(watts, None if quarter is None else quarter / BEFORE):
            times = self._times.setdefault(likeness, array("q"))
            times.append(self._first + last)
            if len(times) > TIMES:
                del times[0]

    def ahead(self, seconds: float, minute: float, quarter: float | None, guess: float) -> float:
        """Ws of the next seconds: the median of the times after such a mean import (W) of the last
        minute, and quarter of an hour; a guess (Ws) is among them.
        """
        for likeness in _likenesses(minute, quarter):
            times = self._times.get(likeness, ())
            followed = (self._imported(time - self._first, seconds / 60) for time in times)
            found = [amount * 60 for amount in followed if amount is not None]
            guess = median(found + [guess] * GUESSES)
        return guess

    def _imported(self, after: int, minutes: float) -> float | None:
        """W min in so many minutes after one; None where any of them is not known."""
        whole, part = int(minutes), minutes % 1
        until = after + whole
        last = until + (part > 0)
        if after < 0 or last >= len(self._minutes):
            return None
        if self._minutes[last] - self._minutes[after] != last - after:
            return None
        amount = self._sums[until] - self._sums[after]
        return amount + part * (self._sums[last] - self._sums[until])


def _likenesses(minute: float, quarter: float | None) -> list[Likeness]:
    """The loose one first."""
    if quarter is None:
        return [(_size(minute),)]
    return [(_size(minute),), (_size(minute), _size(quarter))]


def _size(watts: float) -> int:
    return int(log(watts + FEW) / WIDTH)

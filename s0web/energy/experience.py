"""What a house went on to import whenever its import had been much as it is now.

1. Two moments are alike when the means of the last minute, quarter of an hour and hour are of the
   same size: their classes are 12 % wide, and at little import some watts.
2. What followed moments that are alike in all of it is held against what followed those alike in
   less, and that against a guess: so few times say little.
3. Four weeks are remembered, minute by minute, and of each likeness the last times.
"""

from array import array
from math import log
from statistics import median

DAYS = 28  # that are remembered
DAY = 1440  # minutes
SPANS = (15, 60)  # minutes before a moment by which it is judged, too
WIDTH, FEW = 0.12, 30.0  # of a class: share of the size, and W that are added to it
TIMES = 60  # of each likeness, at most
GUESSES = 2  # times that a guess counts
LATE = 2  # minutes for which the last one that is known counts as the present
SET = 60  # minutes: a clock that goes back by more was wrong

Likeness = tuple[int, ...]


class Experience:
    """Some 2 MB when it is full."""

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
            self._times = {k: times for k, times in self._times.items() if times[-1] >= self._first}
        self._minutes.append(minute)
        self._sums.append((self._sums[-1] if self._sums else 0.0) + watts)
        last = len(self._minutes) - 1
        for likeness in self._likenesses(watts, minute):
            times = self._times.setdefault(likeness, array("q"))
            times.append(self._first + last)
            if len(times) > TIMES:
                del times[0]

    def ahead(self, now: int, seconds: float, watts: float, guess: float) -> float:
        """Ws of the next seconds: the median of the times after moments like this one, a guess (Ws)
        among them. `now`: the minute since 1970; `watts`: the mean import of the last 60 s.
        """
        for likeness in self._likenesses(watts, now):
            times = self._times.get(likeness, ())
            followed = (self._imported(time - self._first, seconds / 60) for time in times)
            found = [amount * 60 for amount in followed if amount is not None]
            guess = median(found + [guess] * GUESSES)
        return guess

    def _likenesses(self, watts: float, now: int) -> list[Likeness]:
        """The loosest first: of the last minute, and of as much before it as is known."""
        likenesses: list[Likeness] = [(_size(watts),)]
        last = len(self._minutes) - 1
        is_near = last >= 0 and 0 <= now - self._minutes[last] <= LATE
        for span in SPANS if is_near else ():
            amount = self._imported(last - span, span)
            if amount is None:
                break
            likenesses.append((*likenesses[-1], _size(amount / span)))
        return likenesses

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


def _size(watts: float) -> int:
    return int(log(watts + FEW) / WIDTH)

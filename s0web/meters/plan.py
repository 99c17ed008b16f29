"""The plan of few requests that read what is wanted of a meter, their lengths all different where
that can be.

Modbus RTU has no transaction id: only the length tells a late answer from the right one.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

Span = tuple[int, int]  # the first address, and the one behind the last
_SEARCH = 500  # steps spent before one request more may have the length of another


class Request(NamedTuple):
    first: int  # asked for: from here
    end: int  # until before here
    start: int  # of that wanted: from here
    stop: int  # until before here

    @property
    def words(self) -> int:
        return self.end - self.first


class _Island(NamedTuple):
    """Addresses without a hole that may not be read, and the spans in it that are wanted."""

    cuts: Sequence[int]  # where a request may begin and end
    spans: Sequence[Span]
    fewest: Sequence[int]  # requests needed from each span on

    @property
    def freedom(self) -> tuple[int, int]:
        """How much choice there is of its requests' lengths."""
        return self.fewest[0], len(self.cuts)


def plan(
    wanted: Collection[Span], registers: Iterable[Span], areas: Iterable[Span], most: int
) -> list[Request]:
    """As few requests as possible, none longer than `most`, for the wanted of all registers.

    Only registers are asked for, whole ones, and in `areas` the gaps between them too. No span is
    longer than `most`.
    """
    islands = list(_islands(wanted, list(registers), areas, most))
    islands.sort(key=lambda island: island.freedom)  # who has no choice comes first
    alike = 0
    while (requests := _Search(islands, most, alike).rest(0, 0, ())) is None:
        alike += 1
    return _in_turn(requests)


def _islands(
    wanted: Collection[Span], registers: Sequence[Span], areas: Iterable[Span], most: int
) -> Iterator[_Island]:
    readable = {a for first, end in (*areas, *registers) for a in range(first, end)}
    spans = sorted(set(wanted))
    while spans:
        first = end = spans[0][0]
        while first - 1 in readable:
            first -= 1
        while end in readable:
            end += 1
        here = [span for span in spans if span[0] < end]
        spans = spans[len(here) :]
        yield _Island(list(_cuts(first, end, registers)), here, _fewest(here, most))


def _cuts(first: int, end: int, registers: Sequence[Span]) -> Iterator[int]:
    """Where a request may begin or end: never within a register; in a gap only at every second
    address, since what is there is most likely in pairs.
    """
    inside = {a for start, stop in registers for a in range(start + 1, stop)}
    edges = {a for span in registers for a in span} - inside
    anchor = first
    for address in range(first, end + 1):
        if address in edges:
            anchor = address
        if address not in inside and (address - anchor) % 2 == 0:
            yield address


def _fewest(spans: Sequence[Span], most: int) -> list[int]:
    """For each span, and behind the last, how many requests the rest needs."""
    fewest = [0] * (len(spans) + 1)
    for i in range(len(spans) - 1, -1, -1):
        j = i + 1
        while j < len(spans) and spans[j][1] - spans[i][0] <= most:
            j += 1
        fewest[i] = 1 + fewest[j]
    return fewest


def _in_turn(requests: Sequence[Request]) -> list[Request]:
    """By address; where some are of one length, so that these do not follow each other if that
    can be.
    """
    often = Counter(request.words for request in requests)
    if len(often) == len(requests):
        return sorted(requests)
    piles = sorted(requests, key=lambda request: (-often[request.words], request.words, request))
    half = (len(piles) + 1) // 2
    turns = list(piles)
    turns[0::2], turns[1::2] = piles[:half], piles[half:]
    return turns


class _Search:
    """Looks for requests of which at most `alike` have the length of another."""

    def __init__(self, islands: Sequence[_Island], most: int, alike: int) -> None:
        self._islands, self._most, self._alike = islands, most, alike
        self._left = _SEARCH + sum(island.fewest[0] for island in islands)

    def rest(self, number: int, i: int, done: tuple[Request, ...]) -> tuple[Request, ...] | None:
        """All requests, of which those from span `i` of island `number` on are still to be found;
        None if there are none, or none were found in time.
        """
        if number == len(self._islands):
            return done
        island = self._islands[number]
        if i == len(island.spans):
            return self.rest(number + 1, 0, done)
        for j, request in self._next(island, i):
            self._left -= 1
            if self._left < 0:
                return None
            lengths = {request.words, *(other.words for other in done)}
            if len(done) + 1 - len(lengths) > self._alike:
                continue
            if (found := self.rest(number, j, (*done, request))) is not None:
                return found
        return None

    def _next(self, island: _Island, i: int) -> Iterator[tuple[int, Request]]:
        """Requests from span `i` on, after which the rest needs as few as can be: the fullest
        first, each as it is, then with more and more of what follows or precedes it.
        """
        for j in range(len(island.spans), i, -1):
            start, stop = island.spans[i][0], island.spans[j - 1][1]
            if stop - start > self._most or island.fewest[j] != island.fewest[i] - 1:
                continue
            for end in island.cuts:
                if stop <= end <= start + self._most:
                    yield j, Request(start, end, start, stop)
            for first in reversed(island.cuts):
                if stop - self._most <= first < start:
                    yield j, Request(first, stop, start, stop)

"""The open hours in memory: values told that are not yet packed.

Values stand in order of arrival; whoever asks gets them in order of time, one for each millisecond:
what came last counts. Not locked by itself.
"""

from array import array
from collections.abc import Iterable, Mapping
from typing import NamedTuple

HOUR = 3_600_000  # ms


class Key(NamedTuple):
    """The identity of a series; differences of a register never cross it."""

    device: str
    quantity: str
    segment: str  # the meter's serial and, where the register fell, #2, #3 ...; "" for a gauge


class Column:
    __slots__ = ("times", "values")

    def __init__(self) -> None:
        self.times = array("q")  # ms
        self.values = array("d")


Pairs = tuple[list[int], list[float]]


class OpenHours:
    def __init__(self) -> None:
        self._hours: dict[int, dict[Key, Column]] = {}
        self._first: dict[int, int] = {}  # hour -> the number of the first reading in it
        self._of: dict[Key, set[int]] = {}  # key -> the hours in which it has values
        self.count = 0  # values

    def add(self, key: Key, ms: int, number: float, seq: int) -> None:
        hour = ms // HOUR
        columns = self._hours.get(hour)
        if columns is None:
            columns = self._hours[hour] = {}
            self._first[hour] = seq
        column = columns.get(key)
        if column is None:
            column = columns[key] = Column()
            self._of.setdefault(key, set()).add(hour)
        column.times.append(ms)
        column.values.append(number)
        self.count += 1

    def closed(self, before: int, beyond: int) -> list[int]:
        """The hours that ended before a time (ms), or begin later than another."""
        return sorted(h for h in self._hours if (h + 1) * HOUR <= before or h * HOUR > beyond)

    def of(self, hour: int) -> Mapping[Key, Column]:
        return self._hours[hour]

    def drop(self, hours: Iterable[int]) -> None:
        for hour in hours:
            columns = self._hours.pop(hour)
            self.count -= sum(len(column.times) for column in columns.values())
            del self._first[hour]
            for key in columns:
                self._of[key].discard(hour)
                if not self._of[key]:
                    del self._of[key]

    def first(self, without: Iterable[int] = ()) -> int | None:
        """The number of the oldest reading that is still needed here, if these hours go."""
        gone = set(without)
        return min((seq for hour, seq in self._first.items() if hour not in gone), default=None)

    def keys(self, device: str, quantity: str) -> set[Key]:
        wanted = (device, quantity)
        return {key for key in self._of if key[:2] == wanted}

    def span(self, key: Key, start: int, end: int) -> Pairs:
        """The values with start <= time < end (ms)."""
        times, values = array("q"), array("d")
        for hour in sorted(self._of.get(key, ())):
            if start < (hour + 1) * HOUR and end > hour * HOUR:
                column = self._hours[hour][key]
                times.extend(column.times)
                values.extend(column.values)
        return cut(in_order(times, values), start, end)


def in_order(times: Iterable[int], values: Iterable[float]) -> Pairs:
    """In order of time, one value for each time: the last given counts."""
    stamps = list(times)
    if all(map(int.__lt__, stamps, stamps[1:])):
        return stamps, list(values)
    told = dict(zip(stamps, values, strict=True))
    stamps = sorted(told)
    return stamps, [told[stamp] for stamp in stamps]


def cut(pairs: Pairs, start: int, end: int) -> Pairs:
    times, values = pairs
    if not times or (start <= times[0] and times[-1] < end):
        return pairs
    kept = [index for index, stamp in enumerate(times) if start <= stamp < end]
    return [times[index] for index in kept], [values[index] for index in kept]

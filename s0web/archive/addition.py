"""Adds values of the past, which the log never saw, to the hours and rollups on disk.

A register's values go to the segment that is nearest in time and where it would still never fall,
else to a new one; one low value between two that go on is a slip and stays apart. Of hours that are
left as rollups alone nothing can be added to. What is added again replaces itself.
"""

import math
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ..model import Reading, Value
from .batches import EPOCH
from .hours import HOUR, Column, Key, Pairs, cut, in_order
from .memory import MS, Memory
from .packer import Edge, Packer, is_register, rounded
from .segments import Identity

LATEST = 1 << 62  # ms


class Piece(NamedTuple):
    """Values of one hour; a register's never fall, and belong together with those of their run."""

    hour: int
    identity: Identity
    run: int
    pairs: Pairs


class Addition:
    """Not locked by itself. What the caller adopts once it is written is in `draft`."""

    def __init__(self, memory: Memory, readings: Sequence[Reading], oldest: int) -> None:
        self.draft, self.left_out = Memory(), 0  # values for hours left as rollups alone
        self._memory, self._readings, self._oldest = memory, readings, oldest

    def write(self, connection: sqlite3.Connection) -> None:
        """Pack them, and thin the hours before `oldest` that they have passed; within one
        transaction.
        """
        self.draft, self._packer = self._memory.draft(), Packer(connection)
        self._memories: dict[Key, Pairs] = {}
        self._runs: dict[tuple[Identity, int], Key] = {}
        pieces = sorted(_pieces(self._readings), key=lambda piece: (piece.hour, piece.pairs[0][0]))
        for piece in pieces:
            device, quantity, _ = piece.identity
            key = Key(device, quantity, "")
            if is_register(quantity):
                key = self._runs[piece.identity, piece.run] = self._place(piece)
                self.draft.segments.went_on(piece.identity, key.segment, *piece.pairs)
            self._packer.pack(piece.hour, {key: _column(piece.pairs)})
        if pieces:
            self._packer.thin(min(self._oldest, pieces[-1].hour))
        for reading in self._readings:
            self._latest(reading)
        self.left_out = self._packer.refused
        sql = "INSERT OR REPLACE INTO state VALUES ('memory', ?)"
        connection.execute(sql, (self.draft.dump(),))

    def _place(self, piece: Piece) -> Key:
        """The series where these values of a register belong."""
        device, quantity, _ = piece.identity
        known = self._runs.get((piece.identity, piece.run))
        if known is not None and self._distance(known, piece) < math.inf:
            return known
        segments = self.draft.segments
        names = segments.names(piece.identity, self._packer.segments(device, quantity))
        keys = [Key(device, quantity, name) for name in names]
        distances = [self._distance(key, piece) for key in keys]
        if min(distances, default=math.inf) < math.inf:
            return keys[distances.index(min(distances))]
        return Key(device, quantity, segments.fresh(piece.identity, names))

    def _distance(self, key: Key, piece: Piece) -> float:
        """How near in time (ms) a series is to these values; infinite where it would fall."""
        times, _ = piece.pairs
        there = in_order(*_sum(self._packer.packed(key, piece.hour), self._in_memory(key)))
        inside = cut(there, times[0], times[-1] + 1)
        _, values = in_order(*_sum(inside, piece.pairs))
        before, after = self._packer.neighbours(key, piece.hour)
        around = [(-LATEST, -math.inf), *_edges(before), *_edges(after), (LATEST, math.inf)]
        around += zip(*there, strict=True)
        before = max(edge for edge in around if edge[0] < times[0])
        after = min(edge for edge in around if edge[0] > times[-1])
        if values != sorted(values) or before[1] > values[0] or after[1] < values[-1]:
            return math.inf
        if inside[0]:
            return 0
        nearest = min(times[0] - before[0], after[0] - times[-1])
        return nearest if nearest < LATEST // 2 else math.inf  # a series without values fits none

    def _in_memory(self, key: Key) -> Pairs:
        if key not in self._memories:
            self._memories[key] = self._memory.open.span(key, 0, LATEST)
        return self._memories[key]

    def _latest(self, reading: Reading) -> None:
        """What was told last stays so, unless this is later."""
        told = self.draft.latest.setdefault(reading.device, {})
        for quantity, number in reading.values.items():
            if quantity not in told or told[quantity].time < reading.time:
                told[quantity] = Value(number, reading.time, reading.meter)


def _pieces(readings: Sequence[Reading]) -> Iterator[Piece]:
    """All values in order of time, rounded as they will be kept, cut where hours and runs end."""
    told: dict[Identity, Pairs] = {}
    for reading in readings:
        ms = (reading.time - EPOCH) // MS
        for quantity, number in reading.values.items():
            serial = reading.meter if is_register(quantity) else ""
            identity = (reading.device, quantity, serial)
            times, values = told.setdefault(identity, ([], []))
            times.append(ms)
            values.append(rounded(number, quantity))
    for identity, pairs in told.items():
        ordered = in_order(*pairs)
        runs = _runs(ordered) if is_register(identity[1]) else [ordered]
        for number, run in enumerate(runs):
            for hour, part in groupby(zip(*run, strict=True), key=lambda pair: pair[0] // HOUR):
                times, values = map(list, zip(*part, strict=True))
                yield Piece(hour, identity, number, (times, values))


def _runs(pairs: Pairs) -> list[Pairs]:
    """Values that never fall; a low one between two that go on is a run of its own."""
    times, values = pairs
    slips = []
    run: Pairs = ([], [])
    found = [run]
    for at, (time, value) in enumerate(zip(times, values, strict=True)):
        if run[1] and value < run[1][-1]:
            if at + 1 < len(values) and values[at + 1] >= run[1][-1]:
                slips.append(([time], [value]))
                continue
            run = ([], [])
            found.append(run)
        run[0].append(time)
        run[1].append(value)
    return found + slips


def _column(pairs: Pairs) -> Column:
    column = Column()
    column.times.extend(pairs[0])
    column.values.extend(pairs[1])
    return column


def _sum(one: Pairs, other: Pairs) -> Pairs:
    return [*one[0], *other[0]], [*one[1], *other[1]]


def _edges(edge: Edge | None) -> list[Edge]:
    return [] if edge is None else [edge]

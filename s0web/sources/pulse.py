"""From edges to pulses: a filter on the raw stamps for one line, pure and exact."""

from collections.abc import Iterable
from typing import NamedTuple

from ..hardware import Edge


class Pulse(NamedTuple):
    time_ns: int  # of the rising edge, CLOCK_MONOTONIC
    number: int  # 1; more where an overflow swallowed the edges of others before it
    is_exact: bool = True  # False: its rise is among the lost edges, the stamp is of its fall


class PulseFilter:
    """Counts each stretch of high level of at least `minimum_ns` once, at its end, by the stamp of
    its beginning.

    Lows shorter than that are bounce and join the highs around them; of joined highs the high time
    alone counts, so that a burst of spikes makes no pulse. Edges lost to an overflow are known by
    the sequence number: a pulse ended for every falling edge among them. They are added to the next
    pulse, which so spans their time.
    """

    def __init__(self, minimum_ns: int) -> None:
        self._minimum = minimum_ns
        self._seqno = 0  # of the last edge; a line counts its edges from 1
        self._high = False
        self._rise = 0  # stamp of the last rising edge
        self._begin = 0  # stamp of the first rising edge of the joined highs
        self._fall = -(10**18)  # stamp of the last falling edge
        self._high_ns = 0  # high time of the joined highs so far
        self._counted = True  # is the present stretch counted (or is there none)?
        self._lost = 0  # pulses known only by number, not yet told
        self.rejected = 0  # stretches that were too short

    @property
    def is_high(self) -> bool:
        """Whether a pulse has begun."""
        return self._high

    def feed(self, edges: Iterable[Edge]) -> list[Pulse]:
        pulses = []
        for edge in edges:
            self._account(edge)
            if edge.rising:
                self._begin_high(edge.time_ns)
            elif self._high and self._end_high(edge.time_ns):
                pulses.append(Pulse(self._begin, 1 + self._lost))
                self._lost = 0
            elif self._lost:  # the rise of this very pulse is among the lost edges
                pulses.append(Pulse(edge.time_ns, self._lost, is_exact=False))
                self._lost = 0
            self._high = edge.rising
            if not edge.rising:
                self._fall = edge.time_ns
        return pulses

    def _account(self, edge: Edge) -> None:
        """How many pulses ended in a gap of the numbering, by the levels on both sides of it."""
        missed = edge.seqno - self._seqno - 1
        self._seqno = edge.seqno
        if missed <= 0:
            return
        if self._high:  # the first one missed was a fall
            self._lost += (missed + 1) // 2
            self._high = missed % 2 == 0
        else:
            self._lost += missed // 2
            self._high = missed % 2 == 1
        if self._high and not edge.rising:  # its rise is lost, its fall is here: one pulse more
            self._lost += 1
            self._high = False
        self._counted = True

    def _begin_high(self, stamp: int) -> None:
        if stamp - self._fall >= self._minimum:
            self.rejected += not self._counted
            self._begin, self._high_ns, self._counted = stamp, 0, False
        self._rise = stamp

    def _end_high(self, stamp: int) -> bool:
        """Whether the stretch counts now."""
        self._high_ns += stamp - self._rise
        if self._counted or self._high_ns < self._minimum:
            return False
        self._counted = True
        return True

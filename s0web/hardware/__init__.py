"""The contract of a wire: what a source may ask of hardware, real (`wires.py`) or simulated
(`s0web.simulation`).

The seam is the lowest portable one: edges with stamps, and bytes. All above it is the same code in
the meter cupboard and in a test.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Edge(NamedTuple):
    """One change of one GPIO line."""

    line: int
    rising: bool
    time_ns: int  # CLOCK_MONOTONIC
    seqno: int  # counts the edges of this line from 1, those lost to an overflow too


class Line(NamedTuple):
    """One input line and how it is wired."""

    offset: int  # number on the chip; BCM number on a Raspberry Pi
    pull: str = "down"  # up, down, none
    led: int | None = None  # output line that blinks with each pulse
    led_seconds: float = 0.1
    pulses_per_unit: float = 1000.0  # for a simulated wire: how many pulses a kWh or m3 makes
    measures: str = "energy"  # for a simulated wire: energy, gas or water


class Edges(Protocol):
    """Input lines of one GPIO chip, claimed."""

    kernel_time: bool  # False: stamps are taken in Python and may be late
    note: str  # what backend and chip this is, for the health

    def read(self, seconds: float) -> Sequence[Edge]:
        """Wait up to `seconds` for edges, return those that are there, in order; raises OSError
        when the chip is gone.
        """

    def blink(self, line: int) -> None:
        """Light the LED of this line, where there is one, for a moment; never waits."""

    def trigger(self, line: int) -> None:
        """Make one pulse (only on a simulated wire; raises ValueError elsewhere)."""

    def close(self) -> None: ...


class Port(Protocol):
    """A serial port, claimed."""

    def read(self, seconds: float) -> bytes:
        """Wait up to `seconds` for bytes, return all that are there (perhaps b""); raises OSError
        when it is gone.
        """

    def set_baud(self, baud: int) -> None: ...

    def close(self) -> None: ...


class Wires(Protocol):
    """Where sources get their wires."""

    def edges(self, chip: str, lines: Sequence[Line]) -> Edges:
        """Claim lines of the chip ("" = find it); raises OSError with a sentence."""

    def port(self, name: str, baud: int) -> Port:
        """Open a serial port (a device path, or socket://host:port), 8N1, exclusively; raises
        OSError with a sentence.
        """

    def monotonic(self) -> float:
        """The clock of the edge stamps, in seconds."""

    def close(self) -> None: ...

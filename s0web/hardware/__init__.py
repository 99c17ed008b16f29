"""The contract of a wire: what a source may ask of hardware, real (`wires.py`) or simulated
(`s0web.simulation`).

The seam is the lowest portable one: edges with stamps, bytes, registers, samples. All above it is
the same code in the meter cupboard and in a test.
"""

from array import array
from collections.abc import Mapping, Sequence
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


class Output(Protocol):
    """An output line of a GPIO chip, claimed."""

    note: str  # what is worth knowing, for the health

    def put(self, on: bool) -> None:
        """Raises OSError when the chip is gone."""

    def is_on(self) -> bool:
        """How the line truly is; raises OSError when the chip is gone."""

    def close(self) -> None:
        """Let it go as it is; may be called twice."""


class Port(Protocol):
    """A serial port, claimed."""

    def read(self, seconds: float) -> bytes:
        """Wait up to `seconds` for bytes, return all that are there (perhaps b""); raises OSError
        when it is gone.
        """

    def set_baud(self, baud: int) -> None: ...

    def close(self) -> None: ...


class BusLine(NamedTuple):
    """How one Modbus bus is wired."""

    port: str  # a device path, socket://host:port (RTU over TCP), tcp://host:port (Modbus TCP)
    baud: int = 9600
    parity: str = "N"  # N, E, O
    stopbits: int = 1
    meters: Mapping[int, str] = {}  # for a simulated wire: unit -> model


class Bus(Protocol):
    """A Modbus bus, claimed; its owner is the only master on it."""

    note: str  # what is worth knowing, for the health

    def read(
        self, unit: int, function: int, address: int, count: int, timeout: float, pause: float
    ) -> bytes:
        """Ask one meter for `count` registers (function 3 or 4) and return their 2 * count bytes,
        high byte first.

        The bus is silent for `pause` s before; the meter may take `timeout` s to begin its answer,
        the line's own time comes on top. Raises ReplyError when this request has no good answer,
        SourceError when the wire is gone. An answer to an earlier request is never returned as the
        one to this.
        """

    def close(self) -> None: ...


class Adc(NamedTuple):
    """How one analog-digital converter is sampled."""

    device: str  # SPI bus and device: 0.0 is /dev/spidev0.0
    chip: str  # mcp3208, mcp3204 (12 bit), mcp3008 (10 bit)
    speed: int  # Hz
    rate: float  # frames/s wanted
    channels: tuple[int, ...]  # of one frame, in the order in which they are converted


class Samples(NamedTuple):
    """Frames in a row: one conversion of each channel, one right after the other."""

    times_ns: "array[int]"  # CLOCK_MONOTONIC, type q: of the first conversion of each frame
    codes: "array[int]"  # type H: frame by frame, in each the channels in order
    slot_ns: float  # between two conversions of one frame
    seconds: float  # that these frames stand for: what they last; on a warped wire more
    late: int  # frames left out, since they would have come more than half a frame too late


class Sampler(Protocol):
    """An analog-digital converter, claimed and sampled without a pause."""

    note: str  # what is worth knowing, for the health

    def read(self, seconds: float) -> Sequence[Samples]:
        """Wait up to `seconds` for frames and return all that are there, in order, perhaps none;
        raises OSError when the converter is gone.
        """

    def close(self) -> None: ...


class Wires(Protocol):
    """Where sources get their wires."""

    def edges(self, chip: str, lines: Sequence[Line]) -> Edges:
        """Claim lines of the chip ("" = find it); raises OSError with a sentence."""

    def output(self, chip: str, offset: int, active_low: bool, on: bool) -> Output:
        """Claim a line of the chip ("" = find it) as output that is `on` from the first moment;
        raises OSError with a sentence.
        """

    def port(self, name: str, baud: int) -> Port:
        """Open a serial port (a device path, or socket://host:port), 8N1, exclusively; raises
        OSError with a sentence.
        """

    def bus(self, line: BusLine) -> Bus:
        """Claim a Modbus bus; raises OSError with a sentence."""

    def sampler(self, adc: Adc) -> Sampler:
        """Claim a converter and begin to sample it; raises OSError with a sentence."""

    def monotonic(self) -> float:
        """The clock of the stamps of edges and samples, in seconds."""

    def close(self) -> None: ...

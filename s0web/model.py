"""The words that all parts share: Reading, Value, Snapshot, Health, Trouble, Frame, Command and
Refused; Source and Sink.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Reading:
    """What is new about one device at one moment; it tells only what it tells.

    `time` is aware and kept as UTC; a naive one raises ValueError. The unit of a value is fixed by
    its quantity.
    """

    device: str  # the INI name, or <name>.<kind> for what hangs on it: grid.gas
    time: datetime
    values: Mapping[str, float]  # quantity -> number
    labels: Mapping[str, str] = field(
        default_factory=dict
    )  # what a meter says in words: EAN, message, tariff in force
    meter: str = ""  # the serial of the meter behind it, where it has one

    def __post_init__(self) -> None:
        if self.time.tzinfo is None:
            raise ValueError(f"reading of {self.device}: time {self.time} has no time zone")
        if self.time.tzinfo is not UTC:
            object.__setattr__(self, "time", self.time.astimezone(UTC))


class Trouble(NamedTuple):
    """What is wrong with one device while its wire works; shown as its health until its next
    Reading.
    """

    device: str
    kind: str  # one word for programs: silent, garbled, crc, lag ...
    text: str
    remedy: str


class Frame(NamedTuple):
    """The last telegram of one device as it came, for screens and support; never logged."""

    device: str
    data: bytes


Telling = Reading | Trouble | Frame


class Command(NamedTuple):
    """A wish for the part `target` (a device, or "station"); that part's own thread obeys it."""

    target: str
    verb: str  # trigger, correct, apply, fast, state ...
    value: float = 0.0
    reason: str = ""
    state: "Sequence[Reading]" = ()  # what another station said of itself, for the verb state


class Value(NamedTuple):
    number: float
    time: datetime
    meter: str


@dataclass(frozen=True, slots=True)
class Health:
    """How one worker ("source:grid") or one device ("grid.gas") is."""

    state: str  # starting ok stale failed stopped
    since: datetime
    text: str = ""  # a sentence for people: what is wrong, or what is worth knowing
    remedy: str = ""
    kind: str = ""  # one word for programs
    troubles: int = 0  # how many since start
    error: str = ""  # the last thing that was wrong, kept after it went


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known at one instant; immutable, share it freely."""

    version: int = 0
    values: Mapping[str, Mapping[str, Value]] = field(
        default_factory=dict
    )  # device -> quantity -> latest
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    health: Mapping[str, Health] = field(default_factory=dict)
    raw: Mapping[str, bytes] = field(default_factory=dict)

    def get(self, device: str, quantity: str) -> Value | None:
        return self.values.get(device, {}).get(quantity)

    def number(self, device: str, quantity: str) -> float | None:
        value = self.get(device, quantity)
        return None if value is None else value.number


Options = Mapping[str, Any]  # option name -> checked value, of one INI section
Totals = Callable[
    [str], Mapping[str, float]
]  # device -> the registers from which its counters go on, and the gauges of the last minute


class Source(Protocol):
    """Owns one wire and tells of all devices on it; only its thread calls it."""

    name: str  # source:<section>, the first section of its wire
    devices: Sequence[str]
    interval: float  # seconds between two reads; 0 = read() waits by itself
    patience: float  # seconds without a Reading until it is stale; infinite for pulses
    is_amid: bool  # half of something has been read: one more read() completes it

    def open(self) -> str:
        """Claim the wire; return what is worth knowing about it, or ""; raises SourceError."""

    def read(self) -> Sequence[Telling]:
        """Return what is new, perhaps nothing, within about a second; raises only when the wire is
        gone.
        """

    def obey(self, command: Command) -> Sequence[Telling]:
        """Carry out a command between two reads and return what is new by it; raises ValueError if
        it cannot.
        """

    def close(self) -> None:
        """Let the wire go; may be called twice."""


class Refused(NamedTuple):
    """Values that a server does not take for what they are; written again, they may be."""

    reading: Reading
    reason: str


class Sink(Protocol):
    """A place that keeps readings: the mirror image of a Source."""

    name: str

    def open(self) -> None:
        """Connect and create what is missing; raises SinkError."""

    def write(self, batch: Sequence[Reading]) -> Sequence[Refused] | None:
        """Keep all of it, or raise: then the same batch comes again. An empty batch is a tick, once
        a second. Return what of it the server will never take, to be set aside.
        """

    def close(self) -> None:
        """Keep what is still held and let go; may be called twice."""

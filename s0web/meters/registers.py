"""What a Modbus meter is: a table of registers, how each is coded, and the plan to read them in few
requests.

All addresses are 0-based; all words come high byte first. Numbers are told in the units of
`quantities.py`, import positive.
"""

import math
import struct
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from .plan import plan

_CODES = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
_SWAPPED = "_swapped"  # suffix of a kind: the lowest word comes first
FORMATS = {
    name + order: struct.Struct(">" + code)
    for name, code in _CODES.items()
    for order in ("", _SWAPPED)
}
_LARGEST = {"f": 3.4028234663852886e38, "d": 1.7976931348623157e308}
_BITS = {"h": 15, "H": 16, "i": 31, "I": 32, "q": 63, "Q": 64}  # without the sign
_NOTHING = {  # what an integer holds where there is nothing to tell, or more than it can hold
    code: ((1 << bits) - 1, -(1 << bits)) if code.islower() else ((1 << bits) - 1,)
    for code, bits in _BITS.items()
}


def _in_order(kind: str, data: bytes) -> bytes:
    """The bytes with the highest word first; its own inverse."""
    if not kind.endswith(_SWAPPED):
        return data
    return b"".join(data[i : i + 2] for i in range(len(data) - 2, -1, -2))


class Register(NamedTuple):
    """Where a meter keeps one quantity, and how."""

    quantity: str
    address: int
    kind: str = "float32"  # a key of FORMATS
    scale: float = 1.0  # the quantity's number is the register's times this

    @property
    def words(self) -> int:
        """How many 16-bit registers it takes."""
        return FORMATS[self.kind].size // 2

    @property
    def end(self) -> int:
        return self.address + self.words

    def decode(self, data: bytes) -> float | None:
        """The number in 2 * words bytes; None where an integer is at an end of what it can hold
        (but 0): so meters say that they have none. A float's NaN or infinity comes out as it is.
        """
        (raw,) = FORMATS[self.kind].unpack(_in_order(self.kind, data))
        if raw in _NOTHING.get(FORMATS[self.kind].format[1:], ()):
            return None
        if abs(self.scale) < 1:  # 22228 / 1000 is 22.228, 22228 * 0.001 is not
            return float(raw / round(1 / self.scale))
        return float(raw * self.scale)

    def encode(self, number: float) -> bytes:
        """The bytes of a number, as the meter would give them; too large a number becomes the
        largest, NaN in an integer register that which says that there is none.
        """
        return _in_order(self.kind, FORMATS[self.kind].pack(self._raw(number / self.scale)))

    def _raw(self, number: float) -> float:
        """What the register can hold of a number that is in its own units."""
        code = FORMATS[self.kind].format[1:]
        if code in _LARGEST:
            limit = _LARGEST[code]
            return max(-limit, min(limit, number)) if math.isfinite(number) else number
        nothing = _NOTHING[code][0]
        if math.isnan(number):
            return nothing
        low, high = (1 - nothing if code.islower() else 0), nothing - 1
        return max(low, min(high, round(max(low, min(high, number)))))


def series(
    first: int, names: str, kind: str = "float32", scale: float = 1.0
) -> tuple[Register, ...]:
    """Registers of one kind, one after another from `first` on; a dash is one that is not told."""
    step = FORMATS[kind].size // 2
    return tuple(
        Register(name, first + i * step, kind, scale)
        for i, name in enumerate(names.split())
        if name != "-"
    )


@dataclass(frozen=True, slots=True)
class Block:
    """One request: `count` registers from `address` on, and what is in them."""

    address: int
    count: int
    registers: tuple[Register, ...]


class Probe(NamedTuple):
    """Where a meter says who it is."""

    function: int
    address: int
    kind: str
    models: Mapping[int, str] = {}  # what it says -> the model that says so

    @property
    def words(self) -> int:
        return FORMATS[self.kind].size // 2

    def number(self, data: bytes) -> int:
        """The whole number in 2 * words bytes."""
        (raw,) = FORMATS[self.kind].unpack(_in_order(self.kind, data))
        return int(raw)


@dataclass(frozen=True, eq=False)
class Meter:
    """One model of meter."""

    name: str
    maker: str
    title: str  # what it is, in a few words
    source: str  # document or project from which the registers were traced
    phases: int
    function: int  # 3 or 4
    registers: tuple[Register, ...]
    sizes: tuple[int, ...]  # most registers in one request by its manual, then what to try below
    pause: float = 0.005  # s of silence that it needs before a request
    areas: tuple[tuple[int, int], ...] = ()  # first, behind the last: gaps within may be read
    serial: Probe | None = None
    code: Probe | None = None

    @property
    def most(self) -> int:
        """Most registers in one request, by its manual."""
        return self.sizes[0]

    @property
    def quantities(self) -> tuple[str, ...]:
        return tuple(register.quantity for register in self.registers)

    def blocks(
        self, most_registers: int, quantities: Container[str] | None = None
    ) -> tuple[Block, ...]:
        """The read plan of all or some quantities: as few requests as possible, none longer than
        `most_registers`, their lengths all different where that can be.

        RTU has no transaction id: the length tells a late answer from the right one. Raises
        ValueError where one value takes more than `most_registers`.
        """
        wanted = frozenset(q for q in self.quantities if quantities is None or q in quantities)
        return _blocks(self, most_registers, wanted)

    def decode(self, block: Block, data: bytes) -> dict[str, float]:
        """The values in the answer to a block's request, without those that the meter has not."""
        values = {}
        for register in block.registers:
            start = 2 * (register.address - block.address)
            number = register.decode(data[start : start + 2 * register.words])
            if number is not None:
                values[register.quantity] = number
        return values


@lru_cache(maxsize=512)
def _blocks(meter: Meter, most: int, wanted: frozenset[str]) -> tuple[Block, ...]:
    for register in meter.registers:
        if register.words > most:
            raise ValueError(
                f"{most} registers at once are too few for a {meter.name}: {register.quantity} "
                f"alone takes {register.words}"
            )
    spans = [(r.address, r.end) for r in meter.registers]
    here = [r for r in meter.registers if r.quantity in wanted]
    requests = plan({(r.address, r.end) for r in here}, spans, meter.areas, most)
    return tuple(
        Block(q.first, q.words, tuple(r for r in here if q.start <= r.address < q.stop))
        for q in requests
    )

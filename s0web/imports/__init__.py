"""Files of other programs, as Readings: each parser is a pure function of the lines of a file.

A parser raises ValueError, a sentence without the file's name, where the file is of another kind or
ends too early; a line that is wrong by itself is a Fault.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, tzinfo
from typing import NamedTuple

from ..model import Reading


class Fault(NamedTuple):
    """A line that was left out."""

    line: int
    text: str


class Choices(NamedTuple):
    """What the one who imports says of a file."""

    zone: tzinfo | None  # of local times without one; None: the machine's
    device: Callable[[str], str]  # a name in the file, or the usual one -> the device here
    begin: Callable[[str, str, str, datetime], float]  # device, quantity, meter, time -> register
    supply: str = "import"  # what EnergyMonitor's Supply is here: import or export
    tariff1: str = "low"  # what dsmr-reader's tariff 1 is here: low or high


Told = Iterator[Reading | Fault]
Parser = Callable[[Iterable[str]], Told]  # of one file after the other, in order of time

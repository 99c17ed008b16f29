"""P1 telegrams (DSMR, eMUCS-P1 and their kin): from the bytes on the wire to typed values.

`Framer` cuts the stream, `Parser` (or `parse`, for a single telegram) reads each telegram line by
line. A line that cannot be read is told in `unread` and costs nothing else; an unknown code is kept
as it stands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from ..errors import FrameError
from .channels import Channel, channels
from .framing import END, SEVEN_BITS, Framer, crc16, prove
from .obis import READERS
from .values import Failure, Number, Object, Peak, Stamped

__all__ = [
    "Channel",
    "Failure",
    "Framer",
    "Number",
    "Object",
    "Parser",
    "Peak",
    "Stamped",
    "Telegram",
    "Unread",
    "crc16",
    "parse",
]

_SHAPE = re.compile(  # A-B:C.D.E, a second colon forgiven, perhaps group F; values in brackets
    r"\s*(\d{1,2}-\d{1,3}:\d{1,3})[.:](\d{1,3}\.\d{1,3})(?:[.*](\d{1,3}))?\s*((?:\([^()]*\)\s*)+)"
)
_PRESENT = (None, "255")  # group F of what is measured now; others are historic values
_BETWEEN = re.compile(r"\)\s+\(")


class Unread(NamedTuple):
    line: str
    reason: str


@dataclass(frozen=True)
class Telegram:
    """One telegram. `objects` has each value by its OBIS code without group F, such as "1-0:1.8.1";
    a historic value by its whole code, such as "1-0:1.8.1*01".

    A code of the table in obis.py has a typed value, any other the text in brackets as it stands.
    """

    raw: bytes  # '/' to CRC, bit 7 cleared, each line ended by CR LF
    ident: str  # FLU5\\253769484_A
    objects: Mapping[str, Object]
    unread: tuple[Unread, ...] = ()

    @cached_property
    def time(self) -> datetime | None:
        """The meter's clock, in UTC; None without a time line (DSMR 2.2, 3.0) or if impossible."""
        moment = self.objects.get("0-0:1.0.0")
        return moment if isinstance(moment, datetime) else None

    @cached_property
    def version(self) -> str:
        """50221 in Belgium, 40, 42 or 50 in the Netherlands; "" where none is told."""
        return self.text("0-0:96.1.4") or self.text("1-3:0.2.8")

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        return channels(self.objects)

    def text(self, code: str) -> str:
        """The value of this code if it is a text, else ""."""
        value = self.objects.get(code)
        return value if isinstance(value, str) else ""


class Parser:
    """Reads the telegrams of one stream; lines that the previous one had too are not read again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, Object]] = {}

    def parse(self, raw: bytes) -> Telegram:
        """Return the telegram in these bytes; raises FrameError if it is damaged."""
        raw = _sound(raw)
        body = raw[: raw.index(b"!")].decode("ascii").replace("\r", "")
        ident, *lines = body.split("\n")
        if "\n(" in body:
            lines = _joined(lines)
        objects: dict[str, Object] = {}
        unread = []
        known, current = self._known, {}
        for line in lines:
            item = known.get(line)
            if item is None:
                if not line or line.isspace():
                    continue
                try:
                    item = _read(line)
                except ValueError as error:
                    unread.append(Unread(line, str(error)))
                    continue
            current[line] = item
            objects[item[0]] = item[1]
        self._known = current
        return Telegram(raw, ident[1:].strip(), objects, tuple(unread))


def parse(raw: bytes) -> Telegram:
    """Return the telegram in these bytes; raises FrameError if it is damaged."""
    return Parser().parse(raw)


def _sound(raw: bytes) -> bytes:
    """Return the telegram in its proven form, '/' to CRC and CR LF."""
    if not raw.isascii():
        raw = raw.translate(SEVEN_BITS)
    start = raw.find(b"/")
    end = END.search(raw, start) if start >= 0 else None
    if end is None:
        raise FrameError("no telegram: it must begin with '/' and end with '!' and its CRC")
    frame = prove(raw[start : end.start() + 1], end[1])
    if frame is None:
        told = end[1].decode() or "missing"
        raise FrameError(f"telegram damaged: its CRC {told} is wrong; check the reader's cable")
    return b"%b%b\r\n" % (frame, end[1])


def _joined(lines: list[str]) -> list[str]:
    """Put a line that begins with a bracket behind its forerunner: the gas of DSMR 2.2 and 3.0."""
    whole: list[str] = []
    for line in lines:
        if line.startswith("(") and whole:
            whole[-1] += line
        else:
            whole.append(line)
    return whole


def _read(line: str) -> tuple[str, Object]:
    """Return code and value of a line; raises ValueError with a reason."""
    code, _, inside = line.partition("(")
    if inside[-1:] == ")":
        try:
            return code, READERS[code](inside[:-1])
        except (KeyError, ValueError):
            return _read_untidy(line)
    return _read_untidy(line)


def _read_untidy(line: str) -> tuple[str, Object]:
    """Read a line with blanks, a group F or a typing error in it, or with an unknown code."""
    shape = _SHAPE.fullmatch(line)
    if shape is None:
        raise ValueError("it is no OBIS code followed by values in brackets")
    code = f"{shape[1]}.{shape[2]}" + ("" if shape[3] in _PRESENT else f"*{shape[3]}")
    inside = _BETWEEN.sub(")(", shape[4].rstrip())
    read = READERS.get(code)
    return code, read(inside[1:-1]) if read else inside

"""What the brackets of a P1 line hold, and how to read it: numbers, stamps, texts, rows of them.

A reader takes what stands between the first and the last bracket of a line, for example
"200512135409S)(00112.384*m3", and returns a value or raises ValueError with a reason. Stamps are
YYMMDDhhmmssX: the flag alone decides UTC (S = UTC+2, W = UTC+1), which is exact in the double hour
and right in Sweden, where it is W all year.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf
from typing import NamedTuple


class Number(NamedTuple):
    value: float
    unit: str  # as the meter prints it, "" if it prints none


class Stamped(NamedTuple):
    """A number with a time of its own: UTC, naive local time if without S/W flag, or None."""

    time: datetime | None
    number: Number


class Peak(NamedTuple):
    """One month of the history of peaks; `until` is the end of the month."""

    until: datetime | None
    time: datetime | None
    number: Number


class Failure(NamedTuple):
    """One long power failure."""

    end: datetime | None
    seconds: float


Numbers = tuple[Number, ...]
Object = Number | Stamped | datetime | str | Numbers | tuple[Peak, ...] | tuple[Failure, ...]
Reader = Callable[[str], Object]

_UNTIDY = re.compile(r" *([+-]?\d+(?:[.,]\d*)?) *\*? *((?:[A-Za-z]\w*)?) *")
_AHEAD = {"S": timedelta(hours=2), "W": timedelta(hours=1)}  # of UTC


def stamp(field: str) -> datetime | None:
    """Read YYMMDDhhmmssX as UTC, YYMMDDhhmmss as naive local time; None if impossible."""
    digits, flag = field[:12], field[12:]
    if len(digits) != 12 or not digits.isdigit() or (flag and flag not in _AHEAD):
        return None
    zone = "+00:00" if flag else ""
    try:
        moment = datetime.fromisoformat(f"20{digits[:6]}T{digits[6:]}{zone}")
    except ValueError:
        return None
    return moment - _AHEAD[flag] if flag else moment


def number(field: str) -> Number:
    """Read "000123.456*kWh"; a sign, a comma, a missing star or a missing unit do no harm."""
    figures, _, unit = field.partition("*")
    if not figures.replace(".", "").isdigit():  # float() would take "nan" and "1e5"
        untidy = _UNTIDY.fullmatch(field)
        if untidy is None:
            raise ValueError(f"{field[:40]!r} is no number")
        figures, unit = untidy[1].replace(",", "."), untidy[2]
    value = float(figures)
    if value == inf:
        raise ValueError(f"{figures[:20]}... is too large")
    return Number(value, unit)


def numbers(inside: str) -> Numbers:
    return tuple(number(field) for field in inside.split(")("))


def time(inside: str) -> datetime:
    """Read the telegram's own time."""
    moment = stamp(inside)
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{inside[:40]!r} is no time with its S/W flag")
    return moment


def plain(inside: str) -> str:
    if ")(" in inside:
        raise ValueError("it has several values where one is expected")
    return inside.strip()


_BLANKS = str.maketrans("\r\n\t\x1b", "    ")  # what a message of several lines may hold


def text(inside: str) -> str:
    """Read hex of characters; what is not that stays as it is. NUL, 0xFF and blanks around go."""
    field = plain(inside)
    try:
        data = bytes.fromhex(field).strip(b"\x00\xff \r\n\t")
    except ValueError:
        return field
    try:
        words = data.decode()
    except UnicodeDecodeError:
        words = data.decode("latin-1")
    words = words.translate(_BLANKS)
    return words if words.isprintable() else field


def ean(inside: str) -> str:
    return text(inside).strip("-")  # a meter without one says so in dashes


def stamped(inside: str) -> Stamped:
    """Read (stamp)(number), or a number alone."""
    fields = inside.split(")(")
    if len(fields) == 1:
        return Stamped(None, number(fields[0]))
    return Stamped(stamp(fields[0]), number(fields[1]))


def hourly(inside: str) -> Stamped:
    """Read (stamp)(status)(minutes)(count)(OBIS)(unit)(number), the gas of DSMR 2.2 and 3.0."""
    fields = inside.split(")(")
    if len(fields) < 7:
        raise ValueError("its value is missing")
    return Stamped(stamp(fields[0]), number(fields[6])._replace(unit=fields[5]))


def peaks(inside: str) -> tuple[Peak, ...] | str:
    """Read (count)(OBIS)(OBIS) and rows of (end of month)(stamp)(number).

    Hungary gives this code to another list, which stays as it is.
    """
    fields = inside.split(")(")
    if len(fields) < 3 or ":" not in fields[1]:
        return f"({inside})"
    return tuple(
        Peak(stamp(until), stamp(moment), number(power))
        for until, moment, power in zip(fields[3::3], fields[4::3], fields[5::3], strict=False)
    )


def failures(inside: str) -> tuple[Failure, ...]:
    """Read (count)(OBIS) and rows of (stamp of the end)(duration*s); () is an empty log."""
    fields = inside.split(")(")
    return tuple(
        Failure(stamp(end), number(seconds).value)
        for end, seconds in zip(fields[2::2], fields[3::2], strict=False)
    )

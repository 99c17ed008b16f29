"""Numbers and times as people read them, and texts of which a terminal obeys nothing."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any, TypeVar

Number = float | int
T = TypeVar("T")
STRANGE = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)


def plain(said: object) -> str:
    """What came from elsewhere: control characters become blanks."""
    return "".join(letter if letter.isprintable() else " " for letter in str(said))


def number(value: object, digits: int) -> str:
    """ "" for what is none."""
    if isinstance(value, bool) or not isinstance(value, Number):
        return ""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.") else text  # no -0.00


def kilo(watts: object, digits: int = 2) -> str:
    """W as kW."""
    return number(watts / 1000, digits) if isinstance(watts, Number) else ""


def moment(said: object) -> datetime | None:
    """An aware time of a document; None for what is none."""
    try:
        told = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return told if told.tzinfo else None


def local(said: object, zone: tzinfo | None, form: str) -> str:
    told = moment(said)
    return f"{told.astimezone(zone):{form}}" if told else ""


def lasted(seconds: float) -> str:
    """12 s, 5 min, 3.5 h, 2 d."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"


def since(said: object, now: datetime | None) -> str:
    told = moment(said)
    return lasted(max(0.0, (now - told).total_seconds())) if told and now else ""


def zone_of(documents: Any) -> tzinfo | None:
    """The station's offset from UTC by its local days; None: take the terminal's."""
    told = moment(found(lambda: documents["electricity day"]["periods"][-1]["start"], ""))
    return told.tzinfo if told else None


def found(read: Callable[[], T], default: T) -> T:
    """What is read of a document; the default where that is not as it should be."""
    try:
        return read()
    except STRANGE:
        return default

"""One option of the INI file: what is written for it, and how its text is read."""

import ipaddress
import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Option(NamedTuple):
    name: str
    kind: str  # a key of _PARSERS
    default: str | None  # as written in the file; None: must be given
    help: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    advanced: bool = False  # folded away in the dialog

    def parse(self, text: str) -> Any:
        """The value that the text means; ValueError says what is wrong and what would be right."""
        return _PARSERS[self.kind](self, text.strip())


def _yesno(option: Option, text: str) -> bool:
    if text.lower() in ("yes", "true", "on", "1"):
        return True
    if text.lower() in ("no", "false", "off", "0"):
        return False
    raise ValueError(f"'{text}' is not yes or no")


def _in_range(option: Option, number: float, text: str) -> None:
    if not option.low <= number <= option.high:
        bounds = f"{option.low:g} to {option.high:g}"
        if math.isinf(option.high):
            bounds = f"{option.low:g} or more"
        raise ValueError(f"{text} is out of range, it must be {bounds} {option.unit}".rstrip())


def _integer(option: Option, text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,15}", text):
        raise ValueError(f"'{text}' is not a whole number")
    _in_range(option, int(text), text)
    return int(text)


def _number(option: Option, text: str) -> float:
    if not re.fullmatch(r"[+-]?[0-9]{1,15}([.,][0-9]{1,30})?", text):
        raise ValueError(f"'{text}' is not a number")
    number = float(text.replace(",", "."))
    _in_range(option, number, text)
    return number


def _text(option: Option, text: str) -> str:
    if unprintable := next((letter for letter in text if not letter.isprintable()), ""):
        raise ValueError(
            "it must be one line without control characters or invisible ones; "
            f"there is a U+{ord(unprintable):04X}"
        )
    if len(text) > 500:
        raise ValueError("it is longer than 500 characters")
    if option.default is None and not text:
        raise ValueError("it must not be empty")
    return text


def _choice(option: Option, text: str) -> str:
    if text not in option.choices:
        raise ValueError(f"'{text}' is not one of {', '.join(option.choices)}")
    return text


_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")


def _names(option: Option, text: str) -> tuple[str, ...]:
    names = tuple(re.split(r"[\s,]+", _text(option, text))) if text else ()
    for name in names:
        if not _HOST.fullmatch(name) and not _is_address(name):
            raise ValueError(f"'{name}' is not a host name")
    return names


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _zone(option: Option, text: str) -> str:
    try:
        if text:
            ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"'{text}' is not a time zone such as Europe/Brussels") from None
    return text


def _hash(option: Option, text: str) -> str:
    if text and not re.fullmatch(r"(scrypt|pbkdf2)[:$A-Za-z0-9./+=_-]{20,400}", text):
        raise ValueError("it is not a password hash; set the password with: s0web passwd")
    return text


def _secret(option: Option, text: str) -> str:
    return _text(option, text)


def _addresses(option: Option, text: str) -> tuple[str, ...]:
    found = tuple(re.split(r"[\s,]+", _text(option, text))) if text else ()
    for address in found:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError:
            raise ValueError(
                f"'{address}' is not an address such as 192.168.1.20, or a network such as "
                "192.168.1.0/24"
            ) from None
    return found


WIRE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
RESERVED = ("point", "time", "current", "voltage", "power", "export")


def _rows(option: Option, text: str, example: str) -> list[tuple[str, str]]:
    """name:value, name:value -> its rows; no name twice."""
    if len(text) > 8000 or not text.isprintable():
        raise ValueError("it must be one line of printable characters, at most 8000")
    rows: list[tuple[str, str]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, colon, value = (piece.strip() for piece in part.partition(":"))
        if not (name and colon and value):
            raise ValueError(f"'{part[:40]}' is not written like {example}")
        if name in (known for known, _ in rows):
            raise ValueError(f"'{name[:40]}' is there twice")
        rows.append((name, value))
    if option.default is None and not rows:
        raise ValueError(f"it must not be empty; write it like {example}")
    return rows


def _wire_rows(option: Option, text: str, example: str) -> list[tuple[str, str]]:
    rows = _rows(option, text, example)
    for name, _ in rows:
        if not WIRE.fullmatch(name) or name in RESERVED:
            raise ValueError(
                f"'{name[:40]}' cannot name a wire: letters, digits, _ and -, and none of "
                f"{', '.join(RESERVED)}"
            )
    return rows


def _channels(option: Option, text: str) -> tuple[tuple[str, int], ...]:
    rows = _wire_rows(option, text, "brown:0, black:2")
    return tuple((name, _integer(option, value)) for name, value in rows)


def _factors(option: Option, text: str) -> tuple[tuple[str, float], ...]:
    if text and ":" not in text:
        return (("", _number(option, text)),)
    rows = _wire_rows(option, text, "0.25, or brown:0.25, black:0.26")
    return tuple((name, _number(option, value)) for name, value in rows)


def _intervals(option: Option, text: str) -> tuple[tuple[str, float], ...]:
    found = []
    for pattern, value in _rows(option, text, "current*:5, energy*:300, thd*:never"):
        if not re.fullmatch(r"[a-z0-9_*]{1,60}", pattern):
            raise ValueError(f"'{pattern[:40]}' is not a quantity, nor one with * such as energy*")
        found.append((pattern, math.inf if value == "never" else _number(option, value)))
    return tuple(found)


def _groups(option: Option, text: str) -> tuple[tuple[str, ...], ...]:
    found = []
    for part in filter(None, (part.strip() for part in _text(option, text).split(";"))):
        names = tuple(name.strip() for name in part.split(","))
        if len(names) < 2 or len(set(names)) < len(names) or not all(names):
            raise ValueError(f"'{part[:60]}' is not two or more devices, such as grid, mains")
        found.append(names)
    return tuple(found)


_DEVICE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}(\.[A-Za-z0-9_-]{1,32})?")


def _devices(option: Option, text: str) -> tuple[str, ...]:
    names = tuple(re.split(r"[\s,]+", _text(option, text))) if text else ()
    for name in names:
        if not _DEVICE.fullmatch(name):
            raise ValueError(f"'{name[:40]}' is not a device such as grid or grid.gas")
    return names


def _device(option: Option, text: str) -> str:
    names = _devices(option, text)
    if len(names) > 1:
        raise ValueError("there can be only one")
    return names[0] if names else ""


def _date(option: Option, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"'{text[:20]}' is not a day such as 2026-03-01") from None


class Threshold(NamedTuple):
    number: float
    is_percent: bool  # of what the load takes


def _threshold(option: Option, text: str) -> Threshold:
    return Threshold(_number(option, text.removesuffix("%").strip()), text.endswith("%"))


def _spidev(option: Option, text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,2}\.[0-9]{1,2}", text):
        raise ValueError(f"'{text[:20]}' is not an SPI bus and device such as 0.0")
    return text


_PARSERS: dict[str, Callable[[Option, str], Any]] = {
    "yesno": _yesno,
    "integer": _integer,
    "number": _number,
    "text": _text,
    "choice": _choice,
    "names": _names,
    "zone": _zone,
    "hash": _hash,
    "secret": _secret,
    "addresses": _addresses,
    "channels": _channels,
    "factors": _factors,
    "intervals": _intervals,
    "groups": _groups,
    "spidev": _spidev,
    "devices": _devices,
    "device": _device,
    "date": _date,
    "threshold": _threshold,
}

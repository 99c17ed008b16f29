"""The OPTIONS table: every option of the INI file, once.

It parses and checks the file, draws the dialog, writes the comments of a new file and makes the
options table in docs. A scope is a section ("web") or a family with a driver's type ("source.p1").
"""

import ipaddress
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Option(NamedTuple):
    name: str
    kind: str  # yesno integer number text choice names zone hash
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


_PARSERS: dict[str, Callable[[Option, str], Any]] = {
    "yesno": _yesno,
    "integer": _integer,
    "number": _number,
    "text": _text,
    "choice": _choice,
    "names": _names,
    "zone": _zone,
    "hash": _hash,
}

SCOPES = {
    "s0web": "The station",
    "web": "Pages and API",
    "log": "Messages",
    "source.s0": "S0 pulse counter on a GPIO pin",
    "source.p1": "P1 port of a digital meter",
}

OPTIONS: dict[str, tuple[Option, ...]] = {
    "s0web": (
        Option("simulate", "yesno", "no", "Use the simulated house in place of all wires."),
        Option("timezone", "zone", "", "Local time zone, such as Europe/Brussels; empty: the machine's."),
        Option(
            "save_interval", "number", "60",
            "How often counters that changed are saved (also at every full kWh and at stop).",
            "s", 1, 3600,
        ),
    ),
    "web": (
        Option("title", "text", "s0web", "Name shown on the pages."),
        Option(
            "allowed_hosts", "names", "",
            "Further names by which browsers may reach the station; addresses, names without a dot and "
            ".local, .lan, .home.arpa, .fritz.box names are always allowed.",
        ),
        Option(
            "admin_password", "hash", "",
            "Salted hash of the admin password; set it with: s0web passwd", advanced=True,
        ),
    ),
    "log": (
        Option("level", "choice", "info", "What is worth a line.", choices=("debug", "info", "warning", "error")),
        Option("target", "choice", "stderr", "Where messages go (under Apache stderr is its error log).",
               choices=("stderr", "journal", "file")),
        Option("file", "text", "", "Log file, for target = file."),
        Option("size", "integer", "1000000", "A log file is rotated at this size.", "bytes", 10_000, 1_000_000_000),
        Option("keep", "integer", "3", "Rotated log files kept.", "", 0, 100),
    ),
    "source.s0": (
        Option("pin", "integer", None, "GPIO number of the input.", "", 0, 511),
        Option("numbering", "choice", "bcm", "How pins are numbered: bcm (GPIO number, line of the chip) or board "
               "(position on the 40-pin header).", choices=("bcm", "board")),
        Option("chip", "text", "", "GPIO chip: a label or a path such as /dev/gpiochip1; empty: a Raspberry Pi's "
               "is found.", advanced=True),
        Option("measures", "choice", "energy", "What a pulse stands for.", choices=("energy", "gas", "water")),
        Option("pulses_per_kwh", "number", "1000", "Pulses for one kWh (energy).", "", 0.001, 1_000_000),
        Option("pulses_per_m3", "number", "100", "Pulses for one m3 (gas, water).", "", 0.001, 1_000_000),
        Option("minimum_width_ms", "number", "15", "Shorter pulses are noise.", "ms", 0, 10_000, advanced=True),
        Option("pull", "choice", "down", "Bias of the input.", choices=("down", "up", "none"), advanced=True),
        Option("zero_after", "number", "1800", "Power is 0 when no pulse came for so long.", "s", 10, 86_400,
               advanced=True),
        Option("blink", "yesno", "no", "Blink an LED with every pulse."),
        Option("led_pin", "integer", "27", "GPIO number of the LED.", "", 0, 511),
    ),
    "source.p1": (
        Option("port", "text", None, "Serial port, best by /dev/serial/by-id/..., or socket://host:port."),
        Option("baud", "integer", "0", "Line speed; 0: found by itself (115200, then 9600).", "baud", 0, 1_000_000,
               advanced=True),
        Option("patience", "number", "30", "Without a telegram for so long the values are shown as old.", "s", 3, 3600,
               advanced=True),
    ),
}  # fmt: skip


def scope_of(section: str, source_type: str = "") -> str:
    """The scope of a section: "web" -> "web", "source:grid" of type p1 -> "source.p1"; unknown ->
    "", and so is "source.p1", which is no section.
    """
    family, colon, name = section.partition(":")
    if not colon:
        return section if section in OPTIONS and "." not in section else ""
    scope = f"{family}.{source_type}"
    return scope if name and scope in OPTIONS else ""


def types_of(family: str) -> tuple[str, ...]:
    """The driver types of a family: "source" -> ("s0", "p1")."""
    return tuple(s.partition(".")[2] for s in OPTIONS if s.startswith(family + "."))

"""Taking over the settings of S0-Logger, once and in place."""

import logging
import shutil
from decimal import Decimal, InvalidOperation
from pathlib import Path

from . import inifile
from .config import Config, parse, parser_of, read
from .errors import ConfigError
from .fresh import new_file
from .hardware.pins import offset_of

LOG = logging.getLogger(__name__)
Sections = dict[str, dict[str, str]]
CHIP_LABEL = "pcf8574a"  # the expander that carries the XIO pins of a C.H.I.P.
MOST = Decimal(10) ** 15  # Wh, more than any meter shows
YES = ("true", "yes", "on", "1")


def is_s0_logger(text: str) -> bool:
    """S0-Logger's file has a [Config]; ours never has."""
    return "Config" in inifile.sections(text)


def checked(path: Path) -> Config:
    """The INI as it is, or would be once upgraded; ConfigError lists every mistake."""
    text = read(path)
    return parse(path, new_file(from_s0_logger(path, text)) if is_s0_logger(text) else text)


def taken_over(path: Path) -> Config:
    """The INI, an S0-Logger file upgraded in place."""
    text = read(path)
    return parse(path, upgrade_s0_logger(path, text) if is_s0_logger(text) else text)


def upgrade_s0_logger(path: Path, text: str) -> str:
    """The new text of an S0-Logger file; the old one is kept beside as <name>.s0logger."""
    new = new_file(from_s0_logger(path, text))
    parse(path, new)  # before anything is touched
    backup = path.with_name(path.name + ".s0logger")
    try:
        shutil.copy2(path, backup)
    except OSError as error:
        raise ConfigError(f"{path.parent}: cannot write here ({error.strerror}).") from error
    inifile.write(path, new)
    return new


def from_s0_logger(path: Path, text: str) -> Sections:
    """[Config] and [Cache] of S0-Logger as our sections; the counter exactly, Wh to kWh."""
    parser = parser_of(path, text)
    old = {key.lower(): value.strip() for key, value in parser["Config"].items()}
    cache = (
        {key.lower(): value for key, value in parser["Cache"].items()} if "Cache" in parser else {}
    )

    def yes(key: str) -> bool:
        return old.get(key, "").lower() in YES

    source = {"type": "s0", "pulses_per_kwh": old.get("ticksperkwh") or "1000"}
    source |= _pins(
        path, old.get("hw", "").upper(), old.get("s0pin") or "XIO-P1", old.get("ledpin") or "13"
    )
    source["blink"] = "yes" if yes("s0blink") and "led_pin" in source else "no"
    if yes("s0blink") and "led_pin" not in source:
        LOG.warning(
            "%s: [Config] ledpin: '%s' is no GPIO of the header; the LED does not blink.",
            path,
            old.get("ledpin", ""),
        )
    return {
        "s0web": {"simulate": "yes" if yes("simulate") else "no"},
        "web": {},
        "log": {"level": "debug" if yes("debug") else "info"},
        "source:main": source,
        "cache": {"main": _kwh(path, cache.get("energy") or "0")},
    }


def _pins(path: Path, hardware: str, pin: str, led: str) -> dict[str, str]:
    if pin.upper().startswith("XIO-P") and pin[5:].isdigit():
        return {"pin": pin[5:], "chip": CHIP_LABEL}
    if hardware == "CHIP" or not pin.isdigit():
        raise ConfigError(
            f"{path}: [Config] s0pin: '{pin}' of hw={hardware or '(empty)'} is not known to s0web. "
            "Write a [source:main] with chip (label or path of the GPIO chip) and pin (its line)."
        )
    pins = {"pin": pin, "numbering": "board"}
    try:
        position = int(led)
        offset_of(position, "board")
    except ValueError:
        return pins  # an LED is no reason to refuse a counter
    return pins | {"led_pin": str(position)}


def _kwh(path: Path, text: str) -> str:
    try:
        energy = Decimal(text.strip().replace(",", "."))
        if not energy.is_finite() or not 0 <= energy <= MOST:
            raise InvalidOperation
    except InvalidOperation:
        raise ConfigError(
            f"{path}: [Cache] energy: '{text}' is not a counter in Wh; write your meter's there."
        ) from None
    return f"{energy / 1000:.30f}".rstrip("0").rstrip(".")

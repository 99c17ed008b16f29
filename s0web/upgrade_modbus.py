"""Taking over smartmeter_cfg.toml of Hofei90's smartmeter: its meter becomes a Modbus source.

Two generations: the older gives each register an interval in seconds ([[messintervall]]), the newer
one in passes of so many seconds ([mess_cfg] and [durchlaufintervall]; false: never). Registers that
are not listed are never read. MQTT and Telegram are named, never with what they hold.
"""

import math
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from .config import read
from .errors import ConfigError
from .meters.german import GERMAN, GERMAN_WS100
from .meters.registers import Meter
from .options import OPTIONS
from .registry import METERS, load
from .upgrade_databases import broker, databases

Sections = dict[str, dict[str, str]]
Intervals = dict[str, float]  # quantity -> s; inf: never
DEVICES = {
    "DDS353B": "dds353",
    "SDM72DM": "sdm72",
    "SDM230": "sdm230",
    "SDM530": "sdm530",
    "SDM630": "sdm630",
    "WS100": "ws100",
}
BOT = "Not taken over: [telegram_bot]; write its token and your chat id into [telegram]."
MISSPELT = {"THD_Durchschnitliche_Spannung_zu_N": "thd_voltage"}  # in the settings it comes with
_OPTIONS = {option.name: option for option in OPTIONS["source.modbus"]}


def from_modbus_smartmeter(path: Path) -> tuple[Sections, list[str]]:
    """Our sections, and lines about the rest; ConfigError names file, key and reason."""
    try:
        file = tomllib.loads(read(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}.") from None
    old = _Keys(path, file)
    if "modbus" not in file:
        raise ConfigError(f"{path}: has no [modbus]; is it smartmeter's smartmeter_cfg.toml?")
    source = {"type": "modbus"} | _line(old)
    if "mess_cfg" in file:
        model = _model(old)
        found = _by_passes(old, model)
        fast = ("mess_cfg", "schnelles_messintervall", "dauer_schnelles_messintervall")
    elif "messintervall" in file:
        model = "sdm530"  # the only one that this generation reads
        found = _by_seconds(old, model)
        fast = ("pg", "schnellintervall", "dauer_schnellintervall")
    else:
        raise ConfigError(f"{path}: has neither [mess_cfg] nor [[messintervall]].")
    source["model"] = model
    source |= _written(old, load(METERS, model), found)
    for option, key in (("fast_interval", fast[1]), ("fast_seconds", fast[2])):
        if key in old.table(fast[0]):
            seconds = old.number(fast[0], key)
            source[option] = _plain(old.bounded(f"{fast[0]}.{key}", seconds, option))
    sink, more = databases(path, file)
    told, unused = broker(path, file)
    notes = [*old.notes, *more, *unused, *([BOT] if "telegram_bot" in file else [])]
    return {"source:meter": source} | sink | told, notes


class _Keys:
    """The tables of the file; mistakes are told with file and key, changes are noted."""

    def __init__(self, path: Path, file: dict[str, Any]) -> None:
        self._path, self._file, self.notes = path, file, list[str]()

    def wrong(self, key: str, reason: str) -> ConfigError:
        return ConfigError(f"{self._path}: {key}: {reason}.")

    def table(self, name: str) -> dict[str, Any]:
        """A table, also where it is written as a list of tables."""
        found = self._file.get(name, {})
        tables = found if isinstance(found, list) else [found]
        if not all(isinstance(table, dict) for table in tables):
            raise self.wrong(name, f"is no table [{name}]")
        return {key: value for table in tables for key, value in table.items()}

    def value(self, table: str, key: str) -> Any:
        if key not in self.table(table):
            raise self.wrong(f"{table}.{key}", "is missing")
        return self.table(table)[key]

    def text(self, table: str, key: str) -> str:
        value = self.value(table, key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"{table}.{key}", "is no text in quotes")
        return value.strip()

    def option(self, table: str, key: str, option: str) -> str:
        """A value that is one of our options, as the INI has it."""
        value = self.value(table, key)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise self.wrong(f"{table}.{key}", "is neither a number nor a text")
        text = value.strip() if isinstance(value, str) else _plain(value)
        try:
            _OPTIONS[option].parse(text)
        except ValueError as error:
            raise self.wrong(f"{table}.{key}", str(error)) from None
        return text

    def number(self, table: str, key: str) -> float:
        value = self.value(table, key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(f"{table}.{key}", "is not a number")
        if not math.isfinite(value) or value < 0:
            raise self.wrong(f"{table}.{key}", f"{value} is no interval")
        return float(value)

    def bounded(self, name: str, seconds: float, option: str) -> float:
        row = _OPTIONS[option]
        low = 1.0 if seconds == 0 else row.low  # 0 stood for: without a pause
        kept = min(max(seconds, low), row.high)
        if kept != seconds:
            self.notes.append(f"{name}: {seconds:g} s becomes {kept:g} s.")
        return kept


def _line(old: _Keys) -> dict[str, str]:
    """[modbus]: the port and how it is spoken to."""
    found = {"port": old.text("modbus", "serial_if")}
    for key, option in (
        ("slave_addr", "unit"),
        ("serial_if_baud", "baud"),
        ("serial_if_par", "parity"),
        ("serial_if_stop", "stopbits"),
    ):
        found[option] = old.option("modbus", key, option)
    if "timeout" in old.table("modbus"):
        found["timeout"] = old.option("modbus", "timeout", "timeout")
    if old.table("modbus").get("serial_if_byte", 8) != 8:
        raise old.wrong("modbus.serial_if_byte", "Modbus RTU has 8 bits in a byte")
    return found


def _model(old: _Keys) -> str:
    if "device" not in old.table("mess_cfg"):
        old.notes.append("mess_cfg.device is missing: taken for an SDM530, as it was then.")
        return "sdm530"
    device = old.text("mess_cfg", "device")
    if device not in DEVICES:
        known = ", ".join(DEVICES)
        raise old.wrong("mess_cfg.device", f"'{device[:40]}' is not one of {known}")
    return DEVICES[device]


# -- intervals -------------------------------------------------------------------------------------


def _by_seconds(old: _Keys, model: str) -> Intervals:
    """[[messintervall]]: seconds for each register."""
    listed = {}
    for key in old.table("messintervall"):
        seconds = old.number("messintervall", key)
        listed[key] = old.bounded(f"messintervall.{key}", seconds, "intervals")
    return _quantities(old, "messintervall", listed, model)


def _by_passes(old: _Keys, model: str) -> Intervals:
    """[durchlaufintervall]: each register on every n-th pass; without it all on each."""
    every = old.number("mess_cfg", "messintervall")
    every = old.bounded("mess_cfg.messintervall", every, "interval")
    table = old.table("durchlaufintervall")
    if not table:
        return dict.fromkeys(load(METERS, model).quantities, every)
    listed = {}
    for key, value in table.items():
        passes = 0.0 if value is False else old.number("durchlaufintervall", key)
        seconds = max(1.0, passes) * every
        name = f"durchlaufintervall.{key}"
        listed[key] = old.bounded(name, seconds, "intervals") if passes else math.inf
    return _quantities(old, "durchlaufintervall", listed, model)


def _quantities(old: _Keys, table: str, listed: Intervals, model: str) -> Intervals:
    """German names -> our quantities, and those that are in the same registers; others never."""
    names = GERMAN | MISSPELT | (GERMAN_WS100 if model == "ws100" else {})
    registers = load(METERS, model).registers
    places = {register.quantity: register.address for register in registers}
    by_place: dict[int, float] = {}
    for german, seconds in listed.items():
        quantity = names.get(german, "")
        if quantity in places:
            by_place[places[quantity]] = seconds
        else:
            why = f"the {model.upper()} has none" if quantity else "it is not known to s0web"
            old.notes.append(f"{table}.{ascii(german)[1:-1]} is left out: {why}.")
    return {quantity: by_place.get(place, math.inf) for quantity, place in places.items()}


def _written(old: _Keys, meter: Meter, found: Intervals) -> dict[str, str]:
    """The options interval and intervals that say the same, in as few words as may be."""
    finite = [seconds for seconds in found.values() if math.isfinite(seconds)]
    if not finite:
        raise old.wrong(f"the intervals of an {meter.name}", "it would never be read")
    most = _OPTIONS["interval"].high
    usual = max([s for s in finite if s <= most] or [most], key=finite.count)
    ways = [
        (usual, intervals_text(found, usual)),
        (usual, ", ".join(filter(None, (intervals_text(found, math.inf), "*:never")))),
    ]
    interval, text = min(ways, key=lambda way: len(way[1]))
    return {"interval": _plain(interval)} | ({"intervals": text} if text else {})


def intervals_text(found: Mapping[str, float], usual: float) -> str:
    """The option `intervals` for all quantities whose interval is not the usual one; a pattern
    stands only where all that fit it have the same.
    """
    rows = []
    for seconds in sorted(set(found.values()) - {usual}):
        same = {quantity for quantity, value in found.items() if value == seconds}
        text = "never" if math.isinf(seconds) else _plain(seconds)
        rows += [f"{pattern}:{text}" for pattern in _patterns(same, found.keys())]
    return ", ".join(rows)


def _patterns(same: set[str], known: Collection[str]) -> list[str]:
    """Names and patterns like energy* that fit these quantities and no other that is known."""
    ends = re.compile(r"(?=_)|(?<=_l)(?=[123]$)")  # where the name of a family may end
    begins = {quantity[: end.start()] for quantity in same for end in ends.finditer(quantity)}
    fits = {begin: {q for q in known if q.startswith(begin)} for begin in sorted(begins)}
    left, patterns = set(same), list[str]()
    for begin in sorted(fits, key=lambda begin: (-len(fits[begin]), begin)):
        if fits[begin] <= same and len(fits[begin] & left) > 1:
            patterns.append(f"{begin}*")
            left -= fits[begin]
    return patterns + sorted(left)


def _plain(number: float) -> str:
    """As the INI has it: no exponent, no zeros at the end."""
    return f"{number:.6f}".rstrip("0").rstrip(".") if isinstance(number, float) else str(number)

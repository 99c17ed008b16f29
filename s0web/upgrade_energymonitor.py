"""Taking over EnergyMonitor's config.json: its collector becomes an ADC of this station.

The predecessor knows two factors, W for a product of codes and V for a code; ours are A and V for a
code, so that A = W / V. Its database becomes a sink with the same table.
"""

import json
import re
from pathlib import Path
from typing import Any

from .config import NAME, read
from .errors import ConfigError
from .meters.peer import place
from .option import RESERVED, WIRE
from .options import OPTIONS

Sections = dict[str, dict[str, str]]
KNOWN = (  # keys of Collector that are taken over
    "Point",
    "SamplesPerWave",
    "Frequency",
    "CalibrationFactor_Power",
    "CalibrationFactor_Voltage",
    "VoltageService",
    "CurrentChannels",
    "VoltageChannels",
)
SIGN = (
    "Power from the grid is positive here, power to it negative. Where EnergyMonitor had it the "
    "other way round (its database calls positive power Supply), give amps_per_code the other sign."
)
HOST = (
    "Where other collectors PUT their states to this machine, add a section [source:NAME] with "
    "type = remote, point and allowed for each of them."
)


def from_energymonitor(path: Path) -> tuple[Sections, list[str]]:
    """Our sections, and lines about the rest; ConfigError names file, key and reason."""
    config = _json(path)
    if not isinstance(config, dict) or "Collector" not in config:
        raise ConfigError(f"{path}: has no Collector; is it EnergyMonitor's config.json?")
    collector = _Keys(path, "Collector", config["Collector"])
    notes: list[str] = []
    point = collector.text("Point")
    name = section_name(point)
    if not name:
        raise collector.wrong("Point", f"{point[:40]!r} has no letter to name a section by")
    if name != point:
        notes.append(f"The point {point!r} is [source:{name}] here; clients ask for /state/{name}.")
    current = collector.channels("CurrentChannels")
    if not current:
        raise collector.wrong("CurrentChannels", "there is no wire in it")
    adc = {"type": "adc", "current_channels": _written(current)} | _factors(collector)
    adc["samples_per_wave"] = _in_range(collector, "SamplesPerWave", "samples_per_wave", notes)
    adc["frequency"] = _plain(collector.number("Frequency", 45, 65))
    sections: Sections = {f"source:{name}": adc}
    if url := collector.url("VoltageService"):
        other = "voltage" if name.casefold() != "voltage" else "voltage2"
        sections[f"source:{other}"] = {"type": "remote", "url": url}
        adc["voltage"] = other
    else:
        adc["voltage_channels"] = _written(_voltages(collector, current, notes))
    sections |= _database(path, config.get("Api"), notes)
    return sections, [*notes, SIGN, *_left(config)]


class _Keys:
    """One object of the file, whose mistakes are told with file and key."""

    def __init__(self, path: Path, name: str, keys: Any) -> None:
        self._path, self._name = path, name
        if not isinstance(keys, dict):
            raise ConfigError(f"{path}: {name} is no object {{...}}.")
        self._keys: dict[str, Any] = keys

    def wrong(self, key: str, reason: str) -> ConfigError:
        return ConfigError(f"{self._path}: {self._name}.{key}: {reason}.")

    def _value(self, key: str) -> Any:
        if key not in self._keys:
            raise self.wrong(key, "is missing")
        return self._keys[key]

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value(key) if default is None else self._keys.get(key, default)
        if not isinstance(value, str) or not value.isprintable():
            raise self.wrong(key, "is no text of one line in quotes")
        return value.strip()

    def url(self, key: str) -> str:
        """An http:// address, or "" where none is set."""
        text = self.text(key, "")
        try:
            if text:
                place(text)
        except ValueError as error:
            raise self.wrong(key, str(error)) from None
        return text

    def number(self, key: str, low: float, high: float) -> float:
        value = self._value(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(key, "is not a number")
        if not low <= value <= high:
            raise self.wrong(key, f"{str(value)[:20]} is not from {low:g} to {high:g}")
        return float(value)

    def channels(self, key: str) -> dict[str, int]:
        value = self._value(key)
        if not isinstance(value, dict):
            raise self.wrong(key, 'is not written like {"brown": 0, "black": 2}')
        for wire, channel in value.items():
            if not WIRE.fullmatch(wire) or wire in RESERVED:
                reason = f"{wire[:40]!r} cannot name a wire here: letters, digits, _ and -"
                raise self.wrong(key, f"{reason}, and none of {', '.join(RESERVED)}")
            if type(channel) is not int or not 0 <= channel <= 7:
                raise self.wrong(f"{key}.{wire}", "is not a channel of the MCP3208, 0 to 7")
        return value


def _json(path: Path) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not a number")

    try:
        return json.loads(read(path), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path}: is not JSON: {error}.") from None


def section_name(point: str) -> str:
    """The point as a name that a section may have; "" if nothing of it can stay."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", point)
    name = re.sub(r"^[^A-Za-z]+", "", name)[:32].rstrip("_")
    return name if NAME.fullmatch(name) else ""


def _factors(collector: _Keys) -> dict[str, str]:
    """A and V for one step of the ADC."""
    watts = collector.number("CalibrationFactor_Power", -1e4, 1e4)
    volts = collector.number("CalibrationFactor_Voltage", -100, 100)
    for key, factor in (("CalibrationFactor_Power", watts), ("CalibrationFactor_Voltage", volts)):
        if factor == 0:
            raise collector.wrong(key, "is 0; nothing can be measured with that")
    amps = watts / volts
    if abs(amps) > 100:
        reason = f"with CalibrationFactor_Voltage it makes {amps:g} A for one step of the ADC"
        raise collector.wrong("CalibrationFactor_Power", f"{reason}, more than 100 A")
    return {"amps_per_code": _plain(amps), "volts_per_code": _plain(volts)}


def _in_range(collector: _Keys, key: str, option: str, notes: list[str]) -> str:
    """A whole number, brought into the range of our option."""
    of = next(row for row in OPTIONS["source.adc"] if row.name == option)
    number = collector.number(key, 1, 1e6)
    kept = round(min(max(number, of.low), of.high))
    if kept != number:
        notes.append(
            f"Collector.{key} {number:g} becomes {kept}: here it is {of.low:g} to {of.high:g}."
        )
    return str(kept)


def _voltages(collector: _Keys, current: dict[str, int], notes: list[str]) -> dict[str, int]:
    """The voltage channel of each wire with a current channel."""
    voltage = collector.channels("VoltageChannels")
    for wire in current:
        if wire not in voltage:
            reason = "is missing, though it has a current channel and VoltageService is empty"
            raise collector.wrong(f"VoltageChannels.{wire}", reason)
    for wire in voltage.keys() - current.keys():
        notes.append(f"Collector.VoltageChannels.{wire} is left out: it has no current channel.")
    return {wire: voltage[wire] for wire in current}


def _database(path: Path, api: Any, notes: list[str]) -> Sections:
    """The database of VolumeData as a sink that goes on filling it."""
    if not isinstance(api, dict) or "VolumeDbHost" not in api:
        return {}
    keys = _Keys(path, "Api", api)
    sink = {"type": "mysql", "host": keys.text("VolumeDbHost"), "layout": "energymonitor"}
    if "VolumeDbPort" in api:
        sink["port"] = _plain(keys.number("VolumeDbPort", 1, 65_535))
    for key, option in (("Name", "database"), ("User", "user"), ("Password", "password")):
        if f"VolumeDb{key}" in api:
            sink[option] = keys.text(f"VolumeDb{key}")
    if "VolumeDataSeconds" in api:
        sink["volume_seconds"] = _plain(keys.number("VolumeDataSeconds", 10, 3_600))
    notes.append(
        "What is in VolumeData by now: mysqldump it, then s0web import energymonitor-volumedata."
    )
    return {"sink:volumedata": sink}


def _left(config: dict[str, Any]) -> list[str]:
    """What is not taken over, by its keys alone."""
    notes = []
    if others := [key for key in config["Collector"] if key not in KNOWN]:
        notes.append(f"Not needed here: {_listed('Collector', others)}.")
    api = config.get("Api")
    if not isinstance(api, dict):
        return notes
    if type(port := api.get("Port")) is int:
        notes.append(
            f"/state/<point> was at port {port}; now it is where the pages are: Apache's port, or "
            f"s0web serve --host 0.0.0.0 --port {port}."
        )
    return [*notes, HOST]


def _listed(name: str, keys: list[str]) -> str:
    """Collector.A, Collector.B, printable on any terminal."""
    return ", ".join(f"{name}.{ascii(key)[1:-1]}" for key in keys)


def _written(channels: dict[str, int]) -> str:
    return ", ".join(f"{wire}:{channel}" for wire, channel in channels.items())


def _plain(number: float) -> str:
    """As the INI has it: no exponent, no zeros at the end."""
    return f"{number:.12f}".rstrip("0").rstrip(".")

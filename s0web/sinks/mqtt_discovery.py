"""How Home Assistant learns of a device by MQTT: its device discovery, one retained message each.

    <discovery_prefix>/device/<id>/config    {"device": {...}, "origin": {...},
                                              "availability_topic": "s0web/status",
                                              "components": {"power": {"platform": "sensor", ...}}}

Its Energy dashboard takes what has device_class energy, gas or water and state_class
total_increasing. An empty message takes the device away again.
Format: home-assistant.io/integrations/mqtt, "Device discovery payload".
"""

import json
import re
import zlib
from collections.abc import Iterable
from typing import Any

from .. import __version__
from ..quantities import QUANTITIES, Quantity
from .mqtt_topics import Topics

_UNITS = {"m3": "m³", "m3/h": "m³/h", "deg": "°"}  # as Home Assistant writes them
_CLASSES = {  # by unit; reactive and apparent energy have none that every version knows
    "W": "power",
    "var": "reactive_power",
    "VA": "apparent_power",
    "V": "voltage",
    "A": "current",
    "Hz": "frequency",
    "kWh": "energy",
    "GJ": "energy",
    "s": "duration",
    "m3/h": "volume_flow_rate",
}
_CODES = re.compile(r"breaker|valve|relay_\d|switch|peak_alarm")  # numbers whose mean says nothing
_DIAGNOSTIC = {
    "pulses",
    "pulses_rejected",
    "pulse_interval",
    "crc_errors",
    "requests_failed",
    "frames_late",
    "lag",
}


def topic(discovery_prefix: str, topics: Topics, device: str) -> str:
    """Where the discovery of a device is published; + as the device: of all devices there are."""
    level = device if device == "+" else _identifier(topics, device)
    return f"{discovery_prefix.rstrip('/')}/device/{level}/config"


def mark(topics: Topics) -> bytes:
    """What stands in every discovery message of this sink and in no other's."""
    return (
        f'"availability_topic": {json.dumps(topics.status)}, "origin": {{"name": "s0web"'.encode()
    )


def payload(topics: Topics, device: str, meter: str, quantities: Iterable[str]) -> str:
    """The discovery message of a device that has told these quantities; meter: its serial or ""."""
    identifier = _identifier(topics, device)
    parts = {
        quantity: {
            "platform": "sensor",
            "unique_id": f"{identifier}_{quantity}",
            "name": _name(quantity),
            "state_topic": topics.of(device, quantity),
            **_kind(device, QUANTITIES[quantity]),
        }
        for quantity in QUANTITIES
        if quantity in quantities and topics.of(device, quantity)
    }
    about = {"identifiers": [identifier], "name": device, "manufacturer": "s0web"}
    return json.dumps(
        {
            "device": about | ({"serial_number": meter} if meter else {}),
            "availability_topic": topics.status,
            "origin": {"name": "s0web", "sw_version": __version__},
            "components": parts,
        }
    )


def _kind(device: str, quantity: Quantity) -> dict[str, Any]:
    """What Home Assistant should know of a quantity."""
    kind: dict[str, Any] = {"suggested_display_precision": quantity.digits}
    if quantity.unit:
        kind["unit_of_measurement"] = _UNITS.get(quantity.unit, quantity.unit)
    if device_class := _device_class(device, quantity):
        kind["device_class"] = device_class
    if quantity.kind == "register":
        kind["state_class"] = "total_increasing"
    elif quantity.unit == "kWh":
        kind["state_class"] = "total"  # a class of energy allows no measurement
    elif not _CODES.fullmatch(quantity.name):
        kind["state_class"] = "measurement"
    if quantity.name in _DIAGNOSTIC:
        kind["entity_category"] = "diagnostic"
    return kind


def _device_class(device: str, quantity: Quantity) -> str:
    if quantity.name == "volume":
        return _medium(device)
    if quantity.name.startswith("power_factor"):
        return "power_factor"
    return _CLASSES.get(quantity.unit, "")


def _medium(device: str) -> str:
    """What flows through a volume meter, by its name: grid.gas, grid.hot_water, gas, watermeter."""
    for name in reversed(device.lower().split(".")):
        for medium in ("gas", "water"):
            if medium in name:
                return medium
    return "volume"


def _name(quantity: str) -> str:
    """power_l1 -> Power L1"""
    text = re.sub(r"\bl([123])\b", r"L\1", quantity.replace("_", " "))
    return text[:1].upper() + text[1:]


def _identifier(topics: Topics, device: str) -> str:
    """Letters, digits, _ and - alone; the same for a device of the same sink for ever."""
    return f"{_slug(topics.status.rpartition('/')[0])}_{_slug(device)}"


def _slug(text: str) -> str:
    """The text if Home Assistant allows it in a topic, else one like it that no other text has."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", text)
    return plain if plain == text else f"{plain}-{zlib.crc32(text.encode()) & 0xFFFF:04x}"

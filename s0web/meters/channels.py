"""The sub-meters in a telegram: its lines grouped by M-Bus channel.

A channel's number is the order of installation and says nothing of what hangs on it; the type of
device does.
"""

from collections.abc import Mapping
from typing import NamedTuple

from .obis import CHANNELS
from .values import Number, Object, Stamped

_MEDIA = {"5-0": 4, "7-0": 3, "8-0": 7}  # medium before DSMR 2.2 -> type of device
_CONVERTED = {"24.2.3": False, "24.2.1": True, "24.3.0": None, "23.1.0": None, "1.0.0": None}
_IDS = ("96.1.1", "96.1.0", "0.0.0")
_PLACES = {  # OBIS code -> channel, code within it; others are relays or unknown
    f"{channel}:{code}": (channel, code)
    for channel in (*(f"0-{number}" for number in CHANNELS), *_MEDIA)
    for code in (*_CONVERTED, *_IDS, "24.1.0", "96.1.2", "24.4.0")
}


class Channel(NamedTuple):
    """What a telegram tells of one sub-meter."""

    number: int  # 1 to 8; 0 in telegrams before DSMR 2.2
    type: int | None = None  # EN 13757-3: 2 electricity, 3 gas, 4 heat, 7 water ...
    equipment: str = ""
    ean: str = ""
    reading: Stamped | None = None
    valve: int | None = None  # 0 closed, 1 open, 2 ready
    converted: bool | None = None  # whether a volume of gas is converted to standard temperature


def channels(objects: Mapping[str, Object]) -> tuple[Channel, ...]:
    """Return the channels that have a line in these objects, in the order of their lines."""
    found: dict[str, dict[str, Object]] = {}
    for code, value in objects.items():
        place = _PLACES.get(code)
        if place is not None:
            found.setdefault(place[0], {})[place[1]] = value
    return tuple(_channel(channel, lines) for channel, lines in found.items())


def _channel(channel: str, lines: Mapping[str, Object]) -> Channel:
    reading, converted = None, None
    for code, standard in _CONVERTED.items():
        value = lines.get(code)
        if isinstance(value, Stamped):
            reading, converted = value, standard
            break
    return Channel(
        number=0 if channel in _MEDIA else int(channel[2]),
        type=_MEDIA.get(channel, _whole(lines.get("24.1.0"))),
        equipment=next((name for code in _IDS if (name := _text(lines.get(code)))), ""),
        ean=_text(lines.get("96.1.2")),
        reading=reading,
        valve=_whole(lines.get("24.4.0")),
        converted=converted,
    )


def _text(value: Object | None) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Object | None) -> int | None:
    return int(value.value) if isinstance(value, Number) else None

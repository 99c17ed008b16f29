"""The last telegram line by line: code, value, what it means."""

from datetime import datetime, tzinfo
from typing import NamedTuple

from ..errors import FrameError
from ..meters import p1
from ..meters.obis import TABLE
from ..meters.values import Failure, Number, Object, Peak, Stamped
from ..quantities import QUANTITIES
from .words import plain

_MEANINGS = {  # of codes that are no quantity of s0web; n: the channel of a sub-meter
    "0-0:96.1.4": "version",
    "1-3:0.2.8": "version",
    "0-0:1.0.0": "the meter's clock",
    "0-0:96.1.1": "serial number",
    "0-0:96.1.0": "serial number",
    "0-0:96.1.255": "serial number",
    "0-0:42.0.0": "name of the meter",
    "0-0:96.1.2": "EAN code",
    "1-0:94.32.1": "voltage of the grid",
    "0-0:96.14.0": "tariff in force",
    "0-0:96.13.0": "message",
    "0-0:96.13.1": "message code",
    "0-0:98.1.0": "peaks of past months",
    "1-0:99.97.0": "long power failures",
    "0-n:24.1.0": "type of sub-meter",
    "0-n:96.1.0": "its serial number",
    "0-n:96.1.1": "its serial number",
    "0-n:96.1.2": "its EAN code",
    "0-n:24.2.1": "its reading",
    "0-n:24.2.3": "gas, its reading",
    "0-n:24.4.0": "its valve",
}
_TYPES = {2: "electricity", 3: "gas", 4: "heat", 6: "hot water", 7: "water", 10: "cooling"}


class Line(NamedTuple):
    code: str
    value: str
    meaning: str


def lines(raw: str, zone: tzinfo | None) -> list[Line]:
    """In the order of the telegram; of a damaged one as they came."""
    try:
        telegram = p1.parse(raw.encode("ascii", "replace"))
    except FrameError as error:
        told = [Line("", plain(line), "") for line in raw.splitlines() if line.strip()]
        return [Line("", "", plain(error)), *told]
    found = [Line("", plain(telegram.ident), "who made the meter, and its type")]
    for code, value in telegram.objects.items():
        found.append(Line(code, _value(value, zone), _meaning(code, value)))
    found += [Line("", plain(unread.line), plain(unread.reason)) for unread in telegram.unread]
    return found


def _meaning(code: str, value: Object) -> str:
    row = TABLE.get(code)
    if row is not None and row.quantity:
        meaning = QUANTITIES[row.quantity].meaning
        return f"{meaning.partition(', import')[0]}, export" if row.sign < 0 else meaning
    channel = f"0-n{code[3:]}" if code.startswith("0-") and code[2:3].isdigit() else ""
    words = _MEANINGS.get(code) or _MEANINGS.get(channel, "")
    if channel == "0-n:24.1.0" and isinstance(value, Number):
        return f"{words}: {_TYPES.get(int(value.value), 'another')}"
    return words


def _value(value: Object | Peak | Failure, zone: tzinfo | None) -> str:
    match value:
        case Stamped(time, number) | Peak(_, time, number):
            return f"{_value(number, zone)} at {_time(time, zone)}"
        case Failure(end, seconds):
            return f"{seconds:g} s until {_time(end, zone)}"
        case Number(amount, unit):
            return plain(f"{amount:.10g} {unit}").strip()
        case datetime():
            return _time(value, zone)
        case str():
            return plain(value)
        case _:
            return f"{len(value)}: " + ", ".join(_value(one, zone) for one in value[:3])


def _time(time: datetime | None, zone: tzinfo | None) -> str:
    if time is None:
        return "an impossible time"
    return f"{time.astimezone(zone) if time.tzinfo else time:%Y-%m-%d %H:%M:%S}"

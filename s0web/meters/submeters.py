"""Sub-meters as Readings: gas, water, heat and others that hang on the main meter by M-Bus.

They are told apart by type of device and equipment id, never by channel: a replaced meter gets the
next free channel, and its forerunner's channel may live on with a frozen or an empty reading.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ..model import Reading
from .channels import Channel
from .obis import in_house_unit

_KINDS = {  # type of device, EN 13757-3
    2: "electricity",
    3: "gas",
    4: "heat",
    6: "hot_water",
    7: "water",
    10: "cooling",
    11: "cooling",
    12: "heat",
    13: "heat",
    21: "hot_water",
    22: "water",
}
_QUANTITIES = {"m3": "volume", "GJ": "heat", "kWh": "energy_import"}
_UNITS = {"heat": "GJ", "cooling": "GJ", "electricity": "kWh"}  # of a reading printed without; m3
_GJ = 0.0036  # in a kWh
_BEHIND, _AHEAD = timedelta(days=40), timedelta(hours=1)
_PAUSE = timedelta(days=1)  # by which a meter in use may be behind another: each is read hourly


def sane(time: datetime | None, now: datetime) -> bool:
    """Whether a stamp can be true; meters print 2000, 2070 or 63-25-25 for "never"."""
    return time is not None and time.tzinfo is not None and now - _BEHIND <= time <= now + _AHEAD


def submeters(channels: Sequence[Channel], device: str, now: datetime) -> list[Reading]:
    """Return one Reading for each live sub-meter: <device>.gas, <device>.gas2, <device>.water ...

    `now` is the telegram's time, by which the stamps of the sub-meters are judged; it is the time
    of a reading whose stamp is impossible. Meters of one kind are numbered by equipment id; a dead
    one (impossible stamp, or more than a day behind another; no id; nothing counted) is told only
    if there is no live one.
    """
    by_kind: dict[str, list[Channel]] = {}
    for channel in channels:
        channel = _in_utc(channel, now)
        if _measured(channel, now):
            by_kind.setdefault(_kind(channel), []).append(channel)
    told = []
    for kind, rivals in by_kind.items():
        live = _newest([channel for channel in rivals if all(_life(channel, now))])
        chosen = live or [max(rivals, key=lambda channel: _life(channel, now))]
        chosen.sort(key=lambda channel: channel.equipment)
        for place, channel in enumerate(chosen, 1):
            name = f"{device}.{kind}{place if place > 1 else ''}"
            told.append(_reading(channel, kind, name, now))
    return told


def _kind(channel: Channel) -> str:
    if channel.type is None and channel.converted is False:
        return "gas"  # 24.2.3 without a type of device
    return _KINDS.get(channel.type or 0, "submeter")


def _measured(channel: Channel, now: datetime) -> bool:
    """Whether there is a reading in a unit that s0web knows.

    An impossible stamp with a number without unit means that the sub-meter was never read.
    """
    reading = channel.reading
    if reading is None or not (reading.number.unit or sane(reading.time, now)):
        return False
    return _amount(channel)[1] in _QUANTITIES


def _life(channel: Channel, now: datetime) -> tuple[bool, bool, bool]:
    """Return whether it has a possible stamp, an id, and has counted."""
    assert channel.reading is not None
    identified = bool(channel.equipment.strip("0"))
    return sane(channel.reading.time, now), identified, channel.reading.number.value > 0


def _newest(live: list[Channel]) -> list[Channel]:
    """Return those that are not left behind: a replaced meter keeps its last stamp."""
    stamps = [c.reading.time for c in live if c.reading is not None and c.reading.time is not None]
    return [c for c, stamp in zip(live, stamps, strict=True) if max(stamps) - stamp <= _PAUSE]


def _amount(channel: Channel) -> tuple[float, str]:
    """Return what the sub-meter counted in m3, GJ or kWh; heat is always in GJ."""
    assert channel.reading is not None
    kind = _kind(channel)
    amount, unit = in_house_unit(channel.reading.number, _UNITS.get(kind, "m3"))
    if unit == "kWh" and kind in ("heat", "cooling"):
        return round(amount * _GJ, 6), "GJ"
    return amount, unit


def _reading(channel: Channel, kind: str, name: str, now: datetime) -> Reading:
    assert channel.reading is not None
    amount, unit = _amount(channel)
    values = {_QUANTITIES[unit]: amount}
    if channel.valve is not None:
        values["valve"] = float(channel.valve)
    labels = {"ean": channel.ean} if channel.ean else {}
    if kind == "gas" and channel.converted is not None:
        labels["temperature_converted"] = "yes" if channel.converted else "no"
    stamp = channel.reading.time
    time = stamp if stamp is not None and sane(stamp, now) else now
    return Reading(name, time, values, labels, channel.equipment)


def _in_utc(channel: Channel, now: datetime) -> Channel:
    """Give a stamp without S/W flag (DSMR 2.2, 3.0: Dutch local time) its place in UTC.

    In the double hour of autumn the time of arrival decides.
    """
    reading = channel.reading
    if reading is None or reading.time is None or reading.time.tzinfo is not None:
        return channel
    local = reading.time.replace(tzinfo=UTC)
    summer, winter = local - timedelta(hours=2), local - timedelta(hours=1)
    in_summer = _is_summer(summer) and (_is_summer(winter) or winter > now)
    return channel._replace(reading=reading._replace(time=summer if in_summer else winter))


def _is_summer(time: datetime) -> bool:
    """Whether it is European summer time: last Sunday of March to last of October, 01:00 UTC."""
    begin, end = (datetime(time.year, month, 31, 1, tzinfo=UTC) for month in (3, 10))
    begin, end = (day - timedelta(days=day.isoweekday() % 7) for day in (begin, end))
    return begin <= time < end

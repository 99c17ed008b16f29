"""One telegram as Readings: what the meter says in OBIS codes, said in the words of s0web."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ..model import Reading
from ..quantities import PHASES, QUANTITIES
from .obis import TABLE, in_house_unit
from .p1 import Failure, Number, Object, Peak, Stamped, Telegram
from .submeters import sane, submeters

_METER = ("0-0:96.1.1", "0-0:42.0.0", "0-0:96.1.0", "0-0:96.1.255")
_MESSAGE = ("0-0:96.13.0", "0-0:96.13.2", "0-0:96.13.3", "0-0:96.13.4", "0-0:96.13.5")
_LIMITS = ("limiter", "fuse")  # all nines: switched off
_LIMITERS = {"W": "limiter", "A": "limiter_current", "VA": "limiter_apparent"}
_FIRST_IS_HIGH = {"be": True, "nl": False}  # tariff 1; elsewhere its meaning is not laid down
_WINTER = timedelta(hours=1)  # local standard time ahead of UTC
_MOMENT = timedelta(seconds=1)


def readings(telegram: Telegram, device: str, arrived: datetime) -> list[Reading]:
    """Return the main meter's Reading, then its monthly peak and each sub-meter as Readings.

    `arrived` (aware) is the host's time; it stands in for a meter's clock that is out of its mind:
    more than 40 days behind or an hour ahead. Peak and sub-meters have stamps of their own and come
    each time, changed or not.
    """
    time = telegram.time if sane(telegram.time, arrived) else arrived
    assert time is not None
    where = country(telegram)
    meter = next((name for code in _METER if (name := telegram.text(code))), "")
    values, limits = _values(telegram.objects, where)
    main = Reading(device, time, values, _labels(telegram, where) | limits, meter)
    return [main, *_peak(telegram, main), *submeters(telegram.channels, device, time)]


def country(telegram: Telegram) -> str:
    """Return be, nl, lu, at, hu or se by what only its telegrams have; "" if it cannot be told."""
    objects = telegram.objects
    energy = objects.get("1-0:1.8.0")
    if "0-0:96.1.4" in objects or telegram.ident.startswith("FLU"):
        return "be"
    if telegram.ident.startswith("Lux"):
        return "lu"
    if isinstance(energy, Number) and energy.unit == "Wh":
        return "at"
    if "1-3:0.2.8" in objects:
        return "nl"
    if "0-0:1.0.0" not in objects:  # DSMR 2.2 and 3.0 tell neither version nor time
        return "nl" if "1-0:1.8.1" in objects else ""
    if "1-0:15.8.0" in objects or "0-0:42.0.0" in objects:
        return "hu"
    return "se" if energy is not None else ""


def _values(objects: Mapping[str, Object], where: str) -> tuple[dict[str, float], dict[str, str]]:
    """Return the quantities, and for each limit a label on or off."""
    values: dict[str, float] = {}
    limits: dict[str, str] = {}
    for code, value in objects.items():
        row = TABLE.get(code)
        first = value[0] if type(value) is tuple and value else value
        if row is None or not row.quantity or not isinstance(first, Number):
            continue
        if row.quantity in _LIMITS:
            limits[row.quantity] = "off" if _all_nines(first.value) else "on"
        if row.quantity.startswith(_LIMITS) and _all_nines(first.value):
            continue
        number, unit = in_house_unit(first, row.unit)
        quantity = _named(row.quantity, unit, where)
        if quantity and QUANTITIES[quantity].unit == unit:
            values[quantity] = round(values.get(quantity, 0.0) + row.sign * number, 6)
    if "fuse_l2" in values and "fuse" in values:  # 31.4.0 is phase 1 where each phase has its own
        values["fuse_l1"] = values["fuse"]
    _add_totals(values, objects)
    _sign_currents(values)
    return values, limits


def _named(quantity: str, unit: str, where: str) -> str:
    """Return the quantity for a row of the table in this country, "" if that is not laid down."""
    if quantity == "limiter":
        return _LIMITERS.get(unit, "")
    if quantity.endswith(("_high", "_low")):
        if where not in _FIRST_IS_HIGH:
            return ""
        if not _FIRST_IS_HIGH[where]:
            stem, _, level = quantity.rpartition("_")
            return f"{stem}_{'low' if level == 'high' else 'high'}"
    return quantity


def _all_nines(value: float) -> bool:
    return value >= 99 and not f"{value:g}".strip("9.")


def _add_totals(values: dict[str, float], objects: Mapping[str, Object]) -> None:
    """Where the meter has no total register, add up its tariffs, if both of them could be read."""
    for quantity, register in (("energy_import", "1-0:1.8"), ("energy_export", "1-0:2.8")):
        if quantity in values:
            continue
        tariffs = [objects.get(f"{register}.{tariff}") for tariff in (1, 2, 3, 4)]
        known = [in_house_unit(each, "kWh") for each in tariffs if isinstance(each, Number)]
        both = all(isinstance(each, Number) for each in tariffs[:2])
        if both and all(unit == "kWh" for _, unit in known):
            values[quantity] = round(sum(number for number, _ in known), 6)


def _sign_currents(values: dict[str, float]) -> None:
    """Give the current of an exporting phase the sign that most meters leave out."""
    for phase in PHASES:
        current = values.get(f"current_{phase}", 0.0)
        if current > 0 and values.get(f"power_{phase}", 0.0) < 0:
            values[f"current_{phase}"] = -current


def _peak(telegram: Telegram, main: Reading) -> list[Reading]:
    """Return the month's peak at its own time."""
    value = telegram.objects.get("1-0:1.6.0")
    if not isinstance(value, Stamped):
        return []
    watts, unit = in_house_unit(value.number, "kW")
    time = value.time if sane(value.time, main.time) else main.time
    if unit != "W" or time is None:
        return []
    return [Reading(main.device, time, {"peak": watts}, meter=main.meter)]


def _labels(telegram: Telegram, where: str) -> dict[str, str]:
    objects = telegram.objects
    labels = {
        "ident": telegram.ident,
        "version": telegram.version,
        "country": where,
        "ean": telegram.text("0-0:96.1.2"),
        "tariff": _tariff(telegram.text("0-0:96.14.0"), where),
        "message_code": telegram.text("0-0:96.13.1"),
    }
    labels = {name: words for name, words in labels.items() if words}
    if any(code in objects for code in _MESSAGE):  # told when empty too, so that an old one goes
        labels["message"] = " ".join(filter(None, map(telegram.text, _MESSAGE)))
    grid, months, log = (objects.get(code) for code in ("1-0:94.32.1", "0-0:98.1.0", "1-0:99.97.0"))
    if isinstance(grid, Number):
        labels["grid"] = f"{grid.value:g}"
    if type(months) is tuple:
        labels["peak_history"] = _history(months)
    if type(log) is tuple:
        labels["failure_log"] = _failures(log)
    return labels


def _tariff(field: str, where: str) -> str:
    """Return high, low, or "" for 0001 and 0002."""
    tariff = field.lstrip("0")
    if where not in _FIRST_IS_HIGH or tariff not in ("1", "2"):
        return ""
    return "high" if (tariff == "1") is _FIRST_IS_HIGH[where] else "low"


@lru_cache(maxsize=8)
def _history(months: tuple[object, ...]) -> str:
    """Return [{"month": "2022-12", "power": 13603, "time": "2022-12-21T10:45:00Z"} ...], sorted.

    A row's first stamp is the end of its month. `time` is null where the meter's is impossible.
    """
    rows = []
    for row in months:
        if isinstance(row, Peak) and row.until is not None and row.until.tzinfo is not None:
            month = f"{row.until - _MOMENT + _WINTER:%Y-%m}"
            watts, unit = in_house_unit(row.number, "kW")
            if unit == "W":
                rows.append({"month": month, "power": round(watts), "time": _iso(row.time)})
    return json.dumps(sorted(rows, key=lambda row: str(row["month"])), separators=(",", ":"))


@lru_cache(maxsize=8)
def _failures(log: tuple[object, ...]) -> str:
    """Return [{"end": "2020-08-04T13:39:17Z", "seconds": 3442} ...], sorted, without unset rows."""
    rows = [
        {"end": _iso(row.end), "seconds": round(row.seconds)}
        for row in log
        if isinstance(row, Failure) and row.end is not None and row.end.year > 2000
    ]
    return json.dumps(sorted(rows, key=lambda row: str(row["end"])), separators=(",", ":"))


def _iso(time: datetime | None) -> str | None:
    if time is None or time.tzinfo is None:
        return None
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

"""Which registers of which device measure a carrier in this house."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from ..archive.batches import EPOCH
from ..archive.past import Known
from ..archive.query import History
from ..model import Options

QUARTER = timedelta(minutes=15)
_POWER = [
    f"energy_{way}{tariff}" for way in ("import", "export") for tariff in ("", "_high", "_low")
]
REGISTERS = {"electricity": _POWER, "gas": ["volume"], "water": ["volume"]}


class Meter(NamedTuple):
    """What measures a carrier: its registers by direction, then by the tariff that they count."""

    device: str
    imported: Mapping[str, str]  # high, low or "" -> register
    exported: Mapping[str, str]
    volume: str
    first: datetime
    last: datetime


def devices(house: Options) -> dict[str, str]:
    """carrier -> device; "" where none is said."""
    grid = str(house["grid"])
    hanging = {name: f"{grid}.{name}" if grid else "" for name in ("gas", "water")}
    return {"electricity": grid} | {
        name: str(house[name]) or device for name, device in hanging.items()
    }


def meter(
    history: History, carrier: str, device: str, after: datetime | None = None
) -> Meter | None:
    """With the registers that count after a time; None while it has told nothing."""
    known = {k.quantity: k for k in history.catalog(device) if k.quantity in REGISTERS[carrier]}
    if not device or not known:
        return None
    ways = [_way(known, f"energy_{way}", after or EPOCH) for way in ("import", "export")]
    (imported, exported), volume = ways, "volume" if carrier != "electricity" else ""
    used = (*imported.registers.values(), *exported.registers.values(), volume)
    last = max(known[register].last for register in used if register)
    last = min([last, *(way.until for way in ways if way.until)])
    first = min(k.first for k in known.values())
    return Meter(device, imported.registers, exported.registers, volume, first, last)


class _Way(NamedTuple):
    registers: Mapping[str, str]
    until: datetime | None  # others count from then on


def _way(known: Mapping[str, Known], register: str, after: datetime) -> _Way:
    """The registers by tariff where they have begun and go on, else the total."""
    by_tariff = {name: f"{register}_{name}" for name in ("high", "low")}
    split = {name: of_one for name, of_one in by_tariff.items() if of_one in known}
    if register not in known or not split:
        return _Way(split or ({"": register} if register in known else {}), None)
    total, whole = {"": register}, known[register]
    first = min(known[name].first for name in split.values())
    last = max(known[name].last for name in split.values())
    if last < after + QUARTER and last < whole.last:
        return _Way(total, None)
    if whole.last < after + QUARTER or first <= max(after, whole.first):
        return _Way(split, last if last + QUARTER <= whole.last else None)
    return _Way(total, min(whole.last, first + QUARTER))

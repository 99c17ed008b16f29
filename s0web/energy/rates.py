"""What a kWh or a m3 costs in one quarter-hour, and its part of the fixed fees.

All taxes, the network and VAT are in. What is paid for export has no VAT, as on the invoice of a
household.
"""

from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

from .bands import tariff_of
from .contract import Contract, Power

QUARTER = 900  # s


class Rate(NamedTuple):
    tariff: str  # high, low, single or dynamic; "" of gas and water
    imported: float  # EUR/kWh
    exported: float  # EUR/kWh that is paid for what is given; negative: it costs
    volume: float  # EUR/m3 of gas or water
    why: str  # how it was made, to be kept with the quarter


def rate(
    contract: Contract, start: datetime, zone: tzinfo | None, spot: float | None, meter_tariff: str
) -> Rate | None:
    """The rate of the quarter that begins at `start` (UTC).

    `spot`: day-ahead price, EUR/MWh; where a dynamic contract has none the rate is not known yet,
    None. `meter_tariff`: high or low, the register that counts; "" where the meter tells none:
    then the clock says it.
    """
    power = contract.power
    if power is None:
        volume = contract.volume * contract.vat
        return Rate("", 0.0, 0.0, volume, f"{volume:.4f} EUR/m3")
    if power.tariff == "dynamic":
        return None if spot is None else _dynamic(contract, power, spot)
    tariff, why = power.tariff, ""
    if tariff == "day_night":
        by_meter = power.bands == "meter" and meter_tariff in ("high", "low")
        tariff = meter_tariff if by_meter else tariff_of(power.night, start.astimezone(zone))
        why = f", {tariff} by the {'meter' if by_meter else 'clock'}"
    is_low = tariff == "low"
    energy = power.import_low if is_low else power.import_high
    exported = power.export_low if is_low else power.export_high
    imported = _whole(contract, power, energy)
    return Rate(tariff, imported, exported, 0.0, f"{energy:.4f}{_parts(contract, power)}{why}")


def network(contract: Contract) -> float:
    """The network's part of an imported kWh, EUR with VAT: what the cap of the capacity tariff
    looks at.
    """
    return contract.power.network * contract.vat if contract.power else 0.0


def fixed(contract: Contract, start: datetime, zone: tzinfo | None) -> float:
    """EUR of fixed fees of the quarter that begins at `start`: a day's, month's and year's fee is
    spread evenly over its quarters, whatever the clock does in it.
    """
    day = start.astimezone(zone).date()
    month, year = day.replace(day=1), day.replace(month=1, day=1)
    return contract.vat * (
        contract.fixed_day / _quarters(day, day + timedelta(days=1), zone)
        + contract.fixed_month / _quarters(month, _next_month(month), zone)
        + contract.fixed_year / _quarters(year, year.replace(year=year.year + 1), zone)
    )


def _dynamic(contract: Contract, power: Power, spot: float) -> Rate:
    energy = power.spot_offset + power.spot_factor * spot / 1000
    exported = power.export_spot_offset + power.export_spot_factor * spot / 1000
    why = f"{power.spot_offset:g} + {power.spot_factor:g} x {spot:g} EUR/MWh"
    imported = _whole(contract, power, energy)
    return Rate("dynamic", imported, exported, 0.0, f"{why}{_parts(contract, power)}")


def _whole(contract: Contract, power: Power, energy: float) -> float:
    return (energy + power.network + power.taxes) * contract.vat


def _parts(contract: Contract, power: Power) -> str:
    parts = (("network", power.network), ("taxes", power.taxes))
    told = "".join(f" + {name} {number:g}" for name, number in parts if number)
    return told + (f", VAT {100 * (contract.vat - 1):g} %" if contract.vat != 1 else "")


@lru_cache(maxsize=64)
def _quarters(first: date, following: date, zone: tzinfo | None) -> int:
    """How many there are in these local days: 92, 96 or 100 in one."""
    return round((_midnight(following, zone) - _midnight(first, zone)) / QUARTER)


def _midnight(day: date, zone: tzinfo | None) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)

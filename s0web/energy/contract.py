"""What was agreed on one carrier for a time: rates, fees and taxes, as the INI says them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ..model import Options
from .bands import Hours, hours

CARRIERS = ("electricity", "gas", "water")


@dataclass(frozen=True)
class Power:
    """What only electricity has. EUR/kWh without VAT, unless it says otherwise."""

    tariff: str  # single, day_night or dynamic
    bands: str  # meter or clock: what tells day from night
    night: Hours
    import_high: float
    import_low: float
    export_high: float
    export_low: float
    spot_factor: float
    spot_offset: float
    export_spot_factor: float
    export_spot_offset: float
    network: float
    taxes: float
    area: str  # of the Flemish capacity tariff; "": none
    capacity_rate: float  # EUR/kW/year with VAT; 0: that of the area
    capacity_cap: float  # EUR/kWh with VAT; 0: none


@dataclass(frozen=True)
class Contract:
    name: str
    carrier: str  # electricity, gas or water
    first: date | None  # local days, both in force
    last: date | None
    vat: float  # factor: 1.06
    fixed_day: float  # EUR without VAT
    fixed_month: float
    fixed_year: float
    volume: float = 0.0  # EUR/m3 without VAT
    power: Power | None = None  # of electricity

    @property
    def is_dynamic(self) -> bool:
        """Whether its rates follow the day-ahead price."""
        return self.power is not None and self.power.tariff == "dynamic"


def of(name: str, options: Options) -> Contract:
    """The contract that the checked options of [contract:NAME] say."""
    carrier = str(options["type"])
    return Contract(
        name,
        carrier,
        options["from"],
        options["to"],
        1 + options["vat"] / 100,
        options["fixed_day"],
        options["fixed_month"],
        options["fixed_year"],
        0.0 if carrier == "electricity" else _volume(options),
        _power(options) if carrier == "electricity" else None,
    )


def in_force(contracts: Iterable[Contract], carrier: str, day: date) -> Contract | None:
    """The one that holds on this local day; None where there is none."""
    return next(
        (
            one
            for one in contracts
            if one.carrier == carrier
            and (one.first is None or one.first <= day)
            and (one.last is None or day <= one.last)
        ),
        None,
    )


def _volume(options: Options) -> float:
    """EUR/m3: gas is paid by the m3, by its kWh, or by both."""
    per_kwh = options.get("rate_kwh", 0.0) + options.get("taxes", 0.0)
    return float(options["rate"] + per_kwh * options.get("kwh_per_m3", 0.0))


def _power(options: Options) -> Power:
    is_split = options["tariff"] == "day_night"
    return Power(
        options["tariff"],
        options["bands"],
        hours(options["night"]),
        options["import_rate"],
        options["import_rate_low"] if is_split else options["import_rate"],
        options["export_rate"],
        options["export_rate_low"] if is_split else options["export_rate"],
        options["spot_factor"],
        options["spot_offset"],
        options["export_spot_factor"],
        options["export_spot_offset"],
        options["network"],
        options["taxes"],
        options["area"],
        options["capacity_rate"],
        options["capacity_cap"],
    )

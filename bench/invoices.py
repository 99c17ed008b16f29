"""Invoices that are worked out by hand: what flowed, by which contracts, and what it costs.

Each amount was written down from the formula in the comment above it, not computed by the code that
is measured. Facts of the calendar of 2026 that they use: the year has 35,040 quarter-hours; March
has 743 h, of which 330 are 07:00-22:00 on its 22 weekdays and 413 are not; October has 745 h, of
them 330 and 415; May has 744 h and three holidays on weekdays (1, 14 and 25 May), so 18 x 15 =
270 h and 474 h.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple


class Use(NamedTuple):
    """What flows in one quarter-hour, and what is known of it."""

    imported: float = 0.0  # kWh
    exported: float = 0.0
    volume: float = 0.0  # m3
    tariff: str = ""  # that the meter tells
    spot: float | None = None  # EUR/MWh


class Invoice(NamedTuple):
    name: str
    contracts: str  # as in the INI
    month: date
    use: Callable[[datetime], Use]  # local begin of a quarter-hour
    lines: dict[str, str]  # EUR by hand
    peaks: tuple[float, ...] = ()  # W, of twelve months


# -- what flows ------------------------------------------------------------------------------------


def is_working_day(time: datetime, begin: int = 7, end: int = 22) -> bool:
    return time.weekday() < 5 and begin <= time.hour < end


def steady(kwh: float, exported: float = 0.0) -> Callable[[datetime], Use]:
    return lambda _: Use(kwh, exported)


def flowing(volume: float) -> Callable[[datetime], Use]:
    return lambda _: Use(volume=volume)


def by_meter(time: datetime) -> Use:
    """1 kW; the meter's day is 06:00-21:00. 0.5 kW is given from 11:00 to 15:00."""
    given = 0.125 if 11 <= time.hour < 15 else 0.0
    return Use(0.25, given, 0.0, "high" if is_working_day(time, 6, 21) else "low")


def working_days(time: datetime) -> Use:
    """1 kW; dear on weekdays from 07:00 to 22:00. 0.5 kW is given from 11:00 to 15:00."""
    given = 0.125 if 11 <= time.hour < 15 else 0.0
    return Use(0.25, given, spot=100.0 if is_working_day(time) else 40.0)


def sunny(time: datetime) -> Use:
    """1 kW; from 12:00 to 16:00 the price is negative and 0.4 kW is given."""
    is_noon = 12 <= time.hour < 16
    return Use(0.25, 0.1 if is_noon else 0.0, spot=-50.0 if is_noon else 80.0)


def evenings(time: datetime) -> Use:
    """0.64 kWh a day from 20:00 to 21:00."""
    return Use(0.16 if time.hour == 20 else 0.0)


# -- the invoices ----------------------------------------------------------------------------------

SINGLE = "[contract:power]\ntype = electricity\nimport_rate = 0.3214\nfixed_month = 5\n"
IN_PARTS = """\
[contract:power]
type = electricity
import_rate = 0.14
export_rate = 0.04
network = 0.0535
taxes = 0.05
vat = 6
fixed_day = 0.10
fixed_year = 70
"""
DAY_NIGHT = """\
[contract:power]
type = electricity
tariff = day_night
bands = {}
import_rate = 0.3214
import_rate_low = {}
export_rate = 0.1
export_rate_low = 0.1
"""
ENGIE = """\
[prices]
provider = simulated
[contract:power]
type = electricity
tariff = dynamic
spot_offset = 0.00922412
spot_factor = 1.10134
export_spot_offset = -0.013135
export_spot_factor = 1
network = 0.0535
taxes = 0.06817
fixed_year = 118.92
"""
EBEM = """\
[prices]
provider = simulated
[contract:power]
type = electricity
tariff = dynamic
spot_offset = 0.01625
spot_factor = 1.08
export_spot_offset = -0.011
export_spot_factor = 0.925
network = 0.05
taxes = 0.06
vat = 6
"""
AREA = "[contract:power]\ntype = electricity\nimport_rate = 0.3\narea = {}\ncapacity_cap = 0.3473\n"
CAPPED = """\
[contract:power]
type = electricity
import_rate = 0.10
network = 0.0535
taxes = 0.06
area = antwerpen
capacity_cap = 0.3473
"""
IN_TURN = """\
[contract:old]
type = electricity
to = 2026-11-15
import_rate = 0.30
fixed_month = 6
[contract:new]
type = electricity
from = 2026-11-16
import_rate = 0.35
fixed_month = 8
"""
GAS_KWH = """\
[contract:gas]
type = gas
rate_kwh = 0.045
taxes = 0.017
kwh_per_m3 = 11.51
vat = 6
fixed_year = 30
"""
MARCH, MAY, OCTOBER, NOVEMBER = (date(2026, month, 1) for month in (3, 5, 10, 11))
# kW 2.0 2.6 3.0 3.1 2.2 4.0 5.0 2.5 2.4 3.5 2.9 3.4; those below 2.5 count as 2.5:
# 2.5 + 2.6 + 3.0 + 3.1 + 2.5 + 4.0 + 5.0 + 2.5 + 2.5 + 3.5 + 2.9 + 3.4 = 37.5, mean 3.125 kW
PEAKS = (2000, 2600, 3000, 3100, 2200, 4000, 5000, 2500, 2400, 3500, 2900, 3400)
LOW_PEAKS = (2000.0,) * 12

INVOICES = (
    # 743 h x 0.8 kW = 594.4 kWh x 0.3214 = 191.04016; 5.00 a month
    Invoice(
        "constant, March",
        SINGLE,
        MARCH,
        steady(0.2),
        {"import": "191.04", "fixed": "5.00", "total": "196.04"},
    ),
    # 745 kWh x (0.14 + 0.0535 + 0.05) x 1.06 = 745 x 0.25811 = 192.29195
    # 149 kWh x 0.04 = 5.96, without VAT
    # (31 x 0.10 + 70 x 2980 / 35040) x 1.06 = (3.10 + 5.953196) x 1.06 = 9.596388
    Invoice(
        "constant in parts with VAT, October",
        IN_PARTS,
        OCTOBER,
        steady(0.25, 0.05),
        {"import": "192.29", "export": "-5.96", "fixed": "9.60", "total": "195.93"},
    ),
    # day 330 kWh x 0.3214 = 106.062; night 413 kWh x 0.2225 = 91.8925
    # 31 x 4 h x 0.5 kW = 62 kWh x 0.10 = 6.20
    Invoice(
        "day and night by the meter, March",
        DAY_NIGHT.format("meter", "0.2225"),
        MARCH,
        by_meter,
        {"high": "106.06", "low": "91.89", "export": "-6.20", "total": "191.75"},
    ),
    # day 330 kWh x 0.3214 = 106.062; night 415 kWh x 0.2225 = 92.3375
    Invoice(
        "day and night by the clock, October",
        DAY_NIGHT.format("clock", "0.2225"),
        OCTOBER,
        steady(0.25),
        {"high": "106.06", "low": "92.34", "total": "198.40"},
    ),
    # day 270 kWh x 0.3214 = 86.778; night 474 kWh x 0.2226 = 105.5124
    Invoice(
        "day and night by the clock, May with its holidays",
        DAY_NIGHT.format("clock", "0.2226"),
        MAY,
        steady(0.25),
        {"high": "86.78", "low": "105.51", "total": "192.29"},
    ),
    # at 100: (0.8702 + 10.390) x 1.06 + 5.35 + 6.817 = 24.102812 c x 330 = 79.5392796 EUR
    # at  40: (0.8702 +  4.156) x 1.06 + 5.35 + 6.817 = 17.494772 c x 413 = 72.25340836 EUR
    # given, weekdays: 22 x 4 h x 0.5 = 44 kWh x (-1.3135 + 10) c = 3.82206
    # at weekends:      9 x 4 h x 0.5 = 18 kWh x (-1.3135 +  4) c = 0.48357
    # 118.92 x 2972 / 35040 = 10.086479
    Invoice(
        "dynamic, Engie's formula, March",
        ENGIE,
        MARCH,
        working_days,
        {"import": "151.79", "export": "-4.31", "fixed": "10.09", "total": "157.57"},
    ),
    # at -50: (1.625 - 5.40 + 5 + 6) x 1.06 =  7.6585 c x 31 x 4 h =  9.49654 EUR
    # at  80: (1.625 + 8.64 + 5 + 6) x 1.06 = 22.5409 c x 621 h = 139.978989 EUR
    # given: 49.6 kWh x (-1.10 - 4.625) c = -2.8396: it costs
    Invoice(
        "dynamic, EBEM's formula, negative prices, October",
        EBEM,
        OCTOBER,
        sunny,
        {"import": "149.48", "export": "2.84", "total": "152.32"},
    ),
    # 360 kWh x 0.30 = 108.00; capacity 3.125 kW x rate / 12; the cap is 360 x 0.3473 = 125.03
    *(
        Invoice(
            f"capacity tariff, {area}",
            AREA.format(area),
            NOVEMBER,
            steady(0.125),
            {"import": "108.00", "capacity": billed, "total": total},
            PEAKS,
        )
        for area, billed, total in (
            ("limburg", "13.54", "121.54"),  # 51.99: 13.539063
            ("antwerpen", "13.64", "121.64"),  # 52.37: 13.638021
            ("midden-vlaanderen", "13.84", "121.84"),  # 53.13: 13.835938
            ("imewo", "14.96", "122.96"),  # 57.45: 14.960938
            ("halle-vilvoorde", "15.47", "123.47"),  # 59.41: 15.471354
            ("zenne-dijle", "15.49", "123.49"),  # 59.49: 15.492188
            ("kempen", "15.52", "123.52"),  # 59.58: 15.515625
            ("west", "15.76", "123.76"),  # 60.53: 15.763021
        )
    ),
    # 31 x 0.64 = 19.84 kWh x (0.10 + 0.0535 + 0.06) = 4.23584
    # cap: 19.84 x 0.3473 = 6.890432, less the network 19.84 x 0.0535 = 1.06144: 5.828992,
    # which is less than 2.5 kW x 52.37 / 12 = 10.910417
    Invoice(
        "capacity tariff, a month under the cap",
        CAPPED,
        date(2026, 7, 1),
        evenings,
        {"import": "4.24", "capacity": "5.83", "total": "10.06"},
        LOW_PEAKS,
    ),
    # 15 days x 12 kWh = 180 kWh x 0.30 = 54 and 180 kWh x 0.35 = 63; half of 6 and half of 8
    Invoice(
        "a new contract within the month",
        IN_TURN,
        NOVEMBER,
        steady(0.125),
        {"import": "117.00", "fixed": "7.00", "total": "124.00"},
    ),
    # 148.8 m3 x (0.045 + 0.017) x 11.51 x 1.06 = 148.8 x 0.7564372 = 112.557855
    # 30 x 1.06 x 2976 / 35040 = 2.700822
    Invoice(
        "gas by the kWh, January",
        GAS_KWH,
        date(2026, 1, 1),
        flowing(0.05),
        {"volume": "112.56", "fixed": "2.70", "total": "115.26"},
    ),
    # 268.8 m3 x 1.576 = 423.6288
    Invoice(
        "gas by the m3, February",
        "[contract:gas]\ntype = gas\nrate = 1.576\n",
        date(2026, 2, 1),
        flowing(0.1),
        {"volume": "423.63", "total": "423.63"},
    ),
    # 6.72 m3 x 6.2 = 41.664; 12.00 a month
    Invoice(
        "water, February",
        "[contract:water]\ntype = water\nrate = 6.2\nfixed_month = 12\n",
        date(2026, 2, 1),
        flowing(0.0025),
        {"volume": "41.66", "fixed": "12.00", "total": "53.66"},
    ),
)

"""The dashboard of costs: what each carrier cost, the rates, the day-ahead prices, the peaks."""

from collections.abc import Sequence

from .influxql import InfluxQl
from .influxql_booked import InfluxBooked
from .panels import BLUE, ORANGE, Panel, bars, course, stat
from .sql import Sql
from .sql_booked import SqlBooked

EURO, RATE, SPOT = "currencyEUR", "suffix: EUR/kWh", "suffix: EUR/MWh"
FLOOR = 2_500  # W, the least peak that a month in Flanders is billed for
BOOKED = (
    "Sums of quarter-hours that are over, each booked once with the rate that was in force then. "
    "Bars below 0: what export brought was worth more."
)


def costs(ask: Sql | InfluxQl) -> Sequence[Panel]:
    is_sql = isinstance(ask, Sql)
    booked = SqlBooked(ask) if isinstance(ask, Sql) else InfluxBooked()
    shown = "the station's" if is_sql else "those of the time zone shown"
    own = f"{BOOKED} Days and months are {shown}."
    return (
        stat(
            "Today", (8, 6), booked.today(), "Since midnight in your time zone, by carrier.",
            EURO, decimals=2, relative="now/d",
        ),
        stat(
            "This month", (8, 6), booked.total(),
            "The capacity tariff is booked with the last quarter-hour of a month.",
            EURO, decimals=2, relative="now/M",
        ),
        stat(
            "This year", (8, 6), booked.total(), BOOKED, EURO, decimals=2, relative="now/y",
        ),
        bars(
            "Cost per day", (14, 9), booked.costs_per_day(), own, EURO,
            label="YYYY-MM-DD", decimals=2, is_stacked=True, transformations=booked.days,
        ),
        bars(
            "Cost per month", (10, 9), booked.costs_per_month(), own, EURO,
            label="YYYY-MM", decimals=2, is_stacked=True, relative=f"now-11M/M{booked.later}",
            transformations=booked.months,
        ),
        bars(
            "Electricity per day", (24, 9), booked.parts_per_day(),
            "Import, export (negative where it is paid for), fixed fees, capacity tariff.", EURO,
            label="YYYY-MM-DD", decimals=2, is_stacked=True, transformations=booked.days,
        ),
        course(
            "Rates of electricity", (12, 8), booked.rates(),
            "What one kWh more from the grid cost, all included, and what one given to it brought."
            + _late(is_sql), RATE, decimals=4,
        ),
        course(
            "Day-ahead price", (12, 8), booked.prices(),
            "Of the power exchange, without what a supplier adds.", SPOT, decimals=2,
        ),
        course(
            "Demand of each quarter-hour", (14, 9), booked.demand(),
            "Mean import. Dashed: 2.5 kW, the least peak that is billed in Flanders."
            + _late(is_sql), "watt", steps=((None, BLUE), (FLOOR, ORANGE)),
        ),
        bars(
            "Peak per month", (10, 9), booked.peak_per_month(),
            "The highest quarter-hour of each month, as s0web counted it; the meter's own, which "
            "is billed, is on the station's page.", "watt",
            label="YYYY-MM", decimals=0, relative=f"now-11M/M{booked.later}",
            transformations=booked.highest,
        ),
    )  # fmt: skip


def _late(is_sql: bool) -> str:
    return "" if is_sql else " Each quarter-hour is drawn at its end."

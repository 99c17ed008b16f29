"""The dashboards as tables of panels: overview, phases, energy; costs and the fleet have
files of their own.

`ask` puts a panel's question in the language of a database.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from .costs import costs
from .fleet import fleet
from .influxql import InfluxQl
from .panels import BLUE, GREEN, ORANGE, PINK, RED, Panel, bars, course, stat
from .servers import MySql, PostgreSql
from .sql import Sql
from .sql_booked import SERIES

Ask = Sql | InfluxQl
DIALECTS: tuple[Ask, ...] = (MySql(), PostgreSql(), InfluxQl())
LIVE = ((None, GREEN), (0, BLUE), (2_500, ORANGE), (9_200, RED))
VOLTAGE = ((None, RED), (207, BLUE), (253, RED))  # EN 50160: 230 V +- 10 %
REGISTERS = ("energy_import", "energy_export", "volume")
SUMMED = "Several devices may measure the same energy; choose those you want to see above."
UNTIL = "The quarter of an hour that is running is not in it."


class Dashboard(NamedTuple):
    name: str
    panels: Callable[[Ask], Sequence[Panel]]
    start: str  # of the range that is shown first
    series: Sequence[str] = ()  # what is asked for, of which SQL wants to know the ids first
    refresh: str = "30s"
    has_devices: bool = True  # to choose from
    is_of_fleet: bool = False


def overview(ask: Ask) -> Sequence[Panel]:
    since = "Since midnight in your time zone: the register now less the register then."
    return (
        stat(
            "Power now",
            (12, 7),
            ask.now("power"),
            "The newest value, and its course. Negative is export. Orange from 2.5 kW, the least "
            "peak that a Belgian capacity tariff counts; red from 9.2 kW (40 A): edit to your own.",
            "watt",
            steps=LIVE,
            graph=True,
        ),
        stat(
            "Imported today", (6, 7), ask.counted("energy_import"), since, "kwatth",
            decimals=2, relative="now/d",
        ),
        stat(
            "Exported today", (6, 7), ask.counted("energy_export"), since, "kwatth",
            decimals=2, steps=((None, GREEN),), relative="now/d",
        ),
        course(
            "Power",
            (24, 9),
            ask.course("power"),
            "Means; up to 3 days of all readings, beyond of quarters of an hour."
            if isinstance(ask, Sql)
            else "Means of the readings.",
            "watt",
        ),
        stat(
            "Gas and water today", (8, 6), ask.counted("volume"), since, "m3",
            decimals=3, steps=((None, PINK),), relative="now/d",
        ),
        course(
            "Gas and water, registers", (16, 6), ask.course("volume"),
            "The meters' registers.", "m3", decimals=3,
        ),
    )  # fmt: skip


def phases(ask: Ask) -> Sequence[Panel]:
    each = "Each phase of each device, and each wire of current clamps. "
    return (
        course(
            "Power of each phase", (24, 9), ask.phases("power"),
            each + "Negative is export.", "watt", phases=True,
        ),
        course(
            "Voltage of each phase", (24, 9), ask.phases("voltage"),
            each + "Dashed: 207 and 253 V, the bounds of EN 50160.", "volt",
            decimals=1, steps=VOLTAGE, phases=True,
        ),
        course(
            "Current of each phase", (24, 9), ask.phases("current"),
            each, "amp", decimals=2, phases=True,
        ),
    )  # fmt: skip


def energy(ask: Ask) -> Sequence[Panel]:
    found: list[Panel] = []
    for title, register, unit in (
        ("Imported", "energy_import", "kwatth"),
        ("Exported", "energy_export", "kwatth"),
        ("Gas and water", "volume", "m3"),
    ):
        meaning = f"Differences of the registers. {SUMMED} " + _days(ask)
        found += [
            bars(
                f"{title} per day", (14, 9), ask.per_day(register), meaning, unit,
                label="YYYY-MM-DD", transformations=ask.days,
            ),
            bars(
                f"{title} per month", (10, 9), ask.per_month(register), meaning, unit,
                label="YYYY-MM", relative="now-11M/M", transformations=ask.months,
            ),
        ]  # fmt: skip
    return found


def _days(ask: Ask) -> str:
    if isinstance(ask, Sql):
        return f"Days are the station's. {UNTIL}"
    return (
        "Days are those of the time zone shown. A meter that tells a total beside its two tariffs "
        "counts twice per month."
    )


DASHBOARDS = (
    Dashboard("overview", overview, "now-24h", ("power", *REGISTERS)),
    Dashboard("phases", phases, "now-6h", ("power_phases", "voltage_phases", "current_phases")),
    Dashboard("energy", energy, "now-30d/d", REGISTERS, refresh="5m"),
    Dashboard("costs", costs, "now-30d/d", tuple(SERIES), refresh="5m", has_devices=False),
    Dashboard("fleet", fleet, "now-24h", has_devices=False, is_of_fleet=True),
)

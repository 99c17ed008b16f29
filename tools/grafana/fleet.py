"""The dashboard of a fleet: which loggers there are, which are silent, how far behind they are."""

from collections.abc import Sequence
from typing import Any

from .influxql import InfluxQl
from .panels import BLUE, ORANGE, RED, Panel, column, course, stat, table, thresholds
from .sql import SILENT, Sql

LATE = ((None, BLUE), (SILENT, ORANGE), (86_400, RED))  # s
QUIET = ((None, BLUE), (1, ORANGE))
AGE = (
    "How old the newest reading is. A logger that was away writes oldest first, so while it "
    "catches up this is its backlog's age. Orange from 10 minutes, red from a day. For a range "
    "that ends now."
)


def fleet(ask: Sql | InfluxQl) -> Sequence[Panel]:
    return _sql(ask) if isinstance(ask, Sql) else _influx(ask)


def _sql(ask: Sql) -> Sequence[Panel]:
    age: dict[str, Any] = {
        "thresholds": thresholds(LATE),
        "custom.cellOptions": {"type": "color-text"},
        "color": {"mode": "thresholds"},
        "decimals": 0,
    }
    return (
        stat("Loggers", (6, 5), ask.fleet_known(), "All that ever wrote.", "none"),
        stat(
            "Silent", (6, 5), ask.fleet_silent(),
            "No reading for 10 minutes, for a range that ends now.", "none", steps=QUIET,
        ),
        stat("Oldest backlog", (12, 5), ask.fleet_oldest(), AGE, "s", steps=LATE),
        table(
            "Each logger", (24, 10), ask.fleet_table(),
            AGE + " Values a minute are of its newest quarter of an hour that is over.",
            (
                column("last_seen", "last seen", "dateTimeAsIso"),
                column("age", "age", "s", **age),
                column("values_a_minute", "values a minute", "none", decimals=1),
            ),
        ),
        course(
            "Values a minute", (24, 9), ask.fleet_course(),
            "Of each quarter of an hour that is over.", "none", decimals=1,
        ),
    )  # fmt: skip


def _influx(ask: InfluxQl) -> Sequence[Panel]:
    power = "InfluxQL counts one field at a time: loggers that measure power are counted by it. "
    return (
        stat(
            "Loggers of 7 days", (12, 5), ask.fleet_known(), power, "none", relative="7d",
        ),
        stat(
            "Telling now", (12, 5), ask.fleet_known(),
            power + "Those of the last 10 minutes.", "none", relative="10m",
        ),
        table(
            "Last power", (24, 10), ask.fleet_table(), power + AGE,
            (
                column("Time", "last seen", "dateTimeFromNow"),
                column("power", "power", "watt"),
            ),
        ),
        course(
            "Power readings a minute", (24, 9), ask.fleet_course(), power, "none", decimals=1,
        ),
    )  # fmt: skip

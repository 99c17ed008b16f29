"""What the panels of costs and peaks ask of InfluxDB.

1. What closed quarter-hours cost and demanded is stamped at their end: days and months begin at
   0:15. Of a range that begins elsewhere the quarter that ends there is in it, too.
2. InfluxQL knows no months: Grafana adds the days, or takes the highest of them.
"""

from .influxql import JOINED, MONTHS, ZONE, months
from .panels import Target

HERE = '"logger" =~ /^${logger:regex}$/'
ELECTRICITY = "\"device\" = 'costs.electricity'"
CARRIERS = '"device" =~ /^costs\\.(electricity|gas|water)$/'
PARTS = ("cost_import", "cost_export", "cost_fixed", "cost_capacity")


class InfluxBooked:
    days, months, highest = JOINED, MONTHS, months("max")
    later = "+15m"  # what the begin of a month has to be moved by

    def today(self) -> list[Target]:
        """Of which a panel shows the last."""
        return self.costs_per_day()

    def total(self) -> list[Target]:
        """Of the range, by carrier; dated at its begin, where InfluxQL puts what has no groups."""
        return [_target('SELECT sum("cost")', CARRIERS, 'GROUP BY "device"', "$tag_device")]

    def costs_per_day(self) -> list[Target]:
        return [_days('SELECT sum("cost") AS "value"', CARRIERS, "$tag_device")]

    def costs_per_month(self) -> list[Target]:
        return [_table(target) for target in self.costs_per_day()]

    def parts_per_day(self) -> list[Target]:
        sums = ", ".join(f'sum("{part}") AS "{part}"' for part in PARTS)
        return [_days(f"SELECT {sums}", ELECTRICITY, "$col")]

    def peak_per_month(self) -> list[Target]:
        return [_table(_days('SELECT max("demand_quarter") AS "value"', "\"device\" = 'peak'", ""))]

    def rates(self) -> list[Target]:
        means = ", ".join(f'mean("{rate}") AS "{rate}"' for rate in ("rate_import", "rate_export"))
        return [_course(f"SELECT {means}", ELECTRICITY)]

    def prices(self) -> list[Target]:
        return [_course('SELECT mean("price_spot") AS "price_spot"', "\"device\" = 'prices'")]

    def demand(self) -> list[Target]:
        what = 'SELECT mean("demand_quarter") AS "demand_quarter"'
        return [_course(what, "\"device\" = 'peak'")]


def _days(what: str, where: str, alias: str) -> Target:
    return _target(what, where, f'GROUP BY time(1d, 15m), "device" fill(none) {ZONE}', alias)


def _course(what: str, where: str) -> Target:
    return _target(what, where, "GROUP BY time($__interval) fill(none)", "$col")


def _target(what: str, where: str, how: str, alias: str) -> Target:
    named = {"alias": alias} if alias else {}
    text = f'{what} FROM "s0web" WHERE {HERE} AND {where} AND $timeFilter {how}'
    return {"query": text, "rawQuery": True, "resultFormat": "time_series", **named}


def _table(target: Target) -> Target:
    return {**target, "resultFormat": "table", "alias": ""}

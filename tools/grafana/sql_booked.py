"""What the panels of costs and peaks ask of MySQL, MariaDB and PostgreSQL.

What closed quarter-hours cost and demanded is stamped at their end, so each counts for the day of
the quarter before it, and a value stamped at the range's begin is of the time before.
"""

from .panels import Target
from .sql import DAY, Sql

QUARTER = 900  # s
HERE = "s.logger = ${logger:sqlstring}"
OF_CARRIERS = "s.device IN ('costs.electricity', 'costs.gas', 'costs.water')"
SERIES = {  # variable -> which series it stands for
    "cost": f"{OF_CARRIERS} AND s.quantity = 'cost'",
    "cost_parts": (
        "s.device = 'costs.electricity' AND s.quantity IN"
        " ('cost_import', 'cost_export', 'cost_fixed', 'cost_capacity')"
    ),
    "rates": "s.device = 'costs.electricity' AND s.quantity IN ('rate_import', 'rate_export')",
    "price_spot": "s.device = 'prices' AND s.quantity = 'price_spot'",
    "demand_quarter": "s.device = 'peak' AND s.quantity = 'demand_quarter'",
}


def series(of: str) -> str:
    """The ids; never empty."""
    return f"SELECT 0 AS id UNION SELECT s.id FROM series s WHERE {HERE} AND {SERIES[of]}"


class SqlBooked:
    def __init__(self, ask: Sql) -> None:
        self._ask = ask
        self.days, self.months, self.highest = ask.days, ask.months, ask.months
        self.later = ""  # what the begin of a month has to be moved by

    def today(self) -> list[Target]:
        return self.total()

    def total(self) -> list[Target]:
        """Of the range, by carrier."""
        ask = self._ask
        return ask.curve(
            f"SELECT {ask.time(ask.end)} AS time, s.device AS metric, SUM(r.value) AS value\n"
            "FROM reading r JOIN series s ON s.id = r.series_id\n"
            f"WHERE r.series_id IN (${{cost:csv}}) AND r.ts > {ask.begin} AND r.ts <= {ask.end}\n"
            "GROUP BY s.device ORDER BY 2"
        )

    def costs_per_day(self) -> list[Target]:
        return self._periods("cost", self._ask.noon("t.day"), "s.device", "SUM(t.sum)")

    def costs_per_month(self) -> list[Target]:
        return self._periods("cost", self._month(), "s.device", "SUM(t.sum)")

    def parts_per_day(self) -> list[Target]:
        return self._periods("cost_parts", self._ask.noon("t.day"), "s.quantity", "SUM(t.sum)")

    def peak_per_month(self) -> list[Target]:
        return self._periods("demand_quarter", self._month(), "s.quantity", "MAX(t.high)")

    def rates(self) -> list[Target]:
        return self._ask.means("${rates:csv}", "s.quantity", QUARTER)

    def prices(self) -> list[Target]:
        """Stamped at their begin."""
        return self._ask.means("${price_spot:csv}", "s.quantity")

    def demand(self) -> list[Target]:
        return self._ask.means("${demand_quarter:csv}", "s.quantity", QUARTER)

    def _month(self) -> str:
        return self._ask.noon(self._ask.first_of_month("t.day"))

    def _periods(self, of: str, time: str, metric: str, value: str) -> list[Target]:
        """The day of the row before, where that is the quarter before."""
        ask = self._ask
        is_next = f"LAG(q.ts) OVER w = {ask.before('q.ts', QUARTER)}"
        return ask.curve(
            f"SELECT {time} AS time, {metric} AS metric, {value} AS value\n"
            "FROM (\n  SELECT q.series_id, q.ts, q.sum, q.high,"
            f" CASE WHEN {is_next} THEN LAG(q.day) OVER w ELSE q.day END AS day\n"
            f"  FROM quarter q WHERE q.series_id IN (${{{of}:csv}})\n"
            f"    AND q.ts >= {ask.before(ask.begin, DAY)} AND q.ts <= {ask.end}\n"
            "  WINDOW w AS (PARTITION BY q.series_id ORDER BY q.ts)\n"
            f") t JOIN series s ON s.id = t.series_id\nWHERE t.ts > {ask.begin}\n"
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )

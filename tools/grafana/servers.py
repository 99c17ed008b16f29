"""How MySQL (and MariaDB) and PostgreSQL write instants and days in the queries of `sql`.

The range is told by macros: $__from and $__to know nothing of a range that a panel has for itself.
"""

from .sql import DAY, Sql


class MySql(Sql):
    name, title, type = "mysql", "MySQL", "mysql"
    begin, end = "$__unixEpochFrom() * 1000", "$__unixEpochTo() * 1000"

    def time(self, ts: str) -> str:
        return f"{ts} DIV 1000"

    def bucket(self, ts: str) -> str:
        return f"{ts} DIV $__interval_ms * $__interval_ms DIV 1000 AS time"

    def before(self, instant: str, seconds: int) -> str:
        return f"{instant} - {seconds * 1000}"

    def noon(self, day: str) -> str:
        return f"(TO_DAYS({day}) - 719528) * 86400 + 43200"

    def first_of_month(self, day: str) -> str:
        return f"DATE_FORMAT({day}, '%Y-%m-01')"

    def age(self, ts: str) -> str:
        return f"({self.end} - {ts}) / 1000"

    def ms(self, ts: str) -> str:
        return ts

    def quarters(self) -> str:
        """By the key of the days, or all there are would be read."""
        begin, end = (
            f"DATE(TIMESTAMP('1970-01-01') + INTERVAL {edge} SECOND)"
            for edge in (f"{self.begin} DIV 1000 - {DAY}", f"{self.end} DIV 1000 + {DAY}")
        )
        return f"q.day BETWEEN {begin} AND {end} AND {self._within('q.ts')}"


class PostgreSql(Sql):
    name, title, type = "postgresql", "PostgreSQL", "postgres"
    begin, end = "$__timeFrom()::timestamptz", "$__timeTo()::timestamptz"

    def time(self, ts: str) -> str:
        return ts

    def bucket(self, ts: str) -> str:
        """Without the macro, which gives numbers, or instants where Grafana knows TimescaleDB."""
        slot = f"floor(extract(epoch FROM {ts}) * 1000 / $__interval_ms) * $__interval_ms"
        return f"to_timestamp({slot} / 1000) AS time"

    def before(self, instant: str, seconds: int) -> str:
        return f"{instant} - interval '{seconds} seconds'"

    def noon(self, day: str) -> str:
        return f"({day} + time '12:00') AT TIME ZONE 'UTC'"

    def first_of_month(self, day: str) -> str:
        return f"date_trunc('month', {day}::timestamp)::date"

    def age(self, ts: str) -> str:
        return f"EXTRACT(EPOCH FROM {self.end} - {ts})"

    def ms(self, ts: str) -> str:
        return f"EXTRACT(EPOCH FROM {ts}) * 1000"

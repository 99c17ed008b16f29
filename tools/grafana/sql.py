"""What the panels ask of MySQL, MariaDB and PostgreSQL, on the tables series, reading, quarter.

1. Instants are compared with the indexed `ts` itself: ms since 1970 in MySQL, timestamptz in
   PostgreSQL, so no answer depends on the time zone of a session.
2. Which series a panel reads is found out beforehand by a hidden variable: MariaDB uses the key
   (series_id, ts) for a span of time only where the ids are constants, and else reads whole series.
3. Up to 3 days a curve is made of readings, beyond of quarters; energy is always a difference of
   registers, and days are those of the station (`quarter.day`).
"""

from collections.abc import Sequence

from .panels import Json, Target

WHO = "s.logger = ${logger:sqlstring} AND s.device IN (${device:sqlstring})"
WHOM = "s.logger IN (${logger:sqlstring})"
LONG = "$__to - $__from > 259200000"  # ms: 3 days
DAY = 86_400  # s; what is older is not the present
SILENT = 600  # s until a logger counts as silent


class Sql:
    """The queries; a subclass says how its server writes instants."""

    name = title = type = ""
    days: Sequence[Json] = ()  # transformations: the server's answer is fit to be drawn
    months: Sequence[Json] = ()
    begin = end = ""  # of the chosen range

    def time(self, ts: str) -> str:
        """As Grafana's column `time`."""
        raise NotImplementedError

    def bucket(self, ts: str) -> str:
        """The begin of the panel's interval, AS time."""
        raise NotImplementedError

    def before(self, instant: str, seconds: int) -> str:
        raise NotImplementedError

    def noon(self, day: str) -> str:
        """Noon UTC of a date: the same date in (nearly) every time zone of a browser."""
        raise NotImplementedError

    def first_of_month(self, day: str) -> str:
        raise NotImplementedError

    def age(self, ts: str) -> str:
        """Seconds until the range's end."""
        raise NotImplementedError

    def ms(self, ts: str) -> str:
        raise NotImplementedError

    def quarters(self) -> str:
        """Those in the range, of all series."""
        return self._within("q.ts")

    # -- variables -------------------------------------------------------------------------------

    def loggers(self) -> str:
        return "SELECT DISTINCT logger FROM series ORDER BY 1"

    def devices(self) -> str:
        return "SELECT DISTINCT device FROM series WHERE logger = ${logger:sqlstring} ORDER BY 1"

    def series(self, of: str) -> str:
        """The ids of a register or a gauge; of `power_phases` those of each phase. Never empty."""
        return f"SELECT 0 AS id UNION SELECT s.id FROM series s WHERE {WHO} AND {_which(of)}"

    # -- panels ----------------------------------------------------------------------------------

    def now(self, quantity: str) -> list[Target]:
        """The newest value of a day at most, after the means of the quarters."""
        ids = _ids(quantity)
        since = self.before(self.end, DAY)
        return self.curve(
            f"SELECT m.time, s.device AS metric, m.value\nFROM (\n"
            f"  {self._mean_of_quarters(ids)}\n"
            "  UNION ALL\n"
            f"  SELECT {self.time('r.ts')}, r.series_id, r.value FROM reading r JOIN (\n"
            f"    SELECT series_id, MAX(ts) AS ts FROM reading\n"
            f"    WHERE series_id IN ({ids}) AND ts > {since} AND ts <= {self.end}\n"
            "    GROUP BY series_id\n"
            "  ) n ON n.series_id = r.series_id AND n.ts = r.ts\n"
            ") m JOIN series s ON s.id = m.series_id\nORDER BY 1, 2"
        )

    def counted(self, register: str) -> list[Target]:
        """What the registers grew in the range: the newest value less the last before it."""
        ids = _ids(register)
        return self.curve(
            f"SELECT {self.time(self.end)} AS time, s.device AS metric,"
            " SUM(l.value - f.value) AS value\n"
            "FROM (\n"
            "  SELECT series_id, MIN(ts) AS first, MAX(ts) AS last FROM reading\n"
            f"  WHERE series_id IN ({ids}) AND {self._within('ts')}\n"
            "  GROUP BY series_id\n"
            ") t LEFT JOIN (\n"
            "  SELECT series_id, MAX(ts) AS ts FROM reading\n"
            f"  WHERE series_id IN ({ids})"
            f" AND ts >= {self.before(self.begin, DAY)} AND ts < {self.begin}\n"
            "  GROUP BY series_id\n"
            ") b ON b.series_id = t.series_id\n"
            "JOIN reading f ON f.series_id = t.series_id AND f.ts = COALESCE(b.ts, t.first)\n"
            "JOIN reading l ON l.series_id = t.series_id AND l.ts = t.last\n"
            "JOIN series s ON s.id = t.series_id\n"
            "GROUP BY s.device ORDER BY 2"
        )

    def course(self, quantity: str) -> list[Target]:
        return self.means(_ids(quantity), "s.device")

    def phases(self, quantity: str) -> list[Target]:
        """Each phase, and each wire of current clamps: mains.brown."""
        phase = f"TRIM(CONCAT(s.device, ' ', UPPER(SUBSTR(s.quantity, {len(quantity) + 2}))))"
        return self.means(_ids(f"{quantity}_phases"), phase)

    def per_day(self, register: str) -> list[Target]:
        return self._periods(register, self.noon("t.day"))

    def per_month(self, register: str) -> list[Target]:
        return self._periods(register, self.noon(self.first_of_month("t.day")))

    # -- fleet -----------------------------------------------------------------------------------

    def fleet_table(self) -> list[Target]:
        return [
            self._target(
                "SELECT f.logger, f.devices, f.series, f.last_seen, f.age, f.values_a_minute\n"
                f"FROM ({self._fleet()}) f ORDER BY f.age DESC",
                "table",
            )
        ]

    def fleet_known(self) -> list[Target]:
        return [self._target(f"SELECT COUNT(*) AS loggers FROM ({self._fleet()}) f", "table")]

    def fleet_silent(self) -> list[Target]:
        silent = f"SUM(CASE WHEN f.age > {SILENT} THEN 1 ELSE 0 END)"
        text = f"SELECT COALESCE({silent}, 0) AS silent FROM ({self._fleet()}) f"
        return [self._target(text, "table")]

    def fleet_oldest(self) -> list[Target]:
        return [self._target(f"SELECT MAX(f.age) AS age FROM ({self._fleet()}) f", "table")]

    def fleet_course(self) -> list[Target]:
        """Of the quarters that are over."""
        return self.curve(
            f"SELECT {self.time('t.ts')} AS time, s.logger AS metric, SUM(t.n) / 15.0 AS value\n"
            f"FROM (SELECT q.series_id, q.ts, q.n FROM quarter q WHERE {self.quarters()}) t\n"
            f"JOIN series s ON s.id = t.series_id WHERE {WHOM}\n"
            "GROUP BY t.ts, s.logger ORDER BY 1, 2"
        )

    def _fleet(self) -> str:
        """As it is now: each newest row is found at the end of its series."""
        age = f"GREATEST(0, {self.age('MAX(t.newest)')})"  # 0 where the range ended before
        told = f"CASE WHEN q.ts > {self.before(self.end, 3600)} THEN q.n ELSE 0 END"
        return (
            "SELECT t.logger, COUNT(DISTINCT t.device) AS devices, COUNT(*) AS series,\n"
            f"  {self.ms('MAX(t.newest)')} AS last_seen, {age} AS age,\n"
            "  SUM(t.told) / 15.0 AS values_a_minute\n"
            "FROM (SELECT s.logger, s.device,\n"
            "    (SELECT r.ts FROM reading r WHERE r.series_id = s.id"
            " ORDER BY r.ts DESC LIMIT 1) AS newest,\n"
            f"    (SELECT {told} FROM quarter q WHERE q.series_id = s.id"
            " ORDER BY q.ts DESC LIMIT 1) AS told\n"
            f"  FROM series s WHERE {WHOM}) t\n"
            "GROUP BY t.logger"
        )

    # -- parts -----------------------------------------------------------------------------------

    def means(self, ids: str, metric: str, later: int = 0) -> list[Target]:
        """`later`: so many seconds after what they are about, the values are stamped."""
        of = f"({self.before('r.ts', later)})" if later else "r.ts"
        return self.curve(
            f"SELECT m.time, {metric} AS metric, m.value\nFROM (\n"
            f"  SELECT {self.bucket(of)}, r.series_id, AVG(r.value) AS value FROM reading r\n"
            f"  WHERE r.series_id IN ({ids}) AND {self._within('r.ts')} AND NOT {LONG}\n"
            "  GROUP BY 1, 2\n"
            "  UNION ALL\n"
            f"  {self._mean_of_quarters(ids, f' AND {LONG}', later)}\n"
            ") m JOIN series s ON s.id = m.series_id\nORDER BY 1, 2"
        )

    def _mean_of_quarters(self, ids: str, when: str = "", later: int = 0) -> str:
        of = f"({self.before('q.ts', later)})" if later else "q.ts"
        return (
            f"SELECT {self.bucket(of)}, q.series_id, SUM(q.sum) / SUM(q.n) AS value"
            " FROM quarter q\n"
            f"  WHERE q.series_id IN ({ids}) AND {self._within('q.ts')}{when}\n"
            "  GROUP BY 1, 2"
        )

    def _periods(self, register: str, time: str) -> list[Target]:
        """Each quarter counts from the last value before it; a register that fell, from its own
        first.
        """
        last = "LAG(q.last) OVER (PARTITION BY q.series_id ORDER BY q.ts)"
        return self.curve(
            f"SELECT {time} AS time, s.device AS metric,\n"
            "  SUM(t.last - CASE WHEN t.last < t.before_it THEN t.first"
            " ELSE COALESCE(t.before_it, t.first) END) AS value\n"
            f"FROM (\n  SELECT q.series_id, q.ts, q.day, q.first, q.last, {last} AS before_it\n"
            f"  FROM quarter q WHERE q.series_id IN ({_ids(register)})\n"
            f"    AND q.ts >= {self.before(self.begin, DAY)} AND q.ts <= {self.end}\n"
            f") t JOIN series s ON s.id = t.series_id\nWHERE t.ts >= {self.begin}\n"
            "GROUP BY 1, 2 ORDER BY 1, 2"
        )

    def _within(self, ts: str) -> str:
        return f"{ts} BETWEEN {self.begin} AND {self.end}"

    def curve(self, text: str) -> list[Target]:
        return [self._target(text, "time_series")]

    def _target(self, text: str, form: str) -> Target:
        more: Json = {"format": form, "rawQuery": True, "editorMode": "code"}
        return {"rawSql": text, **more}


def _ids(of: str) -> str:
    return f"${{{of}:csv}}"  # of the variable


def _which(of: str) -> str:
    """The series of a register or gauge; a meter that counts both tariffs apart is asked for
    those.
    """
    if of.endswith("_phases"):
        quantity = of.removesuffix("_phases")
        names = ", ".join(f"'{quantity}_{phase}'" for phase in ("l1", "l2", "l3"))
        wires = f"s.quantity = '{quantity}' AND s.device LIKE '%.%'"
        return f"(s.quantity IN ({names}) OR {wires})"
    if not of.startswith("energy"):
        return f"s.quantity = '{of}'"
    return (
        f"(s.quantity IN ('{of}_high', '{of}_low') OR s.quantity = '{of}' AND NOT EXISTS"
        " (SELECT 1 FROM series o WHERE o.logger = s.logger AND o.device = s.device"
        f" AND o.quantity = '{of}_high'))"
    )

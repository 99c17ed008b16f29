"""The narrow schema in MySQL and MariaDB.

1. Rows are sent as one statement made of numbers alone, `repr` of a float: 16 times faster than a
   row at a time, nothing to inject, and the same float comes back.
2. `time` in the views is UTC, whatever the time zone of who asks.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..errors import SinkError
from .mysql_connection import Connection
from .narrow import QUARTER, Quarter, Row, Series, ValueRefused

LOG = logging.getLogger(__name__)

AT_ONCE = 100  # quarters made by one statement
TABLES = {
    "series": """
        `id` INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
        `logger` VARCHAR(64) NOT NULL,
        `device` VARCHAR(64) NOT NULL,
        `quantity` VARCHAR(64) NOT NULL,
        `meter` VARCHAR(128) NOT NULL DEFAULT '',
        `unit` VARCHAR(16) NOT NULL,
        `kind` ENUM('register', 'gauge') NOT NULL,
        UNIQUE KEY `name` (`logger`, `device`, `quantity`, `meter`)""",
    "reading": """
        `series_id` INT NOT NULL,
        `ts` BIGINT NOT NULL COMMENT 'ms since 1970, UTC',
        `value` DOUBLE NOT NULL,
        PRIMARY KEY (`series_id`, `ts`)""",
    "quarter": """
        `series_id` INT NOT NULL,
        `ts` BIGINT NOT NULL COMMENT 'begin, ms since 1970, UTC',
        `day` DATE NOT NULL COMMENT 'local day of the station',
        `n` INT NOT NULL,
        `low` DOUBLE NOT NULL,
        `high` DOUBLE NOT NULL,
        `sum` DOUBLE NOT NULL,
        `first` DOUBLE NOT NULL,
        `last` DOUBLE NOT NULL,
        `first_ts` BIGINT NOT NULL,
        `last_ts` BIGINT NOT NULL,
        `before` DOUBLE COMMENT 'last value before first_ts',
        PRIMARY KEY (`series_id`, `ts`),
        KEY `day` (`series_id`, `day`)""",
}
_TIME = "TIMESTAMP('1970-01-01') + INTERVAL {0} * 1000 MICROSECOND"
VIEWS = {
    "v_reading": f"""
        SELECT {_TIME.format("r.`ts`")} AS `time`, r.`ts`, s.`logger`, s.`device`, s.`quantity`,
        s.`meter`, s.`unit`, s.`kind`, r.`value`
        FROM `reading` r JOIN `series` s ON s.`id` = r.`series_id`""",
    "v_quarter": f"""
        SELECT {_TIME.format("q.`ts`")} AS `time`, q.`ts`, q.`day`, s.`logger`, s.`device`,
        s.`quantity`, s.`meter`, s.`unit`, s.`kind`, q.`n`, q.`low`, q.`high`,
        q.`sum` / q.`n` AS `mean`,
        CASE s.`kind` WHEN 'register' THEN
        q.`last` - LEAST(q.`first`, COALESCE(q.`before`, q.`first`))
        + CASE WHEN q.`last` < q.`first` THEN q.`high` - q.`low` ELSE 0 END END AS `energy`
        FROM `quarter` q JOIN `series` s ON s.`id` = q.`series_id`""",
}
_LOGGERS = "SELECT `device`, `quantity`, `meter`, `id` FROM `series` WHERE `logger` = %s"
_UNROLLED = f"""
    SELECT DISTINCT r.`series_id`, r.`ts` DIV {QUARTER} * {QUARTER}
    FROM `series` s JOIN `reading` r ON r.`series_id` = s.`id` AND r.`ts` >= COALESCE(
        (SELECT MAX(q.`ts`) FROM `quarter` q WHERE q.`series_id` = s.`id`), -{2**62})
    WHERE s.`logger` = %s"""
_FIGURES = ["day", "n", "low", "high", "sum", "first", "last", "first_ts", "last_ts", "before"]
_VALUE = "(SELECT `value` FROM `reading` WHERE `series_id` = {series} AND {when} LIMIT 1)"
_FIRST = _VALUE.format(series="{series}", when="`ts` >= {begin} ORDER BY `ts`")
_LAST = _VALUE.format(series="{series}", when="`ts` < {end} ORDER BY `ts` DESC")
_BEFORE = _VALUE.format(series="{series}", when="`ts` < {begin} ORDER BY `ts` DESC")
_QUARTER = f"""
    SELECT {{series}}, {{begin}}, DATE'{{day}}', COUNT(*), MIN(`value`), MAX(`value`), SUM(`value`),
    {_FIRST}, {_LAST}, MIN(`ts`), MAX(`ts`), {_BEFORE}
    FROM `reading` WHERE `series_id` = {{series}} AND `ts` >= {{begin}} AND `ts` < {{end}}
    HAVING COUNT(*) > 0"""
_NEXT = """
    (SELECT `series_id`, `ts`, `day` FROM `quarter` WHERE `series_id` = {0} AND `ts` > {1}
    ORDER BY `ts` LIMIT 1)"""


class MysqlTables:
    """contract: narrow.Tables, for one station (`logger`) over one connection."""

    def __init__(self, connection: Connection, logger: str) -> None:
        self._on, self._logger = connection, logger

    def ids(self, wanted: Sequence[Series]) -> Mapping[Series, int]:
        named = {series: _named(series) for series in wanted}
        known = self._known()
        if missing := [series for series in wanted if named[series] not in known]:
            values = [(self._logger, *named[s], s.unit, s.kind) for s in missing]
            self._on.run(
                "INSERT INTO `series` (`logger`, `device`, `quantity`, `meter`, `unit`, `kind`) "
                f"VALUES {', '.join(['(%s, %s, %s, %s, %s, %s)'] * len(values))} "
                "ON DUPLICATE KEY UPDATE `unit` = VALUES(`unit`), `kind` = VALUES(`kind`)",
                [field for row in values for field in row],
            )
            known = self._known()
        return {series: known[named[series]] for series in wanted}

    def upsert(self, rows: Sequence[Row]) -> None:
        told = ",".join([f"({series},{ts},{float(value)!r})" for series, ts, value in rows])
        self._on.run(
            f"INSERT INTO `reading` (`series_id`, `ts`, `value`) VALUES {told} "
            "ON DUPLICATE KEY UPDATE `value` = VALUES(`value`)"
        )

    def roll(self, quarters: Sequence[Quarter]) -> None:
        for start in range(0, len(quarters), AT_ONCE):
            some = quarters[start : start + AT_ONCE]
            after = " UNION ALL ".join(_NEXT.format(*quarter) for quarter in some)
            known = {Quarter(int(series), int(ts), day) for series, ts, day in self._on.rows(after)}
            self._make(sorted({*some, *known}))  # they begin where these end

    def _make(self, quarters: Sequence[Quarter]) -> None:
        """One that cannot be, as its sum is out of range, is left out."""
        try:
            self._on.run(_rolling(quarters))
        except ValueRefused as error:
            if len(quarters) == 1:
                LOG.warning("no quarter of series %d at %d: %s", *quarters[0][:2], error)
                return
            for quarter in quarters:
                self._make([quarter])

    def unrolled(self) -> Sequence[tuple[int, int]]:
        return [(int(series), int(ts)) for series, ts in self._on.rows(_UNROLLED, [self._logger])]

    def _known(self) -> dict[Series, int]:
        return {Series(*names): int(i) for *names, i in self._on.rows(_LOGGERS, [self._logger])}


def _named(series: Series) -> Series:
    """As the columns hold it: not longer, no spaces at its end, nothing that is no text."""
    device, quantity, meter = (name.encode("utf-8", "replace").decode() for name in series)
    return Series(device[:64].rstrip(" "), quantity, meter[:128].rstrip(" "))


def _rolling(quarters: Iterable[Quarter]) -> str:
    """Sets them all; constants alone, so that each part is a seek in the primary key."""
    names = ", ".join(f"`{name}`" for name in _FIGURES)
    new = ", ".join(f"`{name}` = VALUES(`{name}`)" for name in _FIGURES)
    made = " UNION ALL ".join(
        _QUARTER.format(series=series, begin=ts, end=ts + QUARTER, day=day.isoformat())
        for series, ts, day in quarters
    )
    return (
        f"INSERT INTO `quarter` (`series_id`, `ts`, {names}) {made} ON DUPLICATE KEY UPDATE {new}"
    )


def prepare(connection: Connection, database: str, tables: Mapping[str, str]) -> str:
    """Enter the database and make what is missing, where that is allowed; return what could not be
    made, and can be gone without. SinkError where a table is another than ours.
    """
    name = "`" + database.replace("`", "``") + "`"
    if not connection.rows(f"SHOW DATABASES LIKE {_quoted(database)}"):
        connection.run(f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb4")
    connection.run(f"USE {name}")
    there = _columns(connection)
    for table, columns in tables.items():
        if table not in there:
            connection.run(
                f"CREATE TABLE IF NOT EXISTS `{table}` ({columns}) ENGINE=InnoDB "
                "DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
            )
        elif lost := [column for column in _names(columns) if column not in there[table]]:
            raise SinkError(
                f"{connection.host} has a table {table} in {database} with other columns than ours "
                f"({', '.join(lost)} is missing): rename it, or take another database."
            )
        elif not _is_keyed(connection, table, columns):
            raise SinkError(
                f"{connection.host} has a table {table} in {database} without our key: rename it, "
                "or take another database."
            )
    return "; ".join(_views(connection, there))


def _views(connection: Connection, there: Mapping[str, set[str]]) -> Iterator[str]:
    """Make those that are missing; yield a word on each that could not be made."""
    for view, text in VIEWS.items():
        if view not in there:
            try:
                connection.run(f"CREATE VIEW `{view}` AS {text}")
            except SinkError as error:
                if view not in _columns(connection):  # another station may have been faster
                    yield f"no view {view}: {error}"


def _columns(connection: Connection) -> dict[str, set[str]]:
    """Table -> its columns, of the tables and views that this user may see."""
    found: dict[str, set[str]] = {}
    for table, column in connection.rows(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE()"
    ):
        found.setdefault(str(table), set()).add(str(column))
    return found


def _is_keyed(connection: Connection, table: str, columns: str) -> bool:
    """Whether it has our key, without which rows could be doubled."""
    keys: dict[str, set[str]] = {}
    for row in connection.rows(f"SHOW KEYS FROM `{table}` WHERE Non_unique = 0"):
        keys.setdefault(str(row[2]), set()).add(str(row[4]))
    ours = re.findall(r"(?:PRIMARY|UNIQUE) KEY (?:`\w+` )?\((.+?)\)", columns)
    return all(set(re.findall(r"`(\w+)`", key)) in keys.values() for key in ours)


def _names(columns: str) -> list[str]:
    """The names of the columns of a CREATE TABLE."""
    lines = (line.strip() for line in columns.splitlines())
    return [line[1 : line.index("`", 1)] for line in lines if line.startswith("`")]


def _quoted(name: str) -> str:
    """As a pattern of LIKE that fits this name alone."""
    escaped = "".join("\\" + c if c in "\\%_" else c for c in name)
    return "'" + escaped.replace("\\", "\\\\").replace("'", "''") + "'"

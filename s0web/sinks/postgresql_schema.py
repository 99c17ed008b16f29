"""What the sink needs in a PostgreSQL database, and how it is made: tables, views, a hypertable.

Nothing is made where all is there, so a user without the right to create suffices from then on.
"""

from collections.abc import Mapping

from ..errors import SinkError
from .narrow import ValueRefused
from .postgresql_connection import Connection

LOCK = 0x73307765  # of whoever makes tables: two stations do it one after the other
TABLES = {
    "series": """
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        logger text NOT NULL,
        device text NOT NULL,
        quantity text NOT NULL,
        meter text NOT NULL DEFAULT '',
        unit text NOT NULL,
        kind text NOT NULL,
        UNIQUE (logger, device, quantity, meter)""",
    "reading": """
        series_id integer NOT NULL,
        ts timestamptz NOT NULL,
        value double precision NOT NULL,
        PRIMARY KEY (series_id, ts)""",
    "quarter": """
        series_id integer NOT NULL,
        ts timestamptz NOT NULL,
        day date NOT NULL,
        n integer NOT NULL,
        low double precision NOT NULL,
        high double precision NOT NULL,
        sum double precision,
        first double precision NOT NULL,
        last double precision NOT NULL,
        first_ts timestamptz NOT NULL,
        last_ts timestamptz NOT NULL,
        PRIMARY KEY (series_id, ts)""",
}
_MS = "(extract(epoch FROM {0}) * 1000)::bigint"
_NAMES = "s.logger, s.device, s.quantity, s.meter, s.unit, s.kind"
VIEWS = {
    "v_reading": f"""
        SELECT r.ts AS time, {_MS.format("r.ts")} AS ts, {_NAMES}, r.value
        FROM reading r JOIN series s ON s.id = r.series_id""",
    # a register that falls begins anew
    "v_quarter": f"""
        SELECT q.ts AS time, {_MS.format("q.ts")} AS ts, q.day, {_NAMES},
            q.n, q.low, q.high, q.sum / q.n AS mean,
            CASE WHEN s.kind <> 'register' THEN NULL
                WHEN q.last < q.first THEN q.high - b.begin + q.last - q.low
                ELSE q.last - b.begin END AS energy
        FROM quarter q JOIN series s ON s.id = q.series_id
        CROSS JOIN LATERAL (SELECT least(q.first, coalesce(
            (SELECT p.last FROM quarter p WHERE p.series_id = q.series_id AND p.ts < q.ts
                ORDER BY p.ts DESC LIMIT 1), q.first)) AS begin) b""",
}
_COLUMNS = """
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s)
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped"""
_TIMESCALE = """
    SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb'"""


def prepare(
    connection: Connection, schema: str, tables: Mapping[str, str], views: Mapping[str, str]
) -> dict[str, set[str]]:
    """Enter the schema and make what is missing; return the columns of what is there. SinkError
    where that is not allowed.
    """
    there = columns(connection, schema)
    if not tables.keys() | views.keys() <= there.keys():
        with connection.together():
            connection.run(f"SELECT pg_advisory_xact_lock({LOCK})")
            if not connection.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]):
                connection.run(f"CREATE SCHEMA {quoted(schema)}")
            connection.run(f"SET LOCAL search_path TO {quoted(schema)}")
            there = columns(connection, schema)
            for table, text in tables.items():
                if table not in there:
                    connection.run(f"CREATE TABLE {quoted(table)} ({text})")
            for view, text in views.items():
                if view not in there:
                    connection.run(f"CREATE VIEW {view} AS {text}")
        there = columns(connection, schema)
    connection.run(f"SET search_path TO {quoted(schema)}")
    return there


def narrow(connection: Connection, schema: str) -> None:
    """Make the narrow schema; SinkError where a table is another than ours."""
    for table, there in columns(connection, schema).items():
        if lost := [name for name in _names(TABLES.get(table, "")) if name not in there]:
            raise SinkError(
                f"{connection.at} has a table {table} in the schema {schema} with other columns "
                f"than ours ({', '.join(lost)} is missing): rename it, or name another schema."
            )
    prepare(connection, schema, TABLES, VIEWS)


def hypertable(connection: Connection, table: str) -> str:
    """Let TimescaleDB keep the table in chunks of a week, where it is there; return what it is."""
    if not (found := connection.rows(_TIMESCALE)):
        return "native table"
    try:
        connection.run(
            f"SELECT {quoted(found[0][0])}.create_hypertable('{table}', 'ts', "
            "chunk_time_interval => interval '7 days', if_not_exists => true)"
        )
    except SinkError as error:
        return f"native table though TimescaleDB is there: it {error}"
    return "TimescaleDB hypertable"


def create(connection: Connection, database: str) -> bool:
    """Make a database; False if it is there already. SinkError where that is not allowed."""
    there = "SELECT 1 FROM pg_database WHERE datname = %s"
    if connection.rows(there, [database]):
        return False
    try:
        connection.run(f"CREATE DATABASE {quoted(database)} TEMPLATE template0 ENCODING 'UTF8'")
    except (SinkError, ValueRefused) as error:
        if not connection.rows(there, [database]):  # another station may have been faster
            raise SinkError(
                f"{connection.at} has no database {database}, and it cannot be created: {error}"
            ) from None
    return True


def columns(connection: Connection, schema: str) -> dict[str, set[str]]:
    """Table or view -> its columns."""
    found: dict[str, set[str]] = {}
    for table, column in connection.rows(_COLUMNS, [schema]):
        found.setdefault(str(table), set()).add(str(column))
    return found


def quoted(name: str) -> str:
    """As a name in a statement without values: in others a % would begin one."""
    return '"' + name.replace('"', '""') + '"'


def _names(text: str) -> list[str]:
    """The names of the columns of a CREATE TABLE."""
    words = (line.split()[0] for line in text.split("\n") if line.strip())
    return [word for word in words if word.islower()]

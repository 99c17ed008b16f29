"""The narrow schema in PostgreSQL.

Rows go as arrays, one for each column, by one statement that the server has prepared; numbers in
them are written by `repr`, so the same float comes back.
"""

from collections.abc import Iterable, Mapping, Sequence

from .narrow import QUARTER, Quarter, Row, Series
from .postgresql_connection import Connection

NAME = 200  # characters of a name; what is unique must fit into an index
_KNOWN = "SELECT device, quantity, meter, id FROM series WHERE logger = %s"
_NEW = """
    INSERT INTO series (logger, device, quantity, meter, unit, kind)
    SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
    ON CONFLICT DO NOTHING"""
_TIME = "timestamptz 'epoch' + {0} * interval '1 millisecond'"
_UPSERT = f"""
    INSERT INTO reading (series_id, ts, value)
    SELECT u.series_id, {_TIME.format("u.ms")}, u.value
    FROM unnest(%s::int[], %s::bigint[], %s::float8[]) AS u(series_id, ms, value)
    ON CONFLICT (series_id, ts) DO UPDATE SET value = excluded.value"""
_SANE = "1e300"  # the sum of larger ones could be more than a float holds
_FIGURES = ("day", "n", "low", "high", "sum", "first", "last", "first_ts", "last_ts")
_ROLL = f"""
    INSERT INTO quarter (series_id, ts, {", ".join(_FIGURES)})
    SELECT u.series_id, {_TIME.format("u.ms")}, u.day, f.*
    FROM unnest(%s::int[], %s::bigint[], %s::date[]) AS u(series_id, ms, day)
    CROSS JOIN LATERAL (
        SELECT count(*) AS n, min(value), max(value),
            sum(value) FILTER (WHERE abs(value) < {_SANE}),
            (array_agg(value ORDER BY ts))[1], (array_agg(value ORDER BY ts DESC))[1],
            min(ts), max(ts)
        FROM reading WHERE series_id = u.series_id AND ts >= {_TIME.format("u.ms")}
            AND ts < {_TIME.format(f"(u.ms + {QUARTER})")}) f
    WHERE f.n > 0
    ON CONFLICT (series_id, ts) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _FIGURES)}"""
# where a series has no quarter at all, those of its last day
_UNROLLED = f"""
    SELECT s.id, t.ms FROM series s
    CROSS JOIN LATERAL (SELECT coalesce(
        (SELECT max(ts) FROM quarter WHERE series_id = s.id),
        (SELECT max(ts) - interval '1 day' FROM reading WHERE series_id = s.id)) AS ts OFFSET 0) b
    CROSS JOIN LATERAL (
        SELECT DISTINCT floor(extract(epoch FROM ts) * 1000 / {QUARTER})::bigint * {QUARTER} AS ms
        FROM reading WHERE series_id = s.id AND ts >= b.ts) t
    WHERE s.logger = %s"""


class PostgresqlTables:
    """contract: narrow.Tables, for one station (`logger`) over one connection."""

    def __init__(self, connection: Connection, logger: str) -> None:
        self._on, self._logger = connection, _clean(logger)

    def ids(self, wanted: Sequence[Series]) -> Mapping[Series, int]:
        names = {series: Series(*map(_clean, series)) for series in wanted}
        known = self._known()
        if missing := [series for series in names.values() if series not in known]:
            told = [(*series, series.unit, series.kind) for series in missing]
            self._on.run(_NEW, [self._logger, *map(list, zip(*told, strict=True))])
            known = self._known()
        return {series: known[name] for series, name in names.items()}

    def upsert(self, rows: Sequence[Row]) -> None:
        self._on.run(
            _UPSERT,
            [
                _array([str(series) for series, _, _ in rows]),
                _array([str(ts) for _, ts, _ in rows]),
                _array([repr(float(value)) for _, _, value in rows]),
            ],
        )

    def roll(self, quarters: Sequence[Quarter]) -> None:
        self._on.run(_ROLL, [_array(map(str, column)) for column in zip(*quarters, strict=True)])

    def unrolled(self) -> Sequence[tuple[int, int]]:
        return [(int(series), int(ts)) for series, ts in self._on.rows(_UNROLLED, [self._logger])]

    def _known(self) -> dict[Series, int]:
        return {Series(*names): int(i) for *names, i in self._on.rows(_KNOWN, [self._logger])}


def _array(texts: Iterable[str]) -> str:
    """As PostgreSQL reads an array of what needs no quotes."""
    return "{" + ",".join(texts) + "}"


def _clean(name: str) -> str:
    """The name without what no text there may hold."""
    return "".join(c if c.isprintable() else "_" for c in name)[:NAME]

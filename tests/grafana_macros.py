"""What Grafana does to a panel's query before it asks the database, as its documents say.

Variables: https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/
Global variables: .../dashboards/variables/add-template-variables/#global-variables
Macros: https://grafana.com/docs/grafana/latest/datasources/mysql/ and /postgres/ (#macros)
$timeFilter: https://grafana.com/docs/grafana/latest/datasources/influxdb/query-editor/
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def expanded(
    query: str,
    database: str,
    begin: datetime,
    end: datetime,
    chosen: Mapping[str, Sequence[str]],
    interval: str = "1m",
    zone: str = "Europe/Brussels",
) -> str:
    """The query as the database gets it; `chosen` are the values of each variable."""
    first, last = _ms(begin), _ms(end)
    texts = {
        "__from": str(first),
        "__to": str(last),
        "__interval": interval,
        "__interval_ms": str(_seconds(interval) * 1000),
        "__timezone": zone,
        "timeFilter": f"time >= {first}ms and time <= {last}ms",
    }

    def variable(match: re.Match[str]) -> str:
        name = match["braced"] or match["plain"]
        if match["form"]:
            return _formatted(chosen[name], match["form"])
        return texts.get(name, match[0])  # a macro is the database's

    named = r"\$(?:\{(?P<braced>\w+)(?::(?P<form>\w+))?\}|(?P<plain>\w+))"
    query = re.sub(named, variable, query)
    if database == "postgresql":
        query = re.sub(r"\$(\w+)\(\)", lambda m: _postgresql(m, begin, end), query)
    if database == "mysql":
        query = query.replace("$__unixEpochFrom()", str(first // 1000))
        query = query.replace("$__unixEpochTo()", str(last // 1000))
    assert "$" not in re.sub(r"/\^.*?\$/", "", query), query  # nothing is left unexpanded
    return query


def _formatted(values: Sequence[str], form: str) -> str:
    if form == "csv":
        return ",".join(values)
    if form == "sqlstring":  # each between single quotes, those in it doubled
        return ",".join("'" + value.replace("'", "''") + "'" for value in values)
    assert form == "regex"  # escaped, several as (a|b)
    escaped = [re.sub(r"[\\^$*+?.()|\[\]{}/]", r"\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _postgresql(match: re.Match[str], begin: datetime, end: datetime) -> str:
    return f"'{_iso({'__timeFrom': begin, '__timeTo': end}[match[1]])}'"


def _seconds(interval: str) -> int:
    return int(interval[:-1]) * SECONDS[interval[-1]]


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _ms(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

"""Writes every dashboard as JSON: static/grafana/<database>/<dashboard>.json"""

import json
from collections.abc import Iterator
from pathlib import Path

from .dashboards import DASHBOARDS, DIALECTS, Ask, Dashboard
from .panels import Json, laid_out
from .sql import Sql
from .sql_booked import SERIES as BOOKED
from .sql_booked import series as booked

HERE = Path(__file__).resolve().parents[2] / "static/grafana"
SCHEMA = 38  # of Grafana 10.0; later ones bring it up to date as they load it


def written(of: Dashboard, ask: Ask) -> str:
    source = {"type": ask.type, "uid": "${datasource}"}
    return (
        json.dumps(
            {
                "uid": f"s0web-{ask.name}-{of.name}",
                "title": f"s0web: {of.name}",
                "tags": ["s0web", ask.name],
                "timezone": "browser",
                "schemaVersion": SCHEMA,
                "version": 1,
                "editable": True,
                "refresh": of.refresh,
                "time": {"from": of.start, "to": "now"},
                "graphTooltip": 1,
                "annotations": {"list": []},
                "links": [_neighbours(ask)],
                "templating": {"list": list(_variables(of, ask, source))},
                "panels": list(laid_out(of.panels(ask), source)),
            },
            indent=1,
        )
        + "\n"
    )


def _neighbours(ask: Ask) -> Json:
    return {
        "type": "dashboards",
        "title": "s0web",
        "tags": ["s0web", ask.name],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": False,
    }


def _variables(of: Dashboard, ask: Ask, source: Json) -> Iterator[Json]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": ask.type,
        "refresh": 1,
    }
    yield _asked("logger", "Logger", ask.loggers(), source, many=of.is_of_fleet)
    if of.has_devices:
        yield _asked("device", "Device", ask.devices(), source, many=True)
    if isinstance(ask, Sql):
        for name in of.series:
            ids = booked(name) if name in BOOKED else ask.series(name)
            yield {**_asked(name, "", ids, source, many=True), "hide": 2}


def _asked(name: str, label: str, query: str, source: Json, many: bool) -> Json:
    chosen = {"current": {"selected": True, "text": ["All"], "value": ["$__all"]}} if many else {}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": source,
        "query": query,
        "definition": query,
        "refresh": 2,  # whenever the range changes, so that new devices appear
        "multi": many,
        "includeAll": many,
        **chosen,
    }


def files() -> Iterator[tuple[str, str]]:
    """Path in static/grafana -> what is in it."""
    for ask in DIALECTS:
        for of in DASHBOARDS:
            yield f"{ask.name}/{of.name}.json", written(of, ask)


if __name__ == "__main__":
    for name, content in files():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        print(f"static/grafana/{name}")

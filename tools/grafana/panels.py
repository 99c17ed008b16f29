"""How panels look in Grafana's JSON (https://grafana.com/docs/grafana/latest/dashboards/
build-dashboards/view-dashboard-json-model/): grid, units, colours, thresholds.

Colours are those of Okabe and Ito, which people of every kind of colour vision tell apart
(https://jfly.uni-koeln.de/color/); nothing is said by colour alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]
Target = Json  # one query
BLUE, ORANGE, PINK, GREEN, RED = "#0072B2", "#E69F00", "#CC79A7", "#009E73", "#D55E00"
PHASES = {"L1": BLUE, "L2": ORANGE, "L3": PINK}
COLUMNS = 24


class Panel(NamedTuple):
    title: str
    kind: str  # Grafana's type
    width: int  # of 24
    height: int  # of 30 px
    targets: Sequence[Target]
    meaning: str
    defaults: Json  # of fields: unit, decimals, thresholds
    options: Json
    overrides: Sequence[Json] = ()
    relative: str = ""  # a range of its own: now/d
    transformations: Sequence[Json] = ()


def stat(
    title: str,
    size: tuple[int, int],
    targets: Sequence[Target],
    meaning: str,
    unit: str,
    *,
    decimals: int = 0,
    steps: Sequence[tuple[float | None, str]] = ((None, BLUE),),
    graph: bool = False,
    relative: str = "",
) -> Panel:
    defaults = {
        "unit": unit,
        "decimals": decimals,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds(steps),
        "noValue": "none",
    }
    options = {
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
        "orientation": "auto",
        "textMode": "auto",
        "colorMode": "value",
        "graphMode": "area" if graph else "none",
        "justifyMode": "auto",
    }
    return Panel(title, "stat", *size, targets, meaning, defaults, options, relative=relative)


def course(
    title: str,
    size: tuple[int, int],
    targets: Sequence[Target],
    meaning: str,
    unit: str,
    *,
    decimals: int = 0,
    steps: Sequence[tuple[float | None, str]] = (),
    phases: bool = False,
) -> Panel:
    """Curves over time; gaps longer than an hour stay open."""
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "stepAfter",
        "lineWidth": 1,
        "fillOpacity": 10,
        "showPoints": "auto",
        "spanNulls": 3_600_000,
        "thresholdsStyle": {"mode": "dashed" if steps else "off"},
    }
    defaults = {
        "unit": unit,
        "decimals": decimals,
        "color": {"mode": "palette-classic"},
        "custom": custom,
        "thresholds": thresholds(steps or ((None, BLUE),)),
    }
    overrides = [_colour(f"/ {name}$/", colour) for name, colour in PHASES.items()]
    return Panel(
        title,
        "timeseries",
        *size,
        targets,
        meaning,
        defaults,
        {"legend": _legend("min", "mean", "max", "lastNotNull"), "tooltip": _tooltip()},
        overrides if phases else (),
    )


def bars(
    title: str,
    size: tuple[int, int],
    targets: Sequence[Target],
    meaning: str,
    unit: str,
    *,
    label: str,
    decimals: int = 1,
    is_stacked: bool = False,
    relative: str = "",
    transformations: Sequence[Json] = (),
) -> Panel:
    """For each day or month a group of bars, or one of several parts: a part for each device."""
    defaults = {
        "unit": unit,
        "decimals": decimals,
        "color": {"mode": "palette-classic"},
        "custom": {"fillOpacity": 80, "lineWidth": 1},
        "thresholds": thresholds(((None, BLUE),)),
    }
    options = {
        "orientation": "auto",
        "showValue": "auto",
        "stacking": "normal" if is_stacked else "none",
        "xTickLabelSpacing": 100,
        "legend": _legend("sum", "max"),
        "tooltip": _tooltip(),
    }
    named = {
        "matcher": {"id": "byType", "options": "time"},
        "properties": [{"id": "unit", "value": f"time:{label}"}],
    }
    return Panel(
        title,
        "barchart",
        *size,
        targets,
        meaning,
        defaults,
        options,
        [named],
        relative,
        transformations,
    )


def table(
    title: str,
    size: tuple[int, int],
    targets: Sequence[Target],
    meaning: str,
    overrides: Sequence[Json],
) -> Panel:
    defaults = {"custom": {"align": "auto"}, "thresholds": thresholds(((None, BLUE),))}
    return Panel(title, "table", *size, targets, meaning, defaults, {"showHeader": True}, overrides)


def column(name: str, title: str, unit: str, **more: Any) -> Json:
    """How one column of a table is written."""
    properties = {"displayName": title, "unit": unit, **more}
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }


def thresholds(steps: Sequence[tuple[float | None, str]]) -> Json:
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": colour} for value, colour in steps],
    }


def laid_out(panels: Sequence[Panel], source: Json) -> Iterator[Json]:
    """The panels in their JSON, from left to right and down."""
    x = y = lowest = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS:
            x, y = 0, lowest
        place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        x, lowest = x + panel.width, max(lowest, y + panel.height)
        yield _drawn(panel, number, place, source)


def _drawn(panel: Panel, number: int, place: Json, source: Json) -> Json:
    drawn: Json = {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "gridPos": place,
        "fieldConfig": {"defaults": panel.defaults, "overrides": list(panel.overrides)},
        "options": panel.options,
    }
    if panel.targets:
        drawn["datasource"] = source
        drawn["interval"] = "10s"  # meters tell hardly more often
        drawn["targets"] = [
            {"refId": letter, "datasource": source, **target}
            for letter, target in zip("ABCD", panel.targets, strict=False)
        ]
    if panel.relative:
        drawn["timeFrom"] = panel.relative
    if panel.transformations:
        drawn["transformations"] = list(panel.transformations)
    return drawn


def _legend(*calcs: str) -> Json:
    return {"displayMode": "table", "placement": "bottom", "calcs": list(calcs), "showLegend": True}


def _tooltip() -> Json:
    return {"mode": "multi", "sort": "none"}


def _colour(pattern: str, colour: str) -> Json:
    return {
        "matcher": {"id": "byRegexp", "options": pattern},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    }

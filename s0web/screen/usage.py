"""The table of usage and cost: three past days, today, this week, month and year."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from .words import moment, number

Values = dict[str, float]
Documents = Mapping[str, Mapping[str, Any]]
DAYS = 4  # the last is today
LONG = (("week", "Week"), ("month", "Month"), ("year", "Year"))


class Column(NamedTuple):
    title: str
    values: Values  # key of a row -> number


class Row(NamedTuple):
    title: str
    unit: str
    key: str
    digits: int
    tariff: str = ""  # in which it counts


ROWS = (
    Row("import", "kWh", "energy_import", 1),
    Row("import high", "kWh", "energy_import_high", 1, "high"),
    Row("import low", "kWh", "energy_import_low", 1, "low"),
    Row("export", "kWh", "energy_export", 1),
    Row("export high", "kWh", "energy_export_high", 1, "high"),
    Row("export low", "kWh", "energy_export_low", 1, "low"),
    Row("net", "kWh", "net", 1),
    Row("import", "EUR", "import", 2),
    Row("import high", "EUR", "import_high", 2, "high"),
    Row("import low", "EUR", "import_low", 2, "low"),
    Row("export", "EUR", "export", 2),
    Row("fees, peaks", "EUR", "fees", 2),
    Row("electricity", "EUR", "electricity", 2),
    Row("peak", "kW", "peak", 2),
    Row("gas", "m3", "gas volume", 1),
    Row("gas", "EUR", "gas", 2),
    Row("water", "m3", "water volume", 2),
    Row("water", "EUR", "water", 2),
    Row("all", "EUR", "total", 2),
)
SPLIT = ("energy_import", "energy_export", "import")  # not shown where high and low are


def columns(documents: Documents, now: datetime, zone: tzinfo | None) -> list[Column]:
    """Days as weekdays; a column of which nothing is known is left out."""
    days = _told(documents, "day")
    _add_peaks(days, documents.get("quarters", {}))
    found = []
    for start in sorted(days)[-DAYS:]:
        end, values = days[start]
        is_today = start <= now < end
        title = "Today" if is_today else f"{start.astimezone(zone):%a}"
        found.append(Column(title, values))
    for period, title in LONG:
        spans = _told(documents, period).items()
        found += [Column(title, values) for start, (end, values) in spans if start <= now < end]
    return found


def rows(found: list[Column]) -> list[tuple[Row, list[str]]]:
    """The rows of which something is known, as texts."""
    there = {key for column in found for key in column.values}
    whole = {key for key in SPLIT if f"{key}_high" in there}
    return [
        (row, [number(column.values.get(row.key), row.digits) for column in found])
        for row in ROWS
        if row.key in there - whole
    ]


Spans = dict[datetime, tuple[datetime, Values]]  # begin -> end, values


def _told(documents: Documents, period: str) -> Spans:
    spans: Spans = {}
    sources: tuple[tuple[str, Callable[[Mapping[str, Any]], Values]], ...] = (
        (f"electricity {period}", lambda said: _energy(said["values"])),
        (f"gas {period}", lambda said: {"gas volume": said["values"]["volume"]}),
        (f"water {period}", lambda said: {"water volume": said["values"]["volume"]}),
        (f"costs {period}", _costs),
    )
    for name, read in sources:
        for said in documents.get(name, {}).get("periods", []):
            start, end = moment(said["start"]), moment(said["end"])
            if start is not None and end is not None:
                spans.setdefault(start, (end, {}))[1].update(read(said))
    return spans


def _energy(values: Mapping[str, float]) -> Values:
    net = values.get("energy_import", 0.0) - values.get("energy_export", 0.0)
    return {**values, **({"net": net} if "energy_import" in values else {})}


def _costs(said: Mapping[str, Any]) -> Values:
    found = {"total": said["total"]}
    found |= {name: said[name]["cost"] for name in ("gas", "water") if name in said}
    if power := said.get("electricity"):
        found["electricity"] = power["cost"]
        found |= {key: power[key] for key in _kept(power)}
        if "fixed" in power or "capacity" in power:
            found["fees"] = power.get("fixed", 0.0) + power.get("capacity", 0.0)
    return found


def _kept(power: Mapping[str, float]) -> Iterator[str]:
    yield from (key for key in ("import", "import_high", "import_low", "export") if key in power)


def _add_peaks(days: Spans, document: Mapping[str, Any]) -> None:
    """The highest closed quarter-hour of each day."""
    for series in document.get("series", []):
        place = series["columns"].index("high")
        for point in series["points"]:
            for start, (_, values) in days.items():
                if start.timestamp() == point[0]:
                    values["peak"] = point[place] / 1000

"""What the screen shows, drawn with rich: each function makes one part of what is known.

No part relies on colour alone, and no text is read as markup: what comes from a wire is data.
"""

from collections.abc import Iterable
from datetime import datetime, tzinfo

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from . import usage
from .news import Document, Known
from .words import kilo, local, moment, number, plain

GOOD, BAD, ACTIVE, FAINT = "green", "bold red", "bold magenta", "dim"
ALARMS = {"none": GOOD, "will_exceed": BAD, "has_exceeded": BAD}


def text(said: object, style: str = "") -> Text:
    return Text(plain(said), style=style, no_wrap=True, overflow="ellipsis")


def table(heads: Iterable[str], right: bool = False) -> Table:
    """Columns with these heads; `right`: numbers, all but the first."""
    made = Table(box=None, expand=False, padding=(0, 1, 0, 0))
    for place, head in enumerate(heads):
        side = "right" if right and place else "left"
        made.add_column(text(head, "bold"), justify=side, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
    return made


def rates(known: Known) -> RenderableType:
    """What a kWh costs; the tariff in force is marked with > and colour."""
    said = Text("", no_wrap=True, overflow="ellipsis")
    now = known.document("costs day").get("now") or {}
    tariff = now.get("tariff") or _tariff(known)
    for name, rate in _rates(known, now, tariff):
        is_active = name == tariff or name == "import"
        mark = ">" if is_active else " "
        said.append_text(text(f"{mark}{name} {rate}  ", ACTIVE if is_active else "cyan"))
    for name, amount, unit in (
        ("export", now.get("export"), ""),
        ("now", now.get("per_hour"), " EUR/h"),
        ("gas", _rate(known, "costs.gas"), "/m3"),
        ("water", _rate(known, "costs.water"), "/m3"),
    ):
        if shown := number(amount, 2 if name == "now" else 4):
            said.append_text(text(f" {name} {shown}{unit}  ", "bold" if name == "now" else "cyan"))
    if said.plain:
        said = Text("EUR/kWh ", style="bold", no_wrap=True, overflow="ellipsis") + said
    spot = (known.document("prices").get("now") or {}).get("spot")
    if shown := number(spot, 1):
        said.append_text(text(f" spot {shown} EUR/MWh  "))
    return said if said.plain else text("no contract says what energy costs", FAINT)


def _tariff(known: Known) -> str:
    devices = known.devices
    return str(devices.get(known.grid, {}).get("labels", {}).get("tariff", ""))


def _rates(known: Known, now: Document, tariff: str) -> Iterable[tuple[str, str]]:
    """(tariff, EUR/kWh): that in force as told, the other by what this week's cost."""
    power = _present(known, "costs week").get("electricity", {})
    flowed = _present(known, "electricity week").get("values", {})
    for name in ("high", "low"):
        rate = now.get("import") if name == tariff else None
        kwh = flowed.get(f"energy_import_{name}", 0.0)
        if rate is None and kwh and f"import_{name}" in power:
            rate = power[f"import_{name}"] / kwh
        if shown := number(rate, 4):
            yield name, shown
    if tariff not in ("high", "low") and (shown := number(now.get("import"), 4)):
        yield "import", shown


def _present(known: Known, name: str) -> Document:
    periods = known.document(name).get("periods", [])
    return periods[-1] if periods else {}


def _rate(known: Known, device: str) -> object:
    devices = known.devices
    value = devices.get(device, {}).get("values", {}).get("rate_volume", {})
    return value.get("value")


def consumption(known: Known, now: datetime, zone: tzinfo | None) -> RenderableType:
    columns = usage.columns(known.documents, now, zone)
    if not columns:
        why = known.refused.get("electricity day", "Nothing is known of past days yet.")
        return text(why, FAINT)
    made = table(["", "", *(column.title for column in columns)], right=True)
    tariff = _tariff(known)
    for row, numbers in usage.rows(columns):
        style = GOOD if tariff and row.tariff == tariff else ""
        style = "bold" if row.key in ("net", "electricity", "total") else style
        mark = ">" if tariff and row.tariff == tariff else " "
        cells = [text(each, style) for each in numbers]
        made.add_row(text(f"{mark}{row.title}", style), text(row.unit, FAINT), *cells)
    return made


def quarter(known: Known, zone: tzinfo | None, width: int) -> RenderableType:
    """The running quarter-hour as a line, a bar against the month's peak, and a sentence."""
    peak = known.document("peak")
    if not peak:
        return text(known.refused.get("peak", ""), FAINT)
    told, style = peak["quarter"], ALARMS.get(peak["alarm"], "")
    line = Text("", no_wrap=True, overflow="ellipsis")
    line.append_text(text(f"Until {local(told['end'], zone, '%H:%M')}", "bold"))
    line.append_text(text(f"  so far {kilo(told['demand'])} kW  forecast "))
    line.append_text(text(f"{kilo(told['forecast'])} kW", style))
    line.append_text(text(f"  peak {kilo(peak['month']['peak'])} kW  gap "))
    line.append_text(text(f"{kilo(peak['gap'])} kW", style))
    if costs := peak.get("cost"):
        line.append_text(text(f"  {number(costs['year'], 0)} EUR/year", FAINT))
    return Group(line, bar(peak, width, style), text(peak["text"], style))


def bar(peak: Document, width: int, style: str) -> Text:
    """# until now, - by the forecast, | where the limit is."""
    used, forecast, limit = (
        float(value or 0)
        for value in (peak["quarter"]["demand"], peak["quarter"]["forecast"], peak["limit"])
    )
    room = max(10, min(width, 120) - 2)
    scale = (room - 1) / max(limit * 1.15, forecast, used, 1.0)
    places = ["."] * room
    for amount, sign in ((forecast, "-"), (used, "#")):
        filled = round(max(0.0, amount) * scale)
        places[:filled] = [sign] * min(filled, room)
    made = Text("[" + "".join(places) + "]", no_wrap=True)
    made.stylize(style)
    place = 1 + min(room - 1, round(limit * scale))
    before, after = made[:place], made[place + 1 :]
    return before + text("|", "bold") + after


def peaks(known: Known, zone: tzinfo | None) -> RenderableType:
    document = known.document("peak")
    if not document:
        return text(known.refused.get("peak", ""), FAINT)
    made = table(["Month", "kW", "When", "By"])
    present = {**document["month"], "month": "now"}
    for month in [present, *document["months"]]:
        kw, when = kilo(month["peak"]), local(month["time"], zone, "%a %d %b %H:%M")
        by = month["from"] + (f" ({kilo(month['computed'])})" if month["computed"] else "")
        made.add_row(text(month["month"]), text(kw, "bold"), text(when), text(by, FAINT))
    return Group(text("Monthly peaks", "bold"), made)


def cheapest(known: Known, zone: tzinfo | None) -> RenderableType:
    hours = known.document("prices").get("cheapest", [])
    if not hours:
        return Text("")
    made = table(["From", "EUR/MWh"])
    for hour in hours:
        made.add_row(text(local(hour["start"], zone, "%a %H:%M")), text(number(hour["spot"], 1)))
    return Group(text("Cheapest hours to come", "bold"), made)


def switches(known: Known, zone: tzinfo | None) -> RenderableType:
    there = known.document("switches").get("switches", [])
    if not there:
        return Text("")
    made = table(["Name", "State", "Since", "Today", "Why"])
    for one in there:
        state = {True: "on", False: "off"}.get(one["on"], "?")
        by_hand = " (by hand)" if one["override"] else ""
        hours = f"{number(one['run_time_today'] / 3600, 1)} h"
        made.add_row(
            text(one["name"]),
            text(state + by_hand, GOOD if one["on"] else ""),
            text(local(one["since"], zone, "%a %H:%M")),
            text(hours),
            text(one["reason"]),
        )
    return Group(text("Switches", "bold"), made)


def time_of(known: Known) -> datetime | None:
    """The station's time."""
    return moment(known.document("readings").get("time"))

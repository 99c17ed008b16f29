"""The long lists of the screen, a line each: the last telegram, and all that the station runs."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from rich.console import RenderableType

from . import telegram as decoded
from .news import Known
from .tables import BAD, FAINT, GOOD, text
from .words import number, since

STATES = {"ok": GOOD, "failed": BAD, "stale": "yellow"}
COUNTED = ("energy_import", "energy_export", "volume", "peak", "run_time")


def telegram(known: Known, zone: tzinfo | None) -> list[RenderableType]:
    """A line for each of its lines, after their heads."""
    if not known.telegram:
        return [text(known.refused.get("telegram", "No telegram was told yet."), FAINT)]
    found = decoded.lines(known.telegram, zone)
    made = [_line("OBIS", "Value", "Meaning", "bold")]
    return made + [_line(one.code, one.value, one.meaning) for one in found]


def _line(code: str, value: str, meaning: str, style: str = "") -> RenderableType:
    line = text(f"{code:<12} ", style or "cyan")
    line.append_text(text(f"{value:<34} ", style))
    line.append_text(text(meaning, style or FAINT))
    return line


def sources(known: Known, now: datetime | None) -> list[RenderableType]:
    """Devices with what they told last, then the station's workers; after their heads."""
    heads = ("Device", "State", "Power", "Counted", "Last", "")
    made: list[RenderableType] = [_source(*heads, "bold")]
    for name, device in known.devices.items():
        values, health = device["values"], device["health"]
        last = max((str(value["time"]) for value in values.values()), default="")
        power = _shown(values, ("power", "switch", "price_spot", "demand", "flow", "cost"))
        flowed = {name: value for name, value in values.items() if value["value"]}
        counted = _shown(flowed, COUNTED) or _shown(values, COUNTED)  # solar: what it exports
        said = " ".join(filter(None, (health["text"], health["remedy"])))
        state = health["state"]
        made.append(
            _source(name, state, power, counted, since(last, now), said, STATES.get(state, ""))
        )
    for name, worker in known.document("status").get("workers", {}).items():
        state, behind = worker.get("state", ""), worker.get("behind")
        said = " ".join(filter(None, (worker.get("text", ""), worker.get("remedy", ""))))
        late = f"{behind} behind" if behind else ""
        made.append(_source(name, state, "", late, "", said, STATES.get(state, "")))
    return made


def _shown(values: Any, names: Iterable[str]) -> str:
    found = next((values[name] for name in names if name in values), None)
    if found is None:
        return ""
    amount = found["value"]
    return f"{number(amount, 0 if abs(amount) >= 100 else 2)} {found['unit']}"


def _source(
    name: str, state: str, power: str, counted: str, last: str, said: str, style: str
) -> RenderableType:
    line = text(f"{name[:20]:<21}", "bold" if style == "bold" else "")
    line.append_text(text(f"{state:<9}", style))
    line.append_text(text(f"{power:>14}{counted:>14}{last:>9}  ", style if style == "bold" else ""))
    line.append_text(text(said, FAINT))
    return line

"""The document of a day as digital_meter wrote it: usage and cost of the last four days, the week,
the month and the year.

Pure. Every column has 14 numbers, in the order of ROWS; day is the high tariff, night the low one.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

ROWS = (
    *("+Day", "-Day", "+Night", "-Night", "Σ kWh"),
    *("+€ Day", "-€ Day", "+€ Night", "-€ Night", "Σ € kWh"),
    *("m3 Gas", "Σ € Gas", "m3 Water", "Σ € Water"),
)
SUMS = tuple(ROWS.index(name) for name in ("Σ € kWh", "Σ € Gas", "Σ € Water"))
DAYS = 4  # the last is "Today"
DIGITS = 4
Flowed = Mapping[str, float]  # kWh and m3 by register, EUR by cost; what was not told is not there


class Said(NamedTuple):
    """What is not usage, as it stands in the document."""

    registers: Flowed  # what they showed at the day's end
    meters: Mapping[str, Mapping[str, Any]]
    cur_time: str
    start_time: str
    peaks: Mapping[str, Sequence[Any]]  # Today -> kW, when
    quarters: tuple[float, float]  # kW of the last two


def columns(day: date) -> dict[str, tuple[date, date]]:
    """Their first and last day, up to the one that ended."""
    past = {
        f"Day-{back}" if back else "Today": day - timedelta(days=back)
        for back in reversed(range(DAYS))
    }
    begins = {
        "Week": day - timedelta(days=day.weekday()),
        "Month": day.replace(day=1),
        "Year": day.replace(month=1, day=1),
    }
    return {name: (one, one) for name, one in past.items()} | {
        name: (begin, day) for name, begin in begins.items()
    }


def document(day: date, flowed: Mapping[date, Flowed], said: Said) -> dict[str, Any]:
    """`flowed`: of every day from the first that counts to this one."""
    usage: dict[str, list[Any]] = {
        name: _numbers(_summed(flowed, first, last)) for name, (first, last) in columns(day).items()
    }
    usage["Σ € Utilities"] = [f"{sum(row[i] for i in SUMS):.2f}" for row in usage.values()]
    booked = _summed(flowed, date.min, day)
    cost = {name: euro for name, euro in booked.items() if "cost" in name}
    return {
        "cumul": _numbers({**_whole(said.registers), **cost}),
        "cur_time": said.cur_time,
        "start_time": said.start_time,
        "meters": said.meters,
        "usage": usage,
        "day_peak": said.peaks,
        "quarter_peak": said.quarters[1],
        "prev_quarter_peak": said.quarters[0],
    }


def _summed(flowed: Mapping[date, Flowed], first: date, last: date) -> dict[str, float]:
    whole: dict[str, float] = {}
    for day, row in flowed.items():
        if first <= day <= last:
            for name, number in _whole(row).items():
                whole[name] = whole.get(name, 0.0) + number
    return whole


def _whole(row: Flowed) -> dict[str, float]:
    """With the total where only tariffs were told, and what the night's export earned: of one sum
    its part by energy.
    """
    found = dict(row)
    for way in ("import", "export"):
        if f"energy_{way}_high" in row or f"energy_{way}_low" in row:
            parts = (row.get(f"energy_{way}_{tariff}", 0.0) for tariff in ("high", "low"))
            found[f"energy_{way}"] = sum(parts)
    if exported := found.get("energy_export"):
        part = found.get("energy_export_low", 0.0) / exported
        found["cost_export_low"] = part * row.get("cost_export", 0.0)
    return found


def _numbers(row: Flowed) -> list[float]:
    """In the order of ROWS; what is no night is day."""
    imported, exported, cost, earned = (
        (row.get(name, 0.0), row.get(f"{name}_low", 0.0))
        for name in ("energy_import", "energy_export", "cost_import", "cost_export")
    )
    told = (
        *(imported[0] - imported[1], exported[0] - exported[1], imported[1], exported[1]),
        imported[0] - exported[0],
        *(cost[0] - cost[1], earned[1] - earned[0], cost[1], -earned[1]),
        row.get("cost electricity", 0.0),
        *(row.get("volume gas", 0.0), row.get("cost gas", 0.0)),
        *(row.get("volume water", 0.0), row.get("cost water", 0.0)),
    )
    return [round(number, DIGITS) + 0.0 for number in told]  # never -0.0

"""The highest quarter-hour of each month: the meter's own and that of computed quarters, and which
of them counts.

A quarter belongs to the month in which it began; it is stamped at its end.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

QUARTER = timedelta(minutes=15)
MONTHS = 13  # past ones that are kept and shown
MOST = 1e9  # W: more is no power
APART = 10.0  # W: by less than registers of 1 Wh can tell
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Peak(NamedTuple):
    power: float  # W
    time: datetime | None  # end of that quarter, UTC


class Month(NamedTuple):
    month: str  # 2026-10
    power: float  # W, the one that counts
    time: datetime | None
    source: str  # meter or computed
    computed: float | None  # W, where there are computed quarters


class Flow(NamedTuple):
    """What a register counted in one step: a minute, or a quarter."""

    start: datetime
    kwh: float
    is_told: bool  # the meter spoke in it


def month_start(time: datetime, zone: tzinfo | None) -> datetime:
    """The first moment of the local month, UTC."""
    local = time.astimezone(zone)
    return datetime(local.year, local.month, 1, tzinfo=zone).astimezone(UTC)


def month_name(start: datetime, zone: tzinfo | None) -> str:
    return f"{start.astimezone(zone):%Y-%m}"


def months_before(time: datetime, zone: tzinfo | None) -> list[datetime]:
    """The begins of the past months, newest first."""
    starts = [month_start(time, zone)]
    for _ in range(MONTHS):
        starts.append(month_start(starts[-1] - timedelta(days=1), zone))
    return starts[1:]


def highest(quarters: Iterable[tuple[datetime, float]]) -> Peak | None:
    """Of quarters (end, W) the highest, the earliest if several are as high."""
    best: Peak | None = None
    for end, watts in quarters:
        if best is None or watts > best.power:
            best = Peak(watts, end)
    return best


def of_meter(told: str) -> dict[str, Peak]:
    """Month -> its peak, from the label peak_history; what is none is left out."""
    try:
        rows: Any = json.loads(told) if told else []
    except (ValueError, RecursionError):
        return {}
    found = {}
    for row in rows if isinstance(rows, list) else []:
        power = row.get("power") if isinstance(row, dict) else None
        if isinstance(power, int | float) and abs(power) < MOST:  # JSON knows NaN
            found[str(row.get("month"))] = Peak(float(power), moment(row.get("time")))
    return found


def moment(text: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
        return time.astimezone(UTC) if time and time.tzinfo else None
    except (ValueError, OverflowError):  # the last: beyond the years 1 to 9999
        return None


def choose(month: str, meter: Peak | None, computed: Peak | None) -> Month | None:
    """The meter's own counts where there is one."""
    best = meter or computed
    if best is None:
        return None
    source = "computed" if meter is None else "meter"
    return Month(month, best.power, best.time, source, computed.power if computed else None)


def past(names: Sequence[str], meter: Mapping[str, Peak], computed: Mapping[str, Peak]) -> str:
    """The past months as the label `months`: JSON, newest first."""
    rows = [choose(name, meter.get(name), computed.get(name)) for name in names]
    return json.dumps([document(row) for row in rows if row], separators=(",", ":"))


def document(row: Month) -> dict[str, Any]:
    """`computed` where it tells anything else than the meter."""
    apart = row.computed is not None and abs(row.power - row.computed) > APART
    return {
        "month": row.month,
        "peak": round(row.power),
        "time": f"{row.time:%Y-%m-%dT%H:%M:%SZ}" if row.time else None,
        "from": row.source,
        "computed": round(row.computed) if apart and row.computed is not None else None,
    }


def spread(flows: Sequence[Flow]) -> list[tuple[datetime, float]]:
    """Quarters as (end, W). The energy of a silence is counted in the step in which it ends; it is
    spread over both.
    """
    energy: dict[datetime, float] = {}
    run: list[Flow] = []
    for number, flow in enumerate(flows, 1):
        run.append(flow)
        if flow.is_told or number == len(flows):
            share = sum(max(0.0, one.kwh) for one in run) / len(run)
            for one in run:
                end = one.start - (one.start - EPOCH) % QUARTER + QUARTER
                energy[end] = energy.get(end, 0.0) + share
            run = []
    return [(end, energy[end] * 4000) for end in sorted(energy)]

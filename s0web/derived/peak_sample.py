"""What a Snapshot says of the grid connection, as a sample of its running quarter-hour."""

from datetime import datetime, timedelta

from ..energy.quarter import Sample
from ..model import Options, Snapshot
from .peak_past import registers

OLD = timedelta(minutes=5)  # a demand that is so much older than the register is not told any more


def meter_time(snapshot: Snapshot, grid: str, now: datetime) -> datetime:
    """What the clock of the meter shows, where it says by how much it is late."""
    lag = snapshot.get(grid, "lag")
    other = snapshot.get(grid, "demand") or snapshot.get(grid, "power")
    if lag is None or other is None or lag.time != other.time:
        return now
    return now - timedelta(seconds=lag.number)


def limit_of(options: Options, peak: float) -> float:
    """W that a quarter should not exceed."""
    return float(options["limit"] or max(options["floor"], peak / 1000)) * 1000


def sample_of(snapshot: Snapshot, grid: str, now: datetime) -> Sample | None:
    """None where the meter is silent, or tells nothing of what is imported."""
    health = snapshot.health.get(grid) or snapshot.health.get(grid.partition(".")[0])
    values = snapshot.values.get(grid, {})
    counted = [values[name] for name in registers(values)]
    demand = values.get("demand")
    if demand and counted and demand.time < max(value.time for value in counted) - OLD:
        demand = None
    told = demand or max(counted, key=lambda value: value.time, default=None)
    if told is None or health is None or health.state != "ok":
        return None
    power = snapshot.number(grid, "power")
    if power is None and "power_import" in values:
        power = values["power_import"].number - (snapshot.number(grid, "power_export") or 0.0)
    return Sample(
        meter_time(snapshot, grid, now).timestamp(),
        power,
        told.time.timestamp(),
        demand.number if demand else None,
        sum(value.number for value in counted) if counted else None,
        told.meter,
    )

"""The JSON API's quarter-hour peak: the running quarter, the month, what it costs, 13 months."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, current_app
from flask_restful import Resource

from ..derived.peak_sample import limit_of, meter_time
from ..energy import capacity, peaks
from ..energy.course import LENGTH
from ..energy.quarter import allowed, quarter_of, utc
from ..errors import StationError
from ..model import Options, Snapshot
from ..station import Station
from .documents import Document, iso
from .rest import Api

ALARMS = ("none", "will_exceed", "has_exceeded")
DEVICE = "peak"


def peak_blueprint() -> Blueprint:
    blueprint = Blueprint("peak", __name__)
    Api(blueprint, prefix="/api/v1").add_resource(PeakNow, "/peak")
    return blueprint


class PeakNow(Resource):  # type: ignore[misc]
    def get(self) -> Document:
        station: Station = current_app.extensions["station"]
        if station.config is not None and (missing := _missing(station)):
            abort(404, missing)
        return peak_document(station)


def peak_document(station: Station) -> Document:
    """StationError, with a sentence, where no peak is followed or nothing is known yet."""
    if station.config is None:
        raise StationError(station.sentence())
    if missing := _missing(station):
        raise StationError(missing)
    sections, snapshot = station.config.sections, station.hub.snapshot()
    if snapshot.get(DEVICE, "demand_forecast") is None:
        health = snapshot.health.get(DEVICE)
        said = health.text if health else ""
        raise StationError(said or "The running quarter-hour is not known yet; ask again soon.")
    options, grid = sections["peak"], sections["house"]["grid"]
    zone = ZoneInfo(name) if (name := sections["s0web"]["timezone"]) else None
    now = meter_time(snapshot, grid, station.clock.now())
    month, months = _months(snapshot, now, zone)
    numbers = _numbers(snapshot)
    limit = limit_of(options, month["peak"])
    used, forecast, alarm = numbers or (0.0, 0.0, 0)
    start = _begin(snapshot, now) if numbers else utc(quarter_of(now.timestamp()))
    elapsed = min((now - start).total_seconds(), LENGTH)
    end = start + timedelta(seconds=LENGTH)
    text = (
        _sentence(alarm, used, forecast, limit, end.astimezone(zone), elapsed)
        if numbers
        else _silent(snapshot, grid)
    )
    return {
        "device": grid,
        "quarter": {
            "start": iso(start),
            "end": iso(end),
            "elapsed": round(elapsed / LENGTH, 4),
            "demand": used if numbers else None,
            "forecast": forecast if numbers else None,
        },
        "month": month,
        "floor": options["floor"] * 1000,
        "limit": limit,
        "gap": limit - forecast if numbers else None,
        "alarm": ALARMS[alarm],
        "text": text,
        "cost": _cost(options, month, months, forecast, now.astimezone(zone)),
        "months": months,
    }


def _missing(station: Station) -> str:
    """What to do so that a peak is followed; "" where it is."""
    assert station.config is not None
    sections = station.config.sections
    if not sections["house"]["grid"]:
        return "No peak is followed: say in [house] grid which device is the grid meter."
    if not sections["peak"]["enabled"]:
        return "No peak is followed: [peak] enabled says no."
    return ""


def _numbers(snapshot: Snapshot) -> tuple[float, float, int] | None:
    """Demand, forecast and alarm of the running quarter; None while the meter is silent."""
    health = snapshot.health.get(DEVICE)
    if health is None or health.state != "ok":
        return None
    demand, forecast, alarm = (
        snapshot.number(DEVICE, name) or 0.0 for name in ("demand", "demand_forecast", "peak_alarm")
    )
    return demand, forecast, min(max(round(alarm), 0), 2)


def _begin(snapshot: Snapshot, now: datetime) -> datetime:
    """Of the quarter that the numbers are of: the last one until the next has been heard of."""
    start, demand = utc(quarter_of(now.timestamp())), snapshot.get(DEVICE, "demand")
    if demand and demand.number and demand.time < start:
        return utc(quarter_of(demand.time.timestamp()))
    return start


def _months(
    snapshot: Snapshot, now: datetime, zone: tzinfo | None
) -> tuple[Document, list[Document]]:
    """The month that runs, and past ones, newest first."""
    start, labels = peaks.month_start(now, zone), snapshot.labels.get(DEVICE, {})
    computed, source = labels.get("computed"), labels.get("from") or "computed"
    month: Document = {"start": iso(start), "peak": 0.0, "time": None}
    month |= {"from": "computed", "computed": None}
    if labels.get("month") == peaks.month_name(start, zone):
        month["peak"] = snapshot.number(DEVICE, "peak") or 0.0
        month |= {"time": labels.get("time") or None, "from": source}
        month["computed"] = float(computed) if computed else None
    months: list[Document] = json.loads(labels.get("months") or "[]")
    return month, months


def _cost(
    options: Options, month: Document, months: Sequence[Document], forecast: float, local: datetime
) -> Document | None:
    """What the peaks of the last twelve months cost in a year at this year's rate; None where no
    rate is known. Months without a peak do not count.
    """
    area, rate = str(options["area"]), float(options["capacity_rate"])
    if not rate and not area:
        return None
    rate = rate or capacity.per_kw(area, local.year)
    floor = options["floor"] * 1000
    oldest = f"{local.year - 1}-{local.month:02d}"  # of which only the months after it count
    past = [row["peak"] for row in months if row["month"] > oldest]
    mean = capacity.billed([month["peak"], *past], floor)
    more = max(0.0, forecast - max(floor, month["peak"]))
    return {
        "area": area,
        "per_kw_year": round(rate, 4),
        "per_kw_month": round(rate / capacity.MONTHS, 2),
        "mean": round(mean, 1),
        "year": round(mean / 1000 * rate, 2),
        "if_exceeded": round(more / 1000 * rate / capacity.MONTHS, 2),
    }


def _sentence(
    alarm: int, used: float, forecast: float, limit: float, end: datetime, elapsed: float
) -> str:
    until, most = f"{end:%H:%M}", f"{limit / 1000:.2f} kW"
    if elapsed >= LENGTH:
        return f"The quarter-hour until {until} came to {used / 1000:.2f} kW, of {most}."
    if alarm == 2:
        return f"The quarter-hour until {until} has exceeded {most}: {used / 1000:.2f} kW by now."
    if alarm == 1 and forecast > limit:  # the alarm stays a while when it is below again
        left = allowed(used, limit, elapsed) / 1000
        return (
            f"The quarter-hour until {until} will come to {forecast / 1000:.2f} kW and exceed "
            f"{most}, unless no more than {left:.2f} kW is taken until then."
        )
    return f"The quarter-hour until {until} will come to {forecast / 1000:.2f} kW, of {most}."


def _silent(snapshot: Snapshot, grid: str) -> str:
    health = snapshot.health.get(DEVICE)
    said = health.text if health else ""
    return said or f"{grid} has not told anything yet."

"""The summary of a day, and of a month: when it is due, its text, its chart."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from . import picture, reports
from .home import Home
from .memory import Memory

AFTER = timedelta(minutes=20)  # after midnight, when the last quarter-hour is booked
QUARTER = timedelta(minutes=15)
HOURS = range(0, 24, 4)  # that are written below a day


class Due(NamedTuple):
    kind: str  # day or month
    first: date
    after: date  # the first day that is no part of it

    @property
    def name(self) -> str:
        return self.first.isoformat() if self.kind == "day" else f"{self.first:%Y-%m}"


def due(home: Home, memory: Memory, wish: str) -> list[Due]:
    """What ended and was not told; nothing of what ended before the bot came here."""
    today = (home.now - AFTER).astimezone(home.zone).date()
    yesterday, month = today - timedelta(days=1), today.replace(day=1)
    ended = (
        Due("month", (month - timedelta(days=1)).replace(day=1), month),
        Due("day", yesterday, today),
    )
    memory.month = memory.month or ended[0].name
    memory.day = memory.day or ended[1].name
    told = {"day": memory.day, "month": memory.month}
    wanted = {"daily": ("day",), "monthly": ("month",), "both": ("day", "month")}.get(wish, ())
    found = [one for one in ended if one.name > told[one.kind]]
    for one in found:
        if one.kind not in wanted:
            done(memory, one)
    return [one for one in found if one.kind in wanted]


def done(memory: Memory, one: Due) -> None:
    """It was told, or is not wanted."""
    if one.kind == "day":
        memory.day = one.name
    else:
        memory.month = one.name


def text(home: Home, one: Due) -> str:
    """Raises S0WebError where the archive cannot be asked."""
    start, end = home.midnight(one.first), home.midnight(one.after)
    when = home.speech.day(one.first) if one.kind == "day" else f"{one.first:%m/%Y}"
    lines = reports.flowed(home, home.flowed(start, end))
    cost = reports.cost_of(home, start, end)
    if cost is not None:
        lines.append(home.speech.say("cost", cost=home.speech.money(cost)))
    return "\n".join(
        [home.speech.say("summary", when=when), *(lines or [home.speech.say("nothing")])]
    )


def chart(home: Home, one: Due) -> bytes:
    """Mean power of each quarter-hour of a day, net energy of each day of a month; empty where
    nothing is known of it.
    """
    start, end = home.midnight(one.first), home.midnight(one.after)
    if one.kind == "month":
        return _month(home, one, start, end)
    values: list[float | None] = [None] * max(_quarters(start, end), 1)
    for time, watts in home.powers(start, end):
        values[_quarters(start, time)] = watts / 1000
    marks = [(_quarters(start, start.replace(hour=hour)), f"{hour}:00") for hour in HOURS]
    return _drawn(values, "kW", marks)


def _month(home: Home, one: Due, start: datetime, end: datetime) -> bytes:
    days = (one.after - one.first).days
    values: list[float | None] = [None] * days
    for sign, register in ((1, "energy_import"), (-1, "energy_export")):
        for time, kwh in home.rows(home.main, register, "day", start, end):
            index = (time.astimezone(home.zone).date() - one.first).days
            if 0 <= index < days:
                values[index] = (values[index] or 0.0) + sign * kwh
    marks = [(day - 1, str(day)) for day in (1, 5, 10, 15, 20, 25, 30) if day <= days]
    return _drawn(values, "kWh", marks)


def _drawn(values: list[float | None], unit: str, marks: list[tuple[int, str]]) -> bytes:
    return picture.bars(values, unit, marks) if any(v is not None for v in values) else b""


def _quarters(start: datetime, time: datetime) -> int:
    return int((time.timestamp() - start.timestamp()) // QUARTER.total_seconds())

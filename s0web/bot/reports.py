"""What the bot says of the house, made of the documents that the JSON API answers with."""

from datetime import datetime
from typing import Any

from ..errors import S0WebError
from ..web.costs import costs_document
from ..web.peak import peak_document
from ..web.prices import prices_document
from ..web.switches import switches_document
from .home import Flowed, Home

WRONG = ("failed", "stale")
CARRIERS = ("electricity", "gas", "water")


def status(home: Home) -> str:
    """The power of every device, and what is not well."""
    say, snapshot = home.speech.say, home.snapshot
    lines = []
    for name in home.config.sources:
        power = snapshot.number(name, "power")
        if power is not None:
            lines.append(say("device", name=name, power=home.speech.power(power)))
    troubles = [
        say("trouble", name=name, text=f"{of.text} {of.remedy}".strip() or of.state)
        for name, of in sorted(snapshot.health.items())
        if of.state in WRONG and not name.startswith("source:")
    ]
    return "\n".join([*lines, say("troubles"), *troubles] if troubles else [*lines, say("well")])


def today(home: Home) -> str:
    start = home.midnight(home.today)
    lines = flowed(home, home.flowed(start, home.now))
    power = home.snapshot.number(home.main, "power")
    if power is not None:
        lines.insert(0, home.speech.say("now", power=home.speech.power(power)))
    if cost := _total(home, start, home.now):
        lines.append(home.speech.say("cost", cost=home.speech.money(cost["total"])))
    return "\n".join([home.speech.say("today"), *(lines or [home.speech.say("nothing")])])


def flowed(home: Home, of: Flowed) -> list[str]:
    """A line for each that is known."""
    speech = home.speech
    energies = (("import", of.imported), ("export", of.exported), ("solar", of.solar))
    volumes = (("gas", of.gas), ("water", of.water))
    return [
        *(speech.say(key, energy=speech.energy(kwh)) for key, kwh in energies if kwh is not None),
        *(speech.say(key, volume=speech.number(m3, 3)) for key, m3 in volumes if m3 is not None),
    ]


def peak(home: Home) -> str:
    said, speech = peak_document(home.station), home.speech
    quarter, month, cost = said["quarter"], said["month"], said["cost"]
    lines = []
    if quarter["forecast"] is None:
        lines.append(speech.say("trouble", name="peak", text=said["text"]))
    else:
        demand, forecast = speech.power(quarter["demand"]), speech.power(quarter["forecast"])
        end = speech.clock(datetime.fromisoformat(quarter["end"]))
        lines.append(speech.say("quarter", end=end, demand=demand, forecast=forecast))
        limit = speech.power(forecast_limit(said))
        key = "gap" if said["gap"] >= 0 else "over"
        lines.append(speech.say(key, limit=limit, gap=speech.power(abs(said["gap"]))))
    power = speech.power(month["peak"])
    if month["time"]:
        time = speech.time(datetime.fromisoformat(month["time"]), home.now)
        lines.append(speech.say("month_peak_at", peak=power, time=time))
    else:
        lines.append(speech.say("month_peak", peak=power))
    if cost:
        year, mean = speech.money(cost["year"]), speech.power(cost["mean"])
        lines.append(speech.say("capacity", cost=year, mean=mean))
    return "\n".join(lines)


def forecast_limit(said: dict[str, Any]) -> float:
    """W that the quarter should not exceed."""
    return float(said["gap"] + said["quarter"]["forecast"])


def costs(home: Home) -> str:
    """Of today, this month and this year, and of a kWh now."""
    speech, day = home.speech, home.today
    lines = []
    for name, first in (
        ("day", day),
        ("month", day.replace(day=1)),
        ("year", day.replace(month=1, day=1)),
    ):
        total = _total(home, home.midnight(first), home.now, name)
        if not total:
            continue
        parts = [
            speech.say(f"{carrier}_part", cost=speech.money(total[carrier]["cost"]))
            for carrier in CARRIERS
            if "cost" in total.get(carrier, {})
        ]
        line = speech.say(f"costs_{name}", cost=speech.money(total["total"]))
        lines.append(f"{line} ({', '.join(parts)})" if len(parts) > 1 else line)
    now = costs_document(home.station, "day", home.now, home.now)["now"]
    if now:
        lines.append(speech.say("rate_now", rate=speech.number(now["import"], 4)))
    return "\n".join([speech.say("costs"), *(lines or [speech.say("nothing")])])


def cost_of(home: Home, start: datetime, end: datetime) -> float | None:
    """EUR of whole local days; None where nothing was booked."""
    total = _total(home, start, end)
    return float(total["total"]) if total else None


def _total(home: Home, start: datetime, end: datetime, period: str = "day") -> dict[str, Any]:
    """What was booked, by carrier; empty where nothing was."""
    totals: dict[str, Any] = costs_document(home.station, period, start, end)["totals"]
    return totals if any(carrier in totals for carrier in CARRIERS) else {}


def prices(home: Home) -> str:
    speech = home.speech
    said = prices_document(home.station, home.now, home.now)
    lines = [speech.say("prices")]
    if now := said["now"]:
        lines.append(speech.say("spot_now", price=speech.number(now["spot"], 2)))
        if now["import"] is not None:
            lines.append(speech.say("rate_now", rate=speech.number(now["import"], 4)))
    if said["cheapest"]:
        lines.append(speech.say("cheapest"))
    for row in said["cheapest"]:
        start, end = (datetime.fromisoformat(row[name]) for name in ("start", "end"))
        span = {"start": speech.time(start, home.now), "end": speech.clock(end)}
        lines.append(speech.say("price", price=speech.number(row["spot"], 2), **span))
    return "\n".join(lines if len(lines) > 1 else [speech.say("no_prices")])


def switches(home: Home) -> str:
    """Each with its state, why, and how long it ran."""
    speech, lines = home.speech, []
    for of in switches_document(home.station)["switches"]:
        if of["on"] is None:
            lines.append(speech.say("switch_unknown", name=of["name"]))
            continue
        state = speech.say("on" if of["on"] else "off")
        lines.append(speech.say("switch", name=of["name"], state=state))
        if of["reason"]:
            lines.append(speech.say("reason", reason=of["reason"]))
        if hand := of["override"]:
            until = datetime.fromisoformat(hand["until"]) if hand["until"] else None
            if until:
                lines.append(speech.say("by_hand_until", until=speech.time(until, home.now)))
            else:
                lines.append(speech.say("by_hand"))
        if of["run_time_today"]:
            lines.append(speech.say("ran", time=speech.span(of["run_time_today"])))
    return "\n".join(lines or [speech.say("no_switches")])


def exceeding(home: Home) -> tuple[str, str, str]:
    """Start of the quarter, its alarm, and what to say of it; the alarm is `none` where there is
    none, or no peak is followed.
    """
    try:
        said = peak_document(home.station)
    except S0WebError:  # the station does not know a peak now
        return "", "none", ""
    alarm, quarter = str(said["alarm"]), said["quarter"]
    if alarm == "none" or quarter["forecast"] is None:
        return str(quarter["start"]), "none", ""
    speech, limit = home.speech, forecast_limit(said)
    figures = {
        "end": speech.clock(datetime.fromisoformat(quarter["end"])),
        "limit": speech.power(limit),
        "demand": speech.power(quarter["demand"]),
        "forecast": speech.power(quarter["forecast"]),
    }
    lines = [speech.say(alarm, **figures)]
    if alarm == "will_exceed":
        lines += _hint(home, quarter["forecast"] - limit, 1 - quarter["elapsed"])
    if said["cost"] and said["cost"]["if_exceeded"] > 0:
        cost = speech.money(said["cost"]["if_exceeded"])
        lines.append(speech.say("would_cost", cost=cost))
    return str(quarter["start"]), alarm, "\n".join(lines)


def _hint(home: Home, over: float, left: float) -> list[str]:
    """How much to take off for the part of the quarter that is left, and what could be."""
    power = home.snapshot.number(home.main, "power") or 0.0
    less = over / left if left > 0 else power
    if not 0 < less < power:
        return []
    loads = [of for of in switches_document(home.station)["switches"] if of["on"]]
    named = [(str(of["name"]), float(of["power"])) for of in loads]
    if (car := home.roles["car"]) and (taken := home.snapshot.number(car, "power") or 0.0) > 500:
        named.append((str(car), taken))
    named.sort(key=lambda load: -load[1])
    text = home.speech.power(less)
    if not named:
        return [home.speech.say("take_off_some", power=text)]
    shown = ", ".join(f"{name} ({home.speech.power(taken)})" for name, taken in named[:5])
    return [home.speech.say("take_off", power=text, loads=shown)]

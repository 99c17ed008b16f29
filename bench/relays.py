"""A week of three simulated houses with a boiler on a relay, as their mean: our rules beside
smartmeter-python's.

    python -m bench.relays [days, 7]

Telegrams come each 10 s. The boiler takes 2000 W until it had its kWh of the day. The predecessor's
rule is that of 2022, the only one that ran, re-stated here: on after 60 s of at least 1000 W given
to the grid that differ from the load by less than 500 W, off after 60 s of at least 500 W taken
from it. Ours has the same thresholds and times, then also its minimum times, then all its
defaults. The last row has three loads: the boiler and a heater on the sun, and a car's socket under
the quarter-hour's peak.
"""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from s0web.energy.loads import Load, load_of
from s0web.energy.relays import Measured, State, Switch, step
from s0web.options import OPTIONS
from s0web.simulation.house import House
from s0web.simulation.loads import Loads

BEGIN = datetime(2026, 6, 1, 22, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Brussels")
PACE = timedelta(seconds=10)
FLOOR, LIMIT = 2500.0, 500.0  # W
BOILER = 2000.0
ON_SUN = ("boiler", "heater")
HOUSES = [House(seed) for seed in (1, 2, 3)]
Rule = Callable[[datetime, float, "Quarter", Loads], None]


class Quarter:
    """The running quarter-hour, and the highest so far."""

    def __init__(self) -> None:
        self.imported, self.peak, self.over = 0.0, FLOOR, 0  # Ws, W

    def add(self, now: datetime, net: float) -> None:
        self.imported += max(net, 0.0) * PACE.total_seconds()
        if (now + PACE).minute % 15 == 0 and (now + PACE).second == 0:
            self.over += self.imported / 900 > FLOOR
            self.peak, self.imported = max(self.peak, self.imported / 900), 0.0

    def forecast(self, now: datetime, net: float) -> float:
        rest = 900 - (60 * now.minute + now.second) % 900
        return (self.imported + max(net, 0.0) * rest) / 900


class Week(NamedTuple):
    switchings: float
    exported: float  # kWh
    above: float  # s in which more than LIMIT came from the grid while a load was to run on sun
    over: float  # quarter-hours above the floor of the peak
    taken: float  # kWh that the loads got


def predecessor() -> Rule:
    since: dict[str, datetime] = {}

    def held(name: str, calls: bool, now: datetime) -> bool:
        if not calls:
            since.pop(name, None)
            return False
        return now - since.setdefault(name, now) >= timedelta(seconds=60)

    def rule(now: datetime, net: float, quarter: Quarter, loads: Loads) -> None:
        if loads.on["boiler"]:
            if held("consume", net >= 500, now):
                loads.switch("boiler", False)
                since.clear()
        elif held("inject", -net >= 1000, now) and abs(-net - BOILER) < 500:
            loads.switch("boiler", True)
            since.clear()

    return rule


def ours(loads: list[Load]) -> Rule:
    state, since, ran = State(), {x.name: BEGIN for x in loads}, dict.fromkeys(loads, 0.0)

    def rule(now: datetime, net: float, quarter: Quarter, of: Loads) -> None:
        nonlocal state
        forecast = quarter.forecast(now, net)
        local = now.astimezone(ZONE)
        switches = {x.name: Switch(of.on[x.name], since[x.name], ran[x]) for x in loads}
        gap = quarter.peak - forecast
        measured = Measured(now, local, now, net, 1, gap, quarter.peak, None, (), switches)
        state, wishes = step(loads, state, measured)
        for wish in wishes:
            if wish.on != of.on[wish.name]:
                of.switch(wish.name, wish.on)
                since[wish.name] = now

    return rule


def load(name: str, power: float, **texts: str) -> Load:
    rows = OPTIONS["switch.simulated"]
    given = {"power": f"{power:g}", **texts}
    return load_of(name, {r.name: r.parse(given.get(r.name, r.default or "")) for r in rows})


def week(
    house: House, days: int, rule: Rule | None, powers: dict[str, float], need: dict[str, float]
) -> Week:
    loads, quarter = Loads(house, powers, need), Quarter()
    exported = above = taken = 0.0
    now, seconds = BEGIN, PACE.total_seconds()
    while now < BEGIN + timedelta(days=days):
        if now.astimezone(ZONE).time() == datetime.min.time():
            loads.midnight()
        net = loads.net(now)
        if rule is not None:
            rule(now, net, quarter, loads)
            net = loads.net(now)
        drawn = sum(map(loads.taking, powers))
        exported += max(-net, 0.0) * seconds / 3.6e6
        is_on_sun = any(loads.taking(name) for name in ON_SUN if name in powers)
        above += seconds if is_on_sun and net > LIMIT else 0.0
        taken += drawn * seconds / 3.6e6
        loads.run(PACE)
        quarter.add(now, net)
        now += PACE
    return Week(loads.switchings, exported, above, quarter.over, taken)


def mean(
    days: int, rule: Callable[[], Rule | None], powers: dict[str, float], need: dict[str, float]
) -> Week:
    weeks = [week(house, days, rule(), powers, need) for house in HOUSES]
    return Week(*(sum(column) / len(weeks) for column in zip(*weeks, strict=True)))


def main() -> None:
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    same = {"rule": "export", "on": "1000", "off": "-500", "hold_on": "60", "hold_off": "60"}
    eager = load("boiler", BOILER, **same, minimum_on="0", minimum_off="0")
    steady = load("boiler", BOILER, **same)
    boiler = load("boiler", BOILER, rule="export")
    heater = load("heater", 800, rule="export", priority="20")
    car = load("car", 1400, rule="peak", on="100%", priority="30", hours="22:00-07:00")
    three = {"boiler": BOILER, "heater": 800.0, "car": 1400.0}
    need = {"boiler": 6.0, "heater": 3.0, "car": 8.0}
    rows: list[tuple[str, Callable[[], Rule], dict[str, float]]] = [
        ("predecessor", predecessor, {"boiler": BOILER}),
        ("s0web, no minimum times", lambda: ours([eager]), {"boiler": BOILER}),
        ("s0web, minimum times", lambda: ours([steady]), {"boiler": BOILER}),
        ("s0web, defaults", lambda: ours([boiler]), {"boiler": BOILER}),
        ("s0web, three loads", lambda: ours([boiler, heater, car]), three),
    ]
    bare = mean(days, lambda: None, {}, {})
    for name, rule, powers in rows:
        had = mean(days, rule, powers, {n: need[n] for n in powers})
        used = 100 * (bare.exported - had.exported) / bare.exported
        print(
            f"{name}: switchings a day value: {had.switchings / days:.1f}\n"
            f"{name}: share of export used value: {used:.0f} % of {bare.exported / days:.1f} kWh "
            f"a day\n"
            f"{name}: time above {LIMIT:.0f} W from the grid value: {had.above / 60 / days:.1f} "
            f"min a day\n"
            f"{name}: quarter-hours above {FLOOR:.0f} W value: {had.over:.0f} (without loads "
            f"{bare.over:.0f}); loads got {had.taken / days:.1f} kWh a day"
        )


if __name__ == "__main__":
    main()

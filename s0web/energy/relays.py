"""Which loads are to be on: `step` decides from what is measured, once a second, without a memory
of its own.

1. A threshold must be reached for the hold time; a load stays on and off at least its minimum.
   Where the sun is missing, or too much is imported, it goes off the sooner the more it is: after
   its hold time where it is a quarter of its power.
2. Before a load is switched on its effect is foreseen: it must not reach its own off threshold by
   that, nor bring this quarter-hour, or the next, over the peak.
3. Never two at once: after each switching the meter gets SETTLE to show what it did.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .loads import Load
from .must_run import must_run
from .price_book import Slot

STALE = 30.0  # s, older data of the meter are none
SETTLE = timedelta(seconds=20)  # two telegrams of a meter that tells each 10 s
QUARTER = 900.0  # s
SHARE = 0.25  # of a load's power: what may be missing for its hold time
PACE = 30.0  # s, the longest time between two steps for which it is known what was missing


class Switch(NamedTuple):
    """How the switch of a load is."""

    on: bool
    since: datetime
    run_today: float  # s, this local day
    answers: bool = True  # False: nobody knows when it will obey, so nobody waits for it


class Measured(NamedTuple):
    now: datetime  # UTC
    local: datetime  # the same in the household's zone
    midnight: datetime  # the next one there
    net: float | None  # W at the grid, import positive
    age: float  # s since the meter told it
    gap: float | None  # W: the month's peak less what this quarter-hour will have; None: unknown
    peak: float | None  # W
    rate: float | None  # EUR/kWh from the grid
    slots: Sequence[Slot]  # the day-ahead prices that are known, from now on
    switches: Mapping[str, Switch]  # those that the rules may switch


class State(NamedTuple):
    """What one step leaves for the next."""

    calls: Mapping[str, tuple[bool, datetime]] = {}  # load -> what is called for, since when
    changed: datetime | None = None  # when a load was last asked to switch
    lacks: Mapping[str, float] = {}  # load that is on -> Ws that were missing
    at: datetime | None = None  # of this step


class Wish(NamedTuple):
    name: str
    on: bool
    word: str  # why, in one word; "": for what was said before
    reason: str


class Opinion(NamedTuple):
    """What a rule calls for."""

    on: bool
    word: str = ""
    reason: str = ""
    hold: float = 0.0  # s
    is_safe: bool = False  # at once, whatever the minimum
    lack: float | None = None  # W that are missing; negative: to spare; None: nobody counts them


def step(loads: Sequence[Load], state: State, measured: Measured) -> tuple[State, list[Wish]]:
    """What every load that is there is to do now."""
    calls: dict[str, tuple[bool, datetime]] = {}
    wishes: dict[str, Wish] = {}
    ripe: list[tuple[Load, Opinion]] = []
    now, lacks = measured.now, {}
    elapsed = min(max((now - (state.at or now)).total_seconds(), 0.0), PACE)
    for load in loads:
        switch = measured.switches.get(load.name)
        if switch is None or load.rule == "manual":
            continue
        said = opinion(load, switch, measured)
        wishes[load.name] = Wish(load.name, switch.on, said.word, said.reason)
        if said.lack is not None:
            lacks[load.name] = max(0.0, state.lacks.get(load.name, 0.0) + said.lack * elapsed)
        if said.on == switch.on:
            continue
        wanted, since = state.calls.get(load.name, (switch.on, now))
        calls[load.name] = (said.on, min(since, now) if wanted == said.on else now)
        wishes[load.name] = Wish(load.name, switch.on, "", "")
        if said.lack is None:
            held = (now - calls[load.name][1]).total_seconds() >= said.hold
        else:
            held = lacks[load.name] >= said.hold * load.power * SHARE
        if said.is_safe or (held and _is_rested(load, switch, now)):
            ripe.append((load, said))
    changed = state.changed and min(state.changed, now)  # the clock may have been set back
    for load, said in _chosen(ripe, changed, measured):
        wishes[load.name] = Wish(load.name, said.on, said.word, said.reason)
        if measured.switches[load.name].answers:
            changed, lacks = now, {}
    return State(calls, changed, lacks, now), list(wishes.values())


def opinion(load: Load, switch: Switch, measured: Measured) -> Opinion:
    """What is called for by the limits of the day, else by the rule."""
    if load.needs_meter and (measured.net is None or measured.age > STALE):
        return _safe(load, switch, _silence(measured))
    if load.rule == "price" and measured.rate is None:
        return _safe(load, switch, "no price is known")
    if switch.run_today >= load.daily_maximum:
        return Opinion(False, "maximum", "it ran as long as it may today")
    if not load.may_run(measured.local):
        return Opinion(False, "hours", "it is not its time of the day")
    said = RULES[load.rule](load, switch, measured)
    is_over = said.is_safe or (measured.gap is not None and measured.gap < 0)
    if not said.on and not is_over and must_run(load, switch.run_today, measured):
        minutes = load.daily_minimum / 60
        said = Opinion(True, "minimum", f"it is to run {minutes:.0f} min each day")
    if said.on and not switch.on and (room := _room(load, measured)) is not None and room < 0:
        return Opinion(False, "peak", f"{-room:.0f} W too much for the quarter-hour's peak")
    return said


def _export(load: Load, switch: Switch, measured: Measured) -> Opinion:
    exported = -(measured.net or 0.0)
    if switch.on:
        return _while_on("export", exported, load.off - exported, load)
    if exported >= load.enough:
        return Opinion(True, "export", _flow(exported), load.hold_on)
    return Opinion(False, "wait", f"waits until {load.enough:.0f} W is exported")


def _import(load: Load, switch: Switch, measured: Measured) -> Opinion:
    net = measured.net or 0.0
    if switch.on:
        return _while_on("import", -net, net - load.off, load)
    most = min(load.on, load.off - load.power)
    if net <= most:
        return Opinion(True, "import", _flow(-net), load.hold_on)
    return Opinion(False, "wait", f"waits until less than {most:.0f} W is imported")


def _while_on(rule: str, exported: float, lack: float, load: Load) -> Opinion:
    """It goes when too much is missing for too long."""
    if lack > 0:
        return Opinion(False, rule, _flow(exported), load.hold_off, lack=lack)
    return Opinion(True, lack=lack)


def _price(load: Load, switch: Switch, measured: Measured) -> Opinion:
    rate = measured.rate or 0.0
    text = f"a kWh costs {rate:.3f} EUR"
    if switch.on and rate > load.off:
        return Opinion(False, "price", text, load.hold_off)
    if not switch.on and rate <= load.on:
        return Opinion(True, "price", text, load.hold_on)
    return _as_it_is(switch, f"waits until a kWh costs {load.on:.3f} EUR or less")


def _peak(load: Load, switch: Switch, measured: Measured) -> Opinion:
    if measured.gap is None:
        return _safe(load, switch, "nothing is known of the quarter-hour's peak")
    text = f"this quarter-hour stays {measured.gap:.0f} W below the peak"
    if measured.gap < 0:
        text = f"this quarter-hour would be {-measured.gap:.0f} W above the peak"
    if switch.on and measured.gap < load.off:
        return Opinion(False, "peak", text, load.hold_off)
    room = _room(load, measured)
    if not switch.on and measured.gap >= load.on and room is not None and room >= load.off:
        return Opinion(True, "peak", text, load.hold_on)
    return _as_it_is(switch, f"waits until {load.on:.0f} W is free below the peak")


def _clock(load: Load, switch: Switch, measured: Measured) -> Opinion:
    return Opinion(True, "clock", "it is its time of the day")


RULES = {"export": _export, "import": _import, "price": _price, "peak": _peak, "clock": _clock}


def _room(load: Load, measured: Measured) -> float | None:
    """W that would be left below the peak with this load on: in this quarter-hour, and in the next,
    which has it on from its beginning; None: unknown. What it takes of the export costs no peak.
    """
    if measured.gap is None or measured.peak is None:
        return None
    rest = QUARTER - (60 * measured.now.minute + measured.now.second) % QUARTER
    net = measured.net or 0.0
    then = max(0.0, net + load.power)
    here = measured.gap - (then - max(0.0, net)) * rest / QUARTER
    return min(here, measured.peak - then)


def _as_it_is(switch: Switch, waiting: str) -> Opinion:
    return Opinion(True) if switch.on else Opinion(False, "wait", waiting)


def _safe(load: Load, switch: Switch, reason: str) -> Opinion:
    on = switch.on if load.safe == "keep" else load.safe == "on"
    return Opinion(on, "safe", reason, is_safe=True)


def _silence(measured: Measured) -> str:
    if measured.net is None:
        return "no data of the meter yet"
    return f"no data of the meter for {measured.age:.0f} s"


def _flow(exported: float) -> str:
    return f"{abs(exported):.0f} W is {'exported' if exported >= 0 else 'imported'}"


def _is_rested(load: Load, switch: Switch, now: datetime) -> bool:
    """Whether it is as it is for its minimum."""
    least = load.minimum_on if switch.on else load.minimum_off
    return (now - switch.since).total_seconds() >= least


def _chosen(
    ripe: Sequence[tuple[Load, Opinion]], changed: datetime | None, measured: Measured
) -> list[tuple[Load, Opinion]]:
    """All that go to their safe state, and those that do not answer; of the others one, once what
    was done last has settled: what goes off first, the most important last.
    """
    switches = measured.switches
    free = [(x, o) for x, o in ripe if o.is_safe or not switches[x.name].answers]
    bound = [one for one in ripe if one not in free]
    last = max([switch.since for switch in switches.values()], default=measured.now - SETTLE)
    last = min(max(last, changed or last), measured.now)
    if not bound or measured.now - last < SETTLE:
        return free
    order = [(o.on, x.priority if o.on else -x.priority, n) for n, (x, o) in enumerate(bound)]
    return [*free, bound[min(order)[2]]]

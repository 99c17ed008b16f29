"""What a config asks for, made by name through the registry: wires, and sources grouped by their
wire; and what a changed config leaves of what was known.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from .clock import Clock
from .config import Config
from .hardware import Wires
from .hub import Hub
from .inside import Inside
from .model import Health, Options, Reading, Source, Totals
from .quantities import QUANTITIES
from .registry import DERIVED, SOURCES, SWITCHES, WIRES, load
from .simulation.house import House
from .simulation.past import past

COUNTED = {"s0", "adc"}  # source types whose counters s0web itself must keep
HOUSE = House()  # a pure function of time: one serves all
YOUNG = timedelta(seconds=60)  # an older gauge is no longer true
Sections = Mapping[str, Options]  # device -> options
Totalled = Mapping[str, float]  # quantity -> number


class Group(NamedTuple):
    """What one source is made of."""

    family: dict[str, str]  # of the registry
    kind: str
    sections: dict[str, Options]  # device -> options


def grouped(config: Config) -> dict[str, Group]:
    """Every source that the config asks for, by its wire; sections on the same wire are one."""
    groups: dict[str, Group] = {}
    for device, options in config.sources.items():
        kind = options["type"]
        wire = f"{kind} {load(SOURCES, kind).wire({**options, 'name': device})}"
        groups.setdefault(wire, Group(SOURCES, kind, {})).sections[device] = options
    for name, options in config.switches.items():
        groups[f"switch {name}"] = Group(SWITCHES, options["type"], {name: options})
    for name, options in _derived(config):
        groups[f"derived {name}"] = Group(DERIVED, name, {name: options})
    return groups


def _derived(config: Config) -> Iterator[tuple[str, Options]]:
    """What is made of what others tell: name -> options."""
    sections = config.sections
    here = {"house": sections["house"], "zone": sections["s0web"]["timezone"]}
    if sections["prices"]["provider"] != "none":
        yield "prices", {**here, **sections["prices"]}  # its zone is the bidding zone
    if config.contracts:
        yield "costs", {"contracts": config.contracts, "floor": sections["peak"]["floor"], **here}
    if sections["peak"]["enabled"] and sections["house"]["grid"]:
        yield "peak", {**sections["peak"], **here}
    if sections["daily"]["folder"] and sections["house"]["grid"]:
        carriers = tuple(dict.fromkeys(one["type"] for one in config.contracts.values()))
        messages = sections["log"]["file"] or "s0web.log"
        yield "daily", {**sections["daily"], "carriers": carriers, "messages": messages, **here}
    if config.switches:
        yield "rules", {"switches": config.switches, "contracts": config.contracts, **here}


def devices(config: Config) -> dict[str, Options]:
    """All that tells something, and its options: sources, switches, what is derived."""
    derived = {name: {"type": "derived", **options} for name, options in _derived(config)}
    return {**config.sources, **config.switches, **derived}


def make_source(group: Group, inside: Inside, clock: Clock, totals: Totals) -> Source:
    wire = inside.wires if group.family is SOURCES else inside
    source: Source = load(group.family, group.kind)(group.sections, wire, clock, totals)
    return source


def make_wires(simulate: bool, clock: Clock, live: bool) -> Wires:
    """The wires of this machine, or of the simulated house (not live: in memory, on a warped
    clock).
    """
    made = load(WIRES, "simulated")(HOUSE, clock, live=live) if simulate else load(WIRES, "real")()
    wires: Wires = made
    return wires


def simulated_past(sources: Sections, now: datetime) -> list[Reading]:
    """What the simulated house did before anyone looked."""
    return list(past(HOUSE, sources, now))


def replaced(old: Sections, new: Sections) -> tuple[set[str], set[str]]:
    """What is another device now, or a wire that is gone; and the counters whose kept total is of
    something else.
    """
    both = old.keys() & new.keys()
    others = {device for device in both if _kind(old[device]) != _kind(new[device])}
    gone = {f"{device}.{wire}" for device in both for wire in _wires(old[device], new[device])}
    return others | gone, {
        device
        for device in others
        if {old[device]["type"], new[device]["type"]} <= COUNTED
        and _measures(old[device]) != _measures(new[device])
    }


def totals(
    device: str, config: Config, fresh: Collection[str], hub: Hub, now: datetime
) -> Totalled:
    """From what a counter goes on: what the Hub knows, else what was kept, unless it is fresh."""
    section = device.partition(".")[0]
    kept = {} if section in fresh else config.cache
    energy = _measures(config.sources.get(section, {})) == "energy"
    counted = {
        "energy_import" if energy else "volume": kept.get(device, 0.0),
        "energy_export": kept.get(f"{device}.export", 0.0),
    }
    known = hub.snapshot().values.get(device, {})
    return counted | {
        quantity: value.number
        for quantity, value in known.items()
        if QUANTITIES[quantity].kind == "register" or value.time > now - YOUNG
    }


def unmade(error: Exception, now: datetime) -> Health:
    """How a part is whose driver could not even be made."""
    text = f"{type(error).__name__}: {error}"
    return Health("failed", now, text, "This is a bug in s0web; please report it.", error=text)


def _kind(options: Options) -> tuple[object, ...]:
    return options["type"], _measures(options), options.get("model"), options.get("unit")


def _measures(options: Options) -> str:
    return str(options.get("measures", "energy"))


def _wires(old: Options, new: Options) -> set[str]:
    """The wires of a converter that are no longer there."""
    before, now = (dict(options.get("current_channels", ())) for options in (old, new))
    return before.keys() - now.keys()

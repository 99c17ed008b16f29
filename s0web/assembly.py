"""What a config asks for, made by name through the registry: wires, and sources grouped by their
wire.
"""

from collections.abc import Mapping
from datetime import datetime

from .clock import Clock
from .hardware import Wires
from .model import Options, Reading, Source, Totals
from .registry import SOURCES, WIRES, load
from .simulation.house import House
from .simulation.past import past

HOUSE = House()  # a pure function of time: one serves all
Sections = Mapping[str, Options]  # device -> options


def grouped(sources: Sections) -> dict[str, dict[str, Options]]:
    """Sections on the same wire are one source: wire -> device -> options."""
    wires: dict[str, dict[str, Options]] = {}
    for device, options in sources.items():
        kind = options["type"]
        wire = f"{kind} {load(SOURCES, kind).wire({**options, 'name': device})}"
        wires.setdefault(wire, {})[device] = options
    return wires


def make_source(sections: Sections, wires: Wires, clock: Clock, totals: Totals) -> Source:
    kind = next(iter(sections.values()))["type"]
    source: Source = load(SOURCES, kind)(sections, wires, clock, totals)
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


def retyped(old: Sections, new: Sections) -> tuple[set[str], set[str]]:
    """The devices that measure something else now, and those of them that are counters still."""
    both = old.keys() & new.keys()
    changed = {device for device in both if _kind(old[device]) != _kind(new[device])}
    return changed, {device for device in changed if old[device]["type"] == new[device]["type"]}


def _kind(options: Options) -> tuple[str, str]:
    return options["type"], options.get("measures", "")

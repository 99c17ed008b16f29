"""What a config asks for, made by name through the registry: wires, and sources grouped by their
wire.
"""

from collections.abc import Mapping

from .clock import Clock
from .hardware import Wires
from .model import Options, Source, Totals
from .registry import SOURCES, WIRES, load
from .simulation.house import House

Sections = Mapping[str, Options]  # device -> options


def grouped(sources: Sections) -> dict[str, dict[str, Options]]:
    """Sections on the same wire are one source: wire -> device -> options."""
    wires: dict[str, dict[str, Options]] = {}
    for device, options in sources.items():
        wire = f"{options['type']} {load(SOURCES, options['type']).wire(options)}"
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
    wires: Wires
    if simulate:
        wires = load(WIRES, "simulated")(House(), clock, live=live)
    else:
        wires = load(WIRES, "real")()
    return wires


def device_of(name: str) -> str:
    """source:grid, grid, grid.gas -> grid"""
    return name.partition(":")[2] or name.partition(".")[0]

"""Drivers by name: one dict for each family, type name -> "module:Class"; imported only when a
section asks for it.
"""

from importlib import import_module
from typing import Any

SOURCES = {
    "s0": "s0web.sources.s0:S0Source",
    "p1": "s0web.sources.p1:P1Source",
}
WIRES = {
    "real": "s0web.hardware.wires:RealWires",
    "simulated": "s0web.simulation.wires:SimulatedWires",
}


def load(family: dict[str, str], name: str) -> Any:
    """The class that the name stands for; KeyError for an unknown name."""
    module, _, attribute = family[name].partition(":")
    return getattr(import_module(module), attribute)

"""A load of the simulated house: it does at once what it is told, and remembers it."""

from ..inside import Inside
from ..model import Options
from .switch import Actor, Switch


class Memory:
    def __init__(self) -> None:
        self._on = False

    def open(self, on: bool) -> str:
        self._on = on
        return "simulated"

    def put(self, on: bool, back_after: float) -> None:
        self._on = on

    def state(self) -> bool | None:
        return self._on

    def close(self) -> None:
        """Nothing is held."""


class SimulatedSwitch(Switch):
    def actor(self, options: Options, inside: Inside) -> Actor:
        return Memory()

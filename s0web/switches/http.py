"""Anything that is switched by two web addresses; it does not tell its state, so what it was told
last is taken for it.
"""

from ..hardware.lan import Thing, place_of
from ..inside import Inside
from ..model import Options
from .switch import Actor, Switch


class Addresses:
    def __init__(self, options: Options) -> None:
        self._places = place_of(options["off_url"]), place_of(options["on_url"])

    def open(self, on: bool) -> str:
        return "it does not tell its state"

    def put(self, on: bool, back_after: float) -> None:
        place = self._places[on]
        Thing(place).get(place.path)

    def state(self) -> bool | None:
        return None

    def close(self) -> None:
        """Each word has a connection of its own."""


class HttpSwitch(Switch):
    def actor(self, options: Options, inside: Inside) -> Actor:
        return Addresses(options)

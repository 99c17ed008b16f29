"""A Shelly plug or relay: the first generation by /relay/N, later ones by RPC; which one it is it
says itself at /shelly.

Its own timer brings it back to the safe state when nobody renews it (`timer`, `toggle_after`).
"""

from collections.abc import Mapping
from typing import Any

from ..errors import SourceError
from ..hardware.lan import Thing, place_of
from ..inside import Inside
from ..model import Options
from .switch import Actor, Switch


class Shelly:
    def __init__(self, options: Options) -> None:
        self._thing = Thing(place_of(options["host"]), options["user"], options["password"])
        self._channel, self._is_first = int(options["channel"]), False

    def open(self, on: bool) -> str:
        said = self._thing.json("/shelly")
        generation = said.get("gen", 1)
        if "gen" not in said and "type" not in said:
            raise SourceError(f"{self._thing.where} does not say that it is a Shelly: is it one?")
        self._is_first = generation == 1
        model = str(said.get("type") or said.get("model") or "")[:40]
        return " ".join(filter(None, ("Shelly", model if model.isprintable() else "")))

    def put(self, on: bool, back_after: float) -> None:
        word = "on" if on else "off"
        if self._is_first:
            back = f"&timer={back_after:.0f}" if back_after else ""
            self._thing.json(f"/relay/{self._channel}?turn={word}{back}")
            return
        back = f"&toggle_after={back_after:.0f}" if back_after else ""
        on_ = "true" if on else "false"
        self._thing.json(f"/rpc/Switch.Set?id={self._channel}&on={on_}{back}")

    def state(self) -> bool | None:
        if self._is_first:
            return self._told(self._thing.json(f"/relay/{self._channel}"), "ison")
        return self._told(self._thing.json(f"/rpc/Switch.GetStatus?id={self._channel}"), "output")

    def close(self) -> None:
        """Each question has a connection of its own."""

    def _told(self, said: Mapping[str, Any], key: str) -> bool:
        if not isinstance(said.get(key), bool):
            text = f"does not tell whether relay {self._channel} is on: is the channel right?"
            raise SourceError(f"{self._thing.where} {text}")
        return bool(said[key])


class ShellySwitch(Switch):
    def actor(self, options: Options, inside: Inside) -> Actor:
        return Shelly(options)

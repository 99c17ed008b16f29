"""A Tasmota plug or relay over HTTP (`cm?cmnd=...`).

Where its safe state is off, its PulseTime switches it off when nobody renews it: each `Power ON`
lets that time begin anew. PulseTime is set back to 0 only after it was switched off: never is it on
with nothing that ends that.
"""

from typing import Any
from urllib.parse import urlencode

from ..errors import SourceError
from ..hardware.lan import Thing, place_of
from ..inside import Inside
from ..model import Options
from .switch import Actor, Switch

LONG = 100  # PulseTime counts seconds from 112 on, as s + 100


class Tasmota:
    def __init__(self, options: Options) -> None:
        self._thing = Thing(place_of(options["host"]))
        self._login = {}
        if options["password"]:
            self._login = {"user": options["user"] or "admin", "password": options["password"]}
        self._channel, self._has_pulse = int(options["channel"]), options["safe"] == "off"
        self._is_off = False  # by our word

    def open(self, on: bool) -> str:
        self._is_off = False
        self.state()
        return "Tasmota"

    def put(self, on: bool, back_after: float) -> None:
        self._is_off = False
        if on and self._has_pulse:
            pulse = back_after + LONG if back_after else 0
            self._say(f"PulseTime{self._channel} {pulse:.0f}")
        self._power(f"Power{self._channel} {'ON' if on else 'OFF'}")
        self._is_off = not on

    def state(self) -> bool | None:
        return self._power(f"Power{self._channel}")

    def close(self) -> None:
        if self._is_off and self._has_pulse:
            self._is_off = False
            self._say(f"PulseTime{self._channel} 0")

    def _power(self, words: str) -> bool:
        said = self._say(words)
        told = said.get(f"POWER{self._channel}", said.get("POWER"))
        if told not in ("ON", "OFF"):
            where = self._thing.where
            if "WARNING" in said:
                raise SourceError(f"{where} asks for a password: set user and password")
            text = f"does not tell whether relay {self._channel} is on: is the channel right?"
            raise SourceError(f"{where} {text}")
        return bool(told == "ON")

    def _say(self, words: str) -> dict[str, Any]:
        return self._thing.json(f"/cm?{urlencode({**self._login, 'cmnd': words})}")


class TasmotaSwitch(Switch):
    def actor(self, options: Options, inside: Inside) -> Actor:
        return Tasmota(options)

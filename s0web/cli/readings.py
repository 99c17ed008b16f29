"""How a command reads a station: the one that runs, over HTTP, else one of its own for the time."""

import base64
import json
import logging
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..clock import Clock
from ..config import Config
from ..errors import StationError
from ..statelock import StateLock
from ..station import Station

URLS = ("http://127.0.0.1/s0", "http://127.0.0.1:8080/s0")
TIMEOUT = 5.0  # s, of one request
LARGEST = 4_000_000  # bytes of an answer
LOOK = 0.2  # s between two looks for a new reading
PATIENCE = 20.0  # s without a new reading


class Told(NamedTuple):
    """The latest values of a device."""

    values: Mapping[str, float]
    times: Mapping[str, str]  # when each was told; tells a new one from an old one
    trouble: str  # what its health says is wrong, or ""


class Meter(Protocol):
    """A station as a command sees it."""

    name: str

    def told(self, device: str) -> Told:
        """Its latest values; StationError if the station cannot be asked."""

    def has_applied(self, config: Config) -> bool: ...

    def close(self) -> None: ...


class NewReadings:
    """What a device tells from now on: a row of values for each new stamp of one quantity."""

    def __init__(self, station: Meter, device: str, quantity: str, clock: Clock) -> None:
        self.rows: list[Mapping[str, float]] = []
        self.trouble = ""
        self._station, self._device, self._quantity = station, device, quantity
        self._clock, self._end = clock, 0.0
        self._stamp: str | None = None  # of the latest; None: not looked yet

    def look(self) -> None:
        """Take what is new; StationError if there has been nothing for 20 s."""
        told = self._station.told(self._device)
        stamp, self.trouble = told.times.get(self._quantity, ""), told.trouble
        is_new = stamp != self._stamp
        if is_new and self._stamp is not None:
            self.rows.append({q: told.values[q] for q, t in told.times.items() if t == stamp})
        if is_new:
            self._stamp, self._end = stamp, self._clock.monotonic() + PATIENCE
        elif self._clock.monotonic() > self._end:
            why = self.trouble or f"it tells no {self._quantity}"
            raise StationError(f"{self._device}: no new reading: {why}.")


def meter(config: Config, url: str, clock: Clock) -> Meter:
    """The running station where the lock of its state folder is held, else one of our own."""
    return OwnStation(config.path, clock) if is_free(config) and not url else running(config, url)


def running(config: Config, url: str) -> "RunningStation":
    """The station of this INI that runs; StationError if none can be asked."""
    failures = []
    for base in (url.rstrip("/"),) if url else URLS:
        station = RunningStation(base)
        try:
            station.check(config)
        except StationError as error:
            failures.append(str(error))
        else:
            return station
    why = " ".join(failures)
    if not is_free(config):
        why = (
            f"A station runs with {config.path}, but it cannot be asked: {why} "
            "Tell its address, such as --url http://127.0.0.1:8131/s0, or stop it for the time."
        )
    raise StationError(why)


def is_free(config: Config) -> bool:
    """Whether no station has the lock."""
    lock = StateLock(config.path.with_name("station.lock"))
    try:
        return lock.take()
    finally:
        lock.drop()


class RunningStation:
    """contract: Meter, over the JSON API."""

    def __init__(self, url: str) -> None:
        self.name = self._url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def told(self, device: str) -> Told:
        told = self._get("readings")["devices"].get(device)
        if told is None:
            return Told({}, {}, "")
        health, values = told["health"], told["values"]
        return Told(
            {quantity: float(value["value"]) for quantity, value in values.items()},
            {quantity: str(value["time"]) for quantity, value in values.items()},
            health["text"] if health["state"] in ("failed", "stale") else "",
        )

    def check(self, config: Config) -> None:
        """StationError if it is not the station of this INI."""
        saved = self._get("status")["config"]["saved"]
        if saved != config.digest:
            raise StationError(f"{self._url} has other settings than {config.path}.")

    def has_applied(self, config: Config) -> bool:
        return bool(self._get("status")["config"]["applied"] == config.digest)

    def close(self) -> None:
        """Each request is by itself."""

    def ask(self, what: str, method: str = "GET", password: str = "") -> Any:
        """An answer of the JSON API; PasswordNeeded, or StationError with the station's words."""
        address = f"{self._url}/api/v1/{what}"
        if not address.startswith(("http://", "https://")):
            raise StationError(f"{self._url!r} is not an address such as {URLS[1]}.")
        request = urllib.request.Request(address, method=method)
        if password:
            named = base64.b64encode(f"admin:{password}".encode()).decode()
            request.add_header("Authorization", f"Basic {named}")
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return json.loads(answer.read(LARGEST))
        except urllib.error.HTTPError as error:
            said = error.read(LARGEST)
            error.close()
            if error.code == 401:
                raise PasswordNeeded(f"{address} wants the admin password.") from error
            raise StationError(f"{address} answers {error.code}: {_said(said)}") from error
        except OSError as error:
            why = getattr(error, "reason", error)
            raise StationError(f"{address} does not answer ({why}).") from error
        except ValueError as error:
            raise StationError(f"{address} is not a station of s0web.") from error

    def _get(self, what: str) -> Any:
        document = self.ask(what)
        if not isinstance(document, dict) or "devices" not in document:
            raise StationError(f"{self._url} is not a station of s0web.")
        return document


def _said(body: bytes) -> str:
    """The sentence in an answer that refuses."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return "no sentence with it."


class PasswordNeeded(StationError):
    """The station changes nothing for those without a password."""


class OwnStation:
    """contract: Meter, on a station that runs in this process until `close`."""

    name = "a station of its own"

    def __init__(self, path: Path, clock: Clock) -> None:
        logging.disable(logging.INFO)  # its messages shall not come between the questions
        self._station = Station(path, clock)
        self._station.start()

    def told(self, device: str) -> Told:
        if self._station.state in ("failed", "waiting"):
            raise StationError(self._station.sentence())
        snapshot = self._station.hub.snapshot()
        values, health = snapshot.values.get(device, {}), snapshot.health.get(device)
        return Told(
            {quantity: value.number for quantity, value in values.items()},
            {quantity: value.time.isoformat() for quantity, value in values.items()},
            health.text if health and health.state in ("failed", "stale") else "",
        )

    def has_applied(self, config: Config) -> bool:
        applied = self._station.config
        return applied is not None and applied.digest == config.digest

    def close(self) -> None:
        self._station.stop()
        logging.disable(logging.NOTSET)

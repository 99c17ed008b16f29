"""Tells another station how a device is: PUT /state/<point>, the newest state alone.

What could not be told is not told later: after a silence the other station gets what is true then.
The receiver may be EnergyMonitor itself, whose form this is.
"""

import json
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse

from ..clock import Clock
from ..errors import SinkError
from ..hurried import Hurried
from ..meters.energymonitor import KEYS, document, state_of
from ..meters.peer import place, sentence
from ..model import Options, Reading, Value
from ..quantities import PHASES

BACKLOG = 500  # readings; a batch that long is followed by another at once
EARLY = 0.05  # s; a turn of the loop may come that much early
ANSWER = 4096  # bytes of an answer worth reading
TOLD = {*KEYS, *(f"{key}_{phase}" for key in KEYS for phase in PHASES)}


class PushSink:
    """contract: model.Sink; holds one Value for each quantity of its device and its wires."""

    is_present_only = True

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = f"sink:{name}"
        self._device, self._url = str(options["device"]), str(options["url"])
        self._interval, self._timeout = float(options["interval"]), float(options["timeout"])
        self._head = {"Content-Type": b"application/json", "Connection": b"close"}
        if options["token"]:
            self._head["Authorization"] = f"Bearer {options['token']}".encode()
        self._clock = clock
        self._values: dict[str, dict[str, Value]] = {}
        self._is_news = self._is_away = False
        self._due = clock.monotonic()

    def open(self) -> None:
        """Nothing is held open; SinkError for an address that is none."""
        try:
            self._place = place(self._url)
        except ValueError as error:
            raise SinkError(str(error)) from None

    def write(self, batch: Sequence[Reading]) -> None:
        for reading in batch:
            if reading.device == self._device or reading.device.startswith(f"{self._device}."):
                self._keep(reading)
        now = self._clock.monotonic()
        if len(batch) >= BACKLOG:
            if self._is_away:
                self._put(b"")  # what is passed over is no sign that the other station is back
            return
        state = state_of(self._values, self._device, self._place.point)
        if state is None or not self._is_news or now < self._due:
            return
        self._is_away = True
        self._put(json.dumps(document(state, complete=True)).encode())
        self._is_away = self._is_news = False
        self._due = now + self._interval - EARLY

    def close(self) -> None:
        """Nothing is held."""

    def _keep(self, reading: Reading) -> None:
        news = {
            quantity: Value(number, reading.time, reading.meter)
            for quantity, number in reading.values.items()
            if quantity in TOLD
        }
        if news:
            self._values.setdefault(reading.device, {}).update(news)
            self._is_news = True

    def _put(self, body: bytes) -> None:
        """Send it; where it is empty, only see whether anyone is there."""
        at, end = self._place, time.monotonic() + self._timeout
        connection = HTTPConnection(at.host, at.port, timeout=self._timeout)
        try:
            connection.connect()
            if not body:
                return
            connection.request("PUT", at.path, body, self._head)
            with HTTPResponse(Hurried(connection.sock, end)) as answer:  # type: ignore[arg-type]
                answer.begin()
                said = answer.read(ANSWER)
        except TimeoutError:
            text = f"{self._url} does not answer within {self._timeout:g} s: is it on?"
            raise SinkError(text) from None
        except HTTPException as error:  # one of them is an OSError too
            raise SinkError(f"{self._url} gives no HTTP answer: is it a station?") from error
        except OSError as error:
            raise SinkError(
                f"{self._url} cannot be reached ({error.strerror or error}): is that station on, "
                "and the address right?"
            ) from error
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise SinkError(f"{self._url} answers {answer.status}: {sentence(said)}")

"""A point that another station measures, as a Source: told by PUT /state/<point>, or asked for at a
url.

What is told by PUT comes as the command `state`; the web has checked it. What is asked for is told
when it changed: a state that stands still is not fresh, and the device becomes stale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..clock import Clock
from ..errors import FrameError, SourceError
from ..hardware import Wires
from ..hardware.web import fetch
from ..meters.energymonitor import MOST_WIRES, State, is_off, parse, readings
from ..meters.peer import place, sentence
from ..model import Command, Options, Reading, Telling, Totals, Trouble

WAIT = 0.9  # s for an answer
IDLE = 1.0  # s between two looks where there is nothing to ask for


class RemoteSource:
    """One point; its device has the name of its section, its wires are <device>.<wire>."""

    is_amid = False

    def __init__(
        self, sections: Mapping[str, Options], wires: Wires, clock: Clock, totals: Totals
    ) -> None:
        ((device, options),) = sections.items()
        self.name = f"source:{device}"
        self.devices: Sequence[str] = (device,)
        self._device, self._clock = device, clock
        self._url = str(options["url"])
        self.interval = float(options["interval"]) if self._url else IDLE
        self.patience = max(float(options["patience"]), 2 * self.interval)
        self._point = str(options["point"] or device)
        self._last: State | None = None  # what was answered last
        self._noted = False  # a note is shown
        self._known = {device}

    @staticmethod
    def wire(options: Options) -> str:
        return str(options["point"] or options.get("name", ""))

    def open(self) -> str:
        """Return where the states come from."""
        self._last = None
        if not self._url:
            return f"waits for PUT /state/{self._point}"
        try:
            place(self._url)
        except ValueError as error:
            raise SourceError(str(error)) from None
        return f"asks {self._url}"

    def read(self) -> Sequence[Telling]:
        if not self._url:
            return ()
        try:
            return self._news(parse(self._answer(), complete=False))
        except FrameError as error:
            text = f"{self._url} answers no state: {error}"
            return [Trouble(self._device, "garbled", text, "Is it another station's /state?")]

    def obey(self, command: Command) -> Sequence[Telling]:
        if command.verb != "state":
            raise ValueError(f"{self._device} cannot {command.verb}: another station measures it")
        return self._told(command.state)

    def close(self) -> None:
        """Nothing is held between two answers."""

    def _answer(self) -> bytes:
        at = place(self._url)
        status, data = fetch(at.host, at.port, at.path, at.netloc, WAIT)
        if status != 200:
            raise SourceError(f"{self._url} answers {status}: {sentence(data)}")
        return data

    def _news(self, state: State) -> list[Reading]:
        old, self._last = self._last, state
        now = self._clock.now()
        told = readings(state, self._device, now)
        if state == old or (old is None and is_off(state, now)):
            return []  # an old state and a wrong clock look the same until it moves
        return self._told(told)

    def _told(self, told: Sequence[Reading]) -> list[Reading]:
        """Return the readings of this device and its wires; the note that was shown is taken back
        once there is none.
        """
        names = {reading.device for reading in told}
        if strange := sorted(n for n in names if n.partition(".")[0] != self._device):
            raise ValueError(f"{strange[0]} is not {self._device} nor one of its wires")
        if len(self._known | names) > MOST_WIRES + 1:
            raise FrameError(f"There have been more than {MOST_WIRES} names of wires by now.")
        self._known |= names
        had, self._noted = self._noted, any(reading.labels for reading in told)
        if had and not self._noted:
            return [replace(r, labels={"note": ""}) if "." not in r.device else r for r in told]
        return list(told)

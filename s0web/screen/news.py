"""What a station said last of everything that the screen shows, asked by a thread of its own.

Without an answer the last words stay, and `trouble` says since when; whoever draws looks at
`version` for whether there is something new.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ..clock import Clock
from ..errors import StationError
from .client import Client
from .words import found

Document = Mapping[str, Any]
PERIODS = {"day": "-3d", "week": "-1d", "month": "-1d", "year": "-1d"}  # period -> from
METERS = {"electricity": "{grid}", "gas": "{grid}.gas", "water": "{grid}.water"}
PAUSE = 0.2  # s between two looks at what is due
RETRY = 2.0  # s, while nobody answers


@dataclass(frozen=True)
class Known:
    """All that is known at one instant; immutable."""

    documents: Mapping[str, Document] = field(default_factory=dict)  # name -> what was answered
    telegram: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)  # name -> why it was not answered
    trouble: str = ""  # why nothing is answered; "" while all is well

    def document(self, name: str) -> Document:
        return self.documents.get(name, {})

    @property
    def devices(self) -> Mapping[str, Document]:
        said: object = self.document("readings").get("devices")
        of_each = said.items() if isinstance(said, dict) else ()
        return {name: device for name, device in of_each if isinstance(device, dict)}

    @property
    def grid(self) -> str:
        """The device at the connection to the grid: the one whose peak is followed, else the first
        meter that knows tariffs, else the first of all.
        """
        if device := self.document("peak").get("device"):
            return str(device)
        of_tariffs = (
            name
            for name, device in self.devices.items()
            if device.get("type") == "p1" or "energy_import_high" in device.get("values", ())
        )
        return found(lambda: next(of_tariffs, ""), "") or next(iter(self.devices), "")


class News:
    def __init__(self, client: Client, clock: Clock) -> None:
        self.known, self.version = Known(), 0
        self._client, self._clock = client, clock
        self._stop, self._due = threading.Event(), dict[str, float]()
        self._thread = threading.Thread(target=self._run, name="news", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.turn()
            self._clock.wait(self._stop, RETRY if self.known.trouble else PAUSE)

    def turn(self) -> None:
        """Ask whatever is due."""
        for name, (interval, what) in self._asked().items():
            now = self._clock.monotonic()
            if now < self._due.get(name, now) or self._stop.is_set():
                continue
            self._due[name] = now + interval
            if not self._ask(name, what):
                self._due.clear()  # all anew, once somebody answers
                return

    def _asked(self) -> dict[str, tuple[float, str]]:
        """name -> seconds between two questions, and the question; readings come first."""
        asked = {
            "readings": (1.0, "readings"),
            "peak": (2.0, "peak"),
            "switches": (3.0, "switches"),
            "status": (5.0, "status"),
            "prices": (60.0, "prices"),
            "quarters": (60.0, "history/peak?quantity=demand_quarter&step=day&from=-3d"),
        }
        grid = self.known.grid
        if grid:
            asked["telegram"] = (2.0, f"telegram/{quote(grid, safe='')}")
        devices = self.known.devices
        for period, start in PERIODS.items():
            asked[f"costs {period}"] = (20.0, f"costs?period={period}&from={start}")
            for carrier, pattern in METERS.items():
                device = pattern.format(grid=grid)
                if device in devices:
                    what = f"energy/{quote(device, safe='')}?period={period}&from={start}"
                    asked[f"{carrier} {period}"] = (20.0, what)
        return asked

    def _ask(self, name: str, what: str) -> bool:
        """Whether the station is there."""
        ask: Callable[[str], Any] = self._client.text if name == "telegram" else self._client.ask
        known = self.known
        try:
            said = ask(what)
        except StationError as error:
            if name == "readings":
                self._tell(Known(known.documents, known.telegram, known.refused, str(error)))
                return False
            refused = {**known.refused, name: str(error)}
            self._tell(Known(known.documents, known.telegram, refused))
            return True
        refused = {other: why for other, why in known.refused.items() if other != name}
        if name == "telegram":
            self._tell(Known(known.documents, said, refused))
        else:
            self._tell(Known({**known.documents, name: said}, known.telegram, refused))
        return True

    def _tell(self, known: Known) -> None:
        if known != self.known:
            self.known = known
            self.version += 1

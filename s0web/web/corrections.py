"""Correcting a counter over HTTP: as a difference, once, and done before the answer is given."""

import secrets
import threading
import time
from collections import Counter

from ..errors import StationError
from ..model import Command
from ..station import Station

PATIENCE = 1.0  # s for the counter's own thread to obey
REGISTERS = ("energy_import", "volume")


class Corrections:
    """One at a time; a double click, or a page sent again, corrects nothing twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key = secrets.token_hex(4)  # of this process: the counts begin anew with it
        self._made: Counter[str] = Counter()  # device -> corrections
        self._last: tuple[str, float, float, str] | None = None

    def state(self, device: str) -> str:
        """What a form carries, so that it can be seen whether it is older than a correction."""
        return f"{self._key}-{self._made[device]}"

    def to_reading(self, station: Station, device: str, new: float) -> float:
        """Set the counter to `new` (kWh or m3); return what it was."""
        with self._lock:
            old = reading(station, device)
            if old is None:
                raise StationError(f"Nothing is known of {device} yet; try again when it counts.")
            if abs(new - old) >= 5e-10:
                self._tell(station, device, new - old)
            return old

    def by_form(self, station: Station, device: str, shown: float, new: float, drawn: str) -> None:
        """Add the difference between what the meter says and what the page had shown."""
        with self._lock:
            wish = (device, shown, new, drawn)
            if wish == self._last:  # a double click
                return
            if drawn != self.state(device):
                raise StationError("The page was too old; look at the counter and type it again.")
            self._tell(station, device, new - shown)
            self._last = wish

    def _tell(self, station: Station, device: str, difference: float) -> None:
        snapshot = station.hub.snapshot()
        before, end = reading(station, device), time.monotonic() + PATIENCE
        station.tell(Command(device, "correct", difference, "over HTTP"))
        self._made[device] += 1
        while reading(station, device) == before and (left := end - time.monotonic()) > 0:
            snapshot = station.hub.wait(snapshot.version, left)


def reading(station: Station, device: str) -> float | None:
    """What the counter of a device shows, kWh or m3."""
    snapshot = station.hub.snapshot()
    numbers = (snapshot.number(device, register) for register in REGISTERS)
    return next((number for number in numbers if number is not None), None)

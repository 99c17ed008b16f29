"""Correcting a counter over HTTP: as a difference, once, and done before the answer is given."""

import threading
import time

from ..model import Command
from ..station import Station

PATIENCE = 1.0  # s for the counter's own thread to obey
AGAIN = 60.0  # s in which the same form sent again is the same wish
REGISTERS = ("energy_import", "volume")


class Corrections:
    """One at a time; a double click, or a page sent again, corrects nothing twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[str, float, float] | None = None
        self._when = 0.0

    def to_reading(self, station: Station, device: str, new: float) -> float:
        """Set the counter to `new` (kWh or m3); return what it was."""
        with self._lock:
            old = reading(station, device) or 0.0
            if abs(new - old) >= 5e-10:
                self._tell(station, device, new - old)
            return old

    def by_form(self, station: Station, device: str, shown: float, new: float) -> None:
        """Add the difference between what the meter says and what the page had shown."""
        with self._lock:
            wish, now = (device, shown, new), time.monotonic()
            if wish == self._last and now - self._when < AGAIN:
                return
            self._tell(station, device, new - shown)
            self._last, self._when = wish, now

    def _tell(self, station: Station, device: str, difference: float) -> None:
        snapshot = station.hub.snapshot()
        before, end = reading(station, device), time.monotonic() + PATIENCE
        station.tell(Command(device, "correct", difference, "over HTTP"))
        while reading(station, device) == before and (left := end - time.monotonic()) > 0:
            snapshot = station.hub.wait(snapshot.version, left)


def reading(station: Station, device: str) -> float | None:
    """What the counter of a device shows, kWh or m3."""
    snapshot = station.hub.snapshot()
    numbers = (snapshot.number(device, register) for register in REGISTERS)
    return next((number for number in numbers if number is not None), None)

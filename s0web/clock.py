"""The clock that is handed to every part, so that a test may hold the time in its hand."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    def now(self) -> datetime:
        """Wall time, aware, UTC."""

    def monotonic(self) -> float:
        """Seconds on the kernel's CLOCK_MONOTONIC, the clock of edge stamps; never steps."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set or the seconds are over; return whether it is set."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


class FakeClock:
    """Time moves only by `advance` or by a wait, which returns at once; `step_wall` moves the wall
    clock alone.
    """

    def __init__(
        self, start: datetime = datetime(2026, 3, 2, 12, tzinfo=UTC), monotonic: float = 1000.0
    ) -> None:
        self._start, self._origin, self._elapsed = start, monotonic, 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._origin + self._elapsed

    def advance(self, seconds: float) -> None:
        self._elapsed += seconds

    def step_wall(self, seconds: float) -> None:
        self._start += timedelta(seconds=seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        if not event.is_set():
            self.advance(max(0.0, seconds))
        return event.is_set()


def machine_zone() -> str:
    """The name of the machine's time zone, such as Europe/Brussels; "" where it has none."""
    told = os.environ.get("TZ") or str(Path("/etc/localtime").resolve())
    name = told.rpartition("zoneinfo/")[2].lstrip(":")
    try:
        return ZoneInfo(name).key
    except (ValueError, LookupError, OSError):  # a copied file, a rule such as CET-1CEST
        return ""

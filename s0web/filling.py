"""The thread that gives the archive of a simulated house its past, while the station runs.

From the first that is known backwards, in slices: so what was interrupted goes on at the next
start, and the newest is there first.
"""

import contextlib
import logging
import threading
from datetime import datetime, timedelta

from .archive.past import catalog
from .archive.store import Archive
from .assembly import HOUSE
from .clock import Clock
from .config import Config
from .errors import SinkError
from .quantities import QUANTITIES
from .simulation.year import QUARTER, year

LOG = logging.getLogger(__name__)
SLICE = timedelta(hours=12)  # some 30 ms of work
REST = 1.5  # times as long as a slice took, nothing is done
PEAK = "peak"


class Filling:
    """Made and ended with the archive of its house."""

    def __init__(self, archive: Archive, config: Config, clock: Clock) -> None:
        self._archive, self._clock = archive, clock
        self._sources, sections = config.sources, config.sections
        self._peak = PEAK if sections["house"]["grid"] and sections["peak"]["enabled"] else ""
        self._ended, now = threading.Event(), clock.now()
        self._goal = _floor(now - timedelta(days=sections["s0web"]["simulated_days"]))
        self._end = self._goal
        with contextlib.suppress(SinkError):  # of an archive that fails at once, which it tells
            self._end = _next(self._first() or now)
        if self._end <= self._goal:
            self._ended.set()
        else:
            threading.Thread(target=self._run, name="simulated past", daemon=True).start()

    @property
    def is_over(self) -> bool:
        return self._ended.is_set()

    def _run(self) -> None:
        try:
            self._fill()
        except SinkError as error:
            LOG.info("simulated past: the next start goes on with it: %s", error)
        except Exception as error:  # the edge of the thread
            LOG.error("simulated past: unexpected error", exc_info=error)
        finally:
            self._archive.remark = ""
            self._ended.set()

    def _fill(self) -> None:
        whole, tenths = self._end - self._goal, 0
        while self._end > self._goal:
            before, begin = self._clock.monotonic(), max(self._goal, self._end - SLICE)
            self._archive.add(list(year(HOUSE, self._sources, begin, self._end, self._peak)))
            self._end = begin
            done = 1 - (begin - self._goal) / whole
            self._archive.remark = f"{done:.0%} of the simulated past is filled in"
            if int(done * 10) > tenths:
                tenths = int(done * 10)
                LOG.info("simulated past: %d %% of %d days", tenths * 10, whole.days)
            self._clock.wait(self._ended, REST * (self._clock.monotonic() - before))

    def _first(self) -> datetime | None:
        """When the first register of a source was told; the past is filled in for all at once."""
        for device in self._sources:
            known = catalog(self._archive, device)
            if firsts := [k.first for k in known if QUANTITIES[k.quantity].kind == "register"]:
                return min(firsts)
        return None


def _next(time: datetime) -> datetime:
    """The full quarter at or after it: so the one before it, which is told last, is in the past,
    and the running quarter begins with a register, like any other.
    """
    before = _floor(time)
    return before if before == time else before + QUARTER


def _floor(time: datetime) -> datetime:
    seconds = int(time.timestamp()) % QUARTER.seconds
    return time.replace(microsecond=0) - timedelta(seconds=seconds)

"""The station: composition root and keeper of everything that runs.

The keeper's thread takes the lock of the state folder, only then reads the counters, calls
`apply(config)` and looks after the workers each second. A running house is changed in two ways
only: `apply(config)` and `tell(command)`.
"""

import logging
import threading
from collections import deque
from datetime import datetime
from pathlib import Path

from . import config as ini
from . import fresh, logs, upgrade
from .acquisition import Acquisition
from .archive.asides import Aside
from .archive.query import History
from .assembly import devices
from .clock import Clock, SystemClock
from .config import Config
from .crew import Crew
from .errors import ConfigError, StationError
from .followers import Followers
from .hardware import Wires
from .hub import Hub
from .log import Progress
from .model import Command, Health, Options
from .statelock import StateLock
from .watch import IniWatch

LOG = logging.getLogger(__name__)
POLL = 0.05  # s between two tries for the lock of another station
LOOK = 1.0  # s between two looks at the workers
DRAIN = 0.2  # s between two checkpoints once the end is near
KEPT = ("station", "bot", "sink:", "compare:")  # health that no section of the INI stands for


class Station:
    """`state`: starting, waiting (another has the lock), running, failed (see problem), stopped."""

    def __init__(
        self,
        path: Path,
        clock: Clock | None = None,
        wires: Wires | None = None,
        threads: bool = True,
    ) -> None:
        self.path = path
        self.clock = clock or SystemClock()
        self.hub = Hub(self.clock)
        self.config: Config | None = None  # the one that is applied
        self.state, self.problem = "starting", ""
        self.started = self.clock.now()
        self._crew = Crew(self.hub, self.clock, threads)
        self._followers = Followers(path, self.hub, self.clock, self._crew)
        self.recent = self._followers.recent
        self._sources = Acquisition(
            path.parent,
            self.hub,
            self.clock,
            self._crew,
            lambda: self._followers.history,
            wires,
            threads,
        )
        self.book = self._sources.book  # day-ahead prices
        self._commands: deque[Command] = deque()
        self._wake, self._stop, self._draining = (threading.Event() for _ in range(3))
        self._watch = IniWatch(path)
        self._lock = StateLock(path.with_name("station.lock"))
        self._guard = threading.Lock()
        self._keeper: threading.Thread | None = None

    # -- for everyone ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the keeper, once; returns at once, also when another station must be waited for."""
        with self._guard:
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
                self._keeper.start()

    def tell(self, command: Command) -> None:
        """Leave a command for a device or the "station"; StationError if nobody can obey now."""
        if self.state != "running":
            raise StationError(self.sentence())
        if command.target == "station":
            self._commands.append(command)
            self._wake.set()
            return
        if command.verb == "replay":
            self._followers.replay(command.target)
            return
        if not self._sources.tell(command):
            raise StationError(f"There is no source with the name {command.target}.")

    def sentence(self) -> str:
        """How the station is, for people."""
        return {
            "starting": "The station is starting.",
            "waiting": "Another s0web has the wires; this one takes over when that one ends.",
            "running": "The station is running.",
            "stopped": "The station has stopped.",
        }.get(self.state, self.problem)

    def drain(self) -> None:
        """The end is near but its moment unknown: go on counting, save counters again and again."""
        self._draining.set()
        self._wake.set()

    def stop(self, seconds: float = 2.5) -> None:
        """End all workers, save the counters, let the lock go; may be called twice."""
        self._stop.set()
        self._wake.set()
        if self._keeper is not None:
            self._keeper.join(seconds)
        elif self.config is not None:
            self._end()

    @property
    def history(self) -> History | None:
        """The archive's answers; None before it is known where it is."""
        keeping = self._followers.keeping
        return keeping.history if keeping else None

    def devices(self) -> dict[str, Options]:
        """The configured devices and their options."""
        return self.config.sources if self.config else {}

    def counts(self) -> dict[str, int]:
        """How many readings each source has told since it started."""
        return {loop.name: loop.readings for loop in self._crew.source_loops()}

    def progress(self) -> dict[str, Progress]:
        """How far each sink has come."""
        return {loop.name: loop.progress for loop in self._crew.sink_loops()}

    def asides(self) -> list[Aside]:
        """What servers did not take; raises SinkError."""
        return self._followers.asides()

    # -- the keeper's thread -----------------------------------------------------------------------

    def _keep(self) -> None:
        try:
            while not self._stop.is_set() and not self._take_lock():
                self.clock.wait(self._stop, POLL)
            while not self._stop.is_set():
                self._turn()
                self.clock.wait(self._wake, DRAIN if self._draining.is_set() else LOOK)
                self._wake.clear()
        finally:
            self._end()

    def _take_lock(self) -> bool:
        try:
            taken = self._lock.take()
        except StationError as error:
            self._set("failed", str(error))
            return False
        if not taken:
            self._set("waiting")
        return taken

    def _begin(self) -> bool:
        """Read the INI and apply it; a file with mistakes is looked at again until it has none."""
        try:
            if not self.path.exists():
                fresh.create(self.path, fresh.FRESH)
            self.apply(upgrade.taken_over(self.path))
        except ConfigError as error:
            self._set("failed", str(error))
            return False
        return True

    def _turn(self) -> None:
        """One look: begin, or take over a changed INI; look after the workers."""
        try:
            if self.config is None:
                self._begin()
            elif self._watch.has_changed() or self._commands:
                self._commands.clear()
                self._reload()
        except Exception as error:  # the edge of the thread
            LOG.error("station: unexpected error", exc_info=error)
            self.problem = (
                f"{type(error).__name__}: {error}. This is a bug in s0web; please report it."
            )
        if self._draining.is_set():
            self._followers.hasten()
        self._followers.check()
        self._crew.check()

    def _reload(self) -> None:
        """Apply the INI if it differs and has no mistakes; else the old settings stay."""
        try:
            text = ini.read(self.path)
            if self.devices() and "[s0web]" not in text and "[source:" not in text:
                raise ConfigError(f"{self.path}: has neither [s0web] nor a source; half written?")
            config = ini.parse(self.path, text)
        except ConfigError as error:
            if str(error) != self.problem:
                LOG.error("not applied, the old settings stay: %s", error)
            self.problem = str(error)
            return
        self.problem = ""
        if self.config is None or config.digest != self.config.digest:
            self.apply(config)

    def apply(self, config: Config) -> None:
        """Make the house as the config says: stop what changed, start what is new."""
        logs.configure(config.sections["log"])
        if self.config is not None and config.simulate != self.config.simulate:
            self._leave_house()
        self._sources.end_changed(config)
        self.config = config
        self._followers.apply(config, self._draining.is_set())
        self._sources.start_new(config)
        self._forget_absent(config)
        self._set("running")

    def run(self, until: datetime) -> None:
        """Warped time, for a station without threads: step whatever is due until then."""
        if self.config is None and not (self._take_lock() and self._begin()):
            raise StationError(self.sentence())
        self._followers.check()
        self._crew.run(until)

    def _end(self) -> None:
        self._crew.stop()
        self._sources.leave()
        self._lock.drop()
        self._set("stopped")

    def _forget_absent(self, config: Config) -> None:
        """The health of what is no longer configured goes; what it told last stays known."""
        there = {loop.name for loop in self._crew.source_loops()} | set(devices(config))
        names = [name for name in self.hub.snapshot().health if not name.startswith(KEPT)]
        self.hub.forget([n for n in names if n not in there and n.partition(".")[0] not in there])

    def _leave_house(self) -> None:
        """Another house: nothing of the old one may be mistaken for the new."""
        self._crew.stop()
        self._sources.leave()
        self.hub.clear()
        self._followers.reset()
        self._set("starting")

    def _set(self, state: str, problem: str = "") -> None:
        if (state, problem) == (self.state, self.problem):
            return
        self.state, self.problem = state, problem
        level = logging.ERROR if state == "failed" else logging.INFO
        LOG.log(level, "station: %s %s", state, problem)
        self.hub.report("station", Health(state, self.clock.now(), problem))

"""The station: composition root and keeper of everything that runs.

The keeper's thread takes the lock of the state folder, only then reads the counters, calls
`apply(config)` and looks after the workers each second. A running house is changed in two ways
only: `apply(config)` and `tell(command)`.
"""

import logging
import threading
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from . import assembly, fresh, logs, upgrade
from . import config as ini
from .assembly import Sections
from .clock import Clock, SystemClock
from .config import Config
from .crew import Crew
from .errors import ConfigError, StationError
from .followers import Followers
from .hardware import Wires
from .hub import Hub
from .model import Command, Health, Options
from .statelock import StateLock
from .watch import IniWatch

LOG = logging.getLogger(__name__)
POLL = 0.05  # s between two tries for the lock of another station
LOOK = 1.0  # s between two looks at the workers
DRAIN = 0.2  # s between two checkpoints once the end is near
KEPT = ("station", "sink:", "compare:")  # health that no section of the INI stands for


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
        self._given = wires  # in place of those that the INI asks for
        self._wires: Wires | None = None
        self._threads = threads
        self._crew = Crew(self.hub, self.clock, threads)
        self._followers = Followers(path, self.hub, self.clock, self._crew)
        self.recent = self._followers.recent
        self._from_zero: set[str] = set()  # counters whose kept total is of another unit
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
        device = command.target.partition(".")[0]  # a wire is told through its source
        loops = self._crew.source_loops()
        loop = next((loop for loop in loops if device in loop.source.devices), None)
        if loop is None:
            raise StationError(f"There is no source with the name {command.target}.")
        level = logging.DEBUG if command.verb == "state" else logging.INFO  # it comes each second
        said = command.target, command.verb, command.value or "", command.reason
        LOG.log(level, "%s: %s %s %s", *said)
        loop.tell(command)

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

    def devices(self) -> dict[str, Options]:
        """The configured devices and their options."""
        return self.config.sources if self.config else {}

    def counts(self) -> dict[str, int]:
        """How many readings each source has told since it started."""
        return {loop.name: loop.readings for loop in self._crew.source_loops()}

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
        before = self.devices()
        if self.config is not None and config.simulate != self.config.simulate:
            self._leave_house()
            before = {}
        wanted, running = assembly.grouped(config.sources), self._crew.wires()
        changed = [wire for wire, made_of in running.items() if wanted.get(wire) != made_of]
        self._crew.stop_sources(changed, 1.5)
        self.hub.renew([device for wire in changed for device in running[wire]])
        if before != config.sources:
            self._forget_replaced(before, config.sources)
        self.config = config
        self._followers.apply(config, self._draining.is_set())
        if self._wires is None:
            live = self._threads
            self._wires = self._given or assembly.make_wires(config.simulate, self.clock, live)
            if config.simulate:
                self.recent.write(assembly.simulated_past(config.sources, self.clock.now()))
        for wire, sections in wanted.items():
            if wire not in self._crew.wires():
                self._start_source(wire, sections, self._wires)
        self._forget_absent(config)
        self._set("running")

    def run(self, until: datetime) -> None:
        """Warped time, for a station without threads: step whatever is due until then."""
        if self.config is None and not (self._take_lock() and self._begin()):
            raise StationError(self.sentence())
        self._crew.run(until)

    def _end(self) -> None:
        self._crew.stop()
        self._close_wires()
        self._lock.drop()
        self._set("stopped")

    # -- making what the config names --------------------------------------------------------------

    def _start_source(self, wire: str, sections: Sections, wires: Wires) -> None:
        """One that cannot be made leaves the others alone."""
        try:
            source = assembly.make_source(sections, wires, self.clock, self._totals)
        except Exception as error:
            LOG.error("%s: cannot be made", wire, exc_info=error)
            for device in sections:
                self.hub.report(device, assembly.unmade(error, self.clock.now()))
            return
        self._crew.start_source(wire, sections, source)

    def _totals(self, device: str) -> Mapping[str, float]:
        assert self.config is not None
        return assembly.totals(device, self.config, self._from_zero, self.hub, self.clock.now())

    def _close_wires(self) -> None:
        if self._wires is not None and self._wires is not self._given:
            self._wires.close()
        self._wires = None

    def _forget_absent(self, config: Config) -> None:
        """The health of what is no longer configured goes; what it told last stays known."""
        there = {loop.name for loop in self._crew.source_loops()} | set(config.sources)
        names = [name for name in self.hub.snapshot().health if not name.startswith(KEPT)]
        self.hub.forget([n for n in names if n not in there and n.partition(".")[0] not in there])

    def _leave_house(self) -> None:
        """Another house: nothing of the old one may be mistaken for the new."""
        self._crew.stop()
        self._close_wires()
        self.hub.clear()
        self._followers.reset()
        self._from_zero.clear()  # each house keeps counters of its own
        self._set("starting")

    def _forget_replaced(self, before: Sections, now: Sections) -> None:
        """A device that measures something else now begins anew, in the Hub and from 0."""
        self._crew.catch_up(1.0)  # what the sources told last is still of the old kind
        others, recounted = assembly.replaced(before, now)
        self.hub.drop(others)
        self._from_zero = (self._from_zero | recounted) & now.keys()

    def _set(self, state: str, problem: str = "") -> None:
        if (state, problem) == (self.state, self.problem):
            return
        self.state, self.problem = state, problem
        level = logging.ERROR if state == "failed" else logging.INFO
        LOG.log(level, "station: %s %s", state, problem)
        self.hub.report("station", Health(state, self.clock.now(), problem))

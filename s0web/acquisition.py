"""The sources of a station and the wires that they own: those of this machine, or of the simulated
house.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from . import assembly
from .archive.query import History
from .assembly import Group, Sections
from .clock import Clock
from .config import Config
from .crew import Crew
from .energy.price_book import PriceBook
from .hardware import Wires
from .hub import Hub
from .inside import Inside
from .model import Command

LOG = logging.getLogger(__name__)


class Acquisition:
    """Only the keeper's thread calls it."""

    def __init__(
        self,
        folder: Path,
        hub: Hub,
        clock: Clock,
        crew: Crew,
        history: Callable[[], History | None],
        given: Wires | None,
        live: bool,
    ) -> None:
        """`given`: in place of the wires that the INI asks for; live: they are no memory."""
        self.book = PriceBook()
        self._folder, self._history = folder, history
        self._hub, self._clock, self._crew = hub, clock, crew
        self._given, self._live = given, live
        self._wires: Wires | None = None
        self._config: Config | None = None
        self._from_zero: set[str] = set()  # counters whose kept total is of another unit

    def end_changed(self, config: Config) -> None:
        """Stop the sources that are no longer as the config says; forget what they told where they
        are others now.
        """
        wanted = {wire: group.sections for wire, group in assembly.grouped(config).items()}
        running = self._crew.wires()
        changed = [wire for wire, made_of in running.items() if wanted.get(wire) != made_of]
        self._crew.stop_sources(changed, 1.5)
        before = self._config.sources if self._config else {}
        self._hub.renew([d for wire in changed for d in running[wire] if d in before])
        if before != config.sources:
            self._forget_replaced(before, config.sources)
        switches = self._config.switches if self._config else {}
        self._hub.drop(switches.keys() - config.switches.keys())  # with what people said of them
        self._config = config

    def start_new(self, config: Config) -> None:
        if self._wires is None:
            self._wires = self._given or assembly.make_wires(
                config.simulate, self._clock, self._live
            )
        zone = config.sections["s0web"]["timezone"]
        inside = Inside(
            self._folder,
            ZoneInfo(zone) if zone else None,
            self._wires,
            self.book,
            self._hub,
            self._history,
            self.tell,
        )
        for wire, group in assembly.grouped(config).items():
            if wire not in self._crew.wires():
                self._start(wire, group, inside)

    def tell(self, command: Command) -> bool:
        """Leave a command for a device; from any thread."""
        device = command.target.partition(".")[0]  # a wire is told through its source
        loops = self._crew.source_loops()
        loop = next((loop for loop in loops if device in loop.source.devices), None)
        if loop is None:
            return False
        level = logging.DEBUG if command.verb == "state" else logging.INFO  # it comes each second
        said = command.target, command.verb, command.value, command.reason
        LOG.log(level, "%s: %s %g %s", *said)
        loop.tell(command)
        return True

    def leave(self) -> None:
        """All sources were stopped: let the wires go; another house counts anew."""
        if self._wires is not None and self._wires is not self._given:
            self._wires.close()
        self._wires, self._config = None, None
        self._from_zero.clear()

    def _start(self, wire: str, group: Group, inside: Inside) -> None:
        """One that cannot be made leaves the others alone."""
        sections = group.sections
        try:
            source = assembly.make_source(group, inside, self._clock, self._totals)
        except Exception as error:
            LOG.error("%s: cannot be made", wire, exc_info=error)
            for device in sections:
                self._hub.report(device, assembly.unmade(error, self._clock.now()))
            return
        self._crew.start_source(wire, sections, source)

    def _totals(self, device: str) -> Mapping[str, float]:
        assert self._config is not None
        now = self._clock.now()
        return assembly.totals(device, self._config, self._from_zero, self._hub, now)

    def _forget_replaced(self, before: Sections, now: Sections) -> None:
        """A device that measures something else now begins anew, in the Hub and from 0."""
        self._crew.catch_up(1.0)  # what the sources told last is still of the old kind
        others, recounted = assembly.replaced(before, now)
        self._hub.drop(others)
        self._from_zero = (self._from_zero | recounted) & now.keys()

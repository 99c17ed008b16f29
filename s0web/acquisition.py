"""The sources of a station and the wires that they own: those of this machine, or of the simulated
house.
"""

import logging
from collections.abc import Mapping

from . import assembly
from .assembly import Sections
from .clock import Clock
from .config import Config
from .crew import Crew
from .hardware import Wires
from .hub import Hub

LOG = logging.getLogger(__name__)


class Acquisition:
    """Only the keeper's thread calls it."""

    def __init__(self, hub: Hub, clock: Clock, crew: Crew, given: Wires | None, live: bool) -> None:
        """`given`: in place of the wires that the INI asks for; live: they are no memory."""
        self._hub, self._clock, self._crew = hub, clock, crew
        self._given, self._live = given, live
        self._wires: Wires | None = None
        self._config: Config | None = None
        self._from_zero: set[str] = set()  # counters whose kept total is of another unit

    def end_changed(self, config: Config) -> None:
        """Stop the sources that are no longer as the config says; forget what they told where they
        are others now.
        """
        wanted, running = assembly.grouped(config.sources), self._crew.wires()
        changed = [wire for wire, made_of in running.items() if wanted.get(wire) != made_of]
        self._crew.stop_sources(changed, 1.5)
        self._hub.renew([device for wire in changed for device in running[wire]])
        before = self._config.sources if self._config else {}
        if before != config.sources:
            self._forget_replaced(before, config.sources)
        self._config = config

    def start_new(self, config: Config) -> None:
        if self._wires is None:
            self._wires = self._given or assembly.make_wires(
                config.simulate, self._clock, self._live
            )
        for wire, sections in assembly.grouped(config.sources).items():
            if wire not in self._crew.wires():
                self._start(wire, sections, self._wires)

    def leave(self) -> None:
        """All sources were stopped: let the wires go; another house counts anew."""
        if self._wires is not None and self._wires is not self._given:
            self._wires.close()
        self._wires, self._config = None, None
        self._from_zero.clear()

    def _start(self, wire: str, sections: Sections, wires: Wires) -> None:
        """One that cannot be made leaves the others alone."""
        try:
            source = assembly.make_source(sections, wires, self._clock, self._totals)
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

"""The sinks of a station: the counters' file, the last day, the comparison, those of the INI."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from .archive.recent import Recent
from .assembly import COUNTED, unmade
from .clock import Clock
from .config import Config
from .crew import Crew
from .hub import Hub
from .model import Options, Sink
from .registry import SINKS, load
from .sinks.cache import CacheSink
from .sinks.compare import CompareSink

LOG = logging.getLogger(__name__)


class Followers:
    def __init__(self, path: Path, hub: Hub, clock: Clock, crew: Crew) -> None:
        self.recent = Recent()
        self._path, self._hub, self._clock, self._crew = path, hub, clock, crew
        self._cache: CacheSink | None = None
        self._sources: Mapping[str, Options] = {}
        self._made: dict[str, object] = {}  # name of a sink of the INI -> what it was made of

    def apply(self, config: Config, draining: bool) -> None:
        """Start, change and stop sinks as the config says."""
        self._sources = config.sources
        if self._cache is None:
            interval = config.sections["s0web"]["save_interval"]
            self._cache = CacheSink(
                self._path, self._counted, config.cache, config.simulate, self._clock, interval
            )
            self._crew.start_sink(self._cache)
            self._crew.start_sink(self.recent)
        elif not draining:
            self._cache.interval = config.sections["s0web"]["save_interval"]
        wanted = self._wanted(config)
        gone = [name for name, made_of in self._made.items() if wanted.get(name) != made_of]
        self._crew.stop_sinks(gone)
        self._hub.forget([*(n for n in gone if n not in wanted), *self._compared(gone)])
        for name in wanted:
            if name in gone or name not in self._made:
                self._start(name, config)
        self._made = wanted

    def hasten(self) -> None:
        """The end is near: save counters at each turn."""
        if self._cache is not None:
            self._cache.interval = 0.0
            self._crew.hurry()

    def reset(self) -> None:
        """All sinks were stopped, and another house begins."""
        self._cache, self._made = None, {}
        self.recent.clear()

    def _compared(self, gone: Sequence[str]) -> list[str]:
        """The verdicts of a comparison that is gone."""
        known = self._hub.snapshot().health if CompareSink.name in gone else ()
        return [name for name in known if name.startswith("compare:")]

    def _counted(self) -> list[str]:
        return [device for device, of in self._sources.items() if of["type"] in COUNTED]

    def _wanted(self, config: Config) -> dict[str, object]:
        """What each sink besides the two that are always there is made of."""
        wanted: dict[str, object] = {f"sink:{name}": of for name, of in config.sinks.items()}
        house = config.sections["s0web"]
        if house["compare"]:
            wanted[CompareSink.name] = house["compare"], house["compare_tolerance"], config.sources
        return wanted

    def _start(self, name: str, config: Config) -> None:
        """One that cannot be made leaves the others alone."""
        try:
            self._crew.start_sink(self._sink(name, config))
        except Exception as error:
            LOG.error("%s: cannot be made", name, exc_info=error)
            self._hub.report(name, unmade(error, self._clock.now()))

    def _sink(self, name: str, config: Config) -> Sink:
        if name == CompareSink.name:
            house = config.sections["s0web"]
            return CompareSink(
                house["compare"],
                house["compare_tolerance"],
                config.sources,
                self._clock,
                self._hub.report,
            )
        section = name.partition(":")[2]
        options = config.sinks[section]
        sink: Sink = load(SINKS, options["type"])(section, options, self._clock)
        return sink

"""The sinks of a station: counters' file, last day, archive, comparison, and those of the INI."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from .archive.asides import Aside
from .archive.place import archive_path
from .archive.query import History
from .archive.recent import Recent
from .archive.store import Archive
from .assembly import COUNTED, devices, simulated_past, unmade
from .clock import Clock
from .config import Config
from .crew import Crew
from .errors import StationError
from .filling import Filling
from .hub import Hub
from .keeping import Keeping
from .model import Reading, Sink
from .registry import SINKS, load
from .sinks.cache import CacheSink
from .sinks.compare import CompareSink

LOG = logging.getLogger(__name__)
AGAIN = 10.0  # s until an archive that could not be opened is tried again


class Followers:
    """Only the keeper's thread calls it, save for `recent` and `keeping`."""

    def __init__(self, path: Path, hub: Hub, clock: Clock, crew: Crew) -> None:
        self.recent = Recent()
        self.keeping: Keeping | None = None
        self._path, self._hub, self._clock, self._crew = path, hub, clock, crew
        self._cache: CacheSink | None = None
        self._config: Config | None = None
        self._made: dict[str, object] = {}  # name of a sink of the INI -> what it was made of
        self._is_kept = False  # the archive follows
        self._base = 0  # the log's number from which an archive that is not open yet follows
        self._tried = clock.monotonic()
        self._filling: Filling | None = None

    @property
    def history(self) -> History | None:
        """What is derived looks only at a past that is whole."""
        is_partial = self._filling is not None and not self._filling.is_over
        return None if self.keeping is None or is_partial else self.keeping.history

    def apply(self, config: Config, draining: bool) -> None:
        """Start, change and stop sinks as the config says."""
        self._config = config
        if not self._is_kept or self._is_elsewhere(config):
            self._keep(config)
        if self.keeping is not None and not draining:
            self.keeping.apply(config)
        if self._cache is None:
            self._cache = self._counters(config)
            self._crew.start_sink(self._cache)
            self._crew.start_sink(self.recent, past=self._last_day(config))
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
        if self.keeping is not None and self._is_kept:
            self.keeping.forget_others(wanted)

    def check(self) -> None:
        """The keeper's look: an archive that could not be opened is tried again."""
        config, due = self._config, self._clock.monotonic() - self._tried >= AGAIN
        if config is not None and due and (not self._is_kept or self._is_elsewhere(config)):
            self._keep(config)

    def hasten(self) -> None:
        """The end is near: save counters and readings at each turn."""
        if self._cache is not None and self.keeping is not None:
            self._cache.interval = self.keeping.archive.interval = 0.0
            self._crew.hurry()

    def reset(self) -> None:
        """All sinks were stopped, and another house begins."""
        self._config, self._cache, self._made = None, None, {}
        self.keeping, self._is_kept, self._filling = None, False, None
        self.recent.clear()

    def replay(self, name: str) -> None:
        """Have a sink write once more what was set aside; StationError where there is none."""
        loop = next((loop for loop in self._crew.sink_loops() if loop.name == name), None)
        if self.keeping is None or not self._is_kept or loop is None or name not in self._made:
            raise StationError(f"There is no sink {name.partition(':')[2]} that works now.")
        loop.write_too(self.keeping.aside(name))

    def asides(self) -> list[Aside]:
        """What was set aside, in groups of one sink and reason; raises SinkError."""
        return self.keeping.archive.asides.groups() if self.keeping and self._is_kept else []

    # -- the archive -------------------------------------------------------------------------------

    def _is_elsewhere(self, config: Config) -> bool:
        """Whether the archive is not where the config says."""
        return self.keeping is not None and self.keeping.archive.path != archive_path(config)

    def _keep(self, config: Config) -> None:
        """Open the archive of this config; the log gets its numbers, so whoever follows is stopped
        and goes on by them.
        """
        self._tried = self._clock.monotonic()
        keeping = self.keeping
        if keeping is None or self._is_elsewhere(config):
            keeping = Keeping(config, self._hub, self._clock)
        why = keeping.open()
        if why and self.keeping is not None and self._is_kept:
            self.keeping.archive.remark = f"{why}; it goes on in {self.keeping.archive.path}"
            return
        if self.keeping is None:
            self._base = self._hub.last
        self.keeping = keeping
        if why:
            keeping.report(why)
            return
        sinks = [loop.sink for loop in self._crew.sink_loops()]
        cursors = self._crew.stop_sinks([sink.name for sink in sinks])
        base, last = cursors.get(Archive.name, self._base), keeping.archive.last
        self._hub.renumber(base, last)
        keeping.recall(config)
        self._is_kept = True
        self._crew.start_sink(keeping.archive, last)
        is_wanted = config.simulate and config.sections["s0web"]["simulated_days"]
        if is_wanted and self._crew.has_threads:
            self._filling = Filling(keeping.archive, config, self._clock)
        for sink in sinks:
            if sink.name != Archive.name:
                self._follow(sink, cursors[sink.name] - base + last, config)

    def _last_day(self, config: Config) -> Iterable[Sequence[Reading]]:
        """What the live page shows of the time before the start."""
        if config.simulate:
            yield simulated_past(config.sources, self._clock.now())
        elif self.keeping is not None and self._is_kept:
            yield from self.keeping.last_day()

    # -- the others --------------------------------------------------------------------------------

    def _counters(self, config: Config) -> CacheSink:
        interval = config.sections["s0web"]["save_interval"]
        return CacheSink(
            self._path, self._counted, config.cache, config.simulate, self._clock, interval
        )

    def _counted(self) -> list[str]:
        sources = self._config.sources if self._config else {}
        return [device for device, of in sources.items() if of["type"] in COUNTED]

    def _compared(self, gone: Sequence[str]) -> list[str]:
        """The verdicts of a comparison that is gone."""
        known = self._hub.snapshot().health if CompareSink.name in gone else ()
        return [name for name in known if name.startswith("compare:")]

    def _wanted(self, config: Config) -> dict[str, object]:
        """What each sink besides those that are always there is made of."""
        wanted: dict[str, object] = {f"sink:{name}": of for name, of in config.sinks.items()}
        house = config.sections["s0web"]
        if house["compare"]:
            wanted[CompareSink.name] = house["compare"], house["compare_tolerance"], config.sources
        return wanted

    def _start(self, name: str, config: Config) -> None:
        """One that cannot be made leaves the others alone."""
        try:
            self._follow(self._sink(name, config), self._hub.last, config)
        except Exception as error:
            LOG.error("%s: cannot be made", name, exc_info=error)
            self._hub.report(name, unmade(error, self._clock.now()))

    def _follow(self, sink: Sink, cursor: int, config: Config) -> None:
        """From where the archive knows it to be; else from this number, perhaps with the past."""
        options = config.sinks.get(sink.name.partition(":")[2])
        is_late = getattr(sink, "is_present_only", False)
        if options is None or is_late or self.keeping is None or not self._is_kept:
            told = [self._known(config)] if getattr(sink, "begins_with_known", False) else []
            self._crew.start_sink(sink, self._hub.last if is_late else cursor, past=told)
            return
        known = self.keeping.archive.cursor(sink.name)
        past = self.keeping.past(sink.name, known is None and options["from"] == "beginning")
        cursor = cursor if known is None else known
        self.keeping.watch(sink)
        self.keeping.move(sink.name, cursor)  # from now on all is kept for it
        self._crew.start_sink(sink, cursor, self.keeping, past)

    def _known(self, config: Config) -> list[Reading]:
        """What is known of the devices that there are."""
        there = devices(config)
        return [r for r in self._hub.known() if r.device.partition(".")[0] in there]

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

"""The workers of a station: a thread for each loop, or one for all on a warped clock; none dies."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from .clock import Clock
from .hub import Hub
from .log import Older
from .model import Options, Reading, Sink, Source
from .workers import Loop, SinkLoop, SourceLoop

LOG = logging.getLogger(__name__)
LAST = "sink:archive"  # it keeps how far the others came
Sections = Mapping[str, Options]  # device -> options: what a source is made of


class Worker:
    """A thread that turns one loop until it is stopped."""

    def __init__(self, loop: Loop, clock: Clock) -> None:
        self.loop = loop
        self._clock = clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=loop.name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            seconds = self.loop.step()
            if seconds > 0:
                self._clock.wait(self.loop.wake, seconds)
            self.loop.wake.clear()  # before the step, so that no command waits for the one after
        self.loop.finish()

    def hurry(self) -> None:
        """Let it turn now."""
        self.loop.wake.set()

    def ask_to_stop(self) -> None:
        self._stop.set()
        self.loop.wake.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end; return whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


class Turner:
    """The same without a thread: the crew turns it when it is due."""

    def __init__(self, loop: Loop, clock: Clock) -> None:
        self.loop = loop
        self._clock = clock
        self.due = clock.monotonic()

    def turn(self) -> None:
        seconds = self.loop.step()
        self.due = self._clock.monotonic() + seconds

    def hurry(self) -> None:
        self.turn()

    def ask_to_stop(self) -> None:
        self.due = float("inf")

    def join(self, seconds: float) -> bool:
        self.loop.finish()
        return True


class Crew:
    def __init__(self, hub: Hub, clock: Clock, threads: bool) -> None:
        self._hub, self._clock = hub, clock
        self.has_threads = threads
        self._employ = Worker if threads else Turner
        self._sources: dict[str, tuple[Sections, Worker | Turner]] = {}  # by wire
        self._sinks: dict[str, Worker | Turner] = {}  # by name

    def start_source(self, wire: str, sections: Sections, source: Source) -> None:
        loop = SourceLoop(source, self._hub, self._clock)
        self._sources[wire] = (sections, self._employ(loop, self._clock))

    def start_sink(
        self,
        sink: Sink,
        cursor: int | None = None,
        older: Older | None = None,
        past: Iterable[Sequence[Reading]] = (),
    ) -> None:
        """As SinkLoop has it."""
        loop = SinkLoop(sink, self._hub, self._clock, cursor, older, past)
        self._sinks[sink.name] = self._employ(loop, self._clock)

    def wires(self) -> dict[str, Sections]:
        """What each running source is made of."""
        return {wire: sections for wire, (sections, _) in self._sources.items()}

    def source_loops(self) -> list[SourceLoop]:
        everyone = list(self._sources.values())
        return [w.loop for _, w in everyone if isinstance(w.loop, SourceLoop)]

    def sink_loops(self) -> list[SinkLoop]:
        return [w.loop for w in list(self._sinks.values()) if isinstance(w.loop, SinkLoop)]

    def check(self) -> None:
        """The keeper's look at everyone."""
        for worker in self._everyone():
            worker.loop.check()

    def catch_up(self, seconds: float) -> None:
        """Wait until the sinks that are not away have written all that was told, at most so
        long.
        """
        end = time.monotonic() + seconds
        self.hurry()
        while time.monotonic() < end and any(loop.is_behind for loop in self.sink_loops()):
            time.sleep(0.01)

    def hurry(self) -> None:
        """Let the sinks write now."""
        for worker in self._sinks.values():
            worker.hurry()

    def stop_sources(self, wires: Sequence[str], seconds: float) -> None:
        """End these sources; one that hangs on its wire for longer ends by itself later, unheard:
        another may be in its place by then.
        """
        going = [self._sources.pop(wire)[1] for wire in wires]
        for late in _end(going, seconds):
            late.is_dismissed = True
            LOG.warning("%s: still busy with its wire; it ends by itself", late.name)

    def stop(self) -> None:
        """End everyone, the counters first: Apache may kill us any moment now."""
        sources = [worker for _, worker in self._sources.values()]
        late = _end(sources, 0.4)
        self.stop_sinks([name for name in self._sinks if name != LAST])
        self.stop_sinks([LAST])
        if late:
            _end([worker for worker in sources if worker.loop in late], 1.0)
        self._sources.clear()

    def stop_sinks(self, names: Sequence[str]) -> dict[str, int]:
        """End those of these that run, and return how far they came; as with sources, a late one is
        not heard any more.
        """
        going = {name: self._sinks.pop(name) for name in names if name in self._sinks}
        for late in _end(list(going.values()), 0.8):
            late.is_dismissed = True
            LOG.error("%s: could not end in time", late.name)
        loops = {name: worker.loop for name, worker in going.items()}
        return {n: loop.cursor for n, loop in loops.items() if isinstance(loop, SinkLoop)}

    def run(self, until: datetime) -> None:
        """Warped time: turn whoever is due, one after the other, until that time."""
        while self._clock.now() < until:
            worker = min(self._turners(), key=lambda turner: turner.due)
            pause = min(worker.due - self._clock.monotonic(), _seconds(until, self._clock.now()))
            if pause > 0:
                self._clock.wait(threading.Event(), pause)
            if worker.due <= self._clock.monotonic():
                worker.turn()

    def _turners(self) -> list[Turner]:
        return [worker for worker in self._everyone() if isinstance(worker, Turner)]

    def _everyone(self) -> list[Worker | Turner]:
        return [*(worker for _, worker in self._sources.values()), *self._sinks.values()]


def _end(workers: Sequence[Worker | Turner], seconds: float) -> list[Loop]:
    """Ask all to stop, then wait for them together; return the loops of those that did not."""
    for worker in workers:
        worker.ask_to_stop()
    end = time.monotonic() + seconds
    return [w.loop for w in workers if not w.join(max(0.0, end - time.monotonic()))]


def _seconds(until: datetime, now: datetime) -> float:
    return (until - now).total_seconds()

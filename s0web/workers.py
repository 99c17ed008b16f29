"""The loops: what one source or one sink does, turn by turn, for ever.

A loop's `step` is one turn: it opens what is closed, obeys, reads or writes, and returns the
seconds until the next turn. This is the one edge at which any exception is caught: it is told, the
part is closed, and opened again later.
"""

import logging
import math
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from .clock import Clock
from .earlier import Earlier
from .guarded import RETRY_BUG, Guarded
from .hub import Hub
from .log import Batch, Older, Progress
from .model import Command, Frame, Reading, Sink, Source, Telling, Trouble

LOG = logging.getLogger(__name__)
TICK = 1.0  # s between two writes of a sink
BATCH = 1_000  # readings that a sink gets at once
FINISH = 0.5  # s that a sink with a backlog goes on writing at its end
HUNG = 30.0  # s without a turn until a worker is shown as hung


class Loop(Protocol):
    name: str
    wake: threading.Event
    is_dismissed: bool

    def step(self) -> float: ...

    def finish(self) -> None: ...

    def check(self) -> None: ...


class SourceLoop(Guarded):
    def __init__(self, source: Source, hub: Hub, clock: Clock) -> None:
        super().__init__(source.name, hub, clock)
        self.source = source
        self.readings = 0  # told since start
        self._devices = dict.fromkeys(source.devices)  # those of the INI, and what hangs on them
        self._note = ""
        self._heard = clock.monotonic()
        self._rest = 0.0  # s that it may wait after its last turn
        self._commands: deque[Command] = deque()

    def tell(self, command: Command) -> None:
        """Leave a command; the loop's own thread obeys it before its next read."""
        self._commands.append(command)
        self.wake.set()

    def step(self) -> float:
        self.turn, self._rest = self.clock.monotonic(), 0.0
        try:
            self._obey()
            if not self._is_open:
                self._note = self.source.open()
                self._is_open = True
                self._heard = self.turn
                self._mark("starting", self._note)
            self._take(self.source.read())
        except Exception as error:  # noqa: BLE001 - the edge of the thread
            self._close()
            return self.retreat(error)
        self._rest = max(0.0, self.source.interval - (self.clock.monotonic() - self.turn))
        return self._rest

    def check(self) -> None:
        """The keeper's look, once a second: has it been silent too long, or does it hang?"""
        now = self.clock.monotonic()
        if not self._is_open:
            return
        if now - self.turn - self._rest > HUNG:
            self.failed(f"no turn for more than {HUNG:.0f} s", "It hangs on its wire.")
        elif now - self._heard > self.source.patience:
            self._mark("stale", f"no reading for more than {self.source.patience:.0f} s")

    def finish(self) -> None:
        """Obey what was still asked, hear what is half told, let the wire go."""
        try:
            self._obey()
            if self._is_open and self.source.is_amid:
                self._take(self.source.read())
        except Exception as error:  # noqa: BLE001 - the edge of the thread
            LOG.warning("%s: at its end: %s", self.name, error)
        self._close()
        for name in (self.name, *self._devices):
            self.report(name, "stopped")

    def failed(self, text: str, remedy: str) -> None:
        self._mark("failed", text, remedy)

    def _mark(self, state: str, text: str, remedy: str = "") -> None:
        """The state of the wire is that of all on it; stale is only what was well."""
        for name in (self.name, *self._devices):
            old = self.hub.snapshot().health.get(name)
            if name == self.name or old is None or state != "stale" or old.state == "ok":
                self.report(name, state, text, remedy)

    def _obey(self) -> None:
        while self._commands:
            command = self._commands.popleft()
            try:
                self._take(self.source.obey(command))
            except ValueError as error:
                LOG.warning("%s: %s refused: %s", self.name, command.verb, error)

    def _take(self, told: Iterable[Telling]) -> None:
        if self.is_dismissed:
            return
        news: list[Reading | Frame] = []
        heard: dict[str, Trouble | None] = {}  # what is said last of a device decides its health
        for item in told:
            if isinstance(item, Trouble):
                heard[item.device] = item
            else:
                news.append(item)
                if isinstance(item, Reading):
                    heard[item.device] = None
        kept = self.hub.publish(news)
        if kept:
            self.readings += kept
            self._failures = 0
            self._heard = self.clock.monotonic()
            if self._is_open:
                self.report(self.name, "ok", self._note)
            for device in self._devices:  # the silence was the wire's: it is over for all on it
                old = self.hub.snapshot().health.get(device)
                if old is not None and old.state == "stale":
                    heard.setdefault(device, None)
        for device, trouble in heard.items():
            self._devices[device] = None
            if trouble is None:
                self.report(device, "ok")
            else:
                self.report(device, "failed", trouble.text, trouble.remedy, trouble.kind)

    def _close(self) -> None:
        try:
            self.source.close()
        except Exception as error:  # noqa: BLE001 - a wire that is gone may fail in closing too
            LOG.debug("%s: closing: %s", self.name, error)


class SinkLoop(Guarded):
    """Follows the log: writes what is new, oldest first; the cursor moves only after the sink kept
    it.
    """

    def __init__(
        self,
        sink: Sink,
        hub: Hub,
        clock: Clock,
        cursor: int | None = None,
        older: Older | None = None,
        past: Iterable[Sequence[Reading]] = (),
    ) -> None:
        """`past`: what is to be written before anything of the log."""
        super().__init__(sink.name, hub, clock)
        self.sink, self._older, self._earlier = sink, older, Earlier(past)
        self.cursor = hub.last if cursor is None else cursor
        self.pace = float(getattr(sink, "pace", TICK))
        self.missed = 0  # readings that left the log unwritten
        self._oldest: datetime | None = None
        self._is_late = False  # what it writes has left the ring

    def step(self) -> float:
        self.turn = self.clock.monotonic()
        try:
            if not self._is_open:
                self.sink.open()
                self._is_open = True
            if self._write_past():
                return 0.0
            batch = self._next()
            if batch.missed:
                self._miss(batch.missed)
            self._oldest = batch.readings[0].time if batch.readings else None
            self._write(batch.readings)
        except Exception as error:  # noqa: BLE001 - the edge of the thread
            self._close(logging.DEBUG)  # the same batch comes again
            return self.retreat(error)
        self._move(batch.last)
        self._failures = 0
        self._tell()
        return 0.0 if self._is_late or len(batch.readings) >= BATCH else self.pace

    @property
    def is_behind(self) -> bool:
        """Whether it has something to write, and is not away."""
        return not self._failures and self.cursor < self.hub.last

    @property
    def progress(self) -> Progress:
        behind = max(0, self.hub.last - self.cursor)
        return Progress(behind, self._oldest if behind else None)

    def write_too(self, past: Iterable[Sequence[Reading]]) -> None:
        """Leave what is to be written besides, before what comes."""
        self._earlier.add(past)
        self.wake.set()

    def check(self) -> None:
        limit = HUNG + RETRY_BUG
        if self._is_open and self.clock.monotonic() - self.turn > limit:
            self.failed(f"no turn for more than {limit:.0f} s", "It hangs on its disk or server.")

    def finish(self) -> None:
        """Write what the sources told last, then close; where the archive keeps the rest, not for
        long.
        """
        end = self.clock.monotonic() + (FINISH if self._older else math.inf)
        while self.step() == 0.0 and self.clock.monotonic() < end:
            pass
        self._close(logging.ERROR)
        self.report(self.name, "stopped")

    def _next(self) -> Batch:
        """From the ring, else from the archive."""
        batch = self.hub.after(self.cursor, BATCH)
        self._is_late = bool(batch.missed)
        if batch.missed and self._older is not None:
            batch = self._older.after(self.cursor, BATCH)
            self._is_late = bool(batch.readings)
        return batch

    def _write(self, readings: Sequence[Reading]) -> None:
        refused = self.sink.write(readings) or ()
        if refused and self._older is not None:
            self._older.set_aside(self.name, refused)

    def _write_past(self) -> bool:
        """Write a part of what was before the log; return whether there was any."""
        part = self._earlier.part()
        if part is None:
            return False
        self._write(part)
        self._earlier.written()
        if part:
            self.report(self.name, "ok", f"writes the past, at {part[0].time:%d %b %Y}")
        return True

    def _miss(self, count: int) -> None:
        """They are nowhere any more; the archive leaves their numbers free."""
        if skip := getattr(self.sink, "skip", None):
            skip(count)
        self.missed += count
        self._move(self.cursor + count)
        LOG.warning("%s: %d readings left the log unwritten", self.name, count)

    def _move(self, number: int) -> None:
        self.cursor = number
        if self._older is not None:
            self._older.move(self.name, number)

    def _tell(self) -> None:
        """A sink may have a note, and a trouble while it works."""
        if trouble := getattr(self.sink, "trouble", ""):
            self.failed(trouble, "")
            return
        notes = [str(getattr(self.sink, "note", ""))]
        if self.missed:
            notes.append(f"{self.missed} readings were gone before it could write them")
        self.report(self.name, "ok", ". ".join(filter(None, notes)))

    def _close(self, level: int) -> None:
        try:
            self.sink.close()
        except Exception as error:  # noqa: BLE001 - what could not be kept is told, the thread goes on
            LOG.log(level, "%s: closing: %s", self.name, error)

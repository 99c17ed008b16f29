"""The loops: what one source or one sink does, turn by turn, for ever.

A loop's `step` is one turn: it opens what is closed, obeys, reads or writes, and returns the
seconds until the next turn. This is the one edge at which any exception is caught: it is told, the
part is closed, and opened again later.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from .clock import Clock
from .errors import S0WebError
from .hub import Hub
from .model import Command, Frame, Health, Reading, Sink, Source, Telling, Trouble

LOG = logging.getLogger(__name__)
RETRY = 2.0  # s, longest wait before a wire or server that is away is tried again
RETRY_BUG = 60.0  # s, the same after an error that nobody foresaw
TICK = 1.0  # s between two writes of a sink
HUNG = 30.0  # s without a turn until a worker is shown as hung


class Loop(Protocol):
    name: str
    wake: threading.Event
    is_dismissed: bool

    def step(self) -> float: ...

    def finish(self) -> None: ...

    def check(self) -> None: ...


class _Guarded:
    """What both loops share: health with its memory, and the retreat after an error."""

    def __init__(self, name: str, hub: Hub, clock: Clock) -> None:
        self.name, self.hub, self.clock = name, hub, clock
        self.wake = threading.Event()  # set: something is to be done before the wait is over
        self.is_dismissed = False  # another one is in its place: nobody listens to it any more
        self.turn = clock.monotonic()
        self._failures = 0
        self._is_open = False
        self._logged: dict[str, tuple[str, str, str]] = {}  # what the log said last of each
        self.report(name, "starting")

    def report(
        self, name: str, state: str, text: str = "", remedy: str = "", kind: str = ""
    ) -> None:
        """Tell the Hub; log when the state or its reason changed."""
        if self.is_dismissed:
            return
        old = self.hub.snapshot().health.get(name)
        wrong = state in ("failed", "stale")
        same = old is not None and (old.state, old.text, old.kind) == (state, text, kind)
        since = old.since if old is not None and old.state == state else self.clock.now()
        troubles = (old.troubles if old else 0) + (1 if wrong and not same else 0)
        said = ". ".join(filter(None, (text.rstrip("."), remedy)))
        error = said if wrong else (old.error if old else "")
        self.hub.report(name, Health(state, since, text, remedy, kind, troubles, error))
        news = (state, text if wrong else "", kind)
        if state != "starting" and self._logged.get(name) != news:
            self._logged[name] = news
            because = f": {said}" if text else ""
            LOG.log(logging.WARNING if wrong else logging.INFO, "%s: %s%s", name, state, because)

    def retreat(self, error: Exception) -> float:
        """After an error: tell it and return the seconds to wait."""
        expected = isinstance(error, (S0WebError, OSError))
        text = str(error) if expected else f"{type(error).__name__}: {error}"
        if not expected:
            LOG.error("%s: unexpected error", self.name, exc_info=error)
        self._failures += 1
        self._is_open = False
        self.failed(text, "" if expected else "This is a bug in s0web; please report it.")
        return float(min(RETRY if expected else RETRY_BUG, 2 ** min(self._failures - 1, 6)))

    def failed(self, text: str, remedy: str) -> None:
        self.report(self.name, "failed", text, remedy)


class SourceLoop(_Guarded):
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


class SinkLoop(_Guarded):
    """Follows the log: writes what is new, oldest first; the cursor moves only after the sink kept
    it.
    """

    def __init__(self, sink: Sink, hub: Hub, clock: Clock, cursor: int | None = None) -> None:
        super().__init__(sink.name, hub, clock)
        self.sink = sink
        self.cursor = hub.last if cursor is None else cursor
        self.pace = TICK

    def step(self) -> float:
        self.turn = self.clock.monotonic()
        try:
            if not self._is_open:
                self.sink.open()
                self._is_open = True
            batch = self.hub.after(self.cursor)
            self.sink.write(batch.readings)
        except Exception as error:  # noqa: BLE001 - the edge of the thread
            self._close(logging.DEBUG)  # the same batch comes again
            return self.retreat(error)
        if batch.missed:
            LOG.warning("%s: %d readings left the log unwritten", self.name, batch.missed)
        self.cursor = batch.last
        self._failures = 0
        self.report(self.name, "ok")
        return 0.0 if self.cursor < self.hub.last else self.pace

    @property
    def is_behind(self) -> bool:
        """Whether it has something to write, and is not away."""
        return not self._failures and self.cursor < self.hub.last

    def check(self) -> None:
        limit = HUNG + RETRY_BUG
        if self._is_open and self.clock.monotonic() - self.turn > limit:
            self.failed(f"no turn for more than {limit:.0f} s", "It hangs on its disk or server.")

    def finish(self) -> None:
        """Write what the sources told last, then close."""
        while self.step() == 0.0:
            pass
        self._close(logging.ERROR)
        self.report(self.name, "stopped")

    def _close(self, level: int) -> None:
        try:
            self.sink.close()
        except Exception as error:  # noqa: BLE001 - what could not be kept is told, the thread goes on
            LOG.log(level, "%s: closing: %s", self.name, error)

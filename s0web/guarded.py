"""What every loop shares: its health with a memory, and its retreat after an error."""

import logging
import threading

from .clock import Clock
from .errors import S0WebError
from .hub import Hub
from .model import Health

LOG = logging.getLogger(__name__)
RETRY = 2.0  # s, longest wait before a wire or server that is away is tried again
RETRY_BUG = 60.0  # s, the same after an error that nobody foresaw


class Guarded:
    """`report` is for everyone who speaks of a part; the rest is for the loop itself."""

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

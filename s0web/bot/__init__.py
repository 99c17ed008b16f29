"""The Telegram bot: one thread that answers allowed chats, and tells alarms and summaries.

It works only while the station of this process runs, and ends with it. What it is asked is done at
most once: the number of the next update is kept before a command is carried out.
"""

import logging
import threading
from weakref import WeakKeyDictionary

from ..config import Config
from ..guarded import RETRY_BUG
from ..station import Station
from . import settings
from .talk import Talk

LOG = logging.getLogger(__name__)
IDLE = 1.0  # s between two looks at a station that does not run, or wants no bot
STEP = 0.25  # s between two looks at whether a wait is over


_GUARD = threading.Lock()
_THREADS: WeakKeyDictionary[Station, threading.Thread] = WeakKeyDictionary()


def start(station: Station) -> threading.Thread:
    """The thread waits for the station to run, and ends after it; a station has one."""
    with _GUARD:
        if station not in _THREADS:
            thread = threading.Thread(target=Bot(station).run, name="bot", daemon=True)
            _THREADS[station] = thread
            thread.start()
        return _THREADS[station]


class Bot:
    def __init__(self, station: Station) -> None:
        self._station = station
        self._config: Config | None = None  # the one that is taken over
        self._talk: Talk | None = None
        self._never = threading.Event()

    def run(self) -> None:
        while self._station.state != "stopped":
            try:
                rest = self._turn()
            except Exception as error:  # noqa: BLE001 - the edge of the thread
                rest = self._bug(error)
            while rest > 0 and not self._has_changed():
                self._station.clock.wait(self._never, min(rest, STEP))
                rest -= STEP
        self._end()

    def _has_changed(self) -> bool:
        """Whether there is something to be done at once."""
        state = self._station.state
        return state == "stopped" or (
            state == "running" and self._station.config is not self._config
        )

    def _is_unwanted(self) -> bool:
        """Whether a call that waits for its answer is to be given up."""
        return self._station.state != "running" or self._has_changed()

    def _turn(self) -> float:
        if self._station.state != "running":
            return IDLE
        if self._station.config is not self._config:
            self._take_over(self._station.config)
        if self._talk is None or self._config is None:
            return IDLE
        return self._talk.turn(self._config)

    def _take_over(self, config: Config | None) -> None:
        wanted, self._config = settings.of(config), config
        talk = self._talk
        if talk and wanted and talk.settings.api == wanted.api:
            talk.adopt(wanted)
            return
        self._end()
        if wanted is not None:
            self._talk = Talk(self._station, wanted, self._is_unwanted)

    def _bug(self, error: Exception) -> float:
        if self._talk is not None:
            return self._talk.bug(error)
        LOG.error("bot: unexpected error", exc_info=error)
        return RETRY_BUG

    def _end(self) -> None:
        if self._talk is None:
            return
        self._talk.close()
        self._talk = None
        self._station.hub.forget(["bot"])

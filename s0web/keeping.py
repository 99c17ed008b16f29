"""The archive of a station: opened before anything is told, and asked for what left the log's ring.

An archive that cannot be opened is tried again; until then the station runs without: nothing is
remembered, and a sink has the ring alone.
"""

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from .archive.batches import EPOCH
from .archive.memory import MS
from .archive.past import days
from .archive.pasts import Past
from .archive.place import archive_path
from .archive.query import History
from .archive.store import Archive
from .assembly import COUNTED
from .clock import Clock
from .config import Config
from .errors import SinkError
from .hub import Hub
from .log import Batch
from .model import Health, Reading, Refused, Value
from .quantities import QUANTITIES

LOG = logging.getLogger(__name__)
DAY, SLOTS = timedelta(days=1), 8_640
PART = timedelta(hours=1)  # of the past that a new sink writes at once
YOUNG = timedelta(seconds=60)  # an older gauge is no longer true
SINCE_START = ("pulses", "pulses_rejected")  # registers that begin with the station
EDITED = timedelta(seconds=5)  # an INI saved that much after a reading was changed by hand
MEGABYTE = 1_000_000


class Keeping:
    """contract: log.Older; `archive` and `history` may be asked from any thread."""

    def __init__(self, config: Config, hub: Hub, clock: Clock) -> None:
        self._hub, self._clock = hub, clock
        self.archive = Archive(archive_path(config), clock)
        self.history = History(self.archive)
        self.apply(config)

    def apply(self, config: Config) -> None:
        """Take over the options, save for the path."""
        options, zone = config.sections["archive"], config.sections["s0web"]["timezone"]
        self.archive.interval = float(options["flush"])
        self.archive.keep = float(options["keep"])
        self.archive.bound = int(options["backlog"] * MEGABYTE)
        self.history.zone = ZoneInfo(zone) if zone else None

    def open(self) -> str:
        """Open it; return why it cannot be, or ""."""
        folder = self.archive.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.archive.open()
        except SinkError as error:
            return str(error)
        except OSError as error:
            return f"archive {folder}: cannot be made ({error.strerror}): may s0web write there?"
        return ""

    def report(self, why: str) -> None:
        """It cannot be opened."""
        LOG.error("%s", why)
        remedy = "Until then nothing is remembered."
        self._hub.report(
            self.archive.name, Health("failed", self._clock.now(), why, remedy, error=why)
        )

    def recall(self, config: Config) -> None:
        """Fill the Hub with what was told last."""
        values = remembered(self.archive, config, self._clock.now())
        labels = {d: words for d, words in self.archive.labels().items() if d in values}
        self._hub.recall(values, labels)
        known = self._hub.snapshot().health
        for device in values.keys() - known.keys():
            text = "what is shown was told before the start"
            self._hub.report(device, Health("stale", self._clock.now(), text))

    def forget_others(self, names: Collection[str]) -> None:
        """Nothing is kept any more for sinks but these."""
        for name in self.archive.names() - set(names):
            self.archive.forget(name)
            self.archive.pasts.end(name)

    # -- the log's older part ----------------------------------------------------------------------

    def after(self, cursor: int, limit: int = 1_000) -> Batch:
        return self.archive.after(cursor, limit)

    def move(self, name: str, number: int) -> None:
        self.archive.move(name, number)

    def set_aside(self, name: str, refused: Sequence[Refused]) -> None:
        self.archive.asides.add(name, refused)

    # -- what a sink is given besides the log ------------------------------------------------------

    def past(self, name: str, is_wanted: bool) -> Iterator[list[Reading]]:
        """What was before the log, for a new sink that wants it and for one that was stopped
        within it.
        """
        pasts = self.archive.pasts
        if is_wanted and self.archive.cursor(name) is None:
            pasts.move(name, Past(0, self._newest() + 1))
        return self._past(name)

    def _newest(self) -> int:
        """ms; no stamp that was told is newer, though a meter's clock may be ahead."""
        told = [v.time for values in self.archive.latest().values() for v in values.values()]
        return (max([self._clock.now(), *told]) - EPOCH) // MS

    def _past(self, name: str) -> Iterator[list[Reading]]:
        pasts = self.archive.pasts
        if (past := pasts.of(name)) is None:
            return
        begin, end = (EPOCH + ms * MS for ms in past)
        for time, readings in days(self.archive, begin, end, width=PART):
            if readings:
                yield readings
            pasts.move(name, past._replace(done=(time + PART - EPOCH) // MS))
        pasts.end(name)

    def last_day(self) -> Iterator[list[Reading]]:
        """Every gauge of the last 24 hours at 10 s, one after the other."""
        now = self._clock.now()
        for device, values in self.archive.latest().items():
            for quantity in values:
                if QUANTITIES[quantity].kind == "gauge":
                    series = self.history.series(device, quantity, now - DAY, now, "10s", SLOTS)
                    yield [
                        Reading(device, EPOCH + point.time * MS, {quantity: point.number})
                        for point in series.points
                    ]

    def aside(self, name: str) -> Iterator[list[Reading]]:
        """What was set aside of this sink, to be tried again; what is refused again is set aside
        anew.
        """
        self.archive.flush()
        for number in [aside.id for aside in self.archive.asides.known() if aside.sink == name]:
            if readings := self.archive.asides.readings(number):
                yield readings
            self.archive.release(number)


def remembered(archive: Archive, config: Config, now: datetime) -> dict[str, dict[str, Value]]:
    """What is still worth knowing of the configured devices: registers, and what is young; not what
    a newer counter in the INI stands for.
    """
    edited = _saved(config.path)
    known: dict[str, dict[str, Value]] = {}
    for device, values in archive.latest().items():
        options = config.sources.get(device.partition(".")[0])
        if options is None:
            continue
        kept = _counters(config, device) if options["type"] in COUNTED else None
        known[device] = {
            quantity: value
            for quantity, value in values.items()
            if _is_worth(quantity, value, now)
            and (
                kept is None
                or (edited <= value.time + EDITED and value.number >= kept.get(quantity, -math.inf))
            )
        }
    return {device: values for device, values in known.items() if values}


def _is_worth(quantity: str, value: Value, now: datetime) -> bool:
    if quantity in SINCE_START:
        return False
    return QUANTITIES[quantity].kind == "register" or now - YOUNG < value.time <= now


def _counters(config: Config, device: str) -> dict[str, float]:
    """What the INI keeps of a device that s0web counts itself."""
    keys = {"energy_import": device, "volume": device, "energy_export": f"{device}.export"}
    return {quantity: config.cache[key] for quantity, key in keys.items() if key in config.cache}


def _saved(path: Path) -> datetime:
    """When the INI was saved."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return EPOCH

"""The archive of a station: opened before anything is told, and asked for what left the log's ring.

An archive that cannot be opened is tried again; until then the station runs without: nothing is
remembered, and a sink has the ring alone.
"""

import contextlib
import logging
import math
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from .archive.batches import EPOCH
from .archive.memory import MS
from .archive.past import days
from .archive.pasts import Past
from .archive.place import archive_path
from .archive.query import History
from .archive.store import Archive
from .assembly import COUNTED, devices
from .clock import Clock
from .config import Config
from .earlier import Anew, Parts
from .errors import SinkError
from .hub import Hub
from .log import Batch
from .model import Health, Reading, Refused, Sink, Value
from .quantities import QUANTITIES

LOG = logging.getLogger(__name__)
DAY, SLOTS = timedelta(days=1), 8_640
PART, PIECE = timedelta(hours=1), 1_000  # of the past that is read, and readings written, at once
YOUNG = timedelta(seconds=60)  # an older gauge is no longer true
HELD = ("peak", "valve")  # gauges with an old stamp of their own, true until another is told
SINCE_START = ("pulses", "pulses_rejected")  # registers that begin with the station
EDITED = timedelta(seconds=5)  # an INI saved that much after a reading was changed by hand
MEGABYTE = 1_000_000


@runtime_checkable
class Forgetful(Protocol):
    """A sink that knows only the last of what it wrote when it comes again."""

    @property
    def wants_mark(self) -> bool:
        """Whether how far it came should be on disk now."""

    def marked(self) -> None:
        """It is."""


class Keeping:
    """contract: log.Older; `archive` and `history` may be asked from any thread."""

    def __init__(self, config: Config, hub: Hub, clock: Clock) -> None:
        self._hub, self._clock = hub, clock
        self.archive = Archive(archive_path(config), clock)
        self.history = History(self.archive)
        self._forgetful: dict[str, Forgetful] = {}
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
        self._mark(name)

    def set_aside(self, name: str, refused: Sequence[Refused]) -> None:
        self.archive.asides.add(name, refused)

    def watch(self, sink: Sink) -> None:
        """Save how far this sink comes when it wants that."""
        self._forgetful.pop(sink.name, None)
        if isinstance(sink, Forgetful):
            self._forgetful[sink.name] = sink

    def _mark(self, name: str) -> None:
        sink = self._forgetful.get(name)
        if sink is not None and sink.wants_mark:
            with contextlib.suppress(SinkError):  # which the archive's own thread meets, and tells
                self.archive.flush()
                sink.marked()

    # -- what a sink is given besides the log ------------------------------------------------------

    def past(self, name: str, is_wanted: bool) -> Parts:
        """What was before the log, for a new sink that wants it and for one that was stopped
        within it.
        """
        pasts = self.archive.pasts
        if is_wanted and self.archive.cursor(name) is None:
            pasts.move(name, Past(0, self._newest() + 1))
        return Anew(self._past, name)

    def _newest(self) -> int:
        """ms; no stamp that was told is newer, though a meter's clock may be ahead."""
        told = [v.time for values in self.archive.latest().values() for v in values.values()]
        return (max([self._clock.now(), *told]) - EPOCH) // MS

    def _past(self, name: str) -> Iterator[list[Reading]]:
        pasts = self.archive.pasts
        if (past := pasts.of(name)) is None:
            return
        begin, end = (EPOCH + ms * MS for ms in past)
        for _, readings in days(self.archive, begin, end, width=PART):
            for piece in _pieces(readings):
                yield piece
                pasts.move(name, past._replace(done=(piece[-1].time + MS - EPOCH) // MS))
                self._mark(name)
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

    def aside(self, name: str) -> Parts:
        """What was set aside of this sink, to be tried again; what is refused again is set aside
        anew.
        """
        return Anew(self._aside, name)

    def _aside(self, name: str) -> Iterator[list[Reading]]:
        self.archive.flush()
        for number in [aside.id for aside in self.archive.asides.known() if aside.sink == name]:
            if readings := self.archive.asides.readings(number):
                yield readings
            self.archive.asides.let_go(number)


def _pieces(readings: Sequence[Reading]) -> Iterator[list[Reading]]:
    """Readings in order of time in pieces; those of one time are not parted."""
    piece: list[Reading] = []
    for reading in readings:
        if len(piece) >= PIECE and reading.time > piece[-1].time:
            yield piece
            piece = []
        piece.append(reading)
    if piece:
        yield piece


def remembered(archive: Archive, config: Config, now: datetime) -> dict[str, dict[str, Value]]:
    """What is still worth knowing of the configured devices: registers, and what is young; not what
    a newer counter in the INI stands for.
    """
    edited = _saved(config.path)
    known: dict[str, dict[str, Value]] = {}
    there = devices(config)
    for device, values in archive.latest().items():
        options = there.get(device.partition(".")[0])
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
    if quantity in HELD:
        return True
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

"""The archive: the station's memory on disk, one SQLite file; a follower of the log.

Each flush appends one batch in order of arrival, with the cursors of all sinks, in one synced
transaction: a power cut costs what came since. One thread writes at a time; any thread may ask.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..clock import Clock
from ..errors import SinkError
from ..log import Batch
from ..model import Reading, Value
from .addition import Addition
from .asides import Asides
from .backlog import Backlog
from .batches import EPOCH
from .disk import Disk
from .hours import HOUR, Pairs
from .memory import MS, Memory
from .pasts import Pasts
from .thinning import note
from .written import Kept, append, kept, pack, restore

LOG = logging.getLogger(__name__)
GRACE = 300_000  # ms after an hour's end until it is packed
AHEAD = 25 * HOUR  # ms; the Hub takes nothing that is a day ahead
ROOM = 20_000  # readings that wait in memory for a disk that refuses them
MOST = 2_000_000  # values in memory; with more, what has ended is packed at each flush
LATE = 100  # hours that are packed at once; with more, a flush follows each second
RETRY = 10.0  # s, longest wait until a disk that refused is tried again
PAUSE = 0.002  # s until one looks again while a packing ends
LOOKS = 1_000
Memories = dict[str, Pairs]  # segment -> what of it is not packed


class Archive:
    """contract: model.Sink, and log.Older; `interval` (s), `keep` (days of full resolution) and
    `bound` (bytes of batches that only absent sinks need) may be changed while it runs.
    """

    name = "sink:archive"

    def __init__(
        self,
        path: Path,
        clock: Clock,
        interval: float = 60.0,
        keep: float = 731.0,
        bound: int = 256_000_000,
    ) -> None:
        self.path, self.interval, self.keep, self.bound = path, interval, keep, bound
        self.trouble = ""  # why the disk refuses, while readings wait in memory
        self.remark = ""  # what the station has to say about it
        self._shortened = ""  # what is left of a backlog
        self._clock = clock
        self._writing = threading.Lock()  # held first: one writer
        self._lock = threading.Lock()  # all below; never held while the disk works
        self._disk = Disk(path, clock)
        self.asides, self.pasts = Asides(self._disk.readers, clock), Pasts()
        self._backlog = Backlog(self._disk.readers)
        self._memory = Memory()
        self._pending: list[Reading] = []  # numbers kept.last + 1 ...
        self._kept = Kept(0, 0, {})
        self._cursors: dict[str, int] = {}
        self._is_restored = False
        self._tried = clock.monotonic()  # when there was a flush
        self._packed_at = -1  # the hour up to which all that ended is packed
        self._is_late = False  # more hours are to be packed

    # The sink

    def open(self) -> None:
        """Open, check and read back; a damaged file is set aside and a fresh one begun. SinkError
        where neither can be.
        """
        with self._writing:
            if self._disk.is_open:
                return
            self._disk.open()
            with self._lock:
                if self._is_restored:  # the memory knows more than the disk
                    packs = kept(self._disk.require()).packs
                    self._kept = self._kept._replace(packs=packs)
                    return
                self._kept = restore(self._disk.require(), self._memory)
                self._cursors = self._kept.cursors | self._cursors
                self.pasts.load(self._disk.require())
                self._shortened = note(self._disk.require())
                self._is_restored = True

    def write(self, batch: Sequence[Reading]) -> None:
        """Keep it in memory, and on disk at the next flush.

        While the disk refuses, up to ROOM readings wait and `trouble` says why; then SinkError,
        with nothing of the batch taken.
        """
        pause = min(self.interval, RETRY) if self.trouble else self.interval
        pause = min(pause, 1.0) if self._is_late else pause
        with self._writing:
            self._disk.require()
            if len(self._pending) + len(batch) > ROOM:
                self._flush()
            elif self._clock.monotonic() >= self._tried + pause:
                self._try_flush()
            with self._lock:
                for seq, reading in enumerate(batch, self._kept.last + len(self._pending) + 1):
                    self._memory.take(reading, seq, {})
                self._pending += batch

    def flush(self) -> None:
        """Bring to disk what is held, now; raises SinkError, and then all is still held."""
        with self._writing:
            self._disk.require()
            self._flush()

    def close(self) -> None:
        """Flush and let go; what the disk refuses stays in memory, and SinkError says why."""
        with self._writing:
            if not self._disk.is_open:
                return
            try:
                self._flush()
            finally:
                self._disk.close()

    def add(self, readings: Sequence[Reading]) -> int:
        """Keep what was told in the past, by an import, now: no sink is told of it. Give it in
        order of time. Return how many values were left out, see Addition; raises SinkError.
        """
        with self._writing:
            self._disk.require()
            self._flush()
            oldest = (self._clock.now() - EPOCH) // MS // HOUR - int(self.keep * 24)
            addition = Addition(self._memory, readings, oldest)
            self._disk.run(addition.write)
            with self._lock:
                self._memory.adopt(addition.draft)
        return addition.left_out

    @property
    def is_open(self) -> bool:
        return self._disk.is_open

    # The log's older part

    @property
    def last(self) -> int:
        """The number of the newest reading taken: after a start the log goes on from here."""
        with self._lock:
            return self._kept.last + len(self._pending)

    def skip(self, count: int) -> None:
        """So many readings left the log unseen: their numbers stay free. Raises SinkError."""
        with self._writing:
            self._disk.require()
            self._flush()
            with self._lock:
                self._kept = self._kept._replace(last=self._kept.last + count)

    def after(self, cursor: int, limit: int = 1_000) -> Batch:
        """The oldest readings after the cursor, at most `limit`, as Log.after; raises SinkError."""
        with self._lock:
            first = self._kept.last + 1
            if cursor >= first - 1:
                start = cursor + 1 - first
                readings = self._pending[start : start + limit]
                return Batch(readings, cursor + len(readings), 0)
        batch = self._backlog.after(cursor, limit)
        if batch is None:  # what is gone was dropped, since no sink known here needed it
            batch = self.after(first - 1, limit)._replace(missed=first - 1 - cursor)
        return batch

    def cursor(self, name: str) -> int | None:
        """How far this sink has come; None for a new one."""
        with self._lock:
            return self._cursors.get(name)

    def move(self, name: str, number: int) -> None:
        """This sink has kept all up to this number; saved with the next flush."""
        with self._lock:
            self._cursors[name] = number

    def names(self) -> set[str]:
        """The sinks that are known."""
        with self._lock:
            return set(self._cursors)

    def forget(self, name: str) -> None:
        """This sink is no more: nothing is kept for it."""
        with self._lock:
            self._cursors.pop(name, None)

    # What is known

    @property
    def note(self) -> str:
        """What is worth knowing, such as a damaged file that was set aside."""
        return ". ".join(filter(None, (self._disk.note, self._shortened, self.remark)))

    def latest(self) -> Mapping[str, Mapping[str, Value]]:
        """device -> quantity -> what was told last, in order of arrival."""
        with self._lock:
            return {device: dict(values) for device, values in self._memory.latest.items()}

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        with self._lock:
            return {device: dict(words) for device, words in self._memory.labels.items()}

    @contextmanager
    def look(
        self, device: str, quantity: str, start: int, end: int
    ) -> Iterator[tuple[sqlite3.Connection, Memories]]:
        """The file and what is not yet packed (start <= ms < end), at one and the same instant."""
        pause = threading.Event()
        for _ in range(LOOKS):
            with self._disk.readers.lend() as connection:
                row = connection.execute("SELECT value FROM state WHERE name = 'packs'").fetchone()
                with self._lock:
                    packs, hours = self._kept.packs, self._memory.open
                    memories = {
                        key.segment: hours.span(key, start, end)
                        for key in hours.keys(device, quantity)
                    }
                if (row[0] if row else 0) == packs:
                    yield connection, memories
                    return
            pause.wait(PAUSE)
        raise SinkError(f"archive {self.path} is busy packing: ask again")

    def _try_flush(self) -> None:
        try:
            self._flush()
        except SinkError as error:
            if not self.trouble:
                LOG.warning("%s", error)
            self.trouble = str(error)

    def _flush(self) -> None:
        """One transaction; memory changes only after it."""
        self._tried = self._clock.monotonic()
        with self._lock:
            pending, cursors, before = list(self._pending), dict(self._cursors), self._kept
        hour, ended = self._ended()
        last, packs = before.last + len(pending), before.packs

        def work(connection: sqlite3.Connection) -> None:
            nonlocal packs
            append(connection, before.last + 1, pending, cursors)
            self.asides.save(connection)
            self.pasts.save(connection)
            packs = kept(connection).packs + bool(ended)
            if ended:
                oldest = hour - int(self.keep * 24)
                now = Kept(last, packs, cursors)
                pack(connection, self._memory, ended, now, oldest, self.bound)
                self._shortened = note(connection)

        self._disk.run(work)  # what has not changed is not written
        with self._lock:
            self.asides.saved()
            self._kept = Kept(last, packs, cursors)
            del self._pending[: len(pending)]
            self._memory.open.drop(ended)
        self._packed_at = hour
        self.trouble = ""

    def _ended(self) -> tuple[int, list[int]]:
        """The present hour; and, once an hour, those to be packed: ended, or of a wrong clock."""
        past = (self._clock.now() - EPOCH) // MS - GRACE
        hour, ended = past // HOUR, self._memory.open.closed(past, past + AHEAD)
        if hour == self._packed_at and self._memory.open.count < MOST and len(ended) < LATE:
            ended = []
        self._is_late = len(ended) > LATE
        return hour, ended[:LATE]

"""The archive's file while it is open: one connection that writes, others that read; and what is
done when it is damaged or the disk refuses.
"""

import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from ..clock import Clock
from ..errors import SinkError
from .readers import Readers
from .schema import Damaged, is_damage, refused, set_aside, writer
from .written import transaction

LOG = logging.getLogger(__name__)
MOUNTS = Path("/proc/self/mountinfo")


class Disk:
    """Not locked by itself; the readers are."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path, self._clock = path, clock
        self.readers = Readers(path)
        self._damage = self._loss = ""  # what a damaged file, and the place of this one, cost
        self._connection: sqlite3.Connection | None = None

    @property
    def note(self) -> str:
        """Of a damaged file that was set aside, and of a place that forgets."""
        return ". ".join(filter(None, (self._damage, self._loss)))

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def require(self) -> sqlite3.Connection:
        """The connection that writes; SinkError where there is none."""
        if self._connection is None:
            raise SinkError(f"archive {self.path} is not open")
        return self._connection

    def open(self) -> None:
        """Open and check; a damaged file is set aside and a fresh one begun. Raises SinkError."""
        try:
            self._connection = writer(self.path)
        except Damaged as error:
            self._connection = self._begin_anew(str(error))
        self.readers.open()
        kind = memory_of(self.path)
        self._loss = f"in memory ({kind}): a power cut or restart costs all history" if kind else ""

    def close(self) -> None:
        """May be called twice."""
        self.readers.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def run(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """One transaction; SinkError, and nothing was written. It is begun again on a fresh file
        where the old one turns out to be damaged.
        """
        try:
            self._run(work)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise refused(self.path, error) from error
            self.close()
            self.open()
            try:
                self._run(work)
            except sqlite3.Error as again:
                raise refused(self.path, again) from again

    def _run(self, work: Callable[[sqlite3.Connection], None]) -> None:
        connection = self.require()
        with transaction(connection):
            work(connection)

    def _begin_anew(self, reason: str) -> sqlite3.Connection:
        aside = set_aside(self.path, f"{self._clock.now():%Y%m%dT%H%M%SZ}")
        self._damage = (
            f"the archive {self.path} was damaged ({reason}); it is set aside as {aside.name} and "
            "a fresh one is begun"
        )
        LOG.error("%s", self._damage)
        try:
            return writer(self.path)
        except Damaged as error:
            raise SinkError(f"archive {self.path}: the disk spoils new files ({error})") from error


def memory_of(path: Path) -> str:
    """The kind of file system if it is one in memory (tmpfs), else "": proc(5), mountinfo.

    It is known by its device: names of mounts may be links, escaped, or mounted over.
    """
    try:
        device = path.stat().st_dev
        mounts = MOUNTS.read_text(errors="replace").splitlines()
    except OSError:  # a system without /proc tells nothing
        return ""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for mount in mounts:
        head, _, tail = mount.partition(" - ")
        kind = tail.partition(" ")[0]
        if head.split()[2] == wanted and kind in ("tmpfs", "ramfs"):
            return kind
    return ""

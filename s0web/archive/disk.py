"""The archive's file while it is open: one connection that writes, others that read; and what is
done when it is damaged or the disk refuses.
"""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from ..clock import Clock
from ..errors import SinkError
from .readers import Readers
from .schema import Damaged, is_damage, refused, set_aside, writer
from .written import transaction

LOG = logging.getLogger(__name__)


class Disk:
    """Not locked by itself; the readers are."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path, self._clock = path, clock
        self.readers = Readers(path)
        self.note = ""  # of a damaged file that was set aside
        self._connection: sqlite3.Connection | None = None

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
        self.note = (
            f"the archive {self.path} was damaged ({reason}); it is set aside as {aside.name} and "
            "a fresh one is begun"
        )
        LOG.error("%s", self.note)
        try:
            return writer(self.path)
        except Damaged as error:
            raise SinkError(f"archive {self.path}: the disk spoils new files ({error})") from error

"""The log's older part, read from the batches on disk."""

import logging
import threading

from ..log import Batch
from ..model import Reading
from .batches import decode
from .readers import Readers

LOG = logging.getLogger(__name__)


class Backlog:
    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._decoded = threading.local()

    def after(self, cursor: int, limit: int) -> Batch | None:
        """The oldest readings after the cursor, of one batch at most; None where no batch has any.
        A batch that is damaged counts as missed. Raises SinkError.
        """
        with self._readers.lend() as connection:
            sql = "SELECT first, last, blob, thin FROM batch WHERE last > ? ORDER BY first LIMIT 1"
            row = connection.execute(sql, (cursor,)).fetchone()
        if row is None:
            return None
        first, last, blob, thin = row
        try:
            readings = self._decode(blob)
        except ValueError as error:
            LOG.error("archive: readings %d to %d are lost: %s", first, last, error)
            return Batch([], last, last - cursor)
        if thin:  # its readings have no numbers of their own
            return Batch(readings, last, max(0, first - cursor - 1))
        start = max(first, cursor + 1)
        told = readings[start - first : start - first + limit]
        return Batch(told, start + len(told) - 1, start - cursor - 1)

    def _decode(self, blob: bytes) -> list[Reading]:
        """A sink asks for a batch piece by piece, and is a thread of its own."""
        known: tuple[bytes, list[Reading]] = getattr(self._decoded, "batch", (b"", []))
        if known[0] != blob:
            known = self._decoded.batch = blob, decode(blob)
        return known[1]

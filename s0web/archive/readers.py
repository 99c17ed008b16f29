"""Connections that only read, lent to whoever asks, from any thread."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import SinkError
from .schema import reader, refused

KEPT = 4  # idle connections


class Readers:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._era = -1  # grows with each opening and closing; even while open

    def open(self) -> None:
        with self._lock:
            self._era += 1 if self._era % 2 else 0

    def close(self) -> None:
        """What is lent is closed when it comes back."""
        with self._lock:
            self._era += 0 if self._era % 2 else 1
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def lend(self) -> Iterator[sqlite3.Connection]:
        """A connection at one instant of the file; SinkError where it cannot be read."""
        with self._lock:
            era = self._era
            connection = self._idle.pop() if self._idle else None
        if era % 2:
            raise SinkError(f"archive {self._path} is not open")
        try:
            connection = connection or reader(self._path)
            connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as error:
            raise refused(self._path, error) from error
        finally:
            if connection is not None:
                self._back(connection, era)

    def _back(self, connection: sqlite3.Connection, era: int) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        with self._lock:
            if self._era == era and len(self._idle) < KEPT:
                self._idle.append(connection)
                return
        connection.close()

"""How far new sinks have come in writing what was before the log (`from = beginning`)."""

import sqlite3
import threading
from typing import NamedTuple


class Past(NamedTuple):
    done: int  # ms up to which it is written
    until: int  # ms at which the log takes over


class Pasts:
    """In memory, and saved with each flush; any thread may ask and move."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, Past] = {}

    def of(self, sink: str) -> Past | None:
        """None for one that has nothing more of the past to write."""
        with self._lock:
            return self._of.get(sink)

    def move(self, sink: str, past: Past) -> None:
        with self._lock:
            self._of[sink] = past

    def end(self, sink: str) -> None:
        with self._lock:
            self._of.pop(sink, None)

    def load(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT sink, done, until FROM past").fetchall()
        with self._lock:
            self._of = {sink: Past(*past) for sink, *past in rows}

    def save(self, connection: sqlite3.Connection) -> None:
        """Within a transaction."""
        with self._lock:
            rows = {(sink, *past) for sink, past in self._of.items()}
        if rows != set(connection.execute("SELECT sink, done, until FROM past").fetchall()):
            connection.execute("DELETE FROM past")
            connection.executemany("INSERT INTO past VALUES (?, ?, ?)", rows)

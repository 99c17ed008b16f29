"""The archive's file as it is at one instant, read and never written: for those beside the station.

While a station runs it has what the last flush brought to disk.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..errors import SinkError
from ..model import Value
from .memory import Memory
from .schema import APPLICATION, UPGRADES, Damaged, is_damage, read_back, reader, refused
from .store import Memories
from .written import restore


class Glance:
    """contract: past.Looks"""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._connection = path, connection
        self._memory = Memory()
        self.last = restore(connection, self._memory).last

    @contextmanager
    def look(
        self, device: str, quantity: str, start: int, end: int
    ) -> Iterator[tuple[sqlite3.Connection, Memories]]:
        hours = self._memory.open
        keys = hours.keys(device, quantity)
        yield self._connection, {key.segment: hours.span(key, start, end) for key in keys}

    def latest(self) -> Mapping[str, Mapping[str, Value]]:
        return self._memory.latest

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """device -> what it said in words."""
        return self._memory.labels


@contextmanager
def glance(path: Path) -> Iterator[Glance]:
    """Look at a file; SinkError where there is none, or none that can be read."""
    if not path.exists():
        raise SinkError(
            f"archive {path}: there is none yet; a station that ran for a while has one"
        )
    try:
        connection = reader(path)
        try:
            connection.execute("BEGIN")
            _check(path, connection)
            read_back(connection)
            yield Glance(path, connection)
        finally:
            connection.close()
    except (Damaged, sqlite3.Error) as error:
        if isinstance(error, Damaged) or is_damage(error):
            raise SinkError(f"archive {path} is damaged, or is no archive ({error})") from error
        raise refused(path, error) from error


def _check(path: Path, connection: sqlite3.Connection) -> None:
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if owner != APPLICATION:
        raise SinkError(f"archive {path} is no archive of s0web")
    if version > len(UPGRADES):
        raise SinkError(
            f"archive {path} is of version {version}, this s0web knows up to {len(UPGRADES)}: "
            "update s0web"
        )
    if version < len(UPGRADES):
        raise SinkError(
            f"archive {path} is of the older version {version}: start the station once, that "
            "brings it up to date"
        )

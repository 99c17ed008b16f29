"""The state folder as a command finds it: whose it is, and whether a station runs in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..config import Config
from ..errors import StationError
from ..statelock import StateLock


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold the lock of the INI's folder; StationError while a station runs there."""
    file = path.with_name("station.lock")
    lock = StateLock(file)
    try:
        if not lock.take():
            raise StationError(
                f"A station runs with {path}: stop it for the moment (sudo systemctl stop apache2, "
                f"or end s0web serve), {what}, then start it again."
            )
        give(file)
        yield
    finally:
        lock.drop()


def give(path: Path) -> None:
    """What root makes in the service's folder belongs to the service."""
    if os.geteuid() == 0 and path.exists():
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def keep_days(config: Config) -> float:
    """For how long the archive keeps full resolution."""
    return float(config.sections["archive"]["keep"])

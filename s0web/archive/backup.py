"""Making a backup: copy, check, pack and read back, while the station runs or not.

`s0web backup` and the page Devices have it made here; what came since the station's last flush is
not in it.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from errno import ENOSPC
from os import strerror
from pathlib import Path
from shutil import disk_usage
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .. import config as ini
from ..config import Config
from ..errors import StationError
from . import bundle
from .bundle import Holds
from .place import archive_path
from .schema import refused

SPARE = 16_000_000  # bytes that the station itself may write meanwhile
MB = 1_000_000


class Made(NamedTuple):
    path: Path
    held: Holds | None  # None: there is no archive yet


def file_name(config: Config, now: datetime) -> str:
    return f"s0web-{now.astimezone(zone(config)):%Y-%m-%d-%H%M%S}.zip"


def zone(config: Config) -> tzinfo | None:
    """That of the settings; None: the machine's own."""
    own = config.sections["s0web"]["timezone"]
    return ZoneInfo(own) if own else None


def unseen(part: float) -> None:
    """Nobody looks how far it is."""


@contextmanager
def making(
    config: Config,
    place: Path,
    now: datetime,
    show: Callable[[float], None] = unseen,
    prefix: str = ".s0web-",
) -> Iterator[Made]:
    """A backup that was read back, in a temporary folder in `place` that goes at the end.

    Raises StationError or SinkError, also for what the body finds wrong with `place`.
    """
    archive = archive_path(config)
    try:
        _require_room(archive, place)
        with tempfile.TemporaryDirectory(prefix=prefix, dir=place) as folder:
            yield _made(Path(folder), ini.read(config.path), archive, now, show)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:  # the copy's disk
            raise _refused(place, OSError(ENOSPC, strerror(ENOSPC))) from error
        raise refused(archive, error) from error
    except OSError as error:
        if error.strerror is None:
            raise
        raise _refused(place, error) from error


def _require_room(archive: Path, place: Path) -> None:
    """The copy and what is packed of it, then that and what is read back, are there at once."""
    parts = (archive, archive.with_name(f"{archive.name}-wal"))
    need = SPARE + 2 * sum(part.stat().st_size for part in parts if part.exists())
    if (free := disk_usage(place).free) < need:
        raise StationError(
            f"{place}: a backup needs {need / MB:,.0f} MB there while it is made, and "
            f"{free / MB:,.0f} MB are free: make room, or have it made on another disk "
            "(s0web backup FOLDER)."
        )


def _refused(place: Path, error: OSError) -> StationError:
    remedy = "is there room for the archive twice?"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        remedy = "make that folder first."
    elif isinstance(error, PermissionError):
        remedy = "name a folder where you may write, or take sudo."
    return StationError(f"{place}: cannot be written ({error.strerror}): {remedy}")


def _made(
    folder: Path, text: str, archive: Path, now: datetime, show: Callable[[float], None]
) -> Made:
    part, copy, held = folder / "backup.zip", folder / "copy.db", None
    if archive.exists():
        bundle.copy(archive, copy, show)
        try:
            held = bundle.holds(copy)
        except StationError as error:
            raise StationError(f"{archive}: {error}; nothing is backed up.") from error
    bundle.pack(part, text, copy if held else None, held, now)
    copy.unlink(missing_ok=True)
    back = bundle.unpack(part, folder)
    if (back.ini, back.holds) != (text, held):
        raise StationError(
            f"{folder.parent}: what was written cannot be read back: is the disk sound?"
        )
    return Made(part, held)

"""A backup: one zip file with the INI, the archive and what it should hold.

It is read back before it counts, when it is made and when it is restored.
"""

import json
import os
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__
from ..errors import StationError
from .batches import EPOCH, decode
from .memory import MS
from .rollups import QUARTER
from .schema import APPLICATION, UPGRADES, Damaged, read_back

FORMAT = 1
ABOUT, INI, ARCHIVE = "about.json", "s0web.ini", "archive.db"
PAGES = 2_000  # copied at once
MODE = 0o600  # there are passwords in it


class Holds(NamedTuple):
    """What an archive holds."""

    version: int
    series: int
    hours: int
    quarters: int
    batches: int
    last: int  # number of the newest reading
    first_at: int  # ms, to the quarter of an hour
    last_at: int  # ms


class Backup(NamedTuple):
    """One that was read back whole; the archive lies where it was unpacked."""

    made: str
    by: str  # version of s0web
    ini: str
    archive: Path | None
    holds: Holds | None


def copy(source: Path, target: Path, show: Callable[[float], None]) -> None:
    """The archive as it is at one instant, a running station's too; raises sqlite3.Error."""
    reader = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
    writer = sqlite3.connect(target)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()

        def told(status: int, left: int, pages: int) -> None:
            show(1 - left / max(pages, 1))

        reader.backup(writer, pages=PAGES, progress=told)
        writer.execute("PRAGMA journal_mode = DELETE")
    finally:
        writer.close()
        reader.close()


def holds(path: Path) -> Holds:
    """Check an archive whole and count what is in it; StationError says what is wrong."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return _holds(connection)
        finally:
            connection.close()
    except (Damaged, sqlite3.Error) as error:
        raise StationError(f"the archive is damaged ({error})") from error


def _holds(connection: sqlite3.Connection) -> Holds:
    def one(sql: str) -> Any:
        return connection.execute(sql).fetchone()[0]

    if one("PRAGMA application_id") != APPLICATION:
        raise StationError("the archive is another program's database")
    if (version := one("PRAGMA user_version")) > len(UPGRADES):
        raise StationError("the archive is of a newer s0web: update this one first")
    if (verdict := one("PRAGMA integrity_check(1)")) != "ok":
        raise StationError(f"the archive is damaged ({verdict})")
    read_back(connection)
    rolled = "(SELECT quarter FROM gauge UNION ALL SELECT quarter FROM register)"
    begins = one(f"SELECT coalesce(min(quarter), 0) FROM {rolled}") * QUARTER
    ends = one(f"SELECT coalesce(max(quarter), 0) FROM {rolled}") * QUARTER
    row = connection.execute("SELECT blob FROM batch ORDER BY first DESC LIMIT 1").fetchone()
    try:
        times = [(reading.time - EPOCH) // MS for reading in decode(row[0])] if row else []
    except ValueError as error:
        raise StationError(f"the archive is damaged ({error})") from error
    return Holds(
        version,
        one("SELECT count(*) FROM series"),
        one("SELECT count(*) FROM hour"),
        one(f"SELECT count(*) FROM {rolled}"),
        one("SELECT count(*) FROM batch"),
        one("SELECT coalesce(max(last), 0) FROM batch"),
        begins or min(times, default=0),
        max([ends, *times]),
    )


def pack(part: Path, ini: str, archive: Path | None, held: Holds | None, now: datetime) -> None:
    """Write the file, for its owner's eyes alone."""
    about = {"format": FORMAT, "s0web": __version__, "made": now.isoformat(timespec="seconds")}
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    with os.fdopen(handle, "w+b") as raw:
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file:
            held_row = None if held is None else held._asdict()
            file.writestr(ABOUT, json.dumps(about | {"archive": held_row}, indent=1))
            file.writestr(INI, ini.encode("utf-8", "surrogateescape"))
            if archive is not None:
                file.write(archive, ARCHIVE)
        raw.flush()
        os.fsync(raw.fileno())


def unpack(path: Path, folder: Path) -> Backup:
    """Read a backup whole and check it, its archive into `folder`; StationError names the file."""
    try:
        with zipfile.ZipFile(path) as file:
            return _unpacked(file, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, StationError):
            raise StationError(f"{path}: {error}.") from error
        raise StationError(f"{path}: is no backup, or is cut off or damaged ({error}).") from None
    except (KeyError, TypeError, ValueError) as error:
        raise StationError(f"{path}: is no backup of s0web ({error}).") from None
    except OSError as error:
        raise StationError(f"{path}: cannot be read into {folder} ({error.strerror}).") from error


def _unpacked(file: zipfile.ZipFile, folder: Path) -> Backup:
    about = json.loads(file.read(ABOUT))
    if int(about["format"]) > FORMAT:
        raise StationError(f"was made by s0web {str(about['s0web'])[:20]}: update this one first")
    ini = file.read(INI).decode("utf-8", "surrogateescape")
    if about["archive"] is None:
        return Backup(str(about["made"]), str(about["s0web"]), ini, None, None)
    row = {name: int(about["archive"][name]) for name in Holds._fields}
    size, free = file.getinfo(ARCHIVE).file_size, shutil.disk_usage(folder).free
    if size > free:
        raise StationError(f"its archive needs {size:,} bytes, and {folder} has {free:,} free")
    target = folder / ARCHIVE
    with file.open(ARCHIVE) as packed, target.open("xb") as raw:
        shutil.copyfileobj(packed, raw, 1_000_000)
        raw.flush()
        os.fsync(raw.fileno())
    if holds(target) != (held := Holds(**row)):
        raise StationError("its archive does not hold what was put in")
    return Backup(str(about["made"]), str(about["s0web"]), ini, target, held)

"""The archive's file: its tables, their version and upgrades, how it is opened, checked and set
aside.

    series   (device, quantity, segment) -> id
    batch    readings first..last of the log in order of arrival, until no one needs them; thin: one
             for each device and quarter of an hour is left
    hour     the packed values of a series in one hour (hours since 1970, UTC)
    gauge    what is kept of each quarter of an hour for ever, see rollups.py
    register
    cursor   how far each sink has come
    packed   the number of the newest reading in a packed hour, while batches still hold the hour
    aside    readings that a server did not take, with its reason, when (ms), and how many values
    past     how far (ms) a new sink has come in what was before the log, and where that ends
    state    latest values, labels, segments (JSON); count of packings; floor of what is not packed
"""

import contextlib
import sqlite3
from pathlib import Path

from ..errors import SinkError
from .memory import Memory

APPLICATION = 0x53307765  # "S0we": whose file it is
BUSY = 5.0  # s that a read may wait for a lock

# From each version to the next.
UPGRADES = (
    """
    CREATE TABLE series (id INTEGER PRIMARY KEY, device TEXT NOT NULL, quantity TEXT NOT NULL,
        segment TEXT NOT NULL, UNIQUE (device, quantity, segment));
    CREATE TABLE batch (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, blob BLOB NOT NULL);
    CREATE TABLE hour (series INTEGER, hour INTEGER, count INTEGER NOT NULL, blob BLOB NOT NULL,
        PRIMARY KEY (series, hour)) WITHOUT ROWID;
    CREATE TABLE gauge (series INTEGER, quarter INTEGER, told INTEGER NOT NULL,
        low REAL NOT NULL, high REAL NOT NULL, sum REAL NOT NULL,
        PRIMARY KEY (series, quarter)) WITHOUT ROWID;
    CREATE TABLE register (series INTEGER, quarter INTEGER, told INTEGER NOT NULL,
        first REAL NOT NULL, first_at INTEGER NOT NULL, last REAL NOT NULL,
        last_at INTEGER NOT NULL, gap INTEGER NOT NULL,
        PRIMARY KEY (series, quarter)) WITHOUT ROWID;
    CREATE INDEX silence ON register (series, quarter) WHERE gap > 0;
    CREATE TABLE cursor (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE packed (hour INTEGER PRIMARY KEY, last INTEGER NOT NULL);
    CREATE TABLE state (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
    """,
    """
    ALTER TABLE batch ADD COLUMN thin INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE aside (id INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL,
        time INTEGER NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, blob BLOB NOT NULL);
    CREATE INDEX aside_of ON aside (sink);
    CREATE TABLE past (sink TEXT PRIMARY KEY, done INTEGER NOT NULL, until INTEGER NOT NULL)
        WITHOUT ROWID;
    """,
)


class Damaged(Exception):
    """The file is no sound database; the text says what is wrong."""


def writer(path: Path) -> sqlite3.Connection:
    """Open, check and upgrade the file, or make a new one; raises Damaged, or SinkError for what a
    fresh file would not heal.
    """
    try:
        if not path.exists():
            with contextlib.suppress(OSError):  # SQLite will say it in a sentence
                path.touch(mode=0o640)  # not everyone shall read what a household does
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise refused(path, error) from error
    with contextlib.ExitStack() as stack:
        stack.callback(connection.close)
        try:
            _check(path, connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _upgrade(path, connection)
            read_back(connection)
        except sqlite3.Error as error:
            if is_damage(error):
                raise Damaged(str(error)) from error
            raise refused(path, error) from error
        stack.pop_all()
    return connection


def reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY
    )


def set_aside(path: Path, stamp: str) -> Path:
    """Rename a damaged file and what belongs to it; return its new name."""
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        for end in ("", "-wal", "-shm"):
            part = path.with_name(path.name + end)
            if part.exists():
                part.rename(aside.with_name(aside.name + end))
    except OSError as error:
        raise SinkError(
            f"archive {path} is damaged and cannot be set aside ({error.strerror}): may s0web "
            "write in that folder?"
        ) from error
    return aside


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, not its disk or its rights."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def refused(path: Path, error: sqlite3.Error) -> SinkError:
    """The sentence for what the disk or the system refuses."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    what = {
        sqlite3.SQLITE_FULL: "the disk is full: make room on it, or keep less ([archive] keep)",
        sqlite3.SQLITE_READONLY: "it cannot be written: is the disk mounted read-only, and does "
        "the file belong to s0web?",
        sqlite3.SQLITE_CANTOPEN: "it cannot be opened: does the folder exist, and may s0web write "
        "there?",
        sqlite3.SQLITE_BUSY: "another program holds it: end that first",
        sqlite3.SQLITE_IOERR: "the disk gives errors: is it full or worn out?",
    }.get(code, "SQLite refuses it")
    return SinkError(f"archive {path}: {what} ({error})")


def _check(path: Path, connection: sqlite3.Connection) -> None:
    if path.exists() and path.stat().st_size:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise Damaged(verdict)


def read_back(connection: sqlite3.Connection) -> None:
    """See that what is read at the start can be, as SQLite knows no checksums; raises Damaged."""
    row = connection.execute("SELECT CAST(value AS BLOB) FROM state WHERE name = 'memory'")
    for (text,) in row:
        try:
            Memory().load(text.decode())
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
            raise Damaged(f"what was told last cannot be read: {error}") from error


def _upgrade(path: Path, connection: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, all steps or none."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version > len(UPGRADES) and owner == APPLICATION:
        raise SinkError(
            f"archive {path} is of version {version}, this s0web knows up to {len(UPGRADES)}: "
            "update s0web, or move the file away"
        )
    if tables and owner != APPLICATION:
        raise SinkError(f"archive {path} is another program's database: name another file")
    if version == len(UPGRADES):
        return
    steps = "".join(UPGRADES[version:])
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {steps}; PRAGMA application_id = {APPLICATION}; "
            f"PRAGMA user_version = {len(UPGRADES)}; COMMIT"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise

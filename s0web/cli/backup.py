"""`s0web backup [FILE]`: the INI and the archive in one file, while the station runs or not."""

import argparse
import shutil
import sqlite3
import tempfile
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .. import config as ini
from ..archive.batches import EPOCH
from ..archive.memory import MS
from ..archive.place import archive_path
from ..archive.schema import refused
from ..clock import SystemClock
from ..errors import ConfigError, StationError
from . import bundle
from .bundle import Holds
from .progress import Progress


def add_parser(commands: Any) -> None:
    text = "the settings and the archive in one file, while the station runs or not"
    command: argparse.ArgumentParser = commands.add_parser("backup", help=text, description=text)
    command.add_argument(
        "file", type=Path, nargs="?", default=Path(), metavar="FILE",
        help="a name, or a folder; without, s0web-<date>.zip here",
    )  # fmt: skip
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = ini.load(ini.ini_path())
    own = config.sections["s0web"]["timezone"]
    zone = ZoneInfo(own) if own else None
    now = SystemClock().now()
    target = args.file
    if target.is_dir():
        target = target / f"s0web-{now.astimezone(zone):%Y-%m-%d-%H%M%S}.zip"
    if target.exists():
        raise ConfigError(f"{target}: is there already; take another name.")
    archive = archive_path(config)
    try:
        with tempfile.TemporaryDirectory(prefix=".s0web-", dir=target.parent) as folder:
            held = _made(Path(folder), ini.read(config.path), archive, target, now)
    except sqlite3.Error as error:
        raise refused(archive, error) from error
    except OSError as error:
        if error.strerror is None:
            raise
        remedy = "is there room for the archive twice?"
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            remedy = "make that folder first."
        elif isinstance(error, PermissionError):
            remedy = "name a folder where you may write, or take sudo."
        raise StationError(f"{target}: cannot be written ({error.strerror}): {remedy}") from error
    print(f"{target}: {target.stat().st_size:,} bytes, read back and found whole.")
    print(f"It holds {config.path} and {shown(held, zone)}.")
    print("The settings have passwords in them: only its owner may read the file (mode 0600).")
    return 0


def _made(folder: Path, text: str, archive: Path, target: Path, now: datetime) -> Holds | None:
    """Copy, check, pack, read back, give it its name."""
    part, copy, held = folder / "backup.zip", folder / "copy.db", None
    if archive.exists():
        with Progress("copying") as show:
            bundle.copy(archive, copy, show)
        try:
            held = bundle.holds(copy)
        except StationError as error:
            raise StationError(f"{archive}: {error}; nothing is backed up.") from error
    bundle.pack(part, text, copy if held else None, held, now)
    copy.unlink(missing_ok=True)
    back = bundle.unpack(part, folder)
    if (back.ini, back.holds) != (text, held):
        raise StationError(f"{target}: what was written cannot be read back: is the disk sound?")
    if target.exists():
        raise ConfigError(f"{target}: is there already; take another name.")
    shutil.move(part, target)
    return held


def shown(held: Holds | None, zone: tzinfo | None) -> str:
    """What an archive holds, for people."""
    if held is None:
        return "no archive, since there is none"
    first, last = ((EPOCH + ms * MS).astimezone(zone) for ms in (held.first_at, held.last_at))
    if not held.last_at:
        return "an empty archive"
    return (
        f"an archive of {held.series} series from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} "
        f"({held.hours} hours and {held.quarters} quarter hours)"
    )

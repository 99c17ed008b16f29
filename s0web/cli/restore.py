"""`s0web restore FILE`: what a backup holds; with --write it takes the place of what is there.

Everything is unpacked and checked beside its place before anything is touched; what was there is
set aside with the date.
"""

import argparse
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .. import config as ini
from .. import inifile
from ..archive import bundle
from ..archive.bundle import Backup
from ..archive.place import archive_path
from ..clock import SystemClock
from ..errors import StationError
from .backup import shown
from .owner import alone, give

ENDS = ("", "-wal", "-shm")  # of the files of one archive


def add_parser(commands: Any) -> None:
    text = "put a backup in the place of the settings and the archive"
    command: argparse.ArgumentParser = commands.add_parser(
        "restore", help=text, description=f"{text}. Without --write it only tells what is in it."
    )
    command.add_argument("file", type=Path, metavar="FILE", help="what s0web backup made")
    command.add_argument("--write", action="store_true", help="do it")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    path = ini.ini_path()
    if not args.file.is_file():
        raise StationError(f"{args.file}: there is no such file.")
    if not args.write:
        with tempfile.TemporaryDirectory(dir=_roomy()) as folder:
            _tell(bundle.unpack(args.file, Path(folder)), path)
        print("Nothing is changed yet. To put it in place, add --write.")
        return 0
    with alone(_made(path), "restore"):
        place = _place(args.file, path)
        try:
            with tempfile.TemporaryDirectory(prefix=".s0web-", dir=_made(place).parent) as folder:
                backup = bundle.unpack(args.file, Path(folder))
                _tell(backup, path)
                aside = _put(backup, path, place)
        except OSError as error:
            if error.strerror is None:
                raise
            raise StationError(
                f"{place}: not restored ({error.strerror}); all is as it was."
            ) from error
    print("It is in place." + (" What was there is now:" if aside else ""))
    for old in aside:
        print(f"  {old}")
    return 0


def _roomy() -> str | None:
    return "/var/tmp" if Path("/var/tmp").is_dir() else None  # /tmp is memory on many machines


def _made(path: Path) -> Path:
    """The path, in a folder that is there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StationError(f"{path.parent}: cannot be made ({error.strerror}).") from error
    return path


def _place(file: Path, path: Path) -> Path:
    """Where the archive of the INI in this backup belongs."""
    with tempfile.TemporaryDirectory(dir=_roomy()) as folder:
        text = bundle.unpack(file, Path(folder)).ini
    return archive_path(ini.parse(path, text))


def _tell(backup: Backup, path: Path) -> None:
    config = ini.parse(path, backup.ini)
    own = config.sections["s0web"]["timezone"]
    made = datetime.fromisoformat(backup.made).astimezone(ZoneInfo(own) if own else None)
    print(f"Made {made:%Y-%m-%d %H:%M} by s0web {backup.by[:20]}.")
    names = ", ".join([*config.sources, *config.sinks]) or "no source yet"
    print(f"It holds settings ({names}) and {shown(backup.holds, made.tzinfo)}.")


def _put(backup: Backup, path: Path, place: Path) -> list[Path]:
    """Set aside what is there and put the backup in its place, all or nothing; return what is set
    aside.
    """
    stamp = f".before-restore-{SystemClock().now():%Y%m%dT%H%M%SZ}"
    moved: list[tuple[Path, Path]] = []
    kept = path.with_name(path.name + stamp)
    had_ini = path.exists()
    try:
        if had_ini:
            shutil.copy2(path, kept)
            give(kept)
        if backup.archive is not None:
            for end in ENDS:
                old = place.with_name(place.name + end)
                new = place.with_name(place.name + stamp + end)
                if old.exists():
                    old.rename(new)
                    moved.append((old, new))
            backup.archive.chmod(0o640)
            backup.archive.rename(place)
            give(place)
        inifile.write(path, backup.ini)
    except (OSError, ValueError):
        if backup.archive is not None and (moved or not backup.archive.exists()):
            place.unlink(missing_ok=True)
        for old, new in reversed(moved):
            new.rename(old)
        kept.unlink(missing_ok=True)
        raise
    return [kept] * had_ini + [new for _, new in moved[:1]]

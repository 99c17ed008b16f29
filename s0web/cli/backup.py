"""`s0web backup [FILE]`: the INI and the archive in one file, while the station runs or not."""

import argparse
import shutil
from datetime import tzinfo
from pathlib import Path
from typing import Any

from .. import config as ini
from ..archive.backup import file_name, making, zone
from ..archive.batches import EPOCH
from ..archive.bundle import Holds
from ..archive.memory import MS
from ..clock import SystemClock
from ..errors import ConfigError
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
    now = SystemClock().now()
    target = args.file
    if target.is_dir():
        target = target / file_name(config, now)
    _require_free(target)
    with Progress("copying") as show, making(config, target.parent, now, show) as (part, held):
        _require_free(target)  # it took a while
        shutil.move(part, target)
    print(f"{target}: {target.stat().st_size:,} bytes, read back and found whole.")
    print(f"It holds {config.path} and {shown(held, zone(config))}.")
    print("The settings have passwords in them: only its owner may read the file (mode 0600).")
    return 0


def _require_free(target: Path) -> None:
    if target.exists():
        raise ConfigError(f"{target}: is there already; take another name.")


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

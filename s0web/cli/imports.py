"""`s0web import WHAT FILE`: take over the settings of a predecessor."""

import argparse
from pathlib import Path
from typing import Any

from .. import config as ini
from .. import upgrade
from ..errors import ConfigError


def add_parser(commands: Any) -> None:
    text = "take over the settings of another program"
    command: argparse.ArgumentParser = commands.add_parser("import", help=text, description=text)
    kinds = command.add_subparsers(title="from", metavar="WHAT", required=True)
    for name, help_text, run in (
        ("s0-logger", "S0-Logger's s0logger.conf, with its counter", _s0_logger),
        ("smartmeter", "[serial] and [logging] of smartmeter-python's config.ini", _smartmeter),
    ):
        kind = kinds.add_parser(name, help=help_text, description=help_text)
        kind.add_argument("file", type=Path, help="its settings file")
        kind.set_defaults(run=run)


def _s0_logger(args: argparse.Namespace) -> int:
    text = ini.read(args.file)
    if not upgrade.is_s0_logger(text):
        raise ConfigError(f"{args.file}: has no [Config]; is it S0-Logger's s0logger.conf?")
    return _take_over(upgrade.from_s0_logger(args.file, text))


def _smartmeter(args: argparse.Namespace) -> int:
    return _take_over(upgrade.from_smartmeter(args.file))


def _take_over(sections: upgrade.Sections) -> int:
    """Add the sections to our INI; what is there already under the same name is not overwritten."""
    path = ini.ini_path()
    if not path.exists():
        ini.create(path, sections)
        ini.load(path)
    else:
        there = ini.load(path)
        for section in sections:
            if ":" in section and section in there.sections:
                raise ConfigError(f"{path}: has a [{section}] already; rename or remove it first.")
        ini.save(path, sections)
    for section, options in sections.items():
        told = ", ".join(f"{option} = {text}" for option, text in options.items())
        print(f"[{section}] {told}")
    print(f"Taken over into {path}.")
    return 0

"""`s0web import WHAT FILE`: take over the settings of a predecessor; its history: see
history_import.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import config as ini
from .. import fresh, upgrade
from ..errors import ConfigError
from ..imports import rates
from ..upgrade_energymonitor import from_energymonitor
from ..upgrade_modbus import from_modbus_smartmeter
from ..upgrade_smartmeter import from_smartmeter
from . import history_import


def add_parser(commands: Any) -> None:
    text = "take over the settings or the history of another program"
    command: argparse.ArgumentParser = commands.add_parser("import", help=text, description=text)
    kinds = command.add_subparsers(title="from", metavar="WHAT", required=True)
    for name, help_text, run in (
        ("s0-logger", "S0-Logger's s0logger.conf, with its counter", _s0_logger),
        ("smartmeter", "smartmeter-python's config.ini, with its databases", _smartmeter),
        ("modbus-smartmeter", "Hofei90's smartmeter_cfg.toml", _modbus_smartmeter),
        ("energymonitor", "EnergyMonitor's config.json, with its database", _energymonitor),
        ("rates", "digital_meter's rates.json, as contracts", _rates),
    ):
        kind = kinds.add_parser(name, help=help_text, description=help_text)
        kind.add_argument("file", type=Path, help="its settings file")
        kind.set_defaults(run=run)
    history_import.add_kinds(kinds)


def _s0_logger(args: argparse.Namespace) -> int:
    text = ini.read(args.file)
    if not upgrade.is_s0_logger(text):
        raise ConfigError(f"{args.file}: has no [Config]; is it S0-Logger's s0logger.conf?")
    return _take_over(args.file, upgrade.from_s0_logger(args.file, text))


def _smartmeter(args: argparse.Namespace) -> int:
    found, notes = from_smartmeter(args.file)
    return _take_over(args.file, found, notes)


def _modbus_smartmeter(args: argparse.Namespace) -> int:
    found, notes = from_modbus_smartmeter(args.file)
    return _take_over(args.file, found, notes)


def _energymonitor(args: argparse.Namespace) -> int:
    found, notes = from_energymonitor(args.file)
    return _take_over(args.file, found, notes)


def _rates(args: argparse.Namespace) -> int:
    try:
        found = rates.sections(args.file.read_bytes())
    except OSError as error:
        raise ConfigError(f"{args.file}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        raise ConfigError(f"{args.file}: {error}.") from None
    notes = [
        "What is known already is priced with these too; give a contract its first day with from.",
        "Electricity is priced where [house] names the device of the grid.",
    ]
    return _take_over(args.file, found, notes)


def _take_over(file: Path, found: upgrade.Sections, notes: Sequence[str] = ()) -> int:
    """Add what the file told to our INI; what is set there already is told and stays, and the notes
    say what else there is to know.
    """
    path = ini.ini_path()
    ini.parse(file, fresh.new_file(found))  # a mistake leaves everything as it is
    if path.exists():
        new, told = _beside(path, found)
        ini.save(path, new)
    else:
        new, told = found, []
        fresh.create(path, found)
    for section, options in new.items():
        shown = {name: "(taken over)" if name in ini.SECRET else options[name] for name in options}
        texts = ", ".join(f"{option} = {text}" for option, text in shown.items())
        print(f"[{section}] {texts}" if texts else f"[{section}]")
    for line in told:
        print(line)
    print(f"Taken over into {path}.")
    for note in notes:
        print(note)
    return 0


def _beside(path: Path, found: upgrade.Sections) -> tuple[upgrade.Sections, list[str]]:
    """What of it can be added to the INI that is there, and a line about each option that stays.

    A house of real wires is not turned into a simulated one, nor back.
    """
    config = ini.load(path)
    there = ini.parser_of(path, ini.read(path))
    new: upgrade.Sections = {}
    stays: list[str] = []
    for section, options in found.items():
        if ":" in section and section in config.sections:
            raise ConfigError(f"{path}: has a [{section}] already; rename or remove it first.")
        for option, text in options.items():
            if there.has_option(section, option):
                kept = there[section][option]
            elif (section, option) == ("s0web", "simulate"):
                kept = "yes" if config.simulate else "no"
            else:
                new.setdefault(section, {})[option] = text
                continue
            stays.append(f"[{section}] {option} stays {kept}")
    return new, stays

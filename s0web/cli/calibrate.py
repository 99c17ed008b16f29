"""`s0web calibrate DEVICE[.WIRE]`: find the factors of an ADC's wire with a meter and a kettle.

It works on readings, so it runs beside the station; nothing is changed before the last question.
"""

import argparse
import sys
from contextlib import closing
from typing import Any

from .. import config as ini
from ..clock import SystemClock
from ..config import Config
from ..errors import ConfigError
from .calibration import LOAD, SECONDS, Calibration, Given, Wire, positive
from .readings import meter


def add_parser(commands: Any) -> None:
    text = "find the factors of an ADC's wire, with a meter and a kettle"
    command: argparse.ArgumentParser = commands.add_parser(
        "calibrate",
        help=text,
        description=f"Find the factors of an ADC's wire: a true voltage, and {LOAD} of known "
        "power on that phase. Beside a running station, or without one.",
    )
    command.add_argument("device", metavar="DEVICE[.WIRE]", help="such as mains.brown")
    command.add_argument("--voltage", type=_number, metavar="V", help="what a voltmeter shows")
    true = command.add_mutually_exclusive_group()
    true.add_argument(
        "--power", type=_number, metavar="W", help="what the load takes (of the wire, with --yes)"
    )
    true.add_argument(
        "--current", type=_number, metavar="A", help="what a clamp meter shows on the wire"
    )
    command.add_argument(
        "--reference",
        metavar="DEVICE",
        help="a device of this station that knows: its voltage, and how its power changes as the "
        "load is switched on",
    )
    command.add_argument(
        "--yes", action="store_true", help="ask nothing: the load is on, the INI is written"
    )
    command.add_argument(
        "--seconds",
        type=_seconds,
        default=SECONDS,
        metavar="S",
        help="how long to measure each time (%(default)s)",
    )
    command.add_argument(
        "--url", default="", help="address of the running station (found if local)"
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = ini.load(ini.ini_path())
    clock = SystemClock()
    ask = input if sys.stdin.isatty() else None
    wire = chosen(config, args)
    check_arguments(wire, args, ask is not None)
    with closing(meter(config, args.url, clock)) as station:
        print(f"Reading {wire.device} from {station.name}; Ctrl-C ends it and changes nothing.")
        given = Given(
            args.voltage, args.power, args.current, args.reference or "", args.yes, args.seconds
        )
        Calibration(config, wire, station, clock, ask).run(given)
    return 0


def chosen(config: Config, args: argparse.Namespace) -> Wire:
    """The wire that is meant; ConfigError says which there are."""
    section, _, name = args.device.partition(".")
    adcs = [device for device, of in config.sources.items() if of["type"] == "adc"]
    if section not in adcs:
        there = f"there are: {', '.join(adcs)}" if adcs else "there is none; add one at /s0/config"
        raise ConfigError(f"{config.path}: [source:{section}] is no section of type adc; {there}.")
    options = config.sources[section]
    wires = [wire for wire, _ in options["current_channels"]]
    if not name and len(wires) == 1:
        name = wires[0]
    if name not in wires:
        examples = ", ".join(f"{section}.{wire}" for wire in wires)
        raise ConfigError(f"{args.device}: one wire at a time; say which: {examples}.")
    reference = (args.reference or "").partition(".")[0]
    if reference and reference not in config.sources:
        raise ConfigError(f"--reference: there is no source {reference} in {config.path}.")
    if reference == section:
        raise ConfigError(f"--reference: {section} cannot be its own reference; take another one.")
    return Wire(section, name, options, wires.index(name) + 1)


def check_arguments(wire: Wire, args: argparse.Namespace, is_terminal: bool) -> None:
    """ConfigError if something has to be asked and there is nobody to ask."""
    if args.yes and args.reference and not (args.power or args.current):
        raise ConfigError(
            "--reference looks how its power changes as the load is switched on, which --yes does "
            "not wait for: leave out --yes, or give --power or --current too."
        )
    if not wire.on_voltage and (args.power or args.reference):
        raise ConfigError(
            f"[source:{wire.section}] measures no voltage, so only currents can be compared: give "
            "--current instead."
        )
    if is_terminal and not args.yes:
        return
    missing = []
    if wire.on_voltage and not (args.voltage or args.reference):
        missing.append("--voltage V")
    if not (args.power or args.current):
        missing.append("--power W or --current A" if wire.on_voltage else "--current A")
    if not args.yes:
        missing.append("--yes (with the load switched on)")
    if missing:
        raise ConfigError(f"There is nobody to ask here: give {' and '.join(missing)}.")


def _number(text: str) -> float:
    try:
        return positive(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> int:
    if not text.isdigit() or not 3 <= int(text) <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not 3 to 600 s")
    return int(text)

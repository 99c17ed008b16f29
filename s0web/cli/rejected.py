"""`s0web replay-rejected`: show what servers did not take, and have a sink write it once more."""

import argparse
import getpass
import sys
from typing import Any

from .. import config as ini
from ..errors import ConfigError
from .readings import PasswordNeeded, RunningStation, running

Document = dict[str, Any]


def add_parser(commands: Any) -> None:
    text = "show the values that a database did not take, and have a sink write them once more"
    command: argparse.ArgumentParser = commands.add_parser(
        "replay-rejected", help=text, description=text
    )
    command.add_argument("sink", nargs="?", help="name of the sink; without it they are only shown")
    command.add_argument(
        "--url", default="", help="address of the running station (found if local)"
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = ini.load(ini.ini_path())
    if args.sink and args.sink not in config.sinks:
        there = ", ".join(config.sinks) or "none"
        raise ConfigError(f"{config.path} has no [sink:{args.sink}]; there are: {there}.")
    station = running(config, args.url)
    groups: list[Document] = station.ask("rejected")["rejected"]
    shown = [group for group in groups if args.sink in (None, group["sink"])]
    for group in shown:
        print(f"{group['time']}  {group['sink']}: {group['values']} values: {group['reason']}")
    if not shown:
        print("No value was rejected.")
    elif args.sink:
        values = _replayed(station, args.sink)["values"]
        print(f"{args.sink} writes {values} values once more; what is rejected again stays here.")
    else:
        print("Mend the reason, then have them written: s0web replay-rejected NAME")
    return 0


def _replayed(station: RunningStation, sink: str) -> Document:
    """Ask for it, with the password where it is wanted and can be asked for."""
    what = f"rejected/{sink}"
    try:
        answer: Document = station.ask(what, "POST")
    except PasswordNeeded:
        if not sys.stdin.isatty():
            raise
        answer = station.ask(what, "POST", getpass.getpass("Admin password: "))
    return answer

"""`s0web passwd`: set the admin password; only its salted hash is kept."""

import argparse
import getpass
import sys
from typing import Any

from werkzeug.security import generate_password_hash

from .. import config as ini
from .. import fresh, upgrade
from ..errors import ConfigError

SHORTEST = 8  # characters


def add_parser(commands: Any) -> None:
    text = "set the admin password (asked twice, or one line from standard input)"
    command: argparse.ArgumentParser = commands.add_parser("passwd", help=text, description=text)
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    path = ini.ini_path()
    if path.exists():
        upgrade.taken_over(path)  # S0-Logger's file may be the one that is there
    else:
        fresh.create(path, fresh.FRESH)
    password = _asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if len(password) < SHORTEST:
        raise ConfigError(
            f"The password must have at least {SHORTEST} characters; nothing was changed."
        )
    ini.save(path, {"web": {"admin_password": generate_password_hash(password)}})
    print(f"The admin password is set in {path}; a running station takes it over within seconds.")
    return 0


def _asked() -> str:
    password = getpass.getpass("New admin password: ")
    if getpass.getpass("Once more: ") != password:
        raise ConfigError("The two were not the same; nothing was changed.")
    return password

"""`s0web top [URL]`: a station on a terminal: rates, usage and cost, peaks, telegram, sources."""

import argparse
import getpass
from typing import TYPE_CHECKING, Any

from ..clock import SystemClock
from ..errors import StationError
from .readings import URLS

if TYPE_CHECKING:
    from ..screen.client import Client

INSTALL = "s0web top needs rich: sudo apt install python3-rich, or pip install rich"


def add_parser(commands: Any) -> None:
    text = "the station on this terminal: rates, usage, cost, peaks, telegram"
    keys = "Keys: q quit, tab or arrows the next page, t telegram, s sources, up and down scroll."
    command: argparse.ArgumentParser = commands.add_parser(
        "top", help=text, description=text, epilog=keys
    )
    command.add_argument(
        "url",
        nargs="?",
        default="",
        help="a station elsewhere, such as http://192.168.1.20:8080/s0",
    )
    command.add_argument("--user", default="", help="a name; asks for the password")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
        from ..screen.live import show
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "rich":
            raise
        raise StationError(INSTALL) from error
    password = getpass.getpass(f"Password of {args.user}: ") if args.user else ""
    show(_found(args.url, args.user, password), SystemClock())
    return 0


def _found(url: str, user: str, password: str) -> "Client":
    """The first address at which there is a station."""
    from ..screen.client import Client, NeedsPassword

    base = url.rstrip("/")
    failures = []
    for address in (base, f"{base}/s0") if url else URLS:
        client = Client(address, user, password)
        try:
            if "devices" in client.ask("readings"):
                return client
            failures.append(f"{address} is not a station of s0web.")
        except NeedsPassword:
            raise
        except StationError as error:
            failures.append(str(error))
    remedy = "" if url else " Start it, or tell its address: s0web top http://192.168.1.20:8080/s0"
    raise StationError(" ".join(failures) + remedy)

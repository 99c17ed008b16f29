"""The command line: s0web serve, demo, check, import, export, backup ..., one file of cli/ each."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from . import __version__, fresh, upgrade
from . import config as ini
from .cli import (
    backup,
    calibrate,
    check,
    export,
    imports,
    passwd,
    rejected,
    replay,
    reprice,
    restore,
    scan,
    top,
)
from .errors import S0WebError

DEMO_INI = Path("var/demo/s0web.ini")
ABOUT = """\
s0web, the home-energy station: reads S0, P1 and Modbus meters and current clamps, and shows them
on the LAN.

New here?      s0web demo       then open http://127.0.0.1:8080/s0/
On a Pi?       s0web check      tells what hardware and which mistakes it finds
Day and night: sudo ./install_apache2.sh, or s0web serve
"""
SETTINGS = f"The settings are in the INI file named by S0WEB_INI (default {ini.DEFAULT_INI})."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0 fine, 1 mistakes found, 2 could not be done."""
    args = _parser().parse_args(arguments)
    try:
        code: int = args.run(args)
    except S0WebError as error:
        print(f"s0web: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(file=sys.stderr)  # the prompt does not follow the ^C
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="s0web",
        description=ABOUT,
        epilog=SETTINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"s0web {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, help_text, run in (
        ("serve", "run the station and serve its pages (without Apache)", _serve),
        ("demo", "the same with a simulated house; state in ./var/demo/", _demo),
    ):
        command = commands.add_parser(name, help=help_text, description=help_text, epilog=SETTINGS)
        command.add_argument(
            "--host",
            default="127.0.0.1",
            help="address to listen on; 0.0.0.0 for the whole LAN (%(default)s)",
        )
        command.add_argument("--port", type=_port, default=8080, help="port (%(default)s)")
        command.set_defaults(run=run)
    for module in (
        check,
        passwd,
        imports,
        export,
        backup,
        restore,
        rejected,
        reprice,
        replay,
        scan,
        calibrate,
        top,
    ):
        module.add_parser(commands)
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)


def _serve(args: argparse.Namespace) -> int:
    return _run(ini.ini_path(), args.host, args.port)


def _demo(args: argparse.Namespace) -> int:
    from os import environ

    path = Path(environ.get("S0WEB_INI") or DEMO_INI)
    if not path.exists():
        fresh.create(path, fresh.DEMO)
    return _run(path, args.host, args.port)


def _run(path: Path, host: str, port: int) -> int:
    """Listen, then start the station; stop in order on Ctrl-C and SIGTERM."""
    from . import bot
    from .station import Station
    from .web.app import create_app
    from .web.server import ROOT, server

    sys.setswitchinterval(0.0005)  # s; a heavy handler shall not keep the wires waiting
    if path.exists():
        upgrade.checked(path)
    station = Station(path)
    listening = server(create_app(station), host, port)
    signal.signal(signal.SIGTERM, _terminate)
    shown = f"[{host}]" if ":" in host else host
    where = getattr(listening, "effective_port", port)
    print(
        f"s0web {__version__} on http://{shown}:{where}{ROOT}/ with {path} (Ctrl-C ends it)",
        flush=True,
    )
    station.start()
    bot.start(station)
    try:
        listening.run()
    finally:
        station.stop()
    return 0


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())

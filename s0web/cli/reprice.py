"""`s0web reprice`: what was booked, priced once more by the contracts as they are now.

A dry run tells the sums before and after; with --write a running station books anew, else the
archive is written under its lock. The same stamps are told again, so that databases follow.
"""

import argparse
import getpass
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from .. import config as ini
from ..archive.glance import Glance, glance
from ..archive.place import archive_path
from ..archive.query import History
from ..archive.store import Archive
from ..clock import SystemClock
from ..config import Config
from ..derived import anew
from ..derived.ledger import QUARTER, Ledger, Page, contracts_of
from ..energy.price_book import PriceBook
from ..errors import ConfigError, StationError
from .owner import alone, give, keep_days
from .readings import PasswordNeeded, RunningStation, is_free, running

MEGABYTE = 1_000_000
Month = tuple[str, str]  # carrier, 2026-03


class Sums(NamedTuple):
    quarters: int
    before: float  # EUR
    after: float


class Range(NamedTuple):
    start: datetime
    end: datetime
    zone: tzinfo | None


def add_parser(commands: Any) -> None:
    text = "price what was booked once more, by the contracts as they are now"
    command: argparse.ArgumentParser = commands.add_parser(
        "reprice",
        help=text,
        description=f"{text}. Without --write it only tells the sums before and after.",
    )
    command.add_argument(
        "--from", dest="start", required=True, type=_day, metavar="DAY", help="2026-03-01"
    )
    command.add_argument("--to", dest="end", type=_day, metavar="DAY", help="last day; else all")
    command.add_argument("--write", action="store_true", help="book it so")
    command.add_argument(
        "--url", default="", help="address of the running station (found if local)"
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = ini.load(ini.ini_path())
    if not config.contracts:
        raise ConfigError(f"{config.path} has no [contract:NAME]: there is nothing to price by.")
    name = config.sections["s0web"]["timezone"]
    zone = ZoneInfo(name) if name else None
    _check_kept(config, args.start)
    last = args.end or SystemClock().now().astimezone(zone).date()
    span = Range(_midnight(args.start, zone), _midnight(last + timedelta(days=1), zone), zone)
    if not args.write:
        _tell(_dry(config, span))
        print("Nothing is written yet. To book it so, add --write.")
    elif is_free(config) and not args.url:
        with alone(config.path, "reprice"):
            _tell(_written(config, span))
        print(f"It is booked in {archive_path(config)}; databases follow when the station runs.")
    else:
        station = running(config, args.url)
        if not station.has_applied(config):
            raise StationError(f"{station.name} has not yet applied {config.path}; try again.")
        _tell(_dry(config, span))
        _ask(station, span)
        print(f"{station.name} books it so.")
    return 0


def _dry(config: Config, span: Range) -> dict[Month, Sums]:
    with glance(archive_path(config)) as view:
        ledger = _ledger(config, span, view)
        return _summed(ledger, span, _pages(config, ledger, span))


def _written(config: Config, span: Range) -> dict[Month, Sums]:
    path = archive_path(config)
    bound = int(config.sections["archive"]["backlog"] * MEGABYTE)
    archive = Archive(path, SystemClock(), keep=keep_days(config), bound=bound)
    archive.open()
    give(path)

    def kept(ledger: Ledger) -> Iterator[tuple[str, Page]]:
        """Each page is written when it has been counted."""
        for carrier, page in _pages(config, ledger, span):
            yield carrier, page
            archive.write(page.readings)

    try:
        ledger = _ledger(config, span, archive)
        return _summed(ledger, span, kept(ledger))
    finally:
        archive.close()


def _ledger(config: Config, span: Range, view: Glance | Archive) -> Ledger:
    labels = view.labels()
    return Ledger(
        History(view, span.zone),
        contracts_of(config.contracts),
        config.sections["house"],
        span.zone,
        PriceBook(),
        lambda device: labels.get(device, {}),
        1000 * float(config.sections["peak"]["floor"]),
    )


def _pages(config: Config, ledger: Ledger, span: Range) -> Iterator[tuple[str, Page]]:
    for carrier in dict.fromkeys(options["type"] for options in config.contracts.values()):
        for page in anew.pages(ledger, carrier, span.start, span.end):
            yield carrier, page


def _summed(ledger: Ledger, span: Range, pages: Iterator[tuple[str, Page]]) -> dict[Month, Sums]:
    """What is booked for the quarters of these pages, and what they would be."""
    found: dict[Month, Sums] = {}
    for carrier, page in pages:
        if page.missing is not None:
            local = page.missing.astimezone(span.zone)
            print(
                f"{carrier}: the day-ahead price of {local:%Y-%m-%d %H:%M}, and perhaps of others, "
                "is not known: what is booked there stays."
            )
        if not page.readings:
            continue
        first, last = page.readings[0].time - QUARTER, page.readings[-1].time
        booked = {row.end: row.number for row in ledger.costs(carrier, first, last)}
        for reading in page.readings:
            month = f"{(reading.time - QUARTER).astimezone(span.zone):%Y-%m}"
            old = found.get((carrier, month), Sums(0, 0.0, 0.0))
            before = booked.get(round(reading.time.timestamp() * 1000), 0.0)
            found[carrier, month] = Sums(
                old.quarters + 1, old.before + before, old.after + reading.values["cost"]
            )
    return found


def _tell(found: dict[Month, Sums]) -> None:
    if not found:
        print("Nothing is booked in that time.")
    for (carrier, month), sums in found.items():
        print(
            f"{carrier:<12} {month}  {sums.quarters:>6} quarter-hours  "
            f"{sums.before:>10.2f} EUR -> {sums.after:>10.2f} EUR"
        )


def _ask(station: RunningStation, span: Range) -> None:
    """With the password where it is wanted and can be asked for."""
    times = {"from": f"{span.start.timestamp():.0f}", "to": f"{span.end.timestamp():.0f}"}
    what = f"costs/reprice?{urlencode(times)}"
    try:
        station.ask(what, "POST")
    except PasswordNeeded:
        if not sys.stdin.isatty():
            raise
        station.ask(what, "POST", getpass.getpass("Admin password: "))


def _check_kept(config: Config, start: date) -> None:
    """Of older hours the archive takes nothing any more."""
    oldest = (SystemClock().now() - timedelta(days=keep_days(config))).date()
    if start <= oldest:
        raise ConfigError(
            f"--from {start}: only what came after {oldest} can be priced anew; of what is older "
            "the archive has quarter-hours alone ([archive] keep)."
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-03-01") from None


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone()

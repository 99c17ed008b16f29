"""`s0web export`: what the archive keeps, as CSV or JSON lines; the station may run meanwhile.

Without --step every value that was told, in the layout of the csv sink, fit for s0web import; with
it, of each step a gauge's mean, low and high, and what flowed through a register.
"""

import argparse
import gzip
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, NamedTuple
from zoneinfo import ZoneInfo

from .. import config as ini
from ..archive.batches import EPOCH
from ..archive.glance import Glance, glance
from ..archive.memory import MS
from ..archive.past import Known, catalog, days
from ..archive.periods import STEPS, boundaries
from ..archive.place import archive_path
from ..archive.query import History
from ..errors import ConfigError
from ..quantities import QUANTITIES
from .progress import Progress

PART = timedelta(hours=6)  # read at once
LONG = ("week", "month", "year")
MOST = 4_000_000  # steps in one month of 10 s, and more
COLUMNS = ("time", "local_time", "device", "quantity", "value", "unit", "meter")
STEP_COLUMNS = ("time", "local_time", "device", "quantity", "value", "low", "high", "unit", "step")
Row = tuple[str | float, ...]


class Wish(NamedTuple):
    """What is to be exported."""

    known: list[Known]
    start: datetime
    end: datetime
    zone: tzinfo | None
    step: str  # "" for all that was told


def add_parser(commands: Any) -> None:
    text = "write what the archive keeps as CSV or JSON lines"
    command: argparse.ArgumentParser = commands.add_parser(
        "export",
        help=text,
        description=f"{text}. The station may run meanwhile; what came since its last flush (a "
        "minute at most) is not in it.",
    )
    command.add_argument("--from", dest="start", metavar="TIME", help="2026-03-01, or with a time")
    command.add_argument("--to", dest="end", metavar="TIME", help="up to, and without, this time")
    command.add_argument(
        "--device", action="append", metavar="NAME", help="this one; several: again"
    )
    command.add_argument("--quantity", action="append", metavar="NAME", help="as --device")
    command.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="(%(default)s)")
    command.add_argument(
        "--step", choices=STEPS, help="means, and energy, of each step; fit for reading, not import"
    )
    command.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="packed if it ends with .gz; else stdout"
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = ini.load(ini.ini_path())
    own = config.sections["s0web"]["timezone"]
    zone = ZoneInfo(own) if own else None
    try:
        with glance(archive_path(config)) as view, _output(args.output) as out:
            wish = _wish(args, view, zone)
            columns = STEP_COLUMNS if wish.step else COLUMNS
            write = _writer(out, columns, args.format)
            with Progress("exporting") as show:
                count = 0
                for row in _steps(view, wish, show) if wish.step else _told(view, wish, show):
                    write(row)
                    count += 1
            out.flush()
    except BrokenPipeError:  # `| head` has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if args.output is not None:
        print(f"{count} values are in {args.output}.")
    return 0


def _wish(args: argparse.Namespace, view: Glance, zone: tzinfo | None) -> Wish:
    known = catalog(view)
    for what, wanted in (("device", args.device), ("quantity", args.quantity)):
        there = sorted({str(getattr(row, what)) for row in known})
        for name in wanted or ():
            if name not in there:
                listed = ", ".join(there) or "nothing"
                raise ConfigError(f"--{what} {name}: the archive knows {listed}.")
        known = [row for row in known if not wanted or getattr(row, what) in wanted]
    now = datetime.now(UTC)
    start = _time(args.start, zone) if args.start else min((k.first for k in known), default=now)
    end = _time(args.end, zone) if args.end else max((k.last for k in known), default=now) + MS
    if args.start and args.end and start >= end:
        raise ConfigError(f"--from {args.start}: is not before --to {args.end}.")
    return Wish(known, start, end, zone, args.step or "")


def _time(text: str, zone: tzinfo | None) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        local = time if time.tzinfo else time.replace(tzinfo=zone) if zone else time
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConfigError(f"{text!r} is no time such as 2026-03-01 or 2026-03-01T12:30.") from None


def _told(view: Glance, wish: Wish, show: Callable[[float], None]) -> Iterator[Row]:
    """Every value, in order of time."""
    wanted = {(known.device, known.quantity) for known in wish.known}
    devices = {known.device for known in wish.known}
    whole = max((wish.end - wish.start) / MS, 1)
    for begin, readings in days(view, wish.start, wish.end, devices, PART):
        show((begin - wish.start) / MS / whole)
        for reading in readings:
            times = _times(reading.time, wish.zone)
            for quantity, number in reading.values.items():
                if (reading.device, quantity) in wanted:
                    unit = QUANTITIES[quantity].unit
                    yield (*times, reading.device, quantity, number, unit, reading.meter)


def _steps(view: Glance, wish: Wish, show: Callable[[float], None]) -> Iterator[Row]:
    """Steps, a month at a time where all of them end within it."""
    history = History(view, wish.zone)
    first, last = (wish.start - EPOCH) // MS, (wish.end - EPOCH) // MS
    edges = [first, last]
    if wish.step not in LONG:
        edges = boundaries(first, last, "month", wish.zone, MOST)
    for begin, end in pairwise(edges):
        show((begin - first) / max(last - first, 1))
        start, until = (EPOCH + ms * MS for ms in (max(begin, first), min(end, last)))
        for known in wish.known:
            if known.last < start or known.first >= until:
                continue
            found = history.series(known.device, known.quantity, start, until, wish.step, MOST)
            unit = QUANTITIES[known.quantity].unit
            for point in found.points:
                times = _times(EPOCH + point.time * MS, wish.zone)
                # a difference of registers has a tail of binary fractions
                numbers = (round(n, 6) for n in (point.number, point.low, point.high))
                yield (*times, known.device, known.quantity, *numbers, unit, found.step)


def _times(time: datetime, zone: tzinfo | None) -> tuple[str, str]:
    utc = f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"
    return utc, time.astimezone(zone).isoformat(timespec="milliseconds")


def _writer(out: IO[str], columns: tuple[str, ...], form: str) -> Callable[[Row], object]:
    if form == "jsonl":
        return lambda row: out.write(
            json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n"
        )
    out.write(",".join(columns) + "\n")
    return lambda row: out.write(",".join(map(_field, row)) + "\n")


def _field(value: str | float) -> str:
    text = value if isinstance(value, str) else repr(float(value))
    text = "".join(c if c.isprintable() else " " for c in text)
    return '"' + text.replace('"', '""') + '"' if set(text) & {",", '"'} else text


@contextmanager
def _output(path: Path | None) -> Iterator[IO[str]]:
    """Stdout, or a new file that has its name when it is whole."""
    if path is None:
        yield sys.stdout
        return
    if path.exists():
        raise ConfigError(f"{path}: is there already; take another name.")
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as raw:
            data = gzip.GzipFile(path.name, "wb", fileobj=raw) if path.suffix == ".gz" else raw
            with io.TextIOWrapper(data, "utf-8", newline="\n") as text:
                yield text
        part.rename(path)
    except OSError as error:
        if error.strerror is None:
            raise
        raise ConfigError(f"{path}: cannot be written ({error.strerror}).") from error
    finally:
        part.unlink(missing_ok=True)

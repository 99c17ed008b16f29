"""`s0web import WHAT FILE...` for values of the past: a dry run, or --write into the archive.

Everything is read and checked before anything is written. Registers without a serial are taken for
those of the meter that the station reads by now; registers made of energies per interval have a
meter of their own, and end where the station's begin.
"""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from .. import config as ini
from ..archive.glance import Glance, glance
from ..archive.past import since, total
from ..archive.place import archive_path
from ..archive.store import Archive
from ..clock import SystemClock
from ..config import Config
from ..errors import ConfigError
from ..imports import (
    Choices,
    Fault,
    Parser,
    digital_meter,
    dsmr_reader,
    house,
    p1_csv,
    volumedata,
    wide,
)
from ..model import Reading
from ..option import Option
from ..upgrade_energymonitor import section_name
from .history_files import lines_of
from .owner import alone, give, keep_days
from .progress import Progress
from .spool import Rows, Spool

SHOWN = 5  # faults that are named
MEGABYTE = 1_000_000
AHEAD = timedelta(hours=1)  # that a clock may be wrong


class Kind(NamedTuple):
    name: str
    text: str
    make: Callable[[Choices], Parser]
    options: tuple[str, ...] = ()
    meter: str = ""  # of registers that are made of energies per interval
    utc: bool = False  # times without a zone are UTC


KINDS = (
    Kind(
        "energymonitor-volumedata",
        "EnergyMonitor's table VolumeData: mysqldump, or CSV of a SELECT",
        volumedata.parser, ("begin", "supply"), volumedata.METER, utc=True,
    ),
    Kind(
        "modbus-smartmeter-table",
        "the wide table of Hofei90's smartmeter: pg_dump, mysqldump, or CSV",
        wide.parser, utc=True,
    ),
    Kind("smartmeter-csv", "CSV files of smartmeter-python", p1_csv.parser),
    Kind("digital-meter", "history files (JSON) of digital_meter", digital_meter.parser),
    Kind(
        "dsmr-reader",
        "dsmr-reader's CSV export of day or hour statistics",
        dsmr_reader.parser, ("begin", "tariff1"), dsmr_reader.METER,
    ),
    Kind("s0web", "what s0web export, or a csv sink, wrote", house.parser, utc=True),
)  # fmt: skip


def add_kinds(kinds: Any) -> None:
    for kind in KINDS:
        command: argparse.ArgumentParser = kinds.add_parser(
            kind.name,
            help=f"history: {kind.text}",
            description=f"{kind.text}. Without --write nothing is changed: what would be is shown.",
        )
        command.add_argument("files", type=Path, nargs="+", metavar="FILE", help="may be .gz")
        command.add_argument("--write", action="store_true", help="write it into the archive")
        command.add_argument(
            "--device", action="append", default=[], metavar="[OLD=]NEW", help="its name here"
        )
        command.add_argument(
            "--timezone", type=_zone, metavar="ZONE",
            help="of times that name none: " + ("UTC" if kind.utc else "the station's"),
        )  # fmt: skip
        if "begin" in kind.options:
            command.add_argument(
                "--begin", action="append", default=[], metavar="[QUANTITY=]NUMBER",
                help="what a register showed at the begin, such as energy_import=1234.5",
            )  # fmt: skip
        if "supply" in kind.options:
            command.add_argument(
                "--supply", choices=("import", "export"), default="import",
                help="what its Supply is: energy from the grid (%(default)s), or to it",
            )  # fmt: skip
        if "tariff1" in kind.options:
            command.add_argument(
                "--tariff1", choices=("low", "high"), default="low",
                help="what tariff 1 is: low in the Netherlands (%(default)s), high in Belgium",
            )  # fmt: skip
        command.set_defaults(run=lambda args, kind=kind: run(args, kind))


def run(args: argparse.Namespace, kind: Kind) -> int:
    config = ini.load(ini.ini_path())
    path, now = archive_path(config), SystemClock().now()
    with ExitStack() as stack:
        spool = stack.enter_context(Spool(now + AHEAD))
        with ExitStack() as looking:
            view = looking.enter_context(glance(path)) if path.exists() else None
            faults = _read(args, kind, spool, config, view)
            notes = _cut(spool, kind, view) if view else []
        if kind.make is volumedata.parser:
            notes.append(f"Supply is taken for energy_{args.supply}; else say so with --supply.")
        rows = spool.rows()
        if not rows:
            raise ConfigError(f"{args.files[0]}: there is nothing in it that could be kept.")
        _tell(rows, faults, notes, config)
        if not args.write:
            print(f"Nothing is written yet. To write it into {path}, add --write.")
            return 0
        with alone(config.path, "run this again"):
            _write(path, config, spool, sum(row.told for row in rows))
    return 0


def _read(
    args: argparse.Namespace, kind: Kind, spool: Spool, config: Config, view: Glance | None
) -> list[str]:
    """Everything into the spool; return the faults."""
    parser = kind.make(_choices(args, kind, config, view))
    latest = view.latest() if view and kind.make is not house.parser else {}
    faults: list[str] = []
    good = 0

    def own(reading: Reading) -> Reading:
        """With the serial of the meter that the station reads."""
        meters = {v.meter for q, v in latest.get(reading.device, {}).items() if q in reading.values}
        return replace(reading, meter=max(meters)) if meters and not reading.meter else reading

    for file in args.files:
        with Progress(f"reading {file.name}") as show, lines_of(file, show) as lines:
            line = 0
            for told in parser(lines):
                try:
                    if isinstance(told, Fault):
                        line = told.line
                        raise ValueError(told.text)
                    spool.put(own(told))
                    good += 1
                except ValueError as error:
                    where = f"line {line}: " if isinstance(told, Fault) else ""
                    faults.append(f"{file.name}: {where}{error}")
    if len(faults) > good:
        raise ConfigError(
            f"{args.files[0]}: {len(faults)} lines are wrong and {good} right, so it is not taken "
            f"for {kind.text}. The first: {faults[0]}"
        )
    return faults


def _choices(args: argparse.Namespace, kind: Kind, config: Config, view: Glance | None) -> Choices:
    names: dict[str, str] = {}
    for text in args.device:
        old, _, new = text.rpartition("=")
        if not ini.NAME.fullmatch(new.partition(".")[0]):
            raise ConfigError(f"--device {ascii(text[:60])[1:-1]}: is not NEW or OLD=NEW.")
        names[old] = new
    begins = dict(_begin(text) for text in getattr(args, "begin", []))
    own = config.sections["s0web"]["timezone"]
    usual = ZoneInfo(own) if own and not kind.utc else None

    def device(name: str) -> str:
        usual = section_name(name) if kind.make is volumedata.parser else name
        return names.get(name) or names.get("") or usual or name

    def begin(device: str, quantity: str, meter: str, time: datetime) -> float:
        if (told := begins.get(f"{device}.{quantity}", begins.get(quantity))) is not None:
            return told
        return (total(view, device, quantity, meter, time) if view else None) or 0.0

    supply, tariff1 = getattr(args, "supply", "import"), getattr(args, "tariff1", "low")
    return Choices(args.timezone or usual, device, begin, supply, tariff1)


def _cut(spool: Spool, kind: Kind, view: Glance) -> list[str]:
    """Leave out made registers where the station has its own; return sentences about it."""
    notes = []
    for row in spool.rows():
        if not kind.meter or row.meter != kind.meter:
            continue
        begin = since(view, row.device, row.quantity, kind.meter)
        if begin is not None and begin <= row.last:
            count = spool.drop(row, begin)
            notes.append(
                f"{row.device} {row.quantity}: the station has its own from {begin:%Y-%m-%d %H:%M} "
                f"UTC on; {count} later values are left out."
            )
    return notes


def _tell(rows: list[Rows], faults: list[str], notes: list[str], config: Config) -> None:
    own = config.sections["s0web"]["timezone"]
    zone = ZoneInfo(own) if own else None
    print(f"{'device':16} {'quantity':28} {'values':>9}  {'from':16}  {'to':16}  meter")
    for row in rows:
        first, last = (f"{t.astimezone(zone):%Y-%m-%d %H:%M}" for t in (row.first, row.last))
        print(
            f"{row.device:16} {row.quantity:28} {row.told:9}  {first:16}  {last:16}  {row.meter}"
            + (f"  (falls {row.falls} times: other meters)" if row.falls else "")
        )
    missing = {row.device.partition(".")[0] for row in rows} - config.sources.keys()
    if missing:
        print(f"No source of the station is called {', '.join(sorted(missing))}: see --device.")
    for note in notes:
        print(note)
    if faults:
        print(f"{len(faults)} lines are left out:")
        for fault in faults[:SHOWN]:
            print(f"  {fault}")


def _write(path: Path, config: Config, spool: Spool, count: int) -> None:
    bound = int(config.sections["archive"]["backlog"] * MEGABYTE)  # what sinks have to get, stays
    archive = Archive(path, SystemClock(), keep=keep_days(config), bound=bound)
    left_out = done = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    archive.open()
    give(path)
    try:
        with Progress("writing") as show:
            for batch in spool.batches():
                left_out += archive.add(batch)
                done += sum(len(reading.values) for reading in batch)
                show(done / count)
    except BaseException:
        print(f"{done} of {count} values are written; run it again, that does no harm.")
        raise
    finally:
        archive.close()
    print(f"{done - left_out} values are in {path}.")
    if left_out:
        print(f"{left_out} were left out: of their hours only quarters of an hour are kept.")


def _begin(text: str) -> tuple[str, float]:
    name, _, number = text.rpartition("=")
    try:
        return name or "energy_import", Option("begin", "number", "0", "", "", 0, 1e9).parse(number)
    except ValueError as error:
        raise ConfigError(f"--begin {ascii(text[:60])[1:-1]}: {error}.") from None


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError):
        raise argparse.ArgumentTypeError(f"{text!r} is no zone such as Europe/Brussels") from None

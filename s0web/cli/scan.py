"""`s0web scan PORT`: find the Modbus meters on a bus, and print the INI sections that read them.

1. A meter answers any question to its unit, be it by a refusal: one short question finds it.
2. Likely units first, at all settings; then the others. All meters of a bus have one setting: when
   one is found, only that setting is looked at further.
"""

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import ReplyError
from ..hardware import Bus, BusLine
from ..hardware import modbus as hardware
from ..hardware.serial import ports
from ..registry import METERS, load
from .scan_models import identify, shown

BAUDS = "9600,19200,2400,38400,4800,1200,57600,115200"
LIKELY = 10  # units up to this are looked at first: few meters get a higher one
QUICK = 0.1  # s to begin an answer
SLACK = 0.02  # s that the port adds
QUESTIONS = ((4, 0), (3, 0))  # function, address; a few meters ignore a function they do not have
GATEWAY = (10, 11)  # exceptions by which a gateway says that nobody answers


class Setting(NamedTuple):
    baud: int
    parity: str


class Found(NamedTuple):
    unit: int
    setting: Setting
    models: tuple[str, ...]  # the likeliest first; none: it answers, but what it is is not known
    serial: str


def add_parser(commands: Any) -> None:
    text = "find the Modbus meters on a bus"
    command: argparse.ArgumentParser = commands.add_parser("scan", help=text, description=text)
    command.add_argument("port", help="/dev/serial/by-id/..., socket://host:port or tcp://host:502")
    command.add_argument("--units", type=_units, default=_units("1-247"), help="1-247, or 1-10,20")
    command.add_argument("--bauds", type=_bauds, default=_bauds(BAUDS), help=BAUDS)
    command.add_argument("--parities", type=_parities, default=_parities("N,E,O"), help="N,E,O")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    settings = [Setting(baud, parity) for baud in args.bauds for parity in args.parities]
    scan = Scan(args.port, args.units, settings[:1] if "://" in args.port else settings)
    try:
        scan.run()
    except KeyboardInterrupt:
        scan.show("Stopped.", last=True)
    for line in lines(args.port, scan.found):
        print(line)
    if not scan.found:
        heard = (
            "Bytes were heard, but no whole answer: is there a second master?" if scan.noise else ""
        )
        print(f"; No meter answered on {args.port}. {heard}".rstrip())
        print("; Is it on, are A and B the right way round, is another program asking there?")
    return 0 if scan.found else 1


def lines(port: str, found: Sequence[Found]) -> Iterator[str]:
    """The INI sections of what was found."""
    port = next((by_id for by_id, device in ports() if device == os.path.realpath(port)), port)
    for number, meter in enumerate(found, 1):
        if not meter.models:
            mute = ", ".join(name for name in METERS if not shown(load(METERS, name)))
            yield f"; Unit {meter.unit} answers, but is of no known model that tells its voltage."
            yield f"; It may be one of those that do not: {mute}"
        elif len(meter.models) > 1:
            yield f"; It may also be one of: {', '.join(meter.models[1:])}"
        begin = "" if meter.models else "; "
        yield f"{begin}[source:meter{number}]"
        yield f"{begin}type = modbus"
        yield f"{begin}port = {port}"
        yield f"{begin}model = {(*meter.models, '?')[0]}"
        yield f"{begin}unit = {meter.unit}"
        if "://" not in port:  # behind a network the far side sets the speed
            yield f"{begin}baud = {meter.setting.baud}"
            yield f"{begin}parity = {meter.setting.parity}"
        if meter.serial:
            yield f"; serial number {meter.serial}"
        yield ""


# -- finding ---------------------------------------------------------------------------------------


class Scan:
    """Looks for meters; `found` holds those found so far, also when it is interrupted."""

    def __init__(self, port: str, units: Iterable[int], settings: Sequence[Setting]) -> None:
        self.found: list[Found] = []
        self.noise = 0  # questions after which something came that is no answer
        self._port, self._settings = port, settings
        self._likely = [unit for unit in units if unit <= LIKELY]
        self._rest = [unit for unit in units if unit > LIKELY]
        self._tty = sys.stderr.isatty()

    def run(self) -> None:
        """Raises SourceError where the port cannot be used."""
        if self._likely and self._rest:
            minutes = len(self._rest) * sum(map(_lasts, self._settings)) / 60
            self.show(
                f"Units up to {LIKELY} at all settings first. If none answers, the others:",
                last=True,
            )
            self.show(f"that takes up to {minutes:.0f} minutes more. Ctrl-C ends it.", last=True)
        for units in filter(None, (self._likely, self._rest)):
            for setting in self._settings:
                self._look(setting, units, QUESTIONS[: 2 if units is self._likely else 1])
                if self.found:
                    if units is self._likely:
                        self._look(setting, self._rest, QUESTIONS[:1])
                    return

    def show(self, text: str, last: bool = False) -> None:
        """Progress: a line that is rewritten on a terminal, else only what is worth a line."""
        if self._tty:
            end = "\n" if last else ""
            print(f"\r\x1b[K{text}", end=end, file=sys.stderr, flush=True)
        elif last:
            print(text, file=sys.stderr, flush=True)

    def _look(
        self, setting: Setting, units: Sequence[int], questions: Sequence[tuple[int, int]]
    ) -> None:
        if not units:
            return
        where = self._port if "://" in self._port else f"{setting.baud} 8{setting.parity}1"
        bus = hardware.open_bus(BusLine(self._port, setting.baud, setting.parity))
        try:
            for unit in units:
                self.show(f"{where}: unit {unit} ({len(self.found)} found)")
                if any(self._answers(bus, unit, *question) for question in questions):
                    models, serial = identify(bus, unit)
                    self.found.append(Found(unit, setting, models, serial))
                    what = models[0] if models else "not recognized"
                    self.show(f"{where}: unit {unit}: {what}", last=True)
        finally:
            bus.close()
        span = f"unit {units[0]}" if len(units) == 1 else f"units {units[0]} to {units[-1]}"
        self.show(f"{where}: {span} done, {len(self.found)} found", last=True)

    def _answers(self, bus: Bus, unit: int, function: int, address: int) -> bool:
        try:
            bus.read(unit, function, address, 2, QUICK, 0.0)
        except ReplyError as error:
            self.noise += error.kind in ("garbled", "short")
            return error.kind == "refused" and error.code not in GATEWAY
        return True


def _lasts(setting: Setting) -> float:
    """Seconds until a silent unit is given up."""
    return QUICK + SLACK + 28 * 11 / setting.baud  # 28 bytes: a request, an answer, the pauses


# -- what may be written on the command line -------------------------------------------------------


def _units(text: str) -> list[int]:
    units: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,3})(?:-([0-9]{1,3}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= 247:
            raise argparse.ArgumentTypeError(
                f"{part!r} is no unit from 1 to 247, nor a span of them"
            )
        units |= set(range(first, last + 1))
    return sorted(units)


def _bauds(text: str) -> list[int]:
    for part in text.split(","):
        if not re.fullmatch(r"[1-9][0-9]{2,6}", part.strip()):
            raise argparse.ArgumentTypeError(f"{part!r} is no speed such as 9600")
    return list(dict.fromkeys(int(part) for part in text.split(",")))


def _parities(text: str) -> list[str]:
    parities = [part.strip().upper() for part in text.split(",")]
    if not set(parities) <= set("NEO"):
        raise argparse.ArgumentTypeError(f"{text!r}: parities are N, E and O, such as N,E")
    return list(dict.fromkeys(parities))

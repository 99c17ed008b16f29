"""Writes every Reading into CSV files that are closed by length and by age.

1. A batch is handed to the kernel before it counts as kept, so killing the station loses nothing;
   the disk has it after `write_every` readings, when the file is closed, and when the kernel likes.
2. The last lines are remembered, over a restart too (they are read from the files), and not
   written twice; a write that fails midway is cut off again.
"""

import errno
import re
from collections.abc import Iterator, Sequence
from copy import copy
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..errors import SinkError
from ..model import Options, Reading
from ..quantities import QUANTITIES
from .csv_files import Growing, last_lines, recover
from .smartmeter import COLUMNS, Smartmeter

REMEMBERED = 50_000  # lines; what comes again after a restart is found among them
MARK = 10_000  # lines after which the archive should save how far we are
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
DENIED = (errno.EACCES, errno.EPERM)


class Row(NamedTuple):
    key: str  # the same for the same line written again
    text: str


class Layout(Protocol):
    header: str

    def rows(self, reading: Reading) -> list[Row]:
        """The lines of a reading."""

    def key_of(self, line: str) -> str:
        """The key of a line that was written, without its end."""


class HouseLayout:
    """One line for each value; times to the millisecond."""

    header = "time,local_time,device,quantity,value,unit,meter\n"

    def __init__(self, device: str, zone: str) -> None:
        self._device, self._zone = device, ZoneInfo(zone) if zone else None

    def rows(self, reading: Reading) -> list[Row]:
        if self._device and not f"{reading.device}.".startswith(f"{self._device}."):
            return []
        utc = f"{reading.time:%Y-%m-%dT%H:%M:%S}.{reading.time.microsecond // 1000:03}Z"
        local = reading.time.astimezone(self._zone).isoformat(timespec="milliseconds")
        head, meter = f"{utc},{local},{_field(reading.device)}", _field(reading.meter)
        lines = [
            f"{head},{quantity},{float(number)!r},{_unit(quantity)},{meter}"
            for quantity, number in reading.values.items()
        ]
        return [Row(self.key_of(line), f"{line}\n") for line in lines]

    def key_of(self, line: str) -> str:
        """All but the local time: the zone may be another by then."""
        time, _, rest = line.partition(",")
        return f"{time},{rest.partition(',')[2]}"


class SmartmeterLayout:
    """One line for each telegram of a P1 meter, in the columns of smartmeter-python."""

    header = ",".join(COLUMNS) + "\n"

    def __init__(self, device: str) -> None:
        self._meter = Smartmeter(device)

    def rows(self, reading: Reading) -> list[Row]:
        fields = self._meter.take(reading)
        if not fields:
            return []
        texts = self._meter.row(fields, reading.time)
        return [Row(texts[0], ",".join(texts) + "\n")]

    def key_of(self, line: str) -> str:
        return line.partition(",")[0]

    def __copy__(self) -> "SmartmeterLayout":
        other = SmartmeterLayout("")
        other._meter = copy(self._meter)
        return other


class CsvSink:
    """contract: model.Sink"""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = f"sink:{name}"
        self._options, self._clock = options, clock
        self._folder, self._prefix = Path(options["file_path"]), str(options["file_prefix"])
        self._layout: Layout = (
            SmartmeterLayout(options["device"])
            if options["layout"] == "smartmeter"
            else HouseLayout(options["device"], options["timezone"])
        )
        self._header = self._layout.header if options["write_header"] else ""
        self._file: Growing | None = None
        self._began = 0.0  # when the file was
        self._unsynced = 0  # readings
        self._known: dict[str, None] | None = None  # keys of the last lines, oldest first
        self._unmarked = 0  # lines since `marked`

    @staticmethod
    def wrong(options: Options) -> Iterator[tuple[str, str]]:
        """What is wrong in options that are right each by itself: (option, sentence)."""
        if not str(options["file_path"]).startswith("/"):
            yield "file_path", "must be a whole path, beginning with /."
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,60}", options["file_prefix"]):
            yield "file_prefix", "is letters, digits, _, - and dots, and begins with no dot."
        if options["layout"] == "smartmeter" and not options["device"]:
            yield "device", "is missing: layout = smartmeter tells of one P1 meter."

    def open(self) -> None:
        """Make the folder, finish what a killed process left; SinkError if that cannot be."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            recover(self._folder, self._prefix, self._header.encode())
            if self._known is None:
                lines = last_lines(self._folder, self._prefix, REMEMBERED)
                self._known = dict.fromkeys(map(self._layout.key_of, lines))
        except OSError as error:
            raise self._error(error) from None

    def write(self, batch: Sequence[Reading]) -> None:
        layout = copy(self._layout)  # kept only with the batch
        rows = [row for reading in batch for row in layout.rows(reading)]
        try:
            self._close_old()
            self._append(rows)
            self._unsynced += len(batch)
            if self._file is not None and rows and self._unsynced >= self._options["write_every"]:
                self._file.sync()
                self._unsynced = 0
        except OSError as error:
            raise self._error(error) from None
        self._layout = layout

    def close(self) -> None:
        try:
            self._finish()
        except OSError as error:
            raise self._error(error) from None

    @property
    def wants_mark(self) -> bool:
        """Whether it would soon no more know again what it wrote since it was `marked`."""
        return self._unmarked >= MARK

    def marked(self) -> None:
        """How far it came is on disk: nothing before comes again."""
        self._unmarked = 0

    def _append(self, rows: Sequence[Row]) -> None:
        """Write those that are not known yet, into as many files as it takes."""
        known = self._known if self._known is not None else {}
        news = {row.key: row.text for row in rows if row.key not in known}
        keys = list(news)
        while keys:
            if self._file is None:
                self._file = Growing(
                    self._folder, self._prefix, self._clock.now(), self._header.encode()
                )
                self._began, self._unsynced = self._clock.monotonic(), 0
            room = int(self._options["max_lines"]) - self._file.lines
            part, keys = keys[:room], keys[room:]
            self._file.append([news[key] for key in part])
            self._remember(part)
            if self._file.lines >= self._options["max_lines"]:
                self._finish()

    def _remember(self, keys: Sequence[str]) -> None:
        known = self._known = self._known if self._known is not None else {}
        known.update(dict.fromkeys(keys))
        self._unmarked += len(keys)
        for key in list(islice(known, max(0, len(known) - REMEMBERED))):
            del known[key]

    def _close_old(self) -> None:
        age = self._clock.monotonic() - self._began
        if self._file is not None and age >= self._options["max_age"]:
            self._finish()

    def _finish(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.finish()

    def _error(self, error: OSError) -> SinkError:
        code, reason = error.errno or 0, error.strerror or str(error)
        remedy = "is the disk there, and whole?"
        if code in FULL:
            remedy = "make room; what is not written yet comes then."
        elif code == errno.EROFS:
            remedy = "mount it for writing."
        elif code in DENIED:
            remedy = "let the user of the service write there."
        elif code in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST):
            remedy = "take another file_path, or make that folder."
        return SinkError(f"{self._folder} cannot be written ({reason}): {remedy}")


def _unit(quantity: str) -> str:
    known = QUANTITIES.get(quantity)
    return known.unit if known else ""


def _field(text: str) -> str:
    """The text as one field of one line."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return '"' + text.replace('"', '""') + '"' if set(text) & {",", '"'} else text

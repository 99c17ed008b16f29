"""The source that writes a file of usage and cost after each day: FOLDER/MM-DD_data.json, as
digital_meter wrote it, and MM-DD_log_info.log with the day's messages.

A day is written when it is booked, half an hour after its end at the latest; days that were missed
follow, the oldest first. The file of the same day a year before is replaced.
"""

import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from ..archive.batches import EPOCH
from ..archive.query import History
from ..clock import Clock
from ..errors import SinkError, SourceError
from ..inside import Inside
from ..model import Command, Options, Reading, Telling, Totals, Trouble
from .day import DAY, Day, midnight
from .ledger import floored

IDLE, BUSY, RETRY = 30.0, 0.5, 60.0  # s
LATE, SETTLED = timedelta(minutes=30), timedelta(minutes=6)  # gas is told every five minutes
KEPT = 365  # days
ROTATED = 100  # parts of a log, at most
LONGEST = 1_000_000  # bytes; a file has 5,000
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d ")


class DailySource:
    """contract: model.Source"""

    name = "source:daily"
    is_amid = False
    patience = math.inf

    def __init__(
        self, sections: Mapping[str, Options], inside: Inside, clock: Clock, totals: Totals
    ) -> None:
        ((device, options),) = sections.items()
        self.devices: Sequence[str] = (device,)
        self.interval = IDLE
        self._folder = Path(options["folder"])
        self._messages = Path(options["messages"]) if options["log"] else None
        self._house: Options = options["house"]
        self._carriers: Sequence[str] = options["carriers"]
        self._inside, self._clock = inside, clock
        self._opened = clock.now()
        self._next: date | None = None  # to be written; None: not looked yet

    def open(self) -> str:
        """SourceError while there is no archive."""
        self._history()
        self._opened, self._next = self._clock.now(), None
        return f"writes {self._folder}"

    def read(self) -> Sequence[Telling]:
        """Write at most one day."""
        history, zone = self._history(), self._inside.zone
        now, told = self._clock.now().astimezone(zone), list[Telling]()
        today = now.date()
        self.interval = IDLE
        if self._next is None or self._next > today:  # the clock went back
            first = Day.first(history, str(self._house["grid"]))
            if first is None:
                return ()  # the meter has told nothing yet
            self._next = max(first.astimezone(zone).date(), today - KEPT * DAY)
            told.append(Reading(self.devices[0], now, {}, {"folder": str(self._folder)}))
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            while self._next < today and _is_there(self._path(self._next), self._next, now):
                self._next += DAY
            if self._next >= today or not self._is_due(history, self._next):
                return told
            self._write(Day(self._next, history, self._house, zone))
        except SinkError:
            raise  # the archive cannot be read
        except OSError as error:
            self.interval, self._next = RETRY, None
            return [self._trouble(error)]
        labels = {"folder": str(self._folder), "written": f"{self._next}"}
        self._next += DAY
        self.interval = BUSY
        return [Reading(self.devices[0], now, {}, labels)]

    def obey(self, command: Command) -> Sequence[Telling]:
        raise ValueError(f"daily cannot {command.verb}: it only writes")

    def close(self) -> None:
        """Nothing is held."""

    def _history(self) -> History:
        history = self._inside.history
        if history is None:
            raise SourceError("the archive is not open yet: days are written later")
        return history

    def _is_due(self, history: History, day: date) -> bool:
        """Whether the costs of its last quarter are booked, or late."""
        end, now = midnight(day + DAY, self._inside.zone), self._clock.now()
        if now >= max(end, self._opened) + LATE:
            return True
        return now >= end + SETTLED and all(
            any(k.quantity == "cost" and floored(k.last) >= end for k in told)
            for told in (history.catalog(f"costs.{carrier}") for carrier in self._carriers)
        )

    def _path(self, day: date) -> Path:
        return self._folder / f"{day:%m-%d}_data.json"

    def _write(self, day: Day) -> None:
        """The messages first: the data says that the day is done."""
        if self._messages is not None:
            name = f"{day.day:%m-%d}_log_info.log"
            _save(self._folder / name, _of_day(self._messages, day.day))
        document = {**day.document(), "written": self._clock.now().isoformat(timespec="seconds")}
        _save(self._path(day.day), [json.dumps(document, indent=4), "\n"])

    def _trouble(self, error: OSError) -> Trouble:
        text = f"{self._folder} cannot be written ({error.strerror})"
        remedy = "Make that folder writable, or take another in [daily] folder."
        return Trouble(self.devices[0], "folder", text, remedy)


def _is_there(path: Path, day: date, now: datetime) -> bool:
    """Whether a file tells of this day, or of a later one: digital_meter's own go on for a day. Not
    if it is of the future: the clock was ahead. `now`: local.
    """
    try:
        if path.stat().st_size > LONGEST:
            return False
        said: Any = json.loads(path.read_bytes())
        spoke = datetime.fromisoformat(said["cur_time"]).date()
        written = datetime.fromisoformat(said.get("written", EPOCH.isoformat()))
        return day <= spoke <= now.date() and written <= now
    except (FileNotFoundError, ValueError, TypeError, KeyError, RecursionError):
        return False


def _save(path: Path, texts: Iterator[str] | Sequence[str]) -> None:
    """Whole or not at all; raises OSError."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.writelines(texts)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _of_day(log: Path, day: date) -> Iterator[str]:
    """The lines of a day from the log and its rotated parts, the oldest first."""
    rotated = (log.with_name(f"{log.name}.{number}") for number in range(ROTATED, 0, -1))
    is_of_day = False
    for part in filter(Path.is_file, (*rotated, log)):
        with part.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if stamp := _STAMP.match(line):
                    is_of_day = stamp[1] == str(day)
                if is_of_day:  # or goes on with such a line
                    yield line

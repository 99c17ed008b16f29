"""The P1 port of a smart meter as a Source: bytes in, Readings of the newest telegram out.

1. Bytes are gathered 20 ms at a time: a telegram costs a dozen wake-ups, not one for each burst.
2. Where several telegrams wait, only the newest is told: the lag of a slow machine never grows.
3. The baud rate is found by trying both; what is wrong with the line, `p1_line` tells.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ..clock import Clock
from ..errors import ConfigError, FrameError, Problem, SourceError
from ..hardware import Port, Wires
from ..meters.p1 import Framer, Parser, Telegram
from ..meters.telegram import readings
from ..model import Command, Frame, Options, Reading, Telling, Totals, Trouble
from .p1_line import LAG_LIMIT, LONGEST_WAIT, Complaints, Line

BAUDS = (115200, 9600)  # DSMR 4 and later, eMUCS; DSMR 2.2 and 3.0
WAIT = 1.0  # s, the longest that one read() takes
GATHER = 0.02  # s between two looks at a line on which bytes flow
UNREAD_SHOWN, LINE_SHOWN = 3, 60  # lines of a telegram, characters of each


class News:
    """What of a telegram is new: measured values always; labels, sub-meters, peak and the count of
    damaged telegrams if changed.
    """

    def __init__(self) -> None:
        self._meter = self._note = ""
        self._labels: dict[str, str | None] = {}  # None: to be told again
        self._damaged = 0  # telegrams, until now
        self.forget()

    def forget(self) -> None:
        """Tell everything again next time; a change of the meter, and which labels there were, are
        remembered.
        """
        self._told: dict[tuple[str, ...], Reading] = {}
        self._labels = dict.fromkeys(self._labels)
        self._first = True  # the next telegram is the first

    def of(
        self,
        telegram: Telegram,
        device: str,
        arrived: datetime,
        notes: Mapping[str, str],
        damaged: int,
    ) -> list[Reading]:
        """Return the news; `damaged` is how many telegrams were damaged since the last."""
        main, *others = readings(telegram, device, arrived)
        values, labels = dict(main.values), {**main.labels, **notes, **self._who(main)}
        if main.time == telegram.time:  # else its clock is too wrong to be worth a number
            values["lag"] = round((arrived - main.time).total_seconds(), 1)
        if damaged or self._first:
            self._damaged += damaged
            values["crc_errors"] = float(self._damaged)
        self._first = False
        told = [replace(main, values=values, labels=self._changed(labels))]
        for other in others:
            key = (other.device, *other.values)
            old = self._told.get(key, main)
            stamp = old.time if other.time == main.time else other.time  # without its own: no news
            if replace(other, time=stamp) != old:
                self._told[key] = other
                told.append(other)
        return told

    def _who(self, main: Reading) -> dict[str, str]:
        """Return a note from the moment on at which another meter answers."""
        if self._meter and main.meter and main.meter != self._meter:
            self._note = f"meter {self._meter} was replaced by {main.meter}"
        self._meter = main.meter or self._meter
        return {"note": self._note} if self._note else {}

    def _changed(self, labels: dict[str, str]) -> dict[str, str]:
        """Return the labels that are new, and those that are gone as ""."""
        news = {name: text for name, text in labels.items() if self._labels.get(name) != text}
        gone = {name: "" for name in self._labels if name not in labels}
        self._labels = {**labels}
        return {**gone, **news}


def _unread(telegram: Telegram) -> dict[str, str]:
    """Return a label that counts and quotes the lines which could not be read, if there are."""
    lines = [line for line, _ in telegram.unread]
    quoted = " ".join(line[:LINE_SHOWN] for line in lines[:UNREAD_SHOWN])
    return {"unread": f"{len(lines)}: {quoted}"} if lines else {}


def _only(sections: Mapping[str, Options]) -> tuple[str, Options]:
    """Return device and options of the port's section; raises ConfigError if there are several."""
    (device, options), *more = sections.items()
    if more:
        text = f"{options['port']} is the port of [source:{device}]: one meter, one port"
        raise ConfigError(text, [Problem(f"source:{name}", "port", text) for name, _ in more])
    return device, options


class P1Source:
    """The meter behind one serial port; its device has the name of its section."""

    interval = 0.0
    is_amid = False

    def __init__(
        self, sections: Mapping[str, Options], wires: Wires, clock: Clock, totals: Totals
    ) -> None:
        device, options = _only(sections)
        self.name = f"source:{device}"
        self.devices: Sequence[str] = (device,)
        self.patience = float(options.get("patience", 30.0))
        self.skipped = 0  # telegrams, because a newer one was there
        self._device, self._where = device, str(options["port"])
        self._fixed = int(options.get("baud", 0))
        self._local = "://" not in self._where  # behind a network the far side sets the baud rate
        self._baud = self._worked = 0  # the rate in use, and that of the last good telegram
        self._wires, self._clock, self._never = wires, clock, threading.Event()
        self._port: Port | None = None
        self._parser, self._news = Parser(), News()
        self._forget()

    @staticmethod
    def wire(options: Options) -> str:
        return str(options["port"])

    def open(self) -> str:
        """Claim the port, at the baud rate that worked last; return that where it is known."""
        self.close()
        self._baud = self._fixed or self._worked or BAUDS[0]
        try:
            self._port = self._wires.port(self._where, self._baud)
        except OSError as error:
            raise SourceError(error.strerror or str(error)) from error
        self._forget()
        return f"{self._baud} baud" if self._local and (self._fixed or self._worked) else ""

    def read(self) -> Sequence[Telling]:
        if self._port is None:
            raise SourceError(f"{self._where} is not open")
        try:
            telegrams, late = self._gather(self._port)
            told = self._newest(telegrams) if telegrams else []
            return [*told, *self._troubles(self._port, bool(told), late or len(telegrams) > 1)]
        except SourceError:
            raise
        except OSError as error:
            raise SourceError(f"{self._where} is gone: {error}") from error

    def obey(self, command: Command) -> Sequence[Telling]:
        raise ValueError(f"{self._device} cannot {command.verb}: a P1 meter only tells")

    def close(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            port.close()

    def _forget(self) -> None:
        """Begin anew, on a line that has just been opened."""
        self._framer, self._line = Framer(), Line(self._clock.monotonic())
        self._news.forget()
        self._complaints, self._lag = Complaints(self._device, self._where), 0.0

    def _gather(self, port: Port) -> tuple[list[bytes], bool]:
        """Take bytes until a telegram is whole and no more are there, or 20 ms of silence, or 1 s.

        Return the telegrams, oldest first, and whether bytes had been waiting for us.
        """
        framer, telegrams = self._framer, list[bytes]()
        idle, bad, begin = not framer.buffered, framer.bad, self._clock.monotonic()
        chunk, now = port.read(WAIT), self._clock.monotonic()
        late = idle and now - begin < GATHER / 10
        while chunk:
            self._line.hear(now, chunk)
            telegrams += framer.feed(chunk)
            if now - begin >= WAIT:
                break
            if not telegrams:
                self._clock.wait(self._never, GATHER)
            chunk, now = port.read(0.0), self._clock.monotonic()
        self._line.count(now, len(telegrams), framer.bad - bad)
        return telegrams, late

    def _newest(self, telegrams: Sequence[bytes]) -> list[Telling]:
        """Tell the last of these telegrams."""
        arrived, raw = self._clock.now(), telegrams[-1]
        self.skipped += len(telegrams) - 1
        try:
            telegram = self._parser.parse(raw)
        except FrameError:  # without a CRC, and no telegram after all
            self._line.count(self._clock.monotonic(), 0, 1)
            return []
        self._worked = self._baud
        self._lag = (arrived - telegram.time).total_seconds() if telegram.time else 0.0
        notes = _unread(telegram) | ({"skipped": str(self.skipped)} if self.skipped else {})
        news = self._news.of(telegram, self._device, arrived, notes, self._line.damaged())
        return [*news, Frame(self._device, raw)]

    def _troubles(self, port: Port, told: bool, late: bool) -> list[Trouble]:
        """Tell what is wrong, if it is time, or if a Reading (`told`) has just cleared it."""
        now, baud, trying = self._clock.monotonic(), self._baud, ""
        cause = self._line.verdict(now)
        if told and not cause and abs(self._lag) > LAG_LIMIT:
            cause = "slow" if late and 0 < self._lag < LONGEST_WAIT else "clock"
        if not cause:
            return []
        if cause == "garbled" and self._local and not self._fixed:
            self._retune(port, now)
            trying = f" Trying {self._baud}"
        return self._complaints.about(
            cause, now, told, baud=baud, trying=trying, errors=self._line.errors, lag=self._lag
        )

    def _retune(self, port: Port, now: float) -> None:
        """Try the other baud rate."""
        self._baud = BAUDS[self._baud == BAUDS[0]]
        port.set_baud(self._baud)
        self._framer = Framer()
        self._line.retune(now)

"""Writes every Reading to InfluxDB 1, 2 or 3 or to VictoriaMetrics, by line protocol over HTTP.

1. A point is known by measurement, tags and time, so the same batch again changes nothing.
2. Values that the server refuses for what they are, are found by halving and set aside; the rest
   goes on.
3. VictoriaMetrics answers before its data is on disk: what it took in the last minute of a
   connection is sent again over the next one.
"""

import logging
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..clock import Clock
from ..errors import SinkError
from ..model import Options, Reading, Refused
from . import influx_dialect as dialect
from .credentials import context, secret_of
from .influx_lines import HouseLayout, Layout, Point, SmartmeterLayout
from .influx_wire import SMALL, Answer, Wire, packed, server

LOG = logging.getLogger(__name__)
AGAIN = 60.0  # s; VictoriaMetrics writes to its disk each few seconds
AGAIN_BYTES = 8_000_000  # compressed
LONGEST_REST = 300.0  # s, whatever the server asks for


class InfluxSink:
    """contract: model.Sink"""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = f"sink:{name}"
        self._options, self._clock = options, clock
        self._url = str(options["url"])
        self._path = dialect.write_path(options)
        self._layout = self._layout_of(options)
        self._most = int(options["lines"])
        self._wire: Wire | None = None
        self._head: dict[str, str] = {}
        self._conflicts: set[tuple[str, str]] = set()  # (measurement, field) of another type there
        self._taken: deque[tuple[float, bytes]] = deque()  # (when, body) for VictoriaMetrics
        self._rest_until, self._rest = -1.0, ""

    @staticmethod
    def wrong(options: Options) -> Iterator[tuple[str, str]]:
        """What is wrong in options that are right each by itself: (option, sentence)."""
        yield from dialect.wrong(options)

    def open(self) -> None:
        self.close()
        options = self._options
        try:
            at = server(self._url)
        except ValueError as error:
            raise SinkError(str(error)) from None
        secret = options["password"] or options["token"]
        if options["secret_file"]:
            secret = secret_of(options["secret_file"])
        tls = context(options["ca_file"], options["verify"]) if at.is_tls else None
        self._head = {"Content-Type": "text/plain; charset=utf-8"}
        if credentials := dialect.authorization(options, secret):
            self._head["Authorization"] = credentials
        self._url, self._wire = at.url, Wire(at, float(options["timeout"]), tls)
        self._greet()
        self._send_again()

    def write(self, batch: Sequence[Reading]) -> list[Refused]:
        refused: list[Refused] = []
        points = self._layout.points(batch)
        for start in range(0, len(points), self._most):
            self._deliver(points[start : start + self._most], refused)
        self._layout.kept()
        return refused

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()

    @staticmethod
    def _layout_of(options: Options) -> Layout:
        if options["layout"] == "smartmeter":
            return SmartmeterLayout(options["device"])
        logger = options["logger"] or socket.gethostname()
        return HouseLayout(options["measurement"], logger, options["device"])

    def _greet(self) -> None:
        """See that it is there and lets us write; make the database where it is missing."""
        if self._options["version"] in ("2", "3"):
            answer = self._ask("GET", "/ping")
            if answer.status in (401, 403) or answer.status >= 500:
                raise self._refusal(answer)
            return
        answer = self._ask("POST", self._path)
        if answer.status == 404 and "database not found" in answer.text:
            self._create()
            answer = self._ask("POST", self._path)
        if answer.status >= 300:
            raise self._refusal(answer)

    def _create(self) -> None:
        name = self._options["database"]
        answer = self._ask("POST", dialect.create_path(name))
        if answer.status != 200 or '"error"' in answer.text:
            raise SinkError(
                f"{self._url} has no database {name}, and it cannot be created "
                f"({dialect.said(answer)}): create it there, and let this user write into it."
            )
        LOG.info("%s: database %s created", self.name, name)

    def _deliver(self, points: list[Point], refused: list[Refused]) -> None:
        """Send them all; SinkError where the server refuses the request and not a value."""
        work = deque([points])
        while work:
            parts = self._parted(work.popleft())
            if len(parts) > 1:
                work.extendleft(reversed(parts))
                continue
            chunk = parts[0]
            answer = self._post(chunk)
            if answer.status < 300:
                continue
            if answer.status == 413 and len(chunk) > 1:
                self._most = len(chunk) // 2
                work.appendleft(chunk)
            elif dialect.is_poison(answer):
                work.extendleft(reversed(self._sifted(chunk, answer, refused)))
            else:
                raise self._refusal(answer)

    def _parted(self, chunk: list[Point]) -> list[list[Point]]:
        """The chunk in parts small enough; fields known to be in conflict apart, one by one."""
        if len(chunk) > self._most:
            return _halves(chunk)
        clean, others = [], []
        for point in chunk if self._conflicts else ():
            bad = [name for name in point.fields if (point.measurement, name) in self._conflicts]
            good = [name for name in point.fields if name not in bad]
            others += [point.with_only([name]) for name in bad]
            if good:
                clean.append(point.with_only(good) if bad else point)
        return [part for part in (clean, others) if part] if others else [chunk]

    def _sifted(
        self, chunk: list[Point], answer: Answer, refused: list[Refused]
    ) -> list[list[Point]]:
        """What is still to be sent of a chunk of which something was refused; what is refused
        beyond doubt is added to `refused`.
        """
        single = all(len(point.fields) == 1 for point in chunk)
        is_conflict = dialect.is_conflict(answer)
        all_of_it = dialect.refused(answer) == len(chunk) and (single or not is_conflict)
        if all_of_it or (single and len(chunk) == 1):
            reason = dialect.said(answer)
            refused += [Refused(_part(point), reason) for point in chunk]
            if is_conflict:
                self._conflicts |= {(p.measurement, name) for p in chunk for name in p.fields}
            return []
        if len(chunk) > 1:
            return _halves(chunk)
        names = list(chunk[0].fields)
        middle = len(names) // 2
        return [[chunk[0].with_only(part)] for part in (names[:middle], names[middle:])]

    def _post(self, points: list[Point]) -> Answer:
        body = "\n".join([point.line() for point in points]).encode()
        if self._options["compress"] and len(body) >= SMALL:
            body = packed(body)
        if self._wire is not None and self._wire.is_dropped():
            self._wire.close()
            self._send_again()
        answer = self._ask("POST", self._path, body)
        if answer.status < 300 and self._options["version"] == dialect.VICTORIA:
            self._keep([body])
        return answer

    def _send_again(self) -> None:
        """However long it was away: what it lost is what it took last. Sent again, it is as new."""
        bodies = [body for _, body in self._taken]
        for body in bodies:
            if (answer := self._ask("POST", self._path, body)).status >= 300:
                raise self._refusal(answer)
        self._taken.clear()
        self._keep(bodies)

    def _keep(self, bodies: list[bytes]) -> None:
        """They were taken now: keep of all that was taken the last minute, within the bound."""
        now = self._clock.monotonic()
        self._taken += [(now, body) for body in bodies]
        size = sum(len(body) for _, body in self._taken)
        while self._taken and (self._taken[0][0] < now - AGAIN or size > AGAIN_BYTES):
            size -= len(self._taken.popleft()[1])

    def _ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        if self._clock.monotonic() < self._rest_until:
            raise SinkError(self._rest)  # it asked to be left alone for a while
        if self._wire is None:
            raise SinkError(f"{self._url} is not open.")
        is_packed = body[:2] == b"\x1f\x8b"
        head = self._head | {"Content-Encoding": "gzip"} if is_packed else self._head
        return self._wire.ask(method, path, head, body)

    def _refusal(self, answer: Answer) -> SinkError:
        text = f"{self._url} {dialect.refusal(answer, self._options)}"
        if answer.status in (429, 503) and answer.retry_after:
            self._rest = text
            self._rest_until = self._clock.monotonic() + min(answer.retry_after, LONGEST_REST)
        return SinkError(text)


def _halves(chunk: list[Point]) -> list[list[Point]]:
    middle = len(chunk) // 2
    return [chunk[:middle], chunk[middle:]]


def _part(point: Point) -> Reading:
    """The reading of a point with the values of its fields alone; all where fields have names of
    their own.
    """
    values = {name: number for name, number in point.reading.values.items() if name in point.fields}
    return replace(point.reading, values=values or point.reading.values)

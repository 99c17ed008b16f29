"""The narrow schema of every SQL database: one row for each value, and its quarters for ever.

    series   (logger, device, quantity, meter) -> id; unit, kind
    reading  (series_id, ts) -> value
    quarter  (series_id, ts) -> day, n, low, high, sum, first, last, first_ts, last_ts

1. Everything is set, never added to, so writing twice changes nothing. One station writes a series.
2. A quarter (15 min, UTC) is made from its readings by the server, once it is over, and again when
   a late value comes; `day` is the station's local day in which it begins.
3. `Tables` is one database in its dialect; all that thinks is here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple, Protocol

from ..errors import S0WebError
from ..model import Reading, Refused
from ..quantities import QUANTITIES

EPOCH, MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
QUARTER = 900_000  # ms
ROWS = 1_000  # written at once: more gains nothing, fewer costs half (measured)


class Series(NamedTuple):
    """Of one station; differences of a register never cross it."""

    device: str
    quantity: str
    meter: str

    @property
    def unit(self) -> str:
        return QUANTITIES[self.quantity].unit

    @property
    def kind(self) -> str:
        return QUANTITIES[self.quantity].kind


Row = tuple[int, int, float]  # id of its series in that database, ms since 1970 UTC, value


class Quarter(NamedTuple):
    series: int
    ts: int  # ms, its begin
    day: date


class ValueRefused(S0WebError, ValueError):
    """The server takes the request, but not what a row of it holds; the text is its reason."""


class Tables(Protocol):
    """Each call is one transaction. Raises SinkError where the server is away or unwilling."""

    def ids(self, wanted: Sequence[Series]) -> Mapping[Series, int]:
        """The id of each series, made where it is missing."""

    def upsert(self, rows: Sequence[Row]) -> None:
        """Set all, or none and raise ValueRefused; no two are of the same series and time."""

    def roll(self, quarters: Sequence[Quarter]) -> None:
        """Make these quarters from their readings."""

    def unrolled(self) -> Sequence[tuple[int, int]]:
        """(series, begin in ms) of what this station wrote from its newest quarter on: perhaps not
        whole there.
        """


class Narrow:
    """Writes readings into the tables; used by one thread."""

    def __init__(self, tables: Tables, zone: tzinfo | None) -> None:
        self._tables, self._zone = tables, zone
        self._ids: dict[tuple[str, str], dict[str, int]] = {}  # device, meter -> quantity -> id
        self._newest: dict[int, int] = {}  # series -> ms, the begin of a quarter
        self._touched: set[tuple[int, int]] = set()  # (series, begin) not made yet

    def begin(self) -> None:
        """After each connect: what an earlier run left half done is done with what comes."""
        self._ids.clear()
        self._touched |= set(self._tables.unrolled())
        for series, ts in self._touched:
            self._newest[series] = max(self._newest.get(series, 0), ts)

    def write(self, batch: Sequence[Reading]) -> list[Refused]:
        """Keep all of it; return what the server does not take."""
        try:
            cells = self._cells(batch)
        except KeyError:
            self._learn(batch)
            cells = self._cells(batch)
        rows = [(series, ts, number) for (series, ts), number in cells.items()]
        bad: dict[tuple[int, int], str] = {}
        for start in range(0, len(rows), ROWS):
            self._deliver(rows[start : start + ROWS], bad)
        self._roll(cells.keys() - bad.keys() if bad else cells)
        return self._refused(batch, bad) if bad else []

    def _cells(self, batch: Sequence[Reading]) -> dict[tuple[int, int], float]:
        """(series, ms) -> what came last; KeyError for a series whose id is not known."""
        cells: dict[tuple[int, int], float] = {}
        for reading in batch:
            ids, ts = self._ids[reading.device, reading.meter], _ms(reading.time)
            for quantity, number in reading.values.items():
                cells[ids[quantity], ts] = number
        return cells

    def _refused(
        self, batch: Sequence[Reading], bad: Mapping[tuple[int, int], str]
    ) -> list[Refused]:
        found: dict[tuple[int, int], Refused] = {}
        for reading in batch:
            ids, ts = self._ids[reading.device, reading.meter], _ms(reading.time)
            for quantity, number in reading.values.items():
                if why := bad.get((ids[quantity], ts)):
                    alone = replace(reading, values={quantity: number}, labels={})
                    found[ids[quantity], ts] = Refused(alone, why)
        return list(found.values())

    def _learn(self, batch: Sequence[Reading]) -> None:
        """Know the id of every series in it."""
        news = set()
        for reading in batch:
            ids = self._ids.setdefault((reading.device, reading.meter), {})
            for quantity in reading.values.keys() - ids.keys():
                news.add(Series(reading.device, quantity, reading.meter))
        for series, number in (self._tables.ids(sorted(news)) if news else {}).items():
            self._ids[series.device, series.meter][series.quantity] = number

    def _deliver(self, rows: Sequence[Row], bad: dict[tuple[int, int], str]) -> None:
        """What is refused is found by halving."""
        try:
            self._tables.upsert(rows)
        except ValueRefused as error:
            if len(rows) == 1:
                bad[rows[0][:2]] = str(error)
                return
            middle = len(rows) // 2
            self._deliver(rows[:middle], bad)
            self._deliver(rows[middle:], bad)

    def _roll(self, cells: Iterable[tuple[int, int]]) -> None:
        """Make the quarters that are over, seen from what is told of their series."""
        told = {(series, ts - ts % QUARTER) for series, ts in cells}
        for series, begin in told:
            self._newest[series] = max(self._newest.get(series, 0), begin)
        self._touched |= told
        over = [place for place in self._touched if self._newest[place[0]] > place[1]]
        if over:
            self._tables.roll([Quarter(*place, self._day(place[1])) for place in sorted(over)])
            self._touched.difference_update(over)

    def _day(self, ts: int) -> date:
        return datetime.fromtimestamp(ts / 1000, UTC).astimezone(self._zone).date()


def _ms(time: datetime) -> int:
    return (time - EPOCH) // MS

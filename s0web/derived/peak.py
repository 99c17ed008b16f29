"""The quarter-hour peak as a Source: it follows the running quarter of the grid connection.

1. While it runs: demand, forecast, gap and alarm; each quarter that ended once, stamped at its end,
   also those that ended while nobody looked.
2. The month's peak is the meter's own where it has one; computed quarters are kept beside it.
3. `peak_gap` and `peak_alarm` are about one limit: [peak] limit, else the month's peak, at least
   the floor.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..energy import peaks, quarter
from ..energy.course import SILENCE
from ..energy.experience import DAYS, Experience
from ..energy.peaks import QUARTER, Month, Peak
from ..energy.quarter import Alarm, Closed, Running, Sample, utc
from ..inside import Inside
from ..model import Command, Options, Reading, Snapshot, Telling, Totals, Trouble
from .peak_past import OF_QUARTER, OWN, SLICE, Past, registers
from .peak_sample import limit_of, sample_of

DAY, WEEKS = timedelta(days=1), timedelta(days=DAYS)
AHEAD = timedelta(hours=1)  # more than a meter's clock is ever believed to be
PACE = 5.0  # s between two tellings, unless the alarm changes


class PeakSource:
    interval = 1.0
    patience = math.inf
    is_amid = False

    def __init__(
        self, sections: Mapping[str, Options], inside: Inside, clock: Clock, totals: Totals
    ) -> None:
        ((_, self._options),) = sections.items()
        self.name = f"source:{OWN}"
        self.devices: Sequence[str] = (OWN,)
        self._grid = str(self._options["house"]["grid"])
        zone = self._options["zone"]
        self._zone = ZoneInfo(zone) if zone else None
        self._inside, self._clock = inside, clock
        self._past = Past(inside, self._grid)
        self._forget()

    def _forget(self) -> None:
        self._running, self._alarm = Running(), Alarm()
        self._heard, self._is_silent = self._clock.monotonic(), False
        self._version = -1  # of the last Snapshot
        self._due = -math.inf  # when values may be told again
        self._told: dict[str, float] = {}
        self._labels: dict[str, str] = {}
        self._booked: datetime | None = None  # end of the last quarter that was told
        self._first: Sample | None = None  # as long as what was before it is not known
        self._registers: dict[int, float] = {}  # since then: ms -> kWh
        self._highs: dict[str, Peak] = {}  # month -> of computed quarters
        self._unread: list[datetime] = []  # months of which the archive was not asked
        self._experience = Experience()  # of the weeks that the archive was asked for
        self._learned: datetime | None = None  # until when; None: all that it knows

    def open(self) -> str:
        self._forget()
        last = self._inside.snapshot().get(OWN, OF_QUARTER)
        self._booked = last.time if last else None
        self._learned = self._clock.now() - WEEKS
        month = peaks.month_start(self._clock.now(), self._zone)
        self._unread = [month, *peaks.months_before(month, self._zone)]
        return ""

    def read(self) -> Sequence[Telling]:
        now, snapshot = self._clock.now(), self._inside.snapshot()
        if snapshot.version == self._version and self._clock.monotonic() < self._due:
            return ()
        self._version = snapshot.version
        sample = sample_of(snapshot, self._grid, now)
        if sample is None:
            return self._silence()
        self._heard, self._is_silent = self._clock.monotonic(), False
        begun, names = self._running.start, registers(snapshot.values.get(self._grid, {}))
        closed = self._running.add(sample) if begun else []
        if not begun:
            self._running.begin(sample)
            self._first = sample
        self._recall_quarter(sample, names, now)
        self._recall_months(now)
        self._recall_day(now)
        told = [*self._live(closed, names), *self._missed(names, sample, now)]
        for reading in told:
            self._count(reading.time, reading.values[OF_QUARTER])
        is_new = self._running.start != begun
        return [*told, *self._now(snapshot, sample, is_new)]

    def obey(self, command: Command) -> Sequence[Telling]:
        raise ValueError(f"{OWN} cannot {command.verb}: it only looks")

    def close(self) -> None:
        """Nothing is held."""

    def _silence(self) -> Sequence[Telling]:
        if self._is_silent or self._clock.monotonic() - self._heard < SILENCE:
            return ()
        self._is_silent = True
        text = f"{self._grid} tells nothing of what is imported, so no quarter-hour is followed."
        return [Trouble(OWN, "silent", text, f"See how {self._grid} is, and [house] grid.")]

    # -- quarters that ended -----------------------------------------------------------------------

    def _recall_quarter(self, sample: Sample, names: Sequence[str], now: datetime) -> None:
        """Of a meter without a demand: what it counted in this quarter before we looked, as soon as
        the archive has heard of a sample that we have, too.
        """
        if self._first is None:
            return
        if sample.demand is not None or quarter.quarter_of(self._first.time) != self._running.start:
            self._first = None
            return
        if sample.register is not None:
            self._registers[round(sample.told * 1000)] = sample.register
        reach = self._past.reach(names, now) if self._past.is_open(now) else None
        register = self._registers.get(round(reach[1].timestamp() * 1000)) if reach else None
        if reach is None or register is None:
            return
        start, self._first = utc(self._running.start), None
        if reach[0] <= start:
            flowed = self._past.flowed(names, start, reach[1], now)
            if flowed is not None:
                self._running.recall(register - flowed)

    def _live(self, closed: Sequence[Closed], names: Sequence[str]) -> list[Reading]:
        """Those that were followed, where none before them is missing, or can be found."""
        found = []
        for one in closed:
            end = utc(one.end)
            is_next = self._booked is not None and self._booked == end - QUARTER
            if one.is_sure and (is_next or not names or self._inside.history is None):
                found.append(self._quarter(end, one.watts))
        return found

    def _missed(self, names: Sequence[str], sample: Sample, now: datetime) -> list[Reading]:
        """Those that the archive's registers know of, a slice at a time."""
        until = utc(quarter.quarter_of(min(sample.time, sample.told)))
        if self._booked is not None and self._booked > until + AHEAD:
            self._booked = until  # the clock had been wrong
        is_due = self._booked is None or self._booked < until
        if not (is_due and names and self._past.is_open(now) and self._inside.is_kept):
            return []
        reach = self._past.reach(names, now)
        if reach is None:
            return []
        first, last = reach
        if self._booked is None:  # the quarter in which the first was told is not whole
            self._booked = utc(quarter.quarter_of(first.timestamp() - 0.001)) + QUARTER
        if not self._booked < until <= last:
            return []  # the archive has not heard yet what came after
        found = self._past.quarters(names, self._booked, last, now)
        if found is None:
            return []
        begin, self._booked = self._booked, min(until, self._booked + SLICE)
        return [self._quarter(end, watts) for end, watts in found if begin < end <= self._booked]

    def _quarter(self, end: datetime, watts: float) -> Reading:
        self._booked = max(end, self._booked or end)
        return Reading(OWN, end, {OF_QUARTER: float(round(watts))})

    # -- months ------------------------------------------------------------------------------------

    def _recall_months(self, now: datetime) -> None:
        """The highest of what was told before, once, as soon as the archive is there."""
        while self._unread and self._past.is_open(now):
            start = self._unread[0]
            end = peaks.month_start(start + timedelta(days=32), self._zone)
            best = self._past.highest(start, end, now)
            if not self._past.is_open(now):
                return
            self._unread.pop(0)
            if best is not None and best.time is not None:
                self._count(best.time, best.power)

    def _recall_day(self, now: datetime) -> None:
        """What the house imported in the last weeks, a day each time; the forecast learns of it."""
        if self._learned is None or not self._past.is_open(now):
            return
        minute = now.replace(second=0, microsecond=0)  # the clock may have been set since the start
        start = max(self._learned, minute - WEEKS)
        end = min(start + DAY, minute)
        found = self._past.minutes(start, end, now)
        if found is None:
            return
        for number, watts in found:
            self._experience.add(number, watts)
        self._learned = end
        if end == minute:
            self._running.outlook.experience, self._learned = self._experience, None

    def _count(self, end: datetime, watts: float) -> None:
        month = self._month(end)
        if month not in self._highs or watts > self._highs[month].power:
            self._highs[month] = Peak(watts, end)

    def _month(self, end: datetime) -> str:
        """The month of a quarter."""
        start = peaks.month_start(end - QUARTER, self._zone)
        return peaks.month_name(start, self._zone)

    def _present(self, snapshot: Snapshot, time: datetime) -> Month:
        """The month that runs."""
        start = peaks.month_start(time, self._zone)
        name, own = peaks.month_name(start, self._zone), snapshot.get(self._grid, "peak")
        meter = Peak(own.number, own.time) if own and own.time > start else None
        best = peaks.choose(name, meter, self._highs.get(name))
        return best or Month(name, 0.0, None, "computed", None)

    # -- what is told while it runs ----------------------------------------------------------------

    def _now(self, snapshot: Snapshot, sample: Sample, is_new: bool) -> list[Reading]:
        time = datetime.fromtimestamp(sample.time, UTC)
        month = self._present(snapshot, time)
        limit = limit_of(self._options, month.power)
        alarm = float(self._alarm.judge(self._running, limit))
        now = self._clock.monotonic()
        if now < self._due and not is_new and alarm == self._told.get("peak_alarm"):
            return []
        self._due = now + PACE
        values = {
            "demand": self._running.used,
            "demand_forecast": self._running.forecast,
            "peak": month.power,
            "peak_gap": limit - self._running.forecast,
            "peak_alarm": alarm,
        }
        values = {name: float(round(number)) for name, number in values.items()}
        news = {name: number for name, number in values.items() if self._told.get(name) != number}
        labels = self._words(snapshot, month, time)
        words = {name: text for name, text in labels.items() if self._labels.get(name) != text}
        self._told, self._labels = values, {**self._labels, **labels}
        return [Reading(OWN, time, news, words)] if news or words else []

    def _words(self, snapshot: Snapshot, month: Month, time: datetime) -> dict[str, str]:
        said = peaks.document(month)
        labels = {name: str(said[name] or "") for name in ("month", "time", "from")}
        labels["computed"] = "" if said["computed"] is None else str(said["computed"])
        if not self._unread:
            starts = peaks.months_before(time, self._zone)
            names = [peaks.month_name(start, self._zone) for start in starts]
            meter = peaks.of_meter(snapshot.labels.get(self._grid, {}).get("peak_history", ""))
            labels["months"] = peaks.past(names, meter, self._highs)
        return labels

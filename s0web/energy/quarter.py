"""The running quarter-hour of the grid connection: what was used of it, what it will come to, and
whether that is too much.

1. Quarters are those of the meter's clock; what was used is the meter's own demand, else the rise
   of its register, and only since it last told by its power.
2. The forecast adds what the house goes on to import (`forecast.py`).
"""

from datetime import UTC, datetime
from typing import NamedTuple

from .course import BACK, LENGTH, SILENCE
from .forecast import Forecast

TURN = 15.0  # s that a quarter waits for a value told after its end
MOST = 25_000.0  # W: no meter of a household counts more; a demand above that is an old one
JUMP = 100.0  # kW: nor does a register rise by more


class Sample(NamedTuple):
    """What is known of the grid connection at one moment."""

    time: float  # s since 1970, by the meter's clock
    power: float | None  # W, import positive
    told: float  # s since 1970: when it told what follows
    demand: float | None  # W, import since the quarter began, spread over all of it
    register: float | None  # kWh imported
    meter: str = ""


class Closed(NamedTuple):
    """A quarter-hour that ended."""

    end: float  # s since 1970
    watts: float
    is_sure: bool  # it was followed from its begin to its end


def quarter_of(time: float) -> float:
    """The begin of the quarter-hour."""
    return time // LENGTH * LENGTH


class Running:
    """Follows the quarter-hours of one meter, sample by sample."""

    def __init__(self) -> None:
        self.start = 0.0  # s since 1970; 0: no sample yet
        self.outlook = Forecast()
        self._last = Sample(0.0, None, 0.0, None, None)
        self._told = 0.0  # W used until it last told
        self._base: float | None = None  # kWh: the register at the quarter's begin
        self._is_sure = False
        self.used = 0.0  # W: import since the quarter began, spread over all of it
        self.forecast = 0.0  # W that it will come to; never less than used

    @property
    def end(self) -> float:
        return self.start + LENGTH

    @property
    def elapsed(self) -> float:
        """s of the quarter that are over."""
        return min(max(self._last.time - self.start, 0.0), LENGTH)

    def begin(self, sample: Sample) -> None:
        """Follow from this sample on; before it, its power is assumed."""
        self.start = quarter_of(sample.time)
        self._last, self._base, self._told = sample, None, 0.0
        self._is_sure = self._has_demand(sample)
        if sample.register is not None:
            assumed = max(sample.power or 0.0, 0.0) * self.elapsed / 3.6e6
            self._base = sample.register - assumed
        self._take(sample)

    def recall(self, register: float) -> None:
        """What the register said at the quarter's begin, in kWh, is known after all."""
        self._base, self._is_sure = register, True
        self._take(self._last)

    def add(self, sample: Sample) -> list[Closed]:
        """Take a sample; return the quarter that it ends, if it does."""
        if sample.time < self.start - BACK:
            self.begin(sample)
            return []
        closed = []
        if sample.told >= self.end or sample.time >= self.end + TURN:
            closed.append(self._close(sample))
            self._is_sure = quarter_of(max(sample.told, sample.time)) == self.end
            self._turn(sample)
        self._take(sample)
        return closed

    def _close(self, sample: Sample) -> Closed:
        last, is_near = self._last, self.end - self._last.told <= TURN
        by_register = self._register_at(self.end, sample)
        if self._has_demand(last) and is_near:
            watts = self._told + max(last.power or 0.0, 0.0) * (self.end - last.told) / LENGTH
        elif by_register is not None and self._base is not None:
            watts = max(0.0, by_register - self._base) * 3.6e6 / LENGTH
        else:
            watts = self._told
        is_silent = sample.told - last.told > SILENCE and sample.told > self.end
        return Closed(self.end, watts, self._is_sure and (is_near or not is_silent))

    def _turn(self, sample: Sample) -> None:
        """The next quarter begins, or a later one."""
        start = quarter_of(max(sample.told, sample.time))
        self._base = self._register_at(start, sample)
        self.start, self._told = start, 0.0

    def _register_at(self, time: float, sample: Sample) -> float | None:
        """On the straight line between what was told before and after; else by the power."""
        last, number = self._last, sample.register
        if number is None or last.register is None or self._is_broken(sample):
            return number
        if sample.told >= time and sample.told > last.told:
            part = max(time - last.told, 0.0) / (sample.told - last.told)
            return last.register + (number - last.register) * part
        since = min(max(time - sample.told, 0.0), SILENCE)
        return number + max(sample.power or 0.0, 0.0) * since / 3.6e6

    def _take(self, sample: Sample) -> None:
        if sample.power is not None:
            self.outlook.add(sample.time, sample.power)
        if sample.register is not None and (self._base is None or self._is_broken(sample)):
            self._base = sample.register - self._told * LENGTH / 3.6e6  # another meter goes on
        if sample.told >= self.start:
            if self._has_demand(sample) and sample.demand is not None:
                self._told = sample.demand
            elif sample.register is not None and self._base is not None:
                self._told = max(0.0, sample.register - self._base) * 3.6e6 / LENGTH
        self._last = sample
        self.used = self._used()
        self.forecast = self.used + self._ahead() / LENGTH

    def _used(self) -> float:
        """What was told, and since then by the power."""
        begin = max(self._last.told, self.start)
        since = min(max(self.start + self.elapsed - begin, 0.0), SILENCE)
        return self._told + max(self._last.power or 0.0, 0.0) * since / LENGTH

    def _ahead(self) -> float:
        """Ws for the rest; where the power is not known, as much a second as until now."""
        rest = LENGTH - self.elapsed
        ahead = self.outlook.ahead(self.end - rest, self.end)
        return self.used * LENGTH / max(self.elapsed, 1.0) * rest if ahead is None else ahead

    def _is_broken(self, sample: Sample) -> bool:
        """Whether the register is another one, or was set."""
        last = self._last
        if sample.register is None or last.register is None:
            return False
        most = JUMP * max(sample.told - last.told, 60.0) / 3600
        return sample.meter != last.meter or not 0 <= sample.register - last.register <= most

    def _has_demand(self, sample: Sample) -> bool:
        """Whether its demand is of this quarter: a meter may tell that of the last one for a
        moment.
        """
        most = MOST * (sample.told % LENGTH + 1) / LENGTH
        return sample.demand is not None and sample.demand <= most


class Alarm:
    """0: no, 1: this quarter will exceed the limit, 2: it has. It does not flutter."""

    EARLY = 60.0  # s of a quarter in which nothing is said of what will be
    SURE = 10.0  # s for which it must look so
    CALM = 45.0  # s for which it must look well again
    MARGIN = 0.03  # of the limit: by so much below

    def __init__(self) -> None:
        self.level = 0
        self._quarter = self._since = 0.0

    def judge(self, running: Running, limit: float) -> int:
        now = running.start + running.elapsed
        if running.start != self._quarter:
            self.level, self._quarter, self._since = 0, running.start, now
        if running.used > limit:
            self.level = 2
        elif self.level == 2:  # the limit rose, or the meter corrected itself
            self.level, self._since = 1, now
        is_high, is_calm = running.forecast > limit, running.forecast < limit * (1 - self.MARGIN)
        if (self.level == 0 and not is_high) or (self.level == 1 and not is_calm):
            self._since = now
        elif self.level == 0 and running.elapsed >= self.EARLY and now - self._since >= self.SURE:
            self.level, self._since = 1, now
        elif self.level == 1 and now - self._since >= self.CALM:
            self.level, self._since = 0, now
        return self.level


def allowed(used: float, limit: float, elapsed: float) -> float:
    """W that may be taken for the rest of the quarter to stay at the limit."""
    return max(0.0, limit - used) * LENGTH / max(LENGTH - elapsed, 1.0)


def utc(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)

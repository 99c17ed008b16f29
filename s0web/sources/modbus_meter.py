"""One meter on a Modbus bus: it is met (is it there, is it the right model, which serial number),
then swept, a part of a sweep at a time.

A meter that is silent is asked one short question at growing intervals, so that it hardly slows the
others on its bus; a meter of another model tells no value at all.
"""

import math
from collections import deque
from datetime import timedelta

from ..clock import Clock
from ..errors import ReplyError
from ..meters.registers import Block, Meter
from ..model import Options, Reading, Telling, Trouble
from ..registry import METERS, load
from .modbus_ask import Asker, SharedBus, is_final
from .modbus_identity import Identity
from .modbus_news import News, kind_of
from .modbus_plan import Plan
from .modbus_presence import Presence
from .modbus_schedule import Schedule, groups

BUDGET = 1.0  # s after which the rest of a sweep waits for the next turn
FAST_MOST = 86_400.0  # s
QUIET = 30.0  # s without a turn, in which the meter may have been changed for another
HERTZ = (40.0, 70.0)  # of any mains; 0: a meter may not have measured it yet
PARDON = 3600.0  # s after which what was refused is asked for again


class MeterOnBus:
    def __init__(self, device: str, options: Options, clock: Clock) -> None:
        self.served = -math.inf  # when it had its last turn, monotonic s
        self._options, self._clock, now = options, clock, clock.monotonic()
        self._meter: Meter = load(METERS, options["model"])
        intervals = groups(self._meter.quantities, options["interval"], options["intervals"])
        shortest = min(intervals, default=math.inf)
        self.patience = max(float(options["patience"]), 3 * min(shortest, FAST_MOST))  # s
        self._schedule, self._mode = Schedule(intervals, now), ""
        self._plan = Plan(self._meter, options["most_registers"])
        self._asker, self._identity = Asker(self._meter, options), Identity(self._meter)
        self._news = News(device, options["unit"], self._meter.name)
        self._pending: deque[Block] = deque()  # of the sweep that is under way
        self._presence, self._pardon_at = Presence(now), now + PARDON

    @property
    def due(self) -> float:
        """When it wants its next turn, monotonic s; infinite: never."""
        if not self._presence.is_met:
            return self._presence.retry_at
        return self.served if self._pending else self._schedule.next

    def wire(self, bus: SharedBus) -> None:
        """The bus was opened: ask anew who is there, and read everything: what a sweep had found
        when the wire went was never told.
        """
        now = self._clock.monotonic()
        self._asker.bus = bus
        self._presence.unknown(now)
        self._leave()
        self._schedule.again(self._schedule.wanted, now)

    def fast(self, seconds: float) -> None:
        """Read everything often for so long (0: as the options say; negative: no more)."""
        if not math.isfinite(seconds):
            raise ValueError(f"fast mode cannot last {seconds} s")
        now, end = self._clock.monotonic(), self._clock.now()
        seconds = min(seconds or float(self._options["fast_seconds"]), FAST_MOST)
        self._schedule.fast(float(self._options["fast_interval"]), now + seconds, now)
        if seconds > 0:
            self._mode = f"fast until {end + timedelta(seconds=seconds):%H:%M:%SZ}"

    def turn(self) -> list[Telling]:
        """Meet the meter, or read what is due, for about a second; raises SourceError."""
        last, now = self.served, self._clock.monotonic()
        self.served = now
        if self._presence.is_met and now - last > QUIET:
            self._presence.unknown(now)
        if not self._presence.is_met and (trouble := self._meet()):
            return [trouble]
        if self._clock.monotonic() - now > BUDGET:
            return []  # the sweep is due at once
        begin, failed = self._clock.monotonic(), self._asker.failed
        if begin >= self._pardon_at:
            self._plan.pardon()
            self._pardon_at = begin + PARDON
        if not self._pending:
            self._pending.extend(self._plan.blocks(self._schedule.take(begin)))
        values = self._sweep(begin)
        told: list[Telling] = [self._reading(values, begin)] if values else []
        if self._presence.trouble:  # it was lost in the middle of the sweep
            return [*told, self._presence.trouble]
        self._presence.judge(self._asker.failed > failed, self._schedule.is_behind)
        return [*told, *self._news.troubles()]

    # -- is it there, and who is it ----------------------------------------------------------------

    def _meet(self) -> Trouble | None:
        """Find out who answers; the Trouble if nobody does, or the wrong one."""
        if not self._schedule.wanted:
            return self._retreat(self._news.nothing_wanted())
        first, serial = self._first(), self._identity.serial
        try:
            data = self._asker.knock(first, tries=1 if self._presence.trouble else 2)
            other = self._identity.ask(self._asker.ask)
        except ReplyError as error:
            return self._retreat(self._news.failure(first, error))
        if other:
            return self._retreat(self._news.wrong_model(other))
        hertz = self._meter.decode(first, data).get("frequency", 0.0) if data else 0.0
        if math.isfinite(hertz) and hertz and not HERTZ[0] <= hertz <= HERTZ[1]:
            return self._retreat(self._news.nonsense(hertz))
        if self._identity.serial != serial:  # what another meter said is of no use any more
            self._plan.forget()
            self._schedule.again(self._schedule.wanted, self._clock.monotonic())
        self._presence.met()
        return None

    def _first(self) -> Block:
        """A short question that the meter must be able to answer; best for its frequency, which
        tells whether its registers are what we think.
        """
        wanted = (r for r in self._meter.registers if r.quantity in self._schedule.wanted)
        register = min(wanted, key=lambda r: (r.quantity != "frequency", r.address))
        return Block(register.address, register.words, (register,))

    def _is_alive(self) -> bool:
        try:
            self._asker.knock(self._first())
        except ReplyError:
            return False
        return True

    def _retreat(self, trouble: Trouble) -> Trouble:
        self._leave()
        return self._presence.lost(trouble, self._clock.monotonic())

    def _leave(self) -> None:
        """What was under way is read anew, and perhaps from another meter."""
        self._later(*self._pending, at=self._clock.monotonic())
        self._pending.clear()
        self._plan.forget()

    def _later(self, *blocks: Block, at: float) -> None:
        self._schedule.again([r.quantity for block in blocks for r in block.registers], at)

    # -- reading -----------------------------------------------------------------------------------

    def _sweep(self, begin: float) -> dict[str, float]:
        """Read the blocks that are due, as far as the time allows."""
        values: dict[str, float] = {}
        while self._pending:
            block = self._pending.popleft()
            try:
                data = self._asker.read(block)
            except ReplyError as error:
                self._take_failure(block, error, alive=bool(values))
            else:
                self._plan.answered(block)
                numbers = self._meter.decode(block, data)
                good = {q: number for q, number in numbers.items() if math.isfinite(number)}
                self._news.read(block, numbers.keys() - good.keys())
                values |= good
            if self._clock.monotonic() - begin > BUDGET:
                break
        return values

    def _take_failure(self, block: Block, error: ReplyError, alive: bool) -> None:
        """After a block without a good answer: ask for less at once, later again, or give up."""
        kind = kind_of(error)
        if kind == "silent" and not alive and not self._is_alive():
            self._pending.appendleft(block)
            self._retreat(self._news.failure(block, error))
            return
        shorter: tuple[Block, ...] = ()
        if kind in ("refused", "silent"):
            ask = self._plan.refused if kind == "refused" else self._plan.silent
            shorter = ask(block, self._pending)
        if shorter:
            self._pending = deque(shorter)
            return
        self._news.failed(block, error)
        if not is_final(error):
            self._later(block, at=self._clock.monotonic() + self._presence.wait)

    def _reading(self, values: dict[str, float], begin: float) -> Reading:
        """What a sweep found, stamped with its middle."""
        lasted = self._clock.monotonic() - begin
        labels = {
            "plan": self._plan.describe(self._schedule.wanted),
            "mode": self._mode if self._schedule.is_fast(begin) else "",
        }
        time = self._clock.now() - timedelta(seconds=lasted / 2)
        return self._news.reading(time, values, labels, self._identity.serial, self._asker.failed)

"""What all switches share: whose word holds, when the true state is looked at, and what is told.

1. A wish that cannot be carried out stays until it can; so does what a person said.
2. What was switched at the thing itself is noticed and told: it is the newest word of a person, so
   an older one is over, and the rules decide anew.
3. At its end a switch goes to its safe state; where the thing has a timer of its own, it also does
   when nobody has renewed it for DEAD seconds, after a crash.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from ..clock import Clock
from ..inside import Inside
from ..model import Command, Options, Reading, Totals
from .tally import Override, Tally

LOOK = 5.0  # s between two looks at the true state
TELL = 60.0  # s, told at least so often while it is on
DEAD = 180.0  # s until a thing goes to its safe state by itself
RENEW = 60.0  # s after which that is put off
UNWATCHED = timedelta(seconds=30)  # the rules may be away so long, while settings are applied
MOST = 366 * 86_400.0  # s, the longest override
BY_HAND = "switched at the thing itself"
OVER = "the time given by hand is over"


class Actor(Protocol):
    """The thing that is switched; it raises SourceError where it cannot be reached."""

    def open(self, on: bool) -> str:
        """Return what is worth knowing about it; `on`: what it is to be, where it forgets that."""

    def put(self, on: bool, back_after: float) -> None:
        """Switch it; where it can, let it switch back by itself after so many s (0: never)."""

    def state(self) -> bool | None:
        """How it truly is; None: it does not tell."""

    def close(self) -> None:
        """May be called twice."""


class Switch:
    """Contract: model.Source. A family member says what its actor is."""

    interval, patience, is_amid = 1.0, float("inf"), False

    def __init__(
        self, sections: Mapping[str, Options], inside: Inside, clock: Clock, totals: Totals
    ) -> None:
        ((name, options),) = sections.items()
        self.name, self.devices = f"switch:{name}", (name,)
        self.tally = Tally(name, inside.zone, clock.now(), clock.monotonic())
        self._options, self._inside, self._clock = options, inside, clock
        self._actor = self.actor(options, inside)
        self._wanted: tuple[bool, str] | None = None  # what is still to be carried out, and why
        self._before = False  # what it was when a person took it
        self._is_armed = False  # its own timer runs by our word
        self._is_blind = False  # it does not tell its state
        self._is_recalled = self._is_well = False
        self._said: tuple[object, ...] = ()  # the words that were told last
        self._looked = self._told = self._renewed = float("-inf")  # monotonic

    def actor(self, options: Options, inside: Inside) -> Actor:
        raise NotImplementedError

    def open(self) -> str:
        if not self._is_recalled:
            self._is_recalled = True
            self._recall()
        self._is_well = self._is_armed = False
        self.tally.is_known = False
        self._looked = self._told = self._renewed = float("-inf")
        note = self._actor.open(self._rest())
        self._is_well = True
        return note

    def read(self) -> Sequence[Reading]:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        self._is_well = False  # until the thing has answered
        self.tally.look(now, monotonic)
        self._expire()
        self._guard()
        if monotonic - self._looked >= LOOK or self._is_to_renew():
            self._look()
            self._looked = monotonic
        if self._wanted is not None:
            on, reason = self._wanted
            is_so = self.tally.is_known and on == self.tally.on
            if not is_so or self._is_armed != (self._back_after(on) > 0):
                self._put(on)
            self._wanted = None
            self.tally.turned(on, reason, now)
        elif self._is_to_renew():
            self._put(self.tally.on)
        self._is_well = True
        due = monotonic - self._told >= (TELL if self.tally.on else float("inf"))
        if self._words() == self._said and not due:
            return []
        self._told, self._said = monotonic, self._words()
        return [self.tally.reading(now)]

    def obey(self, command: Command) -> Sequence[Reading]:
        """Take the word; `read`, which follows, carries it out."""
        name, tally = self.devices[0], self.tally
        if command.verb == "wish":
            if tally.override is None:
                self._want(command.value == 1, command.reason)
        elif command.verb in ("on", "off"):
            seconds = command.value
            if not 0 <= seconds <= MOST:
                raise ValueError(f"{name}: {seconds:g} s is no time for which it can be so")
            until = self._clock.now() + timedelta(seconds=seconds) if seconds else None
            if tally.override is None:
                self._before = tally.on
            tally.override = Override(command.verb == "on", until)
            self._want(command.verb == "on", f"by hand, {command.reason}".rstrip(", "))
        elif command.verb == "auto":
            self._release(f"left to its rule, {command.reason}".rstrip(", "))
        else:
            raise ValueError(f"{name}: a switch cannot {command.verb}")
        return []

    def close(self) -> None:
        """To the safe state, if the thing answered last; then let it go."""
        try:
            if self._is_well and self._options["safe"] != "keep":
                self._is_well = False
                self._actor.put(self._options["safe"] == "on", 0.0)
        finally:
            self._is_well = False
            self._actor.close()

    def _look(self) -> None:
        """See how the thing truly is. Where it does not tell, it is brought to a known state; one
        that comes back otherwise than a person said, to that.
        """
        tally, now = self.tally, self._clock.now()
        actual = self._actor.state()
        self._is_blind = actual is None
        if tally.is_known:
            if actual is not None and actual != tally.on:
                tally.override = None
                tally.turned(actual, BY_HAND, now)
            return
        said = tally.override
        if said is not None and actual != said.on and self._wanted is None:
            self._want(said.on, "as it was said by hand")
        elif actual is None and self._wanted is None:
            self._want(self._rest(), "its safe state")
        if actual is not None:
            tally.turned(actual, tally.reason if actual == tally.on else "found so", now)

    def _recall(self) -> None:
        """What was told before the start; what a person said then still holds. Where its time ended
        meanwhile, nobody but us would end what it began.
        """
        now, tally = self._clock.now(), self.tally
        tally.recall(self._inside.snapshot(), now)
        if (said := tally.override) and said.until and said.until <= now:
            tally.override = None
            if said.on and self._options["rule"] == "manual":
                self._want(self._options["safe"] == "on", OVER)
        elif said:
            self._want(said.on, tally.reason)

    def _rest(self) -> bool:
        """What it is while nobody says otherwise."""
        safe = self._options["safe"]
        return self.tally.on if safe == "keep" else bool(safe == "on")

    def _put(self, on: bool) -> None:
        self._renewed = self._looked = self._clock.monotonic()  # it gets LOOK to show what it did
        self._actor.put(on, self._back_after(on))
        self._is_armed = self._back_after(on) > 0

    def _back_after(self, on: bool) -> float:
        """s after which the thing is to go to its safe state by itself; 0: never. What nobody asked
        us for, a button did: that is not ours to end, nor to prolong.
        """
        return DEAD if self._is_ours() and self._is_unsafe(on) else 0.0

    def _is_ours(self) -> bool:
        return self._options["rule"] != "manual" or self.tally.override is not None

    def _is_unsafe(self, on: bool) -> bool:
        safe = self._options["safe"]
        return bool(safe != "keep" and (safe == "on") != on)

    def _is_to_renew(self) -> bool:
        """Its timer, and the word itself where nobody sees what a power cut made of it."""
        is_due = self._clock.monotonic() - self._renewed >= RENEW
        return is_due and (
            self._back_after(self.tally.on) > 0 or (self._is_blind and self._is_ours())
        )

    def _guard(self) -> None:
        """What a rule switched goes to its safe state when the rules are no more."""
        tally, rules = self.tally, self._inside.snapshot().health.get("source:rules")
        if self._options["rule"] == "manual" or tally.override or not self._is_unsafe(tally.on):
            return
        is_away = rules is not None and rules.state in ("failed", "stopped")
        if rules and is_away and self._clock.now() - rules.since >= UNWATCHED:
            self._want(not tally.on, "the rules do not run")

    def _expire(self) -> None:
        override = self.tally.override
        if override and override.until and override.until <= self._clock.now():
            self._release(OVER)

    def _release(self, reason: str) -> None:
        if self.tally.override is not None:
            self.tally.override = self._wanted = None
            self.tally.reason = reason
            if self._options["rule"] == "manual":
                self._want(self._before, reason)

    def _want(self, on: bool, reason: str) -> None:
        self._wanted = on, reason

    def _words(self) -> tuple[object, ...]:
        tally = self.tally
        return tally.on, tally.since, tally.reason, tally.override, tally.is_known, tally.day

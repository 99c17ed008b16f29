"""The rules: each second they look at what is known, and tell the switches what is to be on.

The age of the meter's data is counted on our own clock from the moment when they came; a meter's
clock may be wrong by minutes.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo

from ..clock import Clock
from ..energy import contract, rates
from ..energy.loads import load_of
from ..energy.relays import STALE, Measured, State, Switch, Wish, step
from ..inside import Inside
from ..model import Command, Options, Reading, Snapshot, Telling, Totals, Trouble, Value

NAME = "rules"
PEAK = ("peak_gap", "demand_forecast")
AGAIN = 60.0  # s, after which another reason for the same state is worth telling
BOOKED = timedelta(minutes=31)  # an older rate of a closed quarter-hour says nothing of now
AHEAD = timedelta(hours=26)  # prices that may be of today


class RuleSource:
    """Contract: model.Source."""

    interval, patience, is_amid = 1.0, float("inf"), False

    def __init__(
        self, sections: Mapping[str, Options], inside: Inside, clock: Clock, totals: Totals
    ) -> None:
        options = sections[NAME]
        self.name, self.devices = f"source:{NAME}", (NAME,)
        self._inside, self._clock, self._grid = inside, clock, str(options["house"]["grid"])
        self._loads = [load_of(name, of) for name, of in options["switches"].items()]
        self._contracts = [contract.of(n, of) for n, of in options.get("contracts", {}).items()]
        self._meter = _Meter()
        self._state = State()
        self._told: dict[str, tuple[Wish, float]] = {}  # load -> what it was told, and when
        self._trouble: Trouble | None = None
        self._is_fresh = self._is_well = True
        self._opened = clock.monotonic()

    def open(self) -> str:
        self._state, self._is_fresh, self._trouble = State(), True, None
        self._opened = self._clock.monotonic()
        return ""

    def read(self) -> Sequence[Telling]:
        self._is_well = False  # until this step is done
        snapshot, now = self._inside.snapshot(), self._clock.now()
        measured = self._measured(snapshot, now)
        self._state, wishes = step(self._loads, self._state, measured)
        self._forget(measured)
        told = [self._tell(wish) for wish in wishes if self._is_news(wish, measured)]
        trouble, before = self._wrong(measured), self._trouble
        self._trouble = trouble
        news: list[Telling] = []
        if told or self._is_fresh or (before and not trouble):
            news.append(Reading(NAME, now, {}, {"last": told[-1]} if told else {"last": ""}))
        if trouble and (trouble != before or news):
            news.append(trouble)
        self._is_fresh, self._is_well = False, True
        return news

    def obey(self, command: Command) -> Sequence[Telling]:
        raise ValueError(f"the rules cannot {command.verb}; tell the switch")

    def close(self) -> None:
        """Where the rules failed nobody watches the loads: to their safe state."""
        if self._is_well:
            return
        self._is_well = True
        self._told.clear()
        for load in self._loads:
            if load.rule != "manual" and load.safe != "keep":
                wish = Command(load.name, "wish", float(load.safe == "on"), "the rules failed")
                self._inside.tell(wish)

    def _tell(self, wish: Wish) -> str:
        if self._inside.tell(Command(wish.name, "wish", float(wish.on), wish.reason)):
            self._told[wish.name] = wish, self._clock.monotonic()
        return f"{wish.name} {'on' if wish.on else 'off'}: {wish.reason}"

    def _is_news(self, wish: Wish, measured: Measured) -> bool:
        """Another state at once; another reason for the same one not too often."""
        before, at = self._told.get(wish.name, (None, 0.0))
        if wish.on != measured.switches[wish.name].on:
            return before is None or before.on != wish.on
        if not wish.word or (before and (before.on, before.word) == (wish.on, wish.word)):
            return False
        return before is None or self._clock.monotonic() - at >= AGAIN

    def _forget(self, measured: Measured) -> None:
        """What a load was told is over when a person takes it, and when it was done and undone."""
        for name, (wish, at) in list(self._told.items()):
            switch = measured.switches.get(name)
            is_undone = switch is not None and switch.on != wish.on and switch.answers
            if switch is None or (is_undone and self._clock.monotonic() - at >= AGAIN):
                del self._told[name]

    def _measured(self, snapshot: Snapshot, now: datetime) -> Measured:
        value = snapshot.get(self._grid, "power") if self._grid else None
        zone = self._inside.zone
        local = now.astimezone(zone)
        following = datetime.combine(local.date() + timedelta(days=1), time(), zone)
        gap, forecast = (_of_now(snapshot, quantity) for quantity in PEAK)
        return Measured(
            now,
            local,
            following.astimezone(UTC),
            value.number if value else None,
            self._meter.age(value, now, self._clock.monotonic()),
            gap,
            gap + forecast if gap is not None and forecast is not None else None,
            self._rate(snapshot, now, zone),
            self._inside.book.between(now, now + AHEAD),
            {x.name: s for x in self._loads if (s := _switch(snapshot, x.name, local))},
        )

    def _rate(self, snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> float | None:
        """EUR/kWh from the grid: by the contract in force, else as the last quarter-hour was
        booked, else the day-ahead price alone.
        """
        slot = self._inside.book.at(now)
        spot = slot.spot if slot else None
        day = now.astimezone(zone).date()
        if found := contract.in_force(self._contracts, "electricity", day):
            tariff = snapshot.labels.get(self._grid, {}).get("tariff", "")
            rate = rates.rate(found, now, zone, spot, tariff)
            return rate.imported if rate else None
        booked = snapshot.get("costs.electricity", "rate_import")
        if booked and now - booked.time < BOOKED:
            return booked.number
        return None if spot is None else spot / 1000

    def _wrong(self, measured: Measured) -> Trouble | None:
        """What keeps the rules from their work."""
        needing = [load.name for load in self._loads if load.needs_meter]
        if needing and not self._grid:
            text = f"{', '.join(needing)} cannot be switched: nobody knows what the grid takes."
            return Trouble(NAME, "grid", text, "Say in [house] which device is at the grid.")
        if self._clock.monotonic() - self._opened < STALE:
            return None  # who was just started has not told yet
        if needing and measured.age > STALE:
            text = f"{self._grid} is silent; in their safe state are: {', '.join(needing)}."
            return Trouble(NAME, "silent", text, f"Look at {self._grid}.")
        if measured.rate is None and any(load.rule == "price" for load in self._loads):
            text = "No price is known; what is switched by it stays in its safe state."
            return Trouble(NAME, "price", text, "Give a [contract:...] or a provider in [prices].")
        return None


class _Meter:
    """When the meter at the grid was heard last."""

    def __init__(self) -> None:
        self._value: Value | None = None
        self._heard = float("-inf")  # monotonic

    def age(self, value: Value | None, now: datetime, monotonic: float) -> float:
        """s since the value came; what was known before the first look is as old as it says."""
        if value is None:
            return float("inf")
        if self._value is None:
            self._heard = monotonic - max(0.0, (now - value.time).total_seconds())
        elif value.time != self._value.time:
            self._heard = monotonic
        self._value = value
        return monotonic - self._heard


def _of_now(snapshot: Snapshot, quantity: str) -> float | None:
    """A number of the running quarter-hour: as told last, while its source is well."""
    health = snapshot.health.get("peak")
    return snapshot.number("peak", quantity) if health and health.state == "ok" else None


def _switch(snapshot: Snapshot, name: str, local: datetime) -> Switch | None:
    """How it is; None where that is not known yet, and where a person has it."""
    state, labels = snapshot.get(name, "switch"), snapshot.labels.get(name, {})
    health, ran = snapshot.health.get(name), snapshot.get(name, "run_time_today")
    if state is None or labels.get("override"):
        return None
    is_of_today = ran is not None and ran.time.astimezone(local.tzinfo).date() == local.date()
    return Switch(
        state.number == 1,
        _since(labels.get("since", ""), state.time),
        ran.number if ran is not None and is_of_today else 0.0,
        health is not None and health.state == "ok",
    )


def _since(text: str, told: datetime) -> datetime:
    try:
        return min(told, datetime.fromisoformat(text))
    except (ValueError, TypeError):
        return told

"""What is known of one switch: its state, why and since when, how long it ran, what people want.

It is told as Readings, and found again in them after a restart.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple

from ..model import Reading, Snapshot

SET_BACK = timedelta(seconds=60)  # a clock that goes back by less was only put right
GAP = 120.0  # s between two looks, more of which is not counted: nobody knows what it did


class Override(NamedTuple):
    """What a person said."""

    on: bool
    until: datetime | None  # None: until another word

    def __str__(self) -> str:
        end = f" until {iso(self.until)}" if self.until else ""
        return f"{'on' if self.on else 'off'}{end}"


def override_of(text: str) -> Override | None:
    """From the label; None for "", and for what is none."""
    word, _, end = text.partition(" until ")
    until = time_of(end)
    if word not in ("on", "off") or (end and until is None):
        return None
    return Override(word == "on", until)


class Tally:
    """`zone`: where days begin."""

    def __init__(self, name: str, zone: tzinfo | None, now: datetime, monotonic: float) -> None:
        self.name, self.on, self.since, self.reason = name, False, now, ""
        self.is_known = False  # whether `on` is more than what was recalled
        self.override: Override | None = None
        self.run_time = self.today = self.switchings = 0.0
        self._zone, self._looked, self._seen = zone, monotonic, now
        self.day = self._date(now)

    def recall(self, snapshot: Snapshot, now: datetime) -> None:
        """Go on from what was told before the start."""
        known, labels = snapshot.values.get(self.name, {}), snapshot.labels.get(self.name, {})
        if (state := known.get("switch")) is not None:
            self.on, self.since = state.number == 1, time_of(labels.get("since", "")) or now
            self.since = min(self.since, now)
        self.run_time = snapshot.number(self.name, "run_time") or 0.0
        self.switchings = snapshot.number(self.name, "switchings") or 0.0
        if (today := known.get("run_time_today")) and self._date(today.time) == self._date(now):
            self.today = today.number
        self.reason = labels.get("reason", "")
        self.override = override_of(labels.get("override", ""))

    def look(self, now: datetime, monotonic: float) -> None:
        """Count the time since the last look, on the local day that is now."""
        elapsed = monotonic - self._looked
        back = self._seen + timedelta(seconds=elapsed) - now
        self._looked, self._seen = monotonic, now
        if back >= SET_BACK:
            self._set_back(back, now)
        if (day := self._date(now)) != self.day:
            self.day, self.today = day, 0.0
            elapsed_today = min(elapsed, self._since_midnight(now))
        else:
            elapsed_today = elapsed
        if self.on and self.is_known and elapsed <= GAP:
            self.run_time += elapsed
            self.today += elapsed_today

    def _set_back(self, back: timedelta, now: datetime) -> None:
        """The clock was: what a person gave half an hour ends in half an hour all the same."""
        self.since = min(self.since, now)
        if self.override and self.override.until:
            self.override = Override(self.override.on, self.override.until - back)

    def turned(self, on: bool, reason: str, now: datetime) -> None:
        """It is so from now on."""
        if on != self.on:
            self.on, self.since = on, now
            self.switchings += 1
        self.reason, self.is_known = reason, True

    def reading(self, now: datetime) -> Reading:
        values = {
            "switch": float(self.on),
            "run_time": round(self.run_time, 1),
            "run_time_today": round(self.today, 1),
            "switchings": self.switchings,
        }
        override = str(self.override) if self.override else ""
        labels = {"reason": self.reason, "since": iso(self.since), "override": override}
        return Reading(self.name, now, values, labels)

    def _date(self, time: datetime) -> date:
        return time.astimezone(self._zone).date()

    def _since_midnight(self, now: datetime) -> float:
        local = now.astimezone(self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return (now - midnight.astimezone(UTC)) / timedelta(seconds=1)


def iso(time: datetime) -> str:
    """2026-03-02T12:00:00Z"""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def time_of(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None

"""What is worth an alarm: decided from one Snapshot after the other, told once.

1. What is failed or silent for a minute, once until it was well for a minute again; that is told.
2. A meter that is another one; not again within an hour.
3. A peak: each level once a quarter, and after an alarm that never ended not within an hour.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from ..model import Snapshot

LASTING = 60.0  # s
AGAIN = 3600.0  # s
WRONG = {"failed": "failed", "stale": "silent"}  # state -> word
LEVELS = ("none", "will_exceed", "has_exceeded")


class Alarm(NamedTuple):
    word: str  # failed, silent, healed, meter
    name: str
    text: str = ""  # why; the new serial
    old: str = ""  # the old serial
    seconds: float = 0.0  # how long it was not well


@dataclass
class Episode:
    """One part that is not well."""

    since: float
    well_since: float | None = None
    is_told: bool = False


class Watch:
    """`now` is monotonic, s."""

    def __init__(self) -> None:
        self._episodes: dict[str, Episode] = {}
        self._meters_told: dict[str, float] = {}
        self._quarter, self._level = "", 0  # of the last peak that was told
        self._peak_time: float | None = None  # when; None: it ended since

    def health(self, snapshot: Snapshot, now: float) -> list[Alarm]:
        """A wire is told by the devices on it."""
        told = []
        there = {
            name: of
            for name, of in snapshot.health.items()
            if name not in ("bot", "station") and not name.startswith("source:")
        }
        for name in self._episodes.keys() - there.keys():
            del self._episodes[name]
        for name, of in there.items():
            if of.state in WRONG:
                episode = self._episodes.setdefault(name, Episode(now))
                episode.well_since = None
                if not episode.is_told and now - episode.since >= LASTING:
                    episode.is_told = True
                    text = " ".join(filter(None, (of.text, of.remedy)))
                    told.append(Alarm(WRONG[of.state], name, text))
            elif of.state == "ok" and self._is_healed(name, now):
                episode = self._episodes.pop(name)
                if episode.is_told:
                    told.append(Alarm("healed", name, seconds=now - episode.since - LASTING))
        return told

    def _is_healed(self, name: str, now: float) -> bool:
        episode = self._episodes.get(name)
        if episode is None:
            return False
        if episode.well_since is None:
            episode.well_since = now
        return not episode.is_told or now - episode.well_since >= LASTING

    def meters(self, snapshot: Snapshot, known: dict[str, str], now: float) -> list[Alarm]:
        """Keeps in `known` the serial of each device."""
        told = []
        for device, serial in serials(snapshot).items():
            old = known.get(device, serial)
            known[device] = serial
            last = self._meters_told.get(device)
            if old != serial and (last is None or now - last >= AGAIN):
                self._meters_told[device] = now
                told.append(Alarm("meter", device, serial, old))
        return told

    def is_new_peak(self, quarter: str, alarm: str, now: float) -> bool:
        """Whether an alarm of this quarter is to be told."""
        level = LEVELS.index(alarm)
        if not level:
            self._peak_time = None
            return False
        if quarter == self._quarter:
            is_new = level > self._level
        else:
            is_new = self._peak_time is None or now - self._peak_time >= AGAIN
        if is_new:
            self._quarter, self._level, self._peak_time = quarter, level, now
        return is_new


def serials(snapshot: Snapshot) -> Mapping[str, str]:
    """The meter behind each device, as it was told last."""
    found = {}
    for device, values in snapshot.values.items():
        told = [value for value in values.values() if value.meter]
        if told:
            found[device] = max(told, key=lambda value: value.time).meter
    return found

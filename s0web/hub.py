"""The Hub remembers the latest Value of every quantity and numbers every Reading into the log,
under the one lock.
"""

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from .clock import Clock
from .log import Batch, Log
from .model import Frame, Health, Reading, Snapshot, Value
from .quantities import QUANTITIES

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
AGAIN = timedelta(seconds=60)  # a value that old, told again after a start, is not news
MOST = 1e15  # of any quantity: more is no measurement, and would spoil sums in databases
Told = TypeVar("Told")


class Hub:
    def __init__(self, clock: Clock, log: Log | None = None) -> None:
        self._clock = clock
        self._log = log or Log()
        self._changed = threading.Condition()
        self._snapshot = Snapshot()
        self.dropped: Counter[str] = Counter()  # reason -> values refused

    def publish(self, told: Sequence[Reading | Frame]) -> int:
        """Take all of one read() at once; return how many Readings were kept. Arrival decides, not
        stamps; only a value with an old stamp of its own that is known already is not told again.
        """
        now = self._clock.now()
        latest = now + AHEAD
        readings = [
            kept
            for item in told
            if isinstance(item, Reading) and (kept := self._sane(item, latest)) is not None
        ]
        frames = {item.device: item.data for item in told if isinstance(item, Frame)}
        if not readings and not frames:
            return 0
        with self._changed:
            old = self._snapshot
            values, labels = dict(old.values), dict(old.labels)
            for reading in readings:
                news = {
                    quantity: Value(number, reading.time, reading.meter)
                    for quantity, number in reading.values.items()
                }
                values[reading.device] = {**values.get(reading.device, {}), **news}
                if reading.labels:
                    labels[reading.device] = {**labels.get(reading.device, {}), **reading.labels}
            self._log.append([r for told in readings if (r := _news(told, old, now - AGAIN))])
            self._swap(
                replace(old, values=values, labels=labels, raw={**old.raw, **frames}), news=True
            )
        return len(readings)

    def report(self, name: str, health: Health) -> None:
        """Set the health of a worker or device; a new Snapshot version only when state or sentence
        changed.
        """
        with self._changed:
            old = self._snapshot
            before = old.health.get(name)
            if health == before:
                return
            news = before is None or _sentence(before) != _sentence(health)
            self._swap(replace(old, health={**old.health, name: health}), news)

    def forget(self, names: Sequence[str]) -> None:
        """Drop the health of parts that are no longer configured; their last values stay."""
        with self._changed:
            health = {k: v for k, v in self._snapshot.health.items() if k not in names}
            self._swap(replace(self._snapshot, health=health), news=True)

    def drop(self, devices: Collection[str]) -> None:
        """Forget what these devices told, and what hangs on them: they are others now, or gone."""
        with self._changed:
            old = self._snapshot
            values, labels = _without(old.values, devices), _without(old.labels, devices)
            raw = _without(old.raw, devices)
            self._swap(replace(old, values=values, labels=labels, raw=raw), news=True)

    def renew(self, devices: Collection[str]) -> None:
        """Their source was ended: forget their words, and how what hangs on them is."""
        with self._changed:
            old = self._snapshot
            labels = _without(old.labels, devices)
            health = {k: v for k, v in old.health.items() if "." not in k}
            health |= _without(old.health, devices)
            news = len(labels) < len(old.labels) or len(health) < len(old.health)
            self._swap(replace(old, labels=labels, health=health), news)

    def recall(
        self, values: Mapping[str, Mapping[str, Value]], labels: Mapping[str, Mapping[str, str]]
    ) -> None:
        """What was known before the start, where nothing newer is."""
        with self._changed:
            old = self._snapshot
            merged = {d: {**told, **old.values.get(d, {})} for d, told in values.items()}
            words = {d: {**told, **old.labels.get(d, {})} for d, told in labels.items()}
            news = replace(old, values={**old.values, **merged}, labels={**old.labels, **words})
            self._swap(news, news=True)

    def renumber(self, base: int, last: int) -> None:
        """Number `base` is `last` from now on, and all others as they follow; what came before is
        no longer held. Nobody may follow the log meanwhile.
        """
        with self._changed:
            self._log.renumber(base, last)

    def clear(self) -> None:
        """Forget every value and reading: another house begins."""
        with self._changed:
            self._log.renumber(self._log.last, self._log.last)
            self._swap(Snapshot(version=self._snapshot.version), news=True)

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def known(self) -> list[Reading]:
        """All that is known, as if it were told now, each value with its own time."""
        found: dict[tuple[str, datetime, str], dict[str, float]] = {}
        for device, values in self._snapshot.values.items():
            for quantity, (number, time, meter) in values.items():
                found.setdefault((device, time, meter), {})[quantity] = number
        return [Reading(d, time, values, {}, meter) for (d, time, meter), values in found.items()]

    def wait(self, after: int, seconds: float) -> Snapshot:
        """Wait until there is a Snapshot newer than version `after`, or the seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: self._snapshot.version > after, seconds)
            return self._snapshot

    def after(self, cursor: int, limit: int = 1_000) -> Batch:
        """What the log holds after the cursor."""
        with self._changed:
            return self._log.after(cursor, limit)

    @property
    def last(self) -> int:
        """The number of the newest Reading."""
        return self._log.last

    def _swap(self, snapshot: Snapshot, news: bool) -> None:
        if news:
            snapshot = replace(snapshot, version=snapshot.version + 1)
        self._snapshot = snapshot
        if news:
            self._changed.notify_all()

    def _sane(self, reading: Reading, latest: datetime) -> Reading | None:
        """The reading without the values that nobody could use, or None when nothing is left."""
        if not EARLIEST <= reading.time <= latest:
            self.dropped["time"] += len(reading.values)
            return None
        bad = [k for k, v in reading.values.items() if not abs(v) <= MOST or k not in QUANTITIES]
        if not bad:
            return reading
        for quantity in bad:
            self.dropped["number" if quantity in QUANTITIES else "quantity"] += 1
        values = {k: v for k, v in reading.values.items() if k not in bad}
        return replace(reading, values=values) if values or reading.labels else None


def _news(reading: Reading, known: Snapshot, young: datetime) -> Reading | None:
    """The reading without what is known to the second; None when nothing is left."""
    values = known.values.get(reading.device)
    if reading.time >= young or values is None:
        return reading
    news = {
        quantity: number
        for quantity, number in reading.values.items()
        if values.get(quantity) != (number, reading.time, reading.meter)
    }
    if len(news) == len(reading.values):
        return reading
    return replace(reading, values=news) if news or reading.labels else None


def _without(told: Mapping[str, Told], devices: Collection[str]) -> dict[str, Told]:
    """What is told of other devices than these and what hangs on them."""
    return {
        name: what
        for name, what in told.items()
        if name not in devices and name.partition(".")[0] not in devices
    }


def _sentence(health: Health) -> tuple[str, str, str]:
    return health.state, health.text, health.remedy

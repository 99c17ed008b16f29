"""What the archive holds in memory: the latest values and labels, the segments of the registers,
the open hours.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ..model import Reading, Value
from .batches import EPOCH
from .hours import HOUR, Key, OpenHours
from .packer import is_register
from .segments import Segments

MS = timedelta(milliseconds=1)


class Memory:
    """Not locked by itself."""

    def __init__(self) -> None:
        self.latest: dict[str, dict[str, Value]] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.open = OpenHours()
        self.segments = Segments()
        self._known = 0  # number of the newest reading in latest, labels and segments

    def take(self, reading: Reading, seq: int, packed: Mapping[int, int]) -> None:
        """Remember a reading; `packed`: the number up to which an hour's values are packed."""
        ms = (reading.time - EPOCH) // MS
        device, meter, is_new = reading.device, reading.meter, seq > self._known
        is_open = seq > packed.get(ms // HOUR, 0)
        segment_of = self.segments.assign if is_new else self.segments.find
        for quantity, number in reading.values.items():
            segment = ""
            if is_register(quantity):
                segment = segment_of(device, quantity, meter, ms, number)
            if is_open:
                self.open.add(Key(device, quantity, segment), ms, number, seq)
        if is_new:
            self._known = seq
            told = self.latest.setdefault(device, {})
            for quantity, number in reading.values.items():
                told[quantity] = Value(number, reading.time, meter)
            if reading.labels:
                self.labels.setdefault(device, {}).update(reading.labels)

    def draft(self) -> "Memory":
        """A copy without the open hours."""
        copy = Memory()
        copy.load(self.dump())
        return copy

    def adopt(self, draft: "Memory") -> None:
        """What a draft knows; the open hours stay."""
        self.latest, self.labels, self.segments = draft.latest, draft.labels, draft.segments

    def dump(self) -> str:
        """All but the open hours, as JSON."""
        latest = {
            device: {
                quantity: [value.number, (value.time - EPOCH) / MS, value.meter]
                for quantity, value in values.items()
            }
            for device, values in self.latest.items()
        }
        return json.dumps([self._known, latest, self.labels, self.segments.dump()])

    def load(self, text: str) -> int:
        """What was dumped; return the number of the newest reading in it."""
        latest: dict[str, dict[str, Any]]
        self._known, latest, self.labels, segments = json.loads(text)
        self.latest = {
            device: {
                quantity: Value(number, EPOCH + ms * MS, meter)
                for quantity, (number, ms, meter) in values.items()
            }
            for device, values in latest.items()
        }
        self.segments.load(segments)
        return self._known

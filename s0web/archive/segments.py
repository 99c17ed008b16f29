"""Which meter stands behind a register: a segment for each serial, and a new one (#2, #3 ...) where
the register falls.

One low value between two that go on is a slip, not another meter: it gets a segment of its own, and
the one before goes on. Late values belong to the segment that was there at their time.
"""

import re
from bisect import bisect_right
from dataclasses import astuple, dataclass, field
from typing import Any

KEPT = 16  # segments remembered for late values
Identity = tuple[str, str, str]  # device, quantity, serial
_NUMBER = re.compile(r"#\d+$")


@dataclass(slots=True)
class _Register:
    names: list[int] = field(default_factory=list)  # of the segments, as they followed each other
    begins: list[int] = field(default_factory=list)  # ms
    newest: int = 0  # the highest name given
    last: float = 0.0  # value of the present segment
    latest: int = 0  # ms, its time
    count: int = 0  # values of the present segment
    before: float = 0.0  # what the segment before ended with

    def open(self, name: int, ms: int) -> None:
        self.names, self.begins = [*self.names, name][-KEPT:], [*self.begins, ms][-KEPT:]
        self.newest = max(self.newest, name)
        self.before, self.count = self.last, 0

    def is_slip(self) -> bool:
        """Whether the present segment may be one: new, and of one value so far."""
        return self.count == 1 and self.names[-1] > 1 and self.names[-1] == self.newest


class Segments:
    def __init__(self) -> None:
        self._registers: dict[Identity, _Register] = {}

    def assign(self, device: str, quantity: str, meter: str, ms: int, number: float) -> str:
        """The segment of a value that was told now."""
        key = (device, quantity, meter)
        register = self._registers.get(key)
        if register is None:
            register = self._registers[key] = _Register()
            register.open(1, ms)
        elif ms < register.latest:
            return self.find(device, quantity, meter, ms, number)
        elif number < register.last:
            register.open(register.newest + 1, ms)
        elif register.is_slip() and number >= register.before:
            register.open(register.names[-2], ms)
        register.last, register.latest = number, ms
        register.count += 1
        return _label(meter, register.names[-1])

    def find(self, device: str, quantity: str, meter: str, ms: int, number: float) -> str:
        """The segment of a value of the past; its number does not matter."""
        register = self._registers.get((device, quantity, meter))
        if register is None:
            return _label(meter, 1)
        return _label(meter, register.names[max(0, bisect_right(register.begins, ms) - 1)])

    def names(self, identity: Identity, packed: list[str]) -> list[str]:
        """The segments of a serial, of those on disk and those that were told lately."""
        register, meter = self._registers.get(identity), identity[2]
        told = [_label(meter, name) for name in register.names] if register else []
        return sorted({*told, *(name for name in packed if serial_of(name) == meter)})

    def fresh(self, identity: Identity, names: list[str]) -> str:
        """A new segment of the past beside these; the present one goes on."""
        register = self._registers.get(identity)
        newest = max([*map(_number, names), register.newest if register else 0])
        if register is not None:
            register.newest = newest + 1
        return _label(identity[2], newest + 1)

    def went_on(
        self, identity: Identity, segment: str, times: list[int], values: list[float]
    ) -> None:
        """Values were added to a segment; where they are the newest it is the present one."""
        register = self._registers.get(identity)
        if register is None:
            register = self._registers[identity] = _Register()
            register.open(_number(segment), times[0])
        elif times[-1] <= register.latest:
            return
        elif register.names[-1] != _number(segment):
            register.open(_number(segment), times[0])
        register.last, register.latest = values[-1], times[-1]
        register.count += len(times)

    def dump(self) -> list[list[Any]]:
        """All that is known, fit for JSON."""
        return [[*key, *astuple(register)] for key, register in self._registers.items()]

    def load(self, rows: list[list[Any]]) -> None:
        """What was dumped."""
        for device, quantity, meter, *state in rows:
            self._registers[device, quantity, meter] = _Register(*state)


def serial_of(segment: str) -> str:
    """The meter's serial: the segment without its number."""
    return _NUMBER.sub("", segment)


def _number(segment: str) -> int:
    found = _NUMBER.search(segment)
    return int(found[0][1:]) if found else 1


def _label(meter: str, name: int) -> str:
    return meter if name == 1 else f"{meter}#{name}"

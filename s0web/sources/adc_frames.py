"""Frames of ADC samples in a row, without a hole, until they are in a window."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ..hardware import Samples

if TYPE_CHECKING:  # numpy is an extra, needed only where an ADC is
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NS = 10**9
HOLE, FILLED = 3_000_000, 100_000_000  # ns between two frames: from a hole on, up to this filled


class Part(NamedTuple):
    times: "NDArray[np.int64]"  # m: stamps, ns
    codes: "NDArray[np.uint16]"  # m x c
    slot: float  # ns between two conversions of one frame


def part_of(pieces: Sequence[Samples], channels: int) -> Part:
    """Pieces as they came from the wire, as one; they may be uneven and have holes."""
    import numpy as np

    times = b"".join(memoryview(piece.times_ns) for piece in pieces)
    codes = b"".join(memoryview(piece.codes) for piece in pieces)
    slots = [piece.slot_ns * len(piece.times_ns) for piece in pieces]
    stamps = np.frombuffer(times, np.int64)
    words = np.frombuffer(codes, np.uint16).reshape(-1, channels)
    return Part(stamps, words, sum(slots) / len(stamps))


def spacing(times: "NDArray[np.int64]", frame: int) -> "Floats":
    """The time for which each frame stands, s: half way to its neighbours, so more after a late one
    and less before; `frame` is the nominal distance, ns, for the ends.
    """
    import numpy as np

    padded = np.concatenate(([times[0] - frame], times, [times[-1] + frame]))
    distances: Floats = (padded[2:] - padded[:-2]) * (0.5 / NS)
    return distances


class Row:
    """Frames in a row; true if there are any."""

    def __init__(self, frame: int, wave: int) -> None:
        self._frame, self._wave = frame, wave  # nominal: ns between two frames, frames of a wave
        self._hole = max(HOLE, 5 * frame // 2)
        self._parts: list[Part] = []
        self.last = 0  # ns, stamp of the last frame

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, part: Part) -> None:
        self._parts.append(part)
        self.last = int(part.times[-1])

    def joined(self) -> Part:
        """All that is held, as one; there must be some."""
        import numpy as np

        if len(self._parts) > 1:
            times, codes, slots = zip(*self._parts, strict=True)
            slot = float(np.average(slots, weights=[len(part) for part in times]))
            self._parts = [Part(np.concatenate(times), np.concatenate(codes), slot)]
        return self._parts[0]

    def drop(self, count: int) -> None:
        """Forget that many at the beginning."""
        times, codes, slot = self.joined()
        self._parts = [Part(times[count:], codes[count:], slot)]

    def clear(self) -> None:
        self._parts.clear()

    def split(self, part: Part) -> list[Part]:
        """A part cut where its stamps jump, so that each is a row in itself."""
        import numpy as np

        steps = np.diff(part.times)
        jumps = np.flatnonzero((steps <= 0) | (steps > self._hole)) + 1
        edges = [0, *jumps.tolist(), len(part.times)]
        return [
            Part(part.times[begin:end], part.codes[begin:end], part.slot)
            for begin, end in pairwise(edges)
        ]

    def reaches(self, time: int) -> bool:
        """Whether a frame at this stamp goes on with the row; a hole of up to 0.1 s is filled with
        the wave before it, of all channels alike.
        """
        import numpy as np

        missing = time - self.last
        if 0 < missing <= self._hole:
            return True
        _, codes, slot = self.joined()
        if not 0 < missing <= FILLED or len(codes) < self._wave:
            return False
        if count := round(missing / self._frame) - 1:
            numbers = np.arange(count, dtype=np.int64)
            times = self.last + missing * (numbers + 1) // (count + 1)
            self.add(Part(times, codes[len(codes) - self._wave + numbers % self._wave], slot))
        return True

r"""From samples in pieces of any size to overlapping windows in which every sample counts once.

    weight
      1 |    ____________     ____________
        |   /            \   /            \       the falling flank of a window and the rising
        |  /              \ /              \      one of the next are raised cosines of 10 mains
      0 |_/________________X________________\_    cycles, and add up to 1
            start        start + 1 s

1. A hole of a few frames is filled with the wave before it, so that a short stall costs no window.
2. At a longer gap the windows end and begin anew, with flanks of their own: those lower the weights
   of the means alone, not the time for which a window stands.
3. A piece that stands for more (or less) time than it lasts, from a warped wire, is one window.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from ..hardware import Samples
from .adc_frames import NS, Row, part_of, spacing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .adc_frames import Floats

LENGTH = NS  # ns from one window to the next
FLANK_CYCLES = 10  # of the mains
SHORTEST = 0.3  # s, less at an end tells no power: it belongs to the gap
WARPED = 0.2  # part by which a piece stands for another time than it lasts


class Window(NamedTuple):
    """Frames with their weights; m frames of c channels."""

    codes: "NDArray[np.uint16]"  # c x m
    times: "Floats"  # m: of the first conversion of each frame, s since that of the first frame
    weights: "Floats"  # m, s: for means
    span: float  # s, for which the window stands
    slot: float  # s between two conversions of one frame
    gap: float  # s before it that no window stands for
    end_ns: int  # until when it stands, on the clock of the stamps


class Windows:
    """Feed it pieces in order; it returns windows as they become full."""

    def __init__(self, channels: int, rate: float, frequency: float) -> None:
        self._channels = channels
        self._frame = round(NS / rate)  # ns, nominal
        self._flank = 2 * round(FLANK_CYCLES / frequency * NS / 2)  # ns, even
        self._waiting: list[Samples] = []  # until they fill a window, so that few steps are made
        self._row = Row(self._frame, max(1, round(rate / frequency)))
        self._start = self._due = 0  # ns: begin of the next window, and a stamp that fills it
        self._is_first = True  # nothing is before the next window
        self._counted: int | None = None  # ns, until when windows stand for the time

    def feed(self, samples: Samples) -> list[Window]:
        if not samples.times_ns:
            return []
        if self._is_warped(samples):
            return [*self.close(), self._alone(samples)]
        self._waiting.append(samples)
        is_quiet = self._row.last < samples.times_ns[-1] <= self._due
        return [] if is_quiet else self._take()

    def _is_warped(self, samples: Samples) -> bool:
        lasts = samples.times_ns[-1] - samples.times_ns[0] + self._frame
        is_whole = lasts > LENGTH // 2 and 2 * len(samples.times_ns) * self._frame > lasts
        return is_whole and abs(samples.seconds * NS - lasts) > WARPED * lasts

    def close(self) -> list[Window]:
        """End here, and return what is worth a window."""
        return [*self._take(), *self._end()]

    def _take(self) -> list[Window]:
        """Look at all pieces that wait, and cut off what is full."""
        found: list[Window] = []
        if not self._waiting:
            return found
        whole = part_of(self._waiting, self._channels)
        self._waiting.clear()
        for part in self._row.split(whole):
            first = int(part.times[0])
            if self._row and not self._row.reaches(first):
                found += self._end()
            if not self._row:
                self._is_first = True
                self._set_start(first - self._frame // 2)
            self._row.add(part)
            while self._row.last > self._due:
                found.append(self._next())
        return found

    def _end(self) -> list[Window]:
        edge = self._row.last + self._frame // 2
        is_long = self._row and edge - self._start >= SHORTEST * NS
        found = [self._next(edge)] if is_long else []
        self._row.clear()
        return found

    def _set_start(self, start: int) -> None:
        self._start, self._due = start, start + LENGTH + self._flank // 2

    def _next(self, edge: int | None = None) -> Window:
        """Cut the next window off; an edge is where the samples end."""
        import numpy as np

        times, codes, slot = self._row.joined()
        half, start = self._flank // 2, self._start
        end = start + LENGTH if edge is None else edge
        low = 0 if self._is_first else int(np.searchsorted(times, start - half))
        high = len(times) if edge is not None else int(np.searchsorted(times, end + half))
        stamps = times[low:high]
        full = spacing(times, self._frame)[low:high]
        if not self._is_first:
            _rise(full, stamps, start - half, self._flank)
        if edge is None:
            _fall(full, stamps, end + half, self._flank)
        means = full.copy() if self._is_first or edge is not None else full
        flank = min(self._flank, (end - start) // 2)
        if self._is_first:
            _rise(means, stamps, start, flank)
        if edge is not None:
            _fall(means, stamps, end, flank)
        since = start if self._counted is None else self._counted
        gap = max(0.0, (start - since) / NS)  # stamps that run backwards are another clock's
        self._is_first, self._counted = False, end
        self._set_start(end)
        done = int(np.searchsorted(times, end - half)) - 1  # but for one, for the spacing
        self._row.drop(max(0, done))
        at = (stamps - stamps[0]) / NS
        span = float(full.sum())
        waves = np.ascontiguousarray(codes[low:high].T)  # whoever reads them goes along channels
        return Window(waves, at, means, span, slot / NS, gap, end)

    def _alone(self, samples: Samples) -> Window:
        import numpy as np

        times, codes, slot = part_of([samples], self._channels)
        weights = spacing(times, self._frame)
        begin, end = int(times[0]) - self._frame // 2, int(times[-1]) + self._frame // 2
        flank = min(self._flank, (end - begin) // 2)
        _rise(weights, times, begin, flank)
        _fall(weights, times, end, flank)
        self._counted = None  # its time is not that of the stamps
        since = (times - times[0]) / NS
        return Window(
            np.ascontiguousarray(codes.T), since, weights, samples.seconds, slot / NS, 0.0, end
        )


def _rise(weights: Any, stamps: Any, foot: int, flank: int) -> None:
    """Multiply the beginning by a raised cosine from its foot on, both in ns."""
    import numpy as np

    count = int(np.searchsorted(stamps, foot + flank))
    part = (stamps[:count] - foot) * (np.pi / flank)
    weights[:count] *= 0.5 - 0.5 * np.cos(part)


def _fall(weights: Any, stamps: Any, foot: int, flank: int) -> None:
    """The same for the end, down to its foot."""
    import numpy as np

    first = int(np.searchsorted(stamps, foot - flank))
    part = (foot - stamps[first:]) * (np.pi / flank)
    weights[first:] *= 0.5 - 0.5 * np.cos(part)

"""What a sink has to write before anything of the log, part by part."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .model import Reading

Parts = Iterable[Sequence[Reading]]


@dataclass(frozen=True)
class Anew:
    """Parts that may be asked for anew; they go on from what was written."""

    parts: Callable[[str], Iterator[Sequence[Reading]]]
    sink: str

    def __iter__(self) -> Iterator[Sequence[Reading]]:
        return self.parts(self.sink)


class Earlier:
    """The sink's thread asks for parts; any thread may add."""

    def __init__(self, first: Parts) -> None:
        self._waiting = deque([first])
        self._running: Iterator[Sequence[Reading]] | None = None  # through the first of these
        self._part: Sequence[Reading] | None = None

    def add(self, parts: Parts) -> None:
        """Once more what is underway, but not twice more."""
        if self._waiting.count(parts) < 2:
            self._waiting.append(parts)

    def part(self) -> Sequence[Reading] | None:
        """The same until it is `written`; None where nothing is left. After an error the parts are
        begun anew.
        """
        while self._part is None and self._waiting:
            running = self._running or iter(self._waiting[0])
            self._running = None
            self._part = next(running, None)
            if self._part is None:
                self._waiting.popleft()
            else:
                self._running = running
        return self._part

    def written(self) -> None:
        self._part = None

"""A bar on stderr for people; where stderr is no terminal there is none."""

import sys
from types import TracebackType

WIDTH = 30


class Progress:
    """`with Progress("reading") as bar: bar(0.5)`"""

    def __init__(self, what: str) -> None:
        self._what, self._shown, self._live = what, "", sys.stderr.isatty()

    def __enter__(self) -> "Progress":
        return self

    def __call__(self, part: float) -> None:
        """So much of the whole is done, 0 to 1."""
        if not self._live:
            return
        part = min(1.0, max(0.0, part))
        full = round(part * WIDTH)
        text = f"{self._what} [{'#' * full}{'.' * (WIDTH - full)}] {part:4.0%}"
        if text != self._shown:
            self._shown = text
            print(f"\r{text}", end="", file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

"""Every exception of s0web: each has two parents, so that a caller may catch the house's or the
language's.
"""

from collections.abc import Sequence
from typing import NamedTuple


class S0WebError(Exception):
    """The text names the thing, the reason and what to do."""


class Problem(NamedTuple):
    """One mistake in the INI: where it is, and a sentence about it that says what to do."""

    section: str
    option: str  # "" where the section itself is wrong
    text: str

    def __str__(self) -> str:
        return f"[{self.section}] {self.option + ': ' if self.option else ''}{self.text}"


class ConfigError(S0WebError, ValueError):
    """The INI file is wrong; `problems` has one row for each mistake in it."""

    def __init__(self, text: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(text)
        self.problems = tuple(problems)


class SourceError(S0WebError, OSError):
    """A wire cannot be claimed, or is gone."""


class SinkError(S0WebError, OSError):
    """A place that keeps readings cannot be reached; the same batch comes again."""


class FrameError(S0WebError, ValueError):
    """A telegram or frame is damaged: it has no end, or its checksum is wrong."""


class ReplyError(S0WebError, ValueError):
    """One request to a meter had no good answer, while its bus works.

    `kind`: silent, short, garbled, stranger (another meter answered), refused (`code` says why).
    """

    def __init__(self, kind: str, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.kind, self.code = kind, code


class StationError(S0WebError, RuntimeError):
    """The station cannot do that now (it is waiting, stopped, or has no such part)."""

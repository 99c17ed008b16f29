"""The keyboard of a terminal without waiting for Enter; the terminal is as before when it ends."""

import os
import select
import sys
import termios
import tty
from types import TracebackType

_ESCAPES = {
    b"[A": "up",
    b"[B": "down",
    b"[C": "right",
    b"[D": "left",
    b"OA": "up",
    b"OB": "down",
    b"OC": "right",
    b"OD": "left",
    b"[5~": "page up",
    b"[6~": "page down",
    b"[Z": "left",  # shift and tab
}
_NAMES = {b"\t": "right", b" ": "page down", b"\x03": "q", b"\x04": "q", b"k": "up", b"j": "down"}
Saved = list[int | list[bytes | int]]


class Keys:
    """`with Keys() as keys: keys.wait(1.0)`; where there is no terminal no key is ever pressed."""

    def __init__(self) -> None:
        self._saved: Saved | None = None

    def __enter__(self) -> "Keys":
        if sys.stdin.isatty():
            self._saved = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def wait(self, seconds: float) -> list[str]:
        """The names of the keys that were pressed, once there are some."""
        if self._saved is None:
            select.select([], [], [], seconds)
            return []
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return []
        told = os.read(sys.stdin.fileno(), 1_024)
        return names(told) if told else ["q"]  # the terminal is gone

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._saved is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._saved)


def names(told: bytes) -> list[str]:
    """Letters as they are; arrows and the like by name; what is unknown is left out."""
    found = []
    while told:
        escape = next((e for e in _ESCAPES if told[1:].startswith(e)), None)
        if told.startswith(b"\x1b") and escape is not None:
            found.append(_ESCAPES[escape])
            told = told[1 + len(escape) :]
            continue
        letter = told[:1]
        if letter in _NAMES:
            found.append(_NAMES[letter])
        elif letter.isalnum():
            found.append(letter.decode().lower())
        told = told[1:]
    return found

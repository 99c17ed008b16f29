"""A socket as http.client reads from it: one deadline for a whole answer, however slow, and an end
before it for what is no longer wanted.
"""

import time
from collections.abc import Callable
from io import BufferedReader, RawIOBase
from typing import Any

SLICE = 0.25  # s between two looks at whether the answer is still wanted


class Dropped(OSError):
    """The answer is no longer wanted."""


class Hurried(RawIOBase):
    """For HTTPResponse, in place of the socket; TimeoutError once `end` (monotonic) is over."""

    def __init__(
        self, wire: Any, end: float, is_unwanted: Callable[[], bool] = lambda: False
    ) -> None:
        self._wire, self._end, self._is_unwanted = wire, end, is_unwanted

    def makefile(self, mode: str) -> BufferedReader:
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._is_unwanted():
            if (left := self._end - time.monotonic()) <= 0:
                raise TimeoutError
            self._wire.settimeout(min(left, SLICE))
            try:
                return int(self._wire.recv_into(buffer))
            except TimeoutError:
                continue
        raise Dropped("no longer wanted")

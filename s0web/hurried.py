"""A socket as http.client reads from it: one deadline for a whole answer, however slow."""

import time
from io import BufferedReader, RawIOBase
from typing import Any


class Hurried(RawIOBase):
    """For HTTPResponse, in place of the socket; TimeoutError once `end` (monotonic) is over."""

    def __init__(self, wire: Any, end: float) -> None:
        self._wire, self._end = wire, end

    def makefile(self, mode: str) -> BufferedReader:
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if (left := self._end - time.monotonic()) <= 0:
            raise TimeoutError
        self._wire.settimeout(left)
        return int(self._wire.recv_into(buffer))

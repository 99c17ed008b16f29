"""The lock of a state folder: one station at a time; the next takes over however that one ended."""

import fcntl
import os
from pathlib import Path

from .errors import StationError


class StateLock:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def take(self) -> bool:
        """Try once; False while another process has it. StationError when the folder cannot be
        used.
        """
        try:
            if self._handle < 0:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise StationError(
                f"{self._path.parent}: cannot be used ({error.strerror}); let the service own it."
            ) from error
        return True

    def drop(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

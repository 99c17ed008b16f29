"""CSV files that are .wip__<name>.csv while they grow, and lose that prefix when they are whole.

A file is locked (flock) while it grows, so that what a killed process left is told from what
another one still writes.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

WIP = ".wip__"
TAIL = 8_000_000  # bytes of one file that are looked at for its last lines


class Growing:
    """One file while it grows. Every method may raise OSError."""

    def __init__(self, folder: Path, prefix: str, now: datetime, header: bytes) -> None:
        self.lines = 0  # without the header
        self._size, self._header = 0, header
        self._handle, self._path = _create(folder, f"{prefix}_{now:%Y%m%d_%H%M%S}")

    def append(self, rows: list[str]) -> None:
        """Hand all of them to the kernel, or none."""
        data = ("".join(rows)).encode()
        data = data if self._size else self._header + data
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
        except OSError:
            os.ftruncate(self._handle, self._size)
            raise
        self._size += len(data)
        self.lines += len(rows)

    def sync(self) -> None:
        """Return when all of it is on the disk."""
        os.fdatasync(self._handle)

    def finish(self) -> None:
        """Give it its name; an empty one is removed."""
        try:
            _finish(self._handle, self._path, is_empty=not self.lines)
        finally:
            os.close(self._handle)


def recover(folder: Path, prefix: str, header: bytes) -> None:
    """Finish what a killed process left: cut a line that is not whole and what a power cut made of
    the end (null bytes), then name or remove the file. One that is still written is left alone.
    """
    for path in _files(folder, WIP + prefix):
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            data = path.read_bytes()
            whole = data.partition(b"\0")[0].rpartition(b"\n")
            size = len(whole[0]) + len(whole[1])
            if size < len(data):
                os.ftruncate(handle, size)
            _finish(handle, path, is_empty=not size or data[:size] == header)
        except BlockingIOError:
            continue
        finally:
            os.close(handle)


def last_lines(folder: Path, prefix: str, most: int) -> list[str]:
    """The last lines of the newest files, oldest first, without their ends; headers included."""
    found: list[list[str]] = []
    left = most
    for path in sorted(_files(folder, prefix), key=_age):
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()[-left:]
        found.append(lines)
        left -= len(lines)
        if left <= 0:
            break
    return [line for lines in reversed(found) for line in lines]


def _age(path: Path) -> tuple[int, int]:
    """Newest first; of two written in one tick of the disk, the one that was renamed last."""
    there = path.stat()
    return -there.st_mtime_ns, -there.st_ctime_ns


def _files(folder: Path, prefix: str) -> Iterator[Path]:
    name = re.compile(re.escape(prefix) + r"_\d{8}_\d{6}(-\d+)?\.csv")
    return (path for path in list(folder.iterdir()) if name.fullmatch(path.name))


def _create(folder: Path, name: str) -> tuple[int, Path]:
    """A new file that no other has the name of, locked."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    for number in count(1):
        path = folder / f"{WIP}{name}{f'-{number}' if number > 1 else ''}.csv"
        if _final(path).exists():
            continue
        with contextlib.suppress(FileExistsError):
            handle = os.open(path, flags, 0o644)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle, path
    raise AssertionError("unreachable")


def _finish(handle: int, path: Path, is_empty: bool) -> None:
    if is_empty:
        path.unlink()
    else:
        os.fsync(handle)
        path.rename(_final(path))
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _final(path: Path) -> Path:
    return path.with_name(path.name.removeprefix(WIP))

"""Saving the INI: only the lines that change are touched, under a file lock, and a power cut leaves
the old or the new.

Hand edits, comments and the order of things survive. The texts are edited line by line, without a
parser, so that a file with a mistake in it can still keep its counters.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .errors import ConfigError, Problem

_SECTION = re.compile(r"\[(?P<name>[^\]]+)\]")
_OPTION = re.compile(r"(?P<name>[^\s#;=:\[][^=:]*?)\s*[=:]\s*(?P<value>.*)$")

Changes = Mapping[
    str, Mapping[str, str | None]
]  # section -> option -> text; None removes the option


def rewrite(text: str, changes: Changes, remove: tuple[str, ...] = ()) -> str:
    """The text with the changes made; sections that are not there are added at the end, `remove`
    takes whole ones.
    """
    blocks = [(name, lines) for name, lines in _blocks(text) if name not in remove]
    for section, options in changes.items():
        places = [lines for name, lines in blocks if name == section]
        if not places:
            if all(value is None for value in options.values()):
                continue
            if blocks and blocks[-1][1] and blocks[-1][1][-1].strip():
                blocks[-1][1].append("")
            places = [[f"[{section}]"]]
            blocks.append((section, places[0]))
        for option, value in options.items():
            if any(ord(letter) < 32 for letter in option + (value or "")):
                problem = Problem(section, option, "must be one line without control characters.")
                raise ConfigError(str(problem), (problem,))
            _set(places[-1], option, value)
    return "\n".join(line for _, lines in blocks for line in lines).rstrip("\n") + "\n"


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """The lines of each section, its header first; what stands before the first header has the name
    "".
    """
    blocks: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        if found := _SECTION.match(line):
            blocks.append((found["name"], []))
        blocks[-1][1].append(line)
    return blocks


def _set(lines: list[str], option: str, value: str | None) -> None:
    """Change one option of a section in place: its first line is rewritten, later ones and
    continuations go.
    """
    written = False
    kept: list[str] = []
    own = False  # are we in the lines of this option?
    for line in lines:
        if own and line[:1] in (" ", "\t") and line.strip():
            continue  # a continuation of the old value
        found = _OPTION.match(line)
        own = bool(found and found["name"] == option)
        if not own:
            kept.append(line)
        elif value is not None and not written:
            kept.append(f"{option} = {value}")
            written = True
    if value is not None and not written:
        end = len(kept)
        while end > 1 and not kept[end - 1].strip():
            end -= 1
        kept.insert(end, f"{option} = {value}")
    lines[:] = kept


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's lock: one change at a time, of all threads and processes."""
    try:
        beside = path.with_name(path.name + ".lock")
        lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        _give(lock, path.parent.stat())
    except OSError as error:
        raise ConfigError(f"{path.parent}: cannot write here ({error.strerror}).") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def save(path: Path, change: Callable[[str], str]) -> str:
    """Read again, change, write beside, fsync, replace; return the new text.

    ConfigError leaves the old file.
    """
    with locked(path):
        old = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
        new = change(old)
        if new != old:
            write(path, new)
        return new


def write(path: Path, text: str) -> None:
    """Replace the file as a whole or not at all; a new one is for the service alone."""
    try:
        is_new = not path.exists()
        owner = path.parent.stat() if is_new else path.stat()
        mode = 0o640 if is_new else owner.st_mode & 0o777
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise ConfigError(f"{path.parent}: cannot write here ({error.strerror}).") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            _give(file.fileno(), owner)
            os.fsync(file.fileno())
        os.replace(beside, path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        Path(beside).unlink(missing_ok=True)
        raise ConfigError(
            f"{path}: not saved ({error.strerror}); the old file stays. Is the disk full?"
        ) from error


def _give(handle: int, owner: os.stat_result) -> None:
    """What root makes in the service's folder (sudo s0web passwd) belongs to the service."""
    if os.geteuid() == 0:
        os.fchown(handle, owner.st_uid, owner.st_gid)

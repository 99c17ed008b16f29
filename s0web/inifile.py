"""Saving the INI: only the lines that change are touched, under a file lock, and a power cut leaves
the old or the new.

Hand edits, comments, line endings and the order of things survive. The texts are edited line by
line, as configparser cuts them but without a parser, so that a file with a mistake in it can still
keep its counters.
"""

import fcntl
import io
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .errors import ConfigError, Problem

Changes = Mapping[
    str, Mapping[str, str | None]
]  # section -> option -> text; None removes the option


class _Line(NamedTuple):
    text: str  # with its ending
    kind: str  # header, option, more (of the option's value) or note (a comment, a blank line)
    name: str = ""  # of the section or the option

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()

    def like(self, text: str) -> str:
        """The text as a line that is indented and ended as this one."""
        indent = self.text[: len(self.text) - len(self.text.lstrip())]
        return indent + text + ("\r\n" if self.text.endswith("\r\n") else "\n")


_Blocks = list[tuple[str, list[_Line]]]  # the lines of each section; "": what is before the first


def rewrite(text: str, changes: Changes, remove: tuple[str, ...] = ()) -> str:
    """The text with the changes made; sections that are not there are added at the end, `remove`
    takes whole ones.
    """
    ending = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    if text and not text.endswith("\n"):
        text += ending
    blocks = _without(_blocks(text), remove)
    for section, options in changes.items():
        places = [lines for name, lines in blocks if name == section]
        if not places:
            if all(value is None for value in options.values()):
                continue
            if blocks[-1][1] and not blocks[-1][1][-1].is_blank:
                blocks[-1][1].append(_Line(ending, "note"))
            places = [[_Line(f"[{section}]{ending}", "header", section)]]
            blocks.append((section, places[0]))
        for option, value in options.items():
            if not (section + option + (value or "")).isprintable():
                problem = Problem(section, option, "must be one line without control characters.")
                raise ConfigError(str(problem), (problem,))
            _set(places[-1], option, value)
    return "".join(line.text for _, lines in blocks for line in lines)


def sections(text: str) -> tuple[str, ...]:
    """The names of the sections in the text, right or wrong as it is otherwise."""
    return tuple(line.name for line in _lines(text) if line.kind == "header")


def _lines(text: str) -> Iterator[_Line]:
    """The lines as configparser takes them: cut at \\n alone; a value goes on, over comments and
    blank lines, with every line that is indented deeper than its option.
    """
    option, depth = "", 0
    for line in io.StringIO(text):
        bare = line.strip()
        indent = len(line) - len(line.lstrip())
        if not bare or bare[0] in "#;":
            yield _Line(line, "note")
        elif option and indent > depth:
            yield _Line(line, "more", option)
        elif header := ConfigParser.SECTCRE.match(bare):
            option, depth = "", indent
            yield _Line(line.lstrip(), "header", header["header"])  # else a change could swallow it
        else:
            found = ConfigParser.OPTCRE.match(bare)
            option, depth = found["option"].rstrip() if found else "", indent
            yield _Line(line, "option", option)


def _blocks(text: str) -> _Blocks:
    """The lines of each section: the comments above its header first, then the header."""
    blocks: _Blocks = [("", [])]
    for line in _lines(text):
        if line.kind == "header":
            before = blocks[-1][1]
            begin = _begin(before)
            blocks.append((line.name, before[begin:]))
            del before[begin:]
        blocks[-1][1].append(line)
    return blocks


def _begin(before: list[_Line]) -> int:
    """Where a header's own comments begin in the lines before it: after the first blank line below
    the options of the section before, else right below them.
    """
    notes = len(before)
    while notes and before[notes - 1].kind == "note":
        notes -= 1
    return next((at + 1 for at in range(notes, len(before)) if before[at].is_blank), notes)


def _without(blocks: _Blocks, remove: tuple[str, ...]) -> _Blocks:
    """The blocks without some; where the last one goes, so do the blank lines before it."""
    kept = [(name, lines) for name, lines in blocks if name not in remove]
    if kept[-1] is not blocks[-1]:
        while kept[-1][1] and kept[-1][1][-1].is_blank:
            kept[-1][1].pop()
    return kept


def _set(lines: list[_Line], option: str, value: str | None) -> None:
    """Change one option of a section in place: its first line is rewritten, later ones and
    continuations go; a new one comes below the last.
    """
    written = value is None
    kept: list[_Line] = []
    for line in lines:
        if line.name != option or line.kind not in ("option", "more"):
            kept.append(line)
        elif not written and line.kind == "option":
            kept.append(line._replace(text=line.like(f"{option} = {value}")))
            written = True
    if not written:
        end = len(kept)
        while kept[end - 1].is_blank:
            end -= 1
        beside = next(line for line in reversed(kept) if line.kind in ("header", "option"))
        kept.insert(end, _Line(beside.like(f"{option} = {value}"), "option", option))
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

    ConfigError leaves the old file. A link is followed: the lock and the new file are beside what
    it leads to.
    """
    path = Path(os.path.realpath(path))
    with locked(path):
        old = _read(path)
        new = change(old)
        if new != old:
            write(path, new)
        return new


def write(path: Path, text: str) -> None:
    """Replace the file, or what a link leads to, as a whole or not at all; a new one is for the
    service alone.
    """
    path = Path(os.path.realpath(path))
    try:
        is_new = not path.exists()
        owner = path.parent.stat() if is_new else path.stat()
        mode = 0o640 if is_new else owner.st_mode & 0o777
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise ConfigError(f"{path.parent}: cannot write here ({error.strerror}).") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
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


def stored_hash(path: Path) -> str:
    """The admin password's hash in a file that may be wrong elsewhere; "" where none is set."""
    lines = (line for name, lines in _blocks(_read(path)) if name == "web" for line in lines)
    own = (line for line in lines if line.kind == "option" and line.name == "admin_password")
    found = [re.split("[=:]", line.text, maxsplit=1)[1].strip() for line in own]
    return found[-1] if found else ""


def _read(path: Path) -> str:
    """The text, whatever is in it, without a byte order mark; "" where there is no file."""
    try:
        return path.read_bytes().decode("utf-8-sig", "surrogateescape") if path.exists() else ""
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error

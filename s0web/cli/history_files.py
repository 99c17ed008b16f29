"""Reads the lines of files, plain or .gz, and says in a sentence what is wrong with them."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigError, S0WebError

LONGEST = 64_000_000  # characters of a line; mysqldump writes long ones
LOOK = 8_192  # bytes at a file's begin


@contextmanager
def lines_of(path: Path, show: Callable[[float], None]) -> Iterator[Iterator[str]]:
    """The lines of a file; `show` is told how much of it is read. ConfigError names the file."""
    try:
        with path.open("rb") as raw:
            size = max(1, path.stat().st_size)
            head = raw.read(LOOK)
            raw.seek(0)
            is_packed = head.startswith(b"\x1f\x8b")
            if not head:
                raise ConfigError(f"{path}: is empty.")
            if b"\0" in head and not is_packed:
                raise ConfigError(f"{path}: is no text file.")
            data = gzip.GzipFile(fileobj=raw) if is_packed else raw
            with io.TextIOWrapper(data, "utf-8", "replace", newline="\n") as text:
                yield _lines(path, text, lambda: show(raw.tell() / size))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigError(f"{path}: ends in the middle or is damaged ({error}).") from None
    except OSError as error:
        if isinstance(error, S0WebError):
            raise
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        if isinstance(error, S0WebError):
            raise
        raise ConfigError(f"{path}: {error}.") from None


def _lines(path: Path, text: io.TextIOWrapper, show: Callable[[], None]) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: text.readline(LONGEST), "")):
        if len(line) == LONGEST:
            raise ConfigError(f"{path}: has a line of more than {LONGEST:,} characters.")
        if number % 500 == 0:
            show()
        yield line

"""The parent's end of a sampler (hardware.Sampler): a child process, and what it says, as Samples.

1. The child ends with us, however we end: it reads the pipe that we hold.
2. Nothing is lost while nobody reads: the pipe holds some 10 s of frames.
3. Every failure is a SourceError; where the child knew the reason, in its own words.
"""

import fcntl
import json
import os
import select
import sys
from array import array
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from time import monotonic

from ..errors import SourceError
from . import Adc, Sampler, Samples
from .sampler import FAILED, HEADER, MAGIC

START = 15.0  # s: a small machine imports slowly
END = 1.0  # s that a child may take to end
PIPE_BYTES = 1 << 20  # the most that the kernel gives to anybody
ROOT = Path(__file__).resolve().parents[2]  # the folder in which the package lies


def open_sampler(
    adc: Adc, module: str = "s0web.hardware.sampler", extra: Sequence[str] = ()
) -> Sampler:
    """Start the child program and wait until it has claimed the converter; raises SourceError."""
    return ChildSampler(adc, module, extra)


class ChildSampler:
    """Not for two threads at once."""

    def __init__(self, adc: Adc, module: str, extra: Sequence[str]) -> None:
        self._adc, self._open = adc, True
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        try:
            self._child = Popen(
                # -P: a program in the current folder is none of ours
                [interpreter(), "-P", "-m", module, json.dumps(adc._asdict()), *extra],
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                bufsize=0,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C is for the parent, and that ends the child
            )
        except OSError as error:
            raise SourceError(f"the sampler of the ADC cannot be started: {error}") from error
        assert self._child.stdout is not None
        self._fd = self._child.stdout.fileno()
        with suppress(OSError):  # where the kernel allows less, the pipe holds less
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        try:
            self.note, early = self._greet()
        except SourceError:
            self.close()
            raise
        self._parser = Parser(len(adc.channels), early)

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._child.pid

    def read(self, seconds: float) -> Sequence[Samples]:
        """Wait up to `seconds` for frames and return all that are there, in order."""
        if not self._open:
            raise SourceError(f"the ADC {self._adc.device} is closed: open it again")
        return self._parser.feed(self._fetch(seconds))

    def close(self) -> None:
        """End the child at once (it has nothing to save), leave nothing; may be called twice."""
        self._open = False
        self._child.kill()  # does nothing to one that has been waited for
        with suppress(TimeoutExpired):  # it hangs in the kernel, which ends it when it can
            self._child.wait(END)
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()

    def _greet(self) -> tuple[str, bytes]:
        """The child's first line, and what came with it."""
        said, end = b"", monotonic() + START
        while b"\n" not in said:
            rest = end - monotonic()
            if rest <= 0:
                raise SourceError(
                    f"the sampler of the ADC {self._adc.device} did not begin within {START:.0f} "
                    "s: is the machine too busy?"
                )
            said += self._fetch(rest)
        line, _, early = said.partition(b"\n")
        return line.decode(errors="replace"), early

    def _fetch(self, seconds: float) -> bytes:
        """The bytes that are there, waiting up to `seconds` for the first."""
        if not self._poll.poll(seconds * 1000):
            return b""
        data = os.read(self._fd, PIPE_BYTES)
        if not data:
            raise SourceError(self._why())
        return data

    def _why(self) -> str:
        """Why the child ended, in a sentence."""
        with suppress(TimeoutExpired):
            self._child.wait(END)
        assert self._child.stderr is not None
        os.set_blocking(self._child.stderr.fileno(), False)
        said = (self._child.stderr.read() or b"").decode(errors="replace").strip()
        last, code = said.rpartition("\n")[2], self._child.returncode
        if code == FAILED and last:
            return last
        ended = f"by signal {-code}" if code and code < 0 else f"exit code {code or 0}"
        return f"the sampler of the ADC {self._adc.device} ended ({last or ended}): it begins again"


class Parser:
    """Batches out of bytes, however they were cut; the format is drawn in `sampler.py`."""

    def __init__(self, channels: int, said: bytes = b"") -> None:
        self._bytes_of_frame = 8 + 2 * channels
        self._held = bytearray(said)

    def feed(self, data: bytes) -> list[Samples]:
        """All that is whole by now; raises SourceError where it is no batch."""
        self._held += data
        found, at = [], 0
        while at + HEADER.size <= len(self._held):
            magic, frames, late, slot_ns = HEADER.unpack_from(self._held, at)
            if magic != MAGIC or not frames:
                raise SourceError("the sampler of the ADC says what is no batch: it begins again")
            begin, end = at + HEADER.size, at + HEADER.size + frames * self._bytes_of_frame
            if end > len(self._held):
                break
            times, codes = array("q"), array("H")
            times.frombytes(self._held[begin : begin + 8 * frames])
            codes.frombytes(self._held[begin + 8 * frames : end])
            lasted = (times[-1] - times[0]) / 1e9 * (frames / (frames - 1) if frames > 1 else 1)
            found.append(Samples(times, codes, slot_ns, lasted, late))
            at = end
        del self._held[:at]
        return found


def interpreter() -> str:
    """The Python of this environment: inside Apache sys.executable may be Apache itself, or
    empty.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    beside = [
        os.path.join(prefix, "bin", name)
        for prefix in (sys.prefix, sys.base_prefix)
        for name in (version, "python3")
    ]
    for path in (sys.executable, *beside):
        if os.path.basename(path or "").startswith("python") and os.access(path, os.X_OK):
            return path
    raise SourceError(f"there is no {version} in {sys.prefix}/bin: the ADC's sampler needs it")

"""A serial port without a cable: a pseudo-terminal behind a stable path; a meter that talks on it.

1. The path is a symbolic link: it stays the same when the port is unplugged and plugged in again.
2. Like a wire it waits for nobody: what finds no reader, or no room, is lost.
"""

import array
import errno
import fcntl
import os
import select
import tempfile
import termios
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path

BURST = 256  # bytes written at once
BURST_SECONDS = BURST * 10 / 115_200  # what they take on a line of 115200 baud
PILE = 2048  # bytes: while so many lie unread, the next telegram is lost
JUST_AFTER = 0.002  # s after the full second


class Pty:
    """The meter's end of a port, plugged in at once; may be used by several threads.

    `link` is where the reader finds its end; without one it is in a temporary folder of its own.
    """

    def __init__(self, link: Path | None = None) -> None:
        self._folder = None if link else tempfile.TemporaryDirectory(prefix="s0web-")
        self.path = str(link) if link else f"{self._folder.name if self._folder else ''}/meter"
        self._lock = threading.Lock()  # held while the two below are used or changed
        self._master = -1  # file descriptor; -1 = unplugged
        self._slave = ""  # /dev/pts/...
        # edge-triggered, so that a port that nobody has open keeps no thread awake; and unlike
        # poll it holds nothing open, so that the plug can be pulled while a thread waits
        self._news = select.epoll()
        self._break = os.eventfd(0)
        self._news.register(self._break, select.EPOLLIN | select.EPOLLET)
        try:
            self.plug()
        except OSError:
            self.close()
            raise

    def plug(self) -> None:
        """Make the port, raw, and let the link lead to it; raises OSError."""
        with self._lock:
            if self._master >= 0:
                return
            self._make_way()
            master, slave = os.openpty()
            try:
                tty.setraw(slave)
                os.set_blocking(master, False)
                self._slave = os.ttyname(slave)
                os.symlink(self._slave, self.path)
            except OSError:
                os.close(master)
                raise
            finally:
                os.close(slave)  # a hang-up on our end now means that nobody has the other
            self._master = master
            self._news.register(master, select.EPOLLIN | select.EPOLLET)

    def unplug(self) -> None:
        """Pull the plug: whoever has the port open gets an error, and its path is gone."""
        with self._lock:
            if self._master >= 0:
                Path(self.path).unlink(missing_ok=True)
                os.close(self._master)
                self._master = -1

    def opened(self) -> bool:
        """Whether somebody has the port open."""
        with self._lock:
            return self._opened()

    def unread(self) -> int:
        """Bytes that the reader has not taken yet (4095 at most); 0 where that cannot be known."""
        with self._lock:
            if not self._opened():
                return 0
            try:
                end = os.open(self._slave, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
            except OSError:  # the reader forbids it (TIOCEXCL)
                return 0
            try:
                poll = select.poll()
                poll.register(end, select.POLLIN)
                poll.poll(0)  # makes the kernel pass on what it still holds
                count = array.array("i", [0])
                fcntl.ioctl(end, termios.FIONREAD, count)
                return count[0]
            finally:
                os.close(end)

    def write(self, data: bytes) -> int:
        """Put bytes on the wire without waiting; returns how many found their way."""
        with self._lock:
            if not self._opened():
                return 0
            try:
                return os.write(self._master, data)
            except BlockingIOError:
                return 0

    def read(self, seconds: float | None) -> bytes:
        """Wait up to `seconds` (None: for ever) for bytes on the wire and return all that are
        there; b"" sooner where the port was opened or closed meanwhile, or `interrupt` called.
        """
        if data := self._take():
            return data
        self._news.poll(seconds)
        return self._take()

    def interrupt(self) -> None:
        """Let the `read` that waits, or else the next one, return; does nothing after `close`."""
        if not self._news.closed:
            os.eventfd_write(self._break, 1)

    def close(self) -> None:
        """Unplug and leave nothing; may be called twice, but not while a thread reads."""
        self.unplug()
        if not self._news.closed:
            self._news.close()
            os.close(self._break)
        if self._folder:
            self._folder.cleanup()

    def _take(self) -> bytes:
        with self._lock:
            if self._master < 0:
                return b""
            try:
                return os.read(self._master, 4096)
            except BlockingIOError:
                return b""
            except OSError as error:
                if error.errno != errno.EIO:  # EIO: nobody has the other end open
                    raise
                return b""

    def _make_way(self) -> None:
        """Remove the link that a killed program left; anything else is none of ours."""
        if os.path.lexists(self.path):
            if not os.path.realpath(self.path).startswith("/dev/pts/"):
                reason = "something is there already: give a path that is free"
                raise FileExistsError(errno.EEXIST, reason, self.path)
            os.unlink(self.path)

    def _opened(self) -> bool:
        if self._master < 0:
            return False
        poll = select.poll()
        poll.register(self._master, 0)  # asks for a hang-up only
        return not poll.poll(0)


class PtyMeter:
    """A meter that says something every `interval` seconds of wall time, just after full ones.

    `say` is asked in a thread of this object, and only while somebody has the port open. Paced, a
    telegram comes in bursts as on a line of 115200 baud, else at once.
    """

    def __init__(self, say: Callable[[], bytes], interval: float = 1.0, paced: bool = True) -> None:
        self._say, self._interval, self._paced = say, interval, paced
        self._pty = Pty()
        self.path = self._pty.path
        self.plug, self.unplug = self._pty.plug, self._pty.unplug
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Fall silent and leave nothing; may be called twice."""
        self._stop.set()
        self._thread.join()
        self._pty.close()

    def _run(self) -> None:
        due = 0.0
        while True:
            due, now = due + self._interval, time.time()
            if not 0 <= due - now <= self._interval:  # the first time, or the machine slept
                due = now - now % self._interval + self._interval
            if self._stop.wait(due - now + JUST_AFTER):
                return
            if self._pty.opened() and self._pty.unread() < PILE:
                self._tell(self._say())

    def _tell(self, telegram: bytes) -> None:
        size = BURST if self._paced else len(telegram)
        for start in range(0, len(telegram), size):
            self._pty.write(telegram[start : start + size])
            if self._paced and self._stop.wait(BURST_SECONDS):
                return

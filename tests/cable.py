"""A serial adapter without the adapter: a real pty that tests plug in and pull out."""

import fcntl
import os
import termios
import time
import tty
from array import array
from pathlib import Path


class Cable:
    """A pty behind a link, as udev makes it: the link goes when the adapter is unplugged."""

    def __init__(self, link: Path) -> None:
        self.link, self.master = link, -1
        self.plug()

    def plug(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.link.symlink_to(os.ttyname(slave))
        os.close(slave)

    def unplug(self) -> None:
        if self.master >= 0:
            self.link.unlink()
            os.close(self.master)
            self.master = -1

    def write(self, data: bytes, burst: int = 2000) -> None:
        """Send the data as a meter does, so many bytes at a time."""
        for i in range(0, len(data), burst):
            os.write(self.master, data[i : i + burst])

    def arrive(self, count: int) -> None:
        """Wait until so many bytes can be read from the open port, for 10 s at most."""
        port = os.open(self.link, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        end, waiting = time.monotonic() + 10, array("i", [0])
        while waiting[0] < count:
            assert time.monotonic() < end, f"{waiting[0]} of {count} bytes after 10 s"
            fcntl.ioctl(port, termios.FIONREAD, waiting)
        os.close(port)

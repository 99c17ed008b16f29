"""A server as a process of a test: start and kill it as often as wanted."""

import os
import signal
import subprocess
from pathlib import Path

from tests.conftest import until
from tests.ports import free_port


def freeze(pid: int) -> None:
    """SIGSTOP, and wait until all its threads stand still."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: _is_frozen(pid), "all its threads to stand still")


def _is_frozen(pid: int) -> bool:
    stats = (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat"))
    return all(stat.rpartition(") ")[2].startswith("T") for stat in stats)


class ServerProcess:
    """On a private port; what it says goes to a file in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether it answers."""
        raise NotImplementedError

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        until(self.answers, f"{self.command()[0]} does not answer", 20)

    def answers(self) -> bool:
        assert self.is_running(), (self.folder / "server.log").read_text()[-800:]
        return self.is_ready()

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """As a power cut of the process: kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        assert self._process is not None
        freeze(self._process.pid)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None

"""A small disk that can be filled: a tmpfs where mounting is allowed, else a folder, and the kernel
lets a process's files grow no further while it is full (RLIMIT_FSIZE).
"""

import contextlib
import resource
import shutil
import subprocess
from pathlib import Path

MOST = 8_192  # bytes of a file while a folder is "full"


class Disk:
    """A small one, that can be filled."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        folder.mkdir()
        self.is_mounted = not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
            stderr=subprocess.DEVNULL,
            check=False,
        ).returncode
        self.is_full = False

    def limit(self, pid: int) -> None:
        """What a process gets of it, where it is no disk of its own."""
        if not self.is_mounted:
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            most = MOST if self.is_full else hard
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))

    def fill(self) -> None:
        self.is_full = True
        if self.is_mounted:
            with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(65_536))

    def clear(self) -> None:
        self.is_full = False
        self._filler.unlink(missing_ok=True)

    @property
    def kind(self) -> str:
        return (
            "a tmpfs" if self.is_mounted else "a folder with a quota (nothing may be mounted here)"
        )

    def remove(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)

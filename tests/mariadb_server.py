"""MariaDB as Debian has it, on a private port in a folder of its own."""

import atexit
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import mysql.connector

from tests.server_process import ServerProcess

LOCK = Path(tempfile.gettempdir()) / "s0web-mariadb.lock"
SMALL = (  # as little as it can do with, to start fast
    "--no-defaults",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=4M",
    "--aria-log-file-size=8M",
    "--key-buffer-size=1M",
)


@contextmanager
def alone() -> Iterator[None]:
    """`mariadb-install-db` fails beside another one of itself, for another user at least."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def _template() -> Path:
    """A data folder in which nothing is but root without a password; made once."""
    folder = Path(tempfile.mkdtemp(prefix="s0web-mariadb-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with alone():
        subprocess.run(
            [
                "mariadb-install-db",
                *SMALL,
                f"--datadir={folder}/data",
                f"--tmpdir={folder}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *_as_me(),
            ],
            check=True,
            capture_output=True,
        )
    return folder / "data"


def _as_me() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


class MariaDb(ServerProcess):
    """Root has no password."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder)
        self.options = options
        shutil.copytree(_template(), folder / "data")

    def command(self) -> list[str]:
        return [
            _mariadbd(),
            *SMALL,
            *_as_me(),
            f"--datadir={self.folder}/data",
            f"--socket={self.folder}/s",
            f"--pid-file={self.folder}/pid",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            *self.options,
        ]

    def is_ready(self) -> bool:
        try:
            return self.query("SELECT 1") == [(1,)]
        except mysql.connector.Error:
            return False

    def make_user(
        self, name: str = "s0web", rights: str = "ALL ON s0web.*", more: str = ""
    ) -> None:
        self.query(
            f"CREATE USER '{name}'@'%' IDENTIFIED BY 'secret' {more}",
            f"GRANT {rights} TO '{name}'@'%'",
        )

    @contextmanager
    def connected(
        self, database: str = "", user: str = "root", password: str = ""
    ) -> Iterator[Any]:
        wire = mysql.connector.connect(
            host="127.0.0.1",
            port=self.port,
            user=user,
            password=password,
            database=database or None,
            ssl_disabled=True,
            use_pure=True,
            autocommit=True,
            connection_timeout=10,
        )
        try:
            yield wire
        finally:
            wire.close()

    def query(self, *statements: str, database: str = "") -> list[Any]:
        """Carry them out as root; return the rows of the last."""
        found: list[Any] = []
        with self.connected(database) as wire:
            for statement in statements:
                cursor = wire.cursor()
                cursor.execute(statement)
                found = list(cursor.fetchall()) if cursor.with_rows else []
                cursor.close()
        return found


def _mariadbd() -> str:
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert found, "apt install mariadb-server"
    return found

"""A real PostgreSQL on a private port, in a folder of its own; it can be killed and started again.
Root gives it to the user postgres, since it refuses to run as root.
"""

import atexit
import contextlib
import functools
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.conftest import until
from tests.ports import free_port
from tests.server_process import freeze

ROOT_PASSWORD = "geheim-root"
SETTINGS = """\
listen_addresses = '127.0.0.1'
max_connections = 20
shared_buffers = 16MB
max_wal_size = 128MB
fsync = off
logging_collector = off
lc_messages = 'C'
"""


def program(name: str) -> str:
    """Where it is: in the PATH, or where Debian keeps it."""
    there = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))
    found = shutil.which(name) or (there[-1] if there else "")
    assert found, f"{name} is missing: apt install postgresql"
    return found


def _user() -> dict[str, Any]:
    """Arguments of Popen: as whom it runs."""
    if os.geteuid() != 0:
        return {}
    found = pwd.getpwnam("postgres")
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def _own(path: Path) -> None:
    if who := _user():
        for each in (path, *path.rglob("*")):
            os.chown(each, who["user"], who["group"])


@functools.cache
def _template() -> Path:
    """A data folder as initdb makes it, once for all."""
    folder = Path(tempfile.mkdtemp(prefix="s0web-postgres-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "password").write_text(ROOT_PASSWORD)
    _own(folder)
    subprocess.run(
        [
            *(program("initdb"), "-D", folder / "data", "-U", "root", "--no-sync", "-E", "UTF8"),
            *("-A", "scram-sha-256", "--pwfile", folder / "password", "--locale", "C"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=folder,
        **_user(),
    )
    return folder / "data"


class Postgres:
    """Its superuser is root; `settings` are lines of postgresql.conf; it lives in a folder within
    `where`, which the user postgres has to reach.
    """

    def __init__(self, settings: str = "", where: Path | None = None) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="s0web-postgres-", dir=where))
        self.data = self.folder / "data"
        shutil.copytree(_template(), self.data)
        with (self.data / "postgresql.conf").open("a") as config:
            config.write(f"{SETTINGS}port = {self.port}\n")
            config.write(f"unix_socket_directories = '{self.folder}'\n{settings}\n")
        self.folder.chmod(0o755)
        _own(self.folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program("postgres"), "-D", str(self.data)],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **_user(),
            )
        until(self._answers, "postgres does not answer", 20)

    def rows(self, statement: str, database: str = "postgres") -> list[Any]:
        """The answer to a statement of the superuser; [] where it has none."""
        with self.connection(database) as on:
            done = on.execute(statement.encode())
            return done.fetchall() if done.description else []

    def connection(
        self, database: str = "postgres", user: str = "root", password: str = ROOT_PASSWORD
    ) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user=user,
            password=password,
            autocommit=True,
            connect_timeout=10,
        )

    def psql(self, script: str, *arguments: str) -> str:
        """What psql says to a script, as the superuser; a mistake fails."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", *arguments],
            input=script,
            text=True,
            capture_output=True,
            env=os.environ
            | {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "root"}
            | {"PGPASSWORD": ROOT_PASSWORD, "PGDATABASE": "postgres"},
            timeout=30,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """As a power cut of the process: kill -9 of all of it."""
        self._signal_all(signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        """At once, its clients are thrown out."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._wait()

    def freeze(self) -> None:
        for pid in self._pids():
            freeze(pid)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def give(self, file: Path, name: str) -> None:
        """Put a copy of the file into its data folder."""
        shutil.copy(file, self.data / name)
        (self.data / name).chmod(0o600)
        _own(self.data / name)

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "server.log").read_text()[-800:]
        try:
            self.connection().close()
        except psycopg.Error:
            return False
        return True

    def _pids(self) -> list[int]:
        if self._process is None:
            return []
        return [self._process.pid, *_children(self._process.pid)]

    def _signal_all(self, number: int) -> None:
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):  # a child that ended by itself
                os.kill(pid, number)

    def _wait(self) -> None:
        if self._process is not None:
            self._process.wait(20)
            self._process = None


def _children(pid: int) -> Sequence[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]

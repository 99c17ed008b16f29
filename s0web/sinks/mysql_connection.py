"""One connection to a MySQL or MariaDB server, in a session that is the same on every server.

1. Values out of range are refused, never clipped; times are UTC; each statement is a transaction.
2. A statement that met a deadlock is run again; all of them change nothing when run twice.
3. Always the library's pure Python: its waits end in time, and text made of numbers costs no less
   with its C part (measured).
"""

import contextlib
import struct
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from ..errors import SinkError
from . import mysql_refusals as refusals
from .hosts import Host
from .narrow import ValueRefused

AGAIN = 3  # times that a statement is run where it meets a deadlock
OLDEST = (9, 2)  # version of the library; before, it could wait for ever
_SESSION = (
    "SET SESSION sql_mode='STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone='+00:00', "
    "autocommit=1, wait_timeout=28800, innodb_lock_wait_timeout={lock:d}"
)


class Login(NamedTuple):
    """What is the same for each host."""

    user: str
    password: str
    tls: Mapping[str, Any]  # arguments of the library's connect
    is_tls_needed: bool
    compress: bool
    timeout: float  # s


class Lost(SinkError):
    """The server is gone, or not fit to write to; another host, or the same again, may do."""

    def __init__(self, text: str, is_slow: bool = False) -> None:
        super().__init__(text)
        self.is_slow = is_slow  # it did not answer in time: not worth waiting for twice


class Connection:
    """Used by one thread. Every call raises SinkError, or ValueRefused for what a row holds."""

    def __init__(self, host: Host, login: Login) -> None:
        self.host, self._login = host, login
        self._library = _library()
        self._wire: Any = None
        self._wire = self._guarded(self._connect)
        self._cursor = self._guarded(lambda: self._wire.cursor(buffered=True))  # each one asks anew
        try:
            self._greet()
        except SinkError:
            self.drop()
            raise

    def run(self, statement: str, values: Sequence[object] = ()) -> None:
        """Carry out a statement that has no answer."""
        self._execute(statement, values)

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._execute(statement, values)

    def close(self) -> None:
        """Say goodbye."""
        with contextlib.suppress(self._library.Error, OSError):
            self._wire.close()

    def drop(self) -> None:
        """Let go at once, whatever the server does."""
        if self._wire is not None:
            self._wire.shutdown()

    def _connect(self) -> Any:
        login = self._login
        return self._library.connect(
            **_place(self.host),
            user=login.user,
            password=login.password,
            use_pure=True,
            charset="utf8mb4",
            collation="utf8mb4_bin",
            compress=login.compress,
            allow_local_infile=False,  # a hostile server could ask for any file
            connection_timeout=max(1, int(min(login.timeout, 10))),
            read_timeout=max(1, int(login.timeout)),
            write_timeout=max(1, int(login.timeout)),
            **login.tls,
        )

    def _greet(self) -> None:
        """See what it is, and that it is ready to write."""
        is_node = self._variable("VARIABLES", "wsrep_on") == "ON"
        if is_node and self._variable("STATUS", "wsrep_ready") != "ON":
            raise Lost(f"{self.host} {refusals.NOT_READY}")
        if is_node:  # wait until it knows what was written by way of other nodes
            self.run("SET SESSION wsrep_sync_wait=1")
            self.rows("SELECT 1")
            self.run("SET SESSION wsrep_sync_wait=0")
        self.run(_SESSION.format(lock=max(1, int(self._login.timeout / 2))))
        if self._variable("VARIABLES", "binlog_format") != "STATEMENT":  # which does not allow it
            self.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")  # fewer deadlocks
        self.tls = self._variable("SESSION STATUS", "Ssl_version")
        if self._login.is_tls_needed and not self.tls:
            raise SinkError(f"{self.host} {refusals.NO_TLS}")
        version = str(self.rows("SELECT VERSION()")[0][0])
        maker = "MariaDB" if "mariadb" in version.lower() else "MySQL"
        self.server = f"{maker} {version.partition('-')[0]}"

    @property
    def library(self) -> str:
        return f"mysql-connector-python {self._library.__version__}, pure Python"

    def _variable(self, where: str, name: str) -> str:
        found = self.rows(f"SHOW {where} LIKE '{name}'")
        return str(found[0][1]) if found else ""

    def _execute(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        for left in reversed(range(AGAIN)):
            try:
                found: list[tuple[Any, ...]] = self._guarded(lambda: self._once(statement, values))
                return found
            except _Deadlock:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _once(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        self._cursor.execute(statement, tuple(values))
        return list(self._cursor.fetchall()) if self._cursor.with_rows else []

    def _guarded(self, call: Any) -> Any:
        """What the call returns; its error in our words."""
        try:
            return call()
        except self._library.Error as error:
            words, why = error.msg or str(error), error.__cause__
            if error.errno in (2002, 2003) and isinstance(why, OSError):
                words = why.strerror or str(why)
            raise self._said(error.errno, error.sqlstate or "", words) from None
        except OSError as error:
            raise self._said(2013, "", error.strerror or str(error)) from None
        except (LookupError, ValueError, struct.error) as error:  # of bytes that are no answer
            raise self._said(2027, "", f"{type(error).__name__}: {error}") from None

    def _said(self, code: int, state: str, words: str) -> Exception:
        reason = refusals.line(words)
        if refusals.is_poison(code, state):
            return ValueRefused(reason)
        login = self._login
        text = f"{self.host} {refusals.sentence(code, reason, login.user, login.timeout)}"
        if code in refusals.DEADLOCK:
            return _Deadlock(text)
        if code in refusals.LOST:
            self.drop()
            return Lost(text, code in refusals.SLOW or "timed out" in reason)
        return SinkError(text)


def _place(host: Host) -> dict[str, Any]:
    if host.is_folder:
        return {"unix_socket": host.name}
    return {"host": host.name, "port": host.port}


class _Deadlock(SinkError):
    """The statement did nothing, and would do it when run again."""


def _library() -> ModuleType:
    try:
        import mysql.connector as library
    except ImportError:
        raise SinkError(
            "the MySQL sink needs mysql-connector-python: pip install mysql-connector-python"
        ) from None
    if library.__version_info__[:2] < OLDEST:
        raise SinkError(
            f"mysql-connector-python {library.__version__} is too old: pip install --upgrade "
            "mysql-connector-python"
        )
    return library

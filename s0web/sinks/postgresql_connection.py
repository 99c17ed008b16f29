"""One connection to a PostgreSQL server: the only user of psycopg.

1. Every wait ends in time, also where the server is stopped and its kernel still answers.
2. Each statement is a transaction of its own, but for those within `together`.
3. libpq alone knows why a connection was refused, and tells it in words only, which the server says
   in its own language.
"""

import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.rows import TupleRow

from ..errors import SinkError
from . import postgresql_refusals as refusals
from .hosts import Host
from .narrow import ValueRefused

Found = TypeVar("Found")


class Login(NamedTuple):
    """What is the same for each host."""

    user: str
    password: str
    tls: Mapping[str, Any]  # parameters of libpq
    is_proven: bool  # nobody else can answer in the server's place
    timeout: float  # s


class NoDatabase(SinkError):
    """The server refuses, perhaps because it has no such database."""


class Lost(SinkError):
    """The connection was closed by somebody else; over a new one the same may go through."""


class Connection:
    """Used by one thread. Every call raises SinkError, or ValueRefused for what a row holds.

    `way`: the folder of a socket that leads to the host, where that is reached `through` another.
    """

    def __init__(
        self, host: Host, database: str, login: Login, way: str = "", through: str = ""
    ) -> None:
        self.at = f"{host} through {through}" if through else str(host)
        self._database, self._login = database, login
        try:
            self._wire = _Timed.connect(
                host=way or host.name,
                port=host.port,
                dbname=database,
                user=login.user,
                password=login.password or None,
                connect_timeout=max(2, int(login.timeout)),
                application_name="s0web",
                client_encoding="UTF8",
                gssencmode="disable",
                keepalives_idle=60,
                autocommit=True,
                **login.tls,
                **({} if login.is_proven else _guarded()),
            )
        except psycopg.Error as error:
            raise self._refused(str(error)) from None
        self._wire.seconds = login.timeout
        try:
            self.run(f"SET statement_timeout = {int(login.timeout * 900)}")
            self.run("SET client_min_messages = error")
            self.run("SET TimeZone = 'UTC'")
            self.run(
                "SELECT set_config('synchronous_commit', 'on', false) "
                "WHERE current_setting('synchronous_commit') = 'off'"
            )
            if self.rows("SHOW transaction_read_only") != [("off",)]:
                raise self._error("25006", "a replica, or set so")
        except SinkError:
            self.close()
            raise

    @property
    def server(self) -> str:
        """What it is: PostgreSQL 15.18, with its TLS and our library."""
        version = self._wire.pgconn.parameter_status(b"server_version") or b"?"
        tls = "TLS" if self._wire.pgconn.ssl_in_use else "no TLS"
        made = "pure Python" if psycopg.pq.__impl__ == "python" else "C"
        name = f"PostgreSQL {version.decode('ascii', 'replace').partition(' ')[0]}"
        return f"{name} at {self.at}, {tls}, psycopg {psycopg.__version__} ({made})"

    def run(self, statement: str, values: Sequence[object] = ()) -> None:
        """Carry out a statement whose answer nobody needs."""
        with self._told():
            self._wire.execute(statement.encode(), values or None)

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._told():
            return self._wire.execute(statement.encode(), values or None).fetchall()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All of it or nothing."""
        with self._told(), self._wire.transaction():
            yield

    def close(self) -> None:
        """Let go at once, whatever the server does."""
        self._wire.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the library in our words."""
        try:
            yield
        except psycopg.Error as error:
            state, words = error.sqlstate or "", error.diag.message_primary or str(error)
            if refusals.is_poison(state):
                raise ValueRefused(refusals.line(words)) from None
            told = self._error(state, words)
            is_lost = self._wire.closed and not isinstance(error, _Slow)
            raise (Lost(*told.args) if is_lost else told) from None

    def _error(self, state: str, words: str) -> SinkError:
        reason, login = refusals.line(words), self._login
        return SinkError(f"{self.at} {refusals.sentence(state, reason, login.user, login.timeout)}")

    def _refused(self, words: str) -> SinkError:
        reason = refusals.line(refusals.last_words(words))
        text = f"{self.at} {refusals.welcome(reason, self._login.user, self._login.timeout)}"
        is_server = refusals.is_of_server(reason)
        return NoDatabase(text) if is_server and self._database in reason else SinkError(text)


def _guarded() -> dict[str, Any]:
    """Parameters by which the password is never sent as it is; libpq has them from 16 on."""
    return {"require_auth": "!password"} if psycopg.pq.version() >= 160_000 else {}


class _Slow(psycopg.OperationalError):
    pass


class _Timed(psycopg.Connection[TupleRow]):
    seconds = 10.0  # that a wait may last

    def wait(self, gen: PQGen[Found], *args: Any, **kwargs: Any) -> Found:
        until = time.monotonic() + self.seconds
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(self._ready(wanted, until))
        except StopIteration as end:
            found: Found = end.value
            return found
        except _Slow:
            self.close()
            raise

    def _ready(self, wanted: int, until: float) -> int:
        poll = select.poll()
        poll.register(
            self.pgconn.socket,
            (select.POLLIN if wanted & 1 else 0) | (select.POLLOUT if wanted & 2 else 0),
        )
        for _, events in poll.poll(max(0.0, until - time.monotonic()) * 1000):
            ready = (1 if events & ~select.POLLOUT else 0) | (2 if events & ~select.POLLIN else 0)
            return ready & wanted
        raise _Slow(refusals.SLOW)

"""Writes every Reading to PostgreSQL, with or without TimescaleDB.

1. Several hosts are tried in turn, from the one that worked, until one may be written to; a
   connection that was closed meanwhile is made again within the turn.
2. Everything is set, so the same batch again changes nothing.
"""

import logging
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from random import uniform
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..errors import SinkError
from ..model import Options, Reading, Refused
from .credentials import context, secret_of
from .hosts import Host, enter_first, hosts
from .narrow import Narrow
from .tunnel import Tunnel, place

if TYPE_CHECKING:
    from .postgresql_connection import Connection, Login

LOG = logging.getLogger(__name__)
CAS = "/etc/ssl/certs/ca-certificates.crt"  # those that the system trusts
INSTALL = (
    "the PostgreSQL sink needs psycopg and libpq: sudo apt install python3-psycopg "
    "(or libpq5, and pip install psycopg)"
)


class Layout(Protocol):
    def write(self, batch: Sequence[Reading]) -> list[Refused]:
        """Keep all of it; return what the server does not take."""


class PostgresqlSink:
    """contract: model.Sink"""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name, self.note = f"sink:{name}", ""  # note: what is worth knowing of the connection
        self.pace = float(options["interval"]) * uniform(0.9, 1.1)  # stations do not keep step
        self._options = options
        self._zone = ZoneInfo(options["timezone"]) if options["timezone"] else None
        self._hosts = hosts(options["host"], options["port"])
        self._connection: Connection | None = None
        self._layout: Layout | None = None
        self._tunnel: Tunnel | None = None
        if options["ssh"]:
            key, known_hosts = options["ssh_key"], options["ssh_known_hosts"]
            to = place(options["ssh"])
            self._tunnel = Tunnel(to, key, known_hosts, float(options["timeout"]))

    @staticmethod
    def wrong(options: Options) -> Iterator[tuple[str, str]]:
        """What is wrong in options that are right each by itself: (option, sentence)."""
        try:
            named = hosts(options["host"], options["port"])
        except ValueError as error:
            yield "host", f"{error}."
            named = []
        for option in ("database", "user", "schema", "table"):
            if not options[option] or len(options[option].encode()) > 63:
                yield option, "is missing, or longer than 63 bytes."
        if options["password"] and options["secret_file"]:
            yield "secret_file", "and password are both given; leave one empty."
        for option in ("secret_file", "ca_file", "ssh_key", "ssh_known_hosts"):
            if options[option] and not str(options[option]).startswith("/"):
                yield option, "must be a whole path, beginning with /."
        if options["layout"] == "smartmeter" and not options["device"]:
            yield "device", "is missing: layout = smartmeter has one meter in its table."
        if options["ssh"]:
            yield from _wrong_ssh(options, named)

    def open(self) -> None:
        self.close()
        enter_first(self._hosts, self._enter, self.close)

    def write(self, batch: Sequence[Reading]) -> list[Refused]:
        if self._layout is None:
            raise SinkError("the connection is not open.")
        from .postgresql_connection import Lost

        device = self._options["device"]
        wanted = [r for r in batch if not device or f"{r.device}.".startswith(f"{device}.")]
        try:
            return self._layout.write(wanted)
        except Lost:
            self.open()
            return self._layout.write(wanted)

    def close(self) -> None:
        connection, self._connection, self._layout = self._connection, None, None
        if connection is not None:
            connection.close()
        if self._tunnel is not None:
            self._tunnel.close()

    def _enter(self, host: Host) -> None:
        try:
            from . import postgresql_schema as schema
            from .postgresql_tables import PostgresqlTables
            from .wide import Wide
        except ImportError:
            raise SinkError(INSTALL) from None
        options = self._options
        self._connection = connection = self._connected(host)
        if options["layout"] == "smartmeter":
            table, device = options["table"], options["device"]
            wide = Wide(connection, options["schema"], table, device)
            self._layout, kind = wide, wide.note
        else:
            schema.narrow(connection, options["schema"])
            kind = schema.hypertable(connection, "reading")
            logger = options["logger"] or socket.gethostname()
            narrow = Narrow(PostgresqlTables(connection, logger), self._zone)
            narrow.begin()
            self._layout = narrow
        self.note = f"{connection.server}, {kind}"

    def _connected(self, host: Host) -> "Connection":
        """A connection to the database, which is made if it is missing."""
        from .postgresql_connection import NoDatabase
        from .postgresql_schema import create

        name, login = self._options["database"], self._login(host)
        try:
            return self._connect(host, name, login)
        except NoDatabase as error:
            refusal = str(error)
        try:
            on = self._connect(host, "postgres", login)
        except SinkError:
            raise SinkError(refusal) from None
        with closing(on):
            if not create(on, name):
                raise SinkError(refusal)
        LOG.info("%s: database %s created", self.name, name)
        return self._connect(host, name, login)

    def _connect(self, host: Host, database: str, login: "Login") -> "Connection":
        from .postgresql_connection import Connection

        if self._tunnel is None:
            return Connection(host, database, login)
        with self._tunnel.way(host, f".s.PGSQL.{host.port}") as way:
            return Connection(host, database, login, way, self._options["ssh"])

    def _login(self, host: Host) -> "Login":
        from .postgresql_connection import Login

        options = self._options
        password = str(options["password"])
        if options["secret_file"]:
            password = secret_of(options["secret_file"])
        wanted, is_near = options["tls"], host.is_here or self._tunnel is not None
        tls = {"sslmode": "disable"}
        if wanted == "yes" or (wanted == "auto" and not is_near):
            context(options["ca_file"], options["verify"])  # tells what is wrong with the file
            # with a CA of its own accord (~/.postgresql/root.crt) libpq would check all the same
            tls = {"sslmode": "require", "sslrootcert": "/nonexistent"}
            if options["verify"]:
                tls = {"sslmode": "verify-full", "sslrootcert": options["ca_file"] or CAS}
        is_proven = is_near or tls["sslmode"] == "verify-full"
        return Login(str(options["user"]), password, tls, is_proven, float(options["timeout"]))


def _wrong_ssh(options: Options, named: Sequence[Host]) -> Iterator[tuple[str, str]]:
    try:
        place(options["ssh"])
    except ValueError as error:
        yield "ssh", f"{error}."
    if options["tls"] == "yes":
        yield "tls", "is yes, but with ssh the tunnel encrypts: leave it at auto."
    if any(host.is_folder for host in named):
        yield "host", "is a folder: through ssh the server is reached by its name and port."
    for option in ("ssh_key", "ssh_known_hosts"):
        if re.search(r"[\s%\"'\\$]", options[option]):
            yield option, "must be a path without blanks, quotes, % and $."

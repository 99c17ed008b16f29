"""Writes every Reading to MySQL or MariaDB, alone or a Galera cluster.

1. Several hosts are tried in turn, from the one that worked; a server that goes away while it is
   written to is replaced within the turn.
2. Everything is set, so the same batch again changes nothing.
"""

import socket
from collections.abc import Iterator, Sequence
from random import uniform
from typing import Any
from zoneinfo import ZoneInfo

from ..clock import Clock
from ..model import Options, Reading, Refused
from .credentials import context, secret_of
from .hosts import Host, enter_first, hosts
from .mysql_connection import Connection, Login, Lost
from .mysql_tables import TABLES, MysqlTables, prepare
from .mysql_volumes import TABLE, Volumes
from .narrow import Narrow


class MysqlSink:
    """contract: model.Sink"""

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name, self.note = f"sink:{name}", ""  # note: what is worth knowing of the connection
        self.pace = float(options["interval"]) * uniform(0.9, 1.1)  # stations do not keep step
        self._options = options
        self._zone = ZoneInfo(options["timezone"]) if options["timezone"] else None
        self._hosts = hosts(options["host"], options["port"])
        self._connection: Connection | None = None
        self._narrow: Narrow | None = None
        self._volumes: Volumes | None = None

    @staticmethod
    def wrong(options: Options) -> Iterator[tuple[str, str]]:
        """What is wrong in options that are right each by itself: (option, sentence)."""
        try:
            hosts(options["host"], options["port"])
        except ValueError as error:
            yield "host", f"{error}."
        for option in ("database", "user"):
            if not options[option] or len(options[option]) > 64:
                yield option, "is missing, or longer than 64 characters."
        if len(options["logger"]) > 64:
            yield "logger", "is longer than 64 characters."
        if options["password"] and options["secret_file"]:
            yield "secret_file", "and password are both given; leave one empty."
        for option in ("secret_file", "ca_file"):
            if options[option] and not str(options[option]).startswith("/"):
                yield option, "must be a whole path, beginning with /."

    def open(self) -> None:
        """Enter the first host that takes us."""
        self.close()
        enter_first(self._hosts, self._enter, self.close)

    def write(self, batch: Sequence[Reading]) -> list[Refused]:
        device = self._options["device"]
        wanted = [r for r in batch if not device or f"{r.device}.".startswith(f"{device}.")]
        try:
            return self._kept(wanted)
        except Lost as error:
            if error.is_slow and len(self._hosts) == 1:
                raise
            self._hosts.append(self._hosts.pop(0))
            self.open()
            return self._kept(wanted)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        self._narrow = self._volumes = None
        if connection is not None:
            connection.close()

    def _kept(self, batch: Sequence[Reading]) -> list[Refused]:
        if self._narrow is None:
            self.open()
        assert self._narrow is not None
        refused = self._narrow.write(batch)
        if self._volumes is not None:
            self._volumes.follow(batch)
        return refused

    def _enter(self, host: Host) -> None:
        options = self._options
        is_wide = options["layout"] == "energymonitor"
        self._connection = connection = Connection(host, self._login(host))
        lacking = prepare(connection, options["database"], TABLES | (TABLE if is_wide else {}))
        logger = options["logger"] or socket.gethostname()[:64]
        narrow = Narrow(MysqlTables(connection, logger), self._zone)
        narrow.begin()
        if is_wide:
            self._volumes = Volumes(connection, logger, options["volume_seconds"])
        self._narrow = narrow
        about = (f"{connection.server} at {host}", connection.tls or "no TLS", connection.library)
        self.note = ", ".join(filter(None, (*about, lacking)))

    def _login(self, host: Host) -> Login:
        options = self._options
        password = str(options["password"])
        if options["secret_file"]:
            password = secret_of(options["secret_file"])
        needed = options["tls"] == "yes" or (options["tls"] == "auto" and not host.is_here)
        tls: dict[str, Any] = {"ssl_disabled": True}
        if needed:
            context(options["ca_file"], options["verify"])  # tells what is wrong with the file
            tls = {"ssl_verify_cert": options["verify"], "ssl_verify_identity": options["verify"]}
            if options["ca_file"]:
                tls["ssl_ca"] = options["ca_file"]
        return Login(
            options["user"], password, tls, needed, options["compress"], options["timeout"]
        )

"""A real station on the simulated house with every kind of database, and all that can befall them.

The station is `s0web serve` in a process of its own; each server is reached through a proxy; the
archive and the CSV files lie on a small disk.
"""

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.chaos_disk import Disk
from bench.chaos_proxy import Proxy
from tests.conftest import until
from tests.influx_server import Influx
from tests.mariadb_server import MariaDb
from tests.mosquitto import Mosquitto
from tests.ports import free_port
from tests.postgres_server import ROOT_PASSWORD, Postgres

PULSES = 10_000  # for one kWh
SINKS = ("mysql", "postgresql", "influx", "mqtt", "csv")
SERVERS = SINKS[:-1]
INI = """\
[s0web]
simulate = yes
[archive]
path = {disk}
flush = {flush}
[source:main]
type = s0
pin = 4
pulses_per_kwh = {pulses}
[source:grid]
type = p1
port = p1
[source:mains]
type = modbus
port = rs485
model = sdm630
baud = 38400
interval = 0.2
[sink:mysql]
type = mysql
host = 127.0.0.1
port = {mysql}
password = secret
interval = 1
timeout = 10
logger = chaos
[sink:postgresql]
type = postgresql
host = 127.0.0.1
port = {postgresql}
user = root
password = {password}
interval = 1
timeout = {timeout}
logger = chaos
[sink:influx]
type = influx
url = http://127.0.0.1:{influx}
timeout = {timeout}
logger = chaos
[sink:mqtt]
type = mqtt
host = 127.0.0.1
port = {mqtt}
interval = 0.5
timeout = {timeout}
[sink:csv]
type = csv
file_path = {disk}/csv
max_lines = 20000
[cache:simulated]
main = 100
"""


class ChaosHouse:
    """`flush`: s, of the archive; `timeout`: s, how long the servers may take."""

    def __init__(self, folder: Path, flush: float, timeout: float, megabytes: int) -> None:
        self._station: subprocess.Popen[bytes] | None = None
        self.log = folder / "station.log"
        self._ini, self._port = folder / "state/s0web.ini", free_port()
        for name in (*SERVERS, "state"):
            (folder / name).mkdir()
        with contextlib.ExitStack() as ends:
            self.disk = Disk(folder / "disk", megabytes)
            ends.callback(self.disk.remove)
            self.archive = self.disk.folder / "archive-simulated.db"
            self.csv = self.disk.folder / "csv"
            self.mqtt = Mosquitto(folder / "mqtt")
            ends.callback(self.mqtt.kill)
            self.mysql = MariaDb(folder / "mysql")
            self.influx = Influx(folder / "influx")
            self.postgresql = Postgres()
            ends.callback(self.postgresql.remove)
            for server in (self.mysql, self.influx, self.postgresql):
                ends.callback(server.kill)
                server.start()
            self.mysql.make_user()
            self.servers: dict[str, Any] = {name: getattr(self, name) for name in SERVERS}
            self.proxies = {name: Proxy(server.port) for name, server in self.servers.items()}
            for proxy in self.proxies.values():
                ends.callback(proxy.close)
            self._ini.write_text(self._options(flush, timeout))
            self._ends = ends.pop_all()

    def _options(self, flush: float, timeout: float) -> str:
        ports = {name: proxy.port for name, proxy in self.proxies.items()}
        return INI.format(
            **ports,
            disk=self.disk.folder,
            flush=flush,
            timeout=timeout,
            pulses=PULSES,
            password=ROOT_PASSWORD,
        )

    # -- the station -------------------------------------------------------------------------------

    def start(self) -> None:
        """Returns at once."""
        self._station = subprocess.Popen(
            [sys.executable, "-m", "s0web", "serve", "--port", str(self._port)],
            env=os.environ | {"S0WEB_INI": str(self._ini)},
            cwd=Path(__file__).parent.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._listen, args=(self._station,), daemon=True).start()
        self.disk.limit(self._station.pid)

    def kill(self) -> None:
        """kill -9"""
        assert self._station is not None
        assert self._station.poll() is None, self.said()
        self._station.kill()
        self._station.wait(20)

    def stop(self) -> None:
        """In order."""
        assert self._station is not None
        self._station.terminate()
        assert self._station.wait(20) == 0, self.said()
        self._station = None

    def behind(self) -> dict[str, int]:
        """Sink that is well -> readings that it has not written; {} where nobody answers."""
        asked = self._asked()
        told = re.findall(r'behind_readings{name="sink:(\w+)"} (\d+)', asked)
        well = re.findall(r'health{name="sink:(\w+)",state="ok"} 1', asked)
        return {name: int(number) for name, number in told if name in SINKS and name in well}

    def said(self) -> str:
        """The end of the station's log."""
        return self.log.read_text()[-3000:] if self.log.exists() else ""

    def _asked(self) -> str:
        address = f"http://127.0.0.1:{self._port}/s0/metrics"
        with (
            contextlib.suppress(OSError, HTTPException),  # it is dead, or not ready yet
            urlopen(address, timeout=2) as answer,
        ):
            return str(answer.read().decode())
        return ""

    def _listen(self, station: subprocess.Popen[bytes]) -> None:
        assert station.stdout is not None
        with self.log.open("ab") as log, station.stdout:
            for line in station.stdout:
                log.write(line)
                log.flush()

    # -- what befalls it ---------------------------------------------------------------------------

    def ways(self) -> dict[str, tuple[Callable[[str], object], Callable[[str], object]]]:
        """What can be done to a server, or to the disk, and how it ends."""
        servers, proxies = self.servers, self.proxies
        return {
            "kill": (lambda who: servers[who].kill(), lambda who: servers[who].start()),
            "freeze": (lambda who: servers[who].freeze(), lambda who: servers[who].thaw()),
            "stall": (lambda who: proxies[who].stall(), lambda who: proxies[who].heal()),
            "cut": (lambda who: proxies[who].cut(), lambda who: proxies[who].heal()),
            "full": (lambda _: self._fill(), lambda _: self._clear()),
        }

    def _fill(self) -> None:
        self.disk.fill()
        self._limit()

    def _clear(self) -> None:
        self.disk.clear()
        self._limit()

    def _limit(self) -> None:
        if self._station is not None:
            self.disk.limit(self._station.pid)

    def close(self) -> None:
        if self._station is not None:
            self._station.kill()
            self._station.wait(20)
        self._ends.close()


def caught_up(house: ChaosHouse, most: int, seconds: float) -> None:
    """Wait until every sink has written, and none has more than so many readings to write."""

    def so() -> bool:
        behind = house.behind()
        return behind.keys() == set(SINKS) and max(behind.values()) <= most

    until(so, f"all sinks to have caught up: {house.behind()}; {house.said()}", seconds)

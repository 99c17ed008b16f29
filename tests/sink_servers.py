"""Every sink with a real server for it, in one shape: what the contract of all sinks is tried on.

1. Each server lives on a small disk of its own (tmpfs) where mounting is permitted, else in a
   plain folder, which cannot be full.
2. `fresh` gives the next test a database, a folder or a measurement that is not there.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from s0web.clock import FakeClock
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.registry import SINKS, load
from tests.influx_server import Influx, Victoria
from tests.mariadb_server import MariaDb
from tests.postgres_server import ROOT_PASSWORD, Postgres

SECRET = "streng-geheim"  # a wrong one
ODD = "pi 'attic' \"2\" \\ ü.haus %s"
EPOCH, MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
LARGE, SMALL = 1.7976931348623157e308, 5e-324
EDGES = (0.1 + 0.2, 1e-300, 1e300, -0.0, 2.0**53 + 2, -123456789.125, LARGE, SMALL)
NUMBER = count(1)
SIZE = "400m"


class Row(NamedTuple):
    station: str
    device: str
    quantity: str
    ms: int
    value: float


def sink_of(kind: str, texts: Mapping[str, str], clock: FakeClock | None = None) -> Any:
    """A sink with these options, checked as those of an INI."""
    rows = OPTIONS[f"sink.{kind}"]
    options = {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
    made = load(SINKS, kind)
    assert not hasattr(made, "wrong") or list(made.wrong(options)) == []
    return made("db", options, clock or FakeClock())


def readings(count: int, start: datetime, device: str = "grid") -> list[Reading]:
    return [
        Reading(device, start + timedelta(seconds=n), {"power": 100.0 + n, "energy_import": n / 8})
        for n in range(count)
    ]


def ms(time: datetime) -> int:
    return (time - EPOCH) // MS


class Disk:
    """A file system that can be full."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="s0web-disk-"))
        options = ["-o", f"size={SIZE},mode=755"]
        mount = ["mount", "-t", "tmpfs", *options, "s0web", str(self.folder)]
        self.is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0

    def fill(self, left: int) -> None:
        """Leave so many bytes."""
        there = os.statvfs(self.folder)
        self._resize(str((there.f_blocks - there.f_bfree) * there.f_frsize + left))

    def free(self) -> None:
        self._resize(SIZE)

    def remove(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _resize(self, size: str) -> None:
        options = ["-o", f"remount,size={size}"]
        subprocess.run(["mount", *options, str(self.folder)], check=True)


def can_mount() -> bool:
    disk = Disk()
    disk.remove()
    return disk.is_mounted


class Place:
    """One sink and its server; what a subclass leaves empty does not apply to it."""

    kind = ""  # its name in the registry
    at = ""  # what a sentence names
    wrong: Mapping[str, str] = {}  # options with a secret that is wrong
    small: Mapping[str, str] = {}  # options by which it writes a batch in several steps
    step = ""  # module:Class.method of one of these
    room = 64 * 1024  # bytes left on a disk that it finds full
    gulp = 1_000  # readings at once until it does
    edges: tuple[float, ...] = EDGES  # numbers that it can hold beside each other
    digits = 0.0  # relative error of one
    can_refuse = False  # a value for what it is

    def __init__(self) -> None:
        self.disk = Disk()
        self.database = ""
        self.server: Any = None

    def fresh(self, name: str = "") -> None:
        self.database = f"house{next(NUMBER)}{name}"

    def texts(self, station: str) -> dict[str, str]:
        """The options of a station's sink."""
        raise NotImplementedError

    def rows(self) -> list[Row]:
        """All that is kept, in no order."""
        raise NotImplementedError

    def refuse(self, time: datetime) -> None:
        """Take 666 no more as a peak, at that time."""
        raise NotImplementedError

    def spelled(self, station: str) -> str:
        """The station's name as it comes back."""
        return station

    def kill(self) -> None:
        self.server.kill()

    def start(self) -> None:
        self.server.start()

    def has_ended(self) -> bool:
        """Of its own accord, as MariaDB where a page has no room."""
        return not self.server.is_running()

    def revive(self) -> None:
        """Let it go on after its disk was full."""
        if self.has_ended():
            self.server.start()

    def remove(self) -> None:
        self.server.kill()
        self.disk.remove()


class Mysql(Place):
    kind, can_refuse = "mysql", True
    wrong = {"password": SECRET}
    step = "s0web.sinks.mysql_connection:Connection._execute"

    def __init__(self) -> None:
        super().__init__()
        self.server = MariaDb(self.disk.folder)
        self.server.start()
        self.server.make_user(rights="ALL ON *.*")
        self.at = f"127.0.0.1:{self.server.port}"

    def texts(self, station: str) -> dict[str, str]:
        own = {"host": self.at, "password": "secret", "timeout": "10"}
        return own | {"database": self.database, "logger": station}

    def rows(self) -> list[Row]:
        asked = "SELECT logger, device, quantity, time, value FROM v_reading"
        found = self.server.query(asked, database=self.database)
        return [Row(*row[:3], ms=ms(row[3].replace(tzinfo=UTC)), value=row[4]) for row in found]

    def refuse(self, time: datetime) -> None:
        self.server.query("ALTER TABLE reading ADD CHECK (value <> 666)", database=self.database)


class Postgresql(Place):
    kind, can_refuse = "postgresql", True
    wrong = {"password": SECRET}
    step = "s0web.sinks.postgresql_connection:Connection.run"

    def __init__(self) -> None:
        super().__init__()
        self.server = Postgres("timezone = 'Europe/Brussels'", self.disk.folder)
        self.server.start()
        self.at = f"127.0.0.1:{self.server.port}"

    def texts(self, station: str) -> dict[str, str]:
        own = {"host": self.at, "user": "root", "password": ROOT_PASSWORD}
        return own | {"database": self.database, "logger": station}

    def rows(self) -> list[Row]:
        asked = "SELECT logger, device, quantity, time, value FROM v_reading"
        found = self.server.rows(asked, self.database)
        return [Row(*row[:3], ms=ms(row[3]), value=row[4]) for row in found]

    def refuse(self, time: datetime) -> None:
        self.server.rows("ALTER TABLE reading ADD CHECK (value <> 666)", self.database)


class Influx1(Place):
    kind, can_refuse = "influx", True
    wrong = {"password": SECRET}
    small = {"lines": "100"}
    step = "s0web.sinks.influx_wire:Wire.ask"

    def __init__(self) -> None:
        super().__init__()
        self.server = Influx(self.disk.folder, auth=True)
        self.server.start()
        self.server.query("CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES")
        self.server.credentials("root", "secret")
        self.at = self.server.url

    def fresh(self, name: str = "") -> None:
        super().fresh(name.replace("\\", ""))  # which it takes in no name of a database

    def texts(self, station: str) -> dict[str, str]:
        own = {"url": self.at, "user": "root", "password": "secret"}
        return own | {"database": self.database, "logger": station}

    def rows(self) -> list[Row]:
        rows = self.server.rows("SELECT * FROM s0web", self.database)
        return [
            Row(row["logger"], row["device"], name, row["time"] // 1_000_000, value)
            for row in rows
            for name, value in row.items()
            if name not in ("time", "device", "logger", "meter") and "device" in row
        ]

    def refuse(self, time: datetime) -> None:
        """A field has one type for a week."""
        line = f's0web peak="a text" {ms(time)}'.encode()
        self.server.ask("POST", f"/write?precision=ms&db={quote(self.database)}", line)

    def spelled(self, station: str) -> str:
        return station.replace("\\", "/")

    def revive(self) -> None:
        """It says that its disk is full until it is started again."""
        self.server.stop()
        self.server.start()


class _Victoria(Place):
    kind = "influx"
    small = {"lines": "100"}
    step = "s0web.sinks.influx_wire:Wire.ask"
    room, gulp = 4_000_000, 50  # it stops at less than 10 MB, for which it looks each second
    edges = (0.1 + 0.2, -0.0, 2.0**31, -123456.125)  # a block has one exponent
    digits = 1e-12
    guards: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.server = Victoria(self.disk.folder, *self.guards)
        self.server.start()
        self.at = self.server.url

    def matching(self) -> str:
        """What picks the series of this test alone: a filter that was asked before finds those it
        found then, for up to 10 s.
        """
        return f"{{__name__=~{json.dumps(self.database + '_.*')}}}"

    def rows(self) -> list[Row]:
        self.server.ask("GET", "/internal/force_flush")
        _, body = self.server.ask("GET", f"/api/v1/export?match={quote(self.matching())}")
        found = []
        for line in body.splitlines():
            series = json.loads(line)
            labels = series["metric"]
            names = labels["logger"], labels["device"], labels["__name__"].partition("_")[2]
            samples = zip(series["timestamps"], series["values"], strict=True)
            found += [Row(*names, time, value) for time, value in samples]
        return found

    def spelled(self, station: str) -> str:
        return station.replace("\\", "/")


class Influx2(_Victoria):
    """The protocol of InfluxDB 2, which has written what it took: so has this one, by an orderly
    end.
    """

    def fresh(self, name: str = "") -> None:
        super().fresh()  # a measurement

    def texts(self, station: str) -> dict[str, str]:
        own = {"url": self.at, "version": "2", "org": "home", "token": "a token"}
        return own | {"measurement": self.database, "logger": station}

    def kill(self) -> None:
        self.server.stop()


class VictoriaMetrics(_Victoria):
    wrong = {"password": SECRET}
    guards = ("-httpAuth.username=meter", "-httpAuth.password=secret")

    def __init__(self) -> None:
        super().__init__()
        self.server.credentials("meter", "secret")

    def matching(self) -> str:
        return f"{{db={json.dumps(self.database)}}}"

    def texts(self, station: str) -> dict[str, str]:
        own = {"url": self.at, "version": "victoriametrics", "user": "meter", "password": "secret"}
        return own | {"database": self.database, "logger": station}


class Csv(Place):
    """Its server is a folder; `database` names it."""

    kind = "csv"
    small = {"max_lines": "300"}
    step = "s0web.sinks.csv_files:Growing.append"

    @property
    def folder(self) -> Path:
        return self.disk.folder / self.database

    def fresh(self, name: str = "") -> None:
        super().fresh(name)
        self.at = str(self.folder)

    def texts(self, station: str) -> dict[str, str]:
        return {"file_path": self.at, "file_prefix": self.spelled(station), "max_lines": "500"}

    def rows(self) -> list[Row]:
        found = []
        for path in self.folder.iterdir():
            station = path.name.removeprefix(".wip__").rpartition("_")[0].rpartition("_")[0]
            with path.open(newline="") as file:
                for line in csv.DictReader(file):
                    time = datetime.fromisoformat(line["time"])
                    assert datetime.fromisoformat(line["local_time"]) == time
                    names = station, line["device"], line["quantity"]
                    found.append(Row(*names, ms(time), float(line["value"])))
        return found

    def spelled(self, station: str) -> str:
        return "".join(c if c.isascii() and c.isalnum() else "-" for c in station)

    def kill(self) -> None:
        self.folder.rename(self.disk.folder / "away")
        self.folder.touch()

    def start(self) -> None:
        self.folder.unlink()
        (self.disk.folder / "away").rename(self.folder)

    def revive(self) -> None:
        """It has no server that could have ended."""

    def remove(self) -> None:
        self.disk.remove()


PLACES = {
    "mysql": Mysql,
    "postgresql": Postgresql,
    "influx-1": Influx1,
    "influx-2": Influx2,
    "influx-victoriametrics": VictoriaMetrics,
    "csv": Csv,
}


def killed_at_each_step(place: Place, station: str, batch: int, start: datetime) -> int:
    """Let a process write a batch and kill it before its first step, another before its second,
    and so on; return how many were killed.
    """
    told = [
        place.kind,
        {**place.texts(station), **place.small},
        place.step,
        batch,
        start.isoformat(),
    ]
    code = "import json, sys; from tests.sink_servers import _die; _die(*json.loads(sys.argv[1]))"
    command = [sys.executable, "-c", code, json.dumps(told)]
    return int(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


def _die(kind: str, texts: dict[str, str], step: str, batch: int, start: str) -> None:
    module, _, path = step.partition(":")
    owner, _, name = path.partition(".")
    victim = getattr(import_module(module), owner)
    real = getattr(victim, name)
    for last in count(1):
        if os.fork() == 0:
            made = sink_of(kind, texts)
            made.open()
            steps = count(1)

            def until(*args: Any, steps: Any = steps, last: int = last) -> Any:
                if next(steps) == last:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*args)

            setattr(victim, name, until)
            made.write(readings(batch, datetime.fromisoformat(start)))
            os._exit(0)
        if os.WIFEXITED(os.wait()[1]):
            print(last - 1)
            return

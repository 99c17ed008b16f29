"""A real Apache with mod_wsgi of its own: Debian's program and apache/s0web.conf as it is shipped,
in a private folder and on a loopback port.

It runs without root's identity. Started by root it is www-data, yet may read and write as root, so
that a checkout in a closed folder serves as well.
"""

import atexit
import configparser
import http.client
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.ports import free_port

CHECKOUT = Path(__file__).resolve().parent.parent
APACHE = "/usr/sbin/apache2"
MODULES = Path("/usr/lib/apache2/modules")
LIMIT = 40.0  # s, for anything that is waited for
CONFIG = """\
ServerRoot {folder}
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
ErrorLog {folder}/error.log
LogFormat "%m %U %>s" short
CustomLog {folder}/access.log short
{modules}
StartServers 2
WSGISocketPrefix {folder}/wsgi
Define S0WEB_ROOT {folder}
Define S0WEB_VENV {venv}
Define S0WEB_STATE {folder}
Include {checkout}/apache/s0web.conf
"""
INI = """\
[s0web]
simulate = yes
save_interval = 1
[source:main]
type = s0
pin = 4
pulses_per_kwh = 200000
minimum_width_ms = 0
"""
SCRIPT = (CHECKOUT / "wsgi/s0web.wsgi").read_text()
NOTE = """
import os, threading, time

def note(*words):
    handle = os.open(os.environ["NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(handle, " ".join(map(str, words)).encode() + b"\\n")
    os.close(handle)

def watch(station):
    told = None
    while True:
        total = station.hub.snapshot().number("main", "energy_import")
        if station.state == "running" and total is not None and total != told:
            told = total
            note("beat", os.getpid(), time.monotonic(), f"{total:.9f}")
        time.sleep(0.003)

note("import", os.getpid(), threading.active_count())
"""
WATCH = "\nthreading.Thread(target=watch, args=(station,), daemon=True).start()\n"
LOADED = ("mpm_event", "authz_core", "wsgi", "lua")


class Apache:
    """`script` is served in place of wsgi/s0web.wsgi; `env` is added to Apache's environment."""

    def __init__(self, folder: Path, script: str, env: dict[str, str] | None = None) -> None:
        _same_python()
        self.folder, self.port = folder, free_port()
        self._env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)} | (env or {})
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "wsgi").mkdir(parents=True)
        (folder / "wsgi/s0web.wsgi").write_text(script)
        shutil.copytree(CHECKOUT / "apache", folder / "apache")
        modules = "\n".join(f"LoadModule {m}_module {MODULES}/mod_{m}.so" for m in LOADED)
        config = CONFIG.format(
            folder=folder, port=self.port, modules=modules, venv=_venv(), checkout=CHECKOUT
        )
        (folder / "httpd.conf").write_text(config)

    def start(self) -> None:
        command = [APACHE, "-DFOREGROUND", "-f", str(self.folder / "httpd.conf")]
        self._process = subprocess.Popen([*_unprivileged(), *command], env=self._env)
        wait_for(lambda: (self.folder / "apache.pid").exists(), "Apache's start", self.log)

    def graceful(self) -> None:
        self._signal(signal.SIGUSR1)

    def restart(self) -> None:
        self._signal(signal.SIGHUP)

    def stop(self) -> None:
        """End Apache and all it started; may be called twice."""
        if self._process is not None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(LIMIT)
            finally:
                self._process.kill()
                self._process = None

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def get(self, path: str, method: str = "GET", body: bytes | None = None) -> tuple[int, str]:
        """Status and text; waits for Apache to listen again while it restarts."""
        end = time.monotonic() + LIMIT
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
            try:
                connection.request(method, path, body)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except (OSError, http.client.HTTPException):
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
            finally:
                connection.close()

    def log(self) -> str:
        with suppress(FileNotFoundError):
            return (self.folder / "error.log").read_text()
        return "(no error log)"


class Beat(NamedTuple):
    pid: int
    time: float  # s, monotonic
    total: float  # kWh


class Place:
    """A folder with an INI, and Apaches that note each load of the script and each count."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ini, self._notes = folder, folder / "state/s0web.ini", folder / "notes"
        self.env = {"NOTES": str(self._notes), "S0WEB_INI": str(self.ini)}
        self.ini.parent.mkdir()
        self.ini.write_text(INI)
        self.apaches: list[Apache] = []

    def apache(self, **env: str) -> Apache:
        script = NOTE + SCRIPT + "\nfrom s0web.web.wsgi import station" + WATCH
        made = Apache(self.folder / f"a{len(self.apaches)}", script, self.env | env)
        self.apaches.append(made)
        made.start()
        return made

    def imports(self) -> list[int]:
        """The process of each load of the script; each was alone in its process then."""
        found = [line for line in self._lines() if line[0] == "import"]
        assert all(threads == "1" for _, _, threads in found)
        return [int(pid) for _, pid, _ in found]

    def beats(self) -> list[Beat]:
        lines = [line for line in self._lines() if line[0] == "beat"]
        return [Beat(int(pid), float(at), float(total)) for _, pid, at, total in lines]

    def _lines(self) -> list[list[str]]:
        text = self._notes.read_text() if self._notes.exists() else ""
        return [line.split() for line in text.splitlines()]

    def kept(self) -> float:
        """The counter in the INI, kWh."""
        parser = configparser.ConfigParser()
        parser.read_string(self.ini.read_text())
        return parser.getfloat("cache:simulated", "main", fallback=0.0)

    def counting(self, beats: int = 10) -> int:
        """Wait until the newest process has counted so often; return its pid."""

        def enough() -> bool:
            own = [beat for beat in self.beats() if beat.pid == self.imports()[-1]]
            return len(own) >= beats

        wait_for(lambda: self.imports() and enough(), "counting", self.apaches[-1].log)
        return self.imports()[-1]

    def renewed(self, old: int) -> int:
        """Wait until another process counts."""
        wait_for(lambda: self.imports()[-1] != old, "a new process", self.apaches[-1].log)
        return self.counting()

    def gap(self) -> float:
        """The longest time without acquisition between two processes, s."""
        changes = [b.time - a.time for a, b in pairwise(self.beats()) if a.pid != b.pid]
        return max(changes)


def wait_for(condition: Callable[[], object], what: str, log: Callable[[], str]) -> None:
    """Wait for a condition, at most LIMIT; then fail with the log."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {LIMIT:g} s:\n{log()[-4000:]}"
        time.sleep(0.01)


@cache
def _venv() -> Path:
    """An environment with the packages of this one; mod_wsgi cannot use one in a closed folder."""
    own = Path(tempfile.mkdtemp(prefix="s0web-venv-"))
    atexit.register(shutil.rmtree, own)
    own.chmod(0o755)
    venv.create(own, symlinks=True)
    (packages,) = own.glob("lib/python3*/site-packages")
    (packages / "tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return own


def _unprivileged() -> list[str]:
    """What to run a program with; mod_wsgi refuses to work as root."""
    if os.geteuid() != 0:
        return []
    may = "+dac_override"
    user = ["--reuid=www-data", "--regid=www-data", "--clear-groups"]
    return ["setpriv", *user, f"--inh-caps={may}", f"--ambient-caps={may}", "--"]


def _same_python() -> None:
    """mod_wsgi is built for one Python: the virtual environment must be of the same."""
    assert Path(APACHE).exists(), "Apache is missing: apt-get install apache2"
    found = sorted(MODULES.glob("mod_wsgi.so-3.*"))
    assert found, "mod_wsgi is missing: apt-get install libapache2-mod-wsgi-py3"
    built, own = found[-1].name.partition("-")[2], f"3.{sys.version_info.minor}"
    assert own == built, (
        f"mod_wsgi is for Python {built}, these tests run in {own}: make the virtual environment "
        "with /usr/bin/python3"
    )

"""MariaDB Galera nodes on loopback in a folder of their own: start, kill, freeze, rejoin, stop.

1. All begin as copies of the first, and go on as after a power cut of all: no transfer of state,
   which takes seconds for each.
2. It is a folder below /tmp that all may enter: root's servers run as mysql, and rsync, which
   brings a node up to date, as nobody.
3. With `arbitrator` a garbd votes as well: the cheap third of two nodes.
"""

import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.ports import free_port

IS_ROOT = os.geteuid() == 0
PROVIDER = "/usr/lib/galera/libgalera_smm.so"
QUICK = (  # a dead node is dropped after 1 to 3 s instead of 5 to 15 s
    "evs.suspect_timeout=PT1S;evs.inactive_timeout=PT3S;"
    "evs.keepalive_period=PT0.3S;evs.inactive_check_period=PT0.3S;"
)
CONFIG = """\
[mysqld]
{user}
datadir={data}
socket={data}.sock
pid-file={data}.pid
log-error={data}.log
port={port}
bind-address=127.0.0.1
skip-name-resolve
max_connections=600
binlog_format=ROW
default_storage_engine=InnoDB
innodb_autoinc_lock_mode=2
innodb_buffer_pool_size=128M
innodb_flush_log_at_trx_commit=2
wsrep_on=ON
wsrep_provider={provider}
wsrep_cluster_name=s0web
wsrep_cluster_address=gcomm://{peers}
wsrep_node_name={name}
wsrep_node_address=127.0.0.1:{group}
wsrep_node_incoming_address=127.0.0.1:{port}
wsrep_sst_method=rsync
wsrep_sst_receive_address=127.0.0.1:{sst}
wsrep_slave_threads=2
wsrep_provider_options="{options}gmcast.listen_addr=tcp://127.0.0.1:{group};\
ist.recv_addr=127.0.0.1:{ist};ist.recv_bind=127.0.0.1:{ist};gcache.size=32M;pc.recovery=TRUE"
"""


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now; no two alike."""
    return [free_port() for _ in range(count)]


class Node:
    def __init__(self, folder: Path, number: int, ports: Sequence[int]) -> None:
        self.name = f"n{number}"
        self.data = folder / self.name
        self.config = folder / f"{self.name}.cnf"
        self.port, self.group, self.ist, self.sst = ports
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, peers: str, options: str) -> None:
        self.config.write_text(
            CONFIG.format(
                user="user=mysql" if IS_ROOT else "",
                provider=PROVIDER,
                peers=peers,
                options=options,
                **vars(self),
            )
        )

    def start(self, *more: str) -> None:
        command = ["mariadbd", f"--defaults-file={self.config}", *more]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            self._process.wait(60)

    def revive(self) -> None:
        """Start it again, if it does not run."""
        if self._process is None or self._process.poll() is not None:
            self.start()

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.send(signal.SIGKILL)

    @property
    def client(self) -> list[str]:
        """The command that speaks to it, as root."""
        command = ["mariadb", f"--defaults-file={self.config}", "-uroot", "-h127.0.0.1"]
        return [*command, f"-P{self.port}", "-BN"]

    def ask(self, sql: str) -> list[list[str]]:
        """Rows as text; [] where it is away."""
        command = [*self.client, "-e", sql]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return [line.split("\t") for line in told.stdout.splitlines()]

    @property
    def is_synced(self) -> bool:
        """Whether it takes part in a cluster that has a majority."""
        told = self.status()
        return told.get("wsrep_ready") == "ON" and told.get("wsrep_local_state_comment") == "Synced"

    def status(self) -> dict[str, str]:
        return {row[0]: row[-1] for row in self.ask("SHOW STATUS LIKE 'wsrep%'")}

    def belongs_to(self, size: str) -> bool:
        """Whether it takes part in a cluster of so many members."""
        return self.is_synced and self.status().get("wsrep_cluster_size") == size

    def log(self) -> str:
        return Path(f"{self.data}.log").read_text(errors="replace")


class Cluster:
    """Without a majority nothing is written; the nodes know root without a password."""

    def __init__(self, count: int = 3, arbitrator: bool = False, quick: bool = False) -> None:
        folder = self._folder = Path(tempfile.mkdtemp(prefix="galera-"))
        folder.chmod(0o755)
        if IS_ROOT:
            shutil.chown(folder, "mysql")
        ports = free_ports(4 * count + 1)
        self.nodes = [Node(folder, n + 1, ports[4 * n : 4 * n + 4]) for n in range(count)]
        self._arbitrator = ports[-1] if arbitrator else 0
        self._garbd: subprocess.Popen[bytes] | None = None
        self._options = QUICK if quick else ""
        groups = [node.group for node in self.nodes]
        self._peers = ",".join(f"127.0.0.1:{port}" for port in groups)
        for node in self.nodes:
            node.configure(self._peers, self._options)

    def start(self) -> None:
        first, *others = self.nodes
        command = ["mariadb-install-db", f"--defaults-file={first.config}", "--skip-test-db"]
        command += ["--auth-root-authentication-method=normal"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        first.start("--wsrep-new-cluster")
        until(lambda: first.is_synced, f"{first.name}: {first.log()[-2000:]}")
        first.send(signal.SIGTERM)
        for node in others:
            subprocess.run(["cp", "-a", first.data, node.data], check=True)
        self._remember()
        for node in self.nodes:
            node.start()
        if self._arbitrator:
            until(lambda: all(node.is_synced for node in self.nodes), "the nodes to be synced")
            self._vote()
        self.heal()

    def _remember(self) -> None:
        """Let the nodes believe that they were together before."""
        members = {node.name: uuid.uuid1() for node in self.nodes}
        view = "".join(f"member: {member} 0\n" for member in members.values())
        for node in self.nodes:
            path = node.data / "gvwstate.dat"
            path.write_text(
                f"my_uuid: {members[node.name]}\n#vwbeg\n"
                f"view_id: 3 {members['n1']} 1\nbootstrap: 0\n{view}#vwend\n"
            )
            if IS_ROOT:
                shutil.chown(path, "mysql")

    def _vote(self) -> None:
        listen = f"{self._options}gmcast.listen_addr=tcp://127.0.0.1:{self._arbitrator}"
        command = ["garbd", "--address", f"gcomm://{self._peers}", "--group", "s0web"]
        self._garbd = subprocess.Popen(
            [*command, "--options", listen],
            cwd=self._folder,  # it remembers its last view in the folder it was started in
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def heal(self) -> None:
        """Wait until all nodes are there and equal."""
        size = str(len(self.nodes) + bool(self._arbitrator))
        for node in self.nodes:
            until(functools.partial(node.belongs_to, size), f"{node.name} to be of {size}")

    def stop(self) -> None:
        for node in self.nodes:
            node.end()
        if self._garbd is not None:
            self._garbd.kill()
            self._garbd.wait(10)
        shutil.rmtree(self._folder)

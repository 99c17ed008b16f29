"""A real sshd on a private port with keys of its own; whoever runs the tests may come in by key."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.conftest import until
from tests.ports import free_port

CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding {forwarding}
"""


def make_key(path: Path) -> Path:
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


class Sshd:
    def __init__(self, folder: Path, forwarding: str = "yes") -> None:
        self.folder, self.port = folder, free_port()
        self.to = f"{getpass.getuser()}@127.0.0.1:{self.port}"
        self.key, self.known_hosts = make_key(folder / "key"), folder / "known_hosts"
        shutil.copy(folder / "key.pub", folder / "authorized")
        self._forwarding = forwarding
        self._process: subprocess.Popen[bytes] | None = None
        self.new_host_key()
        self.know()

    def new_host_key(self) -> None:
        make_key(self.folder / "host")

    def know(self) -> None:
        """Write the host's key into the known hosts."""
        kind, key, *_ = (self.folder / "host.pub").read_text().split()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")

    def start(self) -> None:
        config = self.folder / "sshd_config"
        config.write_text(
            CONFIG.format(port=self.port, folder=self.folder, forwarding=self._forwarding)
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in
        self._process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-f", config, "-E", self.folder / "log"],
        )
        until(self._answers, "sshd to listen")

    def stop(self) -> None:
        """With all that came in, as a machine that goes off."""
        if self._process is not None:
            for pid in _all_below(self._process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _all_below(pid: int) -> list[int]:
    """It and its children, and theirs."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *(each for child in text.split() for each in _all_below(int(child)))]

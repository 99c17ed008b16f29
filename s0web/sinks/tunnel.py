"""A way to a server through SSH: for each connection one `ssh -W` of the system.

1. The station's end is a socket in a folder of its own, gone as soon as ssh has it: no port that
   others could use, and none that is taken.
2. ssh lives as long as the connection: it ends when the station closes it or dies in any way, and
   when it dies itself, the connection is closed.
3. The host's key must be known beforehand; nothing is ever asked.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from ..errors import SinkError
from .hosts import Host

FAREWELL = 0.5  # s; an ssh that fails says why before it ends
WORDS = 4_000  # bytes of what ssh says that are looked at
SENTENCE = 200  # characters
_REFUSALS = (
    (
        r"HOST IDENTIFICATION HAS CHANGED",
        "shows another host key than the one we know: if the host was set up anew, put its new key "
        "into the known hosts (docs/postgresql.md); else somebody is in between.",
    ),
    (
        r"Host key verification failed|host key is known",
        "is a host whose key we do not know: put it into the known hosts (docs/postgresql.md).",
    ),
    (
        r"UNPROTECTED PRIVATE KEY|bad permissions",
        "is not tried: the private key may be read by others; chmod 600 it.",
    ),
    (
        r"Permission denied|Too many authentication failures|Load key|no such identity",
        "refuses our key ({why}): name it in ssh_key, and put its .pub into authorized_keys there.",
    ),
    (
        r"administratively prohibited|forwarding is disabled",
        "does not let us on to {host} ({why}): allow it there (AllowTcpForwarding, permitopen).",
    ),
    (
        r"open failed",
        "cannot reach {host} ({why}): does the database run there, as seen from the SSH host?",
    ),
    (r"Could not resolve", "is unknown ({why}): is its name right, does the network work?"),
    (r"timed out|Timeout", "does not answer in time ({why}): is it on?"),
    (r"Connection refused", "refuses the connection ({why}): does sshd run there, at this port?"),
)


class Place(NamedTuple):
    user: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.user}@{self.host}" + (f":{self.port}" if self.port != 22 else "")


def place(text: str) -> Place:
    """user@host, user@host:2222 -> the SSH host; ValueError says what is wrong."""
    match = re.fullmatch(
        r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})@"
        r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_][A-Za-z0-9_.-]{0,252}))(?::(\d{1,5}))?",
        text,
    )
    if match is None or not 0 < int(match[4] or 22) < 65536:
        raise ValueError(f"'{text[:60]}' is no SSH host: write it as user@host, or user@host:2222")
    return Place(match[1], match[2] or match[3], int(match[4] or 22))


class Tunnel:
    """One connection at a time; used by one thread."""

    def __init__(self, to: Place, key: str, known_hosts: str, timeout: float) -> None:
        self._to, self._timeout = to, timeout
        self._options = [
            *("BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no"),
            *("ControlPath=none", "ServerAliveInterval=10", "ServerAliveCountMax=3"),
            f"ConnectTimeout={max(1, int(timeout))}",
        ]
        if key:
            self._options += [f"IdentityFile={key}", "IdentitiesOnly=yes"]
        if known_hosts:
            self._options.append(f"UserKnownHostsFile={known_hosts}")
        self._ssh: subprocess.Popen[bytes] | None = None

    @contextmanager
    def way(self, host: Host, name: str) -> Iterator[str]:
        """The folder in which the socket `name` leads to the host, for one connection; SinkError
        says why it does not.
        """
        self.close()
        with ExitStack() as undo:
            folder = tempfile.mkdtemp(prefix="s0web-")
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            words = undo.enter_context(tempfile.TemporaryFile())
            listener = undo.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(str(Path(folder, name)))
            listener.listen(1)
            listener.settimeout(self._timeout + 2)
            joining = threading.Thread(
                target=self._join, args=(listener, host, words), name="tunnel", daemon=True
            )
            joining.start()
            try:
                yield folder
            except SinkError:
                if refusal := self._refusal(host, words):
                    raise SinkError(refusal) from None
                raise
            finally:
                listener.shutdown(socket.SHUT_RDWR)  # nobody else comes in
                joining.join()

    def close(self) -> None:
        ssh, self._ssh = self._ssh, None
        if ssh is not None:
            ssh.kill()
            ssh.wait()

    def _join(self, listener: socket.socket, host: Host, words: IO[bytes]) -> None:
        """Let ssh speak with whoever comes first."""
        try:
            connection = listener.accept()[0]
        except OSError:
            return  # nobody came: whoever wanted to says why
        options = [part for option in self._options for part in ("-o", option)]
        with connection:
            try:
                self._ssh = subprocess.Popen(
                    [
                        *("ssh", "-T", "-W", str(host), "-p", str(self._to.port), *options),
                        *("--", f"{self._to.user}@{self._to.host}"),
                    ],
                    stdin=connection.fileno(),
                    stdout=connection.fileno(),
                    stderr=words,
                    env=os.environ | {"LC_ALL": "C"},
                    start_new_session=True,  # Ctrl-C ends the station first, which then ends it
                )
            except OSError as error:
                words.write(f"ssh cannot be started: {error.strerror}".encode())

    def _refusal(self, host: Host, words: IO[bytes]) -> str:
        """Why it did not come to the connection; "" where that is not for ssh to say."""
        if self._ssh is not None and self._ssh.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self._ssh.wait(FAREWELL)
        words.seek(0)
        said = words.read(WORDS).decode("utf-8", "replace")
        if "cannot be started" in said:
            return f"{said}: sudo apt install openssh-client"
        for pattern, text in _REFUSALS:
            if match := re.search(rf"^.*?(?:{pattern}).*$", said, re.MULTILINE):
                why = "".join(c for c in match[0] if c.isprintable()).strip()[:SENTENCE].rstrip(".")
                return f"{self._to} {text.format(why=why, host=host)}"
        return ""

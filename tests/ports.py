"""Ports for servers that tests start.

They lie below those that the kernel gives to outgoing connections: a server may end and start
again, and nobody took its port meanwhile. Each test process has ports of its own.
"""

import os
import socket

FIRST, SHARE, SHARES = 12_000, 2_500, 8
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_next = os.getpid() % SHARE  # other runs on this machine begin elsewhere


def free_port() -> int:
    """A port of this machine that nobody has; never the same again soon."""
    global _next
    while True:
        _next = (_next + 1) % SHARE
        port = FIRST + _worker % SHARES * SHARE + _next
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue  # taken
        return port

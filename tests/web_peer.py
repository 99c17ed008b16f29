"""Another station on a loopback port, as a test wants it: what it answers and what it was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Peer:
    """`status`, `head` and `answer` are what it says next; the others, what it was told."""

    def __init__(self) -> None:
        self.status, self.answer = 200, b""
        self.head: dict[str, str] = {}
        self.bodies: list[bytes] = []
        self.heads: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.url = ""


class _Handler(BaseHTTPRequestHandler):
    peer: Peer

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.peer.bodies.append(self.rfile.read(length))
        self.peer.heads.append(dict(self.headers))
        self.peer.paths.append(f"{self.command} {self.path}")
        self.send_response(self.peer.status)
        for name, value in self.peer.head.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.peer.answer)

    do_PUT = do_GET

    def log_message(self, format: str, *told: Any) -> None:
        """Silent."""


@contextmanager
def peer() -> Iterator[Peer]:
    made = Peer()
    handler = type("Handler", (_Handler,), {"peer": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

"""Plugs on a real loopback port that speak as a Shelly Gen1, a Shelly Gen2, a Tasmota, or anything
with two addresses; each can be switched by hand, grow silent, and ask for a password.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PASSWORD = "secret-of-the-plug"
NONCE = "5f1d0c2a"


class Plug:
    def __init__(self, kind: str, locked: bool = False) -> None:
        self.kind, self.locked = kind, locked
        self.on = False
        self.asked: list[str] = []  # path and query of every request that was let in
        self.mood = "well"  # silent: takes the connection, says nothing; junk; endless
        plug = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                plug.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.released = threading.Event()
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def last(self, part: str) -> str:
        return next((asked for asked in reversed(self.asked) if part in asked), "")

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        if self.mood == "silent":
            self.released.wait(10)
            return
        if self.mood in ("junk", "endless"):
            to.wfile.write(b"\x00\xffnonsense\r\n\r\n" * (1 if self.mood == "junk" else 9_000))
            return
        if (refusal := self._refusal(to)) is not None:
            to.send_response(401)
            to.send_header("WWW-Authenticate", refusal)
            to.end_headers()
            return
        self.asked.append(to.path)
        parts = urlsplit(to.path)
        said = self._said(parts.path, {k: v[0] for k, v in parse_qs(parts.query).items()})
        to.send_response(404 if said is None else 200)
        to.end_headers()
        to.wfile.write(json.dumps(said if said is not None else {}).encode())

    def _refusal(self, to: BaseHTTPRequestHandler) -> str | None:
        given = to.headers.get("Authorization", "")
        if not self.locked or to.path == "/shelly" or self.kind == "tasmota":
            return None
        if self.kind != "shelly2":
            right = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
            return None if given == f"Basic {right}" else 'Basic realm="plug"'
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', given))
        if given:
            assert fields["algorithm"] == "SHA-256"
            assert (fields["qop"], fields["nonce"], fields["uri"]) == ("auth", NONCE, to.path)
            inner = [_sha(f"admin:shellyplus1-a8:{PASSWORD}"), _sha(f"GET:{to.path}")]
            middle = f"{NONCE}:{fields['nc']}:{fields['cnonce']}:auth"
            if fields["response"] == _sha(f"{inner[0]}:{middle}:{inner[1]}"):
                return None
        return f'Digest qop="auth", realm="shellyplus1-a8", nonce="{NONCE}", algorithm=SHA-256'

    def _said(self, path: str, asked: dict[str, str]) -> object:
        if self.kind == "shelly1":
            if path == "/shelly":
                return {"type": "SHPLG-S", "mac": "5ECF7F1632E8", "auth": self.locked, "fw": "1.9"}
            if path == "/relay/0":
                self.on = {"on": True, "off": False}.get(asked.get("turn", ""), self.on)
                return {"ison": self.on, "has_timer": "timer" in asked, "overpower": False}
        if self.kind == "shelly2":
            if path == "/shelly":
                return {"id": "shellyplus1-a8", "gen": 2, "model": "SNSW-001X16EU", "auth_en": True}
            if path == "/rpc/Switch.Set" and asked["id"] == "0":
                was, self.on = self.on, asked["on"] == "true"
                return {"was_on": was}
            if path == "/rpc/Switch.GetStatus" and asked["id"] == "0":
                return {"id": 0, "source": "HTTP", "output": self.on, "apower": 8.9}
        if self.kind == "tasmota" and path == "/cm":
            return self._tasmota(asked)
        if self.kind == "http" and path in ("/on", "/off"):
            self.on = path == "/on"
            return {}
        return None

    def _tasmota(self, asked: dict[str, str]) -> object:
        if self.locked and asked.get("password") != PASSWORD:
            return {"WARNING": "Need user=<username>&password=<password>"}
        word, _, value = asked["cmnd"].partition(" ")
        if word == "Power1":
            self.on = {"ON": True, "OFF": False}.get(value, self.on)
            return {"POWER": "ON" if self.on else "OFF"}
        return {word: {"Set": int(value), "Remaining": 0}}


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def plug(kind: str, locked: bool = False) -> Iterator[Plug]:
    made = Plug(kind, locked)
    try:
        yield made
    finally:
        made.close()

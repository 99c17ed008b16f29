"""A Bot API on a loopback port: what people write is put in, what the bot sends comes out."""

import json
import re
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "123456789:AAE4abcdefghijklmnopqrstuvwxyz-_0"
NAMELESS = 2**60  # of an update without a number
CHAT, GROUP, STRANGER = 4711, -100200, 666


class Sent:
    def __init__(self, chat: int, text: str, photo: bytes = b"") -> None:
        self.chat, self.text, self.photo = chat, text, photo


class BotServer:
    """`misbehave`: raw HTTP answers given first, each once; None in it: no answer at all."""

    def __init__(self) -> None:
        self.url, self.token = "", TOKEN
        self.updates: list[Any] = []
        self.sent: list[Sent] = []
        self.offsets: list[int] = []
        self.called_at: list[float] = []  # monotonic s, of each call
        self.one_by_one = threading.Lock()
        self.misbehave: deque[bytes | None] = deque()
        self.polls_wait = True
        self.is_over = threading.Event()
        self._number = 10_000

    @property
    def calls(self) -> int:
        return len(self.called_at)

    def write(self, text: str, chat: int = CHAT, sender: int = 0, ago: float = 0.0) -> None:
        """A person writes to the bot."""
        self._number += 1
        message = {
            "message_id": self._number,
            "date": int(time.time() - ago),
            "chat": {"id": chat, "type": "private" if chat > 0 else "group"},
            "from": {"id": sender or abs(chat), "is_bot": False, "first_name": "<b>Eve</b>"},
            "text": text,
        }
        self.updates.append({"update_id": self._number, "message": message})

    def told(self, chat: int = CHAT) -> list[str]:
        return [sent.text for sent in self.sent if sent.chat == chat]

    def after(self, offset: int) -> list[Any]:
        return [u for u in self.updates if not isinstance(u, dict) or _number(u) >= offset]


def _number(update: dict[str, Any]) -> float:
    number = update.get("update_id")
    return number if isinstance(number, (int, float)) else NAMELESS


class _Handler(BaseHTTPRequestHandler):
    server_version, protocol_version = "nginx", "HTTP/1.1"
    api: BotServer

    def do_POST(self) -> None:
        api = self.api
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with api.one_by_one:
            api.called_at.append(time.monotonic())
            is_bad = bool(api.misbehave)
            raw = api.misbehave.popleft() if is_bad else None
        if is_bad:
            if raw is None:
                api.is_over.wait(30)
            else:
                self.wfile.write(raw)
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        found = re.fullmatch(r"/bot([^/]+)/(\w+)", self.path)
        if not found or found[1] != api.token:
            self._say(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        elif found[2] == "getUpdates":
            self._updates(json.loads(body))
        else:
            self._message(body)

    def _updates(self, asked: dict[str, Any]) -> None:
        api, end = self.api, time.monotonic() + asked["timeout"]
        api.offsets.append(asked["offset"])
        while not (found := api.after(asked["offset"])) and time.monotonic() < end:
            if api.is_over.wait(0.01) or api.misbehave or not api.polls_wait:
                break
        found = found[: asked.get("limit", 100)]
        nameless = [id(u) for u in found if not isinstance(u, dict) or _number(u) == NAMELESS]
        api.updates = [u for u in api.updates if id(u) not in nameless]  # told once
        self._say(200, {"ok": True, "result": found})

    def _message(self, body: bytes) -> None:
        if self.headers["Content-Type"] == "application/json":
            said = json.loads(body)
            sent = Sent(said["chat_id"], said["text"])
        else:
            parts = dict(_fields(body, self.headers["Content-Type"]))
            caption = parts["caption"].decode()
            sent = Sent(int(parts["chat_id"]), caption, parts["photo"])
        if sent.chat == STRANGER:
            self._say(403, {"ok": False, "error_code": 403, "description": "bot was blocked"})
            return
        self.api.sent.append(sent)
        self._say(200, {"ok": True, "result": {"message_id": len(self.api.sent)}})

    def _say(self, status: int, said: Any) -> None:
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *told: Any) -> None:
        """Silent."""


def _fields(body: bytes, kind: str) -> Iterator[tuple[str, bytes]]:
    border = b"--" + kind.partition("boundary=")[2].encode()
    for part in body.split(border)[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        found = re.search(rb'name="(\w+)"', head)
        assert found
        yield found[1].decode(), data[:-2]


def answer(status: int, said: object, head: str = "") -> bytes:
    """A raw HTTP answer."""
    data = said if isinstance(said, bytes) else json.dumps(said).encode()
    start = f"HTTP/1.1 {status} x\r\nContent-Length: {len(data)}\r\n{head}\r\n"
    return start.encode() + data


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, address: Any) -> None:
        """A bot that hangs up is no error."""


@contextmanager
def bot_server(secure: ssl.SSLContext | None = None) -> Iterator[BotServer]:
    api = BotServer()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": api}))
    api.url = f"http://127.0.0.1:{server.server_port}"
    if secure:
        server.socket = secure.wrap_socket(server.socket, server_side=True)
        api.url = f"https://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)

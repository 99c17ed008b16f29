"""The Bot API over HTTP(S): one call at a time on one connection, each in bounded time and size.

The token is part of every address: nothing that is told of a call holds the address or the token.
Documented at https://core.telegram.org/bots/api#making-requests.
"""

import json
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..hurried import Hurried

MOST = 2 * 1024 * 1024  # bytes of an answer: a hundred updates are far less
CONNECT = 10.0  # s
ANSWER = 20.0  # s, for all of an answer
LONGEST_REST = 3600  # s that a server may ask for
LONGEST_WORD = 200  # letters of a server's own explanation


class Answer(NamedTuple):
    """`code`: 200 fine; 0 no answer, or none of the Bot API; else what the API refused with."""

    code: int
    result: Any = None
    text: str = ""  # why it is not fine
    rest: float = 0.0  # s for which the API wants no further call


class BotApi:
    """`is_unwanted` is asked several times a second while a call waits for its answer."""

    def __init__(self, url: str, token: str, is_unwanted: Callable[[], bool]) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self._scheme, self._port, self._path = parts.scheme, parts.port, parts.path.rstrip("/")
        self._token, self._is_unwanted = token, is_unwanted
        self._connection: HTTPConnection | None = None

    def call(
        self, method: str, fields: Mapping[str, Any], photo: bytes = b"", longer: float = 0.0
    ) -> Answer:
        """Never raises for what comes from the wire. `longer`: s that the API was asked to wait."""
        kind, body = _multipart(fields, photo) if photo else _json(fields)
        is_fresh = self._connection is None
        try:
            return self._once(method, kind, body, ANSWER + longer)
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            is_idle_end = isinstance(error, (ConnectionError, HTTPException)) and not is_fresh
            if not is_idle_end or self._is_unwanted():
                return Answer(0, text=self._why(error))
        return self.call(method, fields, photo, longer)  # the idle connection had been closed

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, method: str, kind: str, body: bytes, seconds: float) -> Answer:
        connection = self._connected()
        end = time.monotonic() + seconds
        connection.request(
            "POST",
            f"{self._path}/bot{self._token}/{method}",
            body,
            {"Content-Type": kind, "User-Agent": "s0web"},
        )
        wire = connection.sock
        connection.response_class = lambda sock, *_, **names: HTTPResponse(  # type: ignore[assignment]
            Hurried(wire, end, self._is_unwanted),  # type: ignore[arg-type]
            **names,
        )
        with connection.getresponse() as answer:
            heard = answer.read(MOST + 1)
        if len(heard) > MOST or answer.will_close:
            self.close()
        if len(heard) > MOST:
            return Answer(0, text=f"{self.host} answers more than {MOST} bytes")
        return self._judged(answer.status, heard)

    def _connected(self) -> HTTPConnection:
        if self._connection is None:
            if self._scheme == "https":
                context = ssl.create_default_context()
                made: HTTPConnection = HTTPSConnection(
                    self.host, self._port, timeout=CONNECT, context=context
                )
            else:
                made = HTTPConnection(self.host, self._port, timeout=CONNECT)
            self._connection = made
            made.connect()
        self._connection.sock.settimeout(CONNECT)
        return self._connection

    def _judged(self, status: int, heard: bytes) -> Answer:
        try:
            said = json.loads(heard)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or not isinstance(said.get("ok"), bool):
            if status in (401, 404):
                return Answer(status, text=f"{self.host} does not know this bot")
            return Answer(0, text=f"{self.host} gives an answer that is none of a Bot API")
        if said["ok"]:
            return Answer(200, said.get("result"))
        code = said.get("error_code")
        code = code if isinstance(code, int) and 300 <= code < 600 else max(status, 300)
        return Answer(code, text=self._clean(said.get("description")), rest=_rest(said, code))

    def _clean(self, said: object) -> str:
        """A server's own words, fit to be shown."""
        text = said if isinstance(said, str) else ""
        text = text.replace(self._token, "...").replace(self._token.partition(":")[2], "...")
        return "".join(letter for letter in text if letter.isprintable())[:LONGEST_WORD]

    def _why(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"{self.host} does not answer in time"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"{self.host} has no valid certificate: {error.verify_message}"
        if isinstance(error, socket.gaierror):
            return f"{self.host} is not found: is there internet?"
        if isinstance(error, (HTTPException, ConnectionResetError, BrokenPipeError)):
            return f"{self.host} gives no whole HTTP answer"
        reason = error.strerror if isinstance(error, OSError) else ""
        return f"{self.host} cannot be reached ({reason or type(error).__name__})"


def _rest(said: Mapping[str, Any], code: int) -> float:
    """How long the API wants to be left alone."""
    parameters = said.get("parameters")
    told = parameters.get("retry_after") if isinstance(parameters, dict) else None
    if isinstance(told, int) and not isinstance(told, bool) and told > 0:
        return float(min(told, LONGEST_REST))
    return 5.0 if code == 429 else 0.0


def _json(fields: Mapping[str, Any]) -> tuple[str, bytes]:
    return "application/json", json.dumps(fields).encode()


def _multipart(fields: Mapping[str, Any], photo: bytes) -> tuple[str, bytes]:
    border = uuid.uuid4().hex
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = (
        f'--{border}\r\nContent-Disposition: form-data; name="photo"; filename="chart.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    end = f"\r\n--{border}--\r\n"
    body = b"".join([*parts, head.encode(), photo, end.encode()])
    return f"multipart/form-data; boundary={border}", body

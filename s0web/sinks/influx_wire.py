"""One HTTP connection to a database, kept open between two requests; every failure a sentence."""

import gzip
import select
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ..errors import SinkError

ANSWER = 65_536  # bytes of an answer worth reading
SMALL = 1_000  # bytes; less is not worth compressing


class Server(NamedTuple):
    """Where it is; `path` comes before every path of its interface."""

    url: str  # as it is shown: without what could be a secret
    is_tls: bool
    host: str
    port: int
    path: str


class Answer(NamedTuple):
    status: int
    text: str
    retry_after: float  # s; 0 where it does not say


def server(url: str) -> Server:
    """Where an address leads; ValueError says what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        host, port = "", None
    shown = url.rpartition("@")[2].partition("?")[0]  # what is before or after may be a secret
    if not host or parts.scheme not in ("http", "https") or "@" in parts.netloc or " " in host:
        raise ValueError(f"{shown} is no address: write it as http://192.168.1.20:8086")
    if parts.query or parts.fragment:
        raise ValueError(f"{shown}: leave out what is behind the ?; it has options of its own")
    is_tls = parts.scheme == "https"
    path = quote(parts.path.rstrip("/"), safe="%/:@,+~")
    return Server(shown.rstrip("/"), is_tls, host, port or (443 if is_tls else 80), path)


class Wire:
    """Not connected until the first request; used by one thread."""

    def __init__(self, at: Server, timeout: float, tls: ssl.SSLContext | None) -> None:
        self._at, self._timeout = at, timeout
        self._connection: HTTPConnection = (
            HTTPSConnection(at.host, at.port, timeout=timeout, context=tls)
            if at.is_tls
            else HTTPConnection(at.host, at.port, timeout=timeout)
        )

    def is_dropped(self) -> bool:
        """Whether the server has closed the connection since the last answer."""
        sock = self._connection.sock
        return sock is not None and bool(select.select([sock], [], [], 0)[0])

    def ask(self, method: str, path: str, head: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send one request and return its answer, whatever its status; SinkError if there is
        none.
        """
        try:
            self._connection.request(method, self._at.path + path, body, dict(head))
            with self._connection.getresponse() as answer:
                text = answer.read(ANSWER).decode("utf-8", "replace")
                is_whole = answer.isclosed()
            if not is_whole:
                self.close()
            after = answer.headers.get("Retry-After", "")
            return Answer(answer.status, text, float(after) if after.isdecimal() else 0.0)
        except (OSError, HTTPException) as error:
            self.close()
            raise SinkError(f"{self._at.url} {self._sentence(error)}") from None

    def close(self) -> None:
        self._connection.close()

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"does not answer within {self._timeout:g} s: is it on, or too busy?"
        if isinstance(error, ssl.SSLCertVerificationError):
            return (
                f"shows a certificate that is not trusted ({error.verify_message}): name its CA "
                "in ca_file, and the host as the certificate does."
            )
        if isinstance(error, ssl.SSLError):
            return "does not speak TLS as it should: is it http:// in place of https://?"
        if isinstance(error, HTTPException):  # one of them is an OSError too
            return "gives no HTTP answer: is it the database's port, and http or https right?"
        reason = (error.strerror if isinstance(error, OSError) else "") or error
        return f"cannot be reached ({reason}): is it on, and the address right?"


def packed(body: bytes) -> bytes:
    """The body by gzip, fast."""
    return gzip.compress(body, compresslevel=1, mtime=0)

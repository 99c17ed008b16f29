"""A wire that is another station: one GET over HTTP, its whole answer in bounded time and size.

HTTP/1.0 without keep-alive: the answer ends where the connection does, so that one deadline holds
for all of it, however slowly it comes. Redirects are told, not followed.
"""

import socket
import time
from http.client import HTTPException, HTTPResponse
from io import BytesIO

from ..errors import SourceError

MOST = 64 * 1024  # bytes of an answer with its head
CHUNK = 16 * 1024


def fetch(host: str, port: int, path: str, name: str, seconds: float) -> tuple[int, bytes]:
    """Return status and body of GET `path`, with `name` as Host; SourceError if there is no answer
    within `seconds` (finding the address of a host name comes on top).
    """
    where, end = f"http://{name}{path}", time.monotonic() + seconds
    request = f"GET {path} HTTP/1.0\r\nHost: {name}\r\nAccept: application/json\r\n\r\n"
    try:
        with socket.create_connection((host, port), seconds) as wire:
            wire.sendall(request.encode("ascii"))
            heard = _all(wire, end, where)
        answer = HTTPResponse(_Heard(heard))  # type: ignore[arg-type]
        answer.begin()
        return answer.status, answer.read()
    except SourceError:
        raise
    except TimeoutError:
        raise SourceError(f"{where} does not answer within {seconds:g} s: is it on?") from None
    except HTTPException as error:  # one of them is an OSError too
        text = f"{where} gives no whole HTTP answer: is it another station's /state/<point>?"
        raise SourceError(text) from error
    except OSError as error:
        reason = error.strerror or error
        raise SourceError(
            f"{where} cannot be reached ({reason}): is that station on, and the address right?"
        ) from error


def _all(wire: socket.socket, end: float, where: str) -> bytes:
    heard = bytearray()
    while True:
        if (left := end - time.monotonic()) <= 0:
            raise TimeoutError
        wire.settimeout(left)
        if not (chunk := wire.recv(CHUNK)):
            return bytes(heard)
        heard += chunk
        if len(heard) > MOST:
            raise SourceError(f"{where} answers more than {MOST} bytes: is that a state?")


class _Heard:
    """What was received, as the socket that http.client reads from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._data)

"""Asking a thing on the LAN over HTTP: one GET, its whole answer in bounded time and size.

1. HTTP/1.0 without keep-alive: the answer ends where the connection does, so that one deadline
   holds for all of it, however slowly it comes.
2. A name and password go as Basic, or as Digest (RFC 7616) where that is what is asked for.
3. No sentence holds what stands in the address after the host: there may be secrets in it.
"""

import base64
import hashlib
import json
import re
import secrets
import socket
import time
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..errors import SourceError

SECONDS = 2.0  # for one answer (finding the address of a host name comes on top)
MOST = 32 * 1024  # bytes of an answer with its head
ALGORITHMS = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
_FIELD = re.compile(r'(\w+)=(?:"([^"\r\n]*)"|([^",\s]+))')


class Place(NamedTuple):
    host: str
    port: int
    path: str = "/"


def place_of(text: str) -> Place:
    """A name or address, with a port perhaps, or a whole http:// address; ValueError else."""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    if parts.scheme != "http" or not host or not re.fullmatch(r"[!-~]+", f"{host}{path}"):
        raise ValueError("it is not an address such as 192.168.1.40, or http://192.168.1.40/on")
    if parts.username is not None:
        raise ValueError("a name and password in the address would be shown; leave them out")
    return Place(host, port or 80, path)


class _Answer(NamedTuple):
    status: int
    challenge: str  # how it asks for a password
    body: bytes


class Thing:
    """Where it is, and who we are there."""

    def __init__(self, place: Place, user: str = "", password: str = "") -> None:
        self._place, self._user, self._password = place, user, password
        self._is_basic = False  # the thing asked for it
        self.where = place.host if place.port == 80 else f"{place.host}:{place.port}"

    def json(self, path: str) -> dict[str, Any]:
        """The JSON object at the path; raises SourceError."""
        try:
            said = json.loads(self.get(path))
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise SourceError(f"{self.where} answers what is no JSON object: is it such a plug?")
        return said

    def get(self, path: str) -> bytes:
        """The body of a good answer; raises SourceError."""
        answer = self._ask(path, self._basic())
        asked = answer.challenge
        if answer.status == 401 and self._password and asked.lower().startswith("digest"):
            answer = self._ask(path, self._digest(asked, path))
        elif answer.status == 401 and self._password and not self._is_basic:
            self._is_basic = True
            answer = self._ask(path, self._basic())
        if answer.status in (401, 403):
            text = "refuses user and password" if self._password else "asks for a password"
            raise SourceError(f"{self.where} {text}: set user and password of this switch")
        if not 200 <= answer.status < 300:
            raise SourceError(
                f"{self.where} answers HTTP {answer.status}: is it such a plug, and is the channel "
                "right?"
            )
        return answer.body

    def _ask(self, path: str, authorization: str) -> _Answer:
        head = [f"GET {path} HTTP/1.0", f"Host: {self.where}", "Connection: close"]
        head += [f"Authorization: {authorization}"] if authorization else []
        try:
            heard = self._exchange("\r\n".join([*head, "", ""]).encode("ascii", "replace"))
            answer = HTTPResponse(_Heard(heard))  # type: ignore[arg-type]
            answer.begin()
            asked = answer.getheader("WWW-Authenticate") or ""
            return _Answer(answer.status, asked, answer.read(MOST))
        except TimeoutError:
            raise SourceError(
                f"{self.where} does not answer within {SECONDS:g} s: is it plugged in and in the "
                "network?"
            ) from None
        except HTTPException:
            text = f"{self.where} gives no whole HTTP answer: is it such a plug?"
            raise SourceError(text) from None
        except (OSError, UnicodeError) as error:
            if isinstance(error, SourceError):
                raise
            reason = getattr(error, "strerror", None) or "no such name"
            raise SourceError(
                f"{self.where} cannot be reached ({reason}): is it on, and the address right?"
            ) from None

    def _exchange(self, request: bytes) -> bytes:
        end, heard = time.monotonic() + SECONDS, bytearray()
        with socket.create_connection(self._place[:2], SECONDS) as wire:
            wire.sendall(request)
            while True:
                if (left := end - time.monotonic()) <= 0:
                    raise TimeoutError
                wire.settimeout(left)
                if not (chunk := wire.recv(8192)):
                    return bytes(heard)
                heard += chunk
                if len(heard) > MOST:
                    raise SourceError(f"{self.where} answers more than {MOST} bytes: is it a plug?")

    def _basic(self) -> str:
        if not self._is_basic:
            return ""
        both = f"{self._user}:{self._password}".encode()
        return f"Basic {base64.b64encode(both).decode()}"

    def _digest(self, asked: str, path: str) -> str:
        """RFC 7616 with qop=auth; a Shelly's user is admin whatever is set."""
        fields = {name.lower(): one or other for name, one, other in _FIELD.findall(asked)}
        name = fields.get("algorithm", "MD5")
        algorithm = ALGORITHMS.get(name.upper())
        if algorithm is None or not {"realm", "nonce"} <= fields.keys():
            raise SourceError(f"{self.where} asks for a password in a way that is not known here")

        def hashed(*parts: str) -> str:
            return algorithm(":".join(parts).encode()).hexdigest()

        user, realm, nonce = self._user or "admin", fields["realm"], fields["nonce"]
        count, ours = "00000001", secrets.token_hex(8)
        inner = hashed(user, realm, self._password), hashed("GET", path)
        answer = hashed(inner[0], nonce, count, ours, "auth", inner[1])
        return (
            f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{path}", '
            f'algorithm={name}, qop=auth, nc={count}, cnonce="{ours}", response="{answer}"'
        )


class _Heard:
    """What was received, as the socket that http.client reads from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._data)

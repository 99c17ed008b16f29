"""Another station on the LAN, as an address and by what it says when it refuses."""

import json
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

SENTENCE = 200  # characters


class Place(NamedTuple):
    """Where a state is asked for or sent to."""

    host: str
    port: int
    path: str  # quoted, with its query

    @property
    def point(self) -> str:
        return unquote(self.path.partition("?")[0].rpartition("/")[2])

    @property
    def netloc(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 80 else f"{host}:{self.port}"


def sentence(data: bytes) -> str:
    """What an answer that refuses says: its message, else the beginning of its text."""
    text = data.decode("utf-8", "replace").strip()
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = text
    if isinstance(said, dict):
        said = said.get("message", text)
    words = said if isinstance(said, str) else text
    return "".join(c if c.isprintable() else " " for c in words)[:SENTENCE].strip()


def place(url: str) -> Place:
    """Where an http:// address leads; ValueError says what is wrong with it."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port or 80
    except ValueError:
        host = ""
    if not host or parts.scheme != "http" or "@" in parts.netloc or " " in host:
        shown = url.rpartition("@")[2]  # what is before it is a secret
        raise ValueError(f"{shown} is no address: write it as http://192.168.1.20/state/Mains")
    query = f"?{quote(parts.query, safe='%=&+,/')}" if parts.query else ""
    return Place(host, port, (quote(parts.path, safe="%/:@,+~") or "/") + query)

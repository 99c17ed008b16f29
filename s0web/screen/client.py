"""Asks one station over HTTP: documents of its JSON API, and texts."""

import base64
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from ..errors import StationError

LARGEST = 4_000_000  # bytes of an answer
TIMEOUT = 10.0  # s, of one request


class NeedsPassword(StationError):
    """The station, or a server before it, tells that to nobody without a password."""


class _Here(urllib.request.HTTPRedirectHandler):
    """No redirect is followed: a password goes to no other place than the one that was said."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Client:
    def __init__(self, url: str, user: str = "", password: str = "") -> None:
        if not url.startswith(("http://", "https://")):
            raise StationError(f"{url!r} is not an address such as http://192.168.1.20:8080/s0.")
        self.url = url.rstrip("/")
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Here)
        named = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._head = {"Authorization": f"Basic {named}"} if password else {}

    def text(self, what: str) -> str:
        """An answer of the API; NeedsPassword, or StationError with the station's words."""
        address = f"{self.url}/api/v1/{what}"
        try:
            request = urllib.request.Request(address, headers=self._head)
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                body: bytes = answer.read(LARGEST)
                return body.decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            with error:
                said = _said(error)
            if error.code == 401:
                raise NeedsPassword(f"{self.url} wants a password; say --user NAME.") from error
            raise StationError(f"{self.url} answers {error.code}: {said}") from error
        except (OSError, ValueError) as error:  # ValueError: an address that is none
            why = getattr(error, "reason", error)
            raise StationError(f"{self.url} does not answer ({why}).") from error
        except http.client.HTTPException as error:
            raise StationError(f"{self.url} is not a station of s0web.") from error

    def ask(self, what: str) -> dict[str, Any]:
        """A document of the API."""
        try:
            document = json.loads(self.text(what))
        except (ValueError, RecursionError) as error:
            raise StationError(f"{self.url} is not a station of s0web.") from error
        if not isinstance(document, dict):
            raise StationError(f"{self.url} is not a station of s0web.")
        return document


def _said(error: urllib.error.HTTPError) -> str:
    """The sentence in an answer that refuses."""
    try:
        return str(json.loads(error.read(LARGEST))["message"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "no sentence with it."

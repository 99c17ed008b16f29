"""Who may do what: reading is open on the LAN, changing needs the admin password.

Until a password is set, changes are taken from the machine itself only. A page of another site can
neither read (the Host header is checked against DNS rebinding) nor change anything (Sec-Fetch-Site,
Origin, token on forms).
"""

import hashlib
import hmac
import ipaddress
import secrets
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, request
from werkzeug.exceptions import Unauthorized
from werkzeug.security import check_password_hash

from ..model import Options
from ..station import Station

LOCAL_SUFFIXES = (".local", ".lan", ".home.arpa", ".fritz.box", ".localhost")
QUERY = 2_048  # characters of a query string
TRIES, SPAN = 10, 60.0  # wrong passwords of one address in so many seconds, then 429
PAGES = [  # what every page carries
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
]
DATA = [  # what every other answer carries
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
]
FRESH = [("Cache-Control", "no-store")]  # all but static files
FORWARDING = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]
P = ParamSpec("P")
R = TypeVar("R")


def guard_requests(app: Flask, station: Station) -> None:
    """Check every request before it is answered, and dress every answer."""
    app.extensions["form key"] = secrets.token_bytes(32)
    app.extensions["tries"] = Tries()

    @app.before_request
    def _check() -> None:
        if len(request.query_string) > QUERY:
            abort(414, f"The address is longer than {QUERY} characters.")
        host = request.environ.get("HTTP_HOST")
        if host is not None and not host_allowed(host, _options(station)["allowed_hosts"]):
            abort(
                421,
                f"This station does not answer to the name {host[:100]!r}. If it is yours, add "
                "it to allowed_hosts in [web].",
            )

    app.wsgi_app = dressed(app.wsgi_app)  # type: ignore[method-assign, assignment]


def dressed(app: WSGI) -> WSGI:
    """Add PAGES, DATA and FRESH to the answers, at the edge, where it costs least."""

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        is_static = environ.get("PATH_INFO", "").startswith("/static/")

        def begin(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            is_page = any(n == "Content-Type" and v.startswith("text/html") for n, v in headers)
            more = (PAGES if is_page else DATA) + ([] if is_static else FRESH)
            return start(status, headers + more, *error)

        return app(environ, begin)

    return answer


@lru_cache(maxsize=256)
def host_allowed(host: str, names: tuple[str, ...]) -> bool:
    """Whether a Host header is one that no stranger's DNS can point here: an address, a local name,
    or ours.
    """
    try:
        parts = urlsplit(f"//{host}")
        name, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return False
    if not name or parts.username is not None or parts.path or parts.query:
        return False
    try:
        ipaddress.ip_address(name.partition("%")[0])
        return True
    except ValueError:
        pass
    if "." not in name or name.endswith(LOCAL_SUFFIXES):
        return all(letter.isalnum() or letter in "-._" for letter in name)
    own = (*names, socket.gethostname().lower(), socket.getfqdn().lower())
    return any(
        name == pattern.lower() or (pattern.startswith("*.") and name.endswith(pattern[1:].lower()))
        for pattern in own
    )


def changing(view: Callable[P, R]) -> Callable[P, R]:
    """A view that changes something: refuse other sites' requests and those without the right."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        require_right()
        return view(*args, **kwargs)

    return guarded


def require_right() -> None:
    """Abort with 401, 403 or 429 unless this request may change something."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403, "This came from a page of another site; nothing was changed.")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        abort(403, "This came from a page of another site; nothing was changed.")
    hashed = str(_options(current_app.extensions["station"])["admin_password"])
    if not hashed:
        if not is_local():
            abort(
                403,
                "No admin password is set, so changes are accepted from the machine itself only. "
                "Set one there with: s0web passwd",
            )
        return
    tries: Tries = current_app.extensions["tries"]
    if tries.too_many(request.remote_addr or ""):
        abort(429, "Too many wrong passwords; wait a minute.")
    given = request.authorization
    if given is not None and given.type == "basic" and given.password is not None:
        if check_password_hash(hashed, given.password):
            return
        tries.note(request.remote_addr or "")
    raise Unauthorized(
        "The admin password is needed to change something.",
        response=Response(
            "The admin password is needed to change something.\n",
            401,
            {
                "WWW-Authenticate": 'Basic realm="s0web", charset="UTF-8"',
                "Content-Type": "text/plain",
            },
        ),
    )


def is_local() -> bool:
    """Whether the request was made on this machine and not passed on by a proxy."""
    try:
        local = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return local and not any(name in request.headers for name in FORWARDING)


def form_token() -> str:
    """What a form of ours carries, and no other site can know."""
    key: bytes = current_app.extensions["form key"]
    return hmac.new(key, b"form", hashlib.sha256).hexdigest()


def token_right(token: str) -> bool:
    return hmac.compare_digest(form_token().encode(), token.encode("utf-8", "replace"))


class Tries:
    """Wrong passwords by address, at most a few hundred addresses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def note(self, address: str) -> None:
        with self._lock:
            self._times[address] = [*self._recent(address), time.monotonic()][-TRIES:]
            self._times.move_to_end(address)
            while len(self._times) > 256:
                self._times.popitem(last=False)

    def too_many(self, address: str) -> bool:
        with self._lock:
            return len(self._recent(address)) >= TRIES

    def _recent(self, address: str) -> list[float]:
        now = time.monotonic()
        return [at for at in self._times.get(address, ()) if now - at < SPAN]


def _options(station: Station) -> Options:
    if station.config is None:
        return {"allowed_hosts": (), "admin_password": ""}
    return station.config.sections["web"]

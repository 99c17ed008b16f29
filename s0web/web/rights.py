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

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    make_response,
    render_template,
    request,
)
from werkzeug.exceptions import Unauthorized
from werkzeug.security import check_password_hash

from ..errors import ConfigError
from ..inifile import stored_hash
from ..model import Options
from ..station import Station

LOCAL_SUFFIXES = (".local", ".lan", ".home.arpa", ".fritz.box", ".localhost")
PLAIN = "text/plain"
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

    app.wsgi_app = guarded(app.wsgi_app, station)  # type: ignore[method-assign, assignment]


def guarded(app: WSGI, station: Station) -> WSGI:
    """Refuse strange hosts and endless addresses, add PAGES, DATA and FRESH to every answer.

    At the edge of the application, where it costs a request least.
    """

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        def begin(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            is_page = any(n == "Content-Type" and v.startswith("text/html") for n, v in headers)
            is_told = any(n == "Cache-Control" for n, _ in headers)
            more = (PAGES if is_page else DATA) + ([] if is_told else FRESH)
            return start(status, headers + more, *error)

        refusal = _refusal(environ, station)
        return refusal(environ, begin) if refusal else app(environ, begin)

    return answer


def _refusal(environ: dict[str, Any], station: Station) -> Response | None:
    if len(environ.get("QUERY_STRING", "")) > QUERY:
        return Response(f"The address is longer than {QUERY} characters.\n", 414, mimetype=PLAIN)
    host = environ.get("HTTP_HOST")
    if host is None or host_allowed(host, _options(station)["allowed_hosts"]):
        return None
    text = (
        f"This station does not answer to the name {host[:100]!r}. If it is yours, add it to "
        "allowed_hosts in [web].\n"
    )
    return Response(text, 421, mimetype=PLAIN)


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
    """Abort with 401, 403 or 429, or a page that asks, unless this request may change something."""
    station: Station = current_app.extensions["station"]
    refuse_other_sites()
    if "Sec-Fetch-Site" not in request.headers and request.method == "GET" and _is_browser():
        abort(_question())
    hashed = _stored_hash(station)
    if not hashed:
        if not is_local():
            abort(
                403,
                "No admin password is set, so changes are accepted from the machine itself only. "
                "Set one there with: s0web passwd",
            )
        return
    given = request.authorization
    if given is None or given.type != "basic" or given.password is None:
        raise _unauthorized()
    tries: Tries = current_app.extensions["tries"]
    verdict = tries.attempt(_client(), lambda: check_password_hash(hashed, given.password or ""))
    if verdict is None:
        abort(429, "Too many wrong passwords; wait a minute.")
    if not verdict:
        raise _unauthorized()


def refuse_other_sites() -> None:
    """Abort with 403 what a page of another site sends."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    is_ours = origin is None or origin.partition("://")[2] == request.host
    if site not in (None, "none", "same-origin") or not is_ours:
        abort(403, "This came from a page of another site; nothing was changed.")


def _is_browser() -> bool:
    """Whether a person's browser asks, which follows links of any page; programs do not."""
    return request.headers.get("User-Agent", "").startswith("Mozilla/")


def _question() -> Response:
    """Over plain HTTP a browser does not tell who sent it here (no Sec-Fetch-Site): ask."""
    return make_response(
        render_template(
            "confirm.html",
            wishes=list(request.args.items()),
            action=f"{request.script_root}{request.path}?{request.query_string.decode('latin-1')}",
            token=form_token(),
        )
    )


def _unauthorized() -> Unauthorized:
    text = "The admin password is needed to change something."
    head = {
        "WWW-Authenticate": 'Basic realm="s0web", charset="UTF-8"',
        "Content-Type": "text/plain",
    }
    return Unauthorized(text, response=Response(text + "\n", 401, head))


def _stored_hash(station: Station) -> str:
    """The hash that is in force: applied, or in the file while nothing is applied."""
    if station.config is not None:
        return str(station.config.sections["web"]["admin_password"])
    try:
        return stored_hash(station.path)
    except ConfigError as error:
        abort(503, f"Nothing can be changed now: {error}")


def _client() -> str:
    """Who is asking, for counting wrong passwords; behind a proxy of this machine, its client."""
    passed_on = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    address = request.remote_addr or ""
    return passed_on[:64] if passed_on and address in ("127.0.0.1", "::1") else address


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

    def attempt(self, address: str, is_right: Callable[[], bool]) -> bool | None:
        """Check a password, one at a time; None: too many wrong ones from there of late."""
        with self._lock:
            recent = self._recent(address)
            if len(recent) >= TRIES:
                return None
            try:
                right = is_right()
            except ValueError:
                abort(403, "The stored password is damaged; set it anew with: s0web passwd")
            if not right:
                self._times[address] = [*recent, time.monotonic()]
                self._times.move_to_end(address)
                while len(self._times) > 256:
                    self._times.popitem(last=False)
            return right

    def _recent(self, address: str) -> list[float]:
        now = time.monotonic()
        return [at for at in self._times.get(address, ()) if now - at < SPAN]


def _options(station: Station) -> Options:
    if station.config is None:
        return {"allowed_hosts": (), "admin_password": ""}
    return station.config.sections["web"]

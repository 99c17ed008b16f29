"""Serving without Apache: waitress with the application mounted at /s0, as Apache mounts it."""

import errno
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Any

from waitress import create_server
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response

from ..errors import StationError

ROOT = "/s0"
THREADS = 8  # more would only wait for each other
STALLED = 60  # s after which who takes nothing of an answer is cut off

WSGI = Callable[[dict[str, Any], Any], Iterable[bytes]]


def mounted(app: WSGI) -> WSGI:
    """The app at /s0, and ways there from / and from /state/..., which old collectors call."""

    def elsewhere(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path.startswith("/state/"):
            return app({**environ, "SCRIPT_NAME": ROOT}, start)
        if path == "/":
            return Response(status=302, headers={"Location": f"{ROOT}/"})(environ, start)
        text = f"Nothing here; the station is at {ROOT}/\n"
        return Response(text, 404, mimetype="text/plain")(environ, start)

    return DispatcherMiddleware(elsewhere, {ROOT: app})


def server(app: WSGI, host: str, port: int) -> Any:
    """A waitress server that listens already; StationError says in one sentence why it cannot."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        made = create_server(
            mounted(app),
            host=host,
            port=port,
            threads=THREADS,
            ident="s0web",
            max_request_body_size=1 << 20,
            channel_timeout=10,
            connection_limit=1000,  # slow clients shall not keep others out
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=False,  # rights.is_local looks at them
        )
        limit = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED * 1000)
        made.adj.socket_options = [*made.adj.socket_options, limit]  # channel_timeout does not
        return made
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            text = f"Port {port} on {host} is taken by another program; choose another with --port."
        elif error.errno == errno.EACCES:
            text = f"Port {port} is for root alone; choose one above 1023 with --port."
        else:
            text = f"Cannot listen on {host} port {port}: {error.strerror or error}."
        raise StationError(text) from error
    except (ValueError, socket.gaierror) as error:
        raise StationError(f"Cannot listen on {host!r} port {port}: {error}.") from error

"""One GET over HTTP or HTTPS to a server of the internet, its whole answer in bounded time and
size.

Its address may hold a token: what is told of it is the server's name alone. Certificates are
verified; redirects are told, not followed.
"""

import ssl
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from ..errors import SourceError
from ..hurried import Hurried

MOST = 4 * 1024 * 1024  # bytes of an answer


class Answer(NamedTuple):
    status: int
    body: bytes


def fetch(url: str, asked: dict[str, str], seconds: float) -> Answer:
    """Ask `url` with these parameters; SourceError if there is no whole answer within about
    `seconds` (finding the address of a name comes on top).
    """
    parts = urlsplit(url)
    where, end = parts.hostname or "", time.monotonic() + seconds
    path = f"{parts.path or '/'}?{urlencode(asked)}"
    connection = _connection(parts.scheme, where, parts.port, seconds)
    try:
        connection.connect()
        connection.request("GET", path, headers={"Connection": "close", "User-Agent": "s0web"})
        with HTTPResponse(Hurried(connection.sock, end)) as answer:  # type: ignore[arg-type]
            answer.begin()
            body = answer.read(MOST + 1)
    except TimeoutError:
        raise SourceError(f"{where} does not answer within {seconds:g} s") from None
    except ssl.SSLCertVerificationError as error:
        raise SourceError(f"{where} has no valid certificate: {error.verify_message}") from None
    except (HTTPException, ValueError):  # their texts may hold the address
        raise SourceError(f"{where} gives no whole HTTP answer") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"{where} cannot be reached ({reason})") from None
    finally:
        connection.close()
    if len(body) > MOST:
        raise SourceError(f"{where} answers more than {MOST} bytes")
    return Answer(answer.status, body)


def _connection(scheme: str, host: str, port: int | None, seconds: float) -> HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(host, port, timeout=seconds, context=context)
    return HTTPConnection(host, port, timeout=seconds)

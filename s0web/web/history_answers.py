"""Answers about the past: JSON and CSV that a client may keep and ask about, with the address of
the next page.
"""

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, request

from . import documents


def document(
    said: dict[str, Any], following: datetime | None = None, end: datetime | None = None
) -> Response:
    if following is not None and end is not None:
        said["next"] = _next(following, end)
    text = json.dumps(said, separators=(",", ":"), allow_nan=False)
    return _fresh(Response(text, content_type="application/json"))


def attachment(
    text: str, name: str, start: datetime, following: datetime | None, end: datetime
) -> Response:
    response = Response(text, content_type="text/csv; charset=utf-8")
    safe = re.sub(r"[^\w.-]+", "_", f"{name}_{start:%Y%m%d}", flags=re.ASCII)
    response.headers.set("Content-Disposition", "attachment", filename=f"{safe}.csv")
    if following is not None:
        response.headers.set("Link", f'<{_next(following, end)}>; rel="next"')
    return _fresh(response)


def _fresh(response: Response) -> Response:
    """Asked for again each time, and not sent again where it is still the same."""
    response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    return response


def _next(following: datetime, end: datetime) -> str:
    """The address of the next page."""
    asked = [(k, v) for k, v in request.args.items(multi=True) if k not in ("from", "to")]
    span = [("from", f"{following.timestamp():.3f}"), ("to", documents.iso(end))]
    return f"{quote(request.script_root + request.path)}?{urlencode(asked + span)}"

"""Smaller answers for who accepts gzip: static files and JSON; pages carry form tokens and stay as
they are.
"""

import gzip
from functools import lru_cache

from flask import Flask, Response, request

LEAST = 1_024  # bytes; less is not worth it
KINDS = ("application/json", "text/css", "text/javascript", "image/svg+xml", "text/csv")
FILES = 64  # kept packed


def compress_answers(app: Flask) -> None:
    @app.after_request
    def _compress(response: Response) -> Response:
        length = response.headers.get("Content-Length")  # what is small is sent as it is, always
        if length is not None and int(length) < LEAST:
            return response
        if response.mimetype not in KINDS or response.status_code != 200:
            return response
        response.vary.add("Accept-Encoding")
        if not _may_be_packed(response):
            return response
        response.direct_passthrough = False
        data = response.get_data()
        if len(data) < LEAST:
            return response
        is_file = request.endpoint == "static"
        response.set_data(_file(data) if is_file else gzip.compress(data, 4, mtime=0))
        response.content_encoding = "gzip"
        if etag := response.get_etag()[0]:
            response.set_etag(etag, weak=True)  # other bytes, the same document
        return response


def _may_be_packed(response: Response) -> bool:
    return (
        request.method == "GET"
        and request.accept_encodings["gzip"] > 0
        and "Range" not in request.headers
        and response.content_encoding is None
        and (response.content_length is None or response.content_length >= LEAST)
    )


@lru_cache(FILES)
def _file(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)

"""The words of the pages: one table for each language, and which of them a request is answered in.

The tables are `static/words/<language>.json`; the pages' scripts read the same files; those of
options are `options.<language>.json` (option_words.py), those of what the station says
`sentences.<language>.json` (sentences.py). English fills what another lacks.
"""

import json
from functools import cache
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import default_exceptions

from ..clock import machine_zone
from ..station import Station
from . import assets
from .sentences import said

LANGUAGES = {"en": "English", "nl": "Nederlands", "fr": "Français", "de": "Deutsch"}
COOKIE = "s0web_language"
YEAR = 365 * 86_400  # s


@cache
def table(language: str) -> dict[str, str]:
    """Key -> words, with {names} of what is filled in."""
    text = (assets("static") / "words" / f"{language}.json").read_text(encoding="utf-8")
    words: dict[str, str] = json.loads(text)
    return words


def language(station: Station) -> str:
    """That of the address (?language=nl), else of the cookie, the settings, the browser."""
    told = station.config.sections["web"]["language"] if station.config else "auto"
    for wish in (request.args.get("language"), request.cookies.get(COOKIE), told):
        if wish in LANGUAGES:
            return str(wish)
    return request.accept_languages.best_match(LANGUAGES, "en") or "en"


def speak_languages(app: Flask, station: Station) -> None:
    """Give templates their words as t("key", name=value), those of the station as said(text);
    keep a choice of language in a cookie.
    """

    @app.context_processor
    def _words() -> dict[str, Any]:
        chosen = language(station)
        here, english = table(chosen), table("en")

        def t(key: str, **names: object) -> str:
            words = here.get(key) or english[key]
            return words.format(**names) if names else words

        told = station.config.sections["s0web"]["timezone"] if station.config else ""
        zone = str(told) or machine_zone()  # the station's days are those of the machine then
        names = {"language": chosen, "languages": LANGUAGES, "zone": zone}
        return names | {"t": t, "said": lambda text: said(text, chosen), "is_usual": _is_usual}

    @app.after_request
    def _keep(response: Response) -> Response:
        if "language=" not in request.environ.get("QUERY_STRING", ""):  # looked at for each answer
            return response
        wish = request.args.get("language", "")
        if wish in LANGUAGES and response.mimetype == "text/html":
            path = f"{request.script_root}/"
            response.set_cookie(COOKIE, wish, max_age=YEAR, path=path, samesite="Lax")
        return response


def _is_usual(code: int, text: str) -> bool:
    """Whether an error is told in Flask's own words, which are English and not for householders."""
    error = default_exceptions.get(code)
    return error is not None and text == error.description

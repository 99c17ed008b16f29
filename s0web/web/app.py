"""The application factory: one Flask app for one station, under Apache and under waitress alike."""

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from .. import __version__
from ..errors import S0WebError
from ..station import Station
from . import assets
from .api import api_blueprint
from .backup import backup_blueprint
from .compress import compress_answers
from .config import config_blueprint
from .corrections import Corrections
from .costs import costs_blueprint
from .grafana import grafana_blueprint
from .history import history_blueprint
from .legacy import legacy_blueprint
from .pages import pages_blueprint
from .peak import peak_blueprint
from .prices import prices_blueprint
from .rejected import rejected_blueprint
from .rights import guard_requests
from .state import state_blueprint
from .switches import switches_blueprint
from .telegram_raw import telegram_blueprint
from .words import speak_languages

BODY = 256 * 1024  # bytes that a request may bring
PARTS = 2_000  # fields of a form


def create_app(station: Station) -> Flask:
    app = Flask(
        "s0web", static_folder=str(assets("static")), template_folder=str(assets("templates"))
    )
    app.config.update(
        MAX_CONTENT_LENGTH=BODY,
        MAX_FORM_MEMORY_SIZE=BODY,
        MAX_FORM_PARTS=PARTS,
        RESTFUL_JSON={"allow_nan": False},
        ERROR_404_HELP=False,
        SEND_FILE_MAX_AGE_DEFAULT=0,  # asked each time by ETag: no mixture after an upgrade
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["station"] = station
    app.extensions["corrections"] = Corrections()
    guard_requests(app, station)
    speak_languages(app, station)
    compress_answers(app)
    for blueprint in (
        legacy_blueprint,
        api_blueprint,
        history_blueprint,
        switches_blueprint,
        telegram_blueprint,
        rejected_blueprint,
        state_blueprint,
        config_blueprint,
        peak_blueprint,
        prices_blueprint,
        costs_blueprint,
        pages_blueprint,
        backup_blueprint,
        grafana_blueprint,
    ):
        app.register_blueprint(blueprint())
    app.register_error_handler(HTTPException, _refuse)
    app.register_error_handler(S0WebError, _not_now)

    @app.context_processor
    def _names() -> dict[str, object]:
        title = station.config.sections["web"]["title"] if station.config else "s0web"
        return {"title": title, "version": __version__, "station": station}

    return app


def _refuse(error: HTTPException) -> Response:
    """A sentence, and never the data document: FHEM ignores the status."""
    response = _said(error.code or 500, error.description or "")
    kept = error.response.headers if error.response is not None else error.get_headers()
    for name, value in kept:
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def wants_page() -> bool:
    """Whether a person with a browser is asking, rather than a program."""
    programs = ("/api/", "/state/", "/electricity", "/version", "/metrics", "/healthz", "/readyz")
    return "text/html" in request.headers.get("Accept", "") and not request.path.startswith(
        programs
    )


def _not_now(error: S0WebError) -> Response:
    """What the station, or the disk below it, cannot do just now."""
    response = _said(503, str(error))
    response.headers["Retry-After"] = "1"
    return response


def _said(code: int, text: str) -> Response:
    """A page for a person, JSON for a program."""
    if wants_page():
        return Response(render_template("error.html", code=code, text=text), code)
    response = jsonify(message=text)
    response.status_code = code
    return response

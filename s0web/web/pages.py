"""The live page: a shell that polls the JSON API."""

from flask import Blueprint, current_app, render_template

from ..quantities import QUANTITIES


def pages_blueprint() -> Blueprint:
    blueprint = Blueprint("pages", __name__)
    blueprint.add_url_rule("/", view_func=live)
    return blueprint


def live() -> str:
    """What the page must know beforehand: the vocabulary, to write numbers as people do."""
    words = {
        q.name: {"meaning": q.meaning, "unit": q.unit, "digits": q.digits}
        for q in QUANTITIES.values()
    }
    return render_template("live.html", vocabulary=current_app.json.dumps(words))

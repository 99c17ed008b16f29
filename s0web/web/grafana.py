"""A page on Grafana, and its dashboards and provisioning files (static/grafana/) for download."""

from flask import Blueprint, Response, abort, render_template

from . import assets

DATABASES = {"mysql": "MySQL, MariaDB", "postgresql": "PostgreSQL", "influxdb": "InfluxDB"}
DASHBOARDS = {
    "overview": "power now, today's energy, gas and water",
    "phases": "power, voltage and current of each phase",
    "energy": "import, export, gas and water per day and month",
    "costs": "what each day and month cost, rates, day-ahead prices, monthly peaks",
    "fleet": "every logger: last seen, silent ones, how far behind",
}


def grafana_blueprint() -> Blueprint:
    blueprint = Blueprint("grafana", __name__)
    blueprint.add_url_rule("/grafana/", view_func=index)
    blueprint.add_url_rule("/grafana/<string:database>/<string:name>", view_func=download)
    return blueprint


def index() -> str:
    return render_template("grafana.html", databases=DATABASES, dashboards=DASHBOARDS)


def download(database: str, name: str) -> Response:
    """The file, read whole: a few kB."""
    there = {(f.parent.name, f.name): f for f in (assets("static") / "grafana").glob("*/*")}
    file = there.get((database, name))
    if file is None:
        abort(404, "There is no such file for Grafana; the page /s0/grafana/ names all.")
    kind = "application/json" if file.suffix == ".json" else "application/yaml"
    head = {"Content-Disposition": f"attachment; filename={file.name}"}
    return Response(file.read_bytes(), 200, head, mimetype=kind)

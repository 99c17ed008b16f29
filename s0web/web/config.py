"""What the settings dialog does: it saves the INI and tells the station to apply it."""

from flask import Blueprint, abort, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from .. import config as ini
from ..assembly import COUNTED
from ..errors import ConfigError, Problem, StationError
from ..model import Command
from ..option import Option
from ..options import OPTIONS, scope_of, types_of
from ..station import Station
from . import legacy
from .corrections import Corrections
from .dialog import NOT_SHOWN, draw, texts_of
from .rights import changing, token_right

FORGET = "-"  # typed into the field of a secret: there shall be none


def config_blueprint() -> Blueprint:
    blueprint = Blueprint("config", __name__)
    blueprint.add_url_rule("/config", view_func=dialog)
    blueprint.add_url_rule("/config", "save", view_func=save, methods=["POST"])
    return blueprint


def dialog() -> ResponseReturnValue:
    if legacy.asked_to_change():
        return legacy.change()
    station: Station = current_app.extensions["station"]
    try:
        ini.load(station.path)
    except ConfigError as error:
        return draw({}, _by_field(error), str(error)), 200
    return draw({}, {}, ""), 200


@changing
def save() -> ResponseReturnValue:
    """One of: save all options, add a section, remove one, correct a counter."""
    station: Station = current_app.extensions["station"]
    action, _, name = request.form.get("action", "").partition(":")
    if station.state in ("starting", "waiting", "stopped"):
        abort(503, station.sentence())
    steps = {"save": _save, "add": _add, "remove": _remove, "correct": _correct}
    if action not in (*steps, "wish"):
        abort(400, "The form did not say what to do.")
    if not token_right(request.form.get("token", "")):
        text = "The page was too old; look over it and press the button again."
        return draw(request.form, {}, text), 400
    if action == "wish":
        return legacy.change()
    try:
        done = steps[action](station, name)
    except ConfigError as error:
        by_field = _by_field(error)
        return draw(request.form, by_field, "" if by_field else str(error)), 400
    except (StationError, ValueError) as error:
        return draw(request.form, {}, str(error)), 400
    return redirect(url_for("config.dialog", done=done), 303)


def _save(station: Station, _: str) -> str:
    changes: dict[str, dict[str, str | None]] = {}
    for section, options in texts_of(station).items():
        for option in OPTIONS[scope_of(section, options.get("type", ""))]:
            field = f"{section}|{option.name}"
            if option.kind in NOT_SHOWN or field not in request.form:
                continue
            new = request.form[field].strip()
            if option.kind == "secret":
                if not new:
                    continue  # it is not shown, so an empty field changes nothing
                new = "" if new == FORGET else new
            old = options.get(option.name, option.default or "")
            if new != old:
                changes.setdefault(section, {})[option.name] = (
                    None if new == option.default else new
                )
    if not changes:
        return "nothing"
    ini.save(station.path, changes)
    _apply(station)
    return "saved"


def _apply(station: Station) -> None:
    """A station that runs is told; one whose INI was wrong looks at it each second by itself."""
    if station.state == "running":
        station.tell(Command("station", "apply"))


def _by_field(error: ConfigError) -> dict[str, str]:
    """The mistakes by the names of the form's fields; `section|` is the section itself."""
    return {f"{p.section}|{p.option}": p.text for p in error.problems}


def _add(station: Station, _: str) -> str:
    name, scope = request.form.get("new|name", "").strip(), request.form.get("new|type", "")
    family, _, kind = scope.partition(".")
    if family not in ini.FAMILIES or kind not in types_of(family):
        raise ValueError("There is no such type.")
    section = f"{family}:{name}"
    if not ini.NAME.fullmatch(name):
        raise _wrong("new", "name", "a name is letters, digits, _ or -, and begins with a letter.")
    if section in texts_of(station):
        raise _wrong("new", "name", f"there is a {name} already.")
    options: dict[str, str | None] = {"type": kind}
    for option in OPTIONS[scope]:
        text = request.form.get(f"new|{option.name}", option.default or "").strip()
        if text != option.default:
            options[option.name] = text
    ini.save(station.path, {section: options})
    _apply(station)
    return "added"


def _remove(station: Station, section: str) -> str:
    if section not in texts_of(station) or ":" not in section:
        raise ValueError("There is no such section.")
    ini.save(station.path, {}, (section,))
    _apply(station)
    return "removed"


def _correct(station: Station, device: str) -> str:
    """The difference between the meter's reading and what was shown is added: no pulse between is
    lost.
    """
    number = Option("reading", "number", None, "", "", 0, 1e9)
    try:
        shown = number.parse(request.form.get(f"shown|{device}", ""))
        new = number.parse(request.form.get(f"reading|{device}", ""))
    except ValueError as error:
        raise _wrong("reading", device, f"{error}.") from error
    if station.devices().get(device, {}).get("type") not in COUNTED:
        raise ValueError(f"{device} keeps its own register.")
    corrections: Corrections = current_app.extensions["corrections"]
    drawn = request.form.get(f"drawn|{device}", "")
    corrections.by_form(station, device, shown, new, drawn)
    return "corrected"


def _wrong(section: str, option: str, text: str) -> ConfigError:
    """A mistake in what was typed into section|option."""
    return ConfigError(text, [Problem(section, option, text)])

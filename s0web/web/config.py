"""The settings dialog, drawn from the OPTIONS table: it saves the INI and tells the station to
apply it.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from .. import config as ini
from ..errors import ConfigError, Problem, StationError
from ..followers import COUNTED
from ..model import Command
from ..option import Option
from ..options import OPTIONS, SCOPES, scope_of, types_of
from ..station import Station
from . import documents, legacy
from .corrections import Corrections, reading
from .rights import changing, form_token, is_local, token_right

NOT_SHOWN = ("hash",)  # kinds of option that the dialog neither shows nor changes
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
        return _draw({}, _by_field(error), str(error)), 200
    return _draw({}, {}, ""), 200


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
        return _draw(request.form, {}, text), 400
    if action == "wish":
        return legacy.change()
    try:
        done = steps[action](station, name)
    except ConfigError as error:
        by_field = _by_field(error)
        return _draw(request.form, by_field, "" if by_field else str(error)), 400
    except (StationError, ValueError) as error:
        return _draw(request.form, {}, str(error)), 400
    return redirect(url_for("config.dialog", done=done), 303)


def _save(station: Station, _: str) -> str:
    changes: dict[str, dict[str, str | None]] = {}
    for section, options in _texts(station).items():
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
    name, kind = request.form.get("new|name", "").strip(), request.form.get("new|type", "")
    family = _family(kind)
    section = f"{family}:{name}"
    if not ini.NAME.fullmatch(name):
        raise _wrong("new", "name", "a name is letters, digits, _ or -, and begins with a letter.")
    if section in _texts(station):
        raise _wrong("new", "name", f"there is a {name} already.")
    options: dict[str, str | None] = {"type": kind}
    for option in OPTIONS.get(f"{family}.{kind}", ()):
        if option.default is None:
            options[option.name] = request.form.get(f"new|{option.name}", "").strip()
    ini.save(station.path, {section: options})
    _apply(station)
    return "added"


def _family(kind: str) -> str:
    return "sink" if kind in types_of("sink") else "source"


def _remove(station: Station, section: str) -> str:
    if section not in _texts(station) or ":" not in section:
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


def _texts(station: Station) -> Mapping[str, Mapping[str, str]]:
    """Section -> option -> text as it stands in the file, the single sections always there."""
    parser = ini.parser_of(station.path, ini.read(station.path))
    known = {name: dict(parser[name]) if name in parser else {} for name in ini.PLAIN}
    for name in parser.sections():
        if scope_of(name, parser[name].get("type", "")) and name not in known:
            known[name] = dict(parser[name])
    return known


def _draw(form: Mapping[str, str], wrong: Mapping[str, str], sentence: str) -> str:
    """The dialog with what was typed, each mistake beside its field."""
    station: Station = current_app.extensions["station"]
    try:
        texts = _texts(station)
    except ConfigError as error:
        texts, sentence = {}, sentence or str(error)
    sections = [_section(name, options, form, wrong) for name, options in texts.items()]
    password = bool(station.config and station.config.sections["web"]["admin_password"])
    return render_template(
        "config.html",
        sections=sections,
        counters=_counters(station, form),
        kinds={
            family: [
                (kind, SCOPES[f"{family}.{kind}"], _needed(kind, form)) for kind in types_of(family)
            ]
            for family in ini.FAMILIES
        },
        wrong=wrong,
        new={"name": form.get("new|name", ""), "type": form.get("new|type", "")},
        sentence=sentence,
        done=request.args.get("done", ""),
        state=documents.config_state(station),
        token=form_token(),
        password=password,
        command=f"S0WEB_INI={station.path} {Path(sys.executable).with_name('s0web')} passwd",
        may_change=password or is_local(),
    )


def _shown(option: Option, field: str, texts: Mapping[str, str], form: Mapping[str, str]) -> str:
    """What stands in a field: never a secret, but whether there is one."""
    text = texts.get(option.name, option.default or "")
    if option.kind == "secret":
        return "set" if text else ""
    return form.get(field, text)


def _section(
    name: str, texts: Mapping[str, str], form: Mapping[str, str], wrong: Mapping[str, str]
) -> dict[str, Any]:
    scope = scope_of(name, texts.get("type", ""))
    fields: list[dict[str, Any]] = [
        {
            "option": option,
            "field": f"{name}|{option.name}",
            "text": _shown(option, f"{name}|{option.name}", texts, form),
            "wrong": wrong.get(f"{name}|{option.name}", ""),
        }
        for option in OPTIONS[scope]
        if option.kind not in NOT_SHOWN
    ]
    return {
        "name": name,
        "title": name.partition(":")[2] or SCOPES[scope],
        "scope": SCOPES[scope],
        "family": name.partition(":")[0] if ":" in name else "",
        "plain": [field for field in fields if not field["option"].advanced],
        "advanced": [field for field in fields if field["option"].advanced],
        "wrong": wrong.get(f"{name}|", ""),
    }


def _needed(kind: str, form: Mapping[str, str]) -> list[dict[str, Any]]:
    """The options without which a new source of this type cannot be."""
    return [
        {
            "option": option,
            "field": f"new|{option.name}",
            "text": form.get(f"new|{option.name}", ""),
        }
        for option in OPTIONS[f"{_family(kind)}.{kind}"]
        if option.default is None
    ]


def _counters(station: Station, form: Mapping[str, str]) -> list[dict[str, Any]]:
    corrections: Corrections = current_app.extensions["corrections"]
    counters = []
    for device, options in station.devices().items():
        if options["type"] in COUNTED:
            shown = reading(station, device)
            if shown is not None:
                unit = "kWh" if options.get("measures", "energy") == "energy" else "m³"
                typed = form.get(f"reading|{device}", "")
                counters.append(
                    {
                        "device": device,
                        "shown": f"{shown:.3f}",
                        "drawn": corrections.state(device),
                        "unit": unit,
                        "typed": typed,
                    }
                )
    return counters

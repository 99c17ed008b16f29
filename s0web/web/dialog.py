"""The settings dialog as a page, drawn from the OPTIONS table and the texts of the INI."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import current_app, render_template, request

from .. import config as ini
from ..assembly import COUNTED
from ..errors import ConfigError
from ..option import Option
from ..options import OPTIONS, scope_of, types_of
from ..station import Station
from . import documents
from .corrections import Corrections, reading
from .option_words import OptionWords
from .rights import form_token, is_local
from .words import language

NOT_SHOWN = ("hash",)  # kinds of option that the dialog neither shows nor changes
RULE = ("power", "rule", "on", "off")
ASKED = {  # beside what must be given, what most who add one of a type have to set
    "source.modbus": ("unit", "baud", "parity"),
    "source.adc": ("voltage_channels",),
    "source.remote": ("url", "allowed"),
    "contract.electricity": ("from", "tariff", "import_rate", "import_rate_low", "export_rate"),
    "contract.gas": ("from", "rate", "rate_kwh"),
    "contract.water": ("from", "rate"),
    "switch.gpio": ("active_low", *RULE),
    "switch.mqtt": ("state_topic", *RULE),
} | {f"switch.{kind}": RULE for kind in ("shelly", "tasmota", "http", "simulated")}
EXAMPLES = {  # of names
    "source": "meter",
    "source.p1": "grid",
    "source.s0": "heatpump",
    "source.adc": "mains",
    "source.remote": "garage",
    "sink": "central",
    "sink.push": "attic",
    "contract": "supplier2026",
    "switch": "boiler",
}


class Draft(NamedTuple):
    """What was typed, why it was refused, and the words to say it in."""

    form: Mapping[str, str]
    wrong: Mapping[str, str]
    words: OptionWords

    def field(self, scope: str, option: Option, name: str, text: str, why: str) -> dict[str, Any]:
        return {
            "option": option,
            "field": name,
            "text": text,
            "wrong": why,
            "label": self.words.label(option.name),
            "unit": self.words.unit(option.unit),
            "help": self.words.help(scope, option),
            "default": self.words.default(option),
            "choices": [(choice, self.words.choice(choice)) for choice in option.choices],
        }


def texts_of(station: Station) -> Mapping[str, Mapping[str, str]]:
    """Section -> option -> text as it stands in the file, the single sections always there."""
    parser = ini.parser_of(station.path, ini.read(station.path))
    known = {name: dict(parser[name]) if name in parser else {} for name in ini.PLAIN}
    for name in parser.sections():
        if scope_of(name, parser[name].get("type", "")) and name not in known:
            known[name] = dict(parser[name])
    return known


def draw(form: Mapping[str, str], wrong: Mapping[str, str], sentence: str) -> str:
    """The dialog with what was typed, each mistake beside its field."""
    station: Station = current_app.extensions["station"]
    try:
        texts = texts_of(station)
    except ConfigError as error:
        texts, sentence = {}, sentence or str(error)
    words = OptionWords(language(station))
    wrong = {field: words.reason(why) for field, why in wrong.items()}
    draft = Draft(form, wrong, words)
    password = bool(station.config and station.config.sections["web"]["admin_password"])
    return render_template(
        "config.html",
        sections=[_section(name, options, draft) for name, options in texts.items()],
        counters=_counters(station, form),
        kinds={
            family: [
                (f"{family}.{kind}", words.scope(f"{family}.{kind}"), _asked(family, kind, draft))
                for kind in types_of(family)
            ]
            for family in ini.FAMILIES
        },
        examples=EXAMPLES,
        devices=list(documents.names(station)),
        wrong=wrong,
        new={"name": form.get("new|name", ""), "type": form.get("new|type", "")},
        sentence=sentence,
        done=request.args.get("done", ""),
        state=documents.config_state(station),
        token=form_token(),
        password=password,
        command=f"{documents.typed(station)} passwd",
        may_change=password or is_local(),
    )


def _shown(option: Option, field: str, texts: Mapping[str, str], form: Mapping[str, str]) -> str:
    """What stands in a field: never a secret, but whether there is one."""
    text = texts.get(option.name, option.default or "")
    if option.kind == "secret":
        return "set" if text else ""
    if option.name == "url":  # http://user:password@host is refused, but may stand in the file
        text = re.sub("//[^/]*@", "//", text)
    return form.get(field, text)


def _section(name: str, texts: Mapping[str, str], draft: Draft) -> dict[str, Any]:
    scope, wrong = scope_of(name, texts.get("type", "")), draft.wrong
    fields = []
    for option in OPTIONS[scope]:
        if option.kind not in NOT_SHOWN:
            field = f"{name}|{option.name}"
            text = _shown(option, field, texts, draft.form)
            fields.append(draft.field(scope, option, field, text, wrong.get(field, "")))
    return {
        "name": name,
        "title": name.partition(":")[2] or draft.words.scope(scope),
        "scope": draft.words.scope(scope),
        "family": name.partition(":")[0] if ":" in name else "",
        "plain": [field for field in fields if not field["option"].advanced],
        "advanced": [field for field in fields if field["option"].advanced],
        "wrong": wrong.get(f"{name}|", ""),
        "is_wrong": any(field["wrong"] for field in fields) or f"{name}|" in wrong,
    }


def _asked(family: str, kind: str, draft: Draft) -> list[dict[str, Any]]:
    """What is asked of who adds one of this type; what was wrong with the last try is among it."""
    scope, form = f"{family}.{kind}", draft.form
    is_mine = form.get("new|type") == scope
    section = f"{family}:{form.get('new|name', '').strip()}"
    fields = []
    for option in OPTIONS[scope]:
        field = f"new|{option.name}"
        why = draft.wrong.get(f"{section}|{option.name}", "") if is_mine else ""
        usual = option.default is None or option.name in ASKED.get(scope, ())
        if usual or why or (is_mine and field in form):
            text = form.get(field, option.default or "") if is_mine else option.default or ""
            fields.append(draft.field(scope, option, field, text, why))
    return fields


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

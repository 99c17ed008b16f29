"""New INI files: with every option explained, those of the demo and of a fresh installation."""

from collections.abc import Mapping
from pathlib import Path

from . import inifile
from .errors import ConfigError
from .options import OPTIONS, SCOPES, scope_of

Texts = Mapping[str, Mapping[str, str]]  # section -> option -> text as it is written

DEMO: Texts = {
    "s0web": {"simulate": "yes", "compare": "grid, meter, mains", "simulated_days": "365"},
    "web": {"title": "Simulated house"},
    "log": {},
    "source:main": {"type": "s0", "pin": "4"},
    "source:garden": {"type": "s0", "pin": "17", "measures": "water"},
    "source:grid": {"type": "p1", "port": "simulated"},
    "source:meter": {"type": "modbus", "port": "simulated-bus", "model": "sdm630"},
    "source:solar": {"type": "modbus", "port": "simulated-bus", "model": "sdm120", "unit": "2"},
    "source:mains": {
        "type": "adc",
        "current_channels": "brown:0, black:2, gray:4",
        "voltage_channels": "brown:1, black:3, gray:5",
        "amps_per_code": "0.0244",
        "phase_error": "1.5",
    },
    "house": {"grid": "grid", "solar": "solar"},
    "peak": {"area": "antwerpen"},
    "prices": {"provider": "simulated"},
    "contract:home": {  # what such a house pays in Flanders, VAT included
        "type": "electricity",
        "tariff": "day_night",
        "import_rate": "0.1389",
        "import_rate_low": "0.1126",
        "export_rate": "0.0350",
        "export_rate_low": "0.0250",
        "network": "0.0534",
        "taxes": "0.0518",
        "fixed_year": "75",
        "area": "antwerpen",
    },
    "contract:gas": {"type": "gas", "rate_kwh": "0.0460", "taxes": "0.0250", "fixed_year": "60"},
    "contract:water": {"type": "water", "rate": "5.90", "fixed_year": "100"},
    "switch:boiler": {"type": "simulated", "power": "1500", "rule": "export"},
}
FRESH: Texts = {"s0web": {}, "web": {}, "log": {}}


def new_file(sections: Texts) -> str:
    """The text of a new INI file: the given options, and every other one as a comment with its
    default.
    """
    lines = [
        "# s0web settings. Change them here or in the dialog at /s0/config; both keep comments.",
        "",
    ]
    for name, texts in sections.items():
        scope = scope_of(name, texts.get("type", ""))
        lines += [f"# {SCOPES[scope]}", f"[{name}]"] if scope else [f"[{name}]"]
        if not scope:
            lines += [f"{option} = {text}" for option, text in texts.items()]
        elif "type" in texts:
            lines.append(f"type = {texts['type']}")
        for option in OPTIONS.get(scope, ()):
            unit = f" [{option.unit}]" if option.unit else ""
            lines.append(f"# {option.help}{unit}")
            if option.name in texts:
                lines.append(f"{option.name} = {texts[option.name]}")
            else:
                lines.append(f"#{option.name} = {option.default or ''}")
        lines.append("")
    return "\n".join(lines)


def create(path: Path, sections: Texts) -> None:
    """Write a new file where there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{path.parent}: cannot be made ({error.strerror}).") from error
    inifile.save(path, lambda old: old or new_file(sections))

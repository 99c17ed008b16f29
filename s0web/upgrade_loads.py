"""Taking over smartmeter-python's switched loads: [load] of 2022, and [load:NAME]."""

import configparser
from math import isfinite

from .option import WIRE
from .upgrade import YES, Sections

RELAY = "24"  # the GPIO of the relay on smartmeter's board


def loads(parser: configparser.ConfigParser) -> tuple[Sections, list[str]]:
    """A switch for each load that is enabled, and lines about the rest."""
    sections: Sections = {}
    notes: list[str] = []
    for section in parser.sections():
        family, colon, name = section.partition(":")
        old, name = parser[section], name.strip() if colon else "load"
        if family != "load":
            continue
        if old.get("enabled", "yes").lower() not in YES:
            notes.append(f"[{section}] is not enabled, and is left out.")
        elif "address" in old:
            notes.append(
                f"[{section}] is a Bluetooth or WiFi load, which smartmeter never switched; it has "
                "no equal, and is left out. Shelly, Tasmota and MQTT plugs are known."
            )
        elif not WIRE.fullmatch(name):
            notes.append(f"[{section}] is left out: its name is none for a switch.")
        elif any(made["pin"] == RELAY for made in sections.values()):
            notes.append(f"[{section}] is left out: another load has the board's one relay.")
        else:
            sections[f"switch:{name}"] = _percent(old) if colon else _watts(old)
    if sections:
        notes.append(
            "Loads: s0web also leaves them on for at least 1 minute and off for 2 (minimum_on, "
            "minimum_off), switches one off the sooner the more sun is missing, and none on whose "
            "own power would at once switch it off again."
        )
    return sections, notes


def _percent(old: configparser.SectionProxy) -> dict[str, str]:
    """Of the development branch: per cent of max_power, export positive."""
    hold = _number(old, "hold_timer", "10")
    return _switch(_number(old, "max_power", "2300")) | {
        "on": f"{_number(old, 'switch_on', '75')}%",
        "off": f"{_number(old, 'switch_off', '10')}%",
        "hold_on": hold,
        "hold_off": hold,
    }


def _watts(old: configparser.SectionProxy) -> dict[str, str]:
    """Of 2022: W given to the grid, and W taken from it."""
    consume = _number(old, "max_consume", "500")
    return _switch(_number(old, "max_power", "2300")) | {
        "on": _number(old, "max_inject", "1000"),
        "off": consume if consume.startswith("-") or consume == "0" else f"-{consume}",
        "hold_on": _number(old, "inject_time", "60"),
        "hold_off": _number(old, "consume_time", "60"),
    }


def _switch(power: str) -> dict[str, str]:
    return {"type": "gpio", "pin": RELAY, "rule": "export", "power": power}


def _number(old: configparser.SectionProxy, option: str, usual: str) -> str:
    """As our options write it; what is none is the usual."""
    text = old.get(option, usual).strip().rstrip("%").strip()
    try:
        number = float(text)
    except ValueError:
        return usual
    return f"{number:.10g}" if isfinite(number) and abs(number) < 1e9 else usual

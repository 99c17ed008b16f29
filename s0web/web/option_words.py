"""The OPTIONS table in the reader's language: titles, labels, helps, choices, units and reasons.

English stands in the table itself, `static/words/options.<language>.json` hold the other languages.
Names of options and what is written in the INI are the same in all of them.
"""

import json
import re
from functools import cache

from ..option import Option
from ..options import SCOPES
from . import assets

WRITTEN = {  # parts of names that are not written like words
    "api": "API",
    "ca": "CA",
    "entsoe": "ENTSO-E",
    "kwh": "kWh",
    "led": "LED",
    "m3": "m³",
    "qos": "QoS",
    "spi": "SPI",
    "ssh": "SSH",
    "tls": "TLS",
    "url": "URL",
    "vat": "VAT",
}


@cache
def table(language: str) -> dict[str, dict[str, str]]:
    """Kind of word -> key -> word; nothing for English."""
    path = assets("static") / "words" / f"options.{language}.json"
    words: dict[str, dict[str, str]] = {}
    if language != "en":
        words = json.loads(path.read_text(encoding="utf-8"))
    return words


def english_label(name: str) -> str:
    """pulses_per_kwh -> Pulses per kWh."""
    first, *others = name.removesuffix("_ms").split("_")
    parts = [WRITTEN.get(first, first.capitalize()), *(WRITTEN.get(part, part) for part in others)]
    return " ".join(parts)


def help_keys(scope: str, name: str) -> tuple[str, ...]:
    """Where a help may stand: that of this scope, of its family, of every option of the name."""
    return f"{scope}|{name}", f"{scope.partition('.')[0]}|{name}", name


class OptionWords:
    """What is said of options in one language, English where that has no word."""

    def __init__(self, language: str) -> None:
        self._language = language

    def _words(self, kind: str) -> dict[str, str]:
        return table(self._language).get(kind, {})

    def scope(self, scope: str) -> str:
        return self._words("scopes").get(scope, SCOPES[scope])

    def label(self, name: str) -> str:
        return self._words("labels").get(name) or english_label(name)

    def help(self, scope: str, option: Option) -> str:
        helps = self._words("helps")
        told = (helps[key] for key in help_keys(scope, option.name) if key in helps)
        return next(told, option.help).replace("m3", "m³")

    def unit(self, unit: str) -> str:
        return self._words("units").get(unit, unit).replace("m3", "m³")

    def choice(self, value: str) -> str:
        """What is written in the INI, and beside it what that means: `off (uit)`."""
        word = self._words("choices").get(value, value)
        return value if word == value else f"{value} ({word})"

    def default(self, option: Option) -> str:
        text = option.default or ""
        return self.choice(text) if option.kind in ("choice", "yesno") else text

    def reason(self, text: str) -> str:
        """Why a text is refused; in English where the sentence is not a common one."""
        for english, words in self._words("reasons").items():
            if found := _pattern(english).fullmatch(text):
                names = found.groupdict("")
                return words.format(**names | {"unit": self.unit(names.get("unit", ""))})
        return text


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    """`'{text}' is not a number.` as what finds such sentences and the text in them."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*)", re.escape(sentence)))

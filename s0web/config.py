"""The INI file: load and check it whole against the OPTIONS table, and save changes to it.

Sections: those of which there is one (PLAIN); [source:NAME], [sink:NAME], [contract:NAME] and
[switch:NAME] with their type; and [cache] with the counters (kWh or m3 by device, NAME.export for
what is exported), or [cache:simulated] while the house is simulated, so that play never touches a
real counter.
"""

import configparser
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from . import checks, inifile
from .errors import ConfigError, Problem
from .model import Options
from .option import Option
from .options import OPTIONS, scope_of, types_of

DEFAULT_INI = "/var/lib/s0web/s0web.ini"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
CACHES = ("cache", "cache:simulated")
SECRET = {row.name for rows in OPTIONS.values() for row in rows if row.kind == "secret"}
FAMILIES = ("source", "sink", "contract", "switch")  # of sections with a name and a type
PLAIN = (
    "s0web",
    "house",
    "web",
    "log",
    "archive",
    "peak",
    "prices",
    "telegram",
    "daily",
)  # sections of which there is one


@dataclass(frozen=True)
class Config:
    """A checked INI file; every option of every section is there, with its default where the file
    has none.
    """

    path: Path
    sections: Mapping[str, Options]  # those of sources and sinks have "type" too
    cache: Mapping[str, float]  # device -> counter
    digest: str  # of all options, not of the counters: tells whether a saved file is applied

    @property
    def simulate(self) -> bool:
        return bool(self.sections["s0web"]["simulate"])

    @cached_property
    def sources(self) -> dict[str, Options]:
        """Device name -> options of each [source:...], in the order of the file."""
        return self._of_family("source")

    @cached_property
    def sinks(self) -> dict[str, Options]:
        """Name -> options of each [sink:...]."""
        return self._of_family("sink")

    @cached_property
    def contracts(self) -> dict[str, Options]:
        """Name -> options of each [contract:...]."""
        return self._of_family("contract")

    @cached_property
    def switches(self) -> dict[str, Options]:
        """Name -> options of each [switch:...]."""
        return self._of_family("switch")

    def _of_family(self, family: str) -> dict[str, Options]:
        parts = ((section.partition(":"), options) for section, options in self.sections.items())
        return {name: options for (of, _, name), options in parts if name and of == family}


def ini_path() -> Path:
    """The INI by the environment variable S0WEB_INI, else the default."""
    return Path(os.environ.get("S0WEB_INI") or DEFAULT_INI)


def load(path: Path) -> Config:
    """Read and check the file; ConfigError lists every mistake in it."""
    return parse(path, read(path))


def read(path: Path) -> str:
    """The text of the file, without a byte order mark; ConfigError when there is none, or none that
    is a text.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file. Set S0WEB_INI, or run: s0web demo"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not a text file (UTF-8). Restore it from a copy.") from None
    if "\0" in text:
        raise ConfigError(f"{path}: is damaged (it holds null bytes). Restore it from a copy.")
    return text


def parse(path: Path, text: str) -> Config:
    parser = parser_of(path, text)
    problems: list[Problem] = []
    sections: dict[str, Options] = {name: _section(name, {}, problems) for name in PLAIN}
    cache: dict[str, float] = {}
    for name in parser.sections():
        if name in CACHES:
            continue
        sections[name] = _section(name, dict(parser[name]), problems)
    current = "cache:simulated" if sections["s0web"].get("simulate") else "cache"
    for name in CACHES:
        for device, number in parser[name].items() if parser.has_section(name) else ():
            value = _counter(name, device, number, problems)
            if name == current:
                cache[device] = value
    if not problems:
        problems += checks.together(path, sections)
    if problems:
        rows = "\n".join(f"  {problem}" for problem in problems)
        raise ConfigError(f"{path}: {len(problems)} mistake(s):\n{rows}", problems)
    return Config(path, sections, cache, _digest(sections))


def parser_of(path: Path, text: str) -> configparser.ConfigParser:
    """The text taken apart: no interpolation, names kept as written."""
    parser = configparser.ConfigParser(interpolation=None, default_section="\0none")
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(text)
    except configparser.DuplicateSectionError as error:
        raise ConfigError(
            f"{path}: line {error.lineno}: section [{error.section}] is there twice."
        ) from None
    except configparser.DuplicateOptionError as error:
        raise ConfigError(
            f"{path}: line {error.lineno}: [{error.section}] has {error.option} twice."
        ) from None
    except configparser.MissingSectionHeaderError as error:
        raise ConfigError(
            f"{path}: line {error.lineno}: text before the first [section]."
        ) from None
    except configparser.ParsingError as error:
        lines = ", ".join(str(number) for number, _ in error.errors)
        raise ConfigError(f"{path}: line {lines}: neither [section] nor option = value.") from None
    return parser


def _section(name: str, texts: dict[str, str], problems: list[Problem]) -> Options:
    """The checked options of one section."""
    family, colon, instance = name.partition(":")
    kind = texts.pop("type", "").strip() if colon else ""
    if colon and family in FAMILIES and not NAME.fullmatch(instance):
        problems.append(
            Problem(name, "", "a name is letters, digits, _ or -, and begins with a letter")
        )
        return {}
    scope = scope_of(name, kind)
    if not scope:
        if colon and (types := types_of(family)):
            problems.append(Problem(name, "type", f"'{kind}' is not one of {', '.join(types)}"))
        else:
            problems.append(Problem(name, "", "there is no such section; see docs/options.md"))
        return {}
    options: dict[str, Any] = {"type": kind} if colon else {}
    known = {option.name: option for option in OPTIONS[scope]}
    for option in known.values():
        text = texts.pop(option.name, option.default)
        if text is None:
            problems.append(Problem(name, option.name, f"is missing: {option.help}"))
            continue
        try:
            options[option.name] = option.parse(text)
        except ValueError as error:
            problems.append(Problem(name, option.name, f"{error}."))
    problems += [Problem(name, unknown, f"there is no such option in {scope}") for unknown in texts]
    return options


def _counter(section: str, device: str, text: str, problems: list[Problem]) -> float:
    option = Option("counter", "number", "0", "", "", 0, 1e12)
    try:
        return float(option.parse(text))
    except ValueError as error:
        problems.append(Problem(section, device, f"{error}."))
        return 0.0


def _digest(sections: Mapping[str, Options]) -> str:
    """Public, so secrets are in it in a form that is costly to guess at."""
    told = []
    for name, options in sorted(sections.items()):
        for option, value in sorted(options.items()):
            told.append((name, option, _hidden(value) if option in SECRET and value else value))
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


@lru_cache(maxsize=64)
def _hidden(secret: str) -> str:
    return hashlib.scrypt(secret.encode(), salt=b"s0web", n=2**14, r=8, p=1).hex()


def save(path: Path, changes: inifile.Changes, remove: tuple[str, ...] = ()) -> Config:
    """Change options or counters; the file is checked as it will be, and kept as it was if that is
    wrong.
    """

    def change(old: str) -> str:
        new = inifile.rewrite(old, changes, remove)
        parse(path, new)
        return new

    return parse(path, inifile.save(path, change))


def save_counters(path: Path, counters: Mapping[str, float], simulated: bool) -> None:
    """Keep counters (kWh or m3 by device), whatever else the file holds.

    ConfigError where there is no file: one of counters alone would be a house without sources.
    """
    texts = {device: counter_text(number) for device, number in counters.items()}
    section = CACHES[1] if simulated else CACHES[0]

    def change(old: str) -> str:
        if not path.exists():
            raise ConfigError(f"{path}: is gone, so counters are not saved. Put it back.")
        return inifile.rewrite(old, {section: texts})

    inifile.save(path, change)


def counter_text(number: float) -> str:
    """A counter as it is kept: nine decimals (a millionth of a Wh), without zeros at the end."""
    return f"{number:.9f}".rstrip("0").rstrip(".")

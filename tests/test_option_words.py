"""The words of options: every one in every language, and the dialog that shows them."""

import ast
import os
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from s0web.option import Option
from s0web.options import OPTIONS, SCOPES
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.option_words import OptionWords, english_label, help_keys, table
from s0web.web.server import mounted
from s0web.web.words import LANGUAGES
from tests.chromium import Browser

ROOT = Path(__file__).parent.parent
PICTURES = os.environ.get("S0WEB_SCREENSHOTS", "")  # a folder; none: no pictures
OTHERS = [language for language in LANGUAGES if language != "en"]
ALL = [(scope, option) for scope, options in OPTIONS.items() for option in options]
CHOICES = {choice for _, option in ALL for choice in option.choices}
STAYS = re.compile(  # figures with their units, values, names of options, addresses and topics
    r"\d+(?:[.:,]\d+)*(?: (?:W|V|A|s|kW)\b)?|\w+ = \w+|<(?:prefix|device|quantity|date|time)>"
    r"|[\w.:/@*-]*[_/@*][\w./@*-]*"
)
BAD = {  # kind of option -> texts that it refuses
    "yesno": ["perhaps"],
    "integer": ["four", "-1", "1000"],
    "number": ["four", "-1", "1000"],
    "text": ["\u200b", "x" * 501],
    "choice": ["green"],
    "names": ["-"],
    "zone": ["Mars/Olympus"],
    "hash": ["secret"],
    "secret": ["\u200b"],
    "addresses": ["nowhere"],
    "channels": ["x" * 8001, "brown", "brown:0, brown:1", "?:0"],
    "factors": ["x"],
    "intervals": ["?:3"],
    "groups": ["grid"],
    "spidev": ["0"],
    "devices": ["?"],
    "device": ["grid main"],
    "date": ["tomorrow"],
    "threshold": ["many"],
}
NEEDED = {  # what must be given of an option that must be given
    "integer": "4",
    "text": "simulated",
    "channels": "brown:0",
    "choice": "sdm120",
}


def stays(text: str) -> list[str]:
    return sorted(found.rstrip(".,:;") for found in STAYS.findall(text))


def key_of(language: str, scope: str, name: str) -> str:
    helps = table(language)["helps"]
    return next((key for key in help_keys(scope, name) if key in helps), "")


# -- the tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", OTHERS)
def test_every_option_has_its_label_and_help_and_none_is_left_over(language: str) -> None:
    words = table(language)
    assert [name for name in words["labels"] if not words["labels"][name].strip()] == []
    assert words["labels"].keys() == {option.name for _, option in ALL}
    used = {f"{scope} {option.name}": key_of(language, scope, option.name) for scope, option in ALL}
    assert [option for option, key in used.items() if not key] == []
    assert words["helps"].keys() == set(used.values())
    assert words["scopes"].keys() == SCOPES.keys()


@pytest.mark.parametrize("language", OTHERS)
def test_options_share_a_help_only_where_the_english_is_the_same(language: str) -> None:
    english = defaultdict(set)
    for scope, option in ALL:
        english[key_of(language, scope, option.name)].add(option.help)
    assert {key: texts for key, texts in english.items() if len(texts) > 1} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_figures_values_and_names_of_the_english_help_stand_in_the_translation(
    language: str,
) -> None:
    helps, lost = table(language)["helps"], []
    for scope, option in ALL:
        words = helps[key_of(language, scope, option.name)]
        if stays(option.help) != stays(words):
            lost.append((option.name, stays(option.help), stays(words)))
        for value in re.findall(r"(\w+):(?= )", option.help):
            if value in CHOICES - {option.name} and not re.search(rf"\b{value} ?:", words):
                lost.append((option.name, value, words))
    assert lost == []


@pytest.mark.parametrize("language", OTHERS)
def test_choices_and_units_are_those_of_options_and_alike_in_all_languages(language: str) -> None:
    words, first = table(language), table(OTHERS[0])
    assert words.keys() == first.keys()
    for kind in ("choices", "units", "reasons"):
        assert words[kind].keys() == first[kind].keys()
    assert words["choices"].keys() <= CHOICES
    assert words["units"].keys() <= {option.unit for _, option in ALL}


# -- what is made of them --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("pulses_per_kwh", "Pulses per kWh"),
        ("kwh_per_m3", "kWh per m³"),
        ("minimum_width_ms", "Minimum width"),
        ("led_pin", "LED pin"),
        ("spi", "SPI"),
        ("api_url", "API URL"),
        ("from", "From"),
    ],
)
def test_the_english_label_is_made_of_the_name(name: str, label: str) -> None:
    assert english_label(name) == label


def test_english_is_what_the_options_say_themselves() -> None:
    words = OptionWords("en")
    for scope, option in ALL:
        assert words.help(scope, option) == option.help.replace("m3", "m³")
        assert words.scope(scope) == SCOPES[scope]
        assert words.default(option) == (option.default or "")
    assert words.choice("off") == "off"
    assert words.reason("'x' is not a number.") == "'x' is not a number."


def test_a_choice_keeps_what_the_file_says_beside_what_it_means() -> None:
    words = OptionWords("nl")
    assert [words.choice(value) for value in ("off", "water", "sdm630")] == [
        "off (uit)",
        "water",
        "sdm630",
    ]
    assert words.unit("EUR/kW/year") == "EUR/kW/jaar"
    assert words.unit("EUR/m3") == "EUR/m³"


def test_every_kind_of_option_is_refused_in_the_readers_language() -> None:
    endless = Option("some", "number", None, "", "days", 0)
    bounds = [reason(endless, "-1"), reason(endless._replace(unit=""), "-1")]
    assert BAD.keys() == {option.kind for _, option in ALL}
    for kind, texts in BAD.items():
        option = Option("some", kind, None, "", "days", 0, 7, choices=("red", "blue"))
        told = bounds + [reason(option, text) for text in texts]
        told += [reason(option._replace(unit=""), text) for text in texts]
        for language in OTHERS:
            words = OptionWords(language)
            assert [why for why in told if words.reason(why) == why] == []


def reason(option: Option, text: str) -> str:
    with pytest.raises(ValueError, match=r"\w") as refused:
        option.parse(text)
    return f"{refused.value}."


def test_a_reason_keeps_what_was_typed_and_what_would_be_right() -> None:
    assert OptionWords("nl").reason("9 is out of range, it must be 0 to 7 days.") == (
        "9 kan niet, het moet 0 tot 7 dagen zijn."
    )
    assert OptionWords("fr").reason("'{x}' is not one of a, b.") == "'{x}' n'est aucun de a, b."
    assert OptionWords("de").reason("the moon is full.") == "the moon is full."


def test_every_reason_that_is_translated_is_one_that_is_given() -> None:
    trees = [ast.parse(path.read_text()) for path in (ROOT / "s0web").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    said = "\n".join(
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    for sentence in table("nl")["reasons"]:
        parts = re.split(r"{\w+}", sentence.removesuffix("."))
        assert [part for part in parts if part not in said] == []


@pytest.mark.parametrize("language", OTHERS)
def test_reasons_have_no_names_of_their_own(language: str) -> None:
    for english, words in table(language)["reasons"].items():
        known = set(re.findall(r"{\w+}", english))
        assert set(re.findall(r"{\w*}", words)) <= known, words


# -- the dialog ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages of a station that never ran, whose INI has a section of every scope."""
    path = tmp_path_factory.mktemp("words") / "s0web.ini"
    path.write_text("".join(map(section, SCOPES)))
    listening = make_server("127.0.0.1", 0, mounted(create_app(Station(path))), threaded=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}/s0/"
    listening.shutdown()
    thread.join(10)
    listening.server_close()


def section(scope: str) -> str:
    family, _, kind = scope.partition(".")
    lines = [f"[{family}:{kind}-{family}]\ntype = {kind}\n" if kind else f"[{scope}]\n"]
    for option in OPTIONS[scope]:
        if option.default is None:
            lines.append(f"{option.name} = {NEEDED[option.kind]}\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_dialog_speaks_the_readers_language_on_a_phone_and_a_desk(
    browser: Browser, url: str, language: str
) -> None:
    browser.errors()
    browser.open(f"{url}config?language={language}")
    browser.run("for (const one of document.querySelectorAll('details')) one.open = true;")
    said = "return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)"
    notes = "\n".join(browser.run(said, ".note"))
    names = browser.run(said, ".note code")
    words = OptionWords(language)
    shown = [(scope, option) for scope, option in ALL if option.kind != "hash"]
    assert set(names) == {option.name for _, option in shown}
    for scope, option in shown:
        assert words.help(scope, option) in notes
    if language != "en":
        ours = {words.help(scope, option) for scope, option in shown}
        english = {OptionWords("en").help(scope, option) for scope, option in shown} - ours
        assert [text for text in english if f" {text}" in notes and len(text) > 12] == []
    for width, height in ((1280, 800), (390, 844)):
        browser.look(width, height)
        assert browser.overflow() <= 0
        if PICTURES:
            browser.picture(Path(PICTURES) / f"options-{width}-{language}.png")
    chosen = browser.run("return [...document.querySelectorAll('select')].map((one) => one.value)")
    assert set(chosen) <= CHOICES  # what the file says, whatever is shown
    assert browser.errors() == []


def test_a_mistake_is_told_in_the_readers_language(browser: Browser, url: str) -> None:
    browser.open(f"{url}config?language=nl")
    assert browser.text(".field.bad .wrong") == "Is al in gebruik bij [source:p1-source]."

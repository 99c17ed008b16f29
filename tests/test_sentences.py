"""What the station says of itself, in the languages of the pages: the catalogues against the
source, and the matcher in a real Chromium.
"""

import json
import re
import socket
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from werkzeug.serving import make_server

from s0web.station import Station
from s0web.web import assets
from s0web.web.app import create_app
from s0web.web.server import mounted
from s0web.web.words import LANGUAGES as SPOKEN
from tests.chromium import Browser
from tests.conftest import until
from tests.dashboard_house import standing
from tests.sentences import HOLE, said, ways, words

LANGUAGES = tuple(language for language in SPOKEN if language != "en")


@cache
def catalogue(language: str) -> dict[str, str]:
    path = assets("static") / "words" / f"sentences.{language}.json"
    told: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return told


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_the_station_is_in_the_catalogue(language: str) -> None:
    there = catalogue(language).keys()
    assert sorted(piece for piece in said() if not ways(piece) & there) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_nothing_that_the_station_does_not_say(language: str) -> None:
    told = {way for piece in said() | words() for way in ways(piece)}
    assert sorted(catalogue(language).keys() - told) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_in_the_same(language: str) -> None:
    def filled(text: str) -> list[str]:
        return sorted([*HOLE.findall(text), *re.findall(r"^… ", text)])

    there = catalogue(language).items()
    wrong = [english for english, told in there if filled(english) != filled(told)]
    assert wrong == []


# -- in the browser --------------------------------------------------------------------------------

SAID = """
const [texts, done] = arguments;
import(new URL("static/sentences.js", new URL(".", location.href)))
  .then(async ({ ready, said }) => { await ready; done(texts.map(said)); })
  .catch((error) => done([String(error)]));
"""
BROKEN = """\
[s0web]
[source:grid]
type = p1
port = /dev/serial/by-id/nobody
[sink:away]
type = influx
url = http://127.0.0.1:{port}
[house]
grid = grid
[switch:boiler]
type = shelly
host = 127.0.0.1:{port}
rule = export
power = 500
"""
NO_PORT = {
    "nl": "Er is geen poort /dev/serial/by-id/nobody: zit zijn kabel in?",
    "fr": "Il n'y a pas de port /dev/serial/by-id/nobody : son câble est-il branché ?",
    "de": "Es gibt keinen Anschluss /dev/serial/by-id/nobody: ist sein Kabel eingesteckt?",
}
REFUSED = {
    "nl": "is niet te bereiken (verbinding geweigerd): staat het aan, en klopt het adres?",
    "fr": "est injoignable (connexion refusée) : est-il allumé, et l'adresse juste ?",
    "de": "ist nicht erreichbar (Verbindung abgelehnt): ist es an, und stimmt die Adresse?",
}
FLOW = {
    "nl": r"wacht tot \d+ W geïnjecteerd wordt|\d+ W wordt geïnjecteerd",
    "fr": r"attend que \d+ W soient injectés|\d+ W injectés",
    "de": r"wartet, bis \d+ W eingespeist werden|\d+ W eingespeist",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A simulated house that is well."""
    with standing(tmp_path_factory.mktemp("house"), days=0) as (_, url):
        yield url


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A house of which nothing is there."""
    path = tmp_path_factory.mktemp("broken") / "s0web.ini"
    silent = socket.socket()  # holds a port, and listens to nobody
    silent.bind(("127.0.0.1", 0))
    path.write_text(BROKEN.format(port=silent.getsockname()[1]))
    station = Station(path)
    listening = make_server("127.0.0.1", 0, mounted(create_app(station)), threaded=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    station.start()
    for name in ("source:grid", "sink:away", "boiler"):
        until(lambda name=name: _state(station, name) == "failed", name)
    yield f"http://127.0.0.1:{listening.server_port}/s0/"
    station.stop()
    silent.close()
    listening.shutdown()
    thread.join(10)
    listening.server_close()


def _state(station: Station, name: str) -> str:
    health = station.hub.snapshot().health.get(name)
    return health.state if health else ""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    errors = opened.errors()
    opened.close()
    assert errors == []


def matched(browser: Browser, texts: list[str]) -> list[Any]:
    return list(browser.driver.execute_async_script(SAID, texts))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_matcher_finds_each_sentence_and_fills_it_in(
    browser: Browser, house: str, language: str
) -> None:
    def filled(text: str) -> str:
        return re.sub(r"\{(\d)\}", r"1\1", text).replace("… ", "ttyUSB0 ")

    browser.open(f"{house}switches?language={language}")
    there = catalogue(language)
    assert matched(browser, list(map(filled, there))) == list(map(filled, there.values()))


@pytest.mark.parametrize("language", NO_PORT)
def test_what_is_broken_is_told_in_the_language_of_the_page(
    browser: Browser, broken: str, language: str
) -> None:
    browser.open(f"{broken}devices?language={language}")
    browser.until(lambda: NO_PORT[language] in browser.text("#sources"), "the meter")
    browser.until(lambda: REFUSED[language] in browser.text("#sources"), "the server")
    browser.open(f"{broken}switches?language={language}")
    browser.until(lambda: REFUSED[language].split(" (")[0] in browser.text("#cards"), "the plug")


@pytest.mark.parametrize("language", FLOW)
def test_why_a_switch_is_as_it_is_is_told_in_the_language_of_the_page(
    browser: Browser, house: str, language: str
) -> None:
    found = re.compile(FLOW[language], re.IGNORECASE)
    for path in ("switches", ""):
        browser.open(f"{house}{path}?language={language}")
        browser.until(lambda: found.search(browser.text("#cards")), path)


def test_what_is_not_known_stays_as_it_is(browser: Browser, house: str) -> None:
    texts = ["Grid is fine: 7 of 9 (or so; see it): yes.", "one line\nand a second", "", "a (b: c"]
    browser.open(f"{house}switches?language=de")
    assert matched(browser, texts) == texts
    told = (
        "db1 does not answer within 5 s: is it on, or too busy? Wholly new. It hangs on its wire."
    )
    assert matched(browser, [told]) == [
        "db1 antwortet nicht innerhalb von 5 s: ist er an, oder zu beschäftigt? Wholly new. "
        "Es hängt an seiner Leitung."
    ]
    browser.open(f"{house}switches?language=en")
    assert matched(browser, [told]) == [told]

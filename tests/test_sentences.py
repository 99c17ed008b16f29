"""What the station says of itself, in the languages of the pages: the catalogues against the
source, and the matcher in a real Chromium.
"""

import json
import re
import socket
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from s0web.station import Station
from s0web.web import assets, sentences
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


# -- on pages drawn by the station -----------------------------------------------------------------


def example(text: str) -> str:
    """A piece with something filled in."""
    return re.sub(r"\{(\d)\}", r"1\1", text).replace("… ", "ttyUSB0 ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_station_finds_each_sentence_and_fills_it_in(language: str) -> None:
    there = catalogue(language)
    told = [sentences.said(example(english), language) for english in there]
    assert told == list(map(example, there.values()))


def page(answer: TestResponse) -> str:
    """What stands on a page, without the line breaks of its file."""
    main = BeautifulSoup(answer.get_data(as_text=True), "html.parser").main
    assert main is not None
    return re.sub(r"\s+", " ", main.get_text())


ERRORS = {
    "nl": ("Hier is niets", "Op dit adres is er geen pagina.", "ze staan alle op de pagina"),
    "fr": ("Il n'y a rien ici", "Il n'y a pas de page à cette adresse.", "les nomme tous"),
    "de": ("Hier ist nichts", "Unter dieser Adresse gibt es keine Seite.", "nennt alle"),
}
REFUSALS = {
    "nl": "Er is geen beheerderswachtwoord, dus wijzigen kan alleen vanaf de machine zelf.",
    "fr": "Aucun mot de passe d'administration n'est défini : les changements",
    "de": "Es ist kein Admin-Passwort gesetzt, darum sind Änderungen nur an der Maschine",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_is_told_in_the_language_of_the_page(tmp_path: Path, language: str) -> None:
    path = tmp_path / "s0web.ini"
    path.write_text("[s0web]\nsimulate = yes\n")
    client = create_app(Station(path, threads=False)).test_client()
    head = {"Accept": "text/html", "Accept-Language": language}
    title, text, file = ERRORS[language]
    told = page(client.get("/nowhere", headers=head))
    assert title in told
    assert text in told
    assert file in page(client.get("/grafana/mysql/other.json", headers=head))
    away = {"environ_overrides": {"REMOTE_ADDR": "192.168.1.7"}}
    told = page(client.post("/backup", headers=head, **away))
    assert "Not allowed" not in told
    assert REFUSALS[language] in told


# -- in the browser --------------------------------------------------------------------------------

SAID = """
const [texts, done] = arguments;
import(new URL("static/sentences.js", new URL(".", location.href)))
  .then(async ({ ready, said }) => { await ready; done(texts.map(said)); })
  .catch((error) => done([String(error)]));
"""
MEANINGS = """
return [...document.querySelectorAll("#cards .all th")].map(({ textContent }) => textContent);
"""
WIDER = """
document.querySelectorAll("#cards details").forEach((details) => { details.open = true; });
const { scrollWidth, clientWidth } = document.documentElement;
return scrollWidth - clientWidth;
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
    "nl": "Er is geen poort /dev/serial/by-id/nobody: is zijn kabel aangesloten?",
    "fr": "Il n'y a pas de port /dev/serial/by-id/nobody : son câble est-il branché ?",
    "de": "Es gibt keinen Anschluss /dev/serial/by-id/nobody: ist sein Kabel eingesteckt?",
}
REFUSED = {
    "nl": "is niet te bereiken (verbinding geweigerd): staat het aan, en klopt het adres?",
    "fr": "est injoignable (connexion refusée) : est-il allumé, et l'adresse est-elle correcte ?",
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
def browser(tmp_path_factory: pytest.TempPathFactory, house: str, broken: str) -> Iterator[Browser]:
    """Closed before the houses end whose pages it shows."""
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
    browser.open(f"{house}switches?language={language}")
    there = catalogue(language)
    assert matched(browser, list(map(example, there))) == list(map(example, there.values()))


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


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_quantity_means_is_told_in_the_language_of_the_page(
    browser: Browser, house: str, language: str
) -> None:
    def meanings(language: str) -> set[str]:
        browser.open(f"{house}devices?language={language}")
        browser.until(lambda: browser.text("#cards .all"), "the values")
        return set(browser.run(MEANINGS))

    english = meanings("en")
    assert "Virtual relay 1: 0 off, 1 on" in english
    assert "Active power, import positive, phase L1" in english
    browser.look(390, 844)
    told = meanings(language)
    assert len(told) == len(english)
    assert told & english == set()
    assert browser.run(WIDER) <= 0
    browser.look(1280, 800)


def test_what_is_not_known_stays_as_it_is(browser: Browser, house: str) -> None:
    texts = ["Grid is fine: 7 of 9 (or so; see it): yes.", "one line\nand a second", "", "a (b: c"]
    texts.append(f"db1 does not answer within {'9' * 1100} s")  # no sentence is that long
    browser.open(f"{house}switches?language=de")
    assert matched(browser, texts) == texts
    told = (
        "db1 does not answer within 5 s: is it on, or too busy? Wholly new. It hangs on its wire."
    )
    assert matched(browser, [told]) == [
        "db1 antwortet nicht innerhalb von 5 s: ist er an, oder zu beschäftigt? Wholly new. "
        "Es hängt an seiner Leitung."
    ]
    assert [sentences.said(text, "de") for text in [*texts, told]] == [
        *texts,
        *matched(browser, [told]),
    ]
    browser.open(f"{house}switches?language=en")
    assert matched(browser, [told]) == [told] == [sentences.said(told, "en")]

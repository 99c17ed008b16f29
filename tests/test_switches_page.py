"""Who may switch from the page: the browser's own password prompt, answered as a person would."""

import json
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from websocket import WebSocket, WebSocketException, create_connection
from werkzeug.security import generate_password_hash

from s0web.station import Station
from tests.chromium import Browser
from tests.conftest import until
from tests.dashboard_house import standing

PASSWORD = "open sesame"
HOUSE = """\
[s0web]
simulate = yes
[source:main]
type = s0
pin = 4
[switch:boiler]
type = simulated
"""
ON = '[data-switch="boiler"][value="on"]'
REFUSED = "The admin password is needed to change something."
AWAY = {"X-Forwarded-For": "192.168.1.77"}  # what a web server tells of a client that is elsewhere


class Person(threading.Thread):
    """Answers the window's password prompts in turn, then presses Cancel."""

    def __init__(self, browser: Browser, passwords: Sequence[str]) -> None:
        super().__init__()
        self.asked = 0
        self._passwords = list(passwords)
        self._wire: WebSocket = create_connection(_window(browser), suppress_origin=True)
        self._number = 0
        self._tell("Fetch.enable", {"handleAuthRequests": True})
        until(lambda: "result" in json.loads(self._wire.recv()), "the prompts")

    def _tell(self, method: str, parameters: dict[str, Any]) -> None:
        self._number += 1
        said = {"id": self._number, "method": method, "params": parameters}
        self._wire.send(json.dumps(said))

    def run(self) -> None:
        with suppress(WebSocketException, OSError):  # until the person leaves
            while message := self._wire.recv():
                self._hear(json.loads(message))

    def _hear(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        which = {"requestId": parameters.get("requestId")}
        if message.get("method") == "Fetch.requestPaused":
            self._tell("Fetch.continueRequest", which)
        elif message.get("method") == "Fetch.authRequired":
            assert parameters["authChallenge"]["realm"] == "s0web"
            self.asked += 1
            self._tell("Fetch.continueWithAuth", which | {"authChallengeResponse": self._answer()})

    def _answer(self) -> dict[str, str]:
        if not self._passwords:
            return {"response": "CancelAuth"}
        password = self._passwords.pop(0)
        return {"response": "ProvideCredentials", "username": "admin", "password": password}

    def leave(self) -> None:
        self._wire.shutdown()
        self.join(10)


def _window(browser: Browser) -> str:
    """Where the window of the browser takes commands."""
    port = browser.driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
    with urllib.request.urlopen(f"http://{port}/json", timeout=5) as answer:
        windows = [one for one in json.load(answer) if one["type"] == "page"]
    return str(windows[0]["webSocketDebuggerUrl"])


@contextmanager
def person(browser: Browser, *passwords: str) -> Iterator[Person]:
    someone = Person(browser, passwords)
    someone.start()
    try:
        yield someone
    finally:
        someone.leave()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser that knows no password yet."""
    opened = Browser(tmp_path / "profile")
    yield opened
    errors = opened.errors()
    opened.close()
    assert [error for error in errors if " 401 " not in error and " 403 " not in error] == []


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Station, str]]:
    """A house with an admin password."""
    hashed = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
    text = f"{HOUSE}[web]\nadmin_password = {hashed}\n"
    with standing(tmp_path_factory.mktemp("guarded"), text, days=0) as opened:
        yield opened


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Station, str]]:
    with standing(tmp_path_factory.mktemp("unguarded"), HOUSE, days=0) as opened:
        yield opened


def pressed(browser: Browser, url: str) -> None:
    """Open the page and switch the boiler on by hand."""
    browser.open(f"{url}switches")
    browser.until(lambda: browser.text(ON), "the boiler")
    browser.click(ON)


def is_on(station: Station) -> bool:
    station.run(station.clock.now() + timedelta(seconds=1))
    return station.hub.snapshot().number("boiler", "switch") == 1


def test_who_cannot_tell_the_password_is_refused_with_a_sentence(
    browser: Browser, guarded: tuple[Station, str]
) -> None:
    station, url = guarded
    with person(browser) as nobody:
        pressed(browser, url)
        browser.until(lambda: browser.text("#answer") == REFUSED, "the refusal")
        assert nobody.asked == 1
    assert "bad" in str(browser.find("#answer").get_attribute("class"))
    assert not is_on(station)


def test_who_mistypes_the_password_is_asked_again_and_then_switches(
    browser: Browser, guarded: tuple[Station, str]
) -> None:
    station, url = guarded
    with person(browser, "open barley", PASSWORD) as somebody:
        pressed(browser, url)
        browser.until(lambda: browser.text("#answer") == "Boiler: told.", "the answer")
        assert somebody.asked == 2
        browser.until(lambda: is_on(station), "the boiler on")
        browser.click(ON.replace('"on"', '"auto"'))
        browser.until(lambda: not is_on(station), "the boiler off")
        assert somebody.asked == 2  # the browser remembers


def test_without_a_password_only_the_machine_itself_switches(
    browser: Browser, unguarded: tuple[Station, str]
) -> None:
    station, url = unguarded
    browser.tell("Network.enable", {})
    browser.tell("Network.setExtraHTTPHeaders", {"headers": AWAY})
    with person(browser, PASSWORD) as stranger:
        pressed(browser, url)
        browser.until(lambda: browser.text("#answer"), "the refusal")
        assert stranger.asked == 0
    assert browser.text("#answer").startswith("No admin password is set, so changes are accepted")
    assert not is_on(station)
    browser.tell("Network.setExtraHTTPHeaders", {"headers": {}})
    pressed(browser, url)
    browser.until(lambda: browser.text("#answer") == "Boiler: told.", "the answer")
    browser.until(lambda: is_on(station), "the boiler on")

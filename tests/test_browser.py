"""The live pages and the dialog in a real Chromium, on a real server."""

import json
import os
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from s0web import config, fresh
from s0web.clock import FakeClock
from s0web.model import Health
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.server import mounted
from tests.chromium import Browser

EVENING = datetime(2026, 6, 18, 19, 34, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The INI file of the demo."""
    return tmp_path_factory.mktemp("state") / "s0web.ini"


@pytest.fixture(scope="module")
def demo(state: Path) -> Iterator[str]:
    """The address of `s0web demo` on a free port."""
    command = [sys.executable, "-m", "s0web", "demo", "--port", "0"]
    environment = {**os.environ, "S0WEB_INI": str(state)}
    with (
        (state.parent / "log").open("w") as log,
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, (state.parent / "log").read_text()
        yield found[0]
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Station, str]]:
    """A simulated house after hours of warped time, its clock standing, and its address."""
    path = tmp_path_factory.mktemp("evening") / "s0web.ini"
    zone = {"timezone": "Europe/Brussels"}
    fresh.create(path, {**fresh.DEMO, "s0web": {**fresh.DEMO["s0web"], **zone}})
    clock = FakeClock(EVENING - timedelta(hours=5))
    station = Station(path, clock, threads=False)
    station.run(EVENING + timedelta(seconds=1))
    listening = make_server("127.0.0.1", 0, mounted(create_app(station)), threaded=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield station, f"http://127.0.0.1:{listening.server_port}/s0/"
    listening.shutdown()
    thread.join(10)
    listening.server_close()
    station.stop()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """A desktop window in light colours, whose console must stay empty."""
    chromium.look(1280, 800)
    chromium.errors()
    yield chromium
    errors = chromium.errors()
    chromium.open("about:blank")
    chromium.live_in("", "")
    assert errors == []


def asked(demo: str, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{demo}api/v1/{path}", timeout=5) as answer:
        return dict(json.load(answer))


def shown(browser: Browser, demo: str) -> None:
    """Open the live page and wait for values."""
    browser.open(demo)
    browser.until(lambda: browser.text("#power"), "the power figure")
    browser.until(lambda: browser.text(".u-legend"), "the chart")


# -- the live page ---------------------------------------------------------------------------------


def test_the_live_page_shows_power_that_changes_and_draws_it(browser: Browser, demo: str) -> None:
    shown(browser, demo)
    first = browser.text(".figure")
    browser.until(lambda: browser.text(".figure") != first, "another figure")
    assert re.search(r"Importing|Exporting|Nothing", browser.text(".figure h1"))
    drawn = ("--import", "--export", "--line-1")
    browser.until(lambda: sum(map(browser.coloured, drawn)) > 50, "a line in the chart")


def unfold(browser: Browser) -> None:
    browser.run("document.querySelectorAll('details').forEach((folded) => { folded.open = true; })")


def test_the_page_of_devices_tells_of_every_meter_and_its_state(
    browser: Browser, demo: str
) -> None:
    browser.open(f"{demo}devices")
    browser.until(
        lambda: len(browser.run("return document.querySelectorAll('.sources .ok')")) >= 8, "sources"
    )
    wanted = {
        *("Meter readings", "Phases", "Quarter-hour peak", "Gas", "Water", "Main"),
        *("Meter", "Solar", "Mains", "Wires", "Sources"),
    }
    titles = "return [...document.querySelectorAll('h2')].map((h) => h.textContent)"
    browser.until(lambda: wanted <= set(browser.run(titles)), f"{wanted}")

    def told() -> str:
        """It rises while the low tariff is in force."""
        return f"{asked(demo, 'readings/grid')['values']['energy_import_low']['value']:,.3f}"

    browser.until(lambda: told() in browser.text("#cards"), "the low tariff register")
    assert "made up" in browser.text("#banners")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("path", ["", "config", "grafana/"])
def test_text_is_readable_in_light_and_dark(
    browser: Browser, demo: str, path: str, dark: bool
) -> None:
    browser.look(1280, 800, dark)
    if path:
        browser.open(demo + path)
    else:
        shown(browser, demo)
    unfold(browser)
    assert browser.faint() == []
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", paper))) < 64) == dark


@pytest.mark.parametrize("width", [320, 360])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, demo: str, width: int) -> None:
    browser.look(width, 740)
    shown(browser, demo)
    unfold(browser)
    assert browser.overflow() <= 0
    browser.open(f"{demo}config")
    unfold(browser)
    assert browser.overflow() <= 0


def test_a_lost_connection_is_told_and_the_last_values_stay(browser: Browser, demo: str) -> None:
    shown(browser, demo)
    browser.connect(False)
    browser.until(lambda: "Connection lost" in browser.text("#banners"), "the banner")
    assert browser.text("#power")
    browser.connect(True)
    browser.until(lambda: "Connection lost" not in browser.text("#banners"), "its end")
    assert all("ERR_INTERNET_DISCONNECTED" in error for error in browser.errors())


@pytest.mark.timeout(600)  # its house calculates, however busy the machine is
def test_a_day_shows_both_directions(browser: Browser, evening: tuple[Station, str]) -> None:
    browser.live_in("Europe/Brussels", "en-GB")
    shown(browser, evening[1])
    browser.until(lambda: browser.coloured("--import") > 50, "import")
    browser.until(lambda: browser.coloured("--export") > 50, "export")
    assert "21:34:20" in browser.text(".figure")


def test_old_values_stay_with_their_age_and_the_reason_is_told(
    browser: Browser, evening: tuple[Station, str]
) -> None:
    station, url = evening
    since = EVENING + timedelta(minutes=17)
    trouble = Health("failed", since, "ttyUSB0 gives no bytes", "Is the cable plugged in?")
    station.hub.report("grid", trouble)
    station.clock.wait(threading.Event(), 18 * 60)
    browser.live_in("Europe/Brussels", "en-GB")
    shown(browser, url)
    assert "Old value, 18 min ago" in browser.text(".figure.old")
    browser.open(f"{url}devices")
    browser.until(lambda: browser.text(".sources .failed"), "the sources")
    assert "Last news 21:34, 18 min ago" in browser.text(".card.old")
    told = "Since 21:51. ttyUSB0 gives no bytes. Is the cable plugged in?"
    assert told in browser.text(".sources .failed")


# -- the dialog ------------------------------------------------------------------------------------


def test_a_changed_option_is_saved_and_its_application_is_shown(
    browser: Browser, demo: str, state: Path
) -> None:
    browser.open(f"{demo}config")
    unfold(browser)
    browser.type('[name="source:garden|pulses_per_m3"]', "250")
    assert browser.find("#unsaved").is_displayed()
    browser.click(".save button")
    browser.until(lambda: browser.text("#done") == "Saved and applied.", "the application")
    assert "pulses_per_m3 = 250\n" in state.read_text()


def test_a_bad_value_is_told_beside_its_field(browser: Browser, demo: str, state: Path) -> None:
    before = config.load(state).digest
    browser.open(f"{demo}config")
    browser.click("#section-source-main > summary")
    browser.type('[name="source:main|pin"]', "four")
    browser.click(".save button")
    browser.until(lambda: browser.text(".field.bad .wrong"), "the message")
    assert browser.text(".field.bad .wrong") == "'four' is not a whole number."
    assert browser.find(".field.bad .wrong").is_displayed()
    assert browser.run("return document.activeElement.name") == "source:main|pin"
    assert config.load(state).digest == before
    assert [error for error in browser.errors() if " 400 " not in error] == []


def test_a_source_is_added_and_removed(browser: Browser, demo: str, state: Path) -> None:
    browser.open(f"{demo}config")
    browser.click(".add:has([form=add-source-s0]) summary")
    browser.type("#add-source-s0-name", "heatpump")
    browser.type('[form="add-source-s0"][name="new|pin"]', "22")
    browser.click('[form="add-source-s0"][value="add"]')
    browser.until(lambda: browser.text("#done") == "Added and applied.", "the new source")
    assert "[source:heatpump]\n" in state.read_text()
    assert "heatpump" in asked(demo, "readings")["devices"]
    browser.click("#section-source-heatpump > summary")
    browser.click(".remove:has([value='remove:source:heatpump']) summary")
    browser.click("[value='remove:source:heatpump']")
    browser.until(lambda: browser.text("#done") == "Removed and applied.", "its end")
    assert "heatpump" not in state.read_text()


def test_every_field_looks_like_one(browser: Browser, demo: str, state: Path) -> None:
    """Also that of a secret, which only some kinds of section have."""
    config.save(state, {"source:far": {"type": "remote"}})
    browser.open(f"{demo}config")
    unfold(browser)
    heights = browser.run(
        "return [...document.querySelectorAll('.field :is(input, select):not(.switch)')]"
        ".filter((field) => field.checkVisibility())"
        ".map((field) => [field.name, field.offsetHeight])"
    )
    assert "source:far|token" in dict(heights)
    assert [name for name, height in heights if height < 40] == []
    config.save(state, {}, ("source:far",))


def test_a_counter_is_corrected(browser: Browser, demo: str) -> None:
    browser.open(f"{demo}config")
    browser.click("#section-source-main > summary")
    browser.click(".correct:has([form=correct-main]) summary")
    browser.type("#correct-main-reading", "5000")
    browser.click('[value="correct:main"]')
    browser.until(lambda: "corrected" in browser.text("[role=status]"), "the answer")
    register = "readings/main"
    browser.until(
        lambda: asked(demo, register)["values"]["energy_import"]["value"] >= 5000, "the correction"
    )
    assert asked(demo, register)["values"]["energy_import"]["value"] < 5001

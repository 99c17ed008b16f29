"""The pages in a real Chromium, of a house with months behind it: `S0WEB_SCREENSHOTS=docs pytest
tests/test_dashboard.py` draws the pictures of the docs anew.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from s0web.station import Station
from tests.chromium import Browser
from tests.dashboard_house import INI, standing

PICTURES = os.environ.get("S0WEB_SCREENSHOTS", "")  # a folder; none: no pictures
PAGES = {  # what must be there before a page is looked at
    "": "#chart .u-legend",
    "history": "#bars rect.bar",
    "history?span=month&unit=euro&compare=before": "#bars path.then",
    "devices": ".sources li.ok",
    "switches": ".switching",
    "config": "#options",
}
LOOKS = [(390, 844, "de"), (1280, 800, "fr")]
if PICTURES:
    LOOKS += [(390, 844, "en"), (1280, 800, "en")]
BARE = "[s0web]\nsimulate = yes\n[source:main]\ntype = s0\npin = 4\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Station, str]]:
    with standing(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(house: tuple[Station, str]) -> str:
    return house[1]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    opened.live_in("Europe/Brussels", "en-GB")
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
    assert errors == []


def shown(browser: Browser, url: str, path: str = "") -> None:
    browser.open(url + path)
    there = "return document.querySelector(arguments[0]) !== null"
    browser.until(lambda: browser.run(there, PAGES[path]), path)


@pytest.mark.parametrize(("width", "height", "language"), LOOKS)
def test_every_page_is_for_everybody(
    browser: Browser, url: str, width: int, height: int, language: str
) -> None:
    """Phone and desk, light and dark: axe-core finds nothing serious, texts have contrast, and
    nothing scrolls sideways.
    """
    browser.open(f"{url}nowhere.html?language={language}")
    assert [error for error in browser.errors() if " 404 " not in error] == []
    for path in PAGES:
        browser.look(width, height)
        shown(browser, url, path)
        assert browser.run("return document.documentElement.lang") == language
        for dark in (False, True):
            browser.look(width, height, dark)
            if PICTURES:
                name = re.sub(r"\W+", "-", path or "now") + f"-{width}-{language}"
                browser.picture(Path(PICTURES) / f"{name}-{'dark' if dark else 'light'}.png")
        browser.run("for (const one of document.querySelectorAll('details')) one.open = true;")
        assert browser.serious() == []
        for dark in (True, False):
            browser.look(width, height, dark)
            assert browser.faint() == []
            assert browser.overflow() <= 0
    browser.tell("Network.clearBrowserCookies", {})


def test_the_picture_says_where_power_comes_from_and_goes_to(browser: Browser, url: str) -> None:
    shown(browser, url)
    said = str(browser.run("return document.querySelector('svg.flow').getAttribute('aria-label')"))
    names = re.findall(r"(Sun|Grid|House) ([\d.]+)\u00a0(k?W)( \(\w+\))?", said)
    watts = {n: float(v) * (1000 if unit == "kW" else 1) for n, v, unit, _ in names}
    grid = watts["Grid"] * (1 if "(importing)" in said else -1)
    assert watts["House"] == pytest.approx(watts["Sun"] + grid, abs=20)
    assert browser.text(".hourly").startswith(("costs €", "brings €"))


def test_now_tells_of_the_quarter_the_day_its_cost_the_price_and_the_switch(
    browser: Browser, url: str
) -> None:
    shown(browser, url)
    for words in ("Cost of today", "Forecast at its end", "Imported", "Exported", "Gas",
                  "Cheapest hours", "Boiler"):  # fmt: skip
        browser.until(lambda words=words: words in browser.text("#cards"), words)
    assert browser.run("return document.querySelectorAll('svg.quarter .limit').length") == 1


def test_arrows_lead_back_and_forth_and_the_address_says_where(browser: Browser, url: str) -> None:
    shown(browser, url, "history")
    assert browser.text("#span-title") == "Thursday, 18 June 2026"
    assert browser.run("return document.getElementById('forth').disabled")
    browser.click("#back")
    browser.until(
        lambda: browser.text("#span-title") == "Wednesday, 17 June 2026", "the day before"
    )
    browser.click('[value="month"]')
    browser.until(lambda: browser.text("#span-title") == "June 2026", "the month")
    browser.click("#back")
    assert "span=month" in browser.driver.current_url
    assert "day=2026-05-01" in browser.driver.current_url
    browser.driver.refresh()
    browser.until(lambda: browser.text("#span-title") == "May 2026", "the same after a reload")
    days = "return document.querySelectorAll('#table tbody tr').length"
    browser.until(lambda: browser.run(days) == 31, "all its days")


def test_a_day_of_the_table_is_opened_with_the_keyboard(browser: Browser, url: str) -> None:
    shown(browser, url, "history?span=month&unit=euro&compare=before")
    browser.click("#table > summary")
    browser.run("document.querySelector('#table .link[data-day=\"2026-06-10\"]').focus()")
    browser.driver.switch_to.active_element.send_keys("\ue007")
    browser.until(lambda: browser.text("#span-title") == "Wednesday, 10 June 2026", "the day")


def test_two_periods_are_compared_in_euro_and_the_sum_is_that_of_the_rows(
    browser: Browser, url: str
) -> None:
    shown(browser, url, "history?span=month&unit=euro&compare=before")
    assert "May 2026" in browser.text("#totals")
    row = (
        "return [...document.querySelectorAll('#table tbody tr')].map((row) =>"
        " row.querySelector('td').textContent)"
    )
    told = [float(text.strip("€")) for text in browser.run(row) if text != "–"]
    whole = re.search(r"Import, high tariff€([\d.]+)", browser.text("#totals"))
    assert whole is not None
    assert sum(told) == pytest.approx(float(whole[1]), abs=0.005 * len(told))


def test_what_is_shown_is_saved_as_csv(browser: Browser, url: str, tmp_path: Path) -> None:
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    browser.tell("Browser.setDownloadBehavior", folder)
    shown(browser, url, "history?span=month&unit=euro&compare=before")
    browser.click("#csv")
    browser.until(lambda: any(one.stat().st_size for one in tmp_path.glob("*.csv")), "the file")
    (file,) = tmp_path.glob("*.csv")
    head, *lines = file.read_text().splitlines()
    assert file.name == "electricity_month_2026-06-01_2026-07-01.csv"
    assert head.startswith("start,import_high [EUR],import_low [EUR],fixed [EUR],export [EUR],")
    assert len(lines) == 30
    assert [line.partition(",")[0] for line in lines[:2]] == ["2026-06-01", "2026-06-02"]
    numbers = [number for line in lines for number in line.split(",")[1:]]
    assert all(len(number.partition(".")[2]) <= 6 for number in numbers)


def test_only_whole_spans_are_compared_by_percent(browser: Browser, url: str) -> None:
    """What runs is no less than what is over."""
    for monday, compared in (
        ("2026-06-08", r"[\d.]+ kWh \(.?\d+ %\)"),
        ("2026-06-15", r"[\d.]+ kWh"),
    ):
        browser.open(f"{url}history?span=week&compare=before&day={monday}")
        browser.until(lambda: browser.text("#totals .then + b"), "the other week")
        assert re.fullmatch(compared, browser.text("#totals .then + b"))


def test_a_day_that_is_not_booked_to_its_end_is_pale(browser: Browser, url: str) -> None:
    shown(browser, url, "history?span=month&unit=euro&compare=before")
    pale = browser.driver.find_elements("css selector", "#bars .partial")
    assert len(pale) == 1
    browser.click("#table summary")
    rows = browser.driver.find_elements("css selector", "#table tbody tr")
    (running,) = (row.text for row in rows if "(not whole)" in row.text)
    assert running.startswith("Thu 18 Jun")


def test_it_says_how_much_of_the_simulated_past_is_there(
    browser: Browser, house: tuple[Station, str]
) -> None:
    station, url = house
    before = station.hub.snapshot().health["sink:archive"]
    told = "27% of the simulated past is filled in"
    station.hub.report("sink:archive", replace(before, text=told))
    shown(browser, url)
    browser.until(lambda: f"made up. {told}." in browser.text("#banners"), "how much")
    station.hub.report("sink:archive", before)


def test_a_switch_is_overridden_by_hand_and_given_back(
    browser: Browser, house: tuple[Station, str]
) -> None:
    station, url = house
    shown(browser, url, "switches")
    browser.click('[data-switch="boiler"][value="on"]')
    browser.until(lambda: "Boiler: told." in browser.text("#answer"), "the answer")

    def later(css: str) -> str:
        station.run(station.clock.now() + timedelta(seconds=1))
        return browser.text(css)

    browser.until(lambda: "On by hand until 14:2" in later("#cards"), "the state")
    browser.click('[data-switch="boiler"][value="auto"]')
    pressed = '[data-switch="boiler"][aria-pressed="true"]'
    browser.until(lambda: later(pressed) == "By rule", "its rule again")


def test_a_choice_of_language_stays(browser: Browser, url: str) -> None:
    shown(browser, url, "switches")
    browser.click(".languages a[lang=fr]")
    browser.until(lambda: browser.text("h1") == "Interrupteurs", "French")
    shown(browser, url)
    browser.until(lambda: "Aujourd'hui" in browser.text("#cards"), "words of the script")
    browser.tell("Network.clearBrowserCookies", {})


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standing(tmp_path_factory.mktemp("bare"), BARE, days=0) as (_, address):
        yield address


def test_what_is_not_set_up_is_an_invitation(browser: Browser, bare: str) -> None:
    browser.open(bare)
    browser.until(lambda: browser.text(".invite"), "an invitation")
    link = str(browser.run("return document.querySelector('.invite a').getAttribute('href')"))
    browser.open(f"{bare}switches")
    browser.until(lambda: "Nothing is switched yet" in browser.text("#cards"), "no switch")
    browser.open(f"{bare}history?unit=euro")
    browser.until(lambda: "Costs need a contract" in browser.text("#totals"), "no contract")
    browser.open(bare + link.removeprefix("/s0/"))
    browser.until(lambda: browser.find("[name='house|grid']").is_displayed(), "the part unfolded")


def test_battery_and_car_are_in_the_picture(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    more = "battery = meter\ncar = main\n"
    meters = BARE.partition("[source:main]")[2]
    text = INI.replace("solar = solar\n", f"solar = solar\n{more}") + f"[source:main]{meters}"
    text += "[source:meter]\ntype = modbus\nport = simulated-bus\nmodel = sdm630\n"
    with standing(tmp_path_factory.mktemp("battery"), text, days=0) as (_, address):
        shown(browser, address)
        count = "return document.querySelectorAll('svg.flow .node').length"
        browser.until(lambda: browser.run(count) == 5, "all five")
        if PICTURES:
            browser.picture(Path(PICTURES) / "battery.png")

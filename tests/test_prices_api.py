"""/s0/api/v1/prices: what is known of prices, and what a kWh costs by the contract in force."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient

from s0web import config
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.energy.price_book import Slot
from s0web.model import Health, Reading
from s0web.station import Station
from s0web.web.app import create_app
from tests.conftest import until

BRUSSELS = ZoneInfo("Europe/Brussels")
NOW = datetime(2026, 11, 21, 11, 20, tzinfo=UTC)  # 12:20 in Brussels
DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
TODAY = datetime(2026, 11, 21, tzinfo=BRUSSELS).astimezone(UTC)
SECTIONS = """\
[s0web]
timezone = Europe/Brussels
[source:grid]
type = p1
port = simulated
[house]
grid = grid
[prices]
provider = energy-charts
zone = NL
"""
DYNAMIC = """\
[contract:power]
type = electricity
from = 2026-11-21
tariff = dynamic
spot_offset = 0.01
network = 0.05
vat = 10
export_spot_offset = -0.02
"""
DAY_NIGHT = """\
[contract:power]
type = electricity
tariff = day_night
import_rate = 0.3
import_rate_low = 0.2
export_rate = 0.05
export_rate_low = 0.04
"""


class Opened(Station):
    """One that does not run, with an archive."""

    history: History | None = None


class House:
    def __init__(self, ini: Path, text: str) -> None:
        ini.write_text(text)
        self.clock = FakeClock(NOW)
        self.station = Opened(ini, self.clock)
        self.station.config = config.load(ini)
        self.client: FlaskClient = create_app(self.station).test_client()

    def know(self, start: datetime, days: int) -> None:
        """A price is the local hour, in EUR/MWh, less 3 at 03:00."""
        times = [start + n * QUARTER for n in range(96 * days)]
        slots = [Slot(t, t + QUARTER, self.price(t), "energy-charts") for t in times]
        self.station.book.add(slots, min((start, *(s.start for s in self.station.book.slots))))

    def price(self, time: datetime) -> float:
        hour = time.astimezone(BRUSSELS).hour
        return -1.5 if hour == 3 else float(hour)

    def get(self, **asked: str) -> Any:
        answer = self.client.get("/api/v1/prices", query_string=asked)
        assert answer.status_code == 200, answer.text
        return answer.get_json()


def test_today_and_tomorrow_with_what_a_kwh_costs(ini: Path) -> None:
    house = House(ini, SECTIONS + DYNAMIC)
    house.know(TODAY - DAY, 3)
    said = house.get()
    assert (said["unit"], said["zone"], said["provider"], said["note"]) == (
        "EUR/MWh",
        "NL",
        "energy-charts",
        "",
    )
    assert (said["from"], said["to"]) == ("2026-11-20T23:00:00.000Z", "2026-11-22T23:00:00.000Z")
    assert len(said["slots"]) == 2 * 96
    assert said["now"] == {
        "start": "2026-11-21T11:15:00.000Z",
        "end": "2026-11-21T11:30:00.000Z",
        "spot": 12.0,
        "import": 0.0792,  # (0.01 + 0.012 + 0.05) x 1.1
        "export": -0.008,
    }
    assert [hour["spot"] for hour in said["cheapest"]] == [-1.5, 0.0, 1.0]
    assert said["cheapest"][0] == {
        "start": "2026-11-22T02:00:00.000Z",
        "end": "2026-11-22T03:00:00.000Z",
        "spot": -1.5,
    }


def test_from_a_day_on_prices_are_told_up_to_tomorrow(ini: Path) -> None:
    house = House(ini, SECTIONS)
    house.know(TODAY - DAY, 3)
    assert len(house.get(**{"from": "2026-11-20"})["slots"]) == 3 * 96
    assert len(house.get(to="2026-11-21")["slots"]) == 96


def test_before_the_contract_a_price_has_no_rate(ini: Path) -> None:
    house = House(ini, SECTIONS + DYNAMIC)
    house.know(TODAY - DAY, 3)
    slots = house.get(**{"from": "2026-11-20", "to": "2026-11-22"})["slots"]
    assert [slot["import"] is None for slot in slots] == [True] * 96 + [False] * 96


def test_day_and_night_are_those_of_the_meter_now_and_of_the_clock_later(ini: Path) -> None:
    house = House(ini, SECTIONS + DAY_NIGHT)
    house.know(TODAY, 1)
    house.station.hub.publish([Reading("grid", NOW, {"power": 1.0}, {"tariff": "high"})])
    said = house.get()  # a Saturday: low by the clock
    assert (said["now"]["import"], said["now"]["export"]) == (0.3, 0.05)
    assert {(slot["import"], slot["export"]) for slot in said["slots"]} == {(0.2, 0.04)}


def test_without_prices_there_is_nothing_but_a_note(ini: Path) -> None:
    house = House(ini, SECTIONS)
    health = Health("failed", NOW, "no day-ahead price is known since 11:00 on 21 Nov: no route")
    house.station.hub.report("prices", health)
    said = house.get()
    assert (said["now"], said["slots"], said["cheapest"]) == (None, [], [])
    assert said["note"] == health.text


def test_who_told_in_place_of_whom_is_noted(ini: Path) -> None:
    house = House(ini, SECTIONS)
    labels = {"provider": "energy-charts", "note": "entsoe answers 503"}
    house.station.hub.publish([Reading("prices", NOW, {"price_spot": 1.0}, labels)])
    assert house.get()["note"] == "entsoe answers 503"


def test_older_prices_come_out_of_the_archive(ini: Path) -> None:
    house = House(ini, SECTIONS)
    archive = Archive(ini.with_name("archive.db"), house.clock)
    archive.open()
    start = TODAY - 10 * DAY
    times = [start + n * QUARTER for n in range(96 * 10)]
    archive.write([Reading("prices", t, {"price_spot": house.price(t)}) for t in times])
    house.station.history = History(archive, BRUSSELS)
    house.know(TODAY - DAY, 2)
    slots = house.get(**{"from": "-20d", "to": "2026-11-22"})["slots"]
    assert len(slots) == 11 * 96
    assert slots[0]["start"] == "2026-11-10T23:00:00.000Z"
    assert [slot["start"] for slot in slots] == sorted({slot["start"] for slot in slots})
    house.know(TODAY - 8 * DAY, 1)  # someone needed that day alone
    house.know(TODAY - DAY, 2)
    assert house.get(**{"from": "-20d", "to": "2026-11-22"})["slots"] == slots
    archive.close()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"from": "yesterday"}, "'yesterday' is no time"),
        ({"from": "2026-11-22", "to": "2026-11-21"}, "is not before to"),
        ({"from": "2026-01-01", "to": "2026-03-01"}, "from: prices are told of 35 days at a time"),
    ],
)
def test_what_cannot_be_told_is_refused_with_a_sentence(
    ini: Path, asked: dict[str, str], said: str
) -> None:
    answer = House(ini, SECTIONS).client.get("/api/v1/prices", query_string=asked)
    assert answer.status_code == 400
    assert said in answer.get_json()["message"]


def test_a_station_that_has_no_config_answers(ini: Path) -> None:
    station = Station(ini, FakeClock(NOW))
    answer = create_app(station).test_client().get("/api/v1/prices")
    assert answer.status_code == 200
    assert answer.get_json()["slots"] == []


# -- a running station -----------------------------------------------------------------------------


@pytest.fixture
def running(ini: Path) -> Iterator[Station]:
    prices = "[prices]\nprovider = simulated\n"
    ini.write_text(f"[s0web]\nsimulate = yes\n[source:main]\ntype = s0\npin = 4\n{prices}")
    station = Station(ini)
    station.start()
    yield station
    station.stop()


def test_the_simulated_house_has_prices_until_they_are_taken_away(running: Station) -> None:
    client = create_app(running).test_client()
    until(lambda: running.hub.snapshot().get("prices", "price_spot"), "a price")
    said = client.get("/api/v1/prices").get_json()
    assert said["now"]["spot"] == running.hub.snapshot().number("prices", "price_spot")
    assert len(said["slots"]) >= 90
    assert len(said["cheapest"]) <= 3
    config.save(running.path, {"prices": {"provider": "none"}})

    def told() -> Any:
        return client.get("/api/v1/prices").get_json()

    until(lambda: told()["provider"] == "none", "the prices to go")
    assert told()["now"] is None

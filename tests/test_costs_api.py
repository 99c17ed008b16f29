"""Costs over HTTP, of a real archive."""

import csv
import io
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
from s0web.errors import StationError
from s0web.model import Command, Reading
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.costs import costs_document

BRUSSELS = ZoneInfo("Europe/Brussels")
START = datetime(2026, 3, 27, tzinfo=BRUSSELS)
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
INI = """\
[s0web]
timezone = Europe/Brussels
[house]
grid = grid
[source:grid]
type = p1
port = x
[contract:home]
type = electricity
import_rate = 0.30
export_rate = 0.05
[contract:gas]
type = gas
rate = 1.2
"""


class Opened(Station):
    """One that does not run, with an archive."""

    history: History | None = None
    told: list[Command]

    def tell(self, command: Command) -> None:
        if self.state != "running":
            raise StationError("The station is starting.")
        self.told.append(command)


class House:
    def __init__(self, ini: Path) -> None:
        ini.write_text(INI)
        self.clock = FakeClock(START.astimezone(UTC))
        self.archive = Archive(ini.with_name("archive.db"), self.clock)
        self.archive.open()
        self.station = Opened(ini, self.clock)
        self.station.told = []
        self.station.config = config.load(ini)
        self.station.history = History(self.archive, BRUSSELS)
        self.client: FlaskClient = create_app(self.station).test_client()

    def book(self, days: int) -> None:
        """Quarters of a cent and a half, 0.1 cent of them fixed, and a cent of gas."""
        begin, clock = START.astimezone(UTC), self.clock
        quarters = round(((START + days * DAY).timestamp() - START.timestamp()) / 900)
        for number in range(quarters):
            end = begin + (number + 1) * QUARTER
            parts = {"cost_import": 0.017, "cost_export": -0.003, "cost_fixed": 0.001}
            parts["cost_import_high"] = 0.017
            power = Reading("costs.electricity", end, {"cost": 0.015, **parts})
            gas = {"cost": 0.01, "cost_volume": 0.01, "cost_fixed": 0.0}
            self.archive.write([power, Reading("costs.gas", end, gas)])
        clock.advance((begin + quarters * QUARTER - clock.now()).total_seconds() + 1)

    def get(self, status: int = 200, **asked: object) -> Any:
        asked = {name.rstrip("_"): value for name, value in asked.items()}
        answer = self.client.get("/api/v1/costs", query_string=asked)
        assert answer.status_code == status, answer.text
        return answer.json


@pytest.fixture
def house(ini: Path) -> Iterator[House]:
    house = House(ini)
    yield house
    house.archive.close()


def test_costs_are_told_by_local_day_and_sum_to_the_cent(house: House) -> None:
    house.book(4)
    told = house.get(from_="2026-03-27")
    assert [day["start"] for day in told["periods"]] == [
        "2026-03-26T23:00:00.000Z",
        "2026-03-27T23:00:00.000Z",
        "2026-03-28T23:00:00.000Z",
        "2026-03-29T22:00:00.000Z",
    ]
    assert [day["total"] for day in told["periods"]] == [2.4, 2.4, 2.3, 2.4]
    assert told["periods"][2]["electricity"] == {
        "cost": 1.38,
        "import": 1.564,
        "import_high": 1.564,
        "export": -0.276,
        "fixed": 0.092,
    }
    assert told["periods"][2]["gas"] == {"cost": 0.92, "volume": 0.92, "fixed": 0.0}
    assert told["totals"]["total"] == 9.5
    assert told["totals"]["gas"]["volume"] == pytest.approx(3.8)
    assert (told["carriers"], told["currency"]) == (["electricity", "gas"], "EUR")
    assert told["booked_until"] == dict.fromkeys(("electricity", "gas"), "2026-03-30T22:00:00.000Z")


@pytest.mark.parametrize(
    ("period", "count"), [("quarter", 380), ("hour", 95), ("week", 2), ("month", 1), ("year", 1)]
)
def test_every_period_has_the_same_sum(house: House, period: str, count: int) -> None:
    house.book(4)
    told = house.get(period=period, from_="2026-03-27")
    assert len(told["periods"]) == count
    assert sum(one["total"] for one in told["periods"]) == pytest.approx(9.5, abs=1e-6)
    assert told["totals"]["total"] == 9.5


def test_a_long_range_is_told_in_pages(house: House) -> None:
    house.book(30)
    told = house.get(period="quarter", from_="2026-03-27", to="2026-04-26")
    pages = [told]
    while "next" in pages[-1]:
        answer = house.client.get(pages[-1]["next"])
        assert answer.json is not None
        pages.append(answer.json)
    periods = [one["start"] for page in pages for one in page["periods"]]
    assert len(periods) == len(set(periods)) == 30 * 96 - 4
    assert len(pages) == 2


def test_the_file_has_the_same_numbers(house: House) -> None:
    house.book(2)
    answer = house.client.get("/api/v1/costs.csv?from=2026-03-27")
    assert answer.status_code == 200
    assert "costs_day_20260326.csv" in answer.headers["Content-Disposition"]
    head, first, second = csv.reader(io.StringIO(answer.text))
    assert head[:4] == ["start", "end", "total [EUR]", "electricity cost [EUR]"]
    assert first[:4] == ["2026-03-27T00:00:00+01:00", "2026-03-28T00:00:00+01:00", "2.4", "1.44"]
    assert second[2:4] == first[2:4]


def test_now_tells_the_rate_and_what_an_hour_costs(house: House) -> None:
    hub = house.station.hub
    assert house.get()["now"] == {"tariff": "single", "import": 0.3, "export": 0.05}
    hub.publish([Reading("grid", house.clock.now(), {"power": 1500.0})])
    assert house.get()["now"]["per_hour"] == 0.45
    hub.publish([Reading("grid", house.clock.now(), {"power": -2000.0})])
    assert house.get()["now"]["per_hour"] == -0.1
    house.clock.advance(61)
    assert "per_hour" not in house.get()["now"]
    house.station.config = config.parse(house.station.path, "")
    told = house.get()
    assert (told["now"], told["carriers"], told["periods"]) == (None, [], [])
    assert told["totals"] == {"total": 0}


def test_nonsense_and_a_closed_archive_are_sentences(house: House) -> None:
    message = house.get(400, period="fortnight")["message"]
    assert message.startswith("period: 'fortnight' is none: take one of quarter, hour, day, week")
    assert "is no time" in house.get(400, from_="x")["message"]
    now = house.clock.now()
    with pytest.raises(ValueError, match="is none"):
        costs_document(house.station, "x", now - DAY, now)
    house.station.history = None
    assert "The archive is not open" in house.get(503)["message"]
    with pytest.raises(StationError, match="archive is not open"):
        costs_document(house.station, "day", now - DAY, now)


def test_a_document_for_others_is_the_same(house: House) -> None:
    house.book(2)
    told = costs_document(house.station, "day", START, house.clock.now())
    assert told["periods"] == house.get(from_="2026-03-27")["periods"]


def test_reprice_is_a_command_for_those_who_may_change(house: House) -> None:
    where = "/api/v1/costs/reprice"
    assert house.client.post(where).status_code == 400
    assert house.client.post(f"{where}?from=2026-03-01").status_code == 503  # still starting
    house.station.state = "running"
    old = house.client.post(f"{where}?from=2014-01-01")
    assert (old.status_code, "last 731 days" in old.text) == (400, True)
    asked = {"from": "2026-03-01", "to": "2026-03-08"}
    answer = house.client.post(where, data=asked)
    assert (answer.status_code, answer.json) == (
        202,
        {"from": "2026-02-28T23:00:00.000Z", "to": "2026-03-07T23:00:00.000Z"},
    )
    (command,) = house.station.told
    assert command[:2] == ("costs", "reprice")
    assert command.value == datetime(2026, 3, 1, tzinfo=BRUSSELS).timestamp()
    assert command.reason == "2026-03-07T23:00:00+00:00"
    stranger = {"Sec-Fetch-Site": "cross-site"}
    assert house.client.post(where, data=asked, headers=stranger).status_code == 403
    assert len(house.station.told) == 1

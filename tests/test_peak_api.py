"""The quarter-hour peak over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft4Validator

from s0web import config
from s0web.clock import FakeClock
from s0web.energy import capacity
from s0web.errors import StationError
from s0web.model import Health, Reading
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.peak import peak_document
from tests.conftest import until

NOW = datetime(2026, 3, 2, 12, 5, tzinfo=UTC)
HOUSE = (
    "[s0web]\ntimezone = Europe/Brussels\n[source:grid]\ntype = p1\nport = x\n"
    "[house]\ngrid = grid\n[peak]\n"
)


class House:
    """A station that does not run, whose Hub knows what a test tells it."""

    def __init__(self, ini: Path, text: str = HOUSE) -> None:
        ini.write_text(text)
        self.clock = FakeClock(NOW)
        self.station = Station(ini, self.clock)
        self.station.config = config.load(ini)
        self.client: FlaskClient = create_app(self.station).test_client()

    def tell(self, labels: dict[str, str] | None = None, **values: float) -> None:
        known = {"demand": 900.0, "demand_forecast": 2100.0, "peak": 3000.0, "peak_alarm": 0.0}
        words = {"month": "2026-03", "from": "meter", "time": "2026-03-01T18:00:00Z"}
        words |= {"computed": "", "months": "[]"}
        self.station.hub.publish([Reading("peak", NOW, known | values, words | (labels or {}))])
        self.station.hub.report("peak", Health("ok", NOW))

    def get(self, status: int = 200) -> Any:
        answer = self.client.get("/api/v1/peak")
        assert answer.status_code == status, answer.text
        return answer.json


def months(*watts: float | None) -> str:
    """Those before March 2026, newest first; None: one without a peak."""
    names = ("2026-02", "2026-01", *(f"2025-{12 - n:02d}" for n in range(12)))
    row = {"time": None, "from": "meter", "computed": None}
    known = [(name, power) for name, power in zip(names, watts, strict=False) if power is not None]
    return json.dumps([{"month": name, "peak": power} | row for name, power in known])


def test_the_running_quarter_and_the_month(ini: Path) -> None:
    house = House(ini)
    house.tell({"computed": "3100"})
    said = house.get()
    assert said["device"] == "grid"
    assert said["quarter"] == {
        "start": "2026-03-02T12:00:00.000Z",
        "end": "2026-03-02T12:15:00.000Z",
        "elapsed": 0.3333,
        "demand": 900.0,
        "forecast": 2100.0,
    }
    assert said["month"] == {
        "start": "2026-02-28T23:00:00.000Z",
        "peak": 3000.0,
        "time": "2026-03-01T18:00:00Z",
        "from": "meter",
        "computed": 3100.0,
    }
    assert (said["floor"], said["limit"], said["gap"], said["alarm"]) == (2500, 3000, 900, "none")
    assert said["text"] == "The quarter-hour until 13:15 will come to 2.10 kW, of 3.00 kW."
    assert said["cost"] is None
    assert said["months"] == []


def test_an_alarm_says_what_may_still_be_taken(ini: Path) -> None:
    house = House(ini)
    house.tell(demand_forecast=4200.0, peak_alarm=1.0, demand=1000.0)
    said = house.get()
    assert said["alarm"] == "will_exceed"
    assert said["gap"] == -1200
    assert said["text"] == (
        "The quarter-hour until 13:15 will come to 4.20 kW and exceed 3.00 kW, unless no more than "
        "3.00 kW is taken until then."
    )
    house.tell(demand_forecast=4200.0, peak_alarm=2.0, demand=3100.0)
    said = house.get()
    assert said["alarm"] == "has_exceeded"
    assert "has exceeded 3.00 kW: 3.10 kW by now" in said["text"]


def test_an_alarm_that_lasts_says_nothing_untrue(ini: Path) -> None:
    house = House(ini)
    house.tell(demand_forecast=2950.0, peak_alarm=1.0, demand=1000.0)
    said = house.get()
    assert said["alarm"] == "will_exceed"
    assert said["text"] == "The quarter-hour until 13:15 will come to 2.95 kW, of 3.00 kW."


def test_a_quarter_that_ended_is_not_told_as_the_next_one(ini: Path) -> None:
    """The meter tells what came to it some seconds later."""
    house = House(ini)
    house.tell(demand=3100.0, demand_forecast=3200.0, peak_alarm=2.0)
    house.clock.advance(605)  # 13:15:05
    said = house.get()
    assert said["quarter"]["start"] == "2026-03-02T12:00:00.000Z"
    assert said["quarter"]["elapsed"] == 1
    assert said["text"] == "The quarter-hour until 13:15 came to 3.10 kW, of 3.00 kW."
    house.tell(demand=0.0, demand_forecast=900.0)  # stamped as before: nothing was used yet
    assert house.get()["quarter"]["start"] == "2026-03-02T12:15:00.000Z"


def test_what_a_kw_costs_and_what_the_forecast_would(ini: Path) -> None:
    house = House(ini, HOUSE + "area = antwerpen\n")
    house.tell({"months": months(*[4000] * 6, *[1000] * 7)}, demand_forecast=4000.0)
    cost = house.get()["cost"]
    mean = (3000 + 6 * 4000 + 5 * 2500) / 12  # this month, and eleven before it
    assert cost == {
        "area": "antwerpen",
        "per_kw_year": 52.37,
        "per_kw_month": 4.36,
        "mean": round(mean, 1),
        "year": round(mean / 1000 * 52.37, 2),
        "if_exceeded": 4.36,
    }


def test_a_month_without_a_peak_lets_no_older_one_count(ini: Path) -> None:
    house = House(ini, HOUSE + "area = antwerpen\n")
    house.tell({"months": months(None, *[4000] * 10, 9000, 9000)})
    assert house.get()["cost"]["mean"] == round((3000 + 10 * 4000) / 11, 1)


def test_a_rate_of_ones_own_and_a_first_month(ini: Path) -> None:
    house = House(ini, HOUSE + "capacity_rate = 60\n")
    house.tell(peak=1000.0)
    cost = house.get()["cost"]
    assert (cost["area"], cost["per_kw_year"], cost["mean"]) == ("", 60, 2500)
    assert (cost["year"], cost["if_exceeded"]) == (150, 0)


def test_the_first_minutes_of_a_month_have_no_peak_yet(ini: Path) -> None:
    house = House(ini)
    house.tell({"month": "2026-02"})
    said = house.get()
    assert (said["month"]["peak"], said["month"]["time"]) == (0, None)
    assert said["limit"] == 2500


def test_a_silent_meter_leaves_the_months(ini: Path) -> None:
    house = House(ini)
    house.tell({"months": months(4000)})
    house.station.hub.report("peak", Health("failed", NOW, "grid tells nothing."))
    said = house.get()
    assert (said["quarter"]["demand"], said["quarter"]["forecast"], said["gap"]) == (None,) * 3
    assert (said["alarm"], said["text"]) == ("none", "grid tells nothing.")
    assert said["months"][0]["peak"] == 4000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[source:grid]\ntype = p1\nport = x\n", "say in [house] grid"),
        (HOUSE + "enabled = no\n", "[peak] enabled says no"),
    ],
)
def test_where_no_peak_is_followed_it_says_what_to_do(ini: Path, text: str, said: str) -> None:
    house = House(ini, text)
    assert said in house.get(404)["message"]
    with pytest.raises(StationError, match="No peak is followed"):
        peak_document(house.station)


def test_before_anything_is_known_it_says_so(ini: Path) -> None:
    house = House(ini)
    assert "not known yet" in house.get(503)["message"]
    house.station.config = None
    assert house.get(503)["message"] == "The station is starting."


@pytest.mark.parametrize("alarm", [0.0, 1.0, 2.0])
def test_the_answer_is_as_the_description_says(ini: Path, alarm: float) -> None:
    house = House(ini, HOUSE + "area = west\n")
    house.tell({"months": months(4000, 3000)}, peak_alarm=alarm)
    described = house.client.get("/openapi.json").json
    assert described is not None
    operation = described["paths"]["/api/v1/peak"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    whole = json.loads(json.dumps(_plain(described)))
    Draft4Validator({**schema, "components": whole["components"]}).validate(house.get())


def _plain(schema: Any) -> Any:
    """OpenAPI's nullable in the words of JSON schema."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    said = {name: _plain(one) for name, one in schema.items()}
    return {"anyOf": [said, {"type": "null"}]} if said.pop("nullable", False) else said


def test_the_docs_name_what_each_area_costs() -> None:
    page = (Path(__file__).parent.parent / "docs/peak.md").read_text()
    for area, years in capacity.RATES.items():
        rate = years[2026]
        assert f"| `{area}` | {rate:.2f} | {rate / 12:.2f} |" in page


def test_a_whole_station_in_warped_time(ini: Path) -> None:
    ini.write_text(
        "[s0web]\nsimulate = yes\ntimezone = Europe/Brussels\n[source:grid]\ntype = p1\n"
        "port = simulated\n[house]\ngrid = grid\n[peak]\narea = limburg\n"
    )
    start = datetime(2026, 11, 14, 17, 50, tzinfo=UTC)  # a Saturday evening
    station = Station(ini, FakeClock(start), threads=False)
    station.run(start + timedelta(minutes=20))
    said = create_app(station).test_client().get("/api/v1/peak").json
    station.stop()
    assert said is not None
    assert said["quarter"]["start"] == "2026-11-14T18:00:00.000Z"
    assert 0.6 < said["quarter"]["elapsed"] < 0.7
    assert said["quarter"]["forecast"] >= said["quarter"]["demand"] > 0
    assert len(said["months"]) == 13
    assert said["cost"]["year"] > 2.5 * 51.99


def test_a_live_station_answers(ini: Path) -> None:
    ini.write_text(
        "[s0web]\nsimulate = yes\n[source:grid]\ntype = p1\nport = simulated\n"
        "[house]\ngrid = grid\n"
    )
    station = Station(ini)
    station.start()
    client = create_app(station).test_client()
    try:
        until(lambda: client.get("/api/v1/peak").status_code == 200, "the quarter", 20)
        until(lambda: station.hub.snapshot().labels["peak"].get("months"), "the months", 30)
        until(lambda: station.hub.snapshot().health["peak"].state == "ok", "its health")
    finally:
        station.stop()

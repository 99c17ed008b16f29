"""History and energy over HTTP, of a real archive."""

import csv
import io
import itertools
import json
import random
import sqlite3
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
from s0web.model import Reading
from s0web.station import Station
from s0web.web.app import create_app
from tests.conftest import until

BRUSSELS = ZoneInfo("Europe/Brussels")
START = datetime(2026, 3, 2, tzinfo=BRUSSELS)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Z = "2026-03-01T23:00:00.000Z"  # START


class Opened(Station):
    """One that does not run, with an archive."""

    history: History | None = None


class House:
    """An archive on a clock of its own, and the web before it."""

    def __init__(self, ini: Path) -> None:
        ini.write_text("[s0web]\ntimezone = Europe/Brussels\n[source:main]\ntype = s0\npin = 4\n")
        self.clock = FakeClock(START.astimezone(UTC))
        self.path = ini.with_name("archive.db")
        self.archive = Archive(self.path, self.clock)
        self.archive.open()
        self.station = Opened(ini, self.clock)
        self.station.config = config.load(ini)
        self.station.history = History(self.archive, BRUSSELS)
        self.client: FlaskClient = create_app(self.station).test_client()

    def tell(self, device: str = "main", meter: str = "", **values: float) -> None:
        self.archive.write([Reading(device, self.clock.now(), values, meter=meter)])

    def run(self, span: timedelta, kwh: float = 0.0, step: int = 900, meter: str = "") -> float:
        """One kWh an hour; return what the register says at the end, when nothing is told."""
        for _ in range(int(span.total_seconds()) // step):
            self.tell(meter=meter, energy_import=round(kwh, 6), power=1000.0)
            self.clock.advance(step)
            kwh += step / 3600
        return kwh

    def get(self, address: str, status: int = 200, **asked: object) -> Any:
        answer = self.client.get(f"/api/v1/{address}", query_string=asked)
        assert answer.status_code == status, answer.text
        return answer.json

    def lines(self, address: str, **asked: object) -> list[list[str]]:
        answer = self.client.get(f"/api/v1/{address}", query_string=asked)
        assert answer.status_code == 200, answer.text
        return list(csv.reader(io.StringIO(answer.text)))


@pytest.fixture
def house(ini: Path) -> Iterator[House]:
    house = House(ini)
    yield house
    house.archive.close()


def numbers(document: Any, register: str = "energy_import") -> list[float]:
    return [round(period["values"][register], 6) for period in document["periods"]]


# -- what there is ---------------------------------------------------------------------------------


def test_the_catalog_names_what_was_told_with_unit_kind_and_times(house: House) -> None:
    assert house.get("history") == {"devices": {}}
    house.run(2 * DAY)
    house.tell("grid.gas", volume=5.0)
    devices = house.get("history")["devices"]
    assert list(devices) == ["grid.gas", "main"]
    assert devices["main"]["energy_import"] == {
        "unit": "kWh",
        "kind": "register",
        "first": Z,
        "last": "2026-03-03T22:45:00.000Z",
    }
    assert devices["grid.gas"]["volume"]["unit"] == "m3"


def test_what_no_word_is_known_for_is_not_told(house: House) -> None:
    house.tell(power=1.0, beer=2.0)  # of an archive that a newer s0web wrote
    assert list(house.get("history")["devices"]["main"]) == ["power"]
    assert house.get("history/main")["series"][0]["points"]


def test_an_unknown_device_is_told_which_there_are(house: House) -> None:
    house.tell("old.gas", volume=1.0)  # no longer configured
    for address in ("history/x", "history/x.csv", "energy/x", "energy/x.csv"):
        message = house.get(address, 404)["message"]
        assert message == "There is no device 'x'; there are: main, old.gas."
    assert house.get("history/old.gas")["series"][0]["quantity"] == "volume"
    assert house.get("history/main")["series"][0]["points"] == []  # configured, still silent


def test_while_the_archive_is_away_the_answer_says_so(house: House) -> None:
    house.run(HOUR)
    house.archive.close()
    answer = house.client.get("/api/v1/history/main")
    assert answer.status_code == 503
    assert "is not open" in answer.json["message"]
    house.station.history = None
    for address in ("history", "history/main", "history/main.csv", "energy/main"):
        assert "The archive is not open" in house.get(address, 503)["message"]


def test_a_running_station_tells_what_it_just_told(station: Station) -> None:
    client = create_app(station).test_client()

    def known() -> Any:
        return client.get("/api/v1/history").json["devices"].get("main")

    until(known, "the first values in the archive")
    document = client.get("/api/v1/history/main?quantity=energy_import&step=raw").json
    assert document["series"][0]["points"][0][1] == pytest.approx(22.228, abs=0.1)


# -- series ----------------------------------------------------------------------------------------


def test_a_series_names_its_step_its_columns_and_units(house: House) -> None:
    house.run(DAY)
    start = int(START.timestamp())
    asked = {"from": "2026-03-02", "to": "2026-03-03", "step": "hour"}
    document = house.get("history/main", quantity="power,energy_import", **asked)
    power, energy = document.pop("series")
    assert document == {
        "device": "main",
        "from": Z,
        "to": "2026-03-02T23:00:00.000Z",
        "step": "hour",
    }
    assert power["columns"] == ["time", "mean", "low", "high"]
    assert power["points"] == [[start + 3600 * n, 1000.0, 1000.0, 1000.0] for n in range(24)]
    assert (energy["unit"], energy["kind"]) == ("kWh", "register")
    assert energy["columns"] == ["time", "rise"]
    assert energy["points"][:23] == [[start + 3600 * n, 1.0] for n in range(23)]
    raw = house.get("history/main", **asked | {"step": "raw", "quantity": "energy_import"})
    assert raw["series"][0]["columns"] == ["time", "value"]
    assert raw["series"][0]["points"][:2] == [[start, 0.0], [start + 900, 0.25]]
    assert len(raw["series"][0]["points"]) == 96


def test_without_a_word_it_is_the_power_of_the_last_day_in_a_few_hundred_points(
    house: House,
) -> None:
    house.run(3 * DAY, step=30)
    document = house.get("history/main")
    assert document["step"] == "quarter"
    assert [len(series["points"]) for series in document["series"]] == [96]
    counts = {"-1h": ("10s", 120), "-6h": ("minute", 360), "-7d": ("quarter", 288)}
    for back, (step, count) in counts.items():
        document = house.get("history/main", **{"from": back})
        assert (document["step"], len(document["series"][0]["points"])) == (step, count)


def test_a_finer_step_than_fits_is_told_coarser(house: House) -> None:
    house.run(3 * DAY, step=120)
    document = house.get("history/main", **{"from": "2026-03-02", "step": "10s"})
    assert document["step"] == "quarter"
    ever = house.get("history/main", **{"from": "0001-01-02", "to": "9999-12-31", "step": "10s"})
    assert ever["step"] == "quarter"  # what was never told takes no steps


def test_pages_of_raw_values_hold_every_value_once(house: House) -> None:
    house.run(2 * DAY, step=60)
    for n in range(10):  # another rhythm
        house.tell(power=float(n))
        house.clock.advance(0.123)
    address = "/s0/api/v1/history/main?quantity=power,energy_import&step=raw&from=2026-03-02"
    found: dict[str, list[list[float]]] = {"power": [], "energy_import": []}
    pages = 0
    while address:
        answer = house.client.get(address.removeprefix("/s0"), base_url="http://localhost/s0")
        assert answer.status_code == 200, answer.text
        assert answer.json["step"] == "raw"
        for series in answer.json["series"]:
            assert len(series["points"]) <= 2000
            found[series["quantity"]] += series["points"]
        address = answer.json.get("next", "")
        assert not address or address.startswith("/s0/api/v1/history/main?quantity=power")
        pages += 1
    assert pages == 2
    for quantity, count in (("power", 2890), ("energy_import", 2880)):
        times = [point[0] for point in found[quantity]]
        assert len(times) == count
        assert times == sorted(set(times))
    assert found["power"][-1][1] == 9.0
    assert str(found["power"][-1][0]).endswith(".107")


def test_raw_pages_are_the_same_in_memory_and_packed_and_over_late_values(house: House) -> None:
    house.run(timedelta(hours=30), step=20)
    late = START + timedelta(seconds=10)
    house.archive.write(
        [Reading("main", late + n * timedelta(seconds=20), {"power": 7.0}) for n in range(400)]
    )
    told: list[list[list[float]]] = []
    for _ in range(2):
        address, points = "/api/v1/history/main?step=raw&from=2026-03-02", []
        while address:
            answer = house.client.get(address).json
            points += answer["series"][0]["points"]
            address = answer.get("next", "")
        told.append(points)
        house.clock.advance(7200)
        house.archive.flush()
    assert told[0] == told[1]
    assert len(told[0]) == 30 * 180 + 400


def test_where_only_rollups_are_left_raw_becomes_quarters(house: House) -> None:
    house.archive.keep = 1.0
    house.run(3 * DAY)
    whole = house.get("history/main", step="raw", **{"from": "-3d"})
    assert (whole["step"], len(whole["series"][0]["points"])) == ("quarter", 288)
    assert house.get("history/main", step="raw", **{"from": "-12h"})["step"] == "raw"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02", "2026-03-01T23:00:00.000Z"),
        ("20260302T0130", "2026-03-02T00:30:00.000Z"),
        ("2026-03-02 01:30:00.5", "2026-03-02T00:30:00.500Z"),
        ("2026-03-02T01:30Z", "2026-03-02T01:30:00.000Z"),
        ("2026-03-02T01:30-05:00", "2026-03-02T06:30:00.000Z"),
        ("2026-03-02T01:30+01:00", "2026-03-02T00:30:00.000Z"),
        ("2026-03-02T01:30 01:00", "2026-03-02T00:30:00.000Z"),  # a + that was not encoded
        ("1772409600", "2026-03-02T00:00:00.000Z"),
        ("1772409600.25", "2026-03-02T00:00:00.250Z"),
        ("-30m", "2026-03-02T22:30:01.000Z"),  # the second that runs belongs to it
        ("-2d", "2026-02-28T23:00:01.000Z"),
        ("0001-01-01T00:00Z", "1990-01-01T00:00:00.000Z"),
    ],
)
def test_moments_are_understood(house: House, text: str, moment: str) -> None:
    house.clock.advance(86_400)
    assert house.get("history/main", **{"from": text})["from"] == moment


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("from=yesterday", "from: 'yesterday' is no time: write it as 2026-03-01"),
        ("from=NaN", "is no time"),
        ("from=-1e9", "is no time"),
        ("from=-5", "is no time"),
        ("from=-999999w", "is no time"),
        ("to=2026-02-30", "to: '2026-02-30' is no time"),
        ("from=0001-01-01", "is no time"),  # in Brussels it is before the year 1
        ("to=9999-12-31T23:59-14:00", "is no time"),
        ("from=%00", "is no time"),
        ("from=２０２６-03-02", "is no time"),
        ("from=99999999999999999999", "is no time"),
        ("from=now", "is not before"),
        ("from=2026-03-02&to=2026-03-01", "from: 2026-03-01T23:00:00Z is not before"),
        ("step=fortnight", "step: 'fortnight' is none: take one of raw, 10s, minute, quarter"),
        ("quantity=beer", "quantity: 'beer' is not known"),
        ("quantity=power,%00", "is not known"),
        ("quantity=" + ",".join(f"power_l{n}" for n in (1, 2, 3)) + ",x", "'x' is not known"),
    ],
)
def test_a_bad_question_is_a_sentence(house: House, asked: str, said: str) -> None:
    house.tell(power=1.0)
    for end in ("", ".csv"):
        answer = house.client.get(f"/api/v1/history/main{end}?{asked}")
        assert answer.status_code == 400
        assert said in answer.json["message"]


def test_no_more_than_ten_quantities_are_told_at_a_time(house: House) -> None:
    phases = [f"{q}_l{n}" for q in ("power", "voltage", "current", "peak") for n in (1, 2, 3)][:9]
    house.tell(power=1.0)
    ten = house.get("history/main", quantity=",".join(["power", *phases, "power"]))
    assert [len(series["points"]) for series in ten["series"]] == [1] + [0] * 9
    many = ",".join(["power", "frequency", *phases])
    assert "11 are too many: ask for 10" in house.get("history/main", 400, quantity=many)["message"]


# -- energy ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "hours", "offsets"),
    [("2026-03-29", 23, ("+01:00", "+02:00")), ("2026-10-25", 25, ("+02:00", "+01:00"))],
)
def test_the_days_of_a_clock_change_have_23_and_25_hours(
    house: House, day: str, hours: int, offsets: tuple[str, str]
) -> None:
    start = datetime.fromisoformat(day).replace(tzinfo=BRUSSELS)
    house.clock.advance(((start - DAY).astimezone(UTC) - house.clock.now()).total_seconds())
    house.run(timedelta(hours=24 + hours + 25))
    before, after = start - DAY, start + 2 * DAY
    asked = {"from": f"{before:%Y-%m-%d}", "to": f"{after:%Y-%m-%d}"}
    document = house.get("energy/main", **asked)
    assert numbers(document) == [24.0, hours, 24.0]
    changed = document["periods"][1]
    assert changed["start"] == f"{day}T00:00:00{offsets[0]}"
    assert changed["end"] == f"{start + DAY:%Y-%m-%d}T00:00:00{offsets[1]}"
    assert changed["partial"] is False
    hourly = house.get(
        "energy/main", period="hour", **{"from": day, "to": f"{start + DAY:%Y-%m-%d}"}
    )
    assert numbers(hourly) == [1.0] * hours
    starts = [period["start"] for period in hourly["periods"]]
    assert len(set(starts)) == hours
    assert [starts[0][-6:], starts[-1][-6:]] == list(offsets)


def test_energy_has_a_column_for_each_register_with_its_unit(house: House) -> None:
    for n in range(60):
        house.tell("grid", energy_import=float(n), energy_export=n / 2, power=5.0, failures=1.0)
        house.tell("grid.gas", volume=n / 4)
        house.clock.advance(3600)
    document = house.get("energy/grid")
    assert document["units"] == {"energy_export": "kWh", "energy_import": "kWh"}
    assert document["period"] == "day"
    assert document["periods"][0] == {
        "start": "2026-03-02T00:00:00+01:00",
        "end": "2026-03-03T00:00:00+01:00",
        "values": {"energy_export": 12.0, "energy_import": 24.0},
        "gap": 0.0,
        "partial": False,
    }
    assert [period["partial"] for period in document["periods"]] == [False, False, True]
    gas = house.get("energy/grid.gas")
    assert gas["units"] == {"volume": "m3"}
    assert numbers(gas, "volume") == [6.0, 6.0, 2.75]
    one = house.get("energy/grid", register="failures", period="month")
    assert one["units"] == {"failures": ""}
    assert house.get("energy/main")["periods"] == []


def test_the_first_and_the_running_period_are_partial(house: House) -> None:
    house.clock.advance(6 * 3600)
    house.run(2 * DAY)
    document = house.get("energy/main")
    assert numbers(document) == [18.0, 24.0, 5.75]
    assert [period["partial"] for period in document["periods"]] == [True, False, True]


def test_a_gap_is_shown_and_its_energy_kept(house: House) -> None:
    kwh = house.run(DAY / 2)
    house.clock.advance(2 * 86_400)
    house.run(DAY / 2, kwh + 30)
    for _ in range(2):  # half in memory, then packed
        document = house.get("energy/main", **{"from": "2026-03-02", "to": "2026-03-05"})
        assert sum(numbers(document)) == pytest.approx(12 + 30 + 12, abs=0.3)
        hours = [round(period["gap"] / 3600) for period in document["periods"]]
        assert hours == [12, 24, 12]
        house.clock.advance(7200)
        house.archive.flush()


def test_a_change_of_meter_is_not_counted_as_energy(house: House) -> None:
    house.run(DAY / 2, 9_000.0, meter="A")
    house.run(DAY / 2, 3.0, meter="B")
    document = house.get("energy/main", **{"from": "2026-03-02", "to": "2026-03-03"})
    assert numbers(document) == [pytest.approx(24.0 - 0.5)]


def test_a_register_that_falls_again_and_again_counts_what_it_rose(house: House) -> None:
    for _ in range(12):
        house.run(timedelta(hours=4))  # 16 values from 0 on: each time 3.75 kWh
    for _ in range(2):  # in memory, then packed
        document = house.get("energy/main", **{"from": "2026-03-02", "to": "2026-03-04"})
        assert numbers(document) == [6 * 3.75, 6 * 3.75]
        hourly = house.get("energy/main", period="hour", **{"from": "2026-03-02"})
        assert numbers(hourly)[:8] == [1.0, 1.0, 1.0, 0.75] * 2
        house.clock.advance(7200)
        house.archive.flush()


def test_every_silence_of_a_meter_that_seldom_speaks_is_shown(house: House) -> None:
    for n in range(33):
        house.tell(energy_import=float(n))
        house.clock.advance(3 * 3600)
    document = house.get("energy/main", period="hour", **{"from": "2026-03-02T01:00", "to": "-6h"})
    assert {period["gap"] for period in document["periods"]} == {3600.0}
    assert sum(numbers(document)) == 31.0


def test_pages_of_energy_hold_every_period_once(house: House) -> None:
    last = house.run(50 * DAY, step=1800) - 0.5
    address, periods, pages = "/api/v1/energy/main?period=quarter&from=2000-01-01", [], 0
    while address:
        answer = house.client.get(address)
        assert len(answer.json["periods"]) <= 2000
        periods += answer.json["periods"]
        address = answer.json.get("next", "")
        pages += 1
    assert pages == 3
    assert all(a["end"] == b["start"] for a, b in itertools.pairwise(periods))
    assert sum(period["values"]["energy_import"] for period in periods) == pytest.approx(last)
    assert [period["partial"] for period in periods] == [False] * (len(periods) - 1) + [True]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("period=fortnight", "period: 'fortnight' is none: take one of quarter, hour, day"),
        ("period=minute", "period: 'minute' is none"),
        ("register=power", "register: power is momentary and counts nothing"),
        ("register=beer", "register: 'beer' is not known"),
        ("from=x", "from: 'x' is no time"),
    ],
)
def test_a_bad_question_for_energy_is_a_sentence(house: House, asked: str, said: str) -> None:
    house.tell(energy_import=1.0)
    for end in ("", ".csv"):
        answer = house.client.get(f"/api/v1/energy/main{end}?{asked}")
        assert answer.status_code == 400
        assert said in answer.json["message"]


# -- files -----------------------------------------------------------------------------------------


def test_a_series_as_csv_has_a_line_for_each_time(house: House) -> None:
    house.run(HOUR)
    house.tell(power=-12.5)
    house.clock.advance(60)
    answer = house.client.get("/api/v1/history/main.csv?quantity=power,energy_import&step=raw")
    assert answer.content_type == "text/csv; charset=utf-8"
    disposition = answer.headers["Content-Disposition"]
    assert disposition == "attachment; filename=main_raw_20260301.csv"
    lines = list(csv.reader(io.StringIO(answer.text)))
    assert lines[0] == ["time", "local_time", "power [W]", "energy_import [kWh]"]
    assert lines[2] == [
        "2026-03-01T23:15:00.000Z",
        "2026-03-02T00:15:00.000+01:00",
        "1000.0",
        "0.25",
    ]
    assert lines[-1][2:] == ["-12.5", ""]
    assert len(lines) == 6
    head, *hours = house.lines("history/main.csv", step="hour", quantity="power,energy_import")
    assert head[2:] == ["power mean [W]", "energy_import rise [kWh]"]
    assert hours[0][2:] == ["1000.0", "0.75"]


def test_pages_of_a_csv_are_linked(house: House) -> None:
    house.run(2 * DAY, step=60)
    first = house.client.get("/api/v1/history/main.csv?step=raw&from=2026-03-02")
    address, _, relation = first.headers["Link"].partition(">; ")
    assert relation == 'rel="next"'
    rest = house.client.get(address.removeprefix("<"))
    assert "Link" not in rest.headers
    assert first.text.count("\n") + rest.text.count("\n") == 2880 + 2


def test_energy_as_csv(house: House) -> None:
    house.run(2 * DAY)
    head, first, second = house.lines("energy/main.csv")
    assert head == ["start", "end", "energy_import [kWh]", "gap [s]", "partial"]
    assert first == ["2026-03-02T00:00:00+01:00", "2026-03-03T00:00:00+01:00", "24.0", "0.0", "no"]
    assert second[2:] == ["23.75", "0.0", "yes"]


# -- HTTP ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["history", "history/main", "energy/main.csv"])
def test_what_is_still_the_same_is_not_sent_again(house: House, address: str) -> None:
    house.run(HOUR)
    url = f"/api/v1/{address}?from=2026-03-02&to=2026-03-03"
    whole = house.client.get(url)
    assert "no-cache" in whole.headers["Cache-Control"]
    tag = {"If-None-Match": whole.headers["ETag"]}
    same = house.client.get(url, headers=tag)
    assert (same.status_code, same.data) == (304, b"")
    head = house.client.head(url)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert house.client.post(url).status_code == 405
    house.run(HOUR, 1.0)
    assert house.client.get(url, headers=tag).status_code == 200


def test_absurd_numbers_never_spoil_an_answer(house: House) -> None:
    def refuse(text: str) -> float:
        raise AssertionError(text)

    for n in range(20):
        house.tell(power=1e308 * (-1) ** (n // 10), energy_import=1e308 * ((n % 7) - 3))
        house.clock.advance(400)
    for packed in (False, True):
        if packed:
            house.clock.advance(7200)
            house.archive.flush()
        for step in ("raw", "10s", "quarter", "hour", "day", "month"):
            for end in ("", ".csv"):
                answer = house.client.get(
                    f"/api/v1/history/main{end}?step={step}&quantity=power,energy_import"
                )
                assert answer.status_code == 200
                assert "inf" not in answer.text.lower().replace("information", "")
                assert "nan" not in answer.text.lower()
        document = house.client.get("/api/v1/energy/main").text
        json.loads(document, parse_constant=refuse)


def test_a_damaged_archive_is_a_sentence(house: House) -> None:
    house.run(3 * HOUR)
    house.archive.flush()
    with sqlite3.connect(house.path) as connection:
        connection.execute("DROP TABLE hour")
    connection.close()
    answer = house.client.get("/api/v1/history/main?step=raw")
    assert answer.status_code == 503
    assert "SQLite refuses it" in answer.json["message"]


def test_no_hostile_question_breaks_it(house: House) -> None:
    house.run(2 * DAY, step=600)
    chance = random.Random(7)
    words = [
        *("", "now", "-1h", "-7d", "-999999w", "0", "-1", "1e9", "nan", "inf", "1772409600", "\0"),
        *("0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "2026-03-02", "2026-13-01", "٣"),
        *("2026-03-29T02:30", "2026-W10-1", "-0000-01-01", "'; DROP TABLE hour; --", "=1+1", "%"),
        *("power", "energy_import", "power,volume", ",,,", "raw", "year", "quarter", "A" * 500),
        *("\ud800".encode("utf-8", "replace").decode(), "../../etc/passwd", "{{7*7}}", "10s"),
    ]
    names = ("from", "to", "step", "period", "quantity", "register", "x")
    devices = ("main", "main.csv", "x" * 10_000, "a\0b", "..", "main.csv.csv", "%2e", "'", "é")
    seen = set()
    for _ in range(1500):
        device = chance.choice(devices if chance.random() < 0.2 else devices[:2])
        asked = [(chance.choice(names), chance.choice(words)) for _ in range(chance.randint(0, 4))]
        kind = chance.choice(("history", "energy"))
        answer = house.client.get(f"/api/v1/{kind}/{device}", query_string=asked)
        assert answer.status_code in (200, 400, 404, 414), (device, asked, answer.text)
        seen.add(answer.status_code)
        if answer.status_code != 200:
            assert answer.text
    assert seen >= {200, 400, 404}

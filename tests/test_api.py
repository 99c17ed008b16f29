import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import positive_data_acceptance

from s0web import config
from s0web.model import Command
from s0web.quantities import QUANTITIES
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.openapi import openapi
from tests.conftest import S0_AND_P1, running, until

PROMTOOL = Path(__file__).parent.parent / "var/tools/promtool"
# no schema says that a text is a time, and the one before the other
NO_MOMENT = re.compile(r'{"message":"(from|to): ')
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One for all of this file: its tests only read."""
    yield from running(tmp_path_factory.mktemp("state") / "s0web.ini", S0_AND_P1)


@pytest.fixture
def client(station: Station) -> FlaskClient:
    return create_app(station).test_client()


def test_readings_name_every_device_with_units_and_utc(client: FlaskClient) -> None:
    document = client.get("/api/v1/readings").json
    assert ISO.fullmatch(document["time"])
    assert list(document["devices"]) == ["main", "grid", "grid.gas", "grid.water"]
    for device in document["devices"].values():
        assert device["health"]["state"] == "ok"
        for quantity, value in device["values"].items():
            assert value["unit"] == QUANTITIES[quantity].unit
            assert ISO.fullmatch(value["time"])
    grid = document["devices"]["grid"]
    assert {
        "power",
        "power_l1",
        "voltage_l3",
        "energy_import_high",
        "demand",
        "peak",
        "lag",
    } <= set(grid["values"])
    assert grid["labels"]["country"] == "be"


def test_one_device(client: FlaskClient) -> None:
    document = client.get("/api/v1/readings/grid.gas").json
    assert document["name"] == "grid.gas"
    assert document["values"]["volume"]["unit"] == "m3"
    answer = client.get("/api/v1/readings/nobody")
    assert answer.status_code == 404
    assert "there are: main, grid" in answer.json["message"]


def test_recent_means_come_with_their_times(client: FlaskClient, station: Station) -> None:
    def newest() -> float | None:
        found = station.recent.series("grid", "power", station.clock.now(), 60, 10, 60)
        return found[1][-1] if found else None

    until(lambda: newest() is not None, "a mean")
    document = client.get("/api/v1/recent/grid?seconds=60&step=10").json
    assert document["step"] == 10
    assert document["unit"] == "W"
    assert len(document["values"]) in (6, 7)
    assert document["values"][-1] is not None
    day = client.get("/api/v1/recent/grid?step=10").json
    assert len(day["values"]) <= 2000
    assert day["step"] == 50


@pytest.mark.parametrize(
    "query",
    [
        "seconds=x",
        "seconds=-5",
        "seconds=86401",
        "step=5",
        "step=3601",
        "step=000000000060999999999",
        "quantity=beer",
        "step=１０",
    ],
)
def test_a_bad_parameter_is_a_sentence(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/api/v1/recent/grid?{query}")
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json["message"]


def test_only_a_modbus_meter_can_be_read_fast(client: FlaskClient) -> None:
    for device, status, reason in (("grid", 400, "no Modbus meter"), ("x", 404, "no device")):
        answer = client.post(f"/api/v1/fast/{device}")
        assert answer.status_code == status
        assert reason in answer.json["message"]


def test_fast_needs_the_right_to_change(client: FlaskClient) -> None:
    far = {"REMOTE_ADDR": "192.168.1.7"}
    assert client.post("/api/v1/fast/grid", environ_overrides=far).status_code == 403
    site = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/api/v1/fast/grid", headers=site).status_code == 403


@pytest.fixture
def meter(ini: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FlaskClient, list[Command]]:
    """A station that does not run, with a Modbus meter, and what it is told."""
    station, told = Station(ini), list[Command]()
    ini.write_text("[source:meter]\ntype = modbus\nport = /dev/null\nmodel = sdm630\n")
    station.config = config.load(ini)
    monkeypatch.setattr(station, "tell", told.append)
    return create_app(station).test_client(), told


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ({}, 120),
        ({"json": {"seconds": 30}}, 30),
        ({"json": {}}, 120),
        ({"data": {"seconds": "86400"}}, 86_400),
    ],
)
def test_a_modbus_meter_is_told_to_be_fast(
    meter: tuple[FlaskClient, list[Command]], wish: dict[str, Any], seconds: int
) -> None:
    client, told = meter
    answer = client.post("/api/v1/fast/meter", **wish)
    assert (answer.status_code, answer.json) == (202, {"device": "meter", "seconds": seconds})
    assert [(c.target, c.verb, c.value) for c in told] == [("meter", "fast", seconds)]


@pytest.mark.parametrize(
    "wish",
    [
        {"json": {"seconds": 0}},
        {"json": {"seconds": 1.5}},
        {"json": {"seconds": True}},
        {"json": [30]},
        {"data": "{", "content_type": "application/json"},
        {"data": "[" * 99_999, "content_type": "application/json"},
        {"data": {"seconds": "86401"}},
        {"data": {"seconds": "1e3"}},
    ],
)
def test_a_bad_wish_to_be_fast_is_a_sentence(
    meter: tuple[FlaskClient, list[Command]], wish: dict[str, Any]
) -> None:
    client, told = meter
    answer = client.post("/api/v1/fast/meter", **wish)
    assert answer.status_code == 400
    assert "seconds" in answer.json["message"]
    assert not told


def test_status_tells_how_everything_is(client: FlaskClient) -> None:
    document = client.get("/api/v1/status").json
    assert document["station"]["state"] == "running"
    assert document["station"]["simulated"] is True
    assert document["config"]["is_applied"] is True
    sinks = {"sink:cache", "sink:recent", "sink:archive"}
    assert set(document["workers"]) == {"source:main", "source:grid", *sinks}
    assert document["workers"]["sink:archive"].keys() >= {"behind", "oldest"}


def test_health_and_readiness(client: FlaskClient, ini: Path) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    client = create_app(Station(ini)).test_client()  # one that was never started
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    for path in ("readings", "recent"):  # which devices there are is not known yet
        assert client.get(f"/api/v1/{path}/main").status_code == 503


def test_metrics_are_accepted_by_promtool(client: FlaskClient) -> None:
    text = client.get("/metrics").get_data(as_text=True)
    assert 's0web_reading{device="grid",quantity="power",unit="W"}' in text
    checked = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_openapi_document_is_valid_and_names_every_address(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    validate(document)
    told = {re.sub(r"\{(\w+)\}", r"<string:\1>", path) for path in document["paths"]}
    rules = {rule.rule for rule in client.application.url_map.iter_rules()}
    pages = {"/", "/history", "/devices", "/switches", "/backup"}
    assert rules - told == pages | {"/static/<path:filename>"}


def test_no_answer_holds_nan(client: FlaskClient) -> None:
    def refuse(text: str) -> float:
        raise AssertionError(text)

    for path in ("/api/v1/readings", "/api/v1/status", "/api/v1/recent/grid", "/electricity"):
        json.loads(client.get(path).data, parse_constant=refuse)


def test_schemathesis_finds_no_answer_outside_the_document(station: Station) -> None:
    """Every operation with any parameters: no 5xx, and right types and statuses."""
    for _ in range(2):  # of the first pulse nobody knows the power
        station.tell(Command("main", "trigger"))
    until(lambda: station.hub.snapshot().get("main", "power"), "the power of main")
    app = create_app(station)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    seen = []

    for operation in schema.get_all_operations():
        case_of = operation.ok().as_strategy()

        @settings(
            max_examples=60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=case_of)
        def check(case: schemathesis.Case) -> None:
            case.query = {k: v for k, v in (case.query or {}).items() if k != "simulate"}
            case.headers = {**(case.headers or {}), "Accept-Encoding": "identity"}
            response = case.call()
            no_moment = response.status_code == 400 and NO_MOMENT.match(response.text)
            excluded = [positive_data_acceptance] if no_moment else None
            case.validate_response(response, excluded_checks=excluded)

        check()
        seen.append(operation.ok().label)
    # schemathesis leaves out the address from which it took the document
    paths = openapi("/")["paths"].items()
    told = {f"{method.upper()} {path}" for path, of in paths for method in of}
    told -= {"GET /openapi.json"}
    assert set(seen) == told

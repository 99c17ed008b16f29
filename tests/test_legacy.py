"""S0-Logger's interface, to the letter."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s0web import config
from s0web.errors import StationError
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.corrections import Corrections
from tests.conftest import until


@pytest.fixture
def client(station: Station) -> FlaskClient:
    return create_app(station).test_client()


@pytest.fixture
def both(house: Station) -> FlaskClient:
    """A client of a station with a grid meter too."""
    return create_app(house).test_client()


def counted(client: FlaskClient) -> float:
    return float(client.get("/electricity").json["data"]["energy"])


@pytest.mark.parametrize("path", ["/electricity", "/electricity.html", "/electricity?device=main"])
def test_the_document_is_s0_loggers(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    document = answer.json
    assert list(document["data"]) == ["energy", "power", "time", "dtime", "S0-ticks", "version"]
    assert document["units"] == {
        "energy": "Wh",
        "power": "W",
        "time": "dd.mm.yyyy hh:mm:ss",
        "dtime": "s",
        "S0-ticks": "",
        "version": "",
    }
    data = document["data"]
    assert data["energy"] >= 22228.0
    assert all(
        isinstance(data[key], int | float) for key in ("energy", "power", "dtime", "version")
    )
    assert isinstance(data["S0-ticks"], int)
    told = datetime.strptime(data["time"], "%d.%m.%Y %H:%M:%S")
    assert abs((datetime.now() - told).total_seconds()) < 120


def test_a_trigger_is_one_pulse_on_the_simulated_wire(client: FlaskClient) -> None:
    before = counted(client)
    assert client.get("/trigger").data == b"Triggered!"
    until(lambda: counted(client) >= before + 1.0, "the pulse")


def test_power_is_never_null_and_ticks_count(client: FlaskClient) -> None:
    for _ in range(2):
        client.get("/trigger")
    until(lambda: client.get("/electricity").json["data"]["S0-ticks"] >= 2, "two ticks")
    data = client.get("/electricity").json["data"]
    assert data["power"] > 0
    assert data["dtime"] > 0


def test_version_is_s0_loggers(client: FlaskClient) -> None:
    assert client.get("/version").json == {"application": "S0-Logger", "version": 2.0}


def test_another_meter_is_named_by_device(both: FlaskClient) -> None:
    grid = both.get("/electricity?device=grid").json["data"]
    assert grid["energy"] > 1_000_000
    unknown = both.get("/electricity?device=cellar")
    assert unknown.status_code == 404
    assert "data" not in unknown.json
    assert "main, grid" in unknown.json["message"]


def test_without_a_station_there_is_a_sentence_and_no_data(ini: Path) -> None:
    ini.write_text("[broken")
    station = Station(ini)
    station.start()
    until(lambda: station.state == "failed", "the mistake to be seen")
    answer = create_app(station).test_client().get("/electricity")
    station.stop()
    assert answer.status_code == 503
    assert "data" not in answer.json


def test_a_wrong_address_carries_no_data_document(client: FlaskClient) -> None:
    answer = client.get("/electricty")
    assert answer.status_code == 404
    assert "data" not in answer.json


@pytest.mark.parametrize("yes", ["on", "true", "True"])
@pytest.mark.parametrize("no", ["off", "false", "False"])
def test_switches_are_understood_as_the_readme_and_the_form_write_them(
    client: FlaskClient, station: Station, yes: str, no: str
) -> None:
    answer = client.get(f"/config?debug={yes}&s0blink={yes}")
    assert answer.data == (
        b"<h3>Configuration was updated</h3><ul><li>Energy: unchanged</li>"
        b"<li>Debug: on</li><li>s0Blink: on</li></ul>"
    )
    until(lambda: station.config.sections["log"]["level"] == "debug", "debug")  # type: ignore[union-attr]
    client.get(f"/config?debug={no}&blink={no}")
    until(lambda: not station.devices()["main"]["blink"], "the LED")


def test_the_original_form_saves_energy_and_switches(client: FlaskClient, station: Station) -> None:
    url = "/config?save=save&energy=23000,5&debug=False&hw=RASPI&simulate=True&blink=False"
    text = client.get(url).get_data(as_text=True)
    assert re.search(r"<li>Energy changed from 222\d\d\.\d{3} Wh to 23000\.500 Wh</li>", text)
    assert "<li>Hardware: unchanged" in text
    until(lambda: counted(client) >= 23000.5, "the correction")
    assert counted(client) < 23010


def test_a_correction_together_with_a_switch_is_kept(client: FlaskClient, station: Station) -> None:
    client.get("/config?save=save&energy=50000&blink=True")
    until(lambda: station.devices()["main"]["blink"], "the LED")
    until(lambda: station.hub.snapshot().health["source:main"].state == "ok", "the counter")
    assert 50000 <= counted(client) < 50100


def test_a_correction_made_twice_is_made_once(client: FlaskClient) -> None:
    for _ in range(2):
        client.get("/config?energy=50000")
    assert 50000 <= counted(client) < 50100


def test_a_form_sent_twice_corrects_once_and_an_old_one_not_at_all(station: Station) -> None:
    corrections = Corrections()
    shown = round(station.hub.snapshot().number("main", "energy_import") or 0, 3)
    drawn = corrections.state("main")
    for _ in range(2):
        corrections.by_form(station, "main", shown, 100.0, drawn)
    with pytest.raises(StationError, match="too old"):
        corrections.by_form(station, "main", shown, 101.0, drawn)
    assert station.hub.snapshot().number("main", "energy_import") == pytest.approx(100.0, abs=0.1)


def test_what_is_not_named_stays(client: FlaskClient, station: Station) -> None:
    before = station.path.read_text()
    client.get("/config?save=save")
    assert config.load(station.path).simulate
    assert station.path.read_text().split("[cache")[0] == before.split("[cache")[0]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("energy=much", "energy: 'much' is not a number of Wh"),
        ("energy=nan", "energy: it must be 0 or more"),
        ("energy=-1", "energy: it must be 0 or more"),
        ("debug=perhaps", "debug: 'perhaps' is neither on nor off"),
        ("energy=5&simulate=x", "simulate: 'x' is neither on nor off"),
    ],
)
def test_a_bad_wish_is_a_sentence_and_changes_nothing(
    client: FlaskClient, station: Station, query: str, sentence: str
) -> None:
    before = station.path.read_text()
    answer = client.get(f"/config?{query}")
    assert answer.status_code in (400, 404)
    assert sentence in answer.json["message"]
    assert station.path.read_text() == before
    assert counted(client) >= 22228.0


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("energy=5&device=grid", "grid keeps its own register"),
        ("s0blink=on&device=grid", "grid is no pulse counter"),
    ],
)
def test_a_meter_with_its_own_register_is_left_alone(
    both: FlaskClient, query: str, sentence: str
) -> None:
    answer = both.get(f"/config?{query}")
    assert answer.status_code == 400
    assert sentence in answer.json["message"]


def test_out_of_simulation_there_is_nothing_to_trigger(
    client: FlaskClient, station: Station
) -> None:
    client.get("/config?simulate=off")
    until(lambda: station.config and not station.config.simulate, "the change")
    assert client.get("/trigger").data == b"Not in simulation mode!"


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.dictionaries(
        st.sampled_from(
            ["energy", "debug", "simulate", "s0blink", "blink", "hw", "save", "device", "x"]
        ),
        st.text(max_size=20),
        max_size=5,
    )
)
def test_any_parameters_are_answered_with_a_page_or_a_sentence(
    client: FlaskClient, query: dict[str, str]
) -> None:
    query.pop("simulate", None)
    answer = client.get("/config", query_string=query)
    assert answer.status_code in (200, 400, 404)
    for path in ("/electricity", "/electricity.html"):
        told = client.get(path, query_string=query)
        assert told.status_code in (200, 404)
        assert ("data" in json.loads(told.data)) == (told.status_code == 200)


def test_a_counter_that_is_not_known_yet_is_not_corrected(ini: Path) -> None:
    ini.write_text(
        "[source:main]\ntype = s0\npin = 4\nchip = /dev/nonesuch\n[cache]\nmain = 5000\n"
    )
    station = Station(ini)
    station.start()
    until(lambda: station.state == "running", "the start")
    answer = create_app(station).test_client().get("/config?energy=6000000")
    station.stop()
    assert answer.status_code == 503
    assert "Nothing is known of main yet" in answer.json["message"]
    assert config.load(ini).cache == {"main": 5000.0}


def test_a_water_counter_has_no_electricity(client: FlaskClient, station: Station) -> None:
    config.save(station.path, {"source:garden": {"type": "s0", "pin": "5", "measures": "water"}})
    until(lambda: "garden" in station.devices(), "the garden")
    answer = client.get("/electricity?device=garden")
    assert answer.status_code == 404
    assert "counts no energy" in answer.json["message"]

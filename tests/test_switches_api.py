"""Switches over HTTP, and the loads that an older program had."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from s0web import config
from s0web.fresh import new_file
from s0web.station import Station
from s0web.upgrade_smartmeter import from_smartmeter
from s0web.web.app import create_app
from tests.conftest import until

INI = """\
[s0web]
simulate = yes
[house]
grid = grid
[source:grid]
type = p1
port = simulated
[switch:boiler]
type = simulated
power = 2400
rule = export
on = 99999
[switch:dead]
type = shelly
host = 127.0.0.1:9
"""
LAN = {"REMOTE_ADDR": "192.168.1.77"}


@pytest.fixture
def station(ini: Path) -> Iterator[Station]:
    ini.write_text(INI)
    station = Station(ini)
    station.start()
    until(lambda: station.state == "running", "the start")
    until(lambda: station.hub.snapshot().get("boiler", "switch"), "the switch")
    yield station
    station.stop()


@pytest.fixture
def client(station: Station) -> FlaskClient:
    return create_app(station).test_client()


def switches(client: FlaskClient) -> dict[str, Any]:
    told = client.get("/api/v1/switches").get_json()["switches"]
    return {switch["name"]: switch for switch in told}


def test_every_switch_is_told_with_its_reason_and_health(client: FlaskClient) -> None:
    until(lambda: switches(client)["dead"]["health"]["state"] == "failed", "the dead plug")
    told = switches(client)
    assert list(told) == ["boiler", "dead"]
    boiler, dead = told["boiler"], told["dead"]
    assert (boiler["on"], boiler["rule"], boiler["power"]) == (False, "export", 2400)
    assert (boiler["override"], boiler["type"]) == (None, "simulated")
    assert boiler["since"].endswith("Z")
    assert (dead["on"], dead["since"]) == (None, None)
    assert "cannot be reached" in dead["health"]["text"]


def test_a_person_switches_for_a_while_or_until_another_word(client: FlaskClient) -> None:
    answer = client.post("/api/v1/switches/boiler", json={"state": "on", "minutes": 30})
    assert answer.status_code == 202
    assert answer.get_json() == {"name": "boiler", "state": "on", "minutes": 30}
    until(lambda: switches(client)["boiler"]["on"], "on")
    boiler = switches(client)["boiler"]
    assert boiler["override"]["on"] is True
    assert boiler["override"]["until"].endswith("Z")
    assert boiler["reason"] == "by hand, over HTTP"
    client.post("/api/v1/switches/boiler", data={"state": "off", "minutes": ""})
    until(lambda: not switches(client)["boiler"]["on"], "off")
    assert switches(client)["boiler"]["override"] == {"on": False, "until": None}
    client.post("/api/v1/switches/boiler", json={"state": "auto"})
    until(lambda: switches(client)["boiler"]["override"] is None, "auto")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"state": "maybe"}', "is none of on, off and auto"),
        (b"{}", "is none of on, off and auto"),
        (b"[1]", "no JSON object"),
        (b"[" * 100_000, "no JSON object"),
        (b'{"state": "on", "minutes": -5}', "is not a whole number from 0"),
        (b'{"state": "on", "minutes": 1e9}', "is not a whole number from 0"),
        (b'{"state": "on", "minutes": 1e999}', "is not a whole number from 0"),
        (b'{"state": "on", "minutes": null}', "is not a whole number from 0"),
        (b'{"state": "on", "minutes": true}', "is not a whole number from 0"),
        ('{"state": "on", "minutes": "٣"}'.encode(), "is not a whole number from 0"),
        (b'{"state": {"on": 1}}', "is none of on, off and auto"),
    ],
)
def test_nonsense_is_a_sentence(client: FlaskClient, body: bytes, sentence: str) -> None:
    answer = client.post("/api/v1/switches/boiler", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert sentence in answer.get_json()["message"]
    assert switches(client)["boiler"]["override"] is None


def test_an_unknown_switch_and_a_stranger_are_refused(client: FlaskClient) -> None:
    answer = client.post("/api/v1/switches/nonesuch", json={"state": "on"})
    assert answer.status_code == 404
    assert "there are: boiler, dead" in answer.get_json()["message"]
    wish: dict[str, Any] = {"json": {"state": "on"}}
    assert client.post("/api/v1/switches/boiler", **wish, environ_overrides=LAN).status_code == 403
    other = {"Origin": "http://evil.example"}
    assert client.post("/api/v1/switches/boiler", **wish, headers=other).status_code == 403
    assert client.get("/api/v1/switches", environ_overrides=LAN).status_code == 200
    assert switches(client)["boiler"]["override"] is None


def test_the_openapi_description_has_them(client: FlaskClient) -> None:
    said = json.loads(client.get("/openapi.json").data)
    assert {"/api/v1/switches", "/api/v1/switches/{name}"} <= said["paths"].keys()
    assert {"Switch", "Switches", "Switched"} <= said["components"]["schemas"].keys()
    told = switches(client)["boiler"].keys()
    assert told == said["components"]["schemas"]["Switch"]["properties"].keys()


SERIAL = "[serial]\nport = /dev/ttyUSB0\n"


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        (
            "[load:aux]\nenabled = yes\nmax_power = 2000\nswitch_on = 75\nswitch_off = 10\n"
            "hold_timer = 30\n",
            "aux",
            {"power": "2000", "on": "75%", "off": "10%", "hold_on": "30", "hold_off": "30"},
        ),
        (
            "[load]\nenabled = yes\nmax_consume = 400\nmax_inject = 900\ninject_time = 20\n"
            "consume_time = 40\n",
            "load",
            {"power": "2300", "on": "900", "off": "-400", "hold_on": "20", "hold_off": "40"},
        ),
        (
            "[load:aux]\nswitch_on = lots\nswitch_off = nan\n",
            "aux",
            {"power": "2300", "on": "75%", "off": "10%", "hold_on": "10", "hold_off": "10"},
        ),
    ],
)
def test_smartmeters_loads_become_switches(
    tmp_path: Path, text: str, name: str, options: dict[str, str]
) -> None:
    file = tmp_path / "config.ini"
    file.write_text(SERIAL + text)
    sections, notes = from_smartmeter(file)
    relay = {"type": "gpio", "pin": "24", "rule": "export"}
    assert sections[f"switch:{name}"] == relay | options
    assert sections["house"] == {"grid": "grid"}
    assert "at least 1 minute" in notes[-1]
    made = config.parse(tmp_path / "s0web.ini", new_file(sections))
    assert made.switches[name]["pin"] == 24


def test_loads_without_an_equal_are_said(tmp_path: Path) -> None:
    file = tmp_path / "config.ini"
    loads = (
        "[load:aux]\nenabled = no\n[load:heater]\naddress = aa:bb:cc\n[load:one]\n[load:two]\n"
        "[load:a.b]\n"
    )
    file.write_text(SERIAL + loads)
    sections, notes = from_smartmeter(file)
    assert [name for name in sections if name.startswith("switch:")] == ["switch:one"]
    text = "\n".join(notes)
    for said in ("[load:aux] is not enabled", "[load:heater] is a Bluetooth", "board's one relay"):
        assert said in text
    assert "[load:a.b] is left out: its name" in text
    file.write_text("[logging]\n[load:aux]\n")
    sections, notes = from_smartmeter(file)
    assert list(sections) == ["log"]
    assert notes == ["The loads are left out: there is no [serial] whose meter switches them."]

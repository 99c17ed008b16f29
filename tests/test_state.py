"""EnergyMonitor's interface /state/<point>: its form, its answers, and who may tell."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import Client, TestResponse

from s0web.errors import FrameError
from s0web.meters.energymonitor import document, parse, readings, state_of
from s0web.model import Value
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.server import mounted
from tests.conftest import until

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WIRE = {"current": 3.913, "voltage": 230.1, "power": 900.4124}
BODY: dict[str, Any] = {
    "point": "Garage",
    "time": NOW.timestamp() - 0.5,
    "brown": WIRE,
    "black": {"current": 0.5, "voltage": 231.3, "power": -115.2},
    "current": 4.413,
    "voltage": 230.7,
    "power": 785,
}
INI = """\
[s0web]
simulate = yes
[source:main]
type = s0
pin = 4
pulses_per_kwh = 200000
minimum_width_ms = 0
[source:garden]
type = s0
pin = 17
measures = water
[source:grid]
type = p1
port = simulated
[source:garage]
type = remote
point = Garage
token = open=sesame é
[source:Shed]
type = remote
allowed = 10.0.0.7, 192.168.5.0/24
[source:attic]
type = remote
point = attic
url = http://127.0.0.1:9/state/attic
"""
OPEN = "".join(
    f"[source:{name}]\ntype = remote\npoint = {name}\n"
    for name in ("Cellar", "Wires", "Twice", "Silent", "Old")
)


def snapshot_of(body: dict[str, Any], now: datetime = NOW) -> dict[str, dict[str, Value]]:
    """What the Hub would know after a state was told."""
    told = readings(parse(json.dumps(body).encode()), "garage", now)
    return {
        r.device: {q: Value(number, r.time, "") for q, number in r.values.items()} for r in told
    }


# -- the form --------------------------------------------------------------------------------------


def test_a_state_comes_back_as_it_was_told() -> None:
    values = snapshot_of(BODY)
    assert set(values) == {"garage", "garage.brown", "garage.black"}
    state = state_of(values, "garage", "Garage")
    assert state is not None
    assert document(state) == BODY


def test_numbers_are_rounded_as_energymonitor_does() -> None:
    exact = {"current": 3.91264, "voltage": 230.149, "power": 900.412374}
    state = state_of(snapshot_of({**BODY, "brown": exact, **exact}), "garage")
    assert state is not None
    told = document(state)
    assert told["brown"] == {"current": 3.913, "voltage": 230.1, "power": 900.4124}
    assert (told["current"], told["voltage"], told["power"]) == (3.913, 230.1, 900)
    assert isinstance(told["power"], int)


def test_a_wire_that_is_told_no_longer_is_shown_no_longer() -> None:
    later = {key: value for key, value in BODY.items() if key != "black"} | {
        "time": BODY["time"] + 1
    }
    state = state_of(snapshot_of(BODY) | snapshot_of(later), "garage")
    assert state is not None
    assert set(state.wires) == {"brown"}


def test_phases_are_wires_and_what_has_no_total_is_added_up() -> None:
    numbers = {"power": 500.0, "power_l1": 300.0, "current_l1": 1.3, "voltage_l1": 230.0}
    numbers |= {"power_l2": 200.0, "current_l2": 0.9, "voltage_l2": 232.0}
    state = state_of({"grid": {q: Value(n, NOW, "") for q, n in numbers.items()}}, "grid")
    assert state is not None
    assert document(state) == {
        "point": "grid",
        "time": NOW.timestamp(),
        "l1": {"current": 1.3, "voltage": 230.0, "power": 300.0},
        "l2": {"current": 0.9, "voltage": 232.0, "power": 200.0},
        "current": 2.2,
        "voltage": 231.0,
        "power": 500,
    }


def test_what_is_not_measured_is_left_out_or_null_for_who_needs_each_key() -> None:
    numbers = {"power": 500.0, "power_l1": 500.0, "current_l1": 2.0}
    state = state_of({"grid": {q: Value(n, NOW, "") for q, n in numbers.items()}}, "grid")
    assert state is not None
    assert document(state)["l1"] == {"current": 2.0, "power": 500.0}
    assert "voltage" not in document(state)
    needed = document(state, complete=True)
    assert "l1" not in needed
    assert (needed["current"], needed["voltage"], needed["power"]) == (2.0, None, 500)
    assert parse(json.dumps(needed).encode()).total == {"current": 2.0, "power": 500.0}


@pytest.mark.parametrize("off", [-7200.0, 120.0])
def test_a_wrong_clock_gives_way_to_the_time_of_arrival(off: float) -> None:
    body = {**BODY, "time": NOW.timestamp() + off}
    told = readings(parse(json.dumps(body).encode()), "garage", NOW)
    assert {reading.time for reading in told} == {NOW}
    assert ("ahead" if off > 0 else "behind") in told[0].labels["note"]
    right = readings(parse(json.dumps(BODY).encode()), "garage", NOW)
    assert right[0].time == NOW - timedelta(seconds=0.5)
    assert not right[0].labels


@pytest.mark.parametrize("moment", [0, 9.4e8, NOW.timestamp() * 1000, NOW.timestamp() + 90_000])
def test_a_time_that_no_clock_shows_is_refused(moment: float) -> None:
    state = parse(json.dumps({**BODY, "time": moment}).encode())
    with pytest.raises(FrameError, match="seconds since 1970"):
        readings(state, "garage", NOW)


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in BODY.items() if key not in keys}


BAD = [
    (b"", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b"[" * 16_000, "not JSON"),
    (b"[1]", "a list, not an object"),
    (b" " * 16_385, "at most 16384"),
    (without("point"), "point is missing"),
    (without("time"), "time is missing"),
    (without("power"), "power is missing"),
    (without("voltage"), "voltage is missing"),
    ({**BODY, "brown": {"current": 1, "power": 2}}, "brown: voltage is missing"),
    ({**BODY, "brown": 5}, "'brown' is neither a wire"),
    ({**BODY, "brown": {**WIRE, "phase": 1}}, "brown: 'phase' is not one of"),
    ({**BODY, "a.b": WIRE}, "'a.b' cannot name a wire"),
    ({**BODY, "export": WIRE}, "'export' cannot name a wire"),
    ({**BODY, "x" * 33: WIRE}, "cannot name a wire"),
    ({**BODY, **{f"w{n}": WIRE for n in range(23)}}, "25 wires; a point has at most 24"),
    ({**BODY, "point": 5}, "point: a number is not a name"),
    ({**BODY, "point": ""}, "point: '' is not a name"),
    ({**BODY, "power": "900"}, "power: '900' is not a number"),
    ({**BODY, "power": True}, "power: true or false is not a number"),
    ({**BODY, "power": None}, "power: null is not a number"),
    ({**BODY, "power": 10**400}, "power: it must be -1e"),
    ({**BODY, "voltage": -230}, "voltage: it must be 0 to 1000"),
    ({**BODY, "brown": {**WIRE, "current": 5e4}}, "brown: current: it must be"),
    (json.dumps(BODY).replace("785", "NaN").encode(), "NaN is not a number"),
    (json.dumps(BODY).replace("785", "1e999").encode(), "power: it must be"),
    (json.dumps(BODY).replace('"black"', '"brown"').encode(), "'brown' is there twice"),
]


@pytest.mark.parametrize(("body", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_what_is_no_state_is_refused_with_a_sentence(body: Any, reason: str) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(FrameError) as refused:
        parse(data)
    assert reason in str(refused.value)
    assert len(str(refused.value)) < 200


# -- over HTTP -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One for all of this file; each test tells of a point of its own."""
    ini = tmp_path_factory.mktemp("state") / "s0web.ini"
    ini.write_text(INI + OPEN)
    station = Station(ini)
    station.start()
    for device in ("main", "garden", "grid"):
        known = {"main": "power", "garden": "volume", "grid": "power_l3"}[device]
        until(lambda d=device, q=known: station.hub.snapshot().get(d, q), device)
    yield station
    station.stop()


@pytest.fixture
def client(station: Station) -> FlaskClient:
    return create_app(station).test_client()


def put(
    client: FlaskClient,
    point: str,
    body: Any = None,
    address: str = "127.0.0.1",
    **head: str,
) -> TestResponse:
    told = {**BODY, "point": point, "time": time.time()} if body is None else body
    data = told if isinstance(told, bytes) else json.dumps(told).encode()
    heads = {name.replace("_", "-"): value for name, value in head.items()}
    return client.put(
        f"/state/{point}", data=data, headers=heads, environ_overrides={"REMOTE_ADDR": address}
    )


def bearer(token: str) -> str:
    return f"Bearer {token}".encode().decode("latin-1")


def test_any_device_with_power_is_a_point(client: FlaskClient) -> None:
    grid = client.get("/state/grid").json
    assert list(grid) == ["point", "time", "l1", "l2", "l3", "current", "voltage", "power"]
    assert set(grid["l1"]) == {"current", "voltage", "power"}
    assert abs(grid["power"] - sum(grid[phase]["power"] for phase in ("l1", "l2", "l3"))) < 2
    assert client.get("/state/GRID").json["point"] == "grid"
    main = client.get("/state/main").json
    assert list(main) == ["point", "time", "power"]
    assert abs(main["time"] - time.time()) < 60


@pytest.mark.parametrize("point", ["nobody", "garden", "grid.gas"])
def test_a_point_that_is_not_there_is_told_in_energymonitors_words(
    client: FlaskClient, point: str
) -> None:
    answer = client.get(f"/state/{point}", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json) == (404, "point not found")


def test_a_point_nobody_told_of_yet_is_a_sentence(client: FlaskClient) -> None:
    answer = client.get("/state/Silent")
    assert answer.status_code == 503
    assert "Nothing is known of Silent yet" in answer.json["message"]


def test_the_first_state_is_created_and_later_ones_are_stored(
    client: FlaskClient, station: Station
) -> None:
    health = station.hub.snapshot().health["Cellar"]
    assert (health.state, health.text) == ("starting", "waits for PUT /state/Cellar")
    first = {**BODY, "point": "Cellar", "time": time.time(), "brown": {**WIRE, "power": 1.123456}}
    answer = put(client, "Cellar", first)
    assert (answer.status_code, answer.json) == (201, first)
    assert client.get("/state/Cellar").json["brown"]["power"] == 1.1235
    answer = put(client, "cellar", {**first, "power": 800.4})
    assert (answer.status_code, answer.json["power"]) == (200, 800)
    assert answer.json == client.get("/state/CELLAR").json
    assert station.hub.snapshot().number("Cellar.black", "power") == -115.2
    until(lambda: station.hub.snapshot().health["Cellar.black"].state == "ok", "its health")


def test_a_state_told_again_is_no_news(client: FlaskClient, station: Station) -> None:
    """Two stations that pass on each other's states shall not keep an old one alive."""
    body = {**BODY, "point": "Twice", "time": round(time.time(), 3)}
    assert put(client, "Twice", body).status_code == 201
    known = station.hub.snapshot().values["Twice"]
    answer = put(client, "Twice", body)
    assert (answer.status_code, answer.json["time"]) == (200, body["time"])
    assert station.hub.snapshot().values["Twice"] is known
    assert put(client, "Twice", {**body, "time": body["time"] + 0.1}).status_code == 200
    assert station.hub.snapshot().values["Twice"] is not known


def test_any_wires_are_taken_but_not_without_end(client: FlaskClient) -> None:
    for number in range(24):
        body = {**without("brown", "black"), "point": "Wires", f"w{number}": WIRE}
        assert put(client, "Wires", body).status_code in (200, 201)
    answer = put(client, "Wires", {**without("black"), "point": "Wires"})
    assert answer.status_code == 400
    assert "24 at most" in answer.json["message"]


@pytest.mark.parametrize(("body", "reason"), BAD[3:9], ids=[reason for _, reason in BAD[3:9]])
def test_a_bad_body_changes_nothing(
    client: FlaskClient, station: Station, body: Any, reason: str
) -> None:
    answer = put(client, "Silent", body)
    assert answer.status_code == (413 if "at most" in reason else 400)
    assert reason.replace("16384", "16384 bytes") in answer.json["message"]
    assert "Silent" not in station.hub.snapshot().values


def test_the_point_of_the_address_and_of_the_body_must_agree(client: FlaskClient) -> None:
    answer = put(client, "Silent", BODY)
    assert answer.status_code == 400
    assert "'Garage' is not 'Silent'" in answer.json["message"]


def test_only_a_remote_that_is_not_asked_is_told(client: FlaskClient) -> None:
    for point in ("grid", "nobody"):
        answer = put(client, point)
        assert answer.status_code == 404
        assert "type = remote" in answer.json["message"]
    answer = put(client, "attic")
    assert answer.status_code == 409
    assert "[source:attic] asks its url by itself" in answer.json["message"]


def test_a_token_opens_and_a_wrong_one_soon_is_heard_no_more(client: FlaskClient) -> None:
    right, far = bearer("open=sesame é"), "192.168.9.9"
    assert put(client, "Garage", address=far, Authorization=right).status_code == 201
    answer = put(client, "Garage", address=far)
    assert answer.status_code == 401
    assert "Authorization: Bearer" in answer.json["message"]
    for _ in range(10):
        answer = put(client, "Garage", address=far, Authorization=bearer("sesame"))
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert put(client, "Garage", address=far, Authorization=right).status_code == 429
    assert put(client, "Garage", address="192.168.9.8", Authorization=right).status_code == 200


@pytest.mark.parametrize(
    ("address", "head", "taken"),
    [
        ("10.0.0.7", {}, True),
        ("192.168.5.200", {}, True),
        ("::ffff:10.0.0.7", {}, True),
        ("10.0.0.8", {}, False),
        ("10.0.0.7", {"Sec_Fetch_Site": "cross-site"}, False),
        ("10.0.0.7", {"Origin": "http://evil.example"}, False),
        ("127.0.0.1", {"X_Forwarded_For": "1.2.3.4, 10.0.0.7"}, True),  # a proxy here says for whom
        ("127.0.0.1", {"X_Forwarded_For": "10.0.0.7, 1.2.3.4"}, False),
        ("127.0.0.1", {"Via": "1.1 proxy"}, False),
        ("10.0.0.7", {"X_Forwarded_For": "10.0.0.7"}, False),  # a proxy elsewhere is not its client
        ("10.0.0.8", {"X_Forwarded_For": "10.0.0.7"}, False),
        ("10.0.0.8", {"Authorization": "Bearer x"}, False),
        ("127.0.0.1", {}, True),  # this machine itself, while no admin password is set
    ],
)
def test_an_address_of_the_list_needs_no_token(
    client: FlaskClient, address: str, head: dict[str, str], taken: bool
) -> None:
    answer = put(client, "Shed", address=address, **head)
    assert (answer.status_code in (200, 201)) is taken, answer.json
    if not taken:
        assert answer.status_code == 403
        assert "Shed" in answer.json["message"] or "another site" in answer.json["message"]


def test_the_admin_may_tell_everything(ini: Path) -> None:
    ini.write_text(f"{OPEN}[web]\nadmin_password = {generate_password_hash('key')}\n")
    station = Station(ini)
    station.start()
    until(lambda: station.state == "running", "the start")
    client = create_app(station).test_client()
    body = {**BODY, "point": "Cellar", "time": time.time()}
    assert client.put("/state/Cellar", json=body).status_code == 401
    assert client.put("/state/Cellar", json=body, auth=("x", "no")).status_code == 401
    assert client.put("/state/Cellar", json=body, auth=("x", "key")).status_code == 201
    station.stop()


def test_a_station_that_does_not_run_says_so(ini: Path) -> None:
    client = create_app(Station(ini)).test_client()
    assert client.get("/state/grid").status_code == 503
    assert put(client, "Cellar").status_code == 503


def test_old_collectors_reach_it_beside_s0(station: Station) -> None:
    client = Client(mounted(create_app(station)))
    assert client.get("/state/grid").json.keys() == client.get("/s0/state/grid").json.keys()
    body = {**BODY, "point": "Old", "time": time.time()}
    here = {"REMOTE_ADDR": "127.0.0.1"}
    assert client.put("/state/Old", json=body, environ_overrides=here).status_code == 201
    assert client.get("/state/nobody").status_code == 404
    assert "the station is at /s0/" in client.get("/state").text

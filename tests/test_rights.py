import base64
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from s0web import config, fresh
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.rights import DATA, PAGES, TRIES, host_allowed
from tests.conftest import until

PASSWORD = "correct horse"
LAN = {"REMOTE_ADDR": "192.168.1.20"}
CHANGES = ["/config?debug=on", "/trigger"]


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()}


@pytest.fixture
def client(station: Station) -> FlaskClient:
    return create_app(station).test_client()


@pytest.fixture
def locked(station: Station, client: FlaskClient) -> FlaskClient:
    """A station with an admin password."""
    hashed = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
    config.save(station.path, {"web": {"admin_password": hashed}})
    until(
        lambda: station.config and station.config.sections["web"]["admin_password"], "the password"
    )
    return client


@pytest.mark.parametrize("path", ["/", "/electricity", "/api/v1/readings", "/config", "/metrics"])
def test_reading_is_open_on_the_lan(locked: FlaskClient, path: str) -> None:
    assert locked.get(path, environ_overrides=LAN).status_code == 200


@pytest.mark.parametrize("path", CHANGES)
def test_without_a_password_only_the_machine_itself_may_change(
    client: FlaskClient, path: str
) -> None:
    assert client.get(path).status_code == 200
    answer = client.get(path, environ_overrides=LAN)
    assert answer.status_code == 403
    assert "s0web passwd" in answer.json["message"]
    assert client.post("/config", data={"action": "save"}, environ_overrides=LAN).status_code == 403


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_passed_on_is_not_from_the_machine_itself(
    client: FlaskClient, header: str
) -> None:
    assert client.get("/trigger", headers={header: "for=10.0.0.9"}).status_code == 403


@pytest.mark.parametrize("path", CHANGES)
def test_with_a_password_it_is_needed_from_everywhere(locked: FlaskClient, path: str) -> None:
    for place in ({}, LAN):
        answer = locked.get(path, environ_overrides=place)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="s0web"')
        assert locked.get(path, headers=basic("wrong"), environ_overrides=place).status_code == 401
        right = locked.get(path, headers=basic(PASSWORD), environ_overrides=place)
        assert right.status_code == 200


def test_behind_a_proxy_a_stranger_locks_only_himself_out(locked: FlaskClient) -> None:
    for _ in range(TRIES + 1):
        stranger = basic("no") | {"X-Forwarded-For": "10.6.6.6"}
        answer = locked.get("/trigger", headers=stranger)
    assert answer.status_code == 429
    owner = basic(PASSWORD) | {"X-Forwarded-For": "10.1.1.1"}
    assert locked.get("/trigger", headers=owner).status_code == 200


def test_a_password_is_asked_for_while_the_settings_are_broken(ini: Path) -> None:
    hashed = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
    ini.write_text(f"[web]\nadmin_password = {hashed}\n[source:main]\ntype = s0\npin = x\n")
    station = Station(ini)
    station.start()
    until(lambda: station.state == "failed", "the mistake to be seen")
    client = create_app(station).test_client()
    assert client.post("/config", data={"action": "save"}).status_code == 401
    station.stop()


def test_a_waiting_station_changes_nothing(station: Station) -> None:
    second = Station(station.path)
    second.start()
    until(lambda: second.state == "waiting", "the second to wait")
    client, before = create_app(second).test_client(), station.path.read_text()
    page = BeautifulSoup(client.get("/config").data, "html.parser")
    token = page.find("input", {"name": "token"})["value"]
    form = {"action": "save", "token": token, "web|title": "STOLEN"}
    for accept, kind in (("*/*", "application/json"), ("text/html", "text/html")):
        answer = client.post("/config", data=form, headers={"Accept": accept})
        assert (answer.status_code, answer.mimetype) == (503, kind)
    assert station.path.read_text() == before
    second.stop()


def test_a_damaged_hash_is_a_sentence(client: FlaskClient, station: Station) -> None:
    damaged = "scrypt:aa:bb:ccccccccccccccccccccccc$salt$00"
    config.save(station.path, {"web": {"admin_password": damaged}})
    until(lambda: station.config and station.config.sections["web"]["admin_password"], "the hash")
    answer = client.get("/trigger", headers=basic(PASSWORD))
    assert answer.status_code == 403
    assert "s0web passwd" in answer.json["message"]


def test_wrong_passwords_are_slowed_down_by_address(locked: FlaskClient) -> None:
    for _ in range(TRIES):
        assert locked.get("/trigger", headers=basic("no"), environ_overrides=LAN).status_code == 401
    assert locked.get("/trigger", headers=basic(PASSWORD), environ_overrides=LAN).status_code == 429
    elsewhere = {"REMOTE_ADDR": "192.168.1.21"}
    answer = locked.get("/trigger", headers=basic(PASSWORD), environ_overrides=elsewhere)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
        {"Origin": "http://["},
    ],
)
def test_a_page_of_another_site_changes_nothing(
    client: FlaskClient, station: Station, headers: dict[str, str]
) -> None:
    before = station.path.read_text()
    for answer in (
        client.get("/config?debug=on", headers=headers),
        client.get("/trigger", headers=headers),
        client.post("/config", data={"action": "save"}, headers=headers),
    ):
        assert answer.status_code == 403
    assert station.path.read_text() == before


BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140"}


@pytest.mark.parametrize("path", CHANGES)
def test_a_browser_that_does_not_say_who_sent_it_is_asked(
    client: FlaskClient, station: Station, path: str
) -> None:
    """Over plain HTTP there is no Sec-Fetch-Site: a link of any page could have led here."""
    before = station.path.read_text()
    answer = client.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert "Change this?" in answer.get_data(as_text=True)
    assert station.path.read_text() == before
    form = BeautifulSoup(answer.data, "html.parser").find("form")
    token = form.find("input", {"name": "token"})["value"]
    wish = {"token": token, "action": "wish"}
    assert (
        client.post(form["action"], data=wish | {"token": "x"}, headers=BROWSER).status_code == 400
    )
    done = client.post(form["action"], data=wish, headers=BROWSER)
    assert done.data in (b"Triggered!",) or b"Debug: on" in done.data


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_our_own_pages_and_typed_addresses_may_change(client: FlaskClient, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Origin": "http://localhost"}
    assert client.get("/trigger", headers=headers).status_code == 200


def test_a_form_without_its_token_changes_nothing(client: FlaskClient, station: Station) -> None:
    before = station.path.read_text()
    answer = client.post(
        "/config", data={"action": "save", "s0web|simulate": "no", "token": "guess"}
    )
    assert answer.status_code == 400
    assert station.path.read_text() == before


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "[fe80::1]", "pi",
     "s0web.local", "s0web.lan:80", "meter.fritz.box", "x.home.arpa", "PI.LOCAL",
     "house.example.org", "a.dyn.example"],
)  # fmt: skip
def test_local_names_addresses_and_own_names_are_answered(host: str) -> None:
    assert host_allowed(host, ("house.example.org", "*.dyn.example"))


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "local.evil.example", "", "a b",
     "x.local.evil.example", "evil.example/.local", "u@h.local", "[::1", "dyn.example", "pi:port",
     "<script>.local"],
)  # fmt: skip
def test_names_that_a_strangers_dns_can_point_here_are_not(host: str) -> None:
    assert not host_allowed(host, ("house.example.org", "*.dyn.example"))


def test_a_strange_host_is_refused_on_every_address(client: FlaskClient) -> None:
    for path in ("/", "/electricity", "/api/v1/readings", "/static/style.css"):
        answer = client.get(path, headers={"Host": "evil.example"})
        assert answer.status_code == 421
        assert b"allowed_hosts" in answer.data


def test_every_answer_is_dressed(client: FlaskClient) -> None:
    for path in ("/", "/config", "/electricity", "/nowhere", "/api/v1/nowhere", "/metrics"):
        answer = client.get(path, headers={"Accept": "text/html"})
        for name, value in PAGES if answer.mimetype == "text/html" else DATA:
            assert answer.headers.getlist(name) == [value]
        assert answer.headers.getlist("Cache-Control") == ["no-store"]
    with client.get("/static/style.css") as answer:
        assert "no-store" not in answer.headers["Cache-Control"]


def test_sizes_are_bounded(client: FlaskClient) -> None:
    assert client.get("/electricity?" + "x" * 5000).status_code == 414
    assert client.post("/config", data={"action": "x" * 600_000}).status_code == 413
    many = {f"f{n}": "1" for n in range(3000)}
    assert client.post("/config", data=many, content_type="multipart/form-data").status_code == 413


def test_no_answer_shows_the_password_or_its_hash(locked: FlaskClient, station: Station) -> None:
    assert station.config is not None
    hashed = station.config.sections["web"]["admin_password"]
    for path in ("/", "/config", "/api/v1/status", "/api/v1/readings", "/metrics", "/openapi.json"):
        text = locked.get(path).get_data(as_text=True)
        assert hashed not in text
        assert hashed.rpartition("$")[2] not in text


def test_no_secret_is_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "s0web.ini"
    fresh.create(path, fresh.FRESH)
    assert path.stat().st_mode & 0o007 == 0

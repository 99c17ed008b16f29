"""The backup as a download of the page Devices."""

import http.client
import os
import re
import signal
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from s0web import config
from s0web.__main__ import main
from s0web.archive import backup
from s0web.archive.glance import glance
from s0web.archive.past import days
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading
from s0web.statelock import StateLock
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.backup import LOCK, PREFIX
from tests.apache_server import Place, wait_for
from tests.chromium import Browser
from tests.conftest import S0, until
from tests.served import under_waitress
from tests.sink_servers import Disk, can_mount
from tests.test_rights import LAN, PASSWORD, basic

THEN = datetime(2026, 3, 10, tzinfo=UTC)
DAYS = timedelta(days=3)
MB = 1_000_000
PAGE = {"Accept": "text/html"}
ARCHIVE = "archive-simulated.db"
FILE = re.compile(r"s0web-\d{4}-\d\d-\d\d-\d{6}\.zip")


def past(archive: Path, padding: int = 0) -> None:
    """A day of readings, and so many bytes that do not shrink, too many for a socket's buffer."""
    clock = FakeClock(THEN)
    kept = Archive(archive, clock)
    kept.open()
    for n in range(288):
        kept.write([Reading("main", clock.now(), {"energy_import": n / 12, "power": 1000.0})])
        clock.advance(300)
    kept.close()
    with closing(sqlite3.connect(archive)) as connection, connection:
        connection.execute("CREATE TABLE padding (bytes BLOB)")
        connection.execute("INSERT INTO padding VALUES (?)", (os.urandom(padding),))


def told(archive: Path) -> list[Reading]:
    """What it holds of that day."""
    with glance(archive) as view:
        return [r for _, readings in days(view, THEN - DAYS, THEN + DAYS) for r in readings]


def left(folder: Path) -> list[Path]:
    """What a backup in the making has, or one whose making ended without it."""
    return list(folder.glob(f"{PREFIX}*"))


def is_idle(folder: Path) -> bool:
    """Whether nobody has one made or sent."""
    lock = StateLock(folder / LOCK)
    taken = lock.take()
    lock.drop()
    return taken


@contextmanager
def served(ini: Path, text: str = S0) -> Iterator[tuple[Station, str]]:
    """A station with these settings, and the address of its pages."""
    ini.write_text(text)
    with under_waitress(ini) as (station, root):
        yield station, f"{root}/s0/"


class Fetch:
    """The button of the page Devices, pressed; the body is read or left."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        path = urlsplit(url).path
        self._connection.request("GET", f"{path}devices", headers={"Connection": "keep-alive"})
        body = urlencode({"token": token(self._connection.getresponse().read())})
        head = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "gzip"}
        self._connection.request("POST", f"{path}backup", body, head)

    def answer(self) -> http.client.HTTPResponse:
        return self._connection.getresponse()

    def leave(self) -> None:
        self._connection.close()


def fetched(url: str) -> tuple[int, bytes]:
    fetch = Fetch(url)
    answer = fetch.answer()
    status, body = answer.status, answer.read()
    fetch.leave()
    return status, body


def token(page: bytes) -> str:
    field = BeautifulSoup(page, "html.parser").select_one("#backup input[name=token]")
    assert field is not None
    return str(field["value"])


def names(body: bytes) -> list[str]:
    with zipfile.ZipFile(BytesIO(body)) as file:
        assert file.testzip() is None
        return file.namelist()


# -- what comes ------------------------------------------------------------------------------------


def test_what_is_downloaded_from_a_running_station_is_restored_into_an_empty_folder(
    ini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    past(ini.with_name(ARCHIVE))
    with served(ini, S0 + "# mine\n") as (_, url):
        fetch = Fetch(url)
        answer = fetch.answer()
        body = answer.read()
        fetch.leave()
        before = told(ini.with_name(ARCHIVE))
        assert left(ini.parent) == []
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in answer.headers
    assert int(answer.headers["Content-Length"]) == len(body)
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment")
    assert FILE.search(disposition)
    file = tmp_path / "b.zip"
    file.write_bytes(body)
    new = tmp_path / "new" / "s0web.ini"
    monkeypatch.setenv("S0WEB_INI", str(new))
    assert main(["restore", str(file), "--write"]) == 0
    assert len(before) == 288
    assert told(new.with_name(ARCHIVE)) == before
    assert new.read_text().endswith("# mine\n")


@pytest.fixture
def client(station: Station) -> FlaskClient:
    return create_app(station).test_client()


def form(client: FlaskClient) -> dict[str, str]:
    return {"token": token(client.get("/devices").data)}


def test_it_takes_the_right_to_change(client: FlaskClient, station: Station) -> None:
    data = form(client)
    answer = client.post("/backup", data=data, environ_overrides=LAN)
    assert answer.status_code == 403
    assert "s0web passwd" in answer.json["message"]
    with client.post("/backup", data=data) as answer:
        assert names(answer.data)[:2] == ["about.json", "s0web.ini"]
    hashed = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
    config.save(station.path, {"web": {"admin_password": hashed}})
    until(lambda: station.config and station.config.sections["web"]["admin_password"], "it")
    for given in ({}, basic("wrong")):
        assert client.post("/backup", data=data, headers=given).status_code == 401
    right = basic(PASSWORD)
    with client.post("/backup", data=data, headers=right, environ_overrides=LAN) as answer:
        assert answer.status_code == 200
    assert client.get("/backup", headers=right).status_code == 405


def test_a_page_of_another_site_gets_none(client: FlaskClient) -> None:
    for head in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/backup", data=form(client), headers=head).status_code == 403
    for data in ({}, {"token": "guessed"}):
        answer = client.post("/backup", data=data, headers=PAGE)
        assert answer.status_code == 400
        assert "The page was too old" in answer.text


def test_settings_that_are_wrong_are_a_sentence(client: FlaskClient, station: Station) -> None:
    data = form(client)
    station.path.write_text(S0.replace("pin = 4", "pin = x"))
    answer = client.post("/backup", data=data, headers=PAGE)
    assert answer.status_code == 503
    assert "There is no backup: " in answer.text
    assert "pin" in answer.text
    station.path.write_text(S0)
    with client.post("/backup", data=data) as answer:
        assert answer.status_code == 200


def test_a_damaged_archive_is_not_sent_as_if_it_were_whole(
    client: FlaskClient, station: Station
) -> None:
    until(station.path.with_name(ARCHIVE).exists, "the archive")
    with closing(sqlite3.connect(station.path.with_name(ARCHIVE))) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO state VALUES ('memory', '[7')")
    answer = client.post("/backup", data=form(client))
    assert answer.status_code == 503
    assert "is damaged" in answer.json["message"]
    assert left(station.path.parent) == []


def test_without_the_archive_the_file_is_not_named_as_if_it_were_whole(
    client: FlaskClient, station: Station
) -> None:
    archive = station.path.with_name(ARCHIVE)
    for is_there, name in ((True, "s0web-"), (False, "settings-of-s0web-")):
        until(archive.exists, "the archive")
        if not is_there:
            archive.unlink()
        with client.post("/backup", data=form(client)) as answer:
            assert f"filename={name}" in answer.headers["Content-Disposition"]
            assert len(names(answer.data)) == 2 + is_there


def test_an_archive_at_a_relative_path_lies_beside_the_ini(
    ini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    with served(ini, f"{S0}[archive]\npath = kept\n") as (_, url):
        until((ini.parent / "kept" / ARCHIVE).exists, "the archive")
        monkeypatch.chdir(elsewhere)  # as a shell's own folder
        assert len(names(fetched(url)[1])) == 3
        assert list(elsewhere.iterdir()) == []


# -- one at a time, and nothing left ---------------------------------------------------------------


def test_while_one_is_fetched_no_other_is_and_one_who_goes_away_is_no_hindrance(
    ini: Path,
) -> None:
    past(ini.with_name(ARCHIVE), 20 * MB)
    with served(ini) as (_, url):
        slow = Fetch(url)
        assert slow.answer().status == 200  # and its body stays in the wire
        status, body = fetched(url)
        assert status == 409
        assert b"is being made or fetched already" in body
        assert left(ini.parent) == []
        slow.leave()
        until(lambda: is_idle(ini.parent), "the end of the first")
        assert fetched(url)[0] == 200


def test_one_who_goes_away_while_it_is_made_leaves_nothing(ini: Path) -> None:
    past(ini.with_name(ARCHIVE), 60 * MB)
    with served(ini) as (_, url):
        gone = Fetch(url)
        until(lambda: left(ini.parent), "the making")
        gone.leave()
        until(lambda: is_idle(ini.parent), "its end")
        assert left(ini.parent) == []
        assert fetched(url)[0] == 200


def test_one_who_takes_nothing_more_is_cut_off(ini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s0web.web.server.STALLED", 1)
    past(ini.with_name(ARCHIVE), 20 * MB)
    with served(ini) as (_, url):
        stalled = Fetch(url)
        assert stalled.answer().status == 200
        until(lambda: is_idle(ini.parent), "the end of the first", 30)
        assert fetched(url)[0] == 200
        stalled.leave()


def test_another_process_that_makes_one_is_seen(client: FlaskClient, station: Station) -> None:
    lock = StateLock(station.path.with_name(LOCK))
    assert lock.take()
    assert client.post("/backup", data=form(client)).status_code == 409
    lock.drop()
    with client.post("/backup", data=form(client)) as answer:
        assert answer.status_code == 200


def test_what_a_killed_process_left_goes_with_the_next_backup(
    client: FlaskClient, station: Station
) -> None:
    old = station.path.with_name(f"{PREFIX}abc")
    old.mkdir()
    (old / "copy.db").write_bytes(b"x" * 1000)
    with client.post("/backup", data=form(client)) as answer:
        assert answer.status_code == 200
        assert left(station.path.parent) == []  # while it is sent it has no name


# -- a full disk -----------------------------------------------------------------------------------


@pytest.fixture(params=[1] if can_mount() else [])
def disk() -> Iterator[Disk]:
    made = Disk()
    yield made
    made.remove()


def test_a_disk_without_room_is_told_beforehand(ini: Path, disk: Disk) -> None:
    past(disk.folder / ARCHIVE, 5 * MB)
    with served(ini, f"{S0}[archive]\npath = {disk.folder}\n") as (_, url):
        disk.fill(20 * MB)
        status, body = fetched(url)
        assert status == 503
        text = rf"{disk.folder}: a backup needs 2[67] MB there .* and 2\d MB are free: make room"
        assert re.search(text, body.decode())
        assert left(disk.folder) == []
        disk.free()
        assert fetched(url)[0] == 200


def test_a_disk_that_gets_full_meanwhile_is_told_and_nothing_stays(
    ini: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    past(disk.folder / ARCHIVE, 5 * MB)
    with served(ini, f"{S0}[archive]\npath = {disk.folder}\n") as (_, url):
        for room in (1, 8):  # for less than the copy; for the copy, not for what is packed of it
            disk.fill(room * MB)
            with monkeypatch.context() as patch:
                patch.setattr(backup, "SPARE", -1000 * MB)
                status, body = fetched(url)
            assert status == 503
            assert "(No space left on device): is there room for the archive" in body.decode()
            assert left(disk.folder) == []
        disk.free()
        assert len(names(fetched(url)[1])) == 3


# -- under Apache ----------------------------------------------------------------------------------


def test_under_apache_it_comes_and_a_killed_process_leaves_nothing_for_long() -> None:
    with tempfile.TemporaryDirectory(prefix="s0web-") as folder:
        place = Place(Path(folder))
        state = place.ini.parent
        past(state / ARCHIVE, 60 * MB)
        try:
            apache = place.apache()
            first, url = place.counting(), f"http://127.0.0.1:{apache.port}/s0/"
            status, body = fetched(url)
            assert status == 200
            assert len(names(body)) == 3
            wait_for(lambda: is_idle(state), "its end", apache.log)
            gone = Fetch(url)
            assert gone.answer().status == 200
            gone.leave()
            wait_for(lambda: is_idle(state), "the end of one who went away", apache.log)
            assert left(state) == []
            gone = Fetch(url)
            wait_for(lambda: left(state), "the making", apache.log)
            os.kill(first, signal.SIGKILL)
            gone.leave()
            place.renewed(first)
            assert left(state) != []
            assert fetched(url)[0] == 200
            assert left(state) == []
        finally:
            for apache in place.apaches:
                apache.stop()


# -- in a browser ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Its folder and its address."""
    ini = tmp_path_factory.mktemp("house") / "s0web.ini"
    past(ini.with_name(ARCHIVE))
    with served(ini) as (_, url):
        yield ini.parent, url


def opened(chromium: Browser, url: str) -> None:
    chromium.open(f"{url}devices?language=en")
    chromium.until(lambda: chromium.text("#cards"), "the page")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_the_button_downloads_the_file(
    chromium: Browser, house: tuple[Path, str], tmp_path: Path, width: int, height: int
) -> None:
    folder = {"behavior": "allow", "downloadPath": str(tmp_path)}
    chromium.tell("Browser.setDownloadBehavior", folder)
    chromium.look(width, height)
    until(lambda: is_idle(house[0]), "the end of others")
    opened(chromium, house[1])
    assert chromium.overflow() <= 0
    assert chromium.serious() == []
    assert chromium.faint() == []
    chromium.click("#backup button")
    told = "The download has begun."
    chromium.until(lambda: chromium.text("#backup-state") == told, "the download")
    assert chromium.find("#backup button").is_enabled()
    chromium.until(lambda: list(tmp_path.glob("*.zip")), "the file")
    (file,) = tmp_path.iterdir()
    assert FILE.fullmatch(file.name)
    assert len(names(file.read_bytes())) == 3
    assert chromium.errors() == []


def test_a_refusal_is_a_page_with_a_sentence_and_a_way_back(
    chromium: Browser, house: tuple[Path, str]
) -> None:
    lock = StateLock(house[0] / LOCK)
    until(lock.take, "the end of others")
    opened(chromium, house[1])
    chromium.click("#backup button")
    chromium.until(lambda: "already; try again" in chromium.text("#page"), "the sentence")
    lock.drop()
    chromium.driver.back()
    chromium.until(lambda: chromium.text("#backup button"), "the page again")
    assert chromium.find("#backup button").is_enabled()
    assert [error for error in chromium.errors() if " 409 " not in error] == []

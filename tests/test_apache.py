"""The station under a real Apache: exactly one, whatever Apache does, and no count is lost."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from tests.apache_server import CHECKOUT, INI, LIMIT, Apache, Beat, Place, wait_for

BROKEN = "raise RuntimeError('this library is broken')\n"


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="s0web-") as folder:
        place = Place(Path(folder))
        try:
            yield place
        finally:
            for apache in place.apaches:
                apache.stop()
        wait_for(lambda: not any(map(_runs, place.imports())), "the end", lambda: "")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _one_after_the_other(beats: list[Beat]) -> bool:
    """Whether no process counted while another did."""
    order = [pid for pid, _ in groupby(beats, key=lambda beat: beat.pid)]
    return len(order) == len(set(order))


def _never_falls(beats: list[Beat]) -> bool:
    return all(a.total <= b.total for a, b in pairwise(beats))


def _ask(apache: Apache, times: int) -> list[int]:
    """So many requests one after the other on one connection; return their statuses."""
    connection = http.client.HTTPConnection("127.0.0.1", apache.port, timeout=LIMIT)
    found = []
    for _ in range(times):
        connection.request("GET", "/s0/electricity")
        answer = connection.getresponse()
        answer.read()
        found.append(answer.status)
    connection.close()
    return found


def test_one_station_starts_with_apache_and_stays_one_through_2000_requests(place: Place) -> None:
    apache = place.apache()
    pid = place.counting()  # nobody has asked for anything yet
    with ThreadPoolExecutor(8) as clients:
        statuses = [s for found in clients.map(_ask, [apache] * 8, [250] * 8) for s in found]
    assert statuses == [200] * 2000
    assert place.imports() == [pid]
    assert {beat.pid for beat in place.beats()} == {pid}
    assert _never_falls(place.beats())


@pytest.mark.parametrize("how", ["graceful", "restart"])
def test_a_reload_costs_a_moment_and_no_count(
    place: Place, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    apache = place.apache()
    old = place.counting()
    _ask(apache, 20)
    getattr(apache, how)()
    new = place.renewed(old)
    beats = place.beats()
    assert place.imports() == [old, new]
    assert _one_after_the_other(beats)
    assert _never_falls(beats)
    shown = json.loads(apache.get("/s0/electricity")[1])["data"]["energy"]  # Wh, rounded
    assert shown > beats[-1].total * 1e3 - 1e-6
    with capsys.disabled():
        print(f"\n{how}: {place.gap():.2f} s without acquisition, no count lost")


def test_a_stop_and_a_start_lose_no_count(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    apache = place.apache()
    old = place.counting()
    apache.stop()
    assert place.kept() >= place.beats()[-1].total
    apache.start()
    place.renewed(old)
    assert _never_falls(place.beats())
    with capsys.disabled():
        print(f"\nstop and start: {place.gap():.2f} s without acquisition, no count lost")


def test_a_killed_station_comes_back_by_itself_and_goes_on_from_the_counter_kept(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    apache = place.apache()
    old = place.counting()
    wait_for(place.kept, "the counter in the INI", apache.log)
    wait_for(lambda: place.beats()[-1].total > place.kept(), "more to lose", apache.log)
    kept = place.kept()
    os.kill(old, signal.SIGKILL)
    new = place.renewed(old)
    beats = place.beats()
    last = [beat for beat in beats if beat.pid == old][-1]
    first = next(beat for beat in beats if beat.pid == new)
    assert place.imports() == [old, new]
    assert kept <= first.total
    assert apache.get("/s0/readyz")[0] == 200
    with capsys.disabled():
        lost = (last.total - first.total) * 1e3
        print(f"\nkill -9: {place.gap():.2f} s without acquisition, {max(0, lost):.3f} Wh lost")


def test_a_request_that_never_ends_costs_no_count_when_apache_reloads(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    apache = place.apache()
    old = place.counting()
    with socket.create_connection(("127.0.0.1", apache.port)) as stuck:
        head = "POST /s0/config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
        stuck.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\na=".encode())
        _ask(apache, 20)
        before = place.beats()[-1].total
        apache.graceful()
        new = place.renewed(old)
    first = next(beat for beat in place.beats() if beat.pid == new)
    assert first.total >= before
    assert _one_after_the_other(place.beats())
    with capsys.disabled():
        print(f"\ngraceful with a request open: {place.gap():.2f} s without acquisition")


def test_a_second_apache_waits_and_takes_over(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    first = place.apache()
    old = place.counting()
    second = place.apache()
    wait_for(lambda: "waiting" in second.get("/s0/readyz")[1], "waiting", second.log)
    for path in ("/s0/readyz", "/s0/electricity", "/s0/config?energy=5"):
        status, text = second.get(path)
        assert (status, "Another s0web has the wires" in text) == (503, True), path
    assert {beat.pid for beat in place.beats()} == {old}
    first.stop()
    place.counting()
    assert second.get("/s0/electricity")[0] == 200
    assert _one_after_the_other(place.beats())
    assert _never_falls(place.beats())
    with capsys.disabled():
        print(f"\nhand-over to another Apache: {place.gap():.2f} s without acquisition")


def test_broken_hardware_libraries_are_told_and_the_script_is_loaded_once(place: Place) -> None:
    broken = place.folder / "broken"
    broken.mkdir()
    for name in ("RPi", "serial", "gpiod", "lgpio", "spidev", "smbus2"):
        (broken / f"{name}.py").write_text(BROKEN)
    real = INI.replace("simulate = yes", "simulate = no")
    place.ini.write_text(f"{real}[source:grid]\ntype = p1\nport = /dev/ttyUSB0\n")
    apache = place.apache(PYTHONPATH=f"{broken}:{CHECKOUT}")

    def troubles() -> list[str]:
        workers = json.loads(apache.get("/s0/api/v1/status")[1])["workers"]
        return [f"{w['text']} {w['remedy']}" for w in workers.values() if w["state"] == "failed"]

    wait_for(lambda: len(troubles()) == 2, "two sources that tell what is wrong", apache.log)
    assert any("this library is broken" in text for text in troubles())
    assert apache.get("/s0/readyz")[0] == 200
    assert len(place.imports()) == 1


def test_a_broken_ini_is_told_and_taken_once_it_is_mended(place: Place) -> None:
    place.ini.write_text("[s0web]\nsimulate = perhaps\n")
    apache = place.apache()
    wait_for(lambda: "perhaps" in apache.get("/s0/readyz")[1], "the sentence", apache.log)
    status, text = apache.get("/s0/readyz")
    assert status == 503
    assert str(place.ini) in text
    assert "simulate: 'perhaps' is not yes or no" in text
    place.ini.write_text(INI)
    place.counting()
    assert apache.get("/s0/electricity")[0] == 200
    assert len(place.imports()) == 1


def test_a_state_folder_that_cannot_be_used_is_told(place: Place) -> None:
    apache = place.apache(S0WEB_INI=str(place.ini / "s0web.ini"))  # a file where a folder is due
    wait_for(lambda: "cannot be used" in apache.get("/s0/readyz")[1], "the sentence", apache.log)
    assert apache.get("/s0/readyz")[0] == 503
    assert apache.get("/s0/healthz")[0] == 200
    assert len(place.imports()) == 1


def test_state_is_passed_on_to_the_same_station(place: Place) -> None:
    apache = place.apache()
    place.counting()
    passed, direct = (apache.get(path)[1] for path in ("/state/nothing", "/s0/state/nothing"))
    assert json.loads(passed) == json.loads(direct)
    assert "<address>" not in apache.get("/state")[1]  # Apache's own 404 would have it
    assert len(place.imports()) == 1


def logged(apache: Apache, least: int) -> list[str]:
    """The access log once Apache has ended. Each of its threads writes its own line, after its
    answer is sent: in no certain order.
    """
    path = apache.folder / "access.log"
    wait_for(lambda: len(path.read_text().splitlines()) >= least, "lines", apache.log)
    apache.stop()
    return sorted(path.read_text().splitlines())


def _put(apache: Apache, path: str, body: bytes, head: dict[str, str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", apache.port, timeout=LIMIT)
    connection.request("PUT", path, body, head)
    answer = connection.getresponse()
    told = answer.status, answer.read().decode()
    connection.close()
    return told


def test_a_collector_tells_a_point_beside_s0(place: Place) -> None:
    remote = "[source:mains]\ntype = remote\npoint = Mains\ntoken = x=y\n"
    place.ini.write_text(INI + remote)
    apache = place.apache()
    place.counting()
    body = {
        "point": "Mains",
        "time": round(time.time(), 3),
        "current": 4.0,
        "voltage": 230.0,
        "power": 900,
    }
    told, bearer = json.dumps(body).encode(), {"Authorization": "Bearer x=y"}
    assert apache.get("/state/Mains")[0] == 503
    assert _put(apache, "/state/Mains", told, {"Authorization": "Bearer no"})[0] == 401
    assert _put(apache, "/state/Mains", told, bearer) == (201, told.decode())
    assert _put(apache, "/s0/state/Mains", told, bearer)[0] == 200
    assert json.loads(apache.get("/state/Mains")[1]) == body
    assert len(place.imports()) == 1
    assert logged(apache, 2) == ["GET /state/Mains 503", "PUT /state/Mains 401"]


def test_polling_leaves_no_line_in_the_access_log_but_refusals_do(place: Place) -> None:
    apache = place.apache()
    place.counting()
    for path in ("/s0/electricity", "/s0/api/v1/readings", "/s0/api/v1/nothing", "/s0/trigger"):
        apache.get(path)
    assert logged(apache, 2) == ["GET /s0/api/v1/nothing 404", "GET /s0/trigger 200"]


def test_the_script_twice_in_one_process_is_one_station_that_ends_in_order(place: Place) -> None:
    script = str(CHECKOUT / "wsgi/s0web.wsgi")
    program = (
        "import runpy, sys, threading, time\n"
        f"one, two = (runpy.run_path({script!r})['application'] for _ in range(2))\n"
        "assert one is two\n"
        "assert [t.name for t in threading.enumerate()].count('keeper') == 1\n"
        "assert sys.getswitchinterval() < 0.001\n"
        "station = one.extensions['station']\n"
        "end = time.monotonic() + 10\n"
        "while not station.hub.snapshot().number('main', 'pulses'):\n"
        "    assert time.monotonic() < end\n"
        "    time.sleep(0.01)\n"
        "print(station.hub.snapshot().number('main', 'energy_import'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | place.env | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert place.kept() >= float(done.stdout)

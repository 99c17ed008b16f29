"""The source of day-ahead prices: real HTTP servers on this machine, a clock in the hand."""

import json
import math
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from s0web import config
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.assembly import grouped
from s0web.clock import FakeClock
from s0web.derived.prices import PriceSource
from s0web.derived.web import fetch as fetch_url
from s0web.energy.price_book import PriceBook
from s0web.errors import SourceError
from s0web.hub import Hub
from s0web.inside import Inside
from s0web.model import Command, Reading
from s0web.simulation.wires import SimulatedWires
from s0web.station import Station
from s0web.workers import SourceLoop
from tests.test_dayahead import NO_DATA, charts, day, publication, series

BRUSSELS = ZoneInfo("Europe/Brussels")
NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)  # 12:00 in Brussels
TOKEN = "5f1e-very-secret"
ZONED = "[s0web]\ntimezone = Europe/Brussels\n"
QUARTER = timedelta(minutes=15)


class Server:
    """Answers for one provider; what it was asked is kept."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        self.asked: list[dict[str, str]] = []
        self.answer: Any = None  # in place of the two, made of what was asked
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
                ours.asked.append(asked)
                body = ours.answer(asked) if ours.answer else ours.body
                self.send_response(ours.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(OSError):  # whoever asked has heard enough
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is told."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def entsoe() -> Iterator[Server]:
    server = Server()
    server.answer = known_until("2026-11-21")
    yield server
    server.stop()


@pytest.fixture
def charting() -> Iterator[Server]:
    server = Server()
    server.body = charts([], [])
    yield server
    server.stop()


def known_until(last: str) -> Any:
    """ENTSO-E that knows all days up to this one: a price is its hour and day."""
    _, end = day(last)

    def answer(asked: dict[str, str]) -> bytes:
        start, until = (
            datetime.strptime(asked[name], "%Y%m%d%H%M").replace(tzinfo=UTC)
            for name in ("periodStart", "periodEnd")
        )
        until = min(until, end)
        if start >= until:
            return NO_DATA.encode()
        count = (until - start) // QUARTER
        return publication(series(start, until, {n + 1: price(start, n) for n in range(count)}))

    return answer


def price(start: datetime, number: int) -> float:
    local = (start + number * QUARTER).astimezone(BRUSSELS)
    return local.hour + local.day / 100


class Bench:
    """A source with what it stands on."""

    def __init__(self, tmp_path: Path, entsoe: Server, charting: Server, **more: str) -> None:
        self.clock = FakeClock(NOON)
        self.hub = Hub(self.clock)
        self.history: History | None = None
        self.folder = tmp_path
        wires = SimulatedWires(None, self.clock, live=False)  # type: ignore[arg-type]
        self.inside = Inside(
            tmp_path, BRUSSELS, wires, PriceBook(), self.hub, lambda: self.history, lambda _: True
        )
        texts = {
            "provider": "entsoe",
            "token": TOKEN,
            "entsoe_url": entsoe.url,
            "energy_charts_url": charting.url,
            **more,
        }
        rows = "\n".join(f"{name} = {text}" for name, text in texts.items())
        ini = config.parse(tmp_path / "s0web.ini", f"{ZONED}[prices]\n{rows}\n")
        self.options = grouped(ini)["derived prices"].sections["prices"]
        self.source = self.made()
        self.loop = SourceLoop(self.source, self.hub, self.clock)

    def made(self) -> PriceSource:
        return PriceSource({"prices": self.options}, self.inside, self.clock, lambda _: {})

    def run(self, seconds: float) -> None:
        """Turn after turn, as the loop would."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(max(0.1, self.loop.step()))

    def go_to(self, moment: datetime) -> None:
        self.clock.advance((moment - self.clock.now()).total_seconds())

    def told(self) -> list[tuple[datetime, float]]:
        log = self.hub.after(0, 100_000).readings
        return [(r.time, r.values["price_spot"]) for r in log if r.device == "prices"]

    def health(self) -> str:
        health = self.hub.snapshot().health["prices"]
        return f"{health.state} {health.text}".strip()


@pytest.fixture
def bench(tmp_path: Path, entsoe: Server, charting: Server) -> Bench:
    return Bench(tmp_path, entsoe, charting)


def test_today_is_fetched_at_once_and_told_slot_by_slot(bench: Bench, entsoe: Server) -> None:
    bench.run(1800)
    assert (
        bench.told()
        == [
            (NOON, 12.21),
            (NOON + QUARTER, 12.21),
            (NOON + 2 * QUARTER, 12.21),
        ][: len(bench.told())]
    )
    assert len(bench.told()) in (2, 3)
    assert len(entsoe.asked) == 1
    assert entsoe.asked[0] == {
        "documentType": "A44",
        "in_Domain": "10YBE----------2",
        "out_Domain": "10YBE----------2",
        "periodStart": "202611202300",
        "periodEnd": "202611212300",
        "securityToken": TOKEN,
    }
    assert bench.health() == "ok"
    assert bench.hub.snapshot().labels["prices"] == {"provider": "entsoe", "note": ""}


def test_tomorrow_is_asked_for_from_one_o_clock(bench: Bench, entsoe: Server) -> None:
    bench.run(10)
    bench.go_to(NOON + timedelta(minutes=59))
    bench.run(30)
    assert len(entsoe.asked) == 1
    entsoe.answer = known_until("2026-11-22")
    bench.go_to(NOON + timedelta(minutes=71))  # stations spread over ten minutes
    bench.run(10)
    assert [asked["periodStart"] for asked in entsoe.asked] == ["202611202300", "202611212300"]
    evening = datetime(2026, 11, 22, 20, tzinfo=UTC)
    slot = bench.inside.book.at(evening)
    assert slot is not None
    assert slot.spot == 21.22
    bench.run(3600)
    assert len(entsoe.asked) == 2


def test_what_is_not_out_yet_is_asked_for_less_and_less(
    bench: Bench, entsoe: Server, charting: Server
) -> None:
    bench.go_to(NOON + timedelta(minutes=75))
    bench.run(2 * 3600 - 15 * 60 - 60)  # 14:59
    assert 5 < len(entsoe.asked) < 12
    assert len(charting.asked) == len(entsoe.asked) - 1
    assert bench.health() == "ok"
    bench.run(3600)
    assert bench.health() == (
        "failed tomorrow's day-ahead prices are not known yet: entsoe does not have those of "
        "22 Nov 2026; energy-charts does not have those of 22 Nov 2026"
    )
    entsoe.answer = known_until("2026-11-22")
    bench.run(1800)
    assert bench.health() == "ok"


def test_energy_charts_is_asked_where_entsoe_does_not_answer(
    bench: Bench, entsoe: Server, charting: Server
) -> None:
    start, _ = day("2026-11-21")
    begin = round(start.timestamp())
    entsoe.status, entsoe.answer = 503, None
    charting.body = charts([begin + 3600 * n for n in range(24)], list(range(24)))
    bench.run(20)
    assert charting.asked == [{"bzn": "BE", "start": "2026-11-21", "end": "2026-11-21"}]
    assert bench.told() == [(NOON, 12.0)]
    assert bench.health() == "ok"
    assert bench.hub.snapshot().labels["prices"] == {
        "provider": "energy-charts",
        "note": "127.0.0.1 answers 503",
    }


def test_without_internet_it_says_so_and_does_not_hammer(
    bench: Bench, entsoe: Server, charting: Server
) -> None:
    entsoe.status = charting.status = 500
    bench.run(3 * 3600)
    assert len(entsoe.asked) <= 20
    assert bench.health() == (
        "failed no day-ahead price is known: 127.0.0.1 answers 500; 127.0.0.1 answers 500"
    )
    entsoe.status, entsoe.answer = 200, known_until("2026-11-22")
    bench.run(1900)
    assert bench.health() == "ok"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b"Unauthorized 5f1e-very-secret", "answers 401: is the token right?"),
        (429, b"", "was asked too often"),
        (302, b"", "answers 302"),
        (200, b"", "its answer is not XML"),
        (200, b"<html>", "its answer is not XML"),
        (200, b"<a>" * 200_000, "its answer is not XML"),
        (200, b" " * (4 * 1024 * 1024 + 1), "answers more than 4194304 bytes"),
    ],
)
def test_no_answer_ends_it_or_shows_the_token(
    bench: Bench,
    entsoe: Server,
    status: int,
    body: bytes,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entsoe.answer, entsoe.status, entsoe.body = None, status, body
    bench.run(30)
    assert said in bench.health()
    assert TOKEN not in bench.health() + caplog.text


def test_who_has_no_token_is_not_asked_for_one(
    tmp_path: Path, entsoe: Server, charting: Server
) -> None:
    bench = Bench(tmp_path, entsoe, charting, provider="energy-charts")
    charting.status = 403
    bench.run(30)
    assert bench.health() == "failed no day-ahead price is known: 127.0.0.1 answers 403"


def test_a_server_that_is_not_there_is_told_without_the_token(
    bench: Bench, entsoe: Server, charting: Server, caplog: pytest.LogCaptureFixture
) -> None:
    entsoe.stop()
    charting.stop()
    bench.run(30)
    assert "127.0.0.1 cannot be reached (Connection refused)" in bench.health()
    assert TOKEN not in bench.health() + caplog.text


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def shake_hands() -> None:
            wire, _ = server.accept()
            with wire, suppress(OSError), context.wrap_socket(wire, server_side=True) as secure:
                secure.recv(1)

        thread = threading.Thread(target=shake_hands)
        thread.start()
        url = f"https://localhost:{server.getsockname()[1]}/api"
        with pytest.raises(SourceError, match="no valid certificate: self-signed") as caught:
            fetch_url(url, {"securityToken": TOKEN}, 5.0)
        thread.join()
    assert TOKEN not in str(caught.value)


def test_a_restart_without_internet_knows_what_was_fetched(
    bench: Bench, entsoe: Server, charting: Server
) -> None:
    bench.run(10)
    bench.loop.finish()
    assert bench.inside.book.slots == ()
    entsoe.status = charting.status = 500
    bench.loop = SourceLoop(bench.made(), bench.hub, bench.clock)
    before = len(entsoe.asked)
    bench.go_to(NOON + timedelta(hours=2))
    bench.run(10)
    assert bench.told()[-1] == (NOON + timedelta(hours=2), 14.21)
    assert len(bench.told()) == 9  # those that began meanwhile are told too
    assert {asked["periodStart"] for asked in entsoe.asked[before:]} <= {"202611212300"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"zone": "BE"}',
        '{"zone": "BE", "slots": [[1, 2]]}',
        '{"zone": "BE", "slots": [[1e300, 1, 1, "x"]]}',
        '{"zone": "BE", "slots": [[0, 1e9, 1, "x"]]}',
        '{"zone": "BE", "slots": 7}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_begins_anew(bench: Bench, text: str) -> None:
    (bench.folder / "prices.json").write_text(text)
    bench.run(10)
    assert bench.health() == "ok"
    kept = json.loads((bench.folder / "prices.json").read_text())
    assert kept["zone"] == "BE"
    assert len(kept["slots"]) == 96


def test_the_file_of_another_zone_is_not_taken(bench: Bench, tmp_path: Path) -> None:
    bench.run(10)
    other = {**bench.options, "zone": "NL"}
    source = PriceSource({"prices": other}, bench.inside, bench.clock, lambda _: {})
    source.open()
    assert bench.inside.book.slots == ()


def test_a_file_that_cannot_be_written_leaves_the_prices(bench: Bench) -> None:
    (bench.folder / "prices.json.new").mkdir()
    bench.run(60)
    assert bench.health() == "ok"
    assert len(bench.inside.book.slots) == 96


# -- past days -------------------------------------------------------------------------------------


def fetch(moment: datetime) -> Command:
    return Command("prices", "fetch", moment.timestamp())


def test_a_past_day_comes_with_those_that_follow(bench: Bench, entsoe: Server) -> None:
    bench.run(10)
    first, _ = day("2026-09-01")
    bench.loop.tell(fetch(first + timedelta(hours=5)))
    bench.run(60)
    assert [asked["periodStart"] for asked in entsoe.asked[1:]] == ["202608312200"]
    assert len(bench.inside.book.between(first, first + timedelta(days=20))) == 20 * 96
    assert (first, 0.01) in bench.told()
    latest = bench.hub.snapshot().get("prices", "price_spot")
    assert latest is not None
    assert latest.time == NOON  # what is known last is of now
    bench.loop.tell(fetch(first + timedelta(days=19)))
    bench.run(60)
    assert len(entsoe.asked) == 2


def test_a_past_day_is_taken_out_of_the_archive(
    bench: Bench, entsoe: Server, tmp_path: Path
) -> None:
    archive = Archive(tmp_path / "archive.db", bench.clock)
    archive.open()
    start, end = day("2026-03-29")
    archive.write(
        [Reading("prices", start + n * QUARTER, {"price_spot": float(n)}) for n in range(92)]
    )
    bench.history = History(archive, BRUSSELS)
    bench.run(10)
    bench.loop.tell(fetch(start))
    bench.run(30)
    assert [slot.spot for slot in bench.inside.book.between(start, end)] == list(range(92))
    assert len(entsoe.asked) == 1
    archive.close()


def test_a_day_of_another_zone_is_fetched_whole(bench: Bench) -> None:
    bench.run(10)
    begin = datetime(2026, 9, 30, 4, tzinfo=UTC)  # midnight in New York
    bench.loop.tell(fetch(begin))
    bench.run(60)
    assert len(bench.inside.book.between(begin, begin + timedelta(days=1))) == 96


def test_a_past_day_that_nobody_has_is_said_and_leaves_the_rest(
    bench: Bench, entsoe: Server
) -> None:
    bench.run(10)
    good = known_until("2026-11-22")
    lost, _ = day("2026-06-01")
    entsoe.answer = lambda a: NO_DATA.encode() if a["periodStart"] < "202607" else good(a)
    bench.loop.tell(fetch(lost))
    bench.run(120)
    assert "day-ahead prices of 1 past days are not known" in bench.health()
    later, end = day("2026-10-01")
    bench.loop.tell(fetch(later))
    bench.run(600)
    assert len(bench.inside.book.between(later, end)) == 96


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 0.0, 1e18, 4e9])
def test_a_day_that_is_none_is_refused(bench: Bench, value: float) -> None:
    bench.run(10)
    with pytest.raises(ValueError, match="there are no prices of the moment"):
        bench.source.obey(Command("prices", "fetch", value))
    with pytest.raises(ValueError, match="prices cannot trigger now"):
        bench.source.obey(Command("prices", "trigger"))


# -- simulated -------------------------------------------------------------------------------------


def test_simulated_prices_need_nobody(tmp_path: Path, entsoe: Server, charting: Server) -> None:
    bench = Bench(tmp_path, entsoe, charting, provider="simulated")
    bench.go_to(NOON + timedelta(hours=2))
    bench.run(60)
    start, end = day("2026-11-22")
    assert len(bench.inside.book.between(start, end)) == 96
    past = start - timedelta(days=365)
    for number in range(0, 60, 20):
        bench.loop.tell(fetch(past + timedelta(days=number)))
    bench.run(60)
    assert len(bench.inside.book.between(past, past + timedelta(days=60))) == 60 * 96
    assert entsoe.asked == charting.asked == []


def test_in_warped_time_every_slot_is_told_once(ini: Path) -> None:
    ini.write_text(
        "[s0web]\nsimulate = yes\ntimezone = Europe/Brussels\n[source:main]\ntype = s0\npin = 4\n"
        "[prices]\nprovider = simulated\n"
    )
    start = datetime(2026, 3, 29, 0, 37, tzinfo=UTC)  # over the change to summer time
    station = Station(ini, FakeClock(start), threads=False)
    station.run(start + timedelta(minutes=70))
    log = station.hub.after(0, 100_000).readings
    times: Sequence[datetime] = [r.time for r in log if r.device == "prices"]
    assert times[-1] == datetime(2026, 3, 29, 1, 45, tzinfo=UTC)
    assert len(set(times)) == len(times)
    assert all(b - a == QUARTER for a, b in pairwise(times))
    station.stop()


def test_a_server_that_does_not_answer_is_left_after_a_while(
    bench: Bench, entsoe: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    entsoe.answer = lambda _: b"late" if gate.wait(10) else b""
    monkeypatch.setattr("s0web.derived.price_providers.WAIT", 0.2)
    bench.run(20)
    gate.set()
    assert "127.0.0.1 does not answer within 0.2 s" in bench.health()


def test_without_time_zones_it_says_what_to_install(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s0web.derived.prices.MARKET", "Nowhere/None")
    with pytest.raises(SourceError, match="install the package tzdata"):
        bench.source.open()

"""The sink influx, on the real InfluxDB 1 and VictoriaMetrics; version 3 on a stub."""

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from s0web import config
from s0web.clock import FakeClock
from s0web.errors import ConfigError, SinkError
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.sinks.influx import InfluxSink
from s0web.sinks.influx_lines import escaped
from s0web.sinks.influx_wire import Answer
from tests.influx_server import Influx, Victoria
from tests.ports import free_port

T = datetime(2026, 10, 25, 0, 59, 59, 123456, tzinfo=UTC)
MADE: list[InfluxSink] = []  # by a test, which closes them at its end
NS = int(T.timestamp()) * 1_000_000_000 + 123_456_000


@pytest.fixture
def influx(tmp_path: Path) -> Iterator[Influx]:
    yield from started(Influx(tmp_path))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Influx]:
    """One that knows root and, with right to write into the database s0web alone, meter."""
    with running(Influx(tmp_path, auth=True)) as server:
        server.query("CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES")
        server.credentials("root", "secret")
        server.query("CREATE USER meter WITH PASSWORD 'geheim'")
        yield server


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[Victoria]:
    yield from started(Victoria(tmp_path))


def started(server: Any) -> Iterator[Any]:
    server.start()
    try:
        yield server
    finally:
        server.kill()


running = contextmanager(started)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while MADE:
        MADE.pop().close()


def sink(url: str, clock: FakeClock | None = None, **texts: str) -> InfluxSink:
    texts = {"url": url, "logger": "pi", "timeout": "20"} | texts
    rows = OPTIONS["sink.influx"]
    options = {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
    assert list(InfluxSink.wrong(options)) == []
    MADE.append(InfluxSink("db", options, clock or FakeClock()))
    return MADE[-1]


def opened(url: str, clock: FakeClock | None = None, **texts: str) -> InfluxSink:
    made = sink(url, clock, **texts)
    made.open()
    return made


def readings(count: int, start: datetime = T, device: str = "grid") -> list[Reading]:
    return [
        Reading(device, start + timedelta(seconds=n), {"power": 100.0 + n, "energy_import": n / 8})
        for n in range(count)
    ]


def count(server: Influx, field: str = "power", database: str = "s0web") -> int:
    rows = server.rows(f"SELECT count({field}) FROM s0web", database)
    return int(rows[0]["count"]) if rows else 0


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(SinkError) as caught:
        call()
    return str(caught.value)


def test_the_database_is_made_and_every_value_is_there(influx: Influx) -> None:
    made = opened(influx.url)
    made.write(
        [Reading("grid", T, {"power": 431, "energy_import": 1e16 + 2}, meter="1SAG 31,x=\\")]
    )
    made.write([Reading("main", T, {"power": -0.1}), Reading("main", T, {}, {"ean": "54"})])
    assert influx.rows("SELECT * FROM s0web WHERE device = 'grid'") == [
        {
            "time": NS,
            "device": "grid",
            "logger": "pi",
            "meter": "1SAG 31,x=/",
            "power": 431,
            "energy_import": 1e16 + 2,
        }
    ]
    assert influx.rows("SELECT power FROM s0web WHERE device = 'main'") == [
        {"time": NS, "power": -0.1}
    ]
    types = {row["fieldKey"]: row["fieldType"] for row in influx.rows("SHOW FIELD KEYS")}
    assert types == {"power": "float", "energy_import": "float"}


def test_the_same_batch_again_changes_nothing(influx: Influx) -> None:
    made = opened(influx.url)
    made.write(readings(1000))
    before = influx.rows("SELECT * FROM s0web")
    made.write(readings(1000))
    made.close()
    again = opened(influx.url, compress="no")
    again.write(readings(1000))
    again.write([])
    assert influx.rows("SELECT * FROM s0web") == before
    assert len(before) == 1000


def test_what_was_set_aside_is_told_once_though_its_batch_comes_again(influx: Influx) -> None:
    made = opened(influx.url, lines="10")
    influx.ask("POST", "/write?db=s0web", b's0web,device=x power="text" %d' % NS)
    ask, asked = made._ask, 0

    def failing(method: str, path: str, body: bytes = b"") -> Answer:
        nonlocal asked
        asked += 1
        if asked == 10:
            raise SinkError("away")
        return ask(method, path, body)

    made._ask = failing  # type: ignore[method-assign]
    assert refusal(lambda: made.write(readings(20))) == "away"
    assert len(made.write(readings(20))) == 20
    assert count(influx, "energy_import") == 20


def test_a_server_that_hangs_is_asked_again(influx: Influx) -> None:
    made = opened(influx.url, timeout="1")
    influx.freeze()
    assert "does not answer within 1 s" in refusal(lambda: made.write(readings(3)))
    influx.thaw()
    made.close()
    made.open()
    made.write(readings(3))
    assert count(influx) == 3


def test_values_of_another_type_are_set_aside_and_the_rest_goes_on(influx: Influx) -> None:
    made = opened(influx.url)
    influx.ask("POST", "/write?db=s0web", b's0web,device=x power="text" %d' % NS)
    batch = readings(500)
    refused = made.write(batch)
    assert (count(influx, "energy_import"), count(influx)) == (500, 1)
    assert [part.reading for part in refused] == [
        replace(reading, values={"power": reading.values["power"]}) for reading in batch
    ]
    assert "field type conflict" in refused[0].reason
    assert len(made.write(readings(500, T + timedelta(hours=1)))) == 500
    assert count(influx, "energy_import") == 1000


def test_one_value_that_is_no_number_is_found_among_thousands(influx: Influx) -> None:
    made = opened(influx.url)
    batch = readings(4000)
    batch[1234] = replace(batch[1234], values={**batch[1234].values, "power": float("nan")})
    refused = made.write(batch)
    assert (count(influx), count(influx, "energy_import")) == (3999, 4000)
    assert [list(part.reading.values) for part in refused] == [["power"]]
    assert refused[0].reading.time == batch[1234].time


def test_values_too_old_for_the_server_are_set_aside(influx: Influx) -> None:
    influx.query('CREATE DATABASE "s0web" WITH DURATION 2h NAME "short"')
    made, now = opened(influx.url), datetime.now(UTC)
    refused = made.write([*readings(100, now - timedelta(days=3)), *readings(5, now)])
    assert count(influx) == 5
    assert sum(len(part.reading.values) for part in refused) == 200
    assert "beyond retention policy" in refused[0].reason


def test_a_server_that_takes_only_short_requests_gets_them(tmp_path: Path) -> None:
    with running(Influx(tmp_path, most=2000)) as server:
        made = opened(server.url, compress="no")
        made.write(readings(300))
        assert count(server) == 300


def test_a_database_that_went_is_made_again(influx: Influx) -> None:
    made = opened(influx.url)
    influx.query('DROP DATABASE "s0web"')
    assert "knows no such path (database not found" in refusal(lambda: made.write(readings(2)))
    made.close()
    made.open()
    made.write(readings(2))
    assert count(influx) == 2


def test_wrong_credentials_are_sentences_without_the_secret(guarded: Influx) -> None:
    text = refusal(lambda: opened(guarded.url, user="meter", password="falsch"))
    assert text.startswith(f"{guarded.url} refuses the user and password (authorization failed)")
    assert "falsch" not in text
    assert "refuses the token" in refusal(lambda: opened(guarded.url))
    text = refusal(lambda: opened(guarded.url, user="meter", password="geheim"))
    assert "has no database s0web, and it cannot be created" in text
    guarded.query('CREATE DATABASE "s0web"')
    text = refusal(lambda: opened(guarded.url, user="meter", password="geheim"))
    assert "does not let this user meter write" in text
    guarded.query('GRANT WRITE ON "s0web" TO "meter"')
    opened(guarded.url, user="meter", password="geheim").write(readings(4))
    assert count(guarded) == 4


def test_the_password_may_stand_in_a_file_for_the_service_alone(
    guarded: Influx, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    made = sink(guarded.url, user="root", secret_file=str(file))
    assert "cannot be read (No such file or directory)" in refusal(made.open)
    file.touch(0o600)
    assert "holds no secret" in refusal(made.open)
    file.write_text("secret\n")
    file.chmod(0o644)
    assert f"may be read by everyone: chmod 600 {file}" in refusal(made.open)
    file.chmod(0o600)
    made.open()
    made.write(readings(1))
    assert count(guarded) == 1


def test_a_certificate_is_checked(tmp_path: Path) -> None:
    pem, key = tmp_path / "server.pem", tmp_path / "key.pem"
    certificate = tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=db -addext"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [*command.split(), "subjectAltName=IP:127.0.0.1", *files], check=True, capture_output=True
    )
    pem.write_text(key.read_text() + certificate.read_text())
    trusting = ssl.create_default_context(cafile=str(certificate))
    with running(Influx(tmp_path, certificate=pem, tls=trusting)) as server:
        text = refusal(lambda: opened(server.url))
        assert "shows a certificate that is not trusted (self-signed certificate)" in text
        made = opened(server.url, ca_file=str(certificate))
        made.write(readings(2))
        made.close()
        made = opened(server.url, verify="no")
        made.write(readings(3))
        made.close()
        assert count(server) == 3
        missing = str(tmp_path / "none.pem")
        assert "cannot be read" in refusal(lambda: opened(server.url, ca_file=missing))
        plain = server.url.replace("https", "http")
        assert "answers 400" in refusal(lambda: opened(plain))


def test_nobody_there_is_a_sentence() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert f"{url} cannot be reached (Connection refused)" in refusal(lambda: opened(url))


def test_the_predecessors_measurements_go_on(influx: Influx) -> None:
    made = opened(influx.url, layout="smartmeter", device="grid", database="smartmeter")
    gas = Reading("grid.gas", T - timedelta(minutes=4), {"volume": 12.5})
    first = Reading("grid", T, {"power": -250.0, "energy_import_high": 7.0}, {"tariff": "low"})
    more = {"power_l1": 40.0, "voltage_l1": 231.5, "current_l1": -1.1, "energy_export_low": 3.5}
    peak = Reading("grid", T - timedelta(days=2), {"peak": 4000.0})
    second = Reading("grid", T + timedelta(seconds=1), {"power": 100.0, **more})
    made.write([first, gas, peak, Reading("main", T, {"power": 5.0}), second])
    assert influx.rows("SELECT * FROM electricity", "smartmeter") == [
        {
            "time": NS,
            "actual_tariff": 2,
            "actual_total_consumption": 0,
            "actual_total_injection": 0.25,
            "total_consumption_day": 7,
        },
        {
            "time": NS + 1_000_000_000,
            "actual_tariff": 2,
            "actual_total_consumption": 0.1,
            "actual_total_injection": 0,
            "actual_l1_consumption": 0.04,
            "actual_l1_injection": 0,
            "l1_voltage": 231.5,
            "l1_current": 1.1,
            "total_injection_night": 3.5,
        },
    ]
    assert influx.rows("SELECT * FROM gas", "smartmeter") == [
        {"time": NS - 240_000_000_000, "total_gas_consumption": 12.5}
    ]


@pytest.mark.parametrize("version", ["1", "2", "victoriametrics"])
def test_victoriametrics_takes_both_protocols(victoria: Victoria, version: str) -> None:
    texts = {"org": "home", "token": "t"} if version == "2" else {}
    made = opened(victoria.url, version=version, **texts)
    made.write(readings(50))
    made.write(readings(50))
    samples = victoria.samples()
    assert sorted(samples) == ["s0web_energy_import grid", "s0web_power grid"]
    assert len(samples["s0web_power grid"]) == 50
    assert samples["s0web_power grid"][0] == (NS // 1_000_000, 100.0)


class Stub(HTTPServer):
    """Answers as told, one after the other, then with the last for ever; keeps what it heard."""

    def __init__(self, *answers: tuple[int, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.answers, self.head = list(answers), {"Retry-After": "7"}
        self.heard: list[tuple[str, str, bytes]] = []  # path, Authorization, body
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        stub = self.server
        assert isinstance(stub, Stub)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        stub.heard.append((self.path, self.headers.get("Authorization", ""), body))
        status, text = stub.answers.pop(0) if len(stub.answers) > 1 else stub.answers[0]
        self.send_response(status)
        for name, value in {**stub.head, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def stub() -> Iterator[Callable[..., Stub]]:
    made: list[tuple[Stub, threading.Thread]] = []

    def start(*answers: tuple[int, str]) -> Stub:
        server = Stub(*answers)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        made.append((server, thread))
        return server

    yield start
    for server, thread in made:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_what_victoriametrics_took_but_lost_is_sent_again_however_long_it_was_away(
    victoria: Victoria,
) -> None:
    clock = FakeClock()
    made = opened(victoria.url, clock, version="victoriametrics")
    made.write(readings(500))
    for hours in (1, 2):  # what was sent again may be lost again
        victoria.kill()
        clock.advance(3600)
        victoria.start()
        made.write(readings(1, T + timedelta(hours=hours)))
    assert len(victoria.samples()["s0web_power grid"]) == 502


def test_what_victoriametrics_took_a_minute_before_is_not_sent_again(
    stub: Callable[..., Stub],
) -> None:
    clock, server = FakeClock(), stub((204, ""))
    made = opened(server.url, clock, version="victoriametrics")
    made.write(readings(1))
    clock.advance(61)
    made.write(readings(1, T + timedelta(hours=1)))
    made.open()
    bodies = [body for _, _, body in server.heard if body]
    assert len(bodies) == 3
    assert bodies[0] != bodies[1] == bodies[2]


def test_version_3_is_written_by_its_own_protocol(stub: Callable[..., Stub]) -> None:
    partial = (
        '{"error":"partial write of line protocol occurred","data":[{"original_line":"s0web",'
        '"line_number":1,"error_message":"invalid column type for column \'power\'"}]}'
    )
    server = stub((200, ""), (400, partial), (400, partial), (204, ""))
    made = opened(server.url, version="3", database="my home", token="apiv3_x", compress="no")
    refused = made.write(readings(1))
    path, credentials, body = server.heard[1]
    assert urlsplit(path).path == "/api/v3/write_lp"
    assert parse_qs(urlsplit(path).query) == {"db": ["my home"], "precision": ["nanosecond"]}
    assert credentials == "Bearer apiv3_x"
    assert body == b"s0web,device=grid,logger=pi power=100.0,energy_import=0.0 %d" % NS
    assert refused[0].reason == "invalid column type for column 'power'"
    assert refused[0].reading.values == {"power": 100.0}
    assert server.heard[-1][2] == b"s0web,device=grid,logger=pi energy_import=0.0 %d" % NS


@pytest.mark.parametrize(
    ("status", "said", "sentence"),
    [
        (401, '{"code":"unauthorized","message":"unauthorized access"}', "refuses the token"),
        (404, '{"message":"bucket not found"}', "knows no such org home or bucket s0web (bucket"),
        (400, '{"message":"org is required"}', "answers 400 (org is required): mend url"),
        (413, "", "takes not even one line: raise"),
        (429, "limit", "is too busy (limit): it is asked again in 7 s"),
        (500, '{"message":"disk"}', "has an error of its own, 500 (disk): look into its log"),
        (301, "", "answers 301, that it is elsewhere"),
    ],
)
def test_every_refusal_of_version_2_is_a_sentence_and_nothing_is_set_aside(
    stub: Callable[..., Stub], status: int, said: str, sentence: str
) -> None:
    server = stub((204, ""), (status, said))
    made = opened(server.url, version="2", org="home", token="geheim")
    text = refusal(lambda: made.write(readings(1)))
    assert text.startswith(server.url)
    assert sentence in text
    assert "geheim" not in text
    path, credentials, _ = server.heard[1]
    assert path == "/api/v2/write?precision=ns&org=home&bucket=s0web"
    assert credentials == "Token geheim"
    made.close()


def test_a_busy_server_is_left_alone_as_long_as_it_asks(stub: Callable[..., Stub]) -> None:
    clock = FakeClock()
    server = stub((204, ""), (503, ""), (204, ""))
    made = opened(server.url, clock, version="2", org="home", token="t")
    for _ in range(3):
        assert "is too busy" in refusal(lambda: made.write(readings(1)))
        made.close()
    assert len(server.heard) == 2
    clock.advance(7)
    made.write(readings(1))
    assert len(server.heard) == 3


@pytest.mark.parametrize(
    ("texts", "option"),
    [
        ("url = ftp://x", "url"),
        ("url = http://user:pw@x", "url"),
        ("database =", "database"),
        ("version = 2\ntoken = t", "org"),
        ("version = 2\norg = o", "token"),
        ("version = 3\ntoken = t\npassword = p", "token"),
        ("password = p", "password"),
        ("user = u", "password"),
        ("user = u\ntoken = t", "token"),
        ("secret_file = /x", "user"),
        ("user = u\nsecret_file = x", "secret_file"),
        ("layout = smartmeter", "device"),
        ("device = nobody", "device"),
    ],
)
def test_what_does_not_fit_together_is_told_before_the_start(
    tmp_path: Path, texts: str, option: str
) -> None:
    url = "" if texts.startswith("url") else "url = http://127.0.0.1:8086\n"
    with pytest.raises(ConfigError) as caught:
        config.parse(tmp_path / "s0web.ini", f"[sink:db]\ntype = influx\n{url}{texts}\n")
    assert option in [problem.option for problem in caught.value.problems]
    assert "pw" not in str(caught.value)


def test_no_name_can_break_a_line() -> None:
    assert escaped("a b,c=d\\\n\u2028e ") == "a\\ b\\,c\\=d/__e"

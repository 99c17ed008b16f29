"""The sink mysql, on the real MariaDB."""

import random
import re
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mysql.connector import Error

from s0web import config
from s0web.clock import FakeClock
from s0web.errors import ConfigError, SinkError
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.sinks import mysql_refusals as refusals
from s0web.sinks.hosts import Host
from s0web.sinks.mysql import MysqlSink
from tests.mariadb_server import MariaDb
from tests.ports import free_port

T = datetime(2026, 10, 25, 0, 59, 59, 123000, tzinfo=UTC)
MS = int(T.timestamp()) * 1000 + 123
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
PHASES = {"power_l1": 1.0, "power_l2": 2.0, "power_l3": 3.0}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """One for all tests that do it no harm; in a zone and a mode that are not ours."""
    server = MariaDb(
        tmp_path_factory.mktemp("mariadb"),
        "--default-time-zone=-07:00",
        "--sql-mode=ANSI_QUOTES,PIPES_AS_CONCAT,IGNORE_SPACE",
        "--character-set-server=latin1",
        "--autocommit=0",
    )
    server.start()
    server.make_user()
    yield server
    server.kill()


@pytest.fixture
def maria(shared: MariaDb) -> MariaDb:
    """The shared one, without a database s0web."""
    shared.query("DROP DATABASE IF EXISTS s0web")
    return shared


@pytest.fixture
def own(tmp_path: Path) -> Iterator[MariaDb]:
    """One to be killed, frozen and filled."""
    yield from started(MariaDb(tmp_path))


def started(server: MariaDb) -> Iterator[MariaDb]:
    server.start()
    server.make_user()
    yield server
    server.kill()


MADE: list[MysqlSink] = []  # by a test, which closes them at its end


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while MADE:
        MADE.pop().close()


def sink(server: MariaDb | int, timeout: int = 20, **texts: str) -> MysqlSink:
    port = server if isinstance(server, int) else server.port
    texts = {"host": f"127.0.0.1:{port}", "password": "secret", "logger": "pi"} | texts
    texts = {"timezone": "Europe/Brussels"} | texts
    rows = OPTIONS["sink.mysql"]
    options = {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
    assert list(MysqlSink.wrong(options)) == []
    MADE.append(MysqlSink("db", options | {"timeout": timeout}, FakeClock()))
    return MADE[-1]


def opened(server: MariaDb | int, timeout: int = 20, **texts: str) -> MysqlSink:
    made = sink(server, timeout, **texts)
    made.open()
    return made


def readings(count: int, start: datetime = T, device: str = "grid") -> list[Reading]:
    return [
        Reading(device, start + timedelta(seconds=n), {"power": 100.0 + n, "energy_import": n / 8})
        for n in range(count)
    ]


def rows(server: MariaDb, statement: str) -> list[Any]:
    return server.query(statement, database="s0web")


def kept(server: MariaDb) -> int:
    return int(rows(server, "SELECT COUNT(*) FROM reading")[0][0])


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(SinkError) as caught:
        call()
    assert "secret'" not in str(caught.value)
    return str(caught.value)


# -- what is written -------------------------------------------------------------------------------


def test_the_database_is_made_and_every_value_is_there(maria: MariaDb) -> None:
    made = opened(maria)
    made.write([Reading("grid", T, {"power": 431, "energy_import": 1e16 + 2}, meter="1SAG 31'\\")])
    made.write([Reading("main", T, {"power": -0.1}), Reading("main", T, {}, {"ean": "54"})])
    assert rows(maria, "SELECT * FROM v_reading ORDER BY device, quantity") == [
        (datetime(2026, 10, 25, 0, 59, 59, 123000), MS, "pi", "grid", *rest)
        for rest in (
            ("energy_import", "1SAG 31'\\", "kWh", "register", 1e16 + 2),
            ("power", "1SAG 31'\\", "W", "gauge", 431.0),
        )
    ] + [
        (
            datetime(2026, 10, 25, 0, 59, 59, 123000),
            MS,
            "pi",
            "main",
            "power",
            "",
            "W",
            "gauge",
            -0.1,
        )
    ]


def test_numbers_come_back_as_they_were(maria: MariaDb) -> None:
    chance = random.Random(4)
    numbers = [struct.unpack("d", chance.randbytes(8))[0] for _ in range(2_000)]
    numbers = [n for n in numbers if abs(n) < 1.7e308 and abs(n) > 1e-307]
    numbers += [0.1, 1 / 3, 5e-324, -1.5, 2.0**53 + 2, 123456789.123, 1.7976931348623157e308]
    made = opened(maria)
    batch = [
        Reading("grid", T + timedelta(milliseconds=n), {"power": number})
        for n, number in enumerate(numbers)
    ]
    assert made.write(batch) == []
    assert [row[0] for row in rows(maria, "SELECT value FROM reading ORDER BY ts")] == numbers


def test_the_same_batch_again_changes_nothing(maria: MariaDb) -> None:
    made = opened(maria)
    made.write(readings(2_000))
    before = rows(maria, "SELECT * FROM v_quarter ORDER BY ts, quantity")
    made.write(readings(2_000))
    other = opened(maria)
    other.write(readings(2_000))
    assert kept(maria) == 4_000
    assert rows(maria, "SELECT * FROM v_quarter ORDER BY ts, quantity") == before
    assert len(before) == 6
    made.write([Reading("grid", T, {"power": 5.0})])
    assert rows(maria, f"SELECT value FROM v_reading WHERE ts = {MS} AND quantity = 'power'") == [
        (5.0,)
    ]


def test_quarters_tell_the_energy_over_gaps_falls_and_meters(maria: MariaDb) -> None:
    def told(minutes: float, register: float, meter: str = "a") -> Reading:
        time = NOON + timedelta(minutes=minutes)
        return Reading("grid", time, {"energy_import": register, "power": register}, {}, meter)

    made = opened(maria)
    made.write([told(0, 10.0), told(14, 11.0), told(16, 11.5), told(29, 12.0)])
    made.write([told(75, 15.0), told(90, 2.0), told(91, 3.0), told(100, 3.5), told(101, 0.5)])
    made.write([told(106, 1.0), told(106, 70.0, "b"), told(119, 71.0, "b"), told(121, 1.5)])
    assert rows(
        maria,
        "SELECT ts / 60000 - 29715120, meter, energy, n, low, high FROM v_quarter "
        "WHERE quantity = 'energy_import' ORDER BY ts, meter",
    ) == [
        (0, "a", 1.0, 2, 10.0, 11.0),
        (15, "a", 1.0, 2, 11.5, 12.0),
        (75, "a", 3.0, 1, 15.0, 15.0),
        (90, "a", 1.5, 4, 0.5, 3.5),
        (105, "a", 0.5, 1, 1.0, 1.0),
    ]
    assert rows(maria, "SELECT DISTINCT energy FROM v_quarter WHERE kind = 'gauge'") == [(None,)]
    made.write([told(135, 71.0, "b"), told(29.5, 12.5)])  # late: the next quarter begins there
    assert rows(
        maria, "SELECT energy FROM v_quarter WHERE quantity = 'energy_import' ORDER BY ts LIMIT 3"
    ) == [(1.0,), (1.5,), (2.5,)]
    assert rows(maria, "SELECT SUM(energy) FROM v_quarter WHERE meter = 'b'") == [(1.0,)]


def test_the_day_of_a_quarter_is_the_stations(maria: MariaDb) -> None:
    night = datetime(2026, 7, 1, 21, 50, tzinfo=UTC)
    opened(maria).write(
        [Reading("grid", night + timedelta(minutes=15 * n), {"power": 1.0}) for n in range(3)]
    )
    assert rows(maria, "SELECT day FROM v_quarter ORDER BY ts") == [
        (date(2026, 7, 1),),
        (date(2026, 7, 2),),
    ]


def test_one_device_and_what_hangs_on_it(maria: MariaDb) -> None:
    opened(maria, device="grid").write(
        [Reading(name, T, {"power": 1.0}) for name in ("grid", "grid.gas", "gridiron", "Grid")]
    )
    assert rows(maria, "SELECT device FROM series ORDER BY device") == [("grid",), ("grid.gas",)]


def test_names_that_differ_in_case_are_two(maria: MariaDb) -> None:
    opened(maria).write([Reading(name, T, {"power": 1.0}) for name in ("Main", "main", "mäin")])
    assert kept(maria) == 3


def test_no_name_stops_the_writing(maria: MariaDb) -> None:
    made = opened(maria)
    for meter in ("1SAG ", "1SAG", "\ud800", "%s", "x" * 300, "'); DROP TABLE reading; --", "\0\n"):
        made.write([Reading("grid" * 50, T, {"power": 1.0}, {}, meter)])
    assert kept(maria) == 6


def test_two_stations_at_once_into_a_database_that_is_not_there(maria: MariaDb) -> None:
    made = [sink(maria, logger=f"pi{n}") for n in range(4)]
    wrong: list[Exception] = []

    def run(one: MysqlSink) -> None:
        try:
            one.open()
            for start in range(10):
                one.write(readings(200, T + timedelta(seconds=200 * start)))
        except Exception as error:  # noqa: BLE001 - a thread's
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert wrong == []
    assert rows(maria, "SELECT logger, COUNT(*), SUM(value) FROM v_reading GROUP BY logger") == [
        (f"pi{n}", 4_000, 10 * (20_000 + 19_900 + 19_900 / 8)) for n in range(4)
    ]
    assert rows(maria, "SELECT COUNT(*) FROM v_quarter") == [(4 * 2 * 3,)]


def test_what_a_killed_station_left_half_done_is_done_by_the_next(maria: MariaDb) -> None:
    opened(maria).write(readings(600, NOON))
    opened(maria).write(readings(400, NOON + timedelta(seconds=600)))
    assert rows(maria, "SELECT n FROM v_quarter") == [(900,), (900,)]


# -- what is refused -------------------------------------------------------------------------------


def test_a_value_that_is_refused_is_set_aside_and_the_rest_is_kept(maria: MariaDb) -> None:
    made = opened(maria)
    rows(maria, "ALTER TABLE reading ADD CHECK (value < 1500)")
    refused = made.write(readings(1_500))
    assert [(r.reading.device, dict(r.reading.values)) for r in refused] == [
        ("grid", {"power": 100.0 + n}) for n in range(1_400, 1_500)
    ]
    assert "CONSTRAINT" in refused[0].reason
    assert kept(maria) == 2_900


def test_a_narrower_column_refuses_and_clips_nothing(maria: MariaDb) -> None:
    made = opened(maria)
    rows(maria, "ALTER TABLE reading MODIFY value DECIMAL(5, 2) NOT NULL")
    refused = made.write([Reading("grid", T, {"power": 99_999.0, "voltage": 230.1})])
    assert [(r.reading.values, r.reason) for r in refused] == [
        ({"power": 99_999.0}, "Out of range value for column 'value' at row 1")
    ]
    assert kept(maria) == 1


def test_a_table_that_is_anothers(maria: MariaDb) -> None:
    maria.query("CREATE DATABASE s0web")
    rows(maria, "CREATE TABLE reading (id INT, what TEXT)")
    assert refusal(lambda: opened(maria)) == (
        f"127.0.0.1:{maria.port} has a table reading in s0web with other columns than ours "
        "(series_id, ts, value is missing): rename it, or take another database."
    )


def test_numbers_as_large_as_can_be_stop_nothing(maria: MariaDb) -> None:
    made = opened(maria, layout="energymonitor")
    for n, number in enumerate((1.7e308, 1.7e308, 1.7e308, 1.0, 2.0, 3.0)):
        values = {"power": number, "energy_import": number}
        made.write([Reading("grid", NOON + timedelta(minutes=7 * n), values)])
    made.write(readings(1, NOON + timedelta(hours=1)))
    assert kept(maria) == 14
    assert rows(maria, "SELECT n FROM quarter WHERE low = 1") == [(2,), (2,)]


def test_a_quarter_that_is_refused_holds_up_nothing(
    maria: MariaDb, caplog: pytest.LogCaptureFixture
) -> None:
    made = opened(maria)
    rows(maria, "ALTER TABLE quarter ADD CHECK (high < 1200)")
    made.write(readings(2_000, NOON))
    assert "no quarter of series 2 at" in caplog.text
    assert kept(maria) == 4_000
    assert rows(maria, "SELECT series_id, n FROM quarter") == [(1, 900), (1, 900), (2, 900)]


def test_by_the_socket_of_this_machine(maria: MariaDb) -> None:
    maria.query("CREATE USER IF NOT EXISTS s0web@localhost IDENTIFIED BY 'secret'")
    maria.query("GRANT ALL ON s0web.* TO s0web@localhost")
    made = opened(maria, host=f"{maria.folder}/s")
    made.write(readings(5))
    maria.query("DROP USER s0web@localhost")
    assert kept(maria) == 10
    assert refusal(lambda: opened(maria, host="/nowhere/s")).startswith("/nowhere/s ")


def test_a_table_without_our_key(maria: MariaDb) -> None:
    opened(maria)
    rows(maria, "ALTER TABLE reading DROP PRIMARY KEY")
    assert refusal(lambda: opened(maria)) == (
        f"127.0.0.1:{maria.port} has a table reading in s0web without our key: rename it, or take "
        "another database."
    )


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (1047, "is a node without its cluster (WSREP is not ready): it takes nothing until"),
        (1053, "is shutting down: it is tried again."),
        (1836, "is read-only (why): name the server that may be written to as host."),
        (1526, "has no partition for a new row (why): add one to the table."),
        (1130, "lets nobody in from this machine (why): create the user for this host"),
        (2059, "wants a login that we do not know (why): create the user with a plain password."),
        (4242, "refuses (why, 4242): look into its log."),
    ],
)
def test_what_is_seldom_said_is_a_sentence_as_well(code: int, sentence: str) -> None:
    assert refusals.sentence(code, "why", "s0web", 15).startswith(sentence)


def test_a_table_that_vanishes_is_made_again(maria: MariaDb) -> None:
    made = opened(maria)
    made.write(readings(10))
    maria.query("DROP DATABASE s0web")
    made.write(readings(10))
    assert kept(maria) == 20


def test_who_is_not_let_in_reads_why(maria: MariaDb, tmp_path: Path) -> None:
    at = f"127.0.0.1:{maria.port}"
    assert refusal(lambda: opened(maria, password="wrong")) == (
        f"{at} refuses user s0web (Access denied for user 's0web'@'127.0.0.1' (using password: "
        "YES)): are user and password right?"
    )
    assert refusal(lambda: opened(maria, database="other")) == (
        f"{at} does not let user s0web do that (Access denied for user 's0web'@'%' to database "
        "'other'): grant it as in docs/mysql.md."
    )
    nobody = free_port()
    assert refusal(lambda: opened(nobody)) == (
        f"127.0.0.1:{nobody} refuses the connection: does the server run there, and is the port "
        "right?"
    )
    assert refusal(lambda: opened(maria, host="nowhere.invalid", tls="no")) == (
        "nowhere.invalid:3306 is unknown: is the host's name right, does the network work?"
    )
    secret = tmp_path / "secret"
    secret.write_text("wrong too\n")
    secret.chmod(0o600)
    said = refusal(lambda: opened(maria, password="", secret_file=str(secret)))
    assert "are user and password right?" in said


def test_a_user_without_the_right_to_create_uses_what_is_there(maria: MariaDb) -> None:
    maria.make_user("writer", "SELECT, INSERT, UPDATE ON s0web.*")
    said = refusal(lambda: opened(maria, user="writer"))
    assert "does not let user writer do that" in said
    opened(maria).close()
    made = opened(maria, user="writer")
    made.write(readings(1_000))
    assert kept(maria) == 2_000
    rows(maria, "DROP VIEW v_quarter")
    assert "no view v_quarter" in opened(maria, user="writer").note


def test_the_note_tells_server_tls_and_library(maria: MariaDb) -> None:
    note = opened(maria).note
    assert note.startswith("MariaDB 1")
    assert f"127.0.0.1:{maria.port}, no TLS, mysql-connector-python " in note
    assert note.endswith(", pure Python")


def test_a_server_that_may_only_be_read(own: MariaDb) -> None:
    made = opened(own)
    own.query("SET GLOBAL read_only = 1")
    own.query("REVOKE ALL ON *.* FROM s0web", "GRANT ALL ON s0web.* TO s0web")
    assert "is read-only (" in refusal(lambda: made.write(readings(1)))
    own.query("SET GLOBAL read_only = 0", "SET GLOBAL max_connections = 10")
    made.write(readings(1))
    assert kept(own) == 2


def test_what_speaks_no_mysql_and_what_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert refusal(lambda: opened(port, timeout=2)) == (
            f"127.0.0.1:{port} does not answer within 2 s: is it on, or too busy?"
        )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=_says, args=(listener, b"HTTP/1.1 400 Bad\r\n\r\n")).start()
        said = refusal(lambda: opened(port))
        assert said.startswith(f"127.0.0.1:{port} "), said


@pytest.mark.parametrize("words", [b"\0" * 200, b"\x20\0\0\0\x0a" + b"\xfe\xfa" * 15 + b"\0"])
def test_who_answers_nonsense_is_passed_over(maria: MariaDb, words: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=_says, args=(listener, words)).start()
        said = refusal(lambda: opened(port))
        assert said.startswith(f"127.0.0.1:{port} does not speak as a MySQL server does ("), said
        threading.Thread(target=_says, args=(listener, words)).start()
        opened(maria.port, host=f"127.0.0.1:{port}, 127.0.0.1:{maria.port}").close()


def _says(listener: socket.socket, words: bytes) -> None:
    wire, _ = listener.accept()
    wire.sendall(words)
    wire.close()


# -- a server that goes away -----------------------------------------------------------------------


def test_a_server_killed_and_started_again_is_written_to_within_the_turn(own: MariaDb) -> None:
    made = opened(own)
    made.write(readings(10))
    own.kill()
    assert "refuses the connection: does the server run there" in refusal(
        lambda: made.write(readings(20))
    )
    own.start()
    made.write(readings(20))
    own.kill()
    own.start()
    made.write(readings(30))
    assert kept(own) == 60


def test_a_frozen_server_holds_nobody_up_and_loses_nothing(own: MariaDb) -> None:
    made = opened(own, timeout=2)
    own.freeze()
    assert "does not answer within 2 s: is it on, or too busy?" in refusal(
        lambda: made.write(readings(10))
    )
    assert "does not answer within 2 s" in refusal(made.open)
    own.thaw()
    made.open()
    made.write(readings(10))
    assert kept(own) == 20


def test_the_next_host_takes_over_within_the_turn(own: MariaDb, maria: MariaDb) -> None:
    made = opened(maria, host=f"127.0.0.1:{free_port()}, 127.0.0.1:{own.port}, 127.0.0.1")
    made.write(readings(10))
    own.kill()
    made._hosts[1:] = [made._hosts[1]._replace(port=maria.port)]
    made.write(readings(20))
    assert kept(maria) == 40
    assert f"127.0.0.1:{maria.port}" in made.note


def test_a_connection_ended_by_the_server_is_made_again(maria: MariaDb) -> None:
    made = opened(maria)
    made.write(readings(10))
    for (number,) in maria.query(
        "SELECT id FROM information_schema.processlist WHERE user='s0web'"
    ):
        maria.query(f"KILL {number}")
    made.write(readings(20))
    assert kept(maria) == 40


def test_too_many_connections(own: MariaDb) -> None:
    own.query("SET GLOBAL max_connections = 10")
    made = [opened(own) for _ in range(10)]
    assert "takes no more connections (" in refusal(lambda: opened(own))
    made[0].write(readings(1))


def test_a_lock_of_another_is_waited_for_and_told(maria: MariaDb) -> None:
    made = opened(maria)
    made.write(readings(10))
    with maria.connected("s0web") as wire:
        cursor = wire.cursor()
        cursor.execute("START TRANSACTION")
        cursor.execute("UPDATE reading SET value = value + 1")
        assert "waited too long for a lock" in refusal(lambda: made.write(readings(10)))
        cursor.execute("ROLLBACK")
        cursor.close()
    made.write(readings(10))


def test_a_packet_too_large(own: MariaDb) -> None:
    own.query("SET GLOBAL max_allowed_packet = 16384")
    made = opened(own)
    assert "max_allowed_packet" in refusal(lambda: made.write(readings(1_000)))


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    """The table space of a server is bounded in place of its disk: error 1114 as well."""
    server = MariaDb(tmp_path, "--innodb-data-file-path=ibdata1:12M", "--innodb-file-per-table=0")
    for own in started(server):
        made = opened(own)
        said = ""
        done = 0
        while not said:
            try:
                made.write(readings(1_000, T + timedelta(seconds=1_000 * done)))
                done += 1
            except SinkError as error:
                said = str(error)
        assert "has no room left (The table 'reading' is full)" in said
        assert kept(own) >= done * 2_000
        made.close()


# -- in a station ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "option"),
    [
        ("host = db one", "host"),
        ("host = db:99999", "host"),
        ("host = ,", "host"),
        ("database =", "database"),
        ("password = p\nsecret_file = /x", "secret_file"),
        ("secret_file = x", "secret_file"),
        ("ca_file = x", "ca_file"),
        ("device = nobody", "device"),
        ("layout = wide", "layout"),
        ("timeout = 3", "timeout"),
    ],
)
def test_what_does_not_fit_together_is_told_before_the_start(
    tmp_path: Path, texts: str, option: str
) -> None:
    host = "" if texts.startswith("host") else "host = db1, db2:3307, [fe80::1]:3306\n"
    with pytest.raises(ConfigError) as caught:
        config.parse(tmp_path / "s0web.ini", f"[sink:db]\ntype = mysql\n{host}{texts}\n")
    assert option in [problem.option for problem in caught.value.problems]


def test_without_the_library_the_sink_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "mysql").mkdir()
    (tmp_path / "mysql/__init__.py").write_text("")
    code = (
        "from s0web.sinks.mysql import MysqlSink\n"
        "from s0web.options import OPTIONS\n"
        "rows = OPTIONS['sink.mysql']\n"
        "options = {r.name: r.parse('db' if r.default is None else r.default) for r in rows}\n"
        "MysqlSink('db', options, None).open()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{tmp_path}:."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "needs mysql-connector-python: pip install mysql-connector-python" in ran.stderr


# -- TLS -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """One that speaks TLS with a certificate of its own, for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    server = MariaDb(folder, f"--ssl-cert={folder}/cert.pem", f"--ssl-key={folder}/key.pem")
    yield from started(server)


def test_with_tls_the_certificate_is_checked(certified: MariaDb) -> None:
    ca, there = str(certified.folder / "cert.pem"), f"localhost:{certified.port}"
    made = opened(certified, host=there, tls="yes", ca_file=ca)
    made.write(readings(10))
    assert ", TLSv1.3, " in made.note
    said = refusal(lambda: opened(certified, host=there, tls="yes"))
    assert said.startswith(f"{there} shows a certificate that is not trusted (self")
    said = refusal(lambda: opened(certified, tls="yes", ca_file=ca))
    assert "shows a certificate that is not trusted (IP address mismatch" in said
    opened(certified, tls="yes", verify="no").write(readings(20))
    certified.query("ALTER USER s0web REQUIRE SSL")
    opened(certified, tls="yes", verify="no").write(readings(30))
    assert "refuses user s0web" in refusal(lambda: opened(certified))
    certified.query("ALTER USER s0web REQUIRE NONE")
    assert kept(certified) == 60
    assert "ca_file /nowhere cannot be read" in refusal(
        lambda: opened(certified, tls="yes", ca_file="/nowhere")
    )


def test_a_server_without_tls_gets_no_password(maria: MariaDb) -> None:
    for verify in ("yes", "no"):
        said = refusal(lambda v=verify: opened(maria, tls="yes", verify=v))
        assert said == (
            f"127.0.0.1:{maria.port} offers no TLS: set it up there (docs/mysql.md), or say "
            "tls = no where nobody else can listen."
        )


def test_tls_is_the_rule_but_for_a_server_on_this_machine(maria: MariaDb) -> None:
    login = sink(maria)._login
    for host, is_needed in (
        ("192.168.1.20", True),
        ("db.example.net", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("localhost", False),
    ):
        assert login(Host(host, 3306)).is_tls_needed is is_needed


# -- the page in docs ------------------------------------------------------------------------------


def test_the_statements_of_the_docs_do_what_they_say(own: MariaDb) -> None:
    page = (Path(__file__).parent.parent / "docs/mysql.md").read_text()
    blocks = re.findall(r"```sql\n(.*?)```", page, re.S)
    setup, last, days, phases, delete, partitions = (
        [part.strip() for part in block.split(";") if part.strip()] for block in blocks
    )
    own.query("DROP USER s0web", *setup)
    made = opened(own, password="change me")
    now = datetime.now(UTC)
    made.write(
        [
            Reading("grid", now - timedelta(minutes=15 * n), {"energy_import": 90.0 - n} | PHASES)
            for n in range(60)
        ]
    )
    assert len(rows(own, last[0])) == 4
    assert ("pi", "grid", "energy_import", 90.0, "kWh") in [row[:5] for row in rows(own, last[0])]
    assert sum(row[1] for row in rows(own, days[0])) in (58.0, 59.0)  # the open quarter is not made
    assert len(rows(own, phases[0])) == 180
    rows(own, delete[0])
    rows(own, partitions[0])
    made.write(readings(10))
    with own.connected("s0web", "grafana", "change me too") as wire:
        cursor = wire.cursor()
        for view in ("v_reading", "v_quarter"):
            cursor.execute(f"SELECT COUNT(*) FROM {view}")
            assert cursor.fetchall()[0][0] > 0
        with pytest.raises(Error, match="denied"):
            cursor.execute("DELETE FROM reading")
        cursor.close()

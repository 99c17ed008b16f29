"""The sink postgresql, on a real server; TimescaleDB on a stub."""

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

import psycopg
import pytest

from s0web import config
from s0web.clock import FakeClock
from s0web.errors import ConfigError, SinkError
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.sinks.hosts import Host, hosts
from s0web.sinks.postgresql import PostgresqlSink
from s0web.sinks.postgresql_connection import Connection, Login
from tests.conftest import until
from tests.ports import free_port
from tests.postgres_server import ROOT_PASSWORD, Postgres
from tests.ssh_server import Sshd
from tests.test_tunnel import children

T = datetime(2026, 7, 1, 12, 0, 0, 123000, tzinfo=UTC)
MADE: list[PostgresqlSink] = []  # by a test, which closes them at its end
NUMBER = count(1)


@pytest.fixture(scope="module")
def running() -> Iterator[Postgres]:
    server = Postgres()
    server.start()
    server.rows("CREATE ROLE meter LOGIN PASSWORD 'meter'")
    yield server
    server.remove()


class Base:
    """A database of one test, on the server of all."""

    def __init__(self, server: Postgres, name: str) -> None:
        self.server, self.name = server, name

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        return self.server.rows(statement, self.name)

    def one(self, statement: str) -> object:
        return self.rows(statement)[0][0]

    def sink(self, **texts: str) -> PostgresqlSink:
        own = {"host": "127.0.0.1", "port": str(self.server.port), "database": self.name}
        own |= {"user": "root", "logger": "pi", "timeout": "20"}
        own |= {"password": ROOT_PASSWORD} if "secret_file" not in texts else {}
        return made(**(own | texts))

    def opened(self, **texts: str) -> PostgresqlSink:
        sink = self.sink(**texts)
        sink.open()
        return sink


@pytest.fixture
def base(running: Postgres) -> Iterator[Base]:
    yield Base(running, f"house{next(NUMBER)}")
    while MADE:
        MADE.pop().close()


def made(**texts: str) -> PostgresqlSink:
    rows = OPTIONS["sink.postgresql"]
    options = {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
    assert list(PostgresqlSink.wrong(options)) == []
    MADE.append(PostgresqlSink("db", options, FakeClock()))
    return MADE[-1]


def wrong(**texts: str) -> dict[str, str]:
    rows = OPTIONS["sink.postgresql"]
    texts = {"user": "meter"} | texts
    options = {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
    return dict(PostgresqlSink.wrong(options))


def readings(count: int, start: datetime = T, device: str = "grid") -> list[Reading]:
    return [
        Reading(device, start + timedelta(seconds=n), {"power": 100.0 + n, "energy_import": n / 8})
        for n in range(count)
    ]


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(SinkError) as caught:
        call()
    assert ROOT_PASSWORD not in str(caught.value)
    return str(caught.value)


def test_the_database_is_made_and_every_value_is_there(base: Base) -> None:
    sink = base.opened()
    assert sink.note.startswith("PostgreSQL 1")
    assert sink.note.endswith("), native table")
    sink.write([Reading("grid", T, {"power": -0.1, "energy_import": 1e16 + 2}, {}, "1SAG 31'\"")])
    sink.write([Reading("Grid", T, {"power": 5}), Reading("grid", T, {}, {"ean": "54"})])
    assert base.rows("SELECT * FROM v_reading ORDER BY device DESC, quantity") == [
        (
            T,
            1782907200123,
            "pi",
            "grid",
            "energy_import",
            "1SAG 31'\"",
            "kWh",
            "register",
            1e16 + 2,
        ),
        (T, 1782907200123, "pi", "grid", "power", "1SAG 31'\"", "W", "gauge", -0.1),
        (T, 1782907200123, "pi", "Grid", "power", "", "W", "gauge", 5.0),
    ]


def test_the_same_batch_again_changes_nothing(base: Base) -> None:
    sink = base.opened()
    sink.write(readings(2_000))
    before = base.rows("SELECT * FROM reading"), base.rows("SELECT * FROM quarter")
    sink.write(readings(2_000))
    sink.close()
    base.opened().write(readings(2_000))
    after = base.rows("SELECT * FROM reading"), base.rows("SELECT * FROM quarter")
    assert [sorted(rows) for rows in after] == [sorted(rows) for rows in before]
    assert len(before[0]) == 4_000


def test_quarters_have_the_local_day_and_the_energy_between_them(base: Base) -> None:
    sink = base.opened(timezone="Europe/Brussels")
    night = datetime(2026, 10, 24, 21, 40, tzinfo=UTC)  # 23:40, before the day of 25 hours
    sink.write(
        [
            Reading("grid", night + timedelta(minutes=5 * n), {"energy_import": 10 + n / 4})
            for n in range(12)
        ]
    )
    columns = "day, n, low, high, mean, energy"
    assert base.rows(f"SELECT {columns} FROM v_quarter ORDER BY time") == [
        (date(2026, 10, 24), 1, 10.0, 10.0, 10.0, 0.0),
        (date(2026, 10, 24), 3, 10.25, 10.75, 10.5, 0.75),
        (date(2026, 10, 25), 3, 11.0, 11.5, 11.25, 0.75),
        (date(2026, 10, 25), 3, 11.75, 12.25, 12.0, 0.75),
    ]


def test_a_register_that_falls_or_is_another_meters_begins_anew(base: Base) -> None:
    sink = base.opened()
    told = [(0, 100.0, "a"), (15, 101.0, "a"), (30, 2.0, "a"), (45, 3.0, "a"), (60, 4.0, "a")]
    told += [(60, 500.0, "b"), (75, 501.0, "b"), (90, 502.0, "b")]
    for minutes, number, meter in told:
        time = T + timedelta(minutes=minutes)
        sink.write([Reading("grid", time, {"energy_import": number}, {}, meter)])
    assert base.rows("SELECT meter, energy FROM v_quarter ORDER BY meter, time") == [
        *(("a", 0.0), ("a", 1.0), ("a", 0.0), ("a", 1.0)),
        *(("b", 0.0), ("b", 1.0)),
    ]


def test_a_fall_inside_a_quarter_costs_nothing_that_flowed(base: Base) -> None:
    sink = base.opened()
    told = [(0, 100.0), (14, 101.0), (16, 101.5), (20, 102.0), (22, 0.5), (29, 3.0)]
    told += [(31, 1.0), (40, 2.0), (45, 2.0)]  # fell between two quarters
    sink.write([Reading("grid", T + timedelta(minutes=m), {"energy_import": n}) for m, n in told])
    assert base.rows("SELECT n, energy FROM v_quarter ORDER BY time") == [
        (2, 1.0),
        (4, 102.0 - 101.0 + 3.0 - 0.5),
        (2, 1.0),
    ]


def test_what_a_killed_station_left_half_done_is_done_by_the_next(base: Base) -> None:
    base.opened().write(readings(1_000))  # and no more of the second quarter
    base.opened().write(readings(1_900)[1_000:])
    assert base.rows("SELECT n, energy FROM v_quarter WHERE kind = 'register' ORDER BY ts") == [
        (900, 899 / 8),
        (900, 900 / 8),
    ]


def test_a_stopped_server_costs_no_more_than_the_timeout(base: Base) -> None:
    sink = base.opened(timeout="2")
    sink.write(readings(10))
    base.server.freeze()
    try:
        assert "does not answer within 2 s" in refusal(lambda: sink.write(readings(1_000)))
        assert "does not answer within 2 s" in refusal(sink.open)
    finally:
        base.server.thaw()
    sink.open()
    sink.write(readings(1_000))
    assert base.one("SELECT count(*) FROM reading") == 2_000


def test_a_thrown_out_connection_is_made_again_within_the_turn(base: Base) -> None:
    sink = base.opened()
    mine = f"FROM pg_stat_activity WHERE datname = '{base.name}' AND application_name = 's0web'"
    for most in (10, 20):
        base.server.rows(f"SELECT pg_terminate_backend(pid) {mine}")
        sink.write(readings(most))
        assert base.one("SELECT count(*) FROM reading") == 2 * most
    base.server.rows(f"SELECT pg_terminate_backend(pid) {mine}")
    base.server.rows(f'ALTER DATABASE "{base.name}" ALLOW_CONNECTIONS false')
    assert "is not currently accepting connections" in refusal(lambda: sink.write(readings(30)))
    base.server.rows(f'ALTER DATABASE "{base.name}" ALLOW_CONNECTIONS true')
    sink.open()
    sink.write(readings(30))
    assert base.one("SELECT count(*) FROM reading") == 60


def test_a_lock_of_somebody_else_costs_no_more_than_the_timeout(base: Base) -> None:
    sink = base.opened(timeout="1")
    with base.server.connection(base.name) as other, other.transaction():
        other.execute("LOCK TABLE reading")
        assert "waited too long" in refusal(lambda: sink.write(readings(10)))
    sink.write(readings(10))
    assert base.one("SELECT count(*) FROM reading") == 20


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("53100", "has no room left"),
        ("53200", "is short of something"),
        ("40001", "is tried again"),
        ("40P01", "is tried again"),
        ("25006", "is read-only"),
        ("XX000", "look into its log"),
    ],
)
def test_what_is_no_fault_of_a_value_sets_none_aside(base: Base, state: str, words: str) -> None:
    sink = base.opened()
    base.rows(
        "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN RAISE EXCEPTION 'so it is' USING ERRCODE = '{state}'; END$$"
    )
    base.rows("CREATE TRIGGER stop BEFORE INSERT ON reading EXECUTE FUNCTION stop()")
    assert words in refusal(lambda: sink.write(readings(10)))
    base.rows("DROP TRIGGER stop ON reading")
    assert sink.write(readings(10)) == []
    assert base.one("SELECT count(*) FROM reading") == 20


def test_a_value_that_is_refused_is_set_aside_and_the_rest_is_kept(base: Base) -> None:
    sink = base.opened()
    base.rows("DROP VIEW v_reading")
    base.rows("ALTER TABLE reading ADD CHECK (value <> 142), ALTER value TYPE real")
    batch = [*readings(100), Reading("grid", T, {"peak": 1e300, "power_l1": 3.0}, {}, "x")]
    refused = sink.write(batch)
    assert [one.reading for one in refused] == [
        Reading("grid", T + timedelta(seconds=42), {"power": 142.0}),
        Reading("grid", T, {"peak": 1e300}, {}, "x"),
    ]
    assert "violates check constraint" in refused[0].reason
    assert "out of range" in refused[1].reason
    assert base.one("SELECT count(*) FROM reading") == 200


def test_no_number_and_no_name_stops_the_sink(base: Base) -> None:
    sink = base.opened()
    names = ["a\0b", "\ud800", "'; DROP TABLE reading; --", "x" * 5_000, "%s {} \\", "ünï"]
    quarter = timedelta(minutes=15)
    batch = [
        Reading("grid", T + quarter * n, {"power": number}, {}, meter)
        for meter in names
        for n, number in enumerate((1.7e308, 1.7e308, 5e-324, -1.7e308, 0.0))
    ]
    batch += [Reading("grid", T + timedelta(seconds=n), {"power": 1.7e308}) for n in range(9)]
    batch.append(Reading("grid", T + quarter, {"power": 1.0}))
    assert sink.write(batch) == []
    assert base.one("SELECT count(*) FROM reading") == 40
    assert base.one("SELECT count(DISTINCT meter) FROM series") == 7
    assert base.one("SELECT max(value) FROM reading") == 1.7e308


def test_each_refusal_at_the_door_is_a_sentence(base: Base) -> None:
    base.opened()
    port = base.server.port
    assert "refuses user root (password authentication failed" in refusal(
        base.sink(password="falsch").open
    )
    assert "refuses the connection" in refusal(base.sink(port=str(free_port())).open)
    assert "is unknown" in refusal(base.sink(host="nosuch.invalid", tls="no").open)
    assert "offers no TLS" in refusal(base.sink(tls="yes").open)
    meter = {"user": "meter", "password": "meter"}
    assert (
        f"127.0.0.1:{port} has no database elsewhere, and it cannot be created: 127.0.0.1:{port} "
        "does not let user meter do that (permission denied to create database): grant it"
    ) in refusal(base.sink(**meter, database="elsewhere").open)
    base.server.rows("ALTER ROLE meter CONNECTION LIMIT 0")
    assert "takes no more connections" in refusal(base.sink(**meter).open)
    base.server.rows("ALTER ROLE meter CONNECTION LIMIT -1")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = str(mute.getsockname()[1])
        assert "does not answer within 1 s" in refusal(base.sink(port=silent, timeout="1").open)


def certificate(folder: Path, name: str) -> Path:
    """One for a host, which is its own CA."""
    made = folder / f"{name}.crt"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
            *("-keyout", folder / f"{name}.key", "-out", made),
        ],
        check=True,
        capture_output=True,
    )
    return made


def test_with_tls_the_server_must_prove_who_it_is(base: Base, tmp_path: Path) -> None:
    server, mine = base.server, certificate(tmp_path, "localhost")
    other = certificate(tmp_path, "elsewhere")
    server.give(mine, "server.crt")
    server.give(mine.with_suffix(".key"), "server.key")
    server.rows("ALTER SYSTEM SET ssl = on")
    server.reload()
    tls = {"host": "localhost", "tls": "yes"}
    until(lambda: "offers no TLS" not in refusal(base.sink(**tls).open), "TLS")
    assert "a certificate that is not trusted" in refusal(base.sink(**tls).open)
    assert "is not trusted" in refusal(base.sink(**tls, ca_file=str(other)).open)
    named = refusal(base.sink(host="127.0.0.1", tls="yes", ca_file=str(mine)).open)
    assert "name its CA in ca_file, and the host as the certificate does" in named
    sink = base.opened(**tls, ca_file=str(mine))
    assert "localhost" in sink.note
    assert ", TLS," in sink.note
    sink.write(readings(1))
    assert ", TLS," in base.opened(host="127.0.0.1", tls="yes", verify="no").note
    text = str(mine.with_suffix(".key"))
    assert "is no certificate" in refusal(base.sink(**tls, ca_file=text).open)
    assert "cannot be read" in refusal(base.sink(**tls, ca_file="/nonexistent").open)
    server.rows("ALTER SYSTEM RESET ssl")
    server.reload()


def test_a_stranger_in_the_servers_place_is_not_told_the_password() -> None:
    heard = b""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def ask() -> None:
            nonlocal heard
            with listener.accept()[0] as connection:
                connection.recv(1_000)
                connection.sendall(b"R\0\0\0\x08\0\0\0\x03")  # AuthenticationCleartextPassword
                heard = connection.recv(1_000)

        asking = threading.Thread(target=ask)
        asking.start()
        login = Login("meter", "geheim", {"sslmode": "disable"}, False, 5)
        host = Host("127.0.0.1", listener.getsockname()[1])
        assert "geheim" not in refusal(lambda: Connection(host, "s0web", login))
        asking.join()
    assert psycopg.pq.version() < 160_000 or b"geheim" not in heard


def test_a_user_needs_the_right_to_write_and_no_more(base: Base) -> None:
    base.opened()
    meter = base.sink(user="meter", password="meter")
    assert "does not let user meter do that (permission denied for table" in refusal(meter.open)
    base.rows("GRANT SELECT, INSERT, UPDATE ON series, reading, quarter TO meter")
    meter.open()
    meter.write(readings(1_000))
    assert base.one("SELECT count(*) FROM reading") == 2_000


def test_a_user_who_may_not_create_is_told(base: Base) -> None:
    base.server.rows(f'CREATE DATABASE "{base.name}"')
    text = refusal(base.sink(user="meter", password="meter").open)
    assert "does not let user meter do that (permission denied for schema public)" in text
    assert "docs/postgresql.md" in text


def test_the_next_host_is_taken_when_one_is_away_or_read_only(base: Base) -> None:
    base.opened()
    here = f"127.0.0.1:{base.server.port}"
    both = base.opened(host=f"127.0.0.1:{free_port()}, {here}")
    both.write(readings(1))
    assert f"at {here}," in both.note
    base.server.rows(f'ALTER DATABASE "{base.name}" SET default_transaction_read_only = on')
    text = refusal(both.open)
    assert f"{here} is read-only" in text
    assert "refuses the connection" in text
    base.server.rows(f'ALTER DATABASE "{base.name}" RESET default_transaction_read_only')
    both.open()


def test_tables_that_are_not_ours_are_told_and_left_alone(base: Base) -> None:
    base.server.rows(f'CREATE DATABASE "{base.name}"')
    base.rows("CREATE TABLE reading (id int, watts real)")
    text = refusal(base.opened)
    assert "has a table reading in the schema public with other columns than ours" in text
    assert "(series_id, ts, value is missing)" in text
    sink = base.opened(schema='the "house" %s')
    sink.write(readings(1_000))
    assert base.one('SELECT count(*) FROM "the ""house"" %s".reading') == 2_000
    assert base.one("SELECT count(*) FROM reading") == 0


def test_a_table_without_its_key_or_with_more_columns_is_told(base: Base) -> None:
    sink = base.opened()
    base.rows("ALTER TABLE reading DROP CONSTRAINT reading_pkey")
    assert "other columns or keys than ours" in refusal(lambda: sink.write(readings(1)))
    base.rows("ALTER TABLE reading ADD PRIMARY KEY (series_id, ts), ADD house int NOT NULL")
    assert "other columns or keys than ours" in refusal(lambda: sink.write(readings(1)))
    base.rows("ALTER TABLE reading ALTER house SET DEFAULT 7")
    assert sink.write(readings(1)) == []


def test_a_table_that_was_dropped_is_made_again(base: Base) -> None:
    sink = base.opened()
    sink.write(readings(1))
    base.rows("DROP TABLE series, reading CASCADE")
    assert "is made again" in refusal(lambda: sink.write(readings(1)))
    sink.open()
    sink.write(readings(1))
    assert base.one("SELECT count(*) FROM v_reading") == 2


STUB = """
SET allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    SELECT 99999, 'timescaledb', 10, 'public'::regnamespace, false, '2.17.0';
CREATE TABLE asked (relation regclass, of name, span interval, again boolean);
CREATE FUNCTION create_hypertable(relation regclass, time_column_name name,
    chunk_time_interval anyelement, if_not_exists boolean) RETURNS void LANGUAGE sql
    AS 'INSERT INTO asked VALUES ($1, $2, $3, $4)';
"""


def test_with_timescaledb_the_readings_are_a_hypertable(base: Base) -> None:
    base.server.rows(f'CREATE DATABASE "{base.name}"')
    base.server.psql(STUB, "-d", base.name)
    sink = base.opened()
    assert sink.note.endswith("TimescaleDB hypertable")
    assert base.rows("SELECT * FROM asked") == [("reading", "ts", timedelta(days=7), True)]
    sink.write(readings(10))
    base.rows("DROP FUNCTION create_hypertable")
    sink.open()
    assert "native table though TimescaleDB is there" in sink.note
    sink.write(readings(20))
    assert base.one("SELECT count(*) FROM reading") == 40


def test_the_password_may_be_in_a_file_and_the_server_at_a_socket(
    base: Base, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{ROOT_PASSWORD}\n")
    secret.chmod(0o600)
    sink = base.opened(secret_file=str(secret), host=str(base.server.folder))
    sink.write(readings(1))
    assert base.one("SELECT count(*) FROM reading") == 2
    secret.chmod(0o644)
    assert "chmod 600" in refusal(sink.open)


def test_only_the_devices_that_are_wanted_are_written(base: Base) -> None:
    sink = base.opened(device="grid")
    sink.write([r for name in ("grid", "grid.gas", "grid2") for r in readings(1, device=name)])
    assert base.rows("SELECT DISTINCT device FROM series ORDER BY device") == [
        ("grid",),
        ("grid.gas",),
    ]


def test_through_ssh_it_is_reached_and_reached_again(base: Base, tmp_path: Path) -> None:
    sshd = Sshd(tmp_path)
    sshd.start()
    way = {"ssh": sshd.to, "ssh_key": str(sshd.key), "ssh_known_hosts": str(sshd.known_hosts)}
    sink = base.opened(**way, host="localhost", timeout="5")
    assert f"at localhost:{base.server.port} through {sshd.to}, no TLS" in sink.note
    sink.write(readings(500))
    sshd.stop()
    assert "does sshd run there" in refusal(lambda: sink.write(readings(1_000)))
    sshd.start()
    sink.open()
    sink.write(readings(1_000))
    assert base.one("SELECT count(*) FROM reading") == 2_000
    text = refusal(base.sink(**way, password="falsch").open)
    assert f"through {sshd.to} refuses user root" in text
    while MADE:
        MADE.pop().close()
    until(lambda: not children(), "the end of ssh")
    sshd.stop()


def test_without_the_library_it_says_what_to_install(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("s0web.sinks.postgresql_")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "s0web.sinks.wide", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "sudo apt install python3-psycopg" in refusal(base.sink().open)


def test_options_that_do_not_fit_together_are_told() -> None:
    assert wrong() == {}
    assert "user" in wrong(user="")
    assert "is no server" in wrong(host="db one")["host"]
    assert "is no server" in wrong(host="db:0")["host"]
    assert "secret_file" in wrong(password="a", secret_file="/b")
    assert "whole path" in wrong(ca_file="ca.pem")["ca_file"]
    assert "database" in wrong(database="x" * 64)
    assert "device" in wrong(layout="smartmeter")
    assert "is no SSH host" in wrong(ssh="-oProxyCommand=x")["ssh"]
    assert "tls" in wrong(ssh="pi@db", tls="yes")
    assert "host" in wrong(ssh="pi@db", host="/run")
    assert "ssh_key" in wrong(ssh="pi@db", ssh_key="/a b")


def test_the_station_tells_what_is_wrong_before_it_starts(ini: Path) -> None:
    ini.write_text(
        "[source:main]\ntype = s0\npin = 4\n"
        "[sink:db]\ntype = postgresql\nhost = a b\ndevice = nobody\n"
    )
    with pytest.raises(ConfigError) as caught:
        config.load(ini)
    assert [problem.option for problem in caught.value.problems] == ["host", "device"]


def test_servers_are_named_with_and_without_a_port() -> None:
    named = hosts("db1, db2.lan:5433,[::1], /var/run/postgresql", 5432)
    assert [str(host) for host in named] == [
        "db1:5432",
        "db2.lan:5433",
        "[::1]:5432",
        "/var/run/postgresql",
    ]
    assert [host.is_here for host in named] == [False, False, True, True]


def test_the_wide_table_gathers_what_is_told_apart(base: Base) -> None:
    sink = base.opened(layout="smartmeter", device="grid")
    assert sink.note.endswith("table smartmeter")
    sink.write([Reading("grid", T, {"power": 431.0, "voltage_l1": 230.5})])
    sink.write([Reading("grid", T, {"energy_import": 12.5}), Reading("main", T, {"power": 1.0})])
    sink.write([Reading("grid", T + timedelta(seconds=5), {"power": 432.0, "lag": 0.1})])
    sink.write([])
    asked = "ts, aktuelle_gesamtwirkleistung, spannung_l1, import_wh_seit_reset, frequenz"
    expected = [
        (T, 431.0, 230.5, 12.5, None),
        (T + timedelta(seconds=5), 432.0, None, None, None),
    ]
    assert base.rows(f"SELECT {asked} FROM smartmeter ORDER BY ts") == expected
    sink.write([Reading("grid", T, {"power": 431.0, "voltage_l1": 230.5})])
    assert base.rows(f"SELECT {asked} FROM smartmeter ORDER BY ts") == expected


def test_a_wide_table_with_data_goes_on_as_it_is(base: Base) -> None:
    base.server.rows(f'CREATE DATABASE "{base.name}"')
    base.rows(
        "CREATE TABLE sdm630 (ts timestamp PRIMARY KEY, spannung_l1 real, import_l1_kwh real, "
        "frequenz real CHECK (frequenz < 60), notiz text)"
    )
    base.rows("INSERT INTO sdm630 VALUES ('2026-07-01 11:00:00', 229, 1, 50, 'alt')")
    sink = base.opened(layout="smartmeter", device="grid", table="sdm630")
    assert "table sdm630 without spannung_l2" in sink.note
    values = {"voltage_l1": 230.5, "voltage_l2": 231.0, "energy_import_l1": 2.5, "frequency": 99.0}
    refused = sink.write([Reading("grid", T, values)])
    assert [dict(one.reading.values) for one in refused] == [{"frequency": 99.0}]
    assert "frequenz" in refused[0].reason
    assert base.rows("SELECT * FROM sdm630 ORDER BY ts") == [
        (datetime(2026, 7, 1, 11), 229.0, 1.0, 50.0, "alt"),
        (T.replace(tzinfo=None), 230.5, 2.5, None, None),
    ]


def test_a_wide_table_without_its_time_or_key_is_told(base: Base) -> None:
    base.server.rows(f'CREATE DATABASE "{base.name}"')
    base.rows("CREATE TABLE smartmeter (zeit timestamptz, frequenz real)")
    wide = {"layout": "smartmeter", "device": "grid"}
    assert "without a column ts" in refusal(lambda: base.opened(**wide))
    base.rows("ALTER TABLE smartmeter RENAME zeit TO ts")
    sink = base.opened(**wide)
    batch = [Reading("grid", T, {"frequency": 50.0})]
    assert "other columns or keys than ours" in refusal(lambda: sink.write(batch))


def test_what_the_docs_say_to_type_works(base: Base) -> None:
    page = (Path(__file__).parent.parent / "docs/postgresql.md").read_text()
    blocks = re.findall(r"```sql\n(.*?)```", page, re.S)
    assert len(blocks) == 9
    begin, *others = [block for block in blocks if "timescaledb" not in block]
    base.server.psql(begin)
    house = Base(base.server, "s0web")
    server = {"user": "s0web", "password": "change me"}
    now = datetime.now(UTC).replace(microsecond=0)
    batch = [
        Reading(
            "grid",
            now - timedelta(minutes=59 - n),
            {"power_l1": 100.0, "energy_import": 7 + n / 100},
        )
        for n in range(60)
    ]
    house.opened(**server).write(batch)
    house.opened(**server, layout="smartmeter", device="grid").write(batch)
    said = [base.server.psql(block, "-d", "s0web").splitlines() for block in others]
    assert f"|grid|energy_import|{batch[-1].values['energy_import']}|kWh|" in said[0][0]
    assert sum(float(line.split("|")[1]) for line in said[1]) == pytest.approx(
        2 * float(str(house.one("SELECT sum(energy) FROM v_quarter")))
    )
    assert len(said[2]) == 60
    assert said[2][0].endswith("|100||")
    assert float(said[-1][0]) == pytest.approx(0.59)
    reader = base.server.connection("s0web", "grafana", "change me too")
    with reader as on:
        assert on.execute("SELECT count(*) FROM v_quarter").fetchall() != [(0,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            on.execute("DELETE FROM reading")

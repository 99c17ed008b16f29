import math
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s0web import config, fresh
from s0web.__main__ import main
from s0web.errors import ConfigError
from s0web.meters.german import GERMAN
from s0web.registry import METERS, load
from s0web.upgrade_modbus import from_modbus_smartmeter, intervals_text

MODBUS = """\
[modbus]
serial_if = "/dev/ttyUSB0"
serial_if_baud = 19200
serial_if_byte = 8
serial_if_par = "E"
serial_if_stop = 1
slave_addr = 3
"""
OLD = (
    MODBUS
    + """\
[pg]
ip = "192.168.1.9"
pguser = "hofei"
pgpw = "geheim"
intervall_daten_senden = 300
dauer_schnellintervall = 120
schnellintervall = 4
[telegram_bot]
token = "123:abc"
[[messintervall]]
Spannung_L1 = 10
Strom_L1 = 5
Strom_L2 = 5
Strom_L3 = 5
aktuelle_Gesamtwirkleistung = 10
Import_Wh_seit_reset = 300
Export_Wh_seit_reset = 300
Gesamtwirkleistung = 999999
"""
)
NEW = (
    MODBUS
    + """\
timeout = 0.6
[db]
db = "mysql"
[db.mysql]
password = "geheim"
[mqtt]
password = "geheim"
is_active = false
[telegram_bot]
token = false
[mess_cfg]
device = "SDM630"
messintervall = 10
schnelles_messintervall = 1
dauer_schnelles_messintervall = 30
intervall_daten_senden = 30
"""
)


def imported(tmp_path: Path, text: str) -> tuple[dict[str, str], list[str]]:
    path = tmp_path / "smartmeter_cfg.toml"
    path.write_text(text)
    sections, notes = from_modbus_smartmeter(path)
    assert next(iter(sections)) == "source:meter"
    return sections["source:meter"], notes


def meaning(model: str, interval: str, intervals: str) -> dict[str, float]:
    """Quantity -> seconds, as the source understands the options."""
    rows = [row.split(":") for row in intervals.replace(" ", "").split(",") if row]
    found = {}
    for quantity in load(METERS, model).quantities:
        text = next((s for pattern, s in rows if fnmatchcase(quantity, pattern)), interval)
        found[quantity] = math.inf if text == "never" else float(text)
    return found


def understood(source: dict[str, str]) -> dict[str, float]:
    return meaning(source["model"], source["interval"], source.get("intervals", ""))


def test_the_older_generation_is_taken_over_register_by_register(tmp_path: Path) -> None:
    source, notes = imported(tmp_path, OLD)
    expected = dict.fromkeys(load(METERS, "sdm530").quantities, math.inf) | {
        "voltage_l1": 10, "current_l1": 5, "current_l2": 5, "current_l3": 5, "power": 10,
        "energy_import": 300, "energy_export": 300, "power_demand": 999999,
    }  # fmt: skip
    assert understood(source) == expected
    line = {"port": "/dev/ttyUSB0", "unit": "3", "baud": "19200", "parity": "E", "stopbits": "1"}
    assert line.items() <= source.items()
    assert (source["fast_interval"], source["fast_seconds"]) == ("4", "120")
    assert source["intervals"].startswith("current_l*:5, ")
    assert notes == [
        "Not taken over: [telegram_bot]; write its token and your chat id into [telegram].",
    ]


def test_the_newer_generation_counts_in_passes(tmp_path: Path) -> None:
    table = "[durchlaufintervall]\nSpannung_L1 = 1\nTotal_kwh = 30\nFrequenz = false\n"
    source, notes = imported(tmp_path, NEW + table)
    expected = dict.fromkeys(load(METERS, "sdm630").quantities, math.inf)
    assert understood(source) == expected | {"voltage_l1": 10, "energy_total": 300}
    assert (source["fast_interval"], source["fast_seconds"]) == ("1", "30")
    assert source["timeout"] == "0.6"
    assert [note.partition("[")[2].partition("]")[0] for note in notes[1:]] == [
        "mqtt", "telegram_bot",
    ]  # fmt: skip


def test_a_broker_goes_on_getting_the_same_topics(tmp_path: Path) -> None:
    old = tmp_path / "smartmeter_cfg.toml"
    active = 'is_active = true\nbroker = "hub"\nport = 1884\nusername = "meter"\n'
    old.write_text(NEW.replace("is_active = false\n", active))
    sections, notes = from_modbus_smartmeter(old)
    assert sections["sink:broker"] == {
        "type": "mqtt", "host": "hub", "port": "1884", "user": "meter", "password": "geheim",
        "layout": "smartmeter", "prefix": "/smartmeter/", "device": "meter", "discovery": "no",
    }  # fmt: skip
    assert not any("mqtt" in note for note in notes)


def test_without_a_table_of_passes_everything_is_read_on_each(tmp_path: Path) -> None:
    source, _ = imported(tmp_path, NEW)
    assert source["interval"] == "10"
    assert "intervals" not in source


def test_every_register_on_each_pass_needs_no_list(tmp_path: Path) -> None:
    known = {GERMAN[german]: german for german in GERMAN}
    table = "".join(f"{known[q]} = 1\n" for q in load(METERS, "sdm530").quantities)
    text = NEW.replace("SDM630", "SDM530") + "[[durchlaufintervall]]\n" + table
    source, _ = imported(tmp_path, text)
    assert source["interval"] == "10"
    assert "intervals" not in source


def test_the_whole_of_a_single_phase_goes_with_its_phase(tmp_path: Path) -> None:
    table = "[durchlaufintervall]\nWirkleistung_L1 = 2\n"
    source, _ = imported(tmp_path, NEW.replace("SDM630", "SDM230") + table)
    found = understood(source)
    assert found["power"] == found["power_l1"] == 20
    assert found["voltage"] == math.inf


def test_the_ws100_says_other_things_by_the_same_names(tmp_path: Path) -> None:
    table = "[durchlaufintervall]\nGesamtwirkleistung = 1\nTotal_kwh = 6\n"
    source, _ = imported(tmp_path, NEW.replace("SDM630", "WS100") + table)
    found = understood(source)
    assert (found["power"], found["energy_import"]) == (10, 60)


def test_registers_that_cannot_be_are_left_out_and_named(tmp_path: Path) -> None:
    table = "[durchlaufintervall]\nSpannung_L1 = 1\nSpannung_L2 = 1\nTippfehler = 1\n"
    _, notes = imported(tmp_path, NEW.replace("SDM630", "SDM230") + table)
    assert notes[:2] == [
        "durchlaufintervall.Spannung_L2 is left out: the SDM230 has none.",
        "durchlaufintervall.Tippfehler is left out: it is not known to s0web.",
    ]


def test_an_interval_of_zero_becomes_a_second(tmp_path: Path) -> None:
    source, notes = imported(tmp_path, NEW.replace("messintervall = 10", "messintervall = 0"))
    assert source["interval"] == "1"
    assert notes[0] == "mess_cfg.messintervall: 0 s becomes 1 s."


def test_the_command_writes_an_ini_that_can_be_read_and_shows_no_secret(
    ini: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("S0WEB_INI", str(ini))
    file = tmp_path / "smartmeter_cfg.toml"
    file.write_text(OLD)
    assert main(["import", "modbus-smartmeter", str(file)]) == 0
    out, _ = capsys.readouterr()
    meter = config.load(ini).sources["meter"]
    assert (meter["model"], meter["unit"], meter["fast_seconds"]) == ("sdm530", 3, 120.0)
    assert "[telegram_bot]" in out
    assert config.load(ini).sinks["database"]["password"] == "geheim"
    for secret in ("geheim", "123:abc"):
        assert secret not in out
    assert "123:abc" not in ini.read_text()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[modbus]", "[bus]", "has no [modbus]"),
        ("slave_addr = 3", "slave_addr = 300", "modbus.slave_addr: 300 is out of range"),
        ("slave_addr = 3", "", "modbus.slave_addr: is missing"),
        ("slave_addr = 3", "slave_addr = true", "modbus.slave_addr: is neither"),
        ('serial_if_par = "E"', 'serial_if_par = "M"', "modbus.serial_if_par: 'M' is not one of"),
        ('serial_if = "/dev/ttyUSB0"', "serial_if = 5", "modbus.serial_if: is no text"),
        ("serial_if_byte = 8", "serial_if_byte = 7", "modbus.serial_if_byte: Modbus RTU has 8"),
        ('device = "SDM630"', 'device = "EM24"', "mess_cfg.device: 'EM24' is not one of DDS353B"),
        ("messintervall = 10", 'messintervall = "x"', "mess_cfg.messintervall: is not a number"),
        ("messintervall = 10", "messintervall = nan", "mess_cfg.messintervall: nan is no"),
        ("[mess_cfg]", "[mess]", "has neither [mess_cfg] nor [[messintervall]]"),
        ("[mess_cfg]", "[mess_cfg", "is not TOML"),
        ("[mess_cfg]", "[durchlaufintervall]\nFrequenz = false\n[mess_cfg]", "never be read"),
    ],
)
def test_mistakes_are_told_with_file_and_key(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        imported(tmp_path, NEW.replace(old, new))
    assert "smartmeter_cfg.toml" in str(caught.value)
    assert words in str(caught.value)


@settings(deadline=None)
@given(
    st.sampled_from(["sdm630", "sdm120", "sdm72v2"]),
    st.lists(st.sampled_from([5.0, 10.0, 300.0, math.inf]), min_size=90, max_size=90),
    st.integers(1, 90),
)
def test_patterns_stand_only_where_they_are_exact(
    model: str, seconds: list[float], run: int
) -> None:
    quantities = sorted(load(METERS, model).quantities)
    found = {q: seconds[i // run] for i, q in enumerate(quantities)}
    for usual in (5.0, 10.0):
        assert meaning(model, str(usual), intervals_text(found, usual)) == found


def test_the_database_becomes_a_sink_through_ssh(tmp_path: Path) -> None:
    (tmp_path / "ssh.toml").write_text(
        'ip_server = "203.0.113.5"\nssh_port = 2222\nuser = "me"\npw = "hunter3"\n'
    )
    more = '[pg]\npfad_zu_ssh_auth = "ssh.toml"\npgport = 5433\ndb = "house"\n'
    path = tmp_path / "smartmeter_cfg.toml"
    path.write_text(OLD.replace("[pg]\n", more))
    sections, notes = from_modbus_smartmeter(path)
    assert sections["sink:database"] == {
        "type": "postgresql", "layout": "smartmeter", "device": "meter", "host": "localhost",
        "port": "5433", "database": "house", "user": "hofei", "password": "geheim",
        "ssh": "me@203.0.113.5:2222",
    }  # fmt: skip
    assert "SSH takes a key here" in notes[0]
    assert "hunter" not in " ".join(notes)
    config.parse(path, fresh.new_file(sections))
    (tmp_path / "ssh.toml").unlink()
    sections, notes = from_modbus_smartmeter(path)
    assert "ssh" not in sections["sink:database"]
    assert "cannot be read" in notes[0]


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_the_newer_database_becomes_a_sink(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "smartmeter_cfg.toml"
    text = NEW.replace("mysql", kind).replace('"geheim"\n[mqtt]', '"p"\nport = 999\n[mqtt]')
    path.write_text(text)
    sections, _ = from_modbus_smartmeter(path)
    sink = sections["sink:database"]
    assert (sink["type"], sink["host"], sink["port"]) == (kind, "localhost", "999")
    assert sink["password"] == "p"
    config.parse(path, fresh.new_file(sections))


def test_another_newer_database_is_left_out_and_told(tmp_path: Path) -> None:
    source, notes = imported(tmp_path, NEW.replace('db = "mysql"', 'db = "sqlite"'))
    assert source["model"] == "sdm630"
    assert "[db]: 'sqlite' is left out: the station's archive takes its place." in notes

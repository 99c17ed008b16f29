from pathlib import Path

import pytest

from s0web import config, fresh, upgrade
from s0web.errors import ConfigError
from s0web.station import Station
from s0web.upgrade_smartmeter import from_smartmeter
from tests.conftest import until

S0_LOGGER = """\
[Config]
# S0-Logger
debug = False
hw = RASPI
simulate = {simulate}
s0blink = True
port = 8080
ip = 0.0.0.0
ticksperkwh = 800
s0pin = 7
ledpin = 13
pidfile = /var/run/s0logger.pid

[Cache]
energy = {energy}
"""


def upgraded(path: Path, text: str) -> config.Config:
    path.write_text(text)
    return upgrade.taken_over(path)


@pytest.mark.parametrize(
    ("energy", "kwh"),
    [
        ("24.4", 0.0244),
        ("22228.0", 22.228),
        ("1234567.125", 1234.567125),
        ("0", 0.0),
        ("0.1", 0.0001),
        ("22228.000000000004", 22.228000000000004),
        ("1.2345678901234567e-05", 1.2345678901234567e-08),
    ],
)
def test_an_s0_logger_file_is_taken_over_with_its_counter_exactly(
    ini: Path, energy: str, kwh: float
) -> None:
    text = S0_LOGGER.format(simulate="False", energy=energy)
    read = upgraded(ini, text)
    assert read.cache == {"main": kwh}
    main = read.sources["main"]
    assert (main["pin"], main["numbering"], main["led_pin"]) == (7, "board", 13)
    assert (main["pulses_per_kwh"], main["blink"]) == (800.0, True)
    assert ini.with_name("s0web.ini.s0logger").read_text() == text


def test_it_is_upgraded_once(ini: Path) -> None:
    upgraded(ini, S0_LOGGER.format(simulate="False", energy="1000"))
    config.save_counters(ini, {"main": 2.0}, simulated=False)
    assert upgrade.taken_over(ini).cache == {"main": 2.0}


@pytest.mark.parametrize("written", ["\ufeff[Config]", "[Config] ", "[Config]\r"])
def test_a_header_that_s0_logger_reads_is_recognized(ini: Path, written: str) -> None:
    text = S0_LOGGER.format(simulate="False", energy="1000").replace("[Config]", written)
    assert upgraded(ini, text).cache == {"main": 1.0}


def test_a_value_that_looks_like_its_header_is_a_value() -> None:
    assert not upgrade.is_s0_logger("[web]\ntitle = x\n  [Config]\n")


@pytest.mark.parametrize("led", ["6", "0", "XIO-P2", "99999999999999999999", "\N{SUPERSCRIPT TWO}"])
def test_an_led_pin_that_is_no_gpio_does_not_cost_the_counter(
    ini: Path, caplog: pytest.LogCaptureFixture, led: str
) -> None:
    text = S0_LOGGER.format(simulate="False", energy="1000")
    read = upgraded(ini, text.replace("ledpin = 13", f"ledpin = {led}"))
    assert read.cache == {"main": 1.0}
    assert read.sources["main"]["blink"] is False
    assert f"ledpin: '{led}' is no GPIO" in caplog.text


def test_the_xio_pins_of_a_chip_become_lines_of_its_expander(ini: Path) -> None:
    text = S0_LOGGER.format(simulate="False", energy="1").replace("RASPI", "CHIP")
    read = upgraded(ini, text.replace("s0pin = 7", "s0pin = XIO-P1"))
    assert (read.sources["main"]["chip"], read.sources["main"]["pin"]) == ("pcf8574a", 1)


def test_another_pin_of_a_chip_is_refused_with_a_sentence(ini: Path) -> None:
    text = S0_LOGGER.format(simulate="False", energy="1").replace("RASPI", "CHIP")
    ini.write_text(text.replace("s0pin = 7", "s0pin = CSID0"))
    with pytest.raises(ConfigError, match=r"s0pin: 'CSID0' of hw=CHIP.*chip"):
        upgrade.taken_over(ini)
    assert "CSID0" in ini.read_text()


@pytest.mark.parametrize("energy", ["much", "nan", "-5", "1e400000000"])
def test_a_counter_that_is_none_is_refused_and_the_file_stays(ini: Path, energy: str) -> None:
    text = S0_LOGGER.format(simulate="False", energy=energy)
    ini.write_text(text)
    with pytest.raises(ConfigError, match="not a counter in Wh"):
        upgrade.taken_over(ini)
    assert ini.read_text() == text


def test_a_station_starts_with_an_s0_logger_file(ini: Path) -> None:
    ini.write_text(S0_LOGGER.format(simulate="True", energy="22228"))
    station = Station(ini)
    station.start()
    try:
        until(lambda: station.hub.snapshot().get("main", "energy_import"), "the counter")
        assert station.config is not None
        assert station.config.simulate
        assert "main = 22.228" in ini.read_text()
    finally:
        station.stop()


SMARTMETER = """\
[logging]
loglevel = debug
logpath = /var/log
keep = 10
size = 10M
log_to_stdout = no

[serial]
port = /dev/serial0
baudrate = {baud}
bytesize = 8
"""


@pytest.mark.parametrize(
    ("baud", "taken"), [("115000", "0"), ("115200", "115200"), ("9600", "9600")]
)
def test_smartmeters_sections_are_taken_over(tmp_path: Path, baud: str, taken: str) -> None:
    file = tmp_path / "config.ini"
    file.write_text(SMARTMETER.format(baud=baud))
    assert from_smartmeter(file)[0] == {
        "source:grid": {"type": "p1", "port": "/dev/serial0", "baud": taken},
        "log": {
            "level": "debug",
            "target": "file",
            "file": "/var/log/smartmeter.log",
            "size": str(10 * 1024**2),
            "keep": "10",
        },
    }


def test_another_file_is_not_mistaken_for_smartmeters(tmp_path: Path) -> None:
    file = tmp_path / "config.ini"
    file.write_text("[other]\na = b\n")
    with pytest.raises(ConfigError, match="neither"):
        from_smartmeter(file)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "[influx]\nhostname = db\nssl = yes\nverify_ssl = no\n"
            "username = u\npassword = hunter2\n",
            {"version": "1", "url": "https://db:8086", "database": "smartmeter", "user": "u",
             "password": "hunter2", "verify": "no"},
        ),
        (
            '[influx]\nenabled = yes\nurl = "https://db:8086"\ntoken = t0\norg = o\nbucket = b\n',
            {"version": "2", "url": "https://db:8086", "token": "t0", "org": "o", "bucket": "b"},
        ),
        (
            "[csv]\nenabled = yes\nfile_prefix = smartmeter_data_\n"
            "file_path = /data\nmax_age = 300\n",
            {"file_prefix": "smartmeter_data", "file_path": "/data", "max_age": "300"},
        ),
    ],

)  # fmt: skip
def test_smartmeters_databases_become_sinks(tmp_path: Path, old: str, new: dict[str, str]) -> None:
    file = tmp_path / "config.ini"
    file.write_text(f"[serial]\nport = /dev/ttyUSB0\n{old}")
    sections, notes = from_smartmeter(file)
    ((_, _), (name, sink)) = sections.items()
    kind = name.partition(":")[2]
    assert sink == new | {"type": kind, "layout": "smartmeter", "device": "grid"}
    assert notes == []
    config.parse(file, fresh.new_file(sections))


def test_a_database_that_is_not_enabled_is_left_out_and_told(tmp_path: Path) -> None:
    file = tmp_path / "config.ini"
    file.write_text("[serial]\nport = /dev/ttyUSB0\n[influx]\nenabled = no\n")
    sections, notes = from_smartmeter(file)
    assert list(sections) == ["source:grid"]
    assert notes == ["[influx] is not enabled, and is left out."]

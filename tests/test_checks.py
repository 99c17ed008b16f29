"""Lists in options, and what only several options together can get wrong."""

import math
from pathlib import Path

import pytest

from s0web import config
from s0web.errors import ConfigError

MODBUS = """\
[source:heatpump]
type = modbus
port = /dev/ttyUSB0
model = sdm630
unit = {unit}
{more}
"""
ADC = """\
[source:mains]
type = adc
current_channels = brown:0, black:2
{more}
"""


def read(text: str) -> config.Config:
    return config.parse(Path("s0web.ini"), text)


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


def adc(more: str) -> str:
    return ADC.format(more=more)


def modbus(unit: int = 1, more: str = "", name: str = "heatpump") -> str:
    return MODBUS.format(unit=unit, more=more).replace("heatpump", name)


def test_lists_are_read_as_they_are_written() -> None:
    sections = read(
        "[s0web]\ncompare = grid, mains; mains , heatpump.x\n"
        + adc(
            "voltage_channels = brown:1, black:1\namps_per_code = brown:0.018, black:-0,019"
        ).replace("-0,019", "-0.019")
        + modbus(more="intervals = current*:5, thd*:never")
        + "[source:grid]\ntype = p1\nport = x\n"
        + "[source:garage]\ntype = remote\nallowed = 192.168.1.20 10.0.0.0/8\n"
    ).sections
    assert sections["source:mains"]["current_channels"] == (("brown", 0), ("black", 2))
    assert sections["source:mains"]["voltage_channels"] == (("brown", 1), ("black", 1))
    assert sections["source:mains"]["amps_per_code"] == (("brown", 0.018), ("black", -0.019))
    assert sections["source:mains"]["volts_per_code"] == (("", 0.2527),)
    assert sections["source:heatpump"]["intervals"] == (("current*", 5.0), ("thd*", math.inf))
    assert sections["source:garage"]["allowed"] == ("192.168.1.20", "10.0.0.0/8")
    assert sections["s0web"]["compare"] == (("grid", "mains"), ("mains", "heatpump.x"))


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("current_channels = brown", "'brown' is not written like brown:0, black:2"),
        ("current_channels = brown:8", "8 is out of range, it must be 0 to 7"),
        ("current_channels = brown:0, brown:1", "'brown' is there twice"),
        ("current_channels = power:0", "'power' cannot name a wire"),
        ("current_channels =", "it must not be empty"),
        ("amps_per_code = brown:0.01", "black is missing"),
        ("amps_per_code = 0", "must not be 0"),
        ("amps_per_code =", "must not be empty"),
        ("amps_per_code = 0.1\nphase_error = green:1, brown:0, black:0", "there is no wire green"),
        ("voltage_channels = brown:1", "black has no voltage channel"),
        ("voltage_channels = brown:0, black:1", "brown: channel 0 is a voltage channel"),
        ("voltage_channels = brown:1, black:9", "9 is out of range"),
        ("chip = mcp3204\nvoltage_channels = brown:5, black:6", "has channels 0 to 3, not 5"),
        ("voltage = 5", "5 V is out of range"),
        ("voltage = nan", "nan V is out of range"),
        ("voltage = cellar", "there is no source cellar"),
        ("voltage = mains", "must come from another source"),
        ("spi = a", "is not an SPI bus and device such as 0.0"),
    ],
)
def test_an_impossible_channel_list_is_named(more: str, sentence: str) -> None:
    text = adc(more)
    if more.startswith("current_channels"):
        text = text.replace("current_channels = brown:0, black:2\n", "")
    assert sentence in wrong(text)


def test_two_wires_on_one_current_channel_are_refused() -> None:
    text = adc("").replace("black:2", "black:0")
    assert "black and brown cannot both be channel 0" in wrong(text)


def test_points_on_one_converter_must_be_sampled_alike() -> None:
    other = adc("speed = 1000000").replace("mains", "kitchen")
    assert "speed: is 1000000, but [source:mains] on the same spi has 1250000" in wrong(
        adc("") + other
    )
    kitchen = adc("").replace("mains", "kitchen")
    assert len(read(adc("") + kitchen.replace("brown:0, black:2", "brown:4")).sources) == 2
    assert "[source:kitchen] current_channels: brown: channel 0 is a current of [source:mains]" in (
        wrong(adc("") + kitchen)
    )
    assert "brown: channel 2 is a current of [source:mains]" in wrong(
        adc("") + kitchen.replace("brown:0, black:2", "brown:4\nvoltage_channels = brown:2")
    )


def test_meters_on_one_bus_have_the_same_line_and_different_addresses() -> None:
    assert len(read(modbus(1) + modbus(2, name="solar")).sources) == 2
    assert "baud: is 19200, but [source:heatpump] on the same port has 9600" in wrong(
        modbus(1) + modbus(2, "baud = 19200", "solar")
    )
    assert "unit: is in use by [source:heatpump] already" in wrong(
        modbus(1) + modbus(1, name="solar")
    )
    p1 = "[source:grid]\ntype = p1\nport = /dev/ttyUSB0\n"
    assert "port: is in use by [source:heatpump] already" in wrong(modbus(1) + p1)
    assert "is in use by [source:grid] already" in wrong(p1 + modbus(1))


def test_a_wrong_model_or_interval_is_refused_with_what_would_be_right() -> None:
    assert "'sdm999' is not one of sdm" in wrong(modbus().replace("sdm630", "sdm999"))
    assert "'Power' is not a quantity" in wrong(modbus(more="intervals = Power:5"))
    assert "is not written like current*:5" in wrong(modbus(more="intervals = power=5"))
    assert "thd* fits no quantity of the sdm120" in wrong(
        modbus(more="intervals = thd*:never").replace("sdm630", "sdm120")
    )
    assert "'soon' is not a number" in wrong(modbus(more="intervals = power:soon"))


def test_what_is_compared_or_pushed_must_be_there() -> None:
    assert "compare: there is no source grid" in wrong("[s0web]\ncompare = grid, mains\n" + adc(""))
    assert "compare: mains has no wire gray" in wrong(
        "[s0web]\ncompare = mains, mains.gray\n" + adc("")
    )
    assert "compare: garden counts water, not energy" in wrong(
        "[s0web]\ncompare = mains, garden\n[source:garden]\ntype=s0\npin=4\nmeasures=water\n"
        + adc("")
    )
    assert "is not two or more devices" in wrong("[s0web]\ncompare = mains\n" + adc(""))
    push = "[sink:attic]\ntype = push\ndevice = cellar\nurl = http://attic/state/x\n"
    assert "device: there is no source cellar" in wrong(push)
    own = push.replace("attic]", "cache]").replace("cellar", "mains") + adc("")
    assert "[sink:cache] is a name that the station itself uses" in wrong(own)
    assert read(push.replace("cellar", "mains.brown") + adc("")).sinks["attic"]["interval"] == 1.0


def test_two_remote_sources_cannot_be_one_point() -> None:
    one = "[source:a]\ntype = remote\npoint = Mains\n"
    assert "point: is in use by [source:a] already" in wrong(one + one.replace(":a", ":b"))
    assert "has this name already" in wrong("[source:Mains]\ntype = remote\n" + one)
    assert "cannot stand in an address" in wrong(one.replace("Mains", "a/b"))
    assert "https://x is no address: write it as http://192.168.1.20/state/Mains" in wrong(
        one + "url = https://x\n"
    )
    assert "'1.2.3' is not an address such as" in wrong(one + "allowed = 1.2.3\n")

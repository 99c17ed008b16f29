"""The parser: every line typed, and no line that costs another."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s0web.errors import FrameError
from s0web.meters.obis import TABLE
from s0web.meters.p1 import Failure, Number, Parser, Peak, Stamped, parse
from s0web.quantities import QUANTITIES
from tests.p1_samples import BELGIAN, GOLDEN, belgian, golden, sign, telegram


def at(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)


def value(line: str) -> object:
    """The value of one line within a sound telegram."""
    told = parse(belgian(line))
    assert told.unread == ()
    (extra,) = [told.objects[code] for code in told.objects if not code.startswith("0-0:")]
    return extra


@pytest.mark.parametrize("name", GOLDEN)
def test_every_line_of_a_golden_telegram_is_read_and_typed(name):
    told = parse(golden(name))
    assert told.unread == ()
    lines = [line for line in golden(name).decode().split("\r\n")[1:-2] if line[:1].isdigit()]
    assert len(told.objects) == len(lines)
    assert set(told.objects) <= set(TABLE)
    assert told.raw == golden(name)


def test_a_belgian_telegram_in_detail():
    told = parse(golden("be_three_phase"))
    assert told.ident == "FLU5\\253769484_A"
    assert told.version == "50221"
    assert told.time == at(2023, 2, 14, 16, 35, 2)
    objects = told.objects
    assert objects["1-0:1.8.1"] == Number(1234.567, "kWh")
    assert objects["0-0:96.1.1"] == "1SAG3100000017"
    assert objects["0-0:96.1.2"] == "541448901234567014"
    assert objects["0-0:96.3.10"] == Number(1, "")  # the breaker is not its last relay
    assert objects["0-2:96.3.10"] == Number(1, "")
    assert objects["1-0:1.6.0"] == Stamped(at(2023, 2, 6, 17, 45), Number(4.713, "kW"))
    assert objects["0-0:98.1.0"][2] == Peak(
        at(2022, 12, 31, 23), at(2022, 12, 21, 10, 45), Number(13.603, "kW")
    )
    gas, water = told.channels
    assert (gas.number, gas.type, gas.equipment, gas.valve) == (1, 3, "7FLO2100000021", 1)
    assert (gas.ean, gas.converted) == ("541448901234567021", False)
    assert gas.reading == Stamped(at(2023, 2, 14, 16, 30), Number(112.384, "m3"))
    assert (water.number, water.type, water.valve) == (2, 7, None)


def test_dutch_telegrams_of_all_editions():
    five = parse(golden("nl_50"))
    assert (five.version, five.time) == ("50", at(2022, 10, 30, 1, 30, 20))
    assert five.objects["1-0:99.97.0"] == (
        Failure(at(2022, 3, 4, 17, 9, 49), 14826),
        Failure(at(2020, 8, 4, 13, 39, 17), 3442),
        Failure(at(1999, 12, 31, 23, 0, 1), 2147483647),
    )
    assert [channel.type for channel in five.channels] == [3, 12]
    four = parse(golden("nl_42"))
    assert four.objects["1-0:72.32.0"] == Number(0, "")  # printed as 72:32.0
    assert four.objects["1-0:99.97.0"] == ()
    for name, volume in (("nl_30", 1.001), ("nl_22", 367.857)):
        old = parse(golden(name))
        assert (old.version, old.time) == ("", None)
        (gas,) = old.channels
        assert gas.reading is not None
        assert gas.reading.number == Number(volume, "m3")
        assert gas.reading.time is not None
        assert gas.reading.time.tzinfo is None


def test_meters_of_other_countries():
    swede = parse(golden("se"))
    assert swede.time == at(2023, 7, 1, 11)  # normal time all year: W in July
    assert swede.objects["1-0:71.7.0"] == Number(-0.4, "A")
    lux = parse(golden("lu"))
    assert lux.objects["1-1:31.4.0"] == (Number(40, "A"), Number(-40, "A"))
    assert lux.objects["0-0:42.0.0"] == "SAG1030700000164"
    assert lux.channels == ()  # its relays are no sub-meters
    magyar = parse(golden("hu"))
    assert magyar.objects["0-0:98.1.0"].startswith("(230701000000S)")  # not the Belgian layout


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        ("221030023000S", at(2022, 10, 30, 0, 30)),  # the double hour, twice
        ("221030023000W", at(2022, 10, 30, 1, 30)),
        ("230326015959W", at(2023, 3, 26, 0, 59, 59)),
        ("230326030000S", at(2023, 3, 26, 1)),
        ("230701120000W", at(2023, 7, 1, 11)),  # Sweden
        ("240229000000W", at(2024, 2, 28, 23)),
    ],
)
def test_the_flag_alone_decides_utc(stamp, time):
    assert parse(telegram("0-0:96.1.4(50221)", f"0-0:1.0.0({stamp})")).time == time


@pytest.mark.parametrize(
    "stamp", ["230229000000W", "632525252525W", "", "230214173502", "2302141735"]
)
def test_an_impossible_time_is_unread_and_costs_only_itself(stamp):
    told = parse(telegram("0-0:96.1.4(50221)", f"0-0:1.0.0({stamp})", "1-0:1.7.0(00.300*kW)"))
    assert told.time is None
    assert [line.line for line in told.unread] == [f"0-0:1.0.0({stamp})"]
    assert told.objects["1-0:1.7.0"] == Number(0.3, "kW")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1-0:1.8.0*255(000123.456*kWh)", Number(123.456, "kWh")),
        ("1-0:21.7.0.255(00.512*kW)", Number(0.512, "kW")),
        ("1-0:1.8.0*01(000100.000*kWh)", "(000100.000*kWh)"),
        ("1-0:72:32.0(00007)", Number(7, "")),
        ("1-0:1.8.1(000123.456kWh)", Number(123.456, "kWh")),
        ("1-0:1.8.1(000123.456)", Number(123.456, "")),
        ("1-0:31.4.0(10,0*A)", Number(10, "A")),
        ("1-0:31.7.0(-003.1*A)", Number(-3.1, "A")),
        ("1-0:31.7.0(+003.1*A)", Number(3.1, "A")),
        ("1-0:1.8.1(000123.456*kWh)  ", Number(123.456, "kWh")),
        (" 1-0:1.8.1 ( 000123.456 * kWh )", Number(123.456, "kWh")),
        ("1-1:31.4.0(040*A) (-040*A) ", (Number(40, "A"), Number(-40, "A"))),
        ("0-1:24.2.1(632525252525W)(00000.000)", Stamped(None, Number(0, ""))),
        ("0-1:24.2.1(700101010000W)(00000000)", Stamped(at(2070, 1, 1), Number(0, ""))),
        ("0-1:96.1.1()", ""),
        ("0-1:96.1.0(0000000000)", ""),
        ("0-1:96.1.1(AAAAA1111111111111111111111)", "AAAAA1111111111111111111111"),
        ("0-1:96.1.1(1111111111)", "1111111111"),
        ("0-1:96.1.2(2D2D2D2D)", ""),
        ("1-0:98.98.98(abc)(1*kW)", "(abc)(1*kW)"),
        ("7-0:23.1.0(00012.345*m3)", Stamped(None, Number(12.345, "m3"))),
    ],
)  # fmt: skip
def test_what_meters_of_the_field_print(line, expected):
    assert value(line) == expected


@pytest.mark.parametrize("suffix", ["*01", "*1", "*00", ".12", "*254"])
@pytest.mark.parametrize("present", ["1-0:1.8.0", "1-0:1.8.0*255"])
def test_a_historic_value_leaves_the_present_register_alone(suffix, present):
    lines = (f"{present}(000123.456*kWh)", f"1-0:1.8.0{suffix}(000100.000*kWh)")
    for order in (lines, lines[::-1]):
        told = parse(belgian(*order))
        assert told.objects["1-0:1.8.0"] == Number(123.456, "kWh")
        assert told.objects[f"1-0:1.8.0{suffix.replace('.', '*')}"] == "(000100.000*kWh)"
        assert told.unread == ()


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("", ""),
        ("48616C6C6F", "Hallo"),
        ("48616C6C6FFFFF00", "Hallo"),
        ("50C3A9", "Pé"),
        ("50E9", "Pé"),
    ],
)
def test_a_text_message_is_decoded_and_its_padding_goes(field, words):
    assert parse(belgian(f"0-0:96.13.0({field})")).objects["0-0:96.13.0"] == words


@pytest.mark.parametrize(
    ("line", "months"),
    [
        ("0-0:98.1.0(0)(1-0:1.6.0)(1-0:1.6.0)()", 0),
        ("0-0:98.1.0(3)(1-0:1.6.0)(1-0:1.6.0)(230101000000W)(221221114500W)(13.603*kW)", 1),
        ("0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(230101000000W)(632525252525W)(13.603*kW)(2301", 1),
    ],
)
def test_a_history_may_be_empty_or_shorter_than_announced(line, months):
    told = parse(belgian(line + (")" if not line.endswith(")") else "")))
    assert told.unread == ()
    assert len(told.objects["0-0:98.1.0"]) == months


@pytest.mark.parametrize(
    "bad",
    [
        "1-0:1.7.0(0x.300*kW)",
        "1-0:1.7.0(nan*kW)",
        "1-0:1.7.0(inf)",
        "1-0:1.7.0(1e5*kW)",
        "1-0:1.7.0(1_0*kW)",
        "1-0:1.7.0(1.2.3*kW)",
        "1-0:1.7.0(" + "9" * 400 + "*kW)",
        "1-0:1.7.0()",
        "1-0:1.7.0(00.300*kW",
        "1-0:1.7.0 00.300*kW)",
        "1-0:1.7.0",
        "(00.300*kW)(1",
        "hello",
        "0-1:24.3.0(141222220000)(2C)(60)(1)(0-1:24.2.1)(m3)",
        "0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(230101000000W)(221221114500W)(xx)",
    ],
)
def test_one_bad_line_never_costs_the_telegram(bad):
    told = parse(belgian("1-0:2.7.0(00.100*kW)", bad, "1-0:32.7.0(230.1*V)"))
    assert told.objects["1-0:32.7.0"] == Number(230.1, "V")
    assert len(told.unread) == 1
    assert told.unread[0].reason


@pytest.mark.parametrize(
    "raw", [b"", b"!", b"/", b"0-0:1.0.0(1)", b"/FLU5\r\n!", b"!/FLU5", b"/FLU5\r\n\r\n!zz\r\n"]
)
def test_what_is_no_telegram_is_refused_with_a_sentence(raw):
    with pytest.raises(FrameError, match="telegram"):
        parse(raw)


def test_a_wrong_or_missing_crc_is_refused():
    for damaged in (golden("nl_50")[:-6] + b"0000\r\n", golden("nl_50")[:-6] + b"\r\n"):
        with pytest.raises(FrameError, match="CRC"):
            parse(damaged)


def test_a_telegram_alone_may_come_with_line_feeds_or_parity_bits():
    whole = golden("be_three_phase")
    parity = bytes(byte | (byte.bit_count() & 1) << 7 for byte in whole)
    for same in (whole.replace(b"\r", b""), parity, whole.strip()):
        assert parse(same) == parse(whole)


def test_a_parser_that_remembers_tells_the_same_as_one_that_does_not():
    parser = Parser()
    for name in [*GOLDEN, "be_three_phase", "be_three_phase", "nl_22"]:
        assert parser.parse(golden(name)) == parse(golden(name))
    ticked = sign(golden("be_three_phase")[:-6].replace(b"(01.234*kW)", b"(01.235*kW)"))
    assert parser.parse(ticked).objects["1-0:2.7.0"] == Number(1.235, "kW")


def test_a_parser_remembers_one_telegram_only():
    parser = Parser()
    for second in range(60):
        lines = [f"1-0:{n}.8.0({second:06}.{n:03}*kWh)" for n in range(1, 9)]
        parser.parse(telegram("0-0:96.1.4(50221)", *lines))
        assert len(parser._known) == 9


def test_a_quantity_of_the_table_is_one_of_the_vocabulary():
    assert {row.quantity for row in TABLE.values() if row.quantity} <= set(QUANTITIES)


LINES = [
    line for name in GOLDEN for line in golden(name).decode().split("\r\n")[1:-2] if "(" in line
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(LINES), st.integers(0, 700), st.text("()*.:-09aF\0 \n,", max_size=4)
        ),
        max_size=8,
    )
)
@settings(max_examples=200, deadline=None)
def test_signed_nonsense_raises_nothing_and_leaves_the_other_lines(changes):
    spoiled = [
        line[: at % len(line)] + junk + line[at % len(line) + 1 :] for line, at, junk in changes
    ]
    told = parse(telegram(*BELGIAN, "1-0:14.7.0(50.01*Hz)", "", *spoiled))
    assert "1-0:14.7.0" in told.objects
    assert isinstance(told.channels, tuple)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_bytes_of_any_kind_are_a_telegram_or_a_frame_error(raw):
    for each in (raw, sign(b"/FLU5\r\n" + raw.replace(b"!", b"") + b"!")):
        try:
            parse(each)
        except FrameError:
            continue

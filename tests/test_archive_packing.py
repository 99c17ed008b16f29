import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s0web.archive.batches import decode, encode
from s0web.archive.hours import in_order
from s0web.archive.packer import pack, unpack
from s0web.archive.packing import pack_floats, pack_ints, unpack_floats, unpack_ints
from s0web.archive.segments import Segments
from s0web.model import Reading

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-(2**61), 2**61)))
def test_whole_numbers_come_back(numbers: list[int]) -> None:
    assert unpack_ints(pack_ints(numbers), len(numbers)) == numbers


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_an_exact_column_gives_back_the_same_floats(numbers: list[float]) -> None:
    assert unpack_floats(pack_floats(numbers, 6, exact=True), len(numbers)) == numbers


@settings(max_examples=200, deadline=None)
@given(st.lists(st.decimals(-(10**8), 10**8, places=3)))
def test_decimals_within_the_digits_come_back_exactly(decimals: list[object]) -> None:
    numbers = [float(str(decimal)) for decimal in decimals]
    assert unpack_floats(pack_floats(numbers, 6), len(numbers)) == numbers


def test_numbers_too_large_for_whole_ones_are_kept_as_they_are() -> None:
    numbers = [1e300, -2.5, 1e18]
    assert unpack_floats(pack_floats(numbers, 6), 3) == numbers


def test_a_batch_gives_back_the_readings_in_order_of_arrival() -> None:
    chance = random.Random(4)
    readings = [
        Reading("grid", NOON, {"power": 1.0, "energy_import": 1234.567}, {"ean": "54"}, "12"),
        Reading("grid.gas", NOON - timedelta(hours=1), {"volume": 0.1 + 0.2}),
        Reading("main", NOON + timedelta(microseconds=1), {"power": chance.random() * 1e-9}),
        Reading("grid", NOON, {}, {"message": "ünïcode \n"}),
        *(
            Reading("main", NOON + timedelta(seconds=chance.random() * 99), {"power": 230.1})
            for _ in range(500)
        ),
        Reading("grid", NOON, {"energy_import": 1234.567, "power": -1e20}, meter="13"),
    ]
    assert decode(encode(readings)) == readings
    assert decode(encode([])) == []


def test_a_damaged_batch_is_no_batch() -> None:
    blob = bytearray(encode([Reading("main", NOON, {"power": 1.0})] * 9))
    blob[len(blob) // 2] ^= 0x55
    with pytest.raises(ValueError, match="damaged"):
        decode(bytes(blob))


def test_a_packed_hour_keeps_three_decimals_more_than_are_worth_showing() -> None:
    pairs = ([1_000, 2_001, 9_000], [230.123456789, 231.0, 229.9])
    assert unpack(pack(pairs, "voltage"), 3) == (pairs[0], [230.1235, 231.0, 229.9])


def test_what_came_last_counts_for_a_millisecond() -> None:
    assert in_order([3, 1, 3], [1.0, 2.0, 4.0]) == ([1, 3], [2.0, 4.0])


def told(segments: Segments, ms: int, number: float, meter: str = "") -> str:
    return segments.assign("main", "energy_import", meter, ms, number)


def test_a_register_that_falls_is_another_meter() -> None:
    segments = Segments()
    assert [told(segments, ms, n) for ms, n in ((1, 5.0), (2, 6.0), (3, 0.1), (4, 0.2))] == [
        "",
        "",
        "#2",
        "#2",
    ]
    assert told(segments, 5, 0.0) == "#3"


def test_a_serial_is_a_meter_and_comes_back_to_its_own_segment() -> None:
    segments = Segments()
    assert told(segments, 1, 5.0, "A") == "A"
    assert told(segments, 2, 1.0, "B") == "B"
    assert told(segments, 3, 5.5, "A") == "A"
    assert told(segments, 4, 0.0, "A") == "A#2"


def test_one_low_value_between_two_that_go_on_is_a_slip() -> None:
    segments = Segments()
    labels = [told(segments, ms, n) for ms, n in ((1, 900.0), (2, 0.0), (3, 900.1), (4, 900.2))]
    assert labels == ["", "#2", "", ""]


def test_a_late_value_belongs_to_the_meter_of_its_time() -> None:
    segments = Segments()
    told(segments, 10, 900.0)
    told(segments, 20, 0.5)
    told(segments, 30, 0.6)
    assert told(segments, 15, 900.1) == ""
    assert told(segments, 25, 0.55) == "#2"
    again = Segments()
    again.load(segments.dump())
    assert told(again, 40, 0.7) == "#2"
    assert told(again, 50, 0.1) == "#3"

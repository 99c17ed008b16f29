"""The framer: every intact telegram, whatever lies around it, and never more than its buffer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s0web.meters.framing import BUFFER
from s0web.meters.p1 import Framer, crc16, parse
from tests.p1_samples import GOLDEN, belgian, golden

SIGNED = [name for name in GOLDEN if name not in ("nl_22", "nl_30")]
ONE, TWO, THREE = golden("be_three_phase"), golden("be_single_phase"), golden("nl_50")


def fed(data: bytes, size: int = 64) -> tuple[Framer, list[bytes]]:
    framer, found = Framer(), []
    for at in range(0, len(data), size):
        found += framer.feed(data[at : at + size])
        assert framer.buffered <= BUFFER
    return framer, found


def bitwise_crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def test_crc_is_that_of_the_catalogue():
    assert crc16(b"123456789") == 0xBB3D
    assert crc16(b"") == 0
    assert crc16(b"\0\0/") == crc16(b"/")


@given(st.binary(max_size=3000))
@settings(max_examples=60, deadline=None)
def test_crc_equals_the_bit_by_bit_definition(data):
    assert crc16(data) == bitwise_crc(data)


@pytest.mark.parametrize("size", [1, 13, 64, 1024, 100_000])
def test_a_stream_of_telegrams_comes_out_whole_in_pieces_of_any_size(size):
    telegrams = [golden(name) for name in GOLDEN] * 2
    framer, found = fed(b"".join(telegrams), size)
    assert found == telegrams
    assert (framer.good, framer.bad, framer.dropped, framer.buffered) == (len(telegrams), 0, 0, 0)


def test_a_telegram_is_told_with_its_last_crc_digit_not_only_after_the_line_end():
    framer = Framer()
    assert framer.feed(ONE[:-3]) == []
    assert framer.feed(ONE[-3:-2]) == [ONE]


@pytest.mark.parametrize("name", SIGNED)
def test_line_feeds_alone_are_accepted_and_the_crc_checked_over_cr_lf(name):
    whole = golden(name)
    assert fed(whole.replace(b"\r\n", b"\n"))[1] == [whole]


def test_bit_7_is_masked():
    parity = bytes(byte | (byte.bit_count() & 1) << 7 for byte in ONE)
    assert fed(parity)[1] == [ONE]


def test_a_lowercase_crc_and_a_nul_after_it_are_accepted():
    body, digits = ONE[:-6], ONE[-6:-2]
    framer, found = fed((body + digits.lower() + b"\0\r\n") * 2)
    assert found == [body + digits.lower() + b"\r\n"] * 2
    assert framer.dropped == 0


@pytest.mark.parametrize("size", [1, 1000])
def test_a_crc_printed_without_its_leading_zeros_is_accepted(size):
    bodies = (f"/NWA5HEAT\r\n\r\n1-3:0.2.8(50)\r\n0-1:24.1.0({n:03})\r\n!" for n in range(100_000))
    body = next(body.encode() for body in bodies if crc16(body.encode()) < 0x1000)
    short = body + b"%X\r\n" % crc16(body)
    assert fed(short + short, size)[1] == [short, short]
    assert parse(short).version == "50"


def test_a_telegram_without_crc_is_accepted_only_of_editions_that_have_none():
    for name in ("nl_22", "nl_30"):
        assert fed(golden(name))[1] == [golden(name)]
    for name in SIGNED:
        assert fed(golden(name)[:-6] + b"\r\n")[1] == []


def test_a_bracket_flipped_to_an_end_does_not_pass_for_a_telegram_without_crc():
    for name in GOLDEN:  # ')' and '!' differ in one bit
        at = golden(name).index(b")\r\n")
        assert fed(golden(name)[:at] + b"!" + golden(name)[at + 1 :])[1] == []


@pytest.mark.parametrize("noise", [b"/", b"!", b"/!", b"!0000", b"/FLU5", b"\xff\0", b"0-0:1.0.0("])
def test_noise_between_two_telegrams_costs_neither(noise):
    assert fed(ONE + noise + TWO + noise + THREE)[1] == [ONE, TWO, THREE]


def test_a_damaged_telegram_is_counted_and_costs_only_itself():
    damaged = ONE.replace(b"1-0:1.7.0(00.000", b"1-0:1.7.0(00.001")
    framer, found = fed(ONE + damaged + TWO)
    assert found == [ONE, TWO]
    assert (framer.good, framer.bad) == (2, 1)
    assert framer.dropped == len(damaged.translate(None, b"\r\n"))


def test_head_tail_and_joint_of_cut_telegrams_cost_only_those():
    for cut in range(1, len(ONE) - 3, 97):
        assert fed(ONE[cut:] + TWO)[1] == [TWO]
        assert fed(ONE[:cut] + TWO)[1] == [TWO]
        assert fed(TWO + ONE[:cut] + ONE[cut + 5 :] + TWO)[1] == [TWO, TWO]


def test_a_telegram_up_to_the_bound_passes_and_a_longer_one_does_not_in_pieces_of_any_size():
    for size in (1, 100_000):
        fits = belgian("0-0:96.13.0(" + "41" * 4000 + ")")
        assert fed(fits, size)[1] == [fits]
        framer, found = fed(belgian("0-0:96.13.0(" + "41" * 4100 + ")") + ONE, size)
        assert found == [ONE]
        assert framer.bad == 0
        assert framer.dropped > 8000


@pytest.mark.parametrize(
    "garbage",
    [b"/", b"!", b"/!", b"!/", b"/FLU5\r\n!", b"0", b"/!0", b"\n", b"/" + b"x" * 8100, b"!FFFF"],
)
@pytest.mark.parametrize("size", [13, 4096])
def test_any_garbage_leaves_a_bounded_buffer_and_the_next_telegram_whole(garbage, size):
    whole = garbage * (40_000 // len(garbage)) + ONE
    framer, found = fed(whole, size)
    assert found == [ONE]
    assert framer.buffered == 0


@given(
    st.lists(
        st.one_of(
            st.sampled_from([golden(name) for name in SIGNED]),
            st.binary(max_size=60),
            st.text("/!\r\n0()-:.A", max_size=40).map(str.encode),
        ),
        max_size=6,
    ),
    st.integers(1, 400),
)
@settings(max_examples=80, deadline=None)
def test_the_size_of_pieces_does_not_matter(parts, size):
    data = b"".join(parts)
    at_once, found = fed(data, 10**9)
    in_pieces, same = fed(data, size)
    assert same == found
    assert (in_pieces.good, in_pieces.bad) == (at_once.good, at_once.bad)
    assert in_pieces.dropped == at_once.dropped
    assert in_pieces.buffered == at_once.buffered
    for telegram in found:
        parse(telegram)


@given(st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_an_intact_telegram_survives_any_noise_before_it(noise):
    assert ONE in fed(noise + ONE)[1]

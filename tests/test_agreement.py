"""Registers read between their readings, and when two of them may be judged."""

import math

import pytest

from s0web.energy.agreement import LOOKS, STEP, Pair
from s0web.energy.factors import changed, number_text, of_wire
from s0web.energy.track import IMPOSSIBLE, Point, Track

NONE = math.nan


def track(*points: tuple[float, float], grain: float = 0.001, counts: bool = False) -> Track:
    made = Track(grain, counts)
    for time, kwh in points:
        made.add(Point(time, kwh, 0.0))
    return made


def test_between_two_readings_a_register_is_on_the_line_between_them() -> None:
    made = track((0, 1.0), (10, 1.0), (20, 1.2))
    found = made.at(15)
    assert found is not None
    assert (found.time, found.imported, found.exported) == pytest.approx((15, 1.1, 0.0))


def test_outside_its_readings_nothing_is_guessed() -> None:
    made = track((0, 1.0), (10, 1.1))
    assert made.at(-1) is None
    assert made.at(11) is None
    assert track().at(0) is None


@pytest.mark.parametrize(
    ("point", "meter"),
    [
        (Point(20, 1.0, 0.0), ""),  # a register that falls
        (Point(20, 1.2, 0.0), "E0062"),  # another meter
        (Point(20, 1.1 + 2 * IMPOSSIBLE / 360, 0.0), ""),  # a correction
        (Point(20, 1.1, 1000.0), ""),
        (Point(20, 1.1, NONE), ""),  # no export any more
        (Point(10 - 3600, 1.1, 0.0), ""),  # the clock was set back
    ],
)
def test_what_breaks_the_row_begins_a_new_span(point: Point, meter: str) -> None:
    made = track((0, 1.0), (10, 1.1))
    made.add(point, meter)
    assert made.span == 1
    assert list(made.points) == [point]


def test_a_stamp_a_little_older_is_taken_for_the_latest() -> None:
    made = track((0, 1.0), (10, 1.1))
    made.add(Point(9, 1.101, 0.0))
    assert made.span == 0
    assert list(made.points) == [Point(0, 1.0, 0.0), Point(10, 1.101, 0.0)]


def test_a_pause_matters_to_a_device_that_counts_by_itself_only() -> None:
    times = [(float(second), second / 1000) for second in range(20)]
    pause = (100.0, 0.03)
    assert track(*times, pause).span == 0
    assert track(*times, pause, counts=True).span == 1


def test_a_finer_register_is_known_by_its_steps() -> None:
    assert track((0, 1.0), (10, 1.0), (20, 1.002), grain=0.01).grain == pytest.approx(0.002)
    assert track((0, 1.0), (10, 1.5), grain=0.01).grain == 0.01


def pair(kw: float, share: float, seconds: int, grain: float = 0.001) -> Pair:
    """Two registers on a constant power, told every 10 s and looked at each time."""
    made = Pair(Track(grain), Track(grain), {}, 0.03)
    for time in range(0, seconds + 1, 10):
        kwh = kw * time / 3600
        made.trusted.add(Point(time, math.floor(kwh / grain) * grain, NONE))
        made.suspect.add(Point(time, math.floor(kwh * share / grain) * grain, NONE))
        made.look()
    return made


def test_a_quarter_of_an_hour_is_enough_where_much_flows() -> None:
    assert pair(3.0, 1.0, 3 * int(STEP)).comparison is None
    found = pair(3.0, 1.0, 3 * int(STEP) + 10).comparison
    assert found is not None
    assert found.ratio == pytest.approx(1.0, abs=0.003)
    assert (found.seconds, found.gross) == pytest.approx((900, 0.75), abs=0.002)


def test_where_little_flows_it_takes_as_long_as_the_steps_of_the_registers_ask_for() -> None:
    """Two registers of 10 Wh may be 20 Wh apart: that is a third of 3 % of 2 kWh, and some more."""
    assert pair(1.0, 1.0, 7000, grain=0.01).comparison is None
    assert pair(1.0, 1.0, 9000, grain=0.01).comparison is not None


def test_in_six_hours_of_next_to_nothing_there_is_no_verdict() -> None:
    made = pair(0.005, 0.5, 24 * 3600)
    assert made.comparison is None
    assert made.differs is None


def test_where_nothing_flows_there_is_nothing_to_compare() -> None:
    made = Pair(Track(0.0), Track(0.0), {}, 0.03)
    for time in range(0, 7200, 10):
        made.trusted.add(Point(time, 1.0, 0.0))
        made.suspect.add(Point(time, 2.0, 0.0))
        assert not made.look()


def test_a_difference_is_told_when_it_lasts() -> None:
    first = pair(3.0, 0.9, 3 * int(STEP) + 10)
    assert first.comparison is not None
    assert first.differs is None
    assert pair(3.0, 0.9, (2 + LOOKS) * int(STEP) + 10).differs is True


def test_a_constant_power_is_compared_over_the_last_hour_only() -> None:
    found = pair(3.0, 1.0, 4 * 3600).comparison
    assert found is not None
    assert found.seconds == 3600


def test_factors_are_one_number_or_one_for_each_wire() -> None:
    wires = ("brown", "black")
    assert changed([("", 0.0244)], wires, {"brown": 0.025}) == "brown:0.025, black:0.0244"
    assert changed([("", 0.0244)], wires, dict.fromkeys(wires, 0.025)) == "0.025"
    rows = [("brown", 0.02), ("black", 0.03)]
    assert changed(rows, wires, {"black": 0.02}) == "brown:0.02, black:0.02"
    assert of_wire(rows, "black") == 0.03
    assert of_wire([("", 1.5)], "black") == 1.5


def test_numbers_are_written_without_an_exponent() -> None:
    assert number_text(0.0000123456789) == "0.0000123457"
    assert number_text(-0.02440001) == "-0.0244"
    assert number_text(800.0) == "800"
    assert number_text(-0.0) == "0"

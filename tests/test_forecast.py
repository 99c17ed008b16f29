"""The forecast of the import: what lasts goes on, unless the house is known to go on otherwise."""

from collections.abc import Callable
from random import Random

import pytest

from s0web.energy.course import Course
from s0web.energy.experience import DAY, DAYS, Experience
from s0web.energy.forecast import Forecast

START = 29_000_000  # minutes since 1970
Power = Callable[[int], float]  # of a second


def lived(power: Power, seconds: range) -> tuple[Forecast, Course]:
    """What a house with that power would be told, and the rule that knows no past."""
    forecast, course = Forecast(), Course()
    for second in seconds:
        for one in (forecast, course):
            one.add(START * 60.0 + second, power(second))
    return forecast, course


def both(of: tuple[Forecast, Course], now: int) -> tuple[float, float]:
    """Ws of the ten minutes from that second on."""
    time = START * 60.0 + now
    return of[0].ahead(time, time + 600) or 0.0, of[1].ahead(600) or 0.0


def often(watts: float, lasts: int, base: float = 200.0) -> Power:
    """A load that runs for so many seconds about once in 40 minutes; at 2,400 s times 40, too."""
    chance = Random(1)
    begins = [2400 * n + (chance.randrange(-600, 600) if n % 40 else 0) for n in range(1, 200)]

    def power(second: int) -> float:
        near = begins[max(0, second // 2400 - 1) : second // 2400 + 1]
        return base + watts * any(begin <= second < begin + lasts for begin in near)

    return power


def test_a_kettle_that_was_often_on_is_known_to_end() -> None:
    power, now = often(2000, 180), 2400 * 40 + 90
    known, guess = both(lived(power, range(now)), now)
    truth = sum(map(power, range(now, now + 600)))
    assert abs(known - truth) < abs(guess - truth) / 2


def test_a_car_that_often_charged_for_long_is_believed_at_once() -> None:
    power, now = often(7400, 1500), 2400 * 40 + 70
    known, guess = both(lived(power, range(now)), now)
    assert guess < 7600 * 400 < 7600 * 540 < known


def test_what_was_never_seen_goes_on_for_as_long_as_it_has_lasted() -> None:
    known, guess = both(lived(lambda s: 300 if s < 3600 else 9000, range(3900)), 3900)
    assert known == pytest.approx(guess, rel=0.05)


def test_without_a_power_nothing_is_forecast() -> None:
    assert Forecast().ahead(START * 60.0, START * 60.0 + 300) is None


def told(*times: tuple[int, list[float]]) -> Experience:
    """Minutes that follow each other, from each number on."""
    experience = Experience()
    for first, watts in times:
        for minute, one in enumerate(watts, START + first):
            experience.add(minute, one)
    return experience


def after(experience: Experience, now: int, watts: float, seconds: float = 600) -> float:
    """W in the mean of what is ahead."""
    return experience.ahead(START + now, seconds, watts, NEVER * seconds) / seconds


NEVER = 12_345.0  # W: a guess
CYCLE = [100.0] * 20 + [1000.0] + [400.0] * 10  # after a minute of 1 kW come ten of 400 W
NOW = CYCLE[:21]  # up to that minute
LENGTH = 12 * len(CYCLE)


def test_the_median_of_the_times_before_is_told_for_any_span() -> None:
    experience, now = told((0, CYCLE * 12 + NOW)), LENGTH + 20
    assert after(experience, now, 1000) == pytest.approx(400)
    assert after(experience, now, 1000, 90) == pytest.approx(400)
    assert after(experience, now, 1000, 660) == pytest.approx((400 * 10 + 100) / 11)


def test_likeness_in_the_last_minute_alone_counts_where_no_more_is_known() -> None:
    assert after(told((0, CYCLE * 12)), LENGTH + 300, 1000) == pytest.approx(400)
    assert after(told((0, CYCLE * 12), (LENGTH, [9000.0] * 60)), LENGTH + 60, 1000) == 400


def test_the_hour_tells_moments_apart_that_are_alike_in_the_quarter() -> None:
    busy = [3000.0] * 40 + [100.0] * 20 + [1000.0] + [2000.0] * 10
    calm = [100.0] * 60 + [1000.0] + [400.0] * 10
    experience = told((0, (busy + calm) * 12 + busy[:61]))
    assert after(experience, 12 * len(busy + calm) + 60, 1000) == pytest.approx(2000)


def test_a_single_time_says_nothing_against_a_guess() -> None:
    assert after(told((0, CYCLE + NOW)), len(CYCLE) + 20, 1000) == NEVER
    assert after(Experience(), 0, 1000) == NEVER


def test_minutes_that_are_missing_are_not_taken_for_what_followed() -> None:
    holes = [(number * 100, CYCLE[:25]) for number in range(12)]  # 4 minutes after 1 kW, no more
    assert after(told(*holes), 1200, 1000) == NEVER
    assert after(told(*holes), 1200, 1000, 240) == pytest.approx(400)


def test_four_weeks_are_remembered() -> None:
    experience = told((0, CYCLE * 12), (LENGTH, [100.0] * DAY * (DAYS - 1)))
    assert after(experience, DAYS * DAY, 1000) == pytest.approx(400)
    for minute in range(3 * DAY):
        experience.add(START + DAYS * DAY + minute, 100.0)
    assert after(experience, (DAYS + 3) * DAY, 1000) == NEVER
    assert after(experience, (DAYS + 3) * DAY, 100) == pytest.approx(100)


def test_the_last_times_count_when_a_habit_changes() -> None:
    other = [100.0] * 20 + [1000.0] + [2000.0] * 10
    experience = told((0, CYCLE * 100 + other * 100))
    assert after(experience, 200 * len(CYCLE) + 60, 1000) == pytest.approx(2000)


def test_a_clock_that_had_been_ahead_costs_what_was_learned_and_no_more() -> None:
    experience = told((10**6, CYCLE * 3), (0, CYCLE * 12))
    assert after(experience, LENGTH + 60, 1000) == pytest.approx(400)


def test_a_minute_that_comes_again_is_not_counted_twice() -> None:
    cycles = [(number * len(CYCLE), CYCLE) for number in range(12)]
    experience = told(*(one for cycle in cycles for one in (cycle, cycle)))
    assert after(experience, LENGTH + 60, 1000) == pytest.approx(400)

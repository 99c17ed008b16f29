"""The simulated house: a pure function of time; its registers are exact sums of its powers."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s0web.simulation.house import NS, House, Truth
from s0web.simulation.past import past

BRUSSELS = ZoneInfo("Europe/Brussels")
SECOND, DAY, WEEK = timedelta(seconds=1), timedelta(days=1), timedelta(days=7)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUSE = House()

moments = st.datetimes(
    datetime(2020, 1, 1), datetime(2099, 12, 31, 23, 59, 59), timezones=st.just(UTC)
)


def ns(t: datetime) -> int:
    return (t - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


def whole(number: float, unit: int) -> int:
    """A register in Ws or ml, which is a whole number."""
    assert abs(number * unit - round(number * unit)) < 0.01
    return round(number * unit)


def registers(truth: Truth) -> list[int]:
    energies = (
        truth.energy,
        truth.solar_energy,
        truth.energy_import_high,
        truth.energy_import_low,
        truth.energy_export_high,
        truth.energy_export_low,
    )
    return [whole(number, 3_600_000) for number in energies]


def test_random_access_equals_walking_through_time() -> None:
    times = [MONDAY + timedelta(seconds=997 * step) for step in range(1200)]
    walked = [HOUSE.at(t) for t in times]
    shuffled = Random(5).sample(times, len(times))
    strange = House()
    jumped = {t: strange.at(t) for t in shuffled}
    assert walked == [jumped[t] for t in times]


def test_other_seeds_are_other_houses() -> None:
    noon = MONDAY + DAY / 2
    assert House(2).at(noon) != HOUSE.at(noon) == House(1).at(noon)


@settings(deadline=None)
@given(moments, st.integers(0, 999_999))
def test_nothing_changes_within_a_second(t: datetime, microsecond: int) -> None:
    begin = t.replace(microsecond=0)
    assert HOUSE.at(begin.replace(microsecond=microsecond)) == HOUSE.at(begin)
    assert HOUSE.at(begin).time == begin


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        HOUSE.at(datetime(2026, 3, 2))


@settings(deadline=None)
@given(moments)
def test_each_second_adds_its_powers_to_the_registers(t: datetime) -> None:
    now, then = HOUSE.at(t), HOUSE.at(t + SECOND)
    high, bought, sold = now.tariff == "high", max(now.power, 0), max(-now.power, 0)
    expected = [
        now.consumption,
        now.solar,
        bought if high else 0,
        0 if high else bought,
        sold if high else 0,
        0 if high else sold,
    ]
    assert [b - a for a, b in zip(registers(now), registers(then), strict=True)] == expected


def test_a_day_of_registers_is_the_sum_of_its_seconds() -> None:
    saturday = MONDAY + 5 * DAY
    truths = [HOUSE.at(saturday + second * SECOND) for second in range(86_401)]
    first, last = truths[0], truths.pop()
    consumed, made, *grid = (b - a for a, b in zip(registers(first), registers(last), strict=True))
    assert consumed == sum(truth.consumption for truth in truths)
    assert made == sum(truth.solar for truth in truths)
    assert grid[0] + grid[1] == sum(max(truth.power, 0) for truth in truths)
    assert grid[2] + grid[3] == sum(max(-truth.power, 0) for truth in truths)
    assert len({truth.power for truth in truths}) > 1000


@settings(deadline=None)
@given(moments)
def test_the_parts_fit_together(t: datetime) -> None:
    truth = HOUSE.at(t)
    assert truth.power == sum(truth.phases) == truth.consumption - truth.solar
    assert truth.consumption > 0
    assert truth.solar >= 0
    for power, volts, amperes in zip(truth.phases, truth.voltages, truth.currents, strict=True):
        assert 220 <= volts <= 240
        assert abs(power) <= amperes * volts + 3  # W: a current has two decimals
    assert 0 <= truth.demand < 12_000


@settings(deadline=None)
@given(moments)
def test_registers_never_fall(t: datetime) -> None:
    now, then = HOUSE.at(t), HOUSE.at(t + timedelta(hours=7))
    assert all(a <= b for a, b in zip(registers(now), registers(then), strict=True))
    assert now.gas <= then.gas < 99_999
    assert now.water <= then.water < 99_999


@pytest.mark.parametrize(
    ("local", "tariff"),
    [
        ("2026-03-02 06:59:59", "low"),
        ("2026-03-02 07:00:00", "high"),
        ("2026-03-06 21:59:59", "high"),
        ("2026-03-06 22:00:00", "low"),
        ("2026-03-07 12:00:00", "low"),
        ("2026-07-01 07:30:00", "low"),  # the switch keeps winter time
        ("2026-07-01 22:30:00", "high"),
    ],
)
def test_the_tariff_follows_workdays_in_winter_time(local: str, tariff: str) -> None:
    assert HOUSE.at(datetime.fromisoformat(local).replace(tzinfo=BRUSSELS)).tariff == tariff


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_week_looks_like_a_household_with_the_sun_on_its_roof(seed: int) -> None:
    house = House(seed)
    hours = [house.at(MONDAY + timedelta(hours=hour)) for hour in range(24 * 7 + 1)]
    used = [(b.energy - a.energy) * 1000 for a, b in pairwise(hours)]  # Wh in each hour
    nights = [used[day * 24 + hour] for day in range(7) for hour in (1, 2, 3)]
    evenings = [used[day * 24 + hour] for day in range(7) for hour in (17, 19, 20)]
    assert max(nights) < 500
    assert sum(evenings) / len(evenings) > 2 * sum(nights) / len(nights)
    noons = [house.at(MONDAY + timedelta(days=day, hours=11.75)).power for day in range(7)]
    assert sum(power < 0 for power in noons) >= 4
    assert all(house.at(MONDAY + timedelta(days=day)).solar == 0 for day in range(7))
    assert 60 < sum(used) / 1000 < 150  # kWh a week
    assert 10 < hours[-1].gas - hours[0].gas < 23.3  # m3: 82 years fit into five digits
    assert 1.5 < hours[-1].water - hours[0].water < 4


def quarters(first: datetime, last: datetime) -> list[tuple[int, datetime]]:
    """Each quarter-hour by the registers: mean import in W, and its end."""
    found, step = [], timedelta(minutes=15)
    while first < last:
        before, after = registers(HOUSE.at(first)), registers(HOUSE.at(first + step))
        found.append((sum(after[2:4]) - sum(before[2:4]), first + step))
        first += step
    return [(energy // 900, end) for energy, end in found]


@pytest.mark.parametrize("month", [3, 4, 10])  # with both changes of the clock
def test_the_peak_is_the_highest_quarter_hour_of_the_local_month(month: int) -> None:
    first = datetime(2026, month, 1, tzinfo=BRUSSELS)
    last = datetime(2026, month + 1, 1, tzinfo=BRUSSELS)
    ranked = quarters(first.astimezone(UTC), last.astimezone(UTC))
    power = max(power for power, _ in ranked)
    end = next(end for watts, end in ranked if watts == power)
    history = HOUSE.peaks(last)
    assert history[-1] == (first, end, power)
    assert len(history) == 13
    assert [peak.month for peak in history] == sorted(peak.month for peak in history)
    # the month so far: from nothing, only ever up, to that
    assert HOUSE.at(first)[-2:] == (0, first)
    so_far = [HOUSE.at(end).peak for _, end in ranked[:-1]]
    assert so_far == sorted(so_far)
    assert so_far[-1] == power


def test_months_differ_in_their_peaks() -> None:
    assert len({peak.power for peak in HOUSE.peaks(MONDAY)}) > 6


def test_demand_grows_from_nothing_to_the_mean_of_the_quarter_hour() -> None:
    start = MONDAY + timedelta(days=5, hours=18, minutes=15)
    demands = [HOUSE.at(start + second * SECOND).demand for second in range(900)]
    assert demands[0] == 0
    assert demands == sorted(demands)
    ((mean, _),) = quarters(start, start + timedelta(minutes=15))
    assert mean - demands[-1] < mean / 400


spans = st.integers(0, 6 * 3600 * NS)


@settings(max_examples=60, deadline=None)
@given(
    moments,
    spans,
    st.sampled_from(
        [("energy", 1000), ("energy", 187.5), ("gas", 100), ("gas", 10.3), ("water", 1000)]
    ),
)
def test_pulses_are_as_many_as_the_registers_say(
    start: datetime, span: int, output: tuple[str, float]
) -> None:
    measure, per_unit = output
    first = start.replace(microsecond=0)
    last = first + span // NS * SECOND
    found = HOUSE.pulses(measure, per_unit, ns(first), ns(last))
    unit = 3_600_000 if measure == "energy" else 1_000_000

    def count(t: datetime) -> int:
        amount = whole(getattr(HOUSE.at(t), measure), unit)
        return Fraction(amount, unit) * Fraction(per_unit) // 1

    assert len(found) == count(last) - count(first)
    assert found == sorted(set(found))
    assert all(ns(first) < moment <= ns(last) for moment in found)


@settings(max_examples=30, deadline=None)
@given(moments, st.lists(spans, min_size=1, max_size=8))
def test_pulses_of_adjoining_spans_are_those_of_the_whole(t: datetime, parts: list[int]) -> None:
    cuts = sorted(ns(t) + part + 123 for part in [0, *parts])
    pieces = [moment for a, b in pairwise(cuts) for moment in HOUSE.pulses("energy", 1000, a, b)]
    assert pieces == HOUSE.pulses("energy", 1000, cuts[0], cuts[-1])


def test_the_time_between_pulses_is_the_power() -> None:
    start = MONDAY + timedelta(hours=19.5)
    found = HOUSE.pulses("energy", 100_000, ns(start), ns(start + 600 * SECOND))
    for before, after in pairwise(found):
        inside = {
            HOUSE.at(datetime.fromtimestamp(moment // NS, UTC)).consumption
            for moment in (before, after)
        }
        if len(inside) == 1 and after // NS - before // NS <= 1:
            assert after - before == pytest.approx(36 * NS / inside.pop(), abs=2)


def test_the_past_is_what_the_house_did() -> None:
    sources = {"main": {"type": "s0", "measures": "energy"}, "grid": {"type": "p1"}}
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    house = House()
    told = list(past(house, sources, now))
    assert len(told) == 2 * 1440
    assert told[0].time == now - timedelta(hours=24)
    assert told[-2].values == {"power": house.at(told[-2].time).consumption}
    assert told[-1].values == {"power": house.at(told[-1].time).power}

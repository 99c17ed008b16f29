"""The running quarter-hour: what was used, the forecast, the alarm, and the months."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from s0web.energy import peaks
from s0web.energy.peaks import Flow, Peak
from s0web.energy.quarter import Alarm, Closed, Running, Sample, allowed

BRUSSELS = ZoneInfo("Europe/Brussels")
BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()  # of a quarter-hour
Power = Callable[[int], float]


def samples(
    power: Power, seconds: range, demand: bool = True, register: bool = True, meter: str = "A"
) -> Iterator[Sample]:
    """What a meter with registers of 1 Wh tells at these seconds, counted from BEGIN."""
    energy, last = 0.0, min(0, seconds.start)
    used = 0.0
    for second in seconds:
        for at in range(last, second):
            used = 0.0 if at % 900 == 0 else used
            used += max(0.0, power(at)) / 900
            energy += max(0.0, power(at)) / 3.6e6
        last = second
        yield Sample(
            BEGIN + second,
            power(second),
            BEGIN + second,
            float(int(0.0 if second % 900 == 0 else used)) if demand else None,
            1000 + int(energy * 1000 + 1e-6) / 1000 if register else None,
            meter,
        )


def follow(running: Running, told: Iterator[Sample]) -> list[Closed]:
    closed: list[Closed] = []
    for sample in told:
        if running.start:
            closed += running.add(sample)
        else:
            running.begin(sample)
    return closed


def steady(watts: float) -> Power:
    return lambda second: watts


KINDS = {
    "demand and registers": (True, True),
    "demand alone": (True, False),
    "registers alone": (False, True),
}


@pytest.mark.parametrize("pace", [1, 10])
@pytest.mark.parametrize("kind", KINDS)
def test_a_steady_load_is_forecast_at_once_and_closed_exactly(kind: str, pace: int) -> None:
    running, (demand, register) = Running(), KINDS[kind]
    closed = follow(running, samples(steady(2000), range(0, 1810, pace), demand, register))
    assert [(c.end - BEGIN, c.is_sure) for c in closed][1:] == [(1800, True)]
    assert closed[0].watts == pytest.approx(2000, abs=4)
    assert closed[1].watts == pytest.approx(2000, abs=4)
    follow(running, samples(steady(2000), range(1810, 2101, pace), demand, register))
    assert running.elapsed == 300
    assert running.used == pytest.approx(2000 / 3, abs=6)
    assert running.forecast == pytest.approx(2000, abs=6)


def test_export_is_not_set_off_and_uses_nothing() -> None:
    running = Running()
    follow(running, samples(lambda s: 3000 if s < 300 else -3000, range(600)))
    assert running.used == pytest.approx(1000, abs=2)
    assert running.forecast < 1600
    follow(running, samples(lambda s: 3000 if s < 300 else -3000, range(600, 880)))
    assert running.forecast == pytest.approx(1000, abs=2)


def test_the_turns_of_an_oven_do_not_make_the_forecast_jump() -> None:
    running, said = Running(), []

    def oven(second: int) -> float:
        return 300 + 2500 * (second % 155 < 60)

    for sample in samples(oven, range(3000)):
        follow(running, iter([sample]))
        if running.start == BEGIN + 1800:
            said.append(running.forecast)
    assert max(abs(b - a) for a, b in zip(said, said[10:], strict=False)) < 300
    assert all(abs(forecast - 1268) < 350 for forecast in said)


def test_the_forecast_is_never_below_what_is_used_and_ends_there() -> None:
    running = Running()
    for sample in samples(lambda s: (s * 7919) % 6000 - 1000, range(900)):
        follow(running, iter([sample]))
        assert running.forecast >= running.used
    assert running.forecast == pytest.approx(running.used, abs=6)


def test_a_load_that_lasts_soon_counts_for_the_whole_rest() -> None:
    running = Running()
    follow(running, samples(lambda s: 7400 if s >= 900 else 200, range(900 + 300)))
    assert running.used == pytest.approx(7400 / 3, rel=0.01)
    assert running.forecast > 5500


def test_a_gap_in_the_telegrams_is_healed_by_the_register() -> None:
    running = Running()
    told = list(samples(steady(3000), range(900), demand=False))
    follow(running, iter(told[:100]))
    follow(running, iter(told[700:701]))
    assert running.used == pytest.approx(3000 * 700 / 900, abs=6)


def test_a_quarter_whose_end_was_not_heard_is_not_sure_and_the_next_ones_are_sound() -> None:
    running = Running()
    told = list(samples(steady(1000), range(2800), demand=False))
    closed = follow(running, iter(told[:600] + told[1200:]))
    assert [(c.end - BEGIN, c.is_sure) for c in closed] == [
        (900, False),
        (1800, True),
        (2700, True),
    ]
    assert closed[1].watts == pytest.approx(1000, abs=8)


def test_a_pulse_counter_without_pulses_closes_its_quarters_by_the_clock() -> None:
    running = Running()
    told = (Sample(BEGIN + s, 0.0, BEGIN - 5000, None, 12.5) for s in range(2000))
    closed = follow(running, told)
    assert [(c.end - BEGIN, c.watts) for c in closed] == [(900, 0), (1800, 0)]
    assert closed[1].is_sure


def test_another_meter_and_a_corrected_register_take_nothing_from_the_quarter() -> None:
    running = Running()
    told = list(samples(steady(1800), range(900), demand=False))
    follow(running, iter(told[:450]))
    follow(running, (s._replace(register=7 + (s.register or 0), meter="B") for s in told[450:600]))
    assert running.used == pytest.approx(1200, abs=12)
    follow(running, (s._replace(register=(s.register or 0), meter="B") for s in told[600:]))
    assert running.used == pytest.approx(1800, abs=16)


def test_a_demand_that_is_still_that_of_the_last_quarter_is_not_believed() -> None:
    running = Running()
    told = [
        s._replace(demand=3000.0) if s.time - BEGIN in (900, 901) else s
        for s in samples(steady(3000), range(910))
    ]
    follow(running, iter(told[:902]))
    assert running.used < 30
    follow(running, iter(told[902:]))
    assert running.used == pytest.approx(30, abs=5)


@pytest.mark.parametrize("back", [1, 30, 5000])
def test_a_clock_that_goes_back_breaks_nothing(back: int) -> None:
    running = Running()
    told = list(samples(steady(1000), range(1000)))
    follow(running, iter(told))
    closed = follow(
        running,
        (s._replace(time=s.time - back, told=s.told - back) for s in told[950:]),
    )
    assert closed == []
    assert 0 <= running.used < 1100
    assert running.forecast < 2100


# -- the alarm -------------------------------------------------------------------------------------


def alarms(power: Power, limit: float, seconds: range) -> list[tuple[int, int]]:
    """(second, level) of each change."""
    running, alarm = Running(), Alarm()
    found: list[tuple[int, int]] = []
    for sample in samples(power, range(seconds.stop)):
        follow(running, iter([sample]))
        second = int(sample.time - BEGIN)
        if second in seconds:
            level = alarm.judge(running, limit)
            if level != (found[-1][1] if found else 0):
                found.append((second, level))
    return found


def test_the_alarm_comes_in_time_and_ends_with_the_quarter() -> None:
    changes = alarms(lambda s: 7400 if 900 <= s < 1790 else 200, 4000, range(3600))
    assert [level for _, level in changes] == [1, 2, 0]
    assert 960 <= changes[0][0] < 900 + 240
    assert changes[1][0] == pytest.approx(900 + 900 * 4000 / 7400, abs=3)
    assert changes[2][0] == 1800


def test_a_kettle_gives_no_alarm() -> None:
    assert alarms(lambda s: 300 + 2100 * (s % 900 in range(200, 350)), 2500, range(3600)) == []


def test_nothing_is_said_in_the_first_minute() -> None:
    changes = alarms(steady(5000), 4500, range(1800))
    assert all(second % 900 >= 60 for second, level in changes if level)


def test_an_alarm_near_the_limit_does_not_flutter() -> None:
    changes = alarms(lambda s: 3000 + 900 * (s % 40 < 20), 3450, range(9000))
    each = Counter(second // 900 for second, _ in changes)
    assert max(each.values()) <= 3  # it ends with the quarter before, it will exceed, it has


def test_an_alarm_goes_when_the_load_is_off() -> None:
    changes = alarms(lambda s: 7400 if 900 <= s < 1200 else 200, 4000, range(1800))
    assert [level for _, level in changes] == [1, 0]


def test_what_may_still_be_taken_keeps_the_limit() -> None:
    assert allowed(1000, 2500, 450) == 3000
    assert allowed(2600, 2500, 450) == 0
    assert allowed(0, 2500, 900) == 2500 * 900


# -- months ----------------------------------------------------------------------------------------


def test_the_quarter_that_ends_at_midnight_is_of_the_month_before() -> None:
    midnight = datetime(2026, 4, 1, tzinfo=BRUSSELS).astimezone(UTC)
    start = peaks.month_start(midnight - peaks.QUARTER, BRUSSELS)
    assert peaks.month_name(start, BRUSSELS) == "2026-03"


def test_thirteen_months_before_this_one_over_clock_changes() -> None:
    starts = peaks.months_before(datetime(2026, 11, 15, tzinfo=UTC), BRUSSELS)
    names = [peaks.month_name(start, BRUSSELS) for start in starts]
    assert names[0] == "2026-10"
    assert names[-1] == "2025-10"
    assert len(names) == 13


def test_the_meters_own_peak_counts_and_the_computed_one_is_shown_when_they_differ() -> None:
    time = datetime(2026, 3, 2, 18, tzinfo=UTC)
    row = peaks.choose("2026-03", Peak(4000, time), Peak(4008, time))
    assert row is not None
    assert peaks.document(row)["computed"] is None
    row = peaks.choose("2026-03", Peak(4000, time), Peak(4200, time))
    assert row is not None
    said = {"month": "2026-03", "peak": 4000, "time": "2026-03-02T18:00:00Z"}
    assert peaks.document(row) == said | {"from": "meter", "computed": 4200}
    row = peaks.choose("2026-03", None, Peak(4200, time))
    assert row is not None
    assert (row.source, peaks.document(row)["computed"]) == ("computed", None)
    assert peaks.choose("2026-03", None, None) is None


@pytest.mark.parametrize(
    "junk",
    [
        "",
        "[",
        "7",
        "[7]",
        '[{"month":"2026-01","power":NaN}]',
        '{"a":1}',
        '[{"month":"2026-01","power":"x"}]',
        "[" * 100_000,
    ],
)
def test_a_history_that_is_none_is_left_out(junk: str) -> None:
    assert peaks.of_meter(junk) == {}


def test_a_history_with_an_impossible_time_keeps_its_power() -> None:
    rows = [{"month": "2026-01", "power": 3100, "time": None}, {"month": "2026-02", "power": 1}]
    assert peaks.of_meter(json.dumps(rows))["2026-01"] == Peak(3100, None)
    for time in ("soon", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", ""):
        told = json.dumps([{"month": "2026-01", "power": 2, "time": time}])
        assert peaks.of_meter(told)["2026-01"] == Peak(2, None)


def test_the_energy_of_a_silence_is_spread_over_it() -> None:
    begin = datetime(2026, 3, 2, 12, tzinfo=UTC)
    kwh = [(0.5, True), (0.1, True), (0.0, False), (0.0, False), (1.2, True), (0.5, True)]
    flows = [Flow(begin + n * peaks.QUARTER, *of) for n, of in enumerate(kwh)]
    watts = [round(watts) for _, watts in peaks.spread(flows)]
    assert watts == [2000, 400, 1600, 1600, 1600, 2000]
    assert peaks.spread(flows)[0][0] == begin + timedelta(minutes=15)
    minutes = [Flow(begin + n * timedelta(minutes=1), 0.01, True) for n in range(30)]
    assert [round(watts) for _, watts in peaks.spread(minutes)] == [600, 600]
    assert peaks.spread([]) == []

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from s0web.archive.periods import boundaries
from s0web.archive.query import History, Span
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading

BRUSSELS = ZoneInfo("Europe/Brussels")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 3, 27, tzinfo=BRUSSELS)


class House:
    """An archive on a clock of its own, told what is asked for."""

    def __init__(self, path: Path, start: datetime) -> None:
        self.clock = FakeClock(start.astimezone(UTC))
        self.archive = Archive(path, self.clock)
        self.archive.open()
        self.history = History(self.archive, BRUSSELS)

    def tell(self, meter: str = "", **values: float) -> None:
        self.archive.write([Reading("main", self.clock.now(), values, meter=meter)])

    def run(
        self, span: timedelta, kwh: float, watts: float, step: int = 300, meter: str = ""
    ) -> float:
        """Count on from so many kWh with a constant power; return what the register says then."""
        for _ in range(int(span.total_seconds()) // step):
            self.tell(meter, energy_import=round(kwh, 6), power=watts)
            self.clock.advance(step)
            kwh += watts * step / 3_600_000
        return kwh

    def days(self, start: datetime, days: int, period: str = "day") -> list[Span]:
        end = start + days * DAY
        return self.history.energy("main", "energy_import", period, start, end)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "archive.db", START)
    yield house
    house.archive.close()


def numbers(spans: list[Span]) -> list[float]:
    return [round(span.number, 6) for span in spans]


def test_a_day_of_23_or_25_hours_has_the_energy_of_so_many(tmp_path: Path) -> None:
    for month, day, hours in ((3, 27, 23), (10, 23, 25)):
        start = datetime(2026, month, day, tzinfo=BRUSSELS)
        house = House(tmp_path / f"{month}.db", start)
        house.run(timedelta(hours=96 + hours), 100.0, 1000.0, step=900)
        spans = house.days(start, 4)
        assert numbers(spans) == [24.0, 24.0, hours, 24.0]
        assert [span.gap for span in spans] == [0, 0, 0, 0]
        begin = datetime(2026, month, day + 2, tzinfo=BRUSSELS)
        assert spans[2].start == round(begin.timestamp() * 1000)
        assert spans[2].end - spans[2].start == hours * 3_600_000
        hourly = house.days(begin, 1, "hour")
        assert numbers(hourly) == [1.0] * hours
        assert len(house.days(begin, 1, "quarter")) == 4 * hours
        house.archive.close()


def test_no_energy_falls_between_periods(house: House) -> None:
    last = house.run(40 * DAY, 5.0, 777.0, step=1700) - 777.0 * 1700 / 3_600_000
    for period in ("hour", "day", "month", "year"):
        spans = house.days(START, 41, period)
        assert sum(span.number for span in spans) == pytest.approx(last - 5.0, abs=1e-5)
        assert all(a.end == b.start for a, b in pairwise(spans))


def test_differences_do_not_cross_a_change_of_meter(house: House) -> None:
    house.run(DAY / 2, 9_000.0, 1000.0)
    house.run(DAY / 2, 0.0, 1000.0)
    lost = 1000.0 * 300 / 3_600_000  # between the two meters: nobody counted it
    assert numbers(house.days(START, 1)) == [pytest.approx(24.0 - 2 * lost, abs=1e-5)]
    house.run(DAY, 12.0, 1000.0, meter="B")
    house.run(DAY, 70.0, 1000.0, meter="C")
    assert numbers(house.days(START + DAY, 1)) == [pytest.approx(24.0 - lost, abs=1e-5)]
    spans = house.days(START, 3)
    assert sum(numbers(spans)) == pytest.approx(3 * 23.0 + 2.0 - 4 * lost, abs=1.1)


def test_a_gap_is_shown_and_its_energy_kept(house: House) -> None:
    kwh = house.run(DAY / 2, 100.0, 1000.0)
    house.clock.advance(2 * 86_400)
    house.run(DAY / 2, kwh + 30.0, 1000.0)
    house.archive.flush()
    for _ in range(2):  # half in memory, then packed
        spans = house.days(START, 3)
        assert sum(span.number for span in spans) == pytest.approx(12 + 30 + 11 + 11 / 12, abs=1)
        assert numbers(spans)[1] == 0.0
        half = 43_200_000
        assert [round(span.gap / half, 1) for span in spans] == [1.0, 2.0, 1.0]
        house.clock.advance(7200)
        house.archive.flush()
    days = house.history.series("main", "power", START, START + 3 * DAY, "day")
    assert [point.number for point in days.points] == [1000.0, 1000.0]


def test_late_values_heal_a_gap(house: House) -> None:
    kwh = house.run(DAY / 4, 100.0, 1000.0)
    left = house.clock.now()
    house.clock.advance(6 * 3600)
    house.run(DAY / 4, kwh + 6.0, 1000.0)
    assert [round(span.gap / 3_600_000, 1) for span in house.days(START, 1)] == [6.1]
    house.archive.write(
        [
            Reading("main", left + n * timedelta(minutes=15), {"energy_import": kwh + n / 4})
            for n in range(24)
        ]
    )
    house.run(2 * HOUR, kwh + 12.0, 1000.0)
    spans = house.days(START, 1, "hour")
    assert [span.gap for span in spans] == [0] * 20
    assert numbers(spans)[:18] == [1.0] * 18


def test_silence_in_which_nothing_flowed_is_no_gap(house: House) -> None:
    house.tell(energy_import=5.0)
    house.clock.advance(8 * 3600)
    house.tell(energy_import=5.001)
    assert [(round(s.number, 3), s.gap) for s in house.days(START, 1)] == [(0.001, 0)]


def test_a_value_stamped_at_midnight_belongs_to_both_days(house: House) -> None:
    for number in range(4):
        house.tell(energy_import=10.0 * number, power=0.0)
        house.clock.advance(86_400 if number != 1 else 82_800 + 3_600)
    assert numbers(house.days(START, 2)) == [10.0, 10.0]


def test_periods_before_the_first_and_after_the_last_value_are_not_told(house: House) -> None:
    house.clock.advance(86_400)
    house.run(DAY / 2, 1.0, 100.0)
    spans = house.days(START, 6)
    assert [span.start for span in spans] == [round((START + DAY).timestamp() * 1000)]


def test_gauges_have_mean_low_and_high_at_every_resolution(house: House) -> None:
    for second in range(0, 3 * 3600, 5):
        house.tell(power=float(second % 60), energy_import=second / 3600)
        house.clock.advance(5)
    for step, count in (("10s", 1080), ("minute", 180), ("quarter", 12), ("hour", 3), ("day", 1)):
        series = house.history.series("main", "power", START, START + 3 * HOUR, step)
        assert (series.step, len(series.points)) == (step, count)
        if step == "10s":
            assert series.points[1][1:] == (12.5, 10.0, 15.0)
        else:
            assert {point[1:] for point in series.points} == {(27.5, 0.0, 55.0)}
        energy = house.history.series("main", "energy_import", START, START + 3 * HOUR, step)
        assert sum(p.number for p in energy.points) == pytest.approx(3 - 5 / 3600, abs=1e-5)
    raw = house.history.series("main", "energy_import", START, START + HOUR)
    assert (raw.step, len(raw.points), raw.points[-1].number) == ("raw", 720, 0.998611)


def test_a_range_with_too_many_points_is_told_at_the_next_step(house: House) -> None:
    house.run(3 * DAY, 0.0, 100.0, step=120)
    for step in ("raw", "10s", "minute"):
        series = house.history.series("main", "power", START, START + 3 * DAY, step)
        assert (series.step, len(series.points)) == ("quarter", 4 * 71)
    assert house.history.series("main", "power", START, START + 900 * DAY, "hour").step == "day"
    whole = house.history.series("main", "power", START, START + 3 * DAY, "raw", 5_000)
    assert (whole.step, len(whole.points)) == ("raw", 2_130)
    days = list(house.history.raw("main", "power", START, START + 3 * DAY))
    assert [len(day) for day in days] == [720, 720, 690]


def test_what_was_never_told_is_empty_and_nonsense_is_refused(house: House) -> None:
    house.run(HOUR, 0.0, 100.0)
    assert house.history.series("gird", "power", START, START + DAY, "hour").points == []
    assert house.history.energy("main", "energy_export", "day", START, START + DAY) == []
    assert house.history.series("main", "power", START, START).points == []
    for ask in ("fortnight", ""):
        with pytest.raises(ValueError, match="is no step: take one of raw, 10s"):
            house.history.series("main", "power", START, START + DAY, ask)
    with pytest.raises(ValueError, match="power is no register"):
        house.history.energy("main", "power", "day", START, START + DAY)
    with pytest.raises(ValueError, match="is no period: take one of quarter"):
        house.history.energy("main", "energy_import", "minute", START, START + DAY)
    with pytest.raises(ValueError, match="more than 2000 of period quarter: take a longer one"):
        house.days(START, 60, "quarter")


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "step", "expected"),
    [
        ("Asia/Kolkata", "hour", "2026-03-01T00:30+00:00"),
        ("Asia/Kathmandu", "hour", "2026-03-01T00:15+00:00"),
        ("Asia/Kathmandu", "day", "2026-02-28T18:15+00:00"),
        ("America/St_Johns", "month", "2026-02-01T00:00-03:30"),
        ("Australia/Lord_Howe", "year", "2026-01-01T00:00+11:00"),
    ],
)
def test_periods_begin_where_the_zone_says(zone: str, step: str, expected: str) -> None:
    start = ms("2026-03-01T01:00+00:00")
    first = boundaries(start, start + 1, step, ZoneInfo(zone), 9)[0]
    assert first == ms(expected)


def test_a_day_whose_midnight_is_skipped_begins_with_its_first_instant() -> None:
    zone = ZoneInfo("Asia/Beirut")  # on 2026-03-29 clocks go from 0:00 to 1:00
    found = boundaries(ms("2026-03-28T12:00+00:00"), ms("2026-03-30T12:00+00:00"), "day", zone, 9)
    assert [b - a for a, b in pairwise(found)] == [
        24 * 3_600_000,
        23 * 3_600_000,
        24 * 3_600_000,
    ]

"""Gauges of closed quarters, stamped at their ends, summed by local period."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from s0web.archive.periods import boundaries
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading

BRUSSELS = ZoneInfo("Europe/Brussels")
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
START = datetime(2026, 3, 27, tzinfo=BRUSSELS)  # two days before the change to summer time


class House:
    def __init__(self, path: Path) -> None:
        self.clock = FakeClock(START.astimezone(UTC))
        self.archive = Archive(path, self.clock)
        self.archive.open()
        self.history = History(self.archive, BRUSSELS)

    def book(self, number: int, euro: float) -> Reading:
        """The quarter with this number since START."""
        end = START.astimezone(UTC) + (number + 1) * QUARTER
        return Reading("costs.gas", end, {"cost": euro})

    def sums(self, period: str, days: int = 5) -> list[float]:
        rows = self.history.sums("costs.gas", "cost", period, START, START + days * DAY)
        return [round(row.number, 6) for row in rows]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "archive.db")
    yield house
    house.archive.close()


def test_a_quarter_belongs_to_the_period_in_which_it_began(house: House) -> None:
    house.archive.write([house.book(number, 1.0) for number in range(96 + 96 + 92 + 96)])
    for _ in range(2):  # in memory, then packed
        assert house.sums("day") == [96.0, 96.0, 92.0, 96.0]
        assert house.sums("hour", 1) == [4.0] * 24
        assert house.sums("month") == [380.0]
        assert house.sums("week") == [96.0 + 96.0 + 92.0, 96.0]  # Monday is the fourth day
        rows = house.history.sums("costs.gas", "cost", "day", START, START + 4 * DAY)
        assert [row.quarters for row in rows] == [96, 96, 92, 96]
        assert all(a.end == b.start for a, b in pairwise(rows))
        house.clock.advance(6 * 86_400)
        house.archive.flush()


def test_the_last_quarter_of_a_month_and_year_is_theirs(house: House) -> None:
    for end in (datetime(2026, 4, 1, tzinfo=BRUSSELS), datetime(2027, 1, 1, tzinfo=BRUSSELS)):
        house.archive.write([Reading("costs.gas", end, {"cost": 5.0})])
    rows = house.history.sums("costs.gas", "cost", "month", START, START + 400 * DAY)
    months = [datetime.fromtimestamp(row.start / 1000, BRUSSELS) for row in rows]
    assert [f"{month:%Y-%m}" for month in months] == ["2026-03", "2026-12"]
    rows = house.history.sums("costs.gas", "cost", "year", START, START + 400 * DAY)
    assert [row.number for row in rows] == [10.0]


def test_what_is_told_again_counts_once_and_as_told_last(house: House) -> None:
    house.archive.write([house.book(number, 1.0) for number in range(200)])
    house.clock.advance(6 * 86_400)
    house.archive.flush()
    house.archive.write([house.book(number, 2.0) for number in range(90, 100)])
    house.archive.write([house.book(95, 7.0)])
    for _ in range(2):  # packed with news in memory, then packed together
        assert house.sums("day", 3) == [90.0 + 5 * 2 + 7, 96 + 4, 8]
        house.clock.advance(2 * 3600)
        house.archive.flush()


def test_periods_without_a_quarter_are_left_out_and_nonsense_is_refused(house: House) -> None:
    assert house.sums("day") == []
    house.archive.write([house.book(0, 1.0), house.book(3 * 96, 2.0)])
    assert house.sums("day") == [1.0, 2.0]
    assert house.history.sums("costs.gas", "cost", "day", START, START) == []
    with pytest.raises(ValueError, match="is no period: take one of quarter, hour, day, week"):
        house.sums("fortnight")
    with pytest.raises(ValueError, match="more than 2000 of period quarter"):
        house.sums("quarter", 60)


def test_weeks_begin_on_monday_and_know_the_clock_change() -> None:
    start = round(datetime(2026, 3, 25, 12, tzinfo=BRUSSELS).timestamp() * 1000)
    found = boundaries(start, start + 8 * 86_400_000, "week", BRUSSELS, 9)
    days = [datetime.fromtimestamp(ms / 1000, BRUSSELS) for ms in found]
    assert [f"{day:%a %d %H:%M}" for day in days] == [
        "Mon 23 00:00",
        "Mon 30 00:00",
        "Mon 06 00:00",
    ]
    assert found[1] - found[0] == (7 * 24 - 1) * 3_600_000

"""The narrow schema over a database that is a few dicts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from s0web.errors import SinkError
from s0web.model import Reading
from s0web.sinks.narrow import QUARTER, Narrow, Quarter, Row, Series, ValueRefused

BRUSSELS = ZoneInfo("Europe/Brussels")
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


class Database:
    """contract: narrow.Tables; refuses values of `poison`, and everything while it is away."""

    def __init__(self) -> None:
        self.series: dict[Series, int] = {}
        self.readings: dict[tuple[int, int], float] = {}
        self.quarters: dict[tuple[int, int], tuple[date, float]] = {}
        self.poison: set[float] = set()
        self.is_away = False
        self.upserts = 0

    def ids(self, wanted: Sequence[Series]) -> Mapping[Series, int]:
        for series in wanted:
            self.series.setdefault(series, len(self.series) + 1)
        return {series: self.series[series] for series in wanted}

    def upsert(self, rows: Sequence[Row]) -> None:
        if self.is_away:
            raise SinkError("is away")
        self.upserts += 1
        assert len({row[:2] for row in rows}) == len(rows)
        if any(value in self.poison for _, _, value in rows):
            raise ValueRefused("out of range")
        self.readings |= {(series, ts): value for series, ts, value in rows}

    def roll(self, quarters: Sequence[Quarter]) -> None:
        for series, ts, day in quarters:
            told = [
                v for (s, t), v in self.readings.items() if s == series and 0 <= t - ts < QUARTER
            ]
            self.quarters[series, ts] = (day, sum(told))

    def unrolled(self) -> Sequence[tuple[int, int]]:
        newest = {
            series: max((t for s, t in self.quarters if s == series), default=0)
            for series, _ in self.readings
        }
        return sorted({(s, t // QUARTER * QUARTER) for s, t in self.readings if t >= newest[s]})


@pytest.fixture
def database() -> Database:
    return Database()


def told(seconds: float, power: float, device: str = "main") -> Reading:
    return Reading(device, NOON + timedelta(seconds=seconds), {"power": power})


def test_the_same_batch_again_changes_nothing(database: Database) -> None:
    narrow = Narrow(database, BRUSSELS)
    batch = [told(n * 100, float(n)) for n in range(30)]
    assert narrow.write(batch) == []
    before = dict(database.readings), dict(database.quarters)
    narrow.write(batch)
    assert (database.readings, database.quarters) == before
    assert len(database.readings) == 30


def test_a_value_told_twice_at_one_time_counts_as_told_last(database: Database) -> None:
    Narrow(database, BRUSSELS).write([told(0, 1.0), told(0, 2.0)])
    assert list(database.readings.values()) == [2.0]


def test_a_meter_is_a_series_of_its_own(database: Database) -> None:
    narrow = Narrow(database, BRUSSELS)
    narrow.write(
        [
            Reading("grid", NOON, {"energy_import": n}, {}, meter)
            for n, meter in ((9, "a"), (1, "b"))
        ]
    )
    assert sorted(database.series) == [
        ("grid", "energy_import", "a"),
        ("grid", "energy_import", "b"),
    ]


def test_a_value_that_is_refused_is_found_and_the_rest_is_kept(database: Database) -> None:
    database.poison = {7.0, 400.0}
    refused = Narrow(database, BRUSSELS).write([told(n, float(n)) for n in range(1_500)])
    assert [(r.reading.values, r.reason) for r in refused] == [
        ({"power": 7.0}, "out of range"),
        ({"power": 400.0}, "out of range"),
    ]
    assert len(database.readings) == 1_498
    assert database.upserts < 60


def test_a_quarter_is_made_once_it_is_over_with_the_local_day(database: Database) -> None:
    narrow = Narrow(database, BRUSSELS)
    night = datetime(2026, 7, 1, 21, 50, tzinfo=UTC)
    narrow.write([Reading("main", night, {"power": 5.0})])
    assert not database.quarters
    narrow.write([Reading("main", night + timedelta(minutes=15), {"power": 6.0})])
    narrow.write([Reading("main", night + timedelta(minutes=30), {"power": 7.0})])
    assert list(database.quarters.values()) == [(date(2026, 7, 1), 5.0), (date(2026, 7, 2), 6.0)]


def test_a_late_value_makes_its_quarter_again(database: Database) -> None:
    narrow = Narrow(database, BRUSSELS)
    narrow.write([told(0, 1.0), told(900, 1.0)])
    narrow.write([told(60, 4.0)])
    assert database.quarters[1, int(NOON.timestamp()) * 1000][1] == 5.0


def test_what_a_killed_station_left_half_done_is_done_by_the_next(database: Database) -> None:
    Narrow(database, BRUSSELS).write([told(0, 1.0), told(900, 2.0), told(1000, 3.0)])
    after = Narrow(database, BRUSSELS)
    after.begin()
    after.write([told(1900, 9.0)])
    assert [whole for _, whole in database.quarters.values()] == [1.0, 5.0]


def test_a_server_that_is_away_gets_the_same_batch_later(database: Database) -> None:
    narrow = Narrow(database, BRUSSELS)
    database.is_away = True
    with pytest.raises(SinkError):
        narrow.write([told(0, 1.0), told(900, 1.0)])
    database.is_away = False
    narrow.write([told(0, 1.0), told(900, 1.0)])
    assert len(database.readings) == 2
    assert len(database.quarters) == 1

"""What was told comes back as Readings; values of the past are added without harm."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web.archive.glance import glance
from s0web.archive.past import Looks, catalog, days
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading

NOW = datetime(2026, 3, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def archive(tmp_path: Path, clock: FakeClock) -> Iterator[Archive]:
    archive = Archive(tmp_path / "archive.db", clock)
    archive.open()
    yield archive
    archive.close()


def told(
    begin: datetime, hours: float, kwh: float, watts: float = 1000.0, meter: str = ""
) -> list[Reading]:
    """A reading every 5 minutes, the register counting on from so many kWh."""
    return [
        Reading(
            "main",
            begin + timedelta(minutes=5 * n),
            {"energy_import": round(kwh + n * watts / 12_000, 6), "power": watts},
            meter=meter,
        )
        for n in range(round(hours * 12))
    ]


def live(archive: Archive, clock: FakeClock, readings: list[Reading]) -> None:
    """Told at their time, and packed."""
    for reading in readings:
        clock.advance((reading.time - clock.now()).total_seconds())
        archive.write([reading])
    clock.advance(7200)
    archive.flush()


def energy(archive: Archive, start: datetime, days: int) -> list[float]:
    spans = History(archive, UTC).energy("main", "energy_import", "day", start, start + days * DAY)
    return [round(span.number, 3) for span in spans]


def segments(archive: Archive) -> list[str]:
    with archive.look("main", "energy_import", 0, 1) as (connection, _):
        return [
            row[0]
            for row in connection.execute(
                "SELECT segment FROM series WHERE quantity = 'energy_import' ORDER BY id"
            )
        ]


def all_told(archive: Looks) -> list[Reading]:
    return [
        r for _, readings in days(archive, NOW - 9999 * DAY, NOW + 9999 * DAY) for r in readings
    ]


def test_what_was_told_comes_back_day_by_day(archive: Archive, clock: FakeClock) -> None:
    readings = told(NOW, 50, 5.0, meter="A")
    readings += [Reading("grid.gas", NOW + DAY, {"volume": 7.5})]
    readings.sort(key=lambda reading: reading.time)
    live(archive, clock, readings)
    archive.write([last := Reading("main", clock.now(), {"power": 3.0})])  # in memory alone
    back = list(days(archive, NOW, NOW + 9 * DAY))
    assert [begin for begin, _ in back] == [NOW, NOW + DAY, NOW + 2 * DAY]
    found = [reading for _, day in back for reading in day]
    assert found == sorted([*readings, last], key=lambda one: (one.time, one.device))
    part = list(days(archive, NOW + HOUR, NOW + 2 * HOUR, ["main"]))
    assert [reading for _, day in part for reading in day] == readings[12:24]
    hourly = list(days(archive, NOW, NOW + 3 * HOUR, width=HOUR))
    assert [begin for begin, _ in hourly] == [NOW, NOW + HOUR, NOW + 2 * HOUR]


def test_the_catalog_tells_what_there_is_and_since_when(archive: Archive, clock: FakeClock) -> None:
    assert catalog(archive) == []
    live(archive, clock, told(NOW, 3, 5.0))
    rows = {known.quantity: known for known in catalog(archive)}
    assert rows["energy_import"].first == rows["power"].first == NOW
    assert rows["energy_import"].last == NOW + 3 * HOUR - timedelta(minutes=5)


def test_the_catalog_of_one_device_is_its_part_of_the_whole(
    archive: Archive, clock: FakeClock
) -> None:
    live(archive, clock, told(NOW, 3, 5.0))
    archive.write([Reading("main.gas", clock.now(), {"volume": 7.5})])  # in memory alone
    archive.write([Reading("main", clock.now(), {"voltage": 231.0})])
    whole = catalog(archive)
    for device, quantities in (
        ("main", ["energy_import", "power", "voltage"]),
        ("main.gas", ["volume"]),
        ("mai", []),
    ):
        part = catalog(archive, device)
        assert part == [known for known in whole if known.device == device]
        assert [known.quantity for known in part] == quantities


def test_of_thinned_hours_there_is_a_value_for_each_quarter(
    archive: Archive, clock: FakeClock
) -> None:
    archive.keep = 1.0
    live(archive, clock, told(NOW, 2, 5.0))
    clock.advance(3 * 86_400)
    live(archive, clock, told(clock.now(), 1, 100.0))
    readings = next(iter(days(archive, NOW, NOW + DAY)))[1]
    assert [r.values["energy_import"] for r in readings if "energy_import" in r.values] == [
        pytest.approx(5 + (2 + 3 * n) / 12) for n in range(8)
    ]
    powers = [r for r in readings if "power" in r.values]
    assert [r.values["power"] for r in powers] == [1000.0] * 8
    assert powers[0].time == NOW + timedelta(minutes=15) - timedelta(milliseconds=1)


def test_an_imported_past_and_the_present_are_one_curve(archive: Archive, clock: FakeClock) -> None:
    live(archive, clock, told(NOW, 24, 100.0))
    before, latest = archive.last, archive.latest()
    assert archive.add(told(NOW - 3 * DAY, 72, 28.0)) == 0
    assert energy(archive, NOW - 3 * DAY, 4) == [
        24.0,
        24.0,
        24.0,
        pytest.approx(24 - 1 / 12, abs=1e-3),
    ]
    assert segments(archive) == [""]
    assert (archive.last, archive.latest()) == (before, latest)
    assert archive.after(0).readings == []  # no sink is told
    assert all(
        s.gap == 0
        for s in History(archive, UTC).energy(
            "main", "energy_import", "day", NOW - 3 * DAY, NOW + DAY
        )
    )


def test_adding_twice_is_adding_once_in_any_pieces(archive: Archive, clock: FakeClock) -> None:
    past = told(NOW - 3 * DAY, 30, 9000.0) + told(NOW - DAY, 20, 0.2)  # another meter came
    archive.add(past)
    once = all_told(archive), segments(archive)
    assert once[0] == past
    archive.add(past)
    for begin in range(0, len(past), 7):
        archive.add(past[begin : begin + 7])
    assert (all_told(archive), segments(archive)) == once
    archive.close()
    archive.open()
    archive.add(past)
    assert (all_told(archive), segments(archive)) == once


def test_a_lower_past_is_no_change_of_the_meter_of_today(
    archive: Archive, clock: FakeClock
) -> None:
    live(archive, clock, told(NOW, 24, 5000.0))
    archive.add(told(NOW - 3 * DAY, 24, 8000.0) + told(NOW - 2 * DAY, 24, 4900.0))
    assert segments(archive) == ["", "#2"]  # the lower one leads to that of today
    archive.add(told(NOW + HOUR, 5, 10.0))  # falls inside: another one
    assert segments(archive) == ["", "#2", "#3"]
    inside = 5 - 1 / 12
    assert sum(energy(archive, NOW - 3 * DAY, 2)) == pytest.approx(24 - 1 / 12 + 24, abs=0.09)
    assert energy(archive, NOW, 1) == [pytest.approx(24 - 1 / 12 + inside, abs=1e-3)]
    clock.advance(3600)
    archive.write([Reading("main", clock.now(), {"energy_import": 5030.0})])
    clock.advance(7200)
    archive.flush()
    assert segments(archive) == ["", "#2", "#3"]  # the present one goes on
    assert sum(energy(archive, NOW, 2)) == pytest.approx(30.0 + inside, abs=1e-3)


def test_the_past_fits_what_is_not_packed_yet(archive: Archive, clock: FakeClock) -> None:
    archive.write([Reading("main", clock.now(), {"energy_import": 50.0})])
    archive.add(told(NOW - DAY, 23, 900.0) + told(NOW - HOUR, 1, 49.0))
    clock.advance(7200)
    archive.flush()
    assert sorted(segments(archive)) == ["", "#2"]
    assert sum(energy(archive, NOW - DAY, 2)) == pytest.approx(23 - 1 / 12 + 1, abs=1e-3)


def test_a_meter_that_is_imported_first_goes_on_or_is_replaced(
    archive: Archive, clock: FakeClock
) -> None:
    archive.add(told(NOW - DAY, 24, 100.0))
    assert archive.latest()["main"]["energy_import"].number == pytest.approx(123.917, abs=1e-3)
    archive.write([Reading("main", clock.now(), {"energy_import": 124.0})])
    clock.advance(3600)
    archive.write([Reading("main", clock.now(), {"energy_import": 3.0})])
    clock.advance(7200)
    archive.flush()
    assert segments(archive) == ["", "#2"]
    assert sum(energy(archive, NOW - DAY, 2)) == pytest.approx(24.0)


def test_a_slip_in_the_past_costs_nothing(archive: Archive) -> None:
    past = told(NOW - DAY, 24, 100.0)
    past[100] = Reading("main", past[100].time, {"energy_import": 0.0})
    archive.add(past)
    assert sum(energy(archive, NOW - DAY, 1)) == pytest.approx(24 - 1 / 12, abs=1e-3)


def test_beyond_the_time_of_full_resolution_only_quarters_stay(
    archive: Archive, clock: FakeClock
) -> None:
    archive.keep = 2.0
    past = told(NOW - 5 * DAY, 120, 10.0)
    days_before = energy
    assert archive.add(past[:720]) == 0
    assert archive.add(past[720:]) == 0
    assert sum(days_before(archive, NOW - 5 * DAY, 5)) == pytest.approx(120 - 1 / 12, abs=1e-3)
    count = len(all_told(archive))
    assert 48 * 12 < count < 48 * 12 + 72 * 8 + 24
    left_out = archive.add(past)
    assert left_out == pytest.approx(2 * 72 * 12, abs=2 * 24)  # told, and nothing is spoilt
    assert len(all_told(archive)) == count
    assert sum(days_before(archive, NOW - 5 * DAY, 5)) == pytest.approx(120 - 1 / 12, abs=1e-3)


def test_gaps_are_right_where_the_past_meets_the_present(
    archive: Archive, clock: FakeClock
) -> None:
    live(archive, clock, told(NOW, 2, 100.0))
    archive.add(told(NOW - DAY, 6, 10.0))
    archive.add(told(NOW - DAY + 12 * HOUR, 6, 40.0))
    spans = History(archive, UTC).energy("main", "energy_import", "day", NOW - DAY, NOW + DAY)
    gap = 3_600_000 * (6 + 1 / 12)
    assert [span.gap for span in spans] == [pytest.approx(2 * gap, abs=300_001), 0]
    archive.add(told(NOW - DAY + 6 * HOUR, 6, 16.0))
    archive.add(told(NOW - DAY + 18 * HOUR, 6, 46.0))
    spans = History(archive, UTC).energy("main", "energy_import", "day", NOW - DAY, NOW + DAY)
    assert [span.gap for span in spans] == [0, 0]
    assert sum(span.number for span in spans) == pytest.approx(100 + 2 - 1 / 12 - 10, abs=1e-3)


def test_in_whatever_order_the_past_comes_its_energy_is_the_same(tmp_path: Path) -> None:
    whole = told(NOW - 2 * DAY, 48, 1.0)
    for seed in range(5):
        pieces = [whole[begin : begin + 50] for begin in range(0, len(whole), 50)]
        random.Random(seed).shuffle(pieces)
        archive = Archive(tmp_path / f"{seed}.db", FakeClock(NOW))
        archive.open()
        for piece in pieces:
            archive.add(piece)
        assert segments(archive) == [""]
        assert all_told(archive) == whole
        assert sum(energy(archive, NOW - 2 * DAY, 2)) == pytest.approx(48 - 1 / 12, abs=1e-3)
        archive.close()


def test_one_may_look_while_the_station_runs(
    archive: Archive, clock: FakeClock, tmp_path: Path
) -> None:
    live(archive, clock, told(NOW, 3, 5.0))
    more = told(clock.now(), 1, 10.0)
    archive.write(more[:5])
    archive.flush()
    archive.write(more[5:])
    with glance(tmp_path / "archive.db") as view:
        assert all_told(view) == [*told(NOW, 3, 5.0), *more[:5]]
        clock.advance(7200)
        archive.flush()
        assert len(all_told(view)) == 41

"""The past of the simulated house, and the archive that is filled with it."""

import itertools
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web import config
from s0web.archive.past import catalog
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.config import Config
from s0web.filling import Filling
from s0web.meters.p1 import parse
from s0web.meters.telegram import readings
from s0web.model import Reading
from s0web.simulation.house import House
from s0web.simulation.slave import Slave
from s0web.simulation.telegram import telegram
from s0web.simulation.year import QUARTER, year
from s0web.station import Station
from tests.conftest import until

HOUSE = House()
INI = """\
[s0web]
simulate = yes
timezone = Europe/Brussels
simulated_days = {days}
[source:grid]
type = p1
port = simulated
[source:solar]
type = modbus
port = simulated-bus
model = sdm120
unit = 2
[source:main]
type = s0
pin = 4
[source:garden]
type = s0
pin = 17
measures = water
[house]
grid = grid
"""
CONTRACT = "[contract:home]\ntype = electricity\nimport_rate = 0.3\n"
END = datetime(2026, 3, 2, 12, tzinfo=UTC)


def settings(folder: Path, days: int = 30, more: str = "") -> Config:
    path = folder / "s0web.ini"
    path.write_text(INI.format(days=days) + more)
    return config.load(path)


@pytest.fixture
def month(tmp_path: Path) -> list[Reading]:
    sources = settings(tmp_path).sources
    began = time.perf_counter()
    told = list(year(HOUSE, sources, END - timedelta(days=30), END, "peak"))
    print(f"a month of {len(told)} readings in {time.perf_counter() - began:.2f} s")
    return told


def column(told: Sequence[Reading], device: str, quantity: str) -> list[float]:
    return [r.values[quantity] for r in told if r.device == device and quantity in r.values]


def test_every_register_only_grows(month: list[Reading]) -> None:
    for device, quantity in (
        ("grid", "energy_import_high"),
        ("grid", "energy_export_low"),
        ("grid", "energy_import"),
        ("grid.gas", "volume"),
        ("grid.water", "volume"),
        ("solar", "energy_export"),
        ("main", "energy_import"),
        ("garden", "volume"),
    ):
        numbers = column(month, device, quantity)
        assert len(numbers) == 30 * 96, device
        assert numbers == sorted(numbers)
        assert numbers[-1] > numbers[0]


def test_the_past_is_what_the_meter_would_have_said(month: list[Reading]) -> None:
    for told in [one for one in month if one.device == "grid"][::97]:
        live = readings(parse(telegram(HOUSE, told.time)), "grid", told.time)
        by_device = {one.device: one for one in reversed(live)}
        main, gas = by_device["grid"], by_device["grid.gas"]
        assert told.meter == main.meter
        registers = {q: v for q, v in told.values.items() if q.startswith("energy")}
        assert registers == {quantity: main.values[quantity] for quantity in registers}
        past = next(r for r in month if (r.device, r.time) == ("grid.gas", told.time))
        assert (past.meter, past.values["volume"]) == (gas.meter, gas.values["volume"])


def test_the_register_of_a_modbus_meter_goes_on_with_the_live_one(
    tmp_path: Path, month: list[Reading]
) -> None:
    """Four bytes of a register are coarse: the past stays below."""
    truth = HOUSE.at(END)
    slave = Slave({2: "sdm120"}, lambda: truth)
    from s0web.meters.eastron import SDM120

    register = next(r for r in SDM120.registers if r.quantity == "energy_export")
    raw = slave.registers(2, SDM120.function, register.address, register.words)
    last = column(month, "solar", "energy_export")[-1]
    assert 0 <= register.decode(raw) - last < 5  # kWh, of the quarter between


def test_power_and_demand_are_means_of_their_quarters(month: list[Reading]) -> None:
    grid = [one for one in month if one.device == "grid"]
    for one, following in itertools.pairwise(grid):
        net = [r.values["energy_import"] - r.values["energy_export"] for r in (one, following)]
        assert abs((net[1] - net[0]) * 4000 - one.values["power"]) < 17  # of thousandths cut off
    demands = {r.time: r.values["demand_quarter"] for r in month if r.device == "peak"}
    for peak in (r for r in grid if r.values.get("peak")):
        assert abs(demands[peak.time] - peak.values["peak"]) <= 1


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    made = Archive(tmp_path / "archive.db", FakeClock(END))
    made.open()
    return made


def first(archive: Archive, device: str) -> datetime:
    return min(known.first for known in catalog(archive, device))


def fill(archive: Archive, settings: Config) -> None:
    filling = Filling(archive, settings, FakeClock(END))
    until(lambda: filling.is_over, "the past", 30)


def test_the_archive_is_filled_with_what_the_house_did(tmp_path: Path, archive: Archive) -> None:
    fill(archive, settings(tmp_path, days=10))
    begin = END - timedelta(days=10)
    assert first(archive, "grid") == first(archive, "main") == begin
    (span,) = History(archive, UTC).energy("grid", "energy_import", "year", begin, END)
    houses = [HOUSE.at(t) for t in (begin, END - QUARTER)]
    low, high = (h.energy_import_high + h.energy_import_low for h in houses)
    assert span.number == pytest.approx(high - low, abs=0.003)
    assert span.gap == 0
    archive.close()


def test_the_running_quarter_begins_where_the_past_ends(tmp_path: Path, archive: Archive) -> None:
    """So what flowed until the first telegram is divided between the quarters as it flowed."""
    evening = END + timedelta(hours=8)
    now = evening + timedelta(minutes=24)
    archive.add(readings(parse(telegram(HOUSE, now)), "grid", now))
    fill(archive, settings(tmp_path, days=1))
    told = History(archive, UTC).energy("grid", "energy_import", "quarter", evening, now)
    truths = [HOUSE.at(t) for t in (evening, evening + QUARTER, now)]
    sums = [truth.energy_import_high + truth.energy_import_low for truth in truths]
    flowed = [end - begin for begin, end in itertools.pairwise(sums)]
    assert [span.number for span in told] == pytest.approx(flowed, abs=0.003)
    archive.close()


def test_what_is_there_is_not_filled_again(tmp_path: Path, archive: Archive) -> None:
    fill(archive, settings(tmp_path, days=2))
    before = archive.path.stat().st_mtime_ns
    assert Filling(archive, settings(tmp_path, days=2), FakeClock(END)).is_over
    assert archive.path.stat().st_mtime_ns == before
    archive.close()


def test_what_was_interrupted_goes_on_at_the_next_start(tmp_path: Path, archive: Archive) -> None:
    filling = Filling(archive, settings(tmp_path, days=40), FakeClock(END))
    until(lambda: "%" in archive.note, "a first slice")
    archive.close()
    until(lambda: filling.is_over, "its end")
    archive.open()
    began = first(archive, "grid")
    assert END - timedelta(days=40) <= began < END
    fill(archive, settings(tmp_path, days=5))
    assert first(archive, "grid") == min(began, END - timedelta(days=5))
    fill(archive, settings(tmp_path, days=40))
    assert first(archive, "grid") == END - timedelta(days=40)
    assert archive.note == ""
    archive.close()


def test_a_running_station_goes_on_with_its_past_and_books_what_it_cost(tmp_path: Path) -> None:
    path = settings(tmp_path, 2, CONTRACT).path
    station = Station(path)
    station.start()
    until(lambda: station.history and booked(station.history), "the past is booked", 40)
    history, now = station.history, datetime.now(UTC)
    assert history is not None
    known = [k for k in history.catalog("grid") if k.quantity == "energy_import"]
    begin = known[0].first
    assert timedelta(days=2) <= now - begin < timedelta(days=2, minutes=30)
    until(lambda: live(history, now), "a telegram")
    flowed = sum(s.number for s in history.energy("grid", "energy_import", "year", begin, now))
    least, most = (imported(time) - imported(begin) for time in (now, datetime.now(UTC)))
    assert least - 0.01 < flowed < most + 0.01  # no gap, no other segment
    (cost,) = (k for k in history.catalog("costs.electricity") if k.quantity == "cost")
    closed = "quarter", begin, cost.last
    flowed = sum(s.number for s in history.energy("grid", "energy_import", *closed))
    paid = sum(one.number for one in history.sums("costs.electricity", "cost", *closed))
    assert paid == pytest.approx(0.3 * flowed, abs=0.001)
    station.stop()


def imported(time: datetime) -> float:
    truth = HOUSE.at(time)
    return truth.energy_import_high + truth.energy_import_low


def booked(history: History) -> bool:
    """Up to the last quarters."""
    costs = [k for k in history.catalog("costs.electricity") if k.quantity == "cost"]
    return bool(costs) and costs[0].last > datetime.now(UTC) - timedelta(minutes=45)


def live(history: History, since: datetime) -> bool:
    return any(k.last >= since for k in history.catalog("grid"))


def test_a_station_on_a_warped_clock_has_no_thread_that_fills(tmp_path: Path) -> None:
    station = Station(settings(tmp_path, 30).path, FakeClock(END), threads=False)
    station.run(END + timedelta(minutes=2))
    assert station.history is not None
    known = [k for k in station.history.catalog("grid") if k.quantity == "energy_import"]
    assert known[0].first >= END
    station.stop()

"""The file of usage and cost after each day, from a real archive."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from s0web import assembly, config
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.energy import daily
from s0web.energy.price_book import PriceBook
from s0web.errors import ConfigError
from s0web.hub import Hub
from s0web.imports import Choices, digital_meter
from s0web.inside import Inside
from s0web.model import Health, Reading
from s0web.station import Station
from s0web.workers import SourceLoop

BRUSSELS = ZoneInfo("Europe/Brussels")
HOUR, DAY, QUARTER = timedelta(hours=1), timedelta(days=1), timedelta(minutes=15)
START = datetime(2026, 3, 1, tzinfo=BRUSSELS)  # a Sunday
INI = """\
[s0web]
timezone = Europe/Brussels
[house]
grid = grid
[source:grid]
type = p1
port = x
[contract:home]
type = electricity
tariff = day_night
import_rate = 0.32
import_rate_low = 0.22
export_rate = 0.05
export_rate_low = 0.05
fixed_day = 0.96
[contract:gas]
type = gas
rate = 1.20
"""


class House:
    """An archive on a clock of its own, a hub, and the sources of costs and days between them."""

    def __init__(self, folder: Path, start: datetime = START, more: str = "") -> None:
        self.clock = FakeClock(start.astimezone(UTC))
        self.archive = Archive(folder / "archive.db", self.clock)
        self.archive.open()
        self.history: History | None = History(self.archive, BRUSSELS)
        self.hub, self.cursor = Hub(self.clock), 0
        self.folder, self.state, self.log = folder / "days", folder, folder / "s0web.log"
        self.begin(more)

    def begin(self, more: str = "") -> None:
        """The sources anew, as after a start."""
        daily = f"[daily]\nfolder = {self.folder}\n"
        parsed = config.parse(Path("s0web.ini"), INI + daily + more)
        inside = Inside(
            self.state,
            BRUSSELS,
            cast("Any", None),
            PriceBook(),
            self.hub,
            lambda: self.history,
            lambda _: True,
        )
        groups = assembly.grouped(parsed)
        self.costs, self.daily = (
            SourceLoop(
                assembly.make_source(groups[f"derived {name}"], inside, self.clock, lambda _: {}),
                self.hub,
                self.clock,
            )
            for name in ("costs", "daily")
        )
        self.daily.step()

    def tell(self, device: str = "grid", **values: float) -> None:
        self.hub.publish([Reading(device, self.clock.now(), values)])
        self.keep()

    def keep(self) -> None:
        """Let the archive follow the log."""
        while (batch := self.hub.after(self.cursor)).readings:
            self.archive.write(batch.readings)
            self.cursor = batch.last

    def run(self, span: timedelta) -> None:
        """2 kWh an hour by day and 1 by night, a third of that out; 0.1 m3 of gas an hour."""
        for _ in range(span // QUARTER):
            self.tell_registers()
            self.clock.advance(900)
        self.tell_registers()

    def tell_registers(self) -> None:
        hours = round((self.clock.now() - START) / HOUR, 2)
        days, rest = divmod(hours, 24)
        low = 8 * days + min(rest, 8)
        high = 32 * days + 2 * max(0.0, rest - 8)
        self.tell(
            energy_import_high=high,
            energy_import_low=low,
            energy_export_high=high / 2,
            energy_export_low=low / 2,
        )
        self.tell("grid.gas", volume=round(50 + 0.1 * hours, 6))

    def book(self) -> None:
        """Let the costs catch up."""
        before = -1
        while before < self.hub.last:
            before = self.hub.last
            self.costs.step()
            self.keep()

    def write(self) -> None:
        """Let the days catch up."""
        while self.daily.step() < 1:
            self.keep()
        self.keep()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.is_dir() else []

    def said(self, day: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{day}_data.json").read_text())
        return found

    def health(self) -> Health:
        return self.hub.snapshot().health["daily"]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.archive.close()


def test_the_file_of_a_day_has_what_was_used_and_what_it_cost(house: House) -> None:
    house.run(3 * DAY + HOUR)  # Sunday to Tuesday
    house.book()
    house.write()
    said = house.said("03-03")
    usage = {name: dict(zip(daily.ROWS, row, strict=False)) for name, row in said["usage"].items()}
    today = {
        "+Day": 32.0, "-Day": 16.0, "+Night": 8.0, "-Night": 4.0, "Σ kWh": 20.0,
        "+€ Day": 10.24, "-€ Day": 0.8, "+€ Night": 1.76, "-€ Night": 0.2, "Σ € kWh": 11.96,
        "m3 Gas": 2.4, "Σ € Gas": 2.88, "m3 Water": 0.0, "Σ € Water": 0.0,
    }  # fmt: skip
    for name, times in (("Today", 1), ("Day-1", 1), ("Day-2", 1), ("Day-3", 0)):
        assert usage[name] == pytest.approx({k: v * times for k, v in today.items()}, abs=0.001)
    for name, days in (("Week", 2), ("Month", 3), ("Year", 3)):
        assert usage[name] == pytest.approx({k: v * days for k, v in today.items()}, abs=0.001)
    assert said["usage"]["Σ € Utilities"] == [*("0.00", "14.84", "14.84", "14.84"),
                                             *("29.68", "44.52", "44.52")]  # fmt: skip
    assert said["cumul"] == pytest.approx(
        [95.5, 47.75, 24.0, 12.0, 59.75, 30.72, 2.4, 5.28, 0.6, 35.88, 57.175, 8.64, 0.0, 0.0],
        abs=0.001,
    )  # as the registers stood with the last word of the day
    assert said["cur_time"] == "2026-03-03 23:45:00"
    assert said["start_time"] == "2026-03-01 00:00:00"
    assert said["day_peak"]["Today"] == [2.0, "2026-03-03 08:00:00"]
    assert said["day_peak"]["Day-3"] == [0.0, ""]
    assert (said["prev_quarter_peak"], said["quarter_peak"]) == (2.0, 2.0)
    assert house.names() == ["03-01_data.json", "03-02_data.json", "03-03_data.json"]
    assert house.health().state == "ok"


def test_what_is_written_can_be_read_back(house: House) -> None:
    house.run(DAY + HOUR)
    house.book()
    house.write()
    parse = digital_meter.parser(Choices(BRUSSELS, lambda name: name, lambda *_: 0.0))
    grid, gas = parse((house.folder / "03-01_data.json").read_text().splitlines(keepends=True))
    assert (grid.device, grid.time) == ("grid", datetime(2026, 3, 1, 22, 45, tzinfo=UTC))
    assert grid.values == {
        "energy_import_high": 31.5,
        "energy_import_low": 8.0,
        "energy_export_high": 15.75,
        "energy_export_low": 4.0,
    }
    assert (gas.device, gas.values) == ("grid.gas", {"volume": pytest.approx(52.375)})


def test_a_meter_without_tariffs_counts_as_day(house: House) -> None:
    for number in range(101):
        house.tell(energy_import=100 + number / 4)
        house.clock.advance(900)
    house.book()
    house.write()
    said = house.said("03-01")
    assert said["usage"]["Today"][:5] == [24.0, 0.0, 0.0, 0.0, 24.0]
    assert said["meters"]["Electricity"] == {"+": 123.75, "unit": "kWh"}
    assert said["day_peak"]["Today"] == [1.0, "2026-03-01 00:00:00"]


def test_a_day_is_written_once_its_last_quarter_is_booked(house: House) -> None:
    house.run(DAY)
    house.write()
    house.clock.advance(600)
    house.write()
    assert house.names() == []  # nothing is booked yet
    house.run(QUARTER)
    house.book()
    house.clock.advance(60)
    house.write()
    assert house.names() == ["03-01_data.json"]
    house.run(DAY)
    house.clock.advance(1200)  # half an hour after midnight, whatever the costs are
    house.write()
    assert house.names() == ["03-01_data.json", "03-02_data.json"]
    assert house.said("03-02")["usage"]["Today"][9] < 0.1


def test_after_a_start_only_days_that_were_missed_are_written(house: House) -> None:
    house.run(4 * DAY + HOUR)
    house.book()
    house.write()
    one, other = (house.folder / f"03-0{day}_data.json" for day in (1, 2))
    one.unlink()
    other.write_text('{"cur_time": "2025-03-02 23:59:59"}')  # of the year before
    mine = house.folder / "03-03_data.json"
    mine.write_text('{"cur_time": "2026-03-04 23:59:59"}')  # digital_meter's own, of this year
    (house.folder / "03-04_data.json").write_text("junk [")
    house.begin()
    house.write()
    assert [house.said(f"03-0{day}")["cur_time"][:10] for day in (1, 2, 4)] == [
        *("2026-03-01", "2026-03-02", "2026-03-04")
    ]
    assert "usage" not in json.loads(mine.read_text())
    assert not list(house.folder.glob("*.new"))


def test_one_year_is_kept(house: House) -> None:
    begin = house.clock.now() - 500 * DAY
    house.archive.write(
        [Reading("grid", begin + n * DAY, {"energy_import_low": n * 3.0}) for n in range(501)]
    )
    house.clock.advance(600)
    house.write()
    assert house.names() == []  # the costs of the past are booked first
    house.clock.advance(3600)
    house.write()
    assert len(house.names()) == 365
    assert house.said("03-01")["cur_time"][:4] == "2025"
    assert house.said("02-28")["usage"]["Year"][2] == 59 * 3.0
    assert house.said("02-28")["usage"]["Month"][2] == 28 * 3.0
    house.run(DAY + HOUR)
    house.write()
    assert len(house.names()) == 365
    assert house.said("03-01")["cur_time"][:4] == "2026"


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 29, 23), (10, 25, 25)])
def test_the_day_of_a_clock_change_is_whole(
    tmp_path: Path, month: int, day: int, hours: int
) -> None:
    start = datetime(2026, month, day, tzinfo=BRUSSELS)
    house = House(tmp_path, start)
    for number in range(hours * 4 + 3):
        house.tell(energy_import=100 + number / 4)
        house.clock.advance(900)
    house.book()
    house.write()
    said = house.said(f"{month:02}-{day:02}")
    assert said["usage"]["Today"][0] == hours
    assert said["usage"]["Today"][9] == pytest.approx(hours * 0.32 + 0.96, abs=hours * 0.11)
    house.archive.close()


def test_a_folder_that_cannot_be_written_is_a_sentence_until_it_can(house: House) -> None:
    house.folder.write_text("a file is in its place")
    house.run(HOUR)
    house.write()  # told at once, not at the day's end
    assert house.health().state == "failed"
    assert house.health().text == f"{house.folder} cannot be written (File exists)"
    assert "[daily] folder" in house.health().remedy
    house.folder.unlink()
    house.write()
    assert house.health().state == "ok"
    (house.folder / "03-01_data.json").mkdir()
    house.run(DAY)
    house.book()
    house.write()
    assert house.health().text == f"{house.folder} cannot be written (Is a directory)"
    (house.folder / "03-01_data.json").rmdir()
    house.write()
    assert house.health().state == "ok"
    assert house.names() == ["03-01_data.json"]


def test_a_clock_that_was_ahead_leaves_no_day_out(house: House) -> None:
    house.run(HOUR)
    house.write()
    house.clock.step_wall(30 * 86_400)
    house.write()
    house.clock.step_wall(-30 * 86_400)
    house.run(2 * DAY)
    house.book()
    house.write()
    assert [house.said(day)["usage"]["Today"][4] for day in ("03-01", "03-02")] == [20.0, 20.0]


def test_the_log_of_the_day_is_beside_it(house: House) -> None:
    house.begin(f"log = yes\n[log]\ntarget = file\nfile = {house.log}\n")
    house.log.with_name("s0web.log.1").write_text(
        "2026-02-28 23:59:59 INFO before\n2026-03-01 00:00:00 INFO first\n"
    )
    house.log.write_text(
        "2026-03-01 12:00:00 ERROR bad\nTraceback\n\ufffd\n2026-03-02 00:00:00 INFO after\nmore\n"
    )
    house.run(DAY + HOUR)
    house.book()
    house.write()
    assert house.names() == ["03-01_data.json", "03-01_log_info.log"]
    assert (house.folder / "03-01_log_info.log").read_text() == (
        "2026-03-01 00:00:00 INFO first\n2026-03-01 12:00:00 ERROR bad\nTraceback\n\ufffd\n"
    )


def test_without_archive_it_says_so_and_goes_on_later(house: House) -> None:
    history, house.history = house.history, None
    house.daily.step()
    assert "the archive is not open yet" in house.health().text
    house.history = history
    house.run(DAY + HOUR)
    house.book()
    house.write()
    assert house.names() == ["03-01_data.json"]


def test_what_the_files_are_made_of_must_be_there() -> None:
    for text, sentence in (
        ("[daily]\nfolder = /x\n", "needs the grid meter"),
        ("[daily]\nlog = yes\n", "needs a log file"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            config.parse(Path("s0web.ini"), text)
    assert "derived daily" not in assembly.grouped(config.parse(Path("s0web.ini"), INI))


def test_columns_end_with_the_day() -> None:
    told = daily.columns(date(2026, 1, 2))
    assert list(told) == ["Day-3", "Day-2", "Day-1", "Today", "Week", "Month", "Year"]
    assert told["Day-3"] == (date(2025, 12, 30), date(2025, 12, 30))
    assert told["Week"] == (date(2025, 12, 29), date(2026, 1, 2))
    assert told["Year"] == (date(2026, 1, 1), date(2026, 1, 2))


def test_a_station_writes_the_day_of_its_house(ini: Path, tmp_path: Path) -> None:
    """The whole house in warped time, over midnight."""
    folder = tmp_path / "days"
    text = INI.replace("port = x", "port = simulated").replace("[s0web]", "[s0web]\nsimulate = yes")
    ini.write_text(f"{text}[daily]\nfolder = {folder}\n")
    start = datetime(2026, 3, 28, 21, 30, tzinfo=UTC)
    station = Station(ini, FakeClock(start), threads=False)
    station.run(start + 2 * HOUR)
    (file,) = folder.iterdir()
    said = json.loads(file.read_text())
    assert file.name == "03-28_data.json"
    assert said["cur_time"][:16] == "2026-03-28 23:59"
    assert said["usage"]["Today"][4] != 0
    assert said["usage"]["Today"][9] > 0
    assert said["day_peak"]["Today"][0] > 0
    assert os.listdir(folder) == [file.name]
    station.stop()

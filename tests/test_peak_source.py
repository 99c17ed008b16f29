"""The peak as a Source, on a real archive: quarters, months, restarts, silence."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from s0web.archive.query import History, Series
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.derived.peak import PeakSource
from s0web.energy.experience import DAYS
from s0web.energy.price_book import PriceBook
from s0web.errors import SinkError
from s0web.hub import Hub
from s0web.inside import Inside
from s0web.model import Command, Health, Reading
from s0web.simulation.house import House as Simulated
from s0web.simulation.wires import SimulatedWires
from s0web.station import Station
from s0web.workers import SourceLoop

BRUSSELS = ZoneInfo("Europe/Brussels")
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPTIONS = {"enabled": True, "floor": 2.5, "area": "", "capacity_rate": 0.0, "limit": 0.0}


class House:
    """A grid meter that tells its register, an archive, and the source that follows it."""

    def __init__(self, folder: Path, start: datetime = START, pace: int = 10) -> None:
        self.clock = FakeClock(start)
        self.archive = Archive(folder / "archive.db", self.clock)
        self.archive.open()
        self.folder, self.pace, self.kwh = folder, pace, 100.0
        self.history: History | None = History(self.archive, BRUSSELS)
        self.health, self.extra, self.meter = "ok", dict[str, float](), "A"
        self.labels: dict[str, str] = {}
        self.behind = 0.0  # s: the meter's clock
        self.begin_station()

    def begin_station(self, limit: float = 0.0) -> None:
        """A new process: only the archive knows what was."""
        self.hub = Hub(self.clock)
        self.hub.recall(self.archive.latest(), {})
        self.cursor, self.told = 0, list[Reading]()
        wires = SimulatedWires(Simulated(), self.clock, live=False)
        inside = Inside(
            self.folder,
            BRUSSELS,
            wires,
            PriceBook(),
            self.hub,
            lambda: self.history,
            lambda command: False,
        )
        options = OPTIONS | {"limit": limit, "house": {"grid": "grid"}, "zone": "Europe/Brussels"}
        self.source = PeakSource({"peak": options}, inside, self.clock, lambda device: {})
        self.loop = SourceLoop(self.source, self.hub, self.clock)

    def run(self, seconds: float, watts: float | Callable[[datetime], float]) -> None:
        for _ in range(round(seconds / self.pace)):
            power = watts(self.clock.now()) if callable(watts) else watts
            self.clock.advance(self.pace)
            self.kwh += max(power, 0.0) * self.pace / 3.6e6
            self.tell(power)
            self.loop.step()
            self.keep()

    def tell(self, power: float) -> None:
        time = self.clock.now() - timedelta(seconds=self.behind)
        values = {"power": power, "energy_import": round(self.kwh, 3), **self.extra}
        if self.behind:
            values["lag"] = self.behind
        self.hub.report("grid", Health(self.health, START))
        if self.health == "ok":
            self.hub.publish([Reading("grid", time, values, self.labels, self.meter)])

    def keep(self) -> None:
        batch = self.hub.after(self.cursor)
        self.cursor = batch.last
        self.archive.write(batch.readings)
        self.told += [reading for reading in batch.readings if reading.device == "peak"]

    @property
    def quarters(self) -> list[tuple[str, float]]:
        """(UTC, W) in the order in which they were told."""
        return [
            (f"{r.time:%H:%M}", r.values["demand_quarter"])
            for r in self.told
            if "demand_quarter" in r.values
        ]

    def number(self, quantity: str) -> float | None:
        return self.hub.snapshot().number("peak", quantity)

    def label(self, name: str) -> str:
        return self.hub.snapshot().labels["peak"][name]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.archive.close()


def test_a_meter_that_tells_registers_alone_has_quarters_a_forecast_and_a_peak(
    house: House,
) -> None:
    house.run(2700, 1000)
    house.run(900, 3000)
    house.run(600, 1000)
    names = ["12:30", "12:45", "13:00"]  # the first was not heard from its begin
    assert house.quarters == list(
        zip(names, [pytest.approx(w, abs=8) for w in (1000, 1000, 3000)], strict=True)
    )
    assert house.number("demand") == pytest.approx(667, abs=12)
    assert house.number("demand_forecast") == pytest.approx(1000, abs=30)
    assert house.number("peak") == pytest.approx(3000, abs=8)
    assert house.number("peak_gap") == pytest.approx(2000, abs=30)
    assert (house.label("month"), house.label("from")) == ("2026-03", "computed")
    assert house.label("time") == "2026-03-02T13:00:00Z"


def test_what_did_not_change_is_not_told_and_the_rest_every_5_s_at_most(house: House) -> None:
    house.pace = 1
    house.run(300, 2000)
    times = [r.time for r in house.told if "demand" in r.values]
    assert all(b - a >= timedelta(seconds=5) for a, b in pairwise(times))
    assert len([r for r in house.told if "peak" in r.values]) == 1


def test_an_alarm_is_told_at_once(house: House) -> None:
    house.pace = 1
    house.run(900, 300)
    house.run(700, 9000)
    alarms = [(r.time, r.values["peak_alarm"]) for r in house.told if "peak_alarm" in r.values]
    assert [level for _, level in alarms] == [0, 1, 2]
    exceeded = START + timedelta(seconds=900 + 250)  # 2.5 kW for 15 minutes, at 9 kW
    assert alarms[2][0] - exceeded < timedelta(seconds=3)


def test_a_limit_of_ones_own_goes_before_the_peak(house: House) -> None:
    house.begin_station(limit=5.0)
    house.run(300, 1000)
    assert house.number("peak_gap") == pytest.approx(4000, abs=20)


def test_a_quarter_goes_on_across_a_restart(house: House) -> None:
    house.run(1800 + 300, 3000)
    house.clock.advance(60)  # nothing runs, and nothing is used
    house.begin_station()
    house.run(120, 600)
    assert house.number("demand") == pytest.approx((3000 * 300 + 600 * 120) / 900, abs=12)
    house.run(600, 600)
    assert house.quarters == [("12:45", pytest.approx((3000 * 300 + 600 * 540) / 900, abs=12))]
    assert house.number("peak") == pytest.approx(3000, abs=8)


def test_quarters_of_an_outage_are_told_once_with_its_energy_spread(house: House) -> None:
    house.run(1830, 1000)
    house.clock.advance(4 * 900)
    house.kwh += 2.0  # in one hour
    house.begin_station()
    house.run(960, 1000)
    assert [name for name, _ in house.quarters] == ["12:45", "13:00", "13:15", "13:30", "13:45"]
    assert [w for _, w in house.quarters[:4]] == [pytest.approx(2000, abs=110)] * 4
    assert house.quarters[4][1] == pytest.approx(1033, abs=60)
    house.begin_station()
    house.run(60, 1000)
    assert house.quarters == []


def test_a_past_that_was_never_followed_is_caught_up(tmp_path: Path) -> None:
    house = House(tmp_path, datetime(2026, 2, 27, 22, tzinfo=UTC), pace=300)
    step = house.loop.step
    house.loop.step = lambda: 0.0  # type: ignore[method-assign]
    house.run(3600, 4000)  # until midnight of 28 February
    house.run(86_400, 1000)
    house.run(3600, 2000)
    house.loop.step = step  # type: ignore[method-assign]
    house.begin_station()
    house.pace = 10
    house.run(300, 500)
    assert len(house.quarters) == 26 * 4 - 1
    months = json.loads(house.label("months"))
    assert [(row["month"], row["from"]) for row in months] == [("2026-02", "computed")]
    assert months[0]["peak"] == pytest.approx(4000, abs=10)
    assert house.number("peak") == pytest.approx(2000, abs=10)
    house.archive.close()


def test_a_month_turn_begins_a_new_peak_and_keeps_the_old_one(tmp_path: Path) -> None:
    end = datetime(2026, 4, 1, tzinfo=BRUSSELS).astimezone(UTC)
    house = House(tmp_path, end - timedelta(minutes=30))
    house.run(900, 1000)
    house.run(900, 5000)  # ends with the month
    house.run(60, 500)
    assert house.label("month") == "2026-04"
    assert house.number("peak") == 0
    assert json.loads(house.label("months"))[0]["month"] == "2026-03"
    assert json.loads(house.label("months"))[0]["peak"] == pytest.approx(5000, abs=10)
    house.begin_station()  # and it is found again
    house.run(240, 500)
    assert json.loads(house.label("months"))[0]["peak"] == pytest.approx(5000, abs=10)
    house.archive.close()


def test_the_meters_own_peak_counts_and_the_computed_one_is_told_beside_it(house: House) -> None:
    house.labels = {
        "peak_history": '[{"month":"2026-01","power":4100,"time":"2026-01-03T18:00:00Z"}]'
    }
    house.run(10, 1000)
    before = START - timedelta(hours=20)
    house.hub.publish([Reading("grid", before, {"peak": 3700.0}, meter="A")])
    house.run(2000, 1000)
    assert house.number("peak") == 3700
    assert house.label("from") == "meter"
    assert house.label("computed") == "1000"
    assert json.loads(house.label("months"))[0]["peak"] == 4100


def test_a_peak_of_last_month_says_nothing_of_this_one(house: House) -> None:
    house.hub.publish([Reading("grid", START - timedelta(days=9), {"peak": 9000.0}, meter="A")])
    house.run(300, 1000)
    assert house.number("peak") == 0


@pytest.mark.parametrize("behind", [-25.0, 40.0])
def test_quarters_are_those_of_the_meters_clock(house: House, behind: float) -> None:
    house.behind = behind
    house.run(950, lambda at: 3000 if (at - START).total_seconds() < 900 + behind else 600)
    house.run(900, 600)
    assert house.quarters[-1] == ("12:30", pytest.approx(600, abs=20))
    assert house.hub.snapshot().values["peak"]["demand_quarter"].time == START + timedelta(
        minutes=30
    )


def test_a_silent_meter_is_said_and_heals(house: House) -> None:
    house.run(300, 1000)
    house.health = "stale"
    house.run(90, 1000)
    health = house.hub.snapshot().health["peak"]
    assert health.state == "failed"
    assert "grid tells nothing" in health.text
    house.health = "ok"
    house.run(30, 1000)
    assert house.hub.snapshot().health["peak"].state == "ok"
    assert house.number("demand") == pytest.approx(1000 * 420 / 900, abs=12)


def test_another_meter_costs_no_quarter(house: House) -> None:
    house.run(1900, 1000)
    house.kwh, house.meter = 3.0, "B"
    house.run(1000, 1000)
    assert [round(watts, -2) for _, watts in house.quarters] == [1000, 1000]


def test_an_archive_that_cannot_be_read_leaves_the_running_quarter_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.run(1000, 1000)

    def gone(*args: object) -> None:
        raise SinkError("disk gone")

    history = house.history
    assert history is not None
    for name in ("energy", "series", "catalog"):
        monkeypatch.setattr(History, name, gone)
    house.begin_station()
    house.run(300, 1000)
    assert house.hub.snapshot().health["source:peak"].state == "ok"
    assert house.number("demand_forecast") == pytest.approx(1000, abs=60)
    monkeypatch.undo()
    house.run(900, 1000)
    assert [round(watts, -2) for _, watts in house.quarters] == [1000]


def test_without_an_archive_the_quarters_that_are_followed_are_told(house: House) -> None:
    house.history = None
    house.run(2000, 1000)
    assert [name for name, _ in house.quarters] == ["12:30"]


def test_a_meter_that_tells_its_demand_alone_has_quarters_too(house: House) -> None:
    for _ in range(200):
        house.clock.advance(10)
        used = 1000 * ((house.clock.now() - START).total_seconds() % 900) / 900
        house.hub.report("grid", Health("ok", START))
        values = {"power": 1000.0, "demand": float(round(used))}
        house.hub.publish([Reading("grid", house.clock.now(), values)])
        house.loop.step()
        house.keep()
    assert house.quarters == [("12:15", 1000), ("12:30", 1000)]


def test_a_clock_that_had_been_ahead_for_days_stops_no_quarters(house: House) -> None:
    house.run(1900, 1000)
    house.clock.step_wall(-3 * 86_400)
    house.run(1900, 1000)
    assert len(house.quarters) >= 2


def test_it_obeys_nothing(house: House) -> None:
    with pytest.raises(ValueError, match="only looks"):
        house.source.obey(Command("peak", "on"))


def test_a_simulated_meters_quarters_agree_with_the_house(ini: Path) -> None:
    """A whole station in warped time, over midnight at a month's end."""
    ini.write_text(
        "[s0web]\nsimulate = yes\ntimezone = Europe/Brussels\n"
        "[source:grid]\ntype = p1\nport = simulated\n[house]\ngrid = grid\n"
    )
    start = datetime(2026, 10, 31, 21, 20, tzinfo=UTC)  # a clock change was a week ago
    station = Station(ini, FakeClock(start), threads=False)
    station.run(start + timedelta(minutes=118))
    history, truth = station.history, Simulated()
    assert history is not None
    told = history.series("peak", "demand_quarter", start, start + timedelta(hours=3), "raw").points
    assert len(told) == 7
    for point in told[1:]:
        end = datetime.fromtimestamp(point.time / 1000, UTC)
        assert point.number == pytest.approx(truth.at(end - timedelta(seconds=1)).demand, abs=5)
    snapshot = station.hub.snapshot()
    station.stop()
    assert snapshot.labels["peak"]["month"] == "2026-11"
    assert snapshot.labels["peak"]["from"] == "meter"
    assert snapshot.number("peak", "peak") == truth.at(station.clock.now()).peak
    months = json.loads(snapshot.labels["peak"]["months"])
    assert [row["peak"] for row in reversed(months)] == [
        row.power for row in truth.peaks(station.clock.now())
    ]


def test_a_station_that_starts_again_forecasts_by_the_weeks_in_the_archive(tmp_path: Path) -> None:
    """Each 40 minutes a kettle boils for 3; it is on since a minute and a half."""
    said = []
    for days in (0, 3):
        folder = tmp_path / str(days)
        folder.mkdir()
        house = House(folder)
        for minute in range(days * 1440):
            time = START - timedelta(minutes=days * 1440 - minute)
            power = 2200.0 if minute % 40 < 3 else 200.0
            house.archive.write([Reading("grid", time, {"power": power})])
        house.archive.flush()
        house.run(480, 200)
        house.run(90, 2200)
        said.append(house.number("demand_forecast") or 0.0)
        house.archive.close()
    truth = (480 * 200 + 180 * 2200 + 240 * 200) / 900
    assert abs(said[1] - truth) < abs(said[0] - truth) / 2


def kettle(time: datetime) -> float:
    """Each 40 minutes, 8 minutes after the quarter's begin, for 3."""
    return 2200.0 if 8 <= (time - START) / timedelta(minutes=1) % 40 < 11 else 200.0


KETTLE = (12 * 200 + 3 * 2200) / 15  # W of its quarter


def foreseen(house: House) -> bool:
    """Whether the kettle is known to end; who does not know that is 500 W above it."""
    house.pace = 10
    house.run(660, kettle)
    return abs((house.number("demand_forecast") or 0.0) - KETTLE) < 350


def test_what_was_learned_stays_when_the_archive_opens_late(house: House) -> None:
    house.pace = 30
    archive, house.history = house.history, None
    house.run(12 * 3600, kettle)
    house.history = archive
    assert foreseen(house)


def test_a_clock_that_is_set_after_the_start_brings_the_weeks_before_it(tmp_path: Path) -> None:
    late = timedelta(days=100)
    house = House(tmp_path, START - late)
    for minute in range(-1440, 0):
        time = START + timedelta(minutes=minute)
        house.archive.write([Reading("grid", time, {"power": kettle(time)})])
    house.run(60, 200)
    house.clock.advance((late - timedelta(seconds=60)).total_seconds())
    assert foreseen(house)
    house.archive.close()


def test_a_day_that_the_archive_cannot_tell_is_asked_for_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.pace = 30
    house.run(12 * 3600, kettle)
    house.begin_station()
    found, asked = History.series, []

    def fails_once(self: History, device: str, quantity: str, *span: Any) -> Series:
        if quantity == "power" and span[2] == "minute":
            asked.append(span[0])
            if len(asked) == DAYS:  # the last whole day
                raise SinkError("the disk gives errors")
        return found(self, device, quantity, *span)

    monkeypatch.setattr(History, "series", fails_once)
    assert foreseen(house)
    assert asked[DAYS - 1] == asked[DAYS]

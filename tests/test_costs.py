"""Costs of a real archive, booked quarter by quarter."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from s0web import config
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.derived.costs import CostSource
from s0web.energy.booking import COSTS
from s0web.energy.price_book import PriceBook, Slot
from s0web.hub import Hub
from s0web.inside import Inside
from s0web.model import Command, Health, Reading
from s0web.station import Station
from s0web.workers import SourceLoop

BRUSSELS = ZoneInfo("Europe/Brussels")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
QUARTER = timedelta(minutes=15)
START = datetime(2026, 3, 2, tzinfo=BRUSSELS)
SINGLE = """\
[contract:home]
type = electricity
import_rate = 0.30
export_rate = 0.05
"""
GAS = """\
[contract:gas]
type = gas
rate = 1.20
"""
SPLIT = """\
[contract:home]
type = electricity
tariff = day_night
import_rate = 0.32
import_rate_low = 0.22
export_rate = 0.06
export_rate_low = 0.04
"""
CLOCK = SPLIT + "bands = clock\n"
DYNAMIC = """\
[prices]
provider = simulated
[contract:home]
type = electricity
tariff = dynamic
spot_factor = 1.1
spot_offset = 0.01
"""


class House:
    """An archive on a clock of its own, a hub, and the source of costs between them."""

    def __init__(self, folder: Path, start: datetime, contracts: str) -> None:
        self.clock = FakeClock(start.astimezone(UTC))
        self.archive = Archive(folder / "archive.db", self.clock)
        self.archive.open()
        self.history: History | None = History(self.archive, BRUSSELS)
        self.hub, self.book = Hub(self.clock), PriceBook()
        self.folder, self.wishes = folder, list[Command]()
        self.cursor = 0
        self.agree(contracts)

    def agree(self, contracts: str) -> None:
        """These contracts, from now on: as when the INI is applied."""
        text = "[house]\ngrid = grid\n[source:grid]\ntype = p1\nport = x\n" + contracts
        parsed = config.parse(Path("s0web.ini"), text)
        house = parsed.sections["house"]
        floor = parsed.sections["peak"]["floor"]
        here = {"house": house, "zone": "Europe/Brussels"}
        options = {"contracts": parsed.contracts, "floor": floor, **here}

        def tell(command: Command) -> bool:
            self.wishes.append(command)
            return True

        wires = cast("Any", None)
        inside = Inside(
            self.folder, BRUSSELS, wires, self.book, self.hub, lambda: self.history, tell
        )
        self.source = CostSource({"costs": options}, inside, self.clock, lambda _: {})
        self.loop = SourceLoop(self.source, self.hub, self.clock)

    def tell(self, device: str = "grid", meter: str = "", **values: float) -> None:
        self.hub.publish([Reading(device, self.clock.now(), values, meter=meter)])
        self.keep()

    def keep(self) -> None:
        """Let the archive follow the log."""
        while (batch := self.hub.after(self.cursor)).readings:
            assert not batch.missed
            self.archive.write(batch.readings)
            self.cursor = batch.last

    def book_all(self) -> None:
        """Let the source go on until it has nothing more to say."""
        before = -1
        while before < self.hub.last:
            before = self.hub.last
            self.loop.step()
            self.keep()

    def run(self, span: timedelta, step: timedelta = QUARTER, **kwh: tuple[float, float]) -> None:
        """Registers that count on: register=(what it says, per hour)."""
        for index in range(span // step):
            hours = index * (step / HOUR)
            values = {name: round(at + pace * hours, 6) for name, (at, pace) in kwh.items()}
            self.tell(**values)
            self.clock.advance(step.total_seconds())

    def euros(
        self, period: str = "day", quantity: str = "cost", carrier: str = "electricity"
    ) -> list[float]:
        history = self.history
        assert history is not None
        rows = history.sums(
            f"costs.{carrier}", quantity, period, START - 400 * DAY, self.clock.now(), 50_000
        )
        return [round(row.number, 4) for row in rows]

    def health(self, name: str = "costs.electricity") -> Health:
        return self.hub.snapshot().health[name]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[list[House]]:
    houses: list[House] = []
    yield houses
    for house in houses:
        house.archive.close()


def house_of(made: list[House], tmp_path: Path, contracts: str, start: datetime = START) -> House:
    folder = tmp_path / str(len(made))
    folder.mkdir()
    made.append(House(folder, start, contracts))
    return made[-1]


# -- to the cent -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("month", "day", "hours"), [(3, 28, 23), (10, 24, 25)])
def test_cost_is_register_difference_times_rate_on_days_of_a_clock_change(
    made: list[House], tmp_path: Path, month: int, day: int, hours: int
) -> None:
    start = datetime(2026, month, day, tzinfo=BRUSSELS)
    house = house_of(made, tmp_path, SINGLE, start)
    house.run(
        timedelta(hours=24 + hours + 24), energy_import=(100.0, 0.8), energy_export=(5.0, 0.3)
    )
    house.tell(energy_import=100 + 0.8 * (48 + hours), energy_export=5 + 0.3 * (48 + hours))
    house.book_all()
    rows = house.history and house.history.sums(
        "costs.electricity", "cost_import", "day", start, start + 3 * DAY
    )
    assert rows is not None
    assert [round(row.number, 4) for row in rows] == [
        pytest.approx(0.8 * of_day * 0.30) for of_day in (24, hours, 24)
    ]
    assert [row.quarters for row in rows] == [96, 4 * hours, 96]
    whole = 0.8 * (48 + hours) * 0.30 - 0.3 * (48 + hours) * 0.05
    assert sum(house.euros("month")) == pytest.approx(whole, abs=0.001)


def test_each_register_is_priced_with_its_own_rate_and_told_by_tariff(
    made: list[House], tmp_path: Path
) -> None:
    house = house_of(made, tmp_path, SPLIT)
    house.run(6 * HOUR, energy_import_high=(50.0, 0.0), energy_import_low=(70.0, 0.5))
    house.run(6 * HOUR, energy_import_high=(50.0, 2.0), energy_import_low=(73.0, 0.0))
    house.tell(energy_import_high=62.0, energy_import_low=73.0)
    house.book_all()
    assert house.euros(quantity="cost_import_low") == [pytest.approx(3 * 0.22)]
    assert house.euros(quantity="cost_import_high") == [pytest.approx(12 * 0.32)]
    assert house.euros() == [pytest.approx(3 * 0.22 + 12 * 0.32)]
    labels = house.hub.snapshot().labels["costs.electricity"]
    assert (labels["contract"], labels["tariff"]) == ("home", "high")
    assert house.hub.snapshot().number("costs.electricity", "rate_import") == 0.32


def test_gas_and_water_are_priced_by_volume_and_fees_sum_to_the_year(
    made: list[House], tmp_path: Path
) -> None:
    fees = GAS + "fixed_month = 31\n"
    water = "[contract:tap]\ntype = water\nrate = 6\nfixed_day = 0.96\nvat = 6\n"
    house = house_of(made, tmp_path, fees + water, datetime(2026, 3, 1, tzinfo=BRUSSELS))
    for hour in range(31 * 24):  # 31 days, one of which has 23 hours
        house.tell("grid.gas", volume=hour * 0.1)
        house.tell("grid.water", volume=hour * 0.01)
        house.clock.advance(3600)
    house.book_all()
    assert house.euros("month", "cost_fixed", "gas")[0] == pytest.approx(31, abs=0.005)
    assert house.euros("month", "cost_volume", "gas")[0] == pytest.approx(74.3 * 1.2, abs=0.13)
    assert house.euros("day", "cost_fixed", "water")[:31] == [pytest.approx(0.96 * 1.06)] * 31
    assert sum(house.euros("day", "cost_volume", "water")) == pytest.approx(7.43 * 6.36, abs=0.07)


def test_nothing_is_priced_across_a_change_of_meter(made: list[House], tmp_path: Path) -> None:
    house = house_of(made, tmp_path, SINGLE)
    for number in range(48):
        house.tell(meter="A", energy_import=9000 + number / 4)
        house.clock.advance(900)
    for number in range(48):
        house.tell(meter="B", energy_import=3 + number / 4)
        house.clock.advance(900)
    house.tell(meter="B", energy_import=15.0)
    house.book_all()
    assert house.euros() == [pytest.approx((11.75 + 12) * 0.30)]
    assert len(house.euros("quarter")) == 96


def test_energy_of_an_outage_over_midnight_is_priced_with_the_rates_of_its_time(
    made: list[House], tmp_path: Path
) -> None:
    house = house_of(made, tmp_path, CLOCK)  # a Monday
    house.run(20 * HOUR, energy_import=(100.0, 1.0))
    house.clock.advance(12 * 3600)
    house.run(4 * HOUR, energy_import=(132.0, 1.0))
    house.tell(energy_import=136.0)
    house.book_all()
    assert house.euros() == [  # low until 7:00 and from 22:00
        pytest.approx(9 * 0.22 + 15 * 0.32, abs=0.02),
        pytest.approx(7 * 0.22 + 5 * 0.32, abs=0.02),
    ]
    high, low = (sum(house.euros(quantity=f"cost_import_{name}")) for name in ("high", "low"))
    assert high / 0.32 + low / 0.22 == pytest.approx(36.0, abs=0.001)  # nothing lost
    assert len(house.euros("quarter")) == 144


def test_the_last_quarter_of_a_month_books_its_peak(made: list[House], tmp_path: Path) -> None:
    contract = SINGLE + "capacity_rate = 48\n"
    start = datetime(2026, 3, 30, tzinfo=BRUSSELS)
    house = house_of(made, tmp_path, contract, start)
    house.run(DAY, energy_import=(0.0, 1.0))
    house.run(HOUR, energy_import=(24.0, 6.0))
    house.run(23 * HOUR, energy_import=(30.0, 1.0))
    house.run(2 * HOUR, energy_import=(53.0, 1.0))
    house.book_all()
    assert house.euros("month", "cost_capacity") == [6 * 48 / 12]
    assert sum(house.euros("quarter", "cost_capacity")) == 24.0
    assert house.euros("month")[0] == pytest.approx(53 * 0.30 + 24)


def test_a_peak_is_billed_as_at_least_the_floor_that_is_set(
    made: list[House], tmp_path: Path
) -> None:
    contract = SINGLE + "capacity_rate = 48\n[peak]\nfloor = 4\n"
    house = house_of(made, tmp_path, contract, datetime(2026, 3, 31, 12, tzinfo=BRUSSELS))
    house.run(DAY, energy_import=(0.0, 1.0))
    house.book_all()
    assert house.euros("month", "cost_capacity") == [4 * 48 / 12]


def test_the_capacity_tariff_looks_at_the_meters_own_peaks_first(
    made: list[House], tmp_path: Path
) -> None:
    contract = SINGLE + "capacity_rate = 48\n"
    house = house_of(made, tmp_path, contract, datetime(2026, 3, 31, 12, tzinfo=BRUSSELS))
    history = [{"month": "2026-02", "power": 5000.0, "time": "2026-02-03T18:00:00+00:00"}]
    labels = {"peak_history": json.dumps(history)}
    house.hub.publish([Reading("grid", house.clock.now(), {"peak": 4000.0}, labels)])
    house.run(DAY, energy_import=(0.0, 1.0))
    house.book_all()
    assert sum(house.euros("month", "cost_capacity")) == pytest.approx((5 + 4) / 2 * 48 / 12)


# -- once, and in order ----------------------------------------------------------------------------


def test_what_is_booked_stays_when_the_contract_changes(made: list[House], tmp_path: Path) -> None:
    house = house_of(made, tmp_path, SINGLE)
    house.run(6 * HOUR, energy_import=(0.0, 1.0))
    house.book_all()
    house.agree(SINGLE.replace("0.30", "0.50"))
    house.run(6 * HOUR, energy_import=(6.0, 1.0))
    house.tell(energy_import=12.0)
    house.book_all()
    assert house.euros("hour")[:5] == [0.30] * 5
    assert house.euros("hour")[6:] == [0.50] * 6
    assert len(house.euros("quarter")) == 48
    stamps = [r.time for r in house.hub.after(0, 5000).readings if r.device == "costs.electricity"]
    assert stamps == sorted(set(stamps))  # each once, oldest first


def test_a_restart_goes_on_where_it_was(made: list[House], tmp_path: Path) -> None:
    house = house_of(made, tmp_path, SINGLE)
    house.run(5 * HOUR, energy_import=(0.0, 1.0))
    house.book_all()
    house.clock.advance(7200)
    house.archive.flush()
    house.hub = Hub(house.clock)  # nothing is known but what is on disk
    house.hub.renumber(0, house.cursor)
    house.agree(SINGLE)
    house.run(5 * HOUR, energy_import=(7.0, 1.0))
    house.tell(energy_import=12.0)
    house.book_all()
    assert sum(house.euros()) == pytest.approx(12 * 0.30)
    told = [r.time for r in house.hub.after(house.hub.last - 60, 100).readings if r.values]
    assert len(house.euros("quarter")) == 48
    assert told


def test_a_year_is_booked_in_slices(made: list[House], tmp_path: Path) -> None:
    house = house_of(made, tmp_path, SINGLE, START - 30 * DAY)
    quarters = 30 * 96
    house.archive.write(
        [
            Reading(
                "grid", START.astimezone(UTC) + n * QUARTER - 30 * DAY, {"energy_import": n / 4}
            )
            for n in range(quarters + 1)
        ]
    )
    house.clock.advance(30 * 86_400)
    sizes = []
    before = house.hub.last
    while house.loop.step() == house.source.interval and house.hub.last > before:
        sizes.append(house.hub.last - before)
        before = house.hub.last
        house.keep()
    assert sum(sizes) == quarters + len(sizes)  # each with a word on how far it is
    assert max(sizes) <= 2_000
    assert sum(house.euros("month")) == pytest.approx(quarters / 4 * 0.30, abs=0.001)
    assert house.hub.snapshot().labels["costs"] == {"electricity": "booked up to 2026-03-02 00:00"}


def test_booking_does_not_outrun_the_archive(made: list[House], tmp_path: Path) -> None:
    """On a slow card what is told would leave the log before the archive has taken it."""
    house = house_of(made, tmp_path, SINGLE, START - 100 * DAY)
    quarters = 100 * 96
    house.clock.advance(100 * 86_400)
    house.archive.add(
        [
            Reading("grid", START.astimezone(UTC) + n * QUARTER - 100 * DAY, {"energy_import": n})
            for n in range(quarters + 1)
        ]
    )
    for _ in range(40):
        for _ in range(40):
            house.loop.step()
        house.keep()  # loses nothing
    assert sum(house.euros("month")) == pytest.approx(quarters * 0.30, abs=0.001)


def test_a_quarter_waits_until_the_meter_has_spoken_after_it(
    made: list[House], tmp_path: Path
) -> None:
    house = house_of(made, tmp_path, SINGLE + GAS)
    house.run(HOUR, energy_import=(0.0, 1.0))
    house.tell("grid.gas", volume=1.0)
    house.book_all()
    assert len(house.euros("quarter")) == 3  # the fourth has just ended
    assert house.euros("quarter", carrier="gas") == []
    house.tell(energy_import=1.0)
    house.book_all()
    assert len(house.euros("quarter")) == 4
    house.clock.advance(1.9 * 3600)
    house.book_all()
    assert len(house.euros("quarter")) == 4
    house.clock.advance(1800)
    house.book_all()
    assert len(house.euros("quarter", carrier="gas")) == 1  # silent though nothing is wrong
    house.hub.report("grid", Health("stale", house.clock.now(), "no reading"))
    house.clock.advance(36_000)
    house.book_all()
    assert len(house.euros("quarter", carrier="gas")) == 1


# -- what is missing -------------------------------------------------------------------------------


def test_a_dynamic_contract_waits_for_its_price_while_others_go_on(
    made: list[House], tmp_path: Path
) -> None:
    house = house_of(made, tmp_path, DYNAMIC + GAS)
    for number in range(9):
        house.tell(energy_import=number * 0.25)
        house.tell("grid.gas", volume=1 + number)
        house.clock.advance(900)
    first = START.astimezone(UTC)
    hour = Slot(first, first + HOUR, 100.0, "test")
    house.book.add([hour], first - DAY)
    house.book_all()
    assert house.euros("quarter") == [pytest.approx(0.25 * (0.01 + 1.1 * 0.1))] * 4
    assert sum(house.euros(carrier="gas")) == pytest.approx(8 * 1.2)
    assert house.health().state == "failed"
    assert house.health().text == (
        "the day-ahead price of 2026-03-02 01:00 is not known: booking waits for it"
    )
    (wish,) = house.wishes
    assert wish[:3] == ("prices", "fetch", first.timestamp())
    house.book_all()
    assert len(house.wishes) == 1  # not asked again and again
    house.book.add([Slot(first + HOUR, first + 2 * HOUR, -50.0, "test")], first - DAY)
    house.book_all()
    assert house.euros("quarter")[4:] == [pytest.approx(0.25 * (0.01 - 1.1 * 0.05), abs=1e-4)] * 4
    assert house.health().state == "ok"


def test_an_outage_whose_prices_come_late_is_not_counted_twice(
    made: list[House], tmp_path: Path
) -> None:
    house = house_of(made, tmp_path, DYNAMIC)
    house.run(HOUR, energy_import=(0.0, 1.0))
    house.clock.advance(6 * 3600)
    house.run(HOUR, energy_import=(7.0, 1.0))
    house.tell(energy_import=8.0)
    first = START.astimezone(UTC)
    house.book.add([Slot(first, first + 3 * HOUR, 100.0, "test")], first - DAY)
    house.book_all()
    house.book.add([Slot(first + 3 * HOUR, first + 8 * HOUR, 100.0, "test")], first - DAY)
    house.book_all()
    assert sum(house.euros()) == pytest.approx(8 * 0.12)
    assert len(house.euros("quarter")) == 32


def test_days_without_a_contract_are_not_booked_and_it_is_said(
    made: list[House], tmp_path: Path
) -> None:
    house = house_of(made, tmp_path, SINGLE + "to = 2026-03-02\n")
    house.run(30 * HOUR, energy_import=(0.0, 1.0))
    house.book_all()
    assert house.euros() == [pytest.approx(24 * 0.30)]
    assert house.health().text == (
        "no contract for electricity is in force on 2026-03-03: nothing is booked"
    )
    house.agree(
        SINGLE.replace("0.30", "0.40")
        + "from = 2026-03-03\n"
        + SINGLE.replace("home", "old")
        + "to = 2026-03-02\n"
    )
    house.run(30 * HOUR, energy_import=(30.0, 1.0))
    house.book_all()
    assert house.euros() == [
        pytest.approx(hours * rate) for hours, rate in ((24, 0.30), (24, 0.40), (11.75, 0.40))
    ]
    assert house.health().state == "ok"


def test_without_archive_or_meter_it_says_so(made: list[House], tmp_path: Path) -> None:
    house = house_of(made, tmp_path, "[contract:tap]\ntype = water\nrate = 5\n" + SINGLE)
    history, house.history = house.history, None
    house.loop.step()
    assert "the archive is not ready yet" in house.health("source:costs").text
    house.history = history
    house.tell(energy_import=1.0)
    house.clock.advance(900)
    house.tell(energy_import=2.0)
    house.book_all()
    assert house.health("source:costs").state == "ok"
    assert house.euros() == [pytest.approx(0.30)]


def test_a_meter_that_tells_other_registers_from_a_day_on_is_followed(
    made: list[House], tmp_path: Path
) -> None:
    house = house_of(made, tmp_path, SINGLE)
    house.run(DAY, energy_import_high=(5.0, 0.5), energy_import_low=(7.0, 0.5))
    house.tell(energy_import_high=17.0, energy_import_low=19.0, energy_import=900.0)
    house.run(DAY, energy_import=(900.0, 1.0))
    house.tell(energy_import=924.0)
    house.book_all()
    assert house.euros() == [pytest.approx(24 * 0.30), pytest.approx(24 * 0.30)]


def test_a_total_that_was_told_before_the_tariffs_is_priced_until_then(
    made: list[House], tmp_path: Path
) -> None:
    house = house_of(made, tmp_path, SINGLE)
    house.run(DAY, energy_import=(900.0, 1.0), energy_export=(10.0, 0.5))
    for number in range(97):
        kwh = {"energy_import": 924 + number / 4, "energy_import_low": number / 4}
        house.tell(**kwh, energy_export=22 + number / 8)
        house.clock.advance(900)
    house.book_all()
    assert house.euros(quantity="cost_import") == [pytest.approx(24 * 0.30)] * 2
    assert house.euros(quantity="cost_export") == [pytest.approx(-12 * 0.05)] * 2


# -- anew ------------------------------------------------------------------------------------------


def test_reprice_books_the_past_anew_with_the_same_stamps(
    made: list[House], tmp_path: Path
) -> None:
    house = house_of(made, tmp_path, SPLIT)
    house.run(3 * DAY, energy_import_high=(0.0, 1.0), energy_import_low=(0.0, 0.0))
    house.book_all()
    house.clock.advance(2 * 3600)
    house.archive.flush()  # packed
    before = house.euros()
    house.agree(SINGLE.replace("0.30", "0.40"))
    start, end = START + DAY, START + 2 * DAY
    house.loop.tell(Command("costs", "reprice", start.timestamp(), end.isoformat()))
    for _ in range(2):  # in memory, then packed
        house.book_all()
        assert house.euros()[:2] == [before[0], pytest.approx(24 * 0.40)]
        assert house.euros(quantity="cost_import_high")[1] == 0.0  # no part of it any more
        assert len(house.euros("quarter")) == 3 * 96 - 1
        house.clock.advance(2 * 3600)
        house.archive.flush()
    parts = [house.euros(quantity=name) for name in COSTS["electricity"][1:] if "high" not in name]
    assert sum(part[1] for part in parts if len(part) > 1) == pytest.approx(24 * 0.40)


def test_reprice_of_half_an_outage_keeps_the_sum(made: list[House], tmp_path: Path) -> None:
    house = house_of(made, tmp_path, SINGLE)
    house.run(20 * HOUR, energy_import=(0.0, 1.0))
    house.clock.advance(8 * 3600)
    house.run(4 * HOUR, energy_import=(28.0, 1.0))
    house.tell(energy_import=32.0)
    house.book_all()
    whole = sum(house.euros())
    assert whole == pytest.approx(32 * 0.30)
    middle = START + DAY
    for start, end in ((middle, middle + DAY), (START, middle)):
        command = Command("costs", "reprice", start.timestamp(), end.isoformat())
        house.loop.tell(command)
        house.book_all()
        assert sum(house.euros()) == pytest.approx(whole)


def test_history_that_came_later_is_booked_by_reprice(made: list[House], tmp_path: Path) -> None:
    house = house_of(made, tmp_path, SINGLE)
    house.run(DAY, energy_import=(100.0, 1.0))
    house.book_all()
    before = START - 2 * DAY
    house.archive.add(
        [Reading("grid", before + n * QUARTER, {"energy_import": 52 + n / 4}) for n in range(192)]
    )
    house.loop.tell(Command("costs", "reprice", before.timestamp(), START.isoformat()))
    house.book_all()
    assert house.euros() == [pytest.approx(24 * 0.30)] * 2 + [pytest.approx(23.75 * 0.30)]


def test_a_word_that_costs_do_not_know_is_refused(made: list[House], tmp_path: Path) -> None:
    house = house_of(made, tmp_path, SINGLE)
    house.loop.step()
    for command in (Command("costs", "trigger"), Command("costs", "reprice", 0.0, "2026-03-01")):
        with pytest.raises(ValueError, match=r"costs cannot trigger|has no time zone"):
            house.source.obey(command)


def test_a_station_books_what_its_meter_counts(ini: Path) -> None:
    """The whole house in warped time, over the change to summer time."""
    ini.write_text(
        "[s0web]\nsimulate = yes\ntimezone = Europe/Brussels\n[house]\ngrid = grid\n"
        "[source:grid]\ntype = p1\nport = simulated\n" + SPLIT + GAS
    )
    start = datetime(2026, 3, 28, 23, tzinfo=UTC)
    station = Station(ini, FakeClock(start), threads=False)
    station.run(start + 4 * HOUR + MINUTE)
    history = station.history
    assert history is not None

    def flowed(device: str, register: str) -> float:
        spans = history.energy(device, register, "quarter", start, start + 4 * HOUR)
        return sum(span.number for span in spans)

    def euros(carrier: str, quantity: str) -> float:
        rows = history.sums(f"costs.{carrier}", quantity, "hour", start, start + 4 * HOUR)
        return sum(row.number for row in rows)

    imported = {name: flowed("grid", f"energy_import_{name}") for name in ("high", "low")}
    whole = imported["high"] * 0.32 + imported["low"] * 0.22
    assert whole > 0.1
    assert euros("electricity", "cost_import") == pytest.approx(whole, abs=1e-5)
    assert euros("gas", "cost") == pytest.approx(flowed("grid.gas", "volume") * 1.2, abs=1e-4)
    assert station.hub.snapshot().health["source:costs"].state == "ok"
    assert station.hub.snapshot().labels["costs"]["electricity"] == "booked up to 2026-03-29 05:00"
    station.stop()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_comes_each_kwh_is_priced_once(
    made: list[House], tmp_path: Path, seed: int
) -> None:
    """Outages, other meters, restarts and flushes at any moment, over the ends of months."""
    chance = random.Random(seed)
    start = datetime(2026, *chance.choice([(3, 28), (10, 24), (12, 31)]), tzinfo=BRUSSELS)
    house = house_of(made, tmp_path, SINGLE, start)
    begin, total, flowed, meter, before = house.clock.now(), 100.0, 0.0, "A", None

    def count(kwh: float) -> None:
        nonlocal total, flowed, before
        total = round(total + kwh, 3)
        house.tell(meter=meter, energy_import=total)
        flowed += total - before if before is not None else 0.0
        before = total

    for _ in range(12):
        what = chance.choice(["count", "count", "count", "outage", "exchange", "restart", "flush"])
        if what == "count":
            step = chance.choice([60, 300, 900, 1700])
            for _ in range(chance.randint(1, 40)):
                count(chance.choice([0.0, 0.1, 0.7]))
                house.clock.advance(step)
        elif what == "outage":
            house.clock.advance(chance.choice([3000, 9000, 40_000, 200_000]))
            total += chance.choice([0.0, 0.005, 3.0, 50.0])
            house.loop.step()
            house.keep()
        elif what == "exchange":
            meter, total, before = meter + "x", chance.uniform(0, 10), None
        elif what == "restart":
            house.book_all()
            house.agree(SINGLE)
        else:
            house.archive.flush()
    for _ in range(2):
        house.clock.advance(900)
        count(0.0)
    house.book_all()
    assert house.history is not None
    rows = house.history.sums(
        "costs.electricity", "cost_import", "quarter", begin - DAY, house.clock.now(), 50_000
    )
    assert sum(row.number for row in rows) == pytest.approx(flowed * 0.30, abs=0.001)
    assert all(one.end == other.start for one, other in pairwise(rows))

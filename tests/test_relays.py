"""What is to be switched, decided from numbers in the hand."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from s0web.energy.loads import Load, load_of
from s0web.energy.price_book import Slot
from s0web.energy.relays import Measured, State, Switch, Wish, step
from s0web.options import OPTIONS

BRUSSELS = ZoneInfo("Europe/Brussels")
NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)  # 12:00 in Brussels


def load(name: str = "boiler", **texts: str) -> Load:
    rows = OPTIONS["switch.simulated"]
    given = {"power": "2000", "rule": "export", **texts}
    return load_of(
        name, {row.name: row.parse(given.get(row.name, row.default or "")) for row in rows}
    )


class Home:
    """Loads that obey at once, and a grid whose power is set; time goes in steps of a second."""

    def __init__(self, *loads: Load, now: datetime = NOON, obedient: bool = True) -> None:
        self.loads, self.now, self.state, self.obedient = loads, now, State(), obedient
        long_ago = now - timedelta(hours=2)
        self.switches = {each.name: Switch(False, long_ago, 0.0) for each in loads}
        self.base, self.age, self.rate = 0.0, 1.0, None
        self.gap: float | None = None
        self.peak: float | None = None
        self.slots: list[Slot] = []
        self.log: list[tuple[datetime, str, bool, str]] = []
        self.said: dict[str, Wish] = {}

    rate: float | None

    @property
    def net(self) -> float:
        return self.base + sum(x.power for x in self.loads if self.on(x.name))

    def measured(self) -> Measured:
        local = self.now.astimezone(BRUSSELS)
        following = datetime.combine(
            local.date() + timedelta(days=1), datetime.min.time(), BRUSSELS
        )
        return Measured(
            self.now, local, following.astimezone(UTC), self.net, self.age, self.gap, self.peak,
            self.rate, self.slots, self.switches,
        )  # fmt: skip

    def run(self, seconds: float, base: float | None = None, pace: float = 1.0) -> None:
        self.base = self.base if base is None else base
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            self.now += timedelta(seconds=pace)
            for name, switch in self.switches.items():
                if switch.on:
                    self.switches[name] = switch._replace(run_today=switch.run_today + pace)
            self.state, wishes = step(self.loads, self.state, self.measured())
            for wish in wishes:
                self.said[wish.name] = wish if wish.word else self.said.get(wish.name, wish)
                switch = self.switches[wish.name]
                if wish.on != switch.on and self.obedient:
                    self.switches[wish.name] = Switch(wish.on, self.now, switch.run_today)
                    self.log.append((self.now, wish.name, wish.on, wish.reason))

    def on(self, name: str = "boiler") -> bool:
        return name in self.switches and self.switches[name].on


def test_sun_for_the_hold_time_switches_on_and_import_switches_off() -> None:
    home = Home(load(hold_on="60", hold_off="120"))
    home.run(59, -2100)
    assert not home.on()
    home.run(3)
    assert home.on()
    home.run(400, -2100)
    home.run(119, -1500)
    assert home.on()
    home.run(3)
    assert not home.on()
    assert [reason for *_, reason in home.log] == ["2100 W is exported", "500 W is imported"]


def test_a_dip_begins_the_hold_time_anew() -> None:
    home = Home(load(hold_on="60"))
    for _ in range(20):
        home.run(50, -2500)
        home.run(1, -300)
    assert not home.log


def test_switching_on_is_not_done_where_it_would_pass_the_off_threshold() -> None:
    home = Home(load(on="50%", off="-300"))  # 1000 W, but 2000 - 300 = 1700 W is what it takes
    home.run(600, -1650)
    assert not home.on()
    assert home.said["boiler"].reason == "waits until 1700 W is exported"
    home.run(70, -1750)
    assert home.on()
    home.run(3600)
    assert len(home.log) == 1


@pytest.mark.parametrize("surplus", range(0, 4000, 250))
def test_a_steady_sun_never_makes_it_chatter(surplus: int) -> None:
    home = Home(load(on="75%", off="10%"), load("heater", power="800", priority="20"))
    home.run(3 * 3600, -surplus, pace=5)
    assert len(home.log) <= 2


def test_a_load_stays_on_and_off_for_its_minimum() -> None:
    home = Home(load(minimum_on="600", minimum_off="900", hold_on="0", hold_off="0"))
    home.run(30, -2500)
    assert home.on()
    home.run(500, 500)
    assert home.on()
    home.run(120)
    assert not home.on()
    home.run(850, -2500)
    assert not home.on()
    home.run(80)
    assert home.on()


def test_two_loads_never_switch_within_the_settling_time_and_the_first_is_the_important() -> None:
    home = Home(
        load("car", power="1500", priority="20", hold_on="10", hold_off="10", minimum_on="0"),
        load("boiler", priority="10", hold_on="10", hold_off="10", minimum_on="0"),
    )
    home.run(120, -4000)
    home.run(120, 1000)
    assert [(name, on) for _, name, on, _ in home.log] == [
        ("boiler", True), ("car", True), ("car", False), ("boiler", False),
    ]  # fmt: skip
    times = [time for time, *_ in home.log]
    assert all(after - before >= timedelta(seconds=20) for before, after in pairwise(times))


@pytest.mark.parametrize(("safe", "then"), [("off", False), ("on", True), ("keep", True)])
def test_a_silent_meter_brings_the_safe_state_at_once(safe: str, then: bool) -> None:
    home = Home(load(safe=safe))
    home.run(70, -2500)
    assert home.on()
    home.age = 29
    home.run(5)
    assert home.on()
    home.age = 42
    home.run(1)
    assert home.on() is then
    assert home.said["boiler"].reason == "no data of the meter for 42 s"


def test_a_price_switches_between_its_two_thresholds() -> None:
    home = Home(load("pump", rule="price", on="0.15", off="0.25"))
    home.rate = 0.20
    home.run(300)
    assert not home.on("pump")
    home.rate = 0.15
    home.run(70)
    assert home.on("pump")
    home.rate = 0.25
    home.run(900)
    assert home.on("pump")
    home.rate = 0.26
    home.run(130)
    assert not home.on("pump")
    home.rate = None
    home.run(2)
    assert home.said["pump"].reason == "no price is known"


def test_import_sheds_a_load_and_takes_it_back_when_it_fits() -> None:
    home = Home(load("pump", rule="import", on="3000", off="6000"))
    home.run(70, 2500)
    assert home.on("pump")
    home.run(500, 4500)
    assert not home.on("pump")
    home.run(900, 3500)
    assert not home.on("pump")
    home.run(70, 2900)
    assert home.on("pump")


def test_a_load_under_the_peak_leaves_when_the_quarter_would_exceed_it() -> None:
    home = Home(load("car", rule="peak", hold_on="10", hold_off="10", minimum_on="60"))
    home.gap, home.peak = 1900.0, 4000.0
    home.run(60, 500)
    assert not home.on("car")  # 100 % of its power must be free
    home.gap = 2600.0
    home.run(30)
    assert home.on("car")
    home.gap = -100.0
    home.run(75)
    assert not home.on("car")
    assert home.log[-1][3] == "this quarter-hour would be 100 W above the peak"


def test_nothing_is_switched_on_that_would_exceed_the_peak() -> None:
    home = Home(load("pump", rule="price", on="0.15", off="0.25"))
    home.rate, home.peak = 0.10, 2500.0
    home.gap = 700.0
    home.run(300, 1800)
    assert not home.on("pump")
    assert "W too much for the quarter-hour's peak" in home.said["pump"].reason
    home.gap = 2300.0
    home.run(70, 200)
    assert home.on("pump")


def test_the_clock_and_the_hours_of_other_rules_are_local() -> None:
    home = Home(load("light", rule="clock", hours="12:30-12:40, 23:00-01:00", minimum_on="0"))
    home.run(29 * 60, pace=10)
    assert not home.on("light")
    home.run(6 * 60, pace=10)
    assert home.on("light")
    home.run(6 * 60, pace=10)
    assert not home.on("light")
    night = Home(load(hours="23:00-01:00"))
    night.run(600, -3000)
    assert not night.on()
    assert night.said["boiler"].reason == "it is not its time of the day"


def test_what_ran_long_enough_is_off_for_the_day() -> None:
    home = Home(load(daily_maximum="30"))
    home.run(2 * 3600, -4000, pace=5)
    assert not home.on()
    assert home.switches["boiler"].run_today == pytest.approx(1800, abs=10)
    assert home.said["boiler"].reason == "it ran as long as it may today"


def test_without_sun_the_daily_minimum_runs_at_the_end_of_the_day() -> None:
    home = Home(load(daily_minimum="60"))
    home.run(10 * 3600 + 3000, 300, pace=10)  # until 22:50
    assert not home.log
    home.run(3600 + 590, pace=10)
    ((began, *_),) = home.log
    assert began.astimezone(BRUSSELS).hour == 22 or began.astimezone(BRUSSELS).minute == 0
    assert home.switches["boiler"].run_today == pytest.approx(3600, abs=60)


def test_with_prices_the_daily_minimum_runs_in_the_cheapest_quarters_of_the_evening() -> None:
    home = Home(load(daily_minimum="45", minimum_on="0", minimum_off="0"))
    cheap = {NOON + timedelta(hours=8, minutes=15 * n) for n in (0, 1)} | {
        NOON + timedelta(hours=9)
    }
    quarters = [NOON + timedelta(minutes=15 * n) for n in range(96)]
    home.slots = [
        Slot(q, q + timedelta(minutes=15), 20.0 if q in cheap else 90.0, "test") for q in quarters
    ]
    home.run(11 * 3600, 300, pace=10)
    assert [time.astimezone(BRUSSELS).hour for time, _, on, _ in home.log if on] == [20, 21]
    assert home.switches["boiler"].run_today == pytest.approx(2700, abs=150)  # and its hold time


def test_the_daily_minimum_does_not_go_against_the_peak() -> None:
    home = Home(load("car", rule="peak", daily_minimum="1440", hold_on="10", minimum_on="60"))
    home.gap, home.peak = 2600.0, 4000.0
    home.run(60, 500)
    assert home.on("car")
    home.gap = -100.0
    home.run(200)
    assert not home.on("car")
    home.run(600)
    assert not home.on("car")
    home.gap = None
    home.run(60)
    assert home.said["car"].reason == "nothing is known of the quarter-hour's peak"


def test_a_load_that_does_not_answer_holds_nobody_up() -> None:
    home = Home(load("dead", priority="1"), load(), obedient=False)
    home.switches["dead"] = home.switches["dead"]._replace(answers=False)
    home.run(70, -4500)
    _, wishes = step(home.loads, home.state, home.measured())
    assert {wish.name: wish.on for wish in wishes}["dead"]
    home.obedient = True
    home.run(30)
    assert home.on()


def test_a_change_of_the_clocks_shortens_no_hold_time() -> None:
    home = Home(load(hold_on="600"), now=datetime(2026, 3, 29, 0, 55, tzinfo=UTC))
    home.run(595, -2500)
    assert not home.on()
    home.run(10)
    assert home.on()


def test_manual_loads_and_those_that_a_person_has_are_left_alone() -> None:
    home = Home(load(), load("lamp", rule="manual"))
    home.switches.pop("boiler")
    _, wishes = step(home.loads, State(), home.measured())
    assert not wishes


def test_thresholds_and_hours_are_read_as_they_are_written() -> None:
    made = load(on="75%", off="-500", hours="22:00-06:00, 12:00-14:00", daily_minimum="90")
    assert (made.on, made.off, made.enough, made.daily_minimum) == (1500, -500, 1500, 5400)
    assert made.hours == ((1320, 360), (720, 840))
    with pytest.raises(ValueError, match="25:00"):
        load(hours="25:00-26:00")


def test_noise_around_the_thresholds_does_not_make_it_chatter() -> None:
    home = Home(load(minimum_on="0", minimum_off="0"))
    for n in range(360):
        home.run(10, -2000 + 150 * (-1) ** n)
    assert len(home.log) <= 1


def test_a_clock_set_back_a_day_holds_nothing_for_a_day() -> None:
    home = Home(load(), load("heater", power="800", priority="20"))
    home.run(100, -2900)
    assert home.on()
    home.now -= timedelta(days=1)  # and the switches tell since when anew
    home.switches = {n: s._replace(since=home.now) for n, s in home.switches.items()}
    home.run(700, 500)
    assert not home.on()
    home.run(1000, -2900)
    assert (home.on(), home.on("heater")) == (True, True)


def test_what_the_sun_gives_costs_no_peak() -> None:
    home = Home(load(power="3000"))
    home.gap, home.peak = 2500.0, 2500.0
    home.run(70, -3500)
    assert home.on()
    home = Home(load(power="3000", on="50%", off="-3000"))
    home.gap, home.peak = 1000.0, 2500.0  # 1400 W come from the grid
    home.run(70, -1600)
    assert not home.on()
    assert home.said["boiler"].reason == "291 W too much for the quarter-hour's peak"


@pytest.mark.parametrize(("missing", "seconds"), [(2000, 30), (1000, 60), (500, 120), (100, 600)])
def test_it_goes_off_the_sooner_the_more_sun_is_missing(missing: float, seconds: float) -> None:
    home = Home(load(minimum_on="0", hold_off="120"))
    home.run(70, -2000)
    assert home.on()
    home.run(seconds - 2, -2000 + missing)
    assert home.on()
    home.run(4)
    assert not home.on()


def test_a_kettle_is_forgiven_where_the_sun_comes_back() -> None:
    home = Home(load(minimum_on="0", hold_off="120"))
    home.run(70, -2600)
    for _ in range(10):
        home.run(45, -1000)
        home.run(90, -2600)
    assert len(home.log) == 1

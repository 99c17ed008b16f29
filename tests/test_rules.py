"""The rules in a station: what they hear, what they tell the switches, what they say is wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from s0web.clock import FakeClock
from s0web.config import parse
from s0web.energy.price_book import PriceBook, Slot
from s0web.errors import ConfigError
from s0web.hub import Hub
from s0web.inside import Inside
from s0web.model import Command, Options, Reading, Trouble
from s0web.options import OPTIONS
from s0web.registry import DERIVED, load
from s0web.simulation.house import House
from s0web.simulation.loads import Loads
from s0web.simulation.wires import SimulatedWires
from s0web.station import Station
from s0web.workers import SourceLoop

NOON = datetime(2026, 3, 2, 12, 1, tzinfo=UTC)


class Rules:
    """The rules in their loop over a Hub whose devices are told by hand."""

    def __init__(self, grid: str = "grid", contracts: dict[str, Options] | None = None,
                 **switches: dict[str, str]) -> None:  # fmt: skip
        self.clock = FakeClock(NOON)
        self.hub, self.book = Hub(self.clock), PriceBook()
        self.heard: list[Command] = []
        wires = SimulatedWires(House(), self.clock, live=False)
        inside = Inside(Path("/nonesuch"), UTC, wires, self.book, self.hub, lambda: None, self.hear)
        rows = OPTIONS["switch.simulated"]
        options: dict[str, Any] = {"house": {"grid": grid}, "zone": "UTC"}
        options["switches"] = {
            name: {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
            for name, texts in switches.items()
        }
        options |= {"contracts": contracts} if contracts else {}
        self.source = load(DERIVED, "rules")({"rules": options}, inside, self.clock, lambda _: {})
        self.loop = SourceLoop(self.source, self.hub, self.clock)
        for name in switches:
            self.is_so(name, False, NOON - timedelta(hours=1))

    def hear(self, command: Command) -> bool:
        self.heard.append(command)
        is_on = self.hub.snapshot().number(command.target, "switch") == 1
        if command.verb == "wish" and is_on != (command.value == 1):
            self.is_so(command.target, not is_on, self.clock.now())
        return True

    def is_so(self, name: str, on: bool, since: datetime, override: str = "") -> None:
        labels = {"since": since.isoformat(), "reason": "", "override": override}
        values = {"switch": float(on), "run_time_today": 0.0}
        self.hub.publish([Reading(name, self.clock.now(), values, labels)])
        self.loop.report(name, "ok")

    def run(self, seconds: int, power: float | None = None) -> None:
        for _ in range(seconds):
            if power is not None:
                self.hub.publish([Reading("grid", self.clock.now(), {"power": power})])
            self.loop.step()
            self.clock.advance(1)

    def health(self, name: str = "rules") -> str:
        health = self.hub.snapshot().health[name]
        return f"{health.state} {health.text}".strip()


def test_sun_switches_on_once_and_its_reason_is_told() -> None:
    rules = Rules(boiler={"rule": "export", "power": "2000"})
    rules.run(5, -500)
    rules.run(200, -2500)
    assert rules.heard == [
        Command("boiler", "wish", 0.0, "waits until 2000 W is exported"),
        Command("boiler", "wish", 1.0, "2500 W is exported"),
    ]
    assert rules.health() == "ok"
    assert rules.hub.snapshot().labels["rules"]["last"] == "boiler on: 2500 W is exported"


def test_a_silent_meter_is_a_trouble_and_heals() -> None:
    rules = Rules(boiler={"rule": "export", "power": "2000"})
    rules.run(70, -2500)
    rules.run(40)
    assert rules.heard[-1] == Command("boiler", "wish", 0.0, "no data of the meter for 31 s")
    assert rules.health() == "failed grid is silent; in their safe state are: boiler."
    rules.run(3, -2500)
    assert rules.health() == "ok"


def test_a_meter_whose_clock_is_wrong_is_not_stale() -> None:
    rules = Rules(boiler={"rule": "export", "power": "2000"})
    for _ in range(80):
        stamp = rules.clock.now() - timedelta(minutes=7)
        rules.hub.publish([Reading("grid", stamp, {"power": -2500.0})])
        rules.run(1)
    assert rules.heard[-1].value == 1


def test_without_a_grid_it_is_said_what_to_do() -> None:
    rules = Rules(grid="", boiler={"rule": "export"})
    rules.run(3)
    assert rules.health().startswith("failed boiler cannot be switched")
    assert (
        rules.hub.snapshot().health["rules"].remedy == "Say in [house] which device is at the grid."
    )


def test_a_person_s_word_is_left_alone_and_told_anew_after_it() -> None:
    rules = Rules(boiler={"rule": "export", "power": "2000"})
    rules.run(70, -2500)
    rules.is_so("boiler", False, rules.clock.now(), "off")
    before = len(rules.heard)
    rules.run(400, -2500)
    assert len(rules.heard) == before
    rules.is_so("boiler", False, rules.clock.now())
    rules.run(400, -2500)
    assert rules.heard[-1].value == 1


def test_what_is_switched_by_hand_at_the_plug_is_decided_anew() -> None:
    rules = Rules(boiler={"rule": "export", "power": "2000"})
    rules.run(70, -2500)
    rules.is_so("boiler", False, rules.clock.now())
    rules.run(400, -2500)
    assert [c.value for c in rules.heard if c.reason.endswith("W is exported")][-1] == 1
    assert rules.hub.snapshot().number("boiler", "switch") == 1


def test_the_price_is_that_of_the_contract_else_the_day_ahead_price() -> None:
    price = {"rule": "price", "power": "2000", "on": "0.15", "off": "0.2"}
    rules = Rules(pump=price)
    rules.run(32, 100)
    assert "No price is known" in rules.health()
    rules.book.add([Slot(NOON - timedelta(minutes=1), NOON + timedelta(hours=2), 140.0, "t")], NOON)
    rules.run(70, 100)
    assert rules.heard[-1] == Command("pump", "wish", 1.0, "a kWh costs 0.140 EUR")
    rows = OPTIONS["contract.electricity"]
    dear = {"import_rate": "0.30"}
    contract = {row.name: row.parse(dear.get(row.name, row.default or "")) for row in rows}
    bound = Rules(pump=price, contracts={"power": {**contract, "type": "electricity"}})
    bound.book.slots = rules.book.slots
    bound.run(70, 100)
    assert [c.value for c in bound.heard] == [0]


def test_the_peak_is_believed_while_its_source_is_well() -> None:
    rules = Rules(car={"rule": "peak", "power": "2000", "hold_on": "5"})
    told = {"peak_gap": 3900.0, "demand_forecast": 100.0}
    rules.hub.publish([Reading("peak", NOON - timedelta(hours=5), told)])
    rules.run(20, 100)
    assert not any(c.value for c in rules.heard)
    rules.loop.report("peak", "ok")
    rules.run(20, 100)
    assert rules.heard[-1].value == 1


def test_what_hangs_in_memory_from_before_may_be_damaged() -> None:
    rules = Rules(boiler={"rule": "export", "power": "2000"})
    labels = {"since": "yesterday", "override": ""}
    rules.hub.publish([Reading("boiler", rules.clock.now(), {"switch": 0.0}, labels)])
    rules.run(3, -2500)
    assert rules.health() == "ok"
    with pytest.raises(ValueError, match="tell the switch"):
        rules.source.obey(Command("rules", "on"))


INI = """\
[s0web]
simulate = yes
timezone = Europe/Brussels
[house]
grid = grid
[source:grid]
type = p1
port = simulated
[switch:boiler]
type = simulated
power = 1200
rule = export
[switch:lamp]
type = gpio
pin = 24
rule = clock
hours = 18:00-22:00
"""


@pytest.fixture
def day(ini: Path) -> Iterator[tuple[Station, FakeClock]]:
    ini.write_text(INI)
    clock = FakeClock(datetime(2026, 6, 3, 14, 10, tzinfo=UTC))
    station = Station(ini, clock, threads=False)
    yield station, clock
    station.stop()


def test_a_sunny_afternoon_in_the_station(day: tuple[Station, FakeClock]) -> None:
    station, clock = day
    station.run(clock.now() + timedelta(hours=1, minutes=55))
    snapshot = station.hub.snapshot()
    assert snapshot.health["rules"].state == "ok"
    assert (snapshot.number("boiler", "run_time") or 0) > 300
    assert 1 <= (snapshot.number("boiler", "switchings") or 0) <= 40
    assert snapshot.number("lamp", "switch") == 1
    assert snapshot.labels["lamp"]["reason"] == "it is its time of the day"
    assert station.hub.dropped == {}


def problems(text: str) -> str:
    with pytest.raises(ConfigError) as wrong:
        parse(Path("s0web.ini"), text)
    return "\n".join(map(str, wrong.value.problems))


def test_sections_that_cannot_work_are_said() -> None:
    pins = INI + "[source:main]\ntype = s0\npin = 24\n"
    assert "is in use by [switch:lamp] already" in problems(pins)
    assert "export needs the meter at the grid" in problems(INI.replace("grid = grid\n", ""))
    second = INI + "[switch:two]\ntype = gpio\nnumbering = board\npin = 18\n"
    assert "[switch:two] pin: is in use by [switch:lamp] already." in problems(second)
    for more, sentence in (
        ("type = shelly\nhost = a b", "is not an address"),
        ("type = shelly\nhost = https://plug", "is not an address"),
        ("type = http\non_url = http://me:secret@plug/\noff_url = plug", "would be shown"),
        ("type = simulated\nrule = price", "it is EUR/kWh"),
        ("type = simulated\nrule = price\non = 0.2\noff = 0.1", "at least that of on (0.2)"),
        ("type = simulated\nrule = import\non = 500\noff = 100", "at least that of on (500)"),
        ("type = simulated\nrule = export\noff = 110%", "not be more than that of on (1000 W)"),
        ("type = simulated\nrule = clock", "say when it is to be on"),
        ("type = simulated\nhours = 8-10", "no range of hours"),
        ("type = simulated\ndaily_minimum = 60\ndaily_maximum = 30", "more than daily_maximum"),
        ("type = gpio\nnumbering = board\npin = 1", "is no GPIO"),
        ("type = mqtt\nhost = b\ncommand_topic = a/+", "neither + nor #"),
    ):
        assert sentence in problems(f"{INI}[switch:more]\n{more}\n"), more
    assert "secret" not in problems(
        f"{INI}[switch:x]\ntype = http\non_url = http://a:secret@b/\noff_url = b\n"
    )
    no_peak = INI + "[peak]\nenabled = no\n[switch:car]\ntype = simulated\nrule = peak\n"
    assert "peak needs enabled = yes" in problems(no_peak)


def test_simulated_loads_add_to_the_house_until_they_are_full() -> None:
    house = House()
    loads = Loads(house, {"boiler": 2000.0}, {"boiler": 1.0})
    assert loads.net(NOON) == house.at(NOON).power
    loads.switch("boiler", True)
    assert loads.net(NOON) == house.at(NOON).power + 2000
    loads.run(timedelta(minutes=30))
    assert loads.net(NOON) == house.at(NOON).power
    loads.midnight()
    assert (loads.taking("boiler"), loads.switchings) == (2000, 1)


def test_rules_that_fail_leave_the_loads_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = Rules(boiler={"rule": "export", "power": "2000"}, lamp={"rule": "manual"})
    rules.run(70, -2500)
    with monkeypatch.context() as broken:
        broken.setattr("s0web.derived.rules.step", lambda *_: 1 / 0)
        rules.run(2, -2500)
    assert rules.heard[-1] == Command("boiler", "wish", 0.0, "the rules failed")
    assert rules.health("source:rules").startswith("failed ZeroDivisionError")
    rules.run(400, -2500)
    assert rules.heard[-1].value == 1
    rules.loop.finish()
    assert rules.heard[-1].value == 1


def test_troubles_are_told_once() -> None:
    rules = Rules(grid="", boiler={"rule": "export"})
    first, second = rules.source.read(), rules.source.read()
    assert [type(item) for item in first] == [Reading, Trouble]
    assert second == []

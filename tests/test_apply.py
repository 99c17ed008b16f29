"""What a running station keeps and forgets when its settings change, in warped time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web import config
from s0web.clock import FakeClock
from s0web.inifile import Changes
from s0web.model import Command, Snapshot
from s0web.sinks.push import PushSink
from s0web.sources.p1 import P1Source
from s0web.station import Station
from tests.conftest import S0, S0_AND_P1

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MAINS = {
    "type": "adc",
    "current_channels": "brown:0, black:2",
    "voltage_channels": "brown:1, black:3",
    "amps_per_code": "0.0244",
}


class Warped:
    """A station that is stepped, and changed in between."""

    def __init__(self, ini: Path, text: str) -> None:
        ini.write_text(text)
        self.clock = FakeClock(NOON)
        self.station = Station(ini, self.clock, threads=False)
        self.run(25)

    def run(self, seconds: float) -> Snapshot:
        self.station.run(self.clock.now() + timedelta(seconds=seconds))
        return self.station.hub.snapshot()

    def change(self, changes: Changes, remove: tuple[str, ...] = (), minutes: int = 1) -> Snapshot:
        """Save and apply, then see each minute begin and end."""
        self.station.apply(config.save(self.station.path, changes, remove))
        for _ in range(minutes):
            self.run(12)
            self.clock.advance(46)
            self.run(2)
        return self.run(0)


@pytest.fixture
def house(ini: Path) -> Iterator[Warped]:
    house = Warped(ini, S0_AND_P1)
    yield house
    house.station.stop()


def test_nothing_is_left_of_a_wire_that_is_removed(house: Warped) -> None:
    before = house.change({"source:mains": MAINS}, minutes=4)
    assert before.health["mains.black"].state == "ok"
    after = house.change(
        {"source:mains": {"current_channels": "brown:0", "voltage_channels": "brown:1"}},
        minutes=4,
    )
    assert before.get("mains.black", "power")
    assert "mains.black" not in {*after.values, *after.health}
    energies = [s.number("mains.brown", "energy_import") or 0 for s in (before, after)]
    assert 0 < energies[0] < energies[1]
    assert after.health["mains.brown"].state == "ok"


def test_a_wire_that_is_back_goes_on_from_what_was_kept(house: Warped) -> None:
    before = house.change({"source:mains": MAINS}, minutes=4)
    wires = {"current_channels": "brown:0", "voltage_channels": "brown:1"}
    house.change({"source:mains": wires}, minutes=2)
    after = house.change({"source:mains": MAINS}, minutes=4)
    energies = [s.number("mains.black", "energy_export") or 0 for s in (before, after)]
    assert 0 < 1.5 * energies[0] < energies[1]  # as long as before, and what was kept


def test_nothing_is_left_of_a_meter_in_whose_place_is_a_counter(house: Warped) -> None:
    before = house.run(0)
    assert before.get("grid.gas", "volume")
    assert before.health["grid.gas"].state == "ok"
    house.change({}, ("source:main", "source:grid"), minutes=0)
    house.change({"source:grid": {"type": "p1", "port": "simulated"}})
    after = house.change({"source:grid": {"type": "s0", "port": None, "pin": "4"}})
    assert {name for name in after.values if name.startswith("grid.")} == set()
    assert {name for name in after.health if name.startswith("grid.")} == set()
    assert "grid" not in after.raw
    assert after.health["grid"].state == "ok"


def test_the_words_and_values_of_another_model_are_forgotten(house: Warped) -> None:
    meter = {"type": "modbus", "port": "simulated-bus", "model": "sdm630"}
    assert house.change({"source:meter": meter}).get("meter", "voltage_l3")
    after = house.change({"source:meter": {"model": "sdm120"}})
    assert after.get("meter", "voltage_l3") is None
    assert after.get("meter", "power")


def test_cubic_metres_never_become_kilowatt_hours(house: Warped) -> None:
    house.change({"source:well": {"type": "s0", "pin": "5", "measures": "water"}})
    assert house.station.hub.snapshot().get("well", "volume")
    house.station.tell(Command("well", "correct", 500.0))
    house.run(65)
    assert config.load(house.station.path).cache["well"] >= 500
    after = house.change({"source:well": MAINS | {"pin": None, "measures": None}}, minutes=4)
    assert (after.number("well", "energy_import") or 0) < 1
    assert after.get("well", "volume") is None


def test_what_was_changed_in_play_leaves_the_real_counter_alone(ini: Path) -> None:
    house = Warped(ini, S0 + "[cache]\nmain = 4711\n")
    house.change({"source:main": {"measures": "water"}})
    house.change({"source:main": {"measures": "energy"}})
    house.change({"source:main": {"measures": "water"}})
    house.change({"s0web": {"simulate": "no"}, "source:main": {"measures": "energy"}})
    house.station.tell(Command("main", "correct", 1.0))
    assert house.run(5).number("main", "energy_import") == pytest.approx(4712)
    assert house.run(0).health["station"].state == "running"
    house.station.stop()
    assert config.load(ini).cache == {"main": 4712}


def test_a_section_whose_driver_cannot_be_made_leaves_the_others_alone(
    house: Warped, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> None:
        raise KeyError("brown")

    monkeypatch.setattr(P1Source, "__init__", cannot)
    monkeypatch.setattr(PushSink, "__init__", cannot)
    push = {"type": "push", "device": "main", "url": "http://127.0.0.1:9/state/main"}
    after = house.change(
        {
            "sink:attic": push,
            "source:grid": {"patience": "20"},
            "source:well": {"type": "s0", "pin": "5", "measures": "water"},
        }
    )
    for name in ("grid", "sink:attic"):
        assert after.health[name].state == "failed"
        assert after.health[name].text == "KeyError: 'brown'"
    assert after.health["well"].state == after.health["main"].state == "ok"
    assert house.station.state == "running"
    after = house.change({}, ("sink:attic",))
    assert "sink:attic" not in after.health

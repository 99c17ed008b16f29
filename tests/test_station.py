import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web import config
from s0web.clock import FakeClock
from s0web.errors import StationError
from s0web.model import Command
from s0web.station import Station
from tests.conftest import S0_AND_P1, until

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def energy(station: Station) -> float:
    return station.hub.snapshot().number("main", "energy_import") or 0.0


def test_a_counter_goes_on_from_what_was_kept(ini: Path) -> None:
    ini.write_text(S0_AND_P1)
    for _ in range(2):
        station = Station(ini)
        station.start()
        until(lambda s=station: s.state == "running" and energy(s), "the counter")  # type: ignore[misc]
        before = energy(station)
        for _ in range(3):
            station.tell(Command("main", "trigger"))
        until(lambda s=station, b=before: energy(s) >= b + 0.003, "three pulses")  # type: ignore[misc]
        after = energy(station)
        station.stop()
        assert config.load(ini).cache["main"] == pytest.approx(energy(station), abs=1e-9)
        assert after <= energy(station)
    assert config.load(ini).cache["main"] >= 22.234


def test_start_may_be_called_many_times(ini: Path) -> None:
    ini.write_text(S0_AND_P1)
    station = Station(ini)
    for _ in range(5):
        station.start()
    until(lambda: station.state == "running", "the start")
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("keeper") == 1
    assert names.count("source:main") == 1
    station.stop()


def test_a_second_station_waits_and_takes_over(station: Station) -> None:
    second = Station(station.path)
    second.start()
    until(lambda: second.state == "waiting", "the second to wait")
    with pytest.raises(StationError, match="Another s0web has the wires"):
        second.tell(Command("main", "trigger"))
    before = energy(station)
    station.stop()
    until(lambda: second.state == "running", "the take-over", 5.0)
    until(lambda: energy(second), "its counter")
    assert energy(second) >= before
    second.stop()


def test_apply_changes_what_changed_and_leaves_the_rest_alone(house: Station) -> None:
    station = house
    grid = next(t for t in threading.enumerate() if t.name == "source:grid")
    before = energy(station)
    config.save(
        station.path,
        {
            "source:main": {"pulses_per_kwh": "500"},
            "source:gas": {"type": "s0", "pin": "5", "measures": "gas"},
        },
    )
    station.tell(Command("station", "apply"))
    until(lambda: station.hub.snapshot().get("gas", "volume"), "the new counter")
    assert grid.is_alive()
    assert energy(station) >= before
    pulses = station.hub.snapshot().number("main", "pulses")
    assert pulses is not None
    config.save(station.path, {}, ("source:gas",))
    station.tell(Command("station", "apply"))
    until(lambda: "gas" not in station.devices(), "the removal")
    until(lambda: "gas" not in station.hub.snapshot().health, "its health to go")


def test_a_device_that_measures_something_else_begins_anew(station: Station) -> None:
    config.save(station.path, {"source:main": {"measures": "water"}})
    station.tell(Command("station", "apply"))
    until(lambda: station.hub.snapshot().get("main", "volume"), "the water")
    assert station.hub.snapshot().number("main", "volume") == pytest.approx(0, abs=0.1)
    assert station.hub.snapshot().get("main", "energy_import") is None


def test_a_grid_meter_that_becomes_a_counter_leaves_it_no_register(house: Station) -> None:
    config.save(house.path, {}, ("source:main", "source:grid"))
    config.save(
        house.path, {"source:grid": {"type": "s0", "pin": "4"}, "cache:simulated": {"grid": "7"}}
    )
    house.tell(Command("station", "apply"))
    until(lambda: house.devices().get("grid", {}).get("type") == "s0", "the change")
    until(lambda: house.hub.snapshot().get("grid", "pulses"), "the counter")
    assert house.hub.snapshot().number("grid", "energy_import") == pytest.approx(7, abs=0.1)


def test_a_removed_counter_keeps_its_last_pulses(station: Station) -> None:
    station.tell(Command("main", "correct", 5.0))
    until(lambda: energy(station) > 27, "the correction")
    last = energy(station)
    config.save(station.path, {}, ("source:main",))
    station.tell(Command("station", "apply"))
    until(lambda: not station.devices(), "the removal")
    until(lambda: station.state == "running", "the rest")
    station.stop()
    assert config.load(station.path).cache["main"] >= last


def test_a_file_that_is_half_written_or_gone_stops_nothing(station: Station) -> None:
    text = station.path.read_text()
    station.path.write_text("")
    until(lambda: "half written" in station.problem, "the half-written file to be seen")
    station.path.unlink()
    station.tell(Command("main", "correct", 5.0))
    until(lambda: energy(station) > 27, "the correction")
    assert list(station.devices()) == ["main"]
    station.path.write_text(text)
    until(lambda: station.problem == "", "the file to be back")


def test_a_hand_edit_is_applied_and_a_mistake_in_it_changes_nothing(station: Station) -> None:
    text = station.path.read_text()
    station.path.write_text(text.replace("pin = 4", "pin = four"))
    until(lambda: "'four' is not a whole number" in station.problem, "the mistake to be seen")
    assert station.state == "running"
    assert station.devices()["main"]["pin"] == 4
    station.path.write_text(text.replace("pin = 4", "pin = 5"))
    until(lambda: station.devices()["main"]["pin"] == 5, "the edit to be applied")
    until(lambda: station.problem == "", "the mistake to be forgotten")


def test_a_station_with_a_broken_file_says_so_and_starts_when_it_is_mended(ini: Path) -> None:
    ini.write_text("[s0web\n")
    station = Station(ini)
    station.start()
    until(lambda: station.state == "failed", "the mistake to be seen")
    assert "line 1" in station.sentence()
    ini.write_text(S0_AND_P1)
    until(lambda: station.state == "running", "the start")
    station.stop()


def test_a_missing_file_is_made(ini: Path) -> None:
    station = Station(ini)
    station.start()
    until(lambda: station.state == "running", "the start")
    assert "[s0web]" in ini.read_text()
    station.stop()


def test_a_folder_that_cannot_be_used_is_a_sentence() -> None:
    station = Station(Path("/proc/s0web/s0web.ini"))
    station.start()
    until(lambda: station.state == "failed", "the refusal")
    assert "/proc/s0web" in station.sentence()
    station.stop()


def test_another_house_forgets_the_values_of_this_one(house: Station) -> None:
    station = house
    config.save(
        station.path, {"s0web": {"simulate": "no"}, "source:grid": {"port": "/dev/nonesuch"}}
    )
    station.tell(Command("station", "apply"))
    until(lambda: station.config and not station.config.simulate, "the change")
    until(lambda: station.hub.snapshot().health.get("source:grid"), "the real wire")
    until(lambda: "nonesuch" in station.hub.snapshot().health["source:grid"].text, "its failure")
    assert station.hub.snapshot().get("grid", "power") is None
    assert config.load(station.path).cache == {}


def test_a_command_for_nobody_is_refused(station: Station) -> None:
    with pytest.raises(StationError, match="no source with the name nobody"):
        station.tell(Command("nobody", "trigger"))


def test_draining_saves_again_and_again(station: Station) -> None:
    station.drain()
    before = config.load(station.path).cache["main"]
    station.tell(Command("main", "trigger"))
    until(lambda: config.load(station.path).cache["main"] > before, "a checkpoint")


def test_a_stop_is_over_when_it_returns_and_may_come_twice(station: Station) -> None:
    station.stop()
    assert station.state == "stopped"
    assert not {"keeper", "source:main", "sink:cache"} & {t.name for t in threading.enumerate()}
    station.stop()


@pytest.mark.timeout(600)  # it calculates, however busy the machine is
def test_a_day_in_warped_time_agrees_with_the_house(ini: Path) -> None:
    """Both wires tell of the same house, over the change to summer time, in one thread."""
    ini.write_text(S0_AND_P1)
    start = datetime(2026, 3, 28, 22, tzinfo=UTC)
    clock = FakeClock(start)
    station = Station(ini, clock, threads=False)
    station.run(start + timedelta(seconds=30))
    first = station.hub.snapshot()
    station.run(start + timedelta(hours=24))
    last = station.hub.snapshot()
    station.stop()
    assert station.hub.dropped == {}

    from s0web.simulation.house import House

    house = House()
    begin, end = house.at(start), house.at(start + timedelta(hours=24))
    counted = (last.number("main", "energy_import") or 0) - 22.228
    assert counted == pytest.approx(end.energy - begin.energy, abs=0.0011)
    for register in ("energy_import_high", "energy_import_low", "energy_export_high"):
        old, new = first.number("grid", register), last.number("grid", register)
        assert old is not None
        assert new is not None
        assert new == pytest.approx(getattr(end, register), abs=0.02)
        assert new >= old

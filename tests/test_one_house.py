"""One house on four wires: pulses, telegrams, registers and samples tell the same truth."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web import fresh
from s0web.clock import FakeClock
from s0web.model import Snapshot
from s0web.simulation.house import House, Truth
from s0web.station import Station
from tests.conftest import until

HOUSE = House()
DEVICES = ("main", "grid", "meter", "solar", "mains")
SUNDAY = datetime(2026, 3, 8, tzinfo=UTC)  # a day with sun: both directions


@contextmanager
def four_wires(ini: Path, interval: str, clock: FakeClock | None = None) -> Iterator[Station]:
    """The demo's station, its Modbus meters read every `interval` seconds."""
    sections = {name: dict(options) for name, options in fresh.DEMO.items()}
    for name in ("source:meter", "source:solar"):
        sections[name]["interval"] = interval
    ini.write_text(fresh.new_file(sections))
    station = Station(ini, clock, threads=clock is None)
    try:
        yield station
    finally:
        station.stop()


def energy(snapshot: Snapshot, device: str, way: str) -> float:
    """kWh that a device has counted, of both tariffs where it tells them apart."""
    parts = [snapshot.number(device, f"energy_{way}{tariff}") for tariff in ("_high", "_low")]
    if None not in parts:
        return sum(part for part in parts if part is not None)
    number = snapshot.number(device, f"energy_{way}")
    assert number is not None, (device, way)
    return number


def registers(truth: Truth) -> tuple[float, float]:
    """What the house has imported and exported, kWh."""
    return (
        truth.energy_import_high + truth.energy_import_low,
        truth.energy_export_high + truth.energy_export_low,
    )


def told(snapshot: Snapshot, device: str, quantity: str) -> Truth:
    """The house at the moment for which the device tells this quantity."""
    value = snapshot.get(device, quantity)
    assert value is not None
    return HOUSE.at(value.time)


def test_a_simulated_day_is_the_same_on_four_wires(ini: Path) -> None:
    start = SUNDAY - timedelta(seconds=90)  # a first minute in which all have told
    clock = FakeClock(start)
    with four_wires(ini, "60", clock) as station:
        station.run(SUNDAY)
        first = station.hub.snapshot()
        station.run(SUNDAY + timedelta(days=1))
        last = station.hub.snapshot()
        for device in DEVICES:
            assert last.health[device].state == "ok", last.health[device]
        assert last.health["compare:grid-mains"].state == "ok"

    # S0: one pulse
    begin, end = HOUSE.at(start), HOUSE.at(SUNDAY + timedelta(days=1))
    counted = energy(last, "main", "import")
    assert counted == pytest.approx(end.energy - begin.energy, abs=0.001)
    # P1: a register step of 1 Wh, at the telegram's own second
    imported, exported = registers(told(last, "grid", "energy_import_high"))
    assert energy(last, "grid", "import") == pytest.approx(imported, abs=0.0021)
    assert energy(last, "grid", "export") == pytest.approx(exported, abs=0.0021)
    # Modbus: a step of float32, within the seconds of one sweep
    imported, exported = registers(told(last, "meter", "energy_import"))
    assert energy(last, "meter", "import") == pytest.approx(imported, abs=0.004)
    assert energy(last, "meter", "export") == pytest.approx(exported, abs=0.004)
    # ADC: 0.1 % of what flowed
    for index, way in enumerate(("import", "export")):
        flowed = energy(last, "mains", way) - energy(first, "mains", way)
        truth = [registers(told(of, "mains", "power"))[index] for of in (first, last)]
        assert flowed == pytest.approx(truth[1] - truth[0], rel=0.001)

    # and one with another: what the house used came in, less what went out, and from the sun
    def gained(device: str, way: str) -> float:
        return energy(last, device, way) - energy(first, device, way)

    used = counted - energy(first, "main", "import")
    sun = gained("solar", "export")
    for device in ("grid", "meter", "mains"):
        net = gained(device, "import") - gained(device, "export")
        assert net + sun == pytest.approx(used, rel=0.002), device


def test_four_wires_agree_in_real_time(ini: Path) -> None:
    with four_wires(ini, "0.5") as station:
        station.start()

        def all_tell() -> bool:
            health = station.hub.snapshot().health
            return all(health[d].state == "ok" for d in DEVICES if d in health) and all(
                station.hub.snapshot().get(device, "power") for device in DEVICES[1:]
            )

        until(lambda: station.state == "running" and all_tell(), "all four wires", 30)
        first = station.hub.snapshot()
        until(
            lambda: all(
                station.hub.snapshot().values[d]["power"].time
                > first.values[d]["power"].time + timedelta(seconds=3)
                for d in ("grid", "meter", "mains")
            ),
            "some seconds of news",
            30,
        )
        last = station.hub.snapshot()
    for device in ("grid", "meter", "mains"):
        value = last.get(device, "power")
        assert value is not None
        around = [HOUSE.at(value.time + timedelta(seconds=s)).power for s in range(-3, 3)]
        assert min(around) - 8 <= value.number <= max(around) + 8, (device, value, around)

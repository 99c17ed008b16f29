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


@pytest.mark.timeout(600)  # it calculates, however busy the machine is
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


def counted(house: House, time: datetime) -> tuple[float, float]:
    """What the house has imported and exported until a moment within a second, kWh."""
    begin = registers(house.at(time))
    end = registers(house.at(time + timedelta(seconds=1)))
    part = time.microsecond / 1e6
    return begin[0] + part * (end[0] - begin[0]), begin[1] + part * (end[1] - begin[1])


def consumed(house: House, time: datetime) -> float:
    """What the house has used until a moment within a second, kWh."""
    begin, end = house.at(time).energy, house.at(time + timedelta(seconds=1)).energy
    return begin + time.microsecond / 1e6 * (end - begin)


def test_four_wires_agree_in_real_time(ini: Path) -> None:
    with four_wires(ini, "0.5") as station:
        station.start()

        def news(device: str, since: Snapshot, seconds: float) -> bool:
            old, new = (of.get(device, "power") for of in (since, station.hub.snapshot()))
            return bool(old and new and new.time >= old.time + timedelta(seconds=seconds))

        meters = ("grid", "meter", "mains")
        until(
            lambda: (
                all(station.hub.snapshot().get(d, "power") for d in (*meters, "solar"))
                and station.hub.snapshot().get("main", "energy_import")
            ),
            "all wires",
            30,
        )
        first = station.hub.snapshot()
        until(lambda: all(news(d, first, 5.0) for d in meters), "five seconds of news", 60)
        last = station.hub.snapshot()
    for device in DEVICES:
        assert last.health[device].state == "ok", (device, last.health[device])

    begin, end = (of.values["main"]["energy_import"] for of in (first, last))
    truth = consumed(HOUSE, end.time) - consumed(HOUSE, begin.time)
    assert end.number - begin.number == pytest.approx(truth, abs=0.0015)  # one pulse, rounded
    for device, step in (("grid", 0.0021), ("meter", 0.004)):
        for index, way in enumerate(("import", "export")):
            quantity = f"energy_{way}" + ("_high" if device == "grid" else "")
            truth = registers(told(last, device, quantity))[index]
            assert energy(last, device, way) == pytest.approx(truth, abs=step), (device, way)
    for index, way in enumerate(("import", "export")):
        times = [of.values["mains"]["power"].time for of in (first, last)]
        truth = counted(HOUSE, times[1])[index] - counted(HOUSE, times[0])[index]
        gained = energy(last, "mains", way) - energy(first, "mains", way)
        # 0.1 %, and 0.2 s of the largest appliance: a window's flanks reach so far into the next
        assert gained == pytest.approx(truth, rel=0.001, abs=4000 * 0.2 / 3.6e6), way

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s0web.clock import FakeClock
from s0web.errors import SourceError
from s0web.model import Command, Reading, Trouble
from s0web.options import OPTIONS
from s0web.sources.s0 import S0Source
from tests.wires import HandEdges, HandWires

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def options(**texts: str) -> dict[str, Any]:
    given = {"pin": "4", **texts}
    rows = {o.name: o.parse(given.get(o.name, o.default or "")) for o in OPTIONS["source.s0"]}
    return {"type": "s0", **rows}


class House:
    """One S0 source on wires by hand; `at` counts seconds from the start."""

    def __init__(self, totals: dict[str, float] | None = None, **sections: dict[str, Any]) -> None:
        self.clock = FakeClock(NOON, monotonic=5000.0)
        self.wires = HandWires(self.clock)
        given = sections or {"main": options()}
        self.source = S0Source(given, self.wires, self.clock, lambda device: totals or {})
        self.source.open()
        self.source.read()  # the totals as they stand

    @property
    def edges(self) -> HandEdges:
        return self.wires.claims[-1]

    def pulse_at(self, seconds: float, line: int = 4) -> list[Reading]:
        """Let the time pass to then, make a pulse, read at its end."""
        at = 5000.0 + seconds
        self.edges.pulse(line, at)
        self.clock.advance(max(0.0, at + 0.03 - self.clock.monotonic()))
        return self.read()

    def read(self) -> list[Reading]:
        return [told for told in self.source.read() if isinstance(told, Reading)]


def test_the_first_pulse_gives_energy_but_no_power() -> None:
    (told,) = House().pulse_at(7.0)
    assert told.values == {"energy_import": 0.001, "pulses": 1.0}
    assert told.time == NOON + timedelta(seconds=7)


def test_power_is_the_energy_of_a_pulse_over_its_interval() -> None:
    house = House(main=options(pulses_per_kwh="800"))
    house.pulse_at(1.0)
    (told,) = house.pulse_at(3.5)
    assert told.values["pulse_interval"] == pytest.approx(2.5)
    assert told.values["power"] == pytest.approx(3.6e6 / (800 * 2.5))


def test_a_total_is_exact_after_a_hundred_thousand_pulses() -> None:
    house = House({"energy_import": 22.228})
    counter = next(iter(house.source._counters.values()))
    counter._pulses = 100_000
    assert counter.total == 122.228


def test_it_goes_on_from_the_total_it_was_given() -> None:
    (told,) = House({"energy_import": 22.228, "pulses": 5.0}).pulse_at(1.0)
    assert told.values == {"energy_import": 22.229, "pulses": 6.0}


def test_power_between_pulses_is_never_more_than_what_is_still_possible() -> None:
    house = House()
    house.pulse_at(1.0)
    house.pulse_at(2.0)  # 3600 W
    shown = 3600.0
    for _ in range(4000):
        house.clock.advance(0.5)
        for told in house.read():
            assert set(told.values) == {"power"}
            shown = told.values["power"]
        elapsed = house.clock.monotonic() - 5002.0
        assert shown <= 3.6e6 / (1000 * elapsed) / 0.98 + 1e-9
    assert shown == 0.0
    assert house.read() == []


def test_a_decaying_power_changes_no_energy() -> None:
    house = House()
    house.pulse_at(1.0)
    house.pulse_at(2.0)
    house.clock.advance(3000)
    house.read()
    (told,) = house.pulse_at(3010.0)
    assert told.values["energy_import"] == 0.003


def test_a_step_of_the_wall_clock_changes_neither_power_nor_count() -> None:
    house = House()
    house.pulse_at(1.0)
    house.clock.step_wall(-7200)
    (told,) = house.pulse_at(2.0)
    assert told.values["power"] == pytest.approx(3600.0)
    assert told.values["energy_import"] == 0.002


def test_gas_pulses_count_cubic_metres_and_flow() -> None:
    house = House(gas=options(measures="gas", pulses_per_m3="100"))
    house.pulse_at(1.0)
    (told,) = house.pulse_at(19.0)
    assert told.values["volume"] == 0.02
    assert told.values["flow"] == pytest.approx(2.0)


def test_many_inputs_share_one_claim_of_the_chip() -> None:
    house = House(main=options(), heat=options(pin="17"), water=options(pin="27", measures="water"))
    assert [line.offset for line in house.edges.lines] == [4, 17, 27]
    (told,) = house.pulse_at(1.0, line=17)
    assert told.device == "heat"


def test_board_numbers_are_translated() -> None:
    house = House(main=options(pin="7", numbering="board"))
    assert house.edges.lines[0].offset == 4


def test_a_correction_is_a_difference_so_that_no_pulse_is_lost() -> None:
    house = House({"energy_import": 10.0})
    house.edges.pulse(4, 5000.5)  # comes while somebody types
    (told,) = house.source.obey(Command("main", "correct", 2.5))
    assert isinstance(told, Reading)
    assert told.values["energy_import"] == 12.5
    (told,) = house.read()
    assert told.values["energy_import"] == 12.501


def test_a_correction_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="less than 0"):
        House({"energy_import": 1.0}).source.obey(Command("main", "correct", -1.5))


def test_the_led_blinks_with_each_pulse() -> None:
    house = House(main=options(blink="yes"))
    assert house.edges.lines[0].led == 27
    house.pulse_at(1.0)
    assert house.edges.blinks == [4]


def test_a_chip_that_goes_raises_and_comes_back_without_a_false_power() -> None:
    house = House()
    house.pulse_at(1.0)
    house.edges.gone = True
    with pytest.raises(SourceError, match="gone"):
        house.source.read()
    house.source.close()
    house.source.close()
    house.source.open()
    (standing,) = house.read()
    assert standing.values["energy_import"] == 0.001
    (told,) = house.pulse_at(600.0)
    assert "power" not in told.values


def test_a_missing_chip_is_a_sentence() -> None:
    clock = FakeClock()
    wires = HandWires(clock)
    wires.missing = True
    source = S0Source({"main": options()}, wires, clock, lambda device: {})
    with pytest.raises(SourceError, match="source:main: no Raspberry Pi GPIO chip"):
        source.open()


def test_no_power_comes_from_a_pulse_whose_rise_was_lost() -> None:
    house = House()
    house.pulse_at(1.0)
    house.edges.seqno[4] += 1  # the rise is lost to an overflow
    house.edges.edge(4, False, 5002.0)
    house.clock.advance(1.5)
    (told,) = house.read()
    assert set(told.values) == {"energy_import", "pulses"}
    (told,) = house.pulse_at(3.0)
    assert set(told.values) == {"energy_import", "pulses"}
    assert told.values["energy_import"] == 0.003
    (told,) = house.pulse_at(4.0)
    assert told.values["power"] == pytest.approx(3600.0)


def test_an_led_that_fails_costs_no_pulse_of_any_input() -> None:
    house = House(main=options(blink="yes"), heat=options(pin="17"))
    house.edges.led_fails = True
    house.edges.pulse(4, 5001.0)
    house.edges.pulse(17, 5001.0)
    house.clock.advance(2)
    told = house.source.read()
    assert [t.device for t in told if isinstance(t, Reading)] == ["main", "heat"]
    (trouble,) = [t for t in told if isinstance(t, Trouble)]
    assert (trouble.device, trouble.kind) == ("main", "led")


def test_it_says_when_a_pulse_has_begun() -> None:
    house = House()
    assert not house.source.is_amid
    house.edges.edge(4, True, 5001.0)
    house.read()
    assert house.source.is_amid
    house.edges.edge(4, False, 5001.03)
    house.read()
    assert not house.source.is_amid

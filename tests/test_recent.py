from datetime import UTC, datetime, timedelta

from s0web.archive.recent import SLOTS, Recent
from s0web.model import Reading

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def told(recent: Recent, seconds: float, power: float) -> None:
    recent.write(
        [Reading("grid", NOON + timedelta(seconds=seconds), {"power": power, "energy_import": 1.0})]
    )


def series(
    recent: Recent, at: float, seconds: int, step: int = 10, hold: int = 0
) -> list[float | None]:
    found = recent.series("grid", "power", NOON + timedelta(seconds=at), seconds, step, hold)
    assert found is not None
    return found[1]


def test_a_slot_holds_the_mean_of_its_ten_seconds() -> None:
    recent = Recent()
    for second in range(10):
        told(recent, second, float(second))
    told(recent, 12, 100.0)
    assert series(recent, 15, 20) == [4.5, 100.0]


def test_a_gap_is_a_gap_and_a_value_holds_only_so_long() -> None:
    recent = Recent()
    told(recent, 0, 7.0)
    told(recent, 50, 9.0)
    assert series(recent, 55, 60) == [7.0, None, None, None, None, 9.0]
    assert series(recent, 55, 60, hold=20) == [7.0, 7.0, 7.0, None, None, 9.0]


def test_coarser_steps_are_means_on_their_own_grid() -> None:
    recent = Recent()
    for second in range(0, 120, 10):
        told(recent, second, float(second))
    found = recent.series("grid", "power", NOON + timedelta(seconds=119), 120, 60, 0)
    assert found == (int(NOON.timestamp()), [25.0, 85.0])


def test_a_day_is_kept_and_no_more() -> None:
    recent = Recent()
    for slot in range(SLOTS + 100):
        told(recent, slot * 10.0, float(slot))
    values = series(recent, (SLOTS + 99) * 10.0, 24 * 3600)
    assert len(values) == SLOTS
    assert (values[0], values[-1]) == (100.0, SLOTS + 99.0)


def test_a_pause_longer_than_a_day_forgets_everything_before_it() -> None:
    recent = Recent()
    told(recent, 0, 1.0)
    told(recent, 3 * 86_400, 2.0)
    assert [v for v in series(recent, 3 * 86_400, 24 * 3600) if v is not None] == [2.0]


def test_a_late_value_finds_its_slot() -> None:
    recent = Recent()
    told(recent, 100, 1.0)
    told(recent, 40, 5.0)
    assert series(recent, 100, 70)[0] == 5.0


def test_a_clock_that_was_ahead_and_is_set_right_begins_anew() -> None:
    recent = Recent()
    told(recent, 2 * 86_400, 1.0)
    told(recent, 0, 2.0)
    told(recent, 10, 3.0)
    assert series(recent, 10, 20) == [2.0, 3.0]


def test_registers_and_strangers_have_no_series() -> None:
    recent = Recent()
    told(recent, 0, 1.0)
    assert recent.series("grid", "energy_import", NOON, 60, 10, 0) is None
    assert recent.series("gird", "power", NOON, 60, 10, 0) is None

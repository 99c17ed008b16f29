import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from s0web.clock import FakeClock
from s0web.hub import Hub
from s0web.log import Log
from s0web.model import Frame, Health, Reading, Value

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def reading(device: str = "main", at: datetime = NOON, **values: float) -> Reading:
    return Reading(device, at, values)


@pytest.fixture
def hub() -> Hub:
    return Hub(FakeClock(NOON))


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Reading("main", datetime(2026, 3, 2), {})


def test_a_time_in_another_zone_is_kept_as_utc() -> None:
    from zoneinfo import ZoneInfo

    there = NOON.astimezone(ZoneInfo("Europe/Brussels"))
    assert Reading("main", there, {}).time.tzinfo is UTC


def test_values_of_many_readings_stay_each_with_its_own_time(hub: Hub) -> None:
    hub.publish([reading(power=100.0, voltage=230.0)])
    hub.publish([reading(at=NOON + timedelta(seconds=5), power=200.0)])
    snapshot = hub.snapshot()
    assert snapshot.number("main", "power") == 200.0
    voltage = snapshot.get("main", "voltage")
    assert voltage is not None
    assert (voltage.number, voltage.time) == (230.0, NOON)


def test_a_snapshot_never_changes(hub: Hub) -> None:
    hub.publish([reading(power=1.0)])
    before = hub.snapshot()
    hub.publish([reading(power=2.0)])
    assert before.number("main", "power") == 1.0
    assert hub.snapshot().version == before.version + 1


def test_arrival_decides_not_stamps(hub: Hub) -> None:
    hub.publish([reading(power=1.0)])
    hub.publish([reading(at=NOON - timedelta(hours=1), power=2.0)])
    assert hub.snapshot().number("main", "power") == 2.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_nobody_could_use_is_dropped_and_counted(hub: Hub, bad: float) -> None:
    assert hub.publish([reading(power=bad, voltage=230.0)]) == 1
    assert hub.snapshot().get("main", "power") is None
    assert hub.snapshot().number("main", "voltage") == 230.0
    assert hub.dropped["number"] == 1


def test_a_quantity_outside_the_vocabulary_is_dropped_and_counted(hub: Hub) -> None:
    assert hub.publish([reading(leistung=5.0)]) == 0
    assert hub.dropped["quantity"] == 1


@pytest.mark.parametrize(
    "at", [datetime(1999, 12, 31, tzinfo=UTC), NOON + timedelta(days=1, seconds=1)]
)
def test_a_time_that_cannot_be_is_dropped_and_counted(hub: Hub, at: datetime) -> None:
    assert hub.publish([reading(at=at, power=1.0)]) == 0
    assert hub.dropped["time"] == 1


def test_an_old_value_that_is_told_again_after_a_start_is_not_news(hub: Hub) -> None:
    then = NOON - timedelta(minutes=5)
    gas = Reading("grid.gas", then, {"volume": 5.0}, {"ean": "54"}, "G1")
    hub.recall({"grid.gas": {"volume": Value(5.0, then, "G1")}}, {})
    assert hub.publish([replace(gas, labels={})]) == 1  # heard
    assert hub.after(0).readings == []
    hub.publish([replace(gas, values={"volume": 5.1}), replace(gas, meter="G2")])
    hub.publish([Reading("grid", NOON, {"power": 1.0})] * 2)  # a new stamp counts each time
    told = [dict(reading.values) for reading in hub.after(0).readings]
    assert told == [{"volume": 5.1}, {"volume": 5.0}, {"power": 1.0}, {"power": 1.0}]


def test_what_is_known_is_told_each_value_with_its_own_time(hub: Hub) -> None:
    hub.publish([reading(power=5, energy_import=1)])
    hub.publish([reading(at=NOON + timedelta(seconds=1), power=6), reading("grid", voltage=230)])
    assert sorted((r.device, r.time, dict(r.values)) for r in hub.known()) == [
        ("grid", NOON, {"voltage": 230}),
        ("main", NOON, {"energy_import": 1}),
        ("main", NOON + timedelta(seconds=1), {"power": 6}),
    ]


def test_frames_are_kept_raw_and_not_logged(hub: Hub) -> None:
    hub.publish([Frame("grid", b"/FLU5")])
    assert hub.snapshot().raw == {"grid": b"/FLU5"}
    assert hub.last == 0


def test_health_makes_a_version_only_when_state_or_sentence_changes(hub: Hub) -> None:
    hub.report("source:main", Health("ok", NOON))
    version = hub.snapshot().version
    hub.report("source:main", Health("ok", NOON, troubles=3))
    assert hub.snapshot().version == version
    assert hub.snapshot().health["source:main"].troubles == 3
    hub.report("source:main", Health("failed", NOON, "gone"))
    assert hub.snapshot().version == version + 1


def test_wait_returns_at_the_next_version(hub: Hub) -> None:
    hub.publish([reading(power=1.0)])
    version = hub.snapshot().version
    timer = threading.Timer(0.05, lambda: hub.publish([reading(power=2.0)]))
    timer.start()
    assert hub.wait(version, 5.0).number("main", "power") == 2.0
    timer.join()


def test_wait_gives_up_after_its_seconds(hub: Hub) -> None:
    assert hub.wait(hub.snapshot().version, 0.01) is hub.snapshot()


def test_the_log_numbers_readings_in_order_of_arrival(hub: Hub) -> None:
    for power in (1.0, 2.0, 3.0):
        hub.publish([reading(power=power)])
    batch = hub.after(1)
    assert [r.values["power"] for r in batch.readings] == [2.0, 3.0]
    assert (batch.last, batch.missed) == (3, 0)
    assert hub.after(3).readings == []
    assert hub.after(3).last == 3


def test_the_log_is_bounded_and_tells_what_left_it() -> None:
    log = Log(capacity=10)
    log.append([reading(power=float(n)) for n in range(1, 26)])
    batch = log.after(5, limit=4)
    assert [r.values["power"] for r in batch.readings] == [16.0, 17.0, 18.0, 19.0]
    assert (batch.last, batch.missed) == (19, 10)
    assert log.after(batch.last, limit=100).last == 25


def test_many_threads_publish_and_nothing_is_lost(hub: Hub) -> None:
    def run(device: str) -> None:
        for n in range(200):
            hub.publish([Reading(device, NOON, {"pulses": float(n)})])

    threads = [threading.Thread(target=run, args=(f"d{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hub.last == 8 * 200
    assert all(hub.snapshot().number(f"d{n}", "pulses") == 199.0 for n in range(8))

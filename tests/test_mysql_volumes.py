"""EnergyMonitor's VolumeData, made by the sink mysql on the real MariaDB."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from s0web.model import Reading
from s0web.sinks.mysql_volumes import GAP, volumes
from tests.mariadb_server import MariaDb
from tests.test_mysql_sink import MADE, kept, maria, opened, rows, shared

__all__ = ["maria", "shared"]  # fixtures
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = 60_000  # ms
NUMBERS = [
    f"{side}{what}" for side in ("Supply", "Usage") for what in ("Wh", "MaxW", "MinW", "AvgW")
]
ROWS = (
    "SELECT TIMESTAMPDIFF(SECOND, '2026-07-01 12:00:00', TimeStamp), NumReads, "
    f"{', '.join(f'ROUND({name}, 6)' for name in NUMBERS)} "
    "FROM VolumeData WHERE Point = 'Mains' ORDER BY TimeStamp"
)
# as its db.sql makes it
PREDECESSORS = (
    "CREATE TABLE `VolumeData` (`TimeStamp` datetime NOT NULL, `Point` varchar(10) NOT NULL,"
    "`NumReads` int(11) NOT NULL, `SupplyWh` double NOT NULL, `SupplyMaxW` double NOT NULL,"
    "`SupplyMinW` double NOT NULL, `SupplyAvgW` double NOT NULL, `UsageWh` double NOT NULL,"
    "`UsageMaxW` double NOT NULL, `UsageMinW` double NOT NULL, `UsageAvgW` double NOT NULL,"
    "`TotalAvgW` int(11) GENERATED ALWAYS AS (round(`SupplyAvgW` - `UsageAvgW`,0)) VIRTUAL,"
    "`TotalMaxW` int(11) GENERATED ALWAYS AS (case when `SupplyMaxW` > 0 then `SupplyMaxW` else"
    " -`UsageMinW` end) VIRTUAL, `TotalMinW` int(11) GENERATED ALWAYS AS (case when `UsageMaxW` > 0"
    " then -`UsageMaxW` else `SupplyMinW` end) VIRTUAL) ENGINE=InnoDB DEFAULT CHARSET=utf8",
    "ALTER TABLE `VolumeData` ADD PRIMARY KEY (`TimeStamp`,`Point`), "
    "ADD KEY `PointTimestampIdx` (`Point`,`TimeStamp`)",
)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while MADE:
        MADE.pop().close()


def house(
    seconds: float, power: float, bought: float, sold: float = 0.0, device: str = "Mains"
) -> Reading:
    """W, and registers in Wh."""
    values = {"power": power, "energy_import": bought / 1000, "energy_export": sold / 1000}
    return Reading(device, NOON + timedelta(seconds=seconds), values)


def steady(begin: int, end: int, power: float, step: int = 10) -> list[Reading]:
    return [
        house(s, power, max(power, 0) * s / 3600, max(-power, 0) * s / 3600)
        for s in range(begin, end, step)
    ]


def written(maria: MariaDb, *batches: list[Reading], **texts: str) -> list[Any]:
    made = opened(maria, layout="energymonitor", **texts)
    for batch in batches:
        made.write(batch)
    return rows(maria, ROWS)


def test_a_steady_power_gives_its_energy_and_mean_in_every_whole_interval(maria: MariaDb) -> None:
    told = written(maria, steady(5, 190, 1200.0))
    assert told == [
        (60, 6, 20.0, 1200.0, 1200.0, 1200.0, 0.0, 0.0, 0.0, 0.0),
        (120, 6, 20.0, 1200.0, 1200.0, 1200.0, 0.0, 0.0, 0.0, 0.0),
    ]
    assert rows(maria, "SELECT DISTINCT TotalAvgW, TotalMaxW, TotalMinW FROM VolumeData") == [
        (1200, 1200, 1200)
    ]


def test_what_flows_back_is_usage(maria: MariaDb) -> None:
    assert written(maria, steady(0, 70, -600.0)) == [
        (0, 6, 0.0, 0.0, 0.0, 0.0, 10.0, 600.0, 600.0, 600.0)
    ]
    assert rows(maria, "SELECT TotalAvgW, TotalMaxW, TotalMinW FROM VolumeData") == [
        (-600, -600, -600)
    ]


def test_energy_over_an_end_is_split_there_and_a_gap_is_spread(maria: MariaDb) -> None:
    told = written(
        maria, [house(0, 100, 0), house(50, 300, 5), house(70, 500, 8), house(250, -60, 98, 1)]
    )
    assert told == [
        (0, 2, 6.5, 300.0, 100.0, 390.0, 0.0, 0.0, 0.0, 0.0),
        (60, 1, 1.5 + 25.0, 500.0, 500.0, 1590.0, 0.277778, 0.0, 0.0, 16.666667),
        (120, 0, 30.0, 1800.0, 1800.0, 1800.0, 0.333333, 20.0, 20.0, 20.0),
        (180, 0, 30.0, 1800.0, 1800.0, 1800.0, 0.333333, 20.0, 20.0, 20.0),
    ]


def test_rows_are_the_same_however_the_readings_come(maria: MariaDb) -> None:
    batch = [*steady(0, 600, 900.0, 7), *steady(640, 1300, 900.0, 11)]
    whole = written(maria, batch)
    assert len(whole) == 21
    written(maria, batch)
    rows(maria, "DELETE FROM VolumeData")
    rows(maria, "DELETE FROM reading")
    pieces = [batch[n : n + 5] for n in range(0, len(batch), 5)]
    for piece in pieces[:10] + pieces[8:]:  # a station killed after each, some of it twice
        written(maria, piece)
    assert rows(maria, ROWS) == whole
    rows(maria, "DELETE FROM VolumeData")
    rows(maria, "DELETE FROM reading")
    written(maria, batch[:30], batch[40:], batch[30:40])  # and some late
    assert rows(maria, ROWS) == whole


def test_the_predecessors_table_goes_on(maria: MariaDb) -> None:
    maria.query("CREATE DATABASE s0web")
    for statement in PREDECESSORS:
        rows(maria, statement)
    old = "INSERT INTO VolumeData VALUES ('2026-07-01 11:59:00', 'Mains', 6, 1, 2, 3, 4, 5, 6, 7, 8"
    rows(maria, f"{old}, DEFAULT, DEFAULT, DEFAULT)")
    told = written(maria, steady(0, 70, 60.0))
    assert [row[:3] for row in told] == [(-60, 6, 1.0), (0, 6, 1.0)]
    opened(maria, layout="energymonitor").write(
        [house(s, 1, s, device="SolarGarage") for s in (0, 70)] + [house(80, 60.0, 80 / 60)]
    )
    assert kept(maria) == 7 * 3 + 3 * 3
    assert rows(maria, "SELECT DISTINCT Point FROM VolumeData") == [("Mains",)]


def test_wires_and_gas_are_no_points_and_intervals_may_be_longer(maria: MariaDb) -> None:
    wire = [house(s, 1, s, device="Mains.brown") for s in range(0, 1000, 50)]
    gas = [Reading("gas", NOON + timedelta(seconds=s), {"volume": s / 10}) for s in (0, 1000)]
    told = written(maria, [*wire, *gas, *steady(0, 1000, 360.0)], volume_seconds="900")
    assert [row[:3] for row in told] == [(0, 90, 90.0)]
    assert rows(maria, "SELECT DISTINCT Point FROM VolumeData") == [("Mains",)]


def test_registers_never_cross_a_meter_a_fall_or_a_long_gap() -> None:
    def of(*registers: list[tuple[int, float]]) -> list[tuple[int, float]]:
        made = volumes(registers, [], [], 0, 100 * MINUTE, MINUTE)
        return [(one.begin // MINUTE, round(one.supply[0], 6)) for one in made]

    old, new = [(0, 7.0), (150_000, 7.5)], [(170_000, 100.0), (300_000, 100.13)]
    assert of(old, new) == [(0, 200.0), (1, 200.0), (3, 60.0), (4, 60.0)]
    assert of([(0, 5.0), (MINUTE, 5.1), (2 * MINUTE, 0.0), (3 * MINUTE, 0.2)]) == [
        (0, 100.0),
        (1, 0.0),
        (2, 200.0),
    ]
    long = GAP + 2 * MINUTE
    assert volumes([[(0, 1.0), (long, 2.0)]], [], [], 0, long, MINUTE) == []

"""Every query of every panel for Grafana, asked on the real databases, tells what the house did."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import mysql.connector as mysql_connector
import psycopg
import pytest

from s0web.web.grafana import DASHBOARDS
from tests.grafana_house import (
    BEGIN,
    END,
    HOUSE,
    NOW,
    ODD,
    QUARTER,
    RANGES,
    STEP,
    ZONE,
    Database,
    asked,
    booked,
    chosen,
    dashboard,
    fill,
    grown,
    last_of,
    moments,
    panel,
    table,
    told,
)
from tests.grafana_macros import expanded
from tests.influx_server import Influx
from tests.mariadb_server import MariaDb
from tests.postgres_server import Postgres


@pytest.fixture(scope="module")
def mysql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    server = MariaDb(tmp_path_factory.mktemp("mysql"), "--default-time-zone=+05:00")
    server.start()
    try:
        server.make_user()
        server.make_user("grafana", "SELECT ON s0web.*")
        fill("mysql", host="127.0.0.1", port=str(server.port), password="secret", tls="no")
        with mysql_connector.connect(
            host="127.0.0.1",
            port=server.port,
            user="grafana",
            password="secret",
            database="s0web",
            ssl_disabled=True,
            use_pure=True,
        ) as wire:
            yield Database("mysql", lambda query: _rows(wire, query))
    finally:
        server.kill()


def _rows(wire: Any, query: str) -> list[Any]:
    with wire.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Database]:
    server = Postgres("timezone = 'Asia/Kolkata'")
    server.start()
    try:
        server.psql("CREATE ROLE s0web LOGIN CREATEDB PASSWORD 's0web';")
        server.psql("CREATE ROLE grafana LOGIN PASSWORD 'grafana';")
        server.psql("CREATE DATABASE s0web OWNER s0web;")
        at = {"host": "127.0.0.1", "port": str(server.port), "tls": "no"}
        fill("postgresql", user="s0web", password="s0web", **at)
        server.psql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO grafana;", "-d", "s0web")
        with psycopg.connect(
            host="127.0.0.1",
            port=server.port,
            user="grafana",
            password="grafana",
            dbname="s0web",
            autocommit=True,
        ) as wire:
            yield Database("postgresql", lambda query: _rows(wire, query))
    finally:
        server.remove()


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    server = Influx(tmp_path_factory.mktemp("influx"))
    server.start()
    try:
        fill("influx", url=server.url)
        yield Database("influxdb", server.query)
    finally:
        server.kill()


@pytest.fixture(params=["mysql", "postgresql", "influxdb"])
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["mysql", "postgresql"])
def sql(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


# -- every panel -----------------------------------------------------------------------------------


def test_every_query_of_every_panel_is_answered(database: Database) -> None:
    for name in DASHBOARDS:
        for about in dashboard(database.name, name)["panels"]:
            variables = chosen(database, name)
            begin = RANGES.get(about.get("timeFrom", ""), NOW - timedelta(days=1))
            texts = [t.get("rawSql") or t["query"] for t in about.get("targets", ())]
            answers = [
                database.ask(expanded(text, database.name, begin, NOW, variables)) for text in texts
            ]
            assert any(answers) or about["type"] == "text", (name, about["title"])


def test_power_now_is_the_last_power_told(database: Database) -> None:
    begin = NOW - timedelta(days=1)
    curves = asked(database, "overview", "Power now", begin=begin, interval="15m")
    truth = HOUSE.at(END)
    assert last_of(curves) == {
        "grid": truth.power,
        "main": truth.consumption,
        "mains.brown": truth.phases[0],
        ODD: 7.0,
    }
    assert len(curves["grid"]) > 90  # its course


@pytest.mark.parametrize(
    ("title", "register", "devices"),
    [
        ("Imported today", "energy_import", {"grid", "main"}),
        ("Exported today", "energy_export", {"grid"}),
        ("Gas and water today", "volume", {"grid.gas", "grid.water"}),
    ],
)
def test_today_is_the_difference_of_the_registers_since_midnight(
    database: Database, title: str, register: str, devices: set[str]
) -> None:
    today = last_of(asked(database, "overview", title))
    assert today == pytest.approx(
        {device: grown(device, register, RANGES["now/d"], NOW) for device in devices}
    )
    assert sum(today.values()) > 0


@pytest.mark.parametrize(
    ("title", "register", "devices"),
    [
        ("Imported per day", "energy_import", ("grid", "main")),
        ("Exported per day", "energy_export", ("grid",)),
        ("Gas and water per day", "volume", ("grid.gas", "grid.water")),
    ],
)
def test_each_local_day_has_its_energy(
    database: Database, title: str, register: str, devices: tuple[str, ...]
) -> None:
    days = [datetime(2026, 10, 25, tzinfo=ZONE) + timedelta(days=n) for n in range(8)]
    curves = asked(database, "energy", title, begin=days[0])
    assert set(curves) == set(devices)
    for device in devices:
        found = {
            datetime.fromtimestamp(at, ZONE).date(): value for at, value in curves[device]
        }  # as the axis names them
        for day, after in pairwise(days):
            expected = grown(device, register, day.astimezone(UTC), after.astimezone(UTC))
            assert found[day.date()] == pytest.approx(expected, abs=1e-9), day
    assert sum(points[0][1] for points in curves.values()) > 0


def test_each_month_has_its_energy(sql: Database) -> None:
    curves = asked(sql, "energy", "Imported per month")
    november = datetime(2026, 11, 1, tzinfo=ZONE)
    for device in ("grid", "main"):
        assert [datetime.fromtimestamp(at, ZONE).strftime("%Y-%m") for at, _ in curves[device]] == [
            "2026-10",
            "2026-11",
        ]
        quarter = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)  # the one that runs is not in it
        assert [value for _, value in curves[device]] == pytest.approx(
            [grown(device, "energy_import", BEGIN, november),
             grown(device, "energy_import", november, quarter)]
        )  # fmt: skip


def test_months_of_influxdb_are_the_sums_of_their_days(influxdb: Database) -> None:
    about = panel("influxdb", "energy", "Imported per month")
    steps = {step["id"]: step["options"] for step in about["transformations"]}
    assert list(steps) == ["formatTime", "groupBy", "merge", "groupingToMatrix"]
    found: dict[tuple[str, str], float] = {}
    variables = chosen(influxdb, "energy")
    for target in about["targets"]:
        text = expanded(target["query"], "influxdb", BEGIN + timedelta(days=1), NOW, variables)
        for series in influxdb.ask(text):
            assert series["columns"] == ["time", "value"]
            for at, value in series["values"]:
                month = datetime.fromtimestamp(at / 1e9, ZONE).strftime("%Y-%m")
                key = (month, series["tags"]["device"])
                found[key] = found.get(key, 0.0) + value
    october, november = datetime(2026, 10, 25, tzinfo=ZONE), datetime(2026, 11, 1, tzinfo=ZONE)
    assert found == pytest.approx(
        {
            (month, device): grown(device, "energy_import", begin, end)
            for month, begin, end in (("2026-10", october, november), ("2026-11", november, NOW))
            for device in ("grid", "main")
        }
    )


def test_each_phase_and_each_wire_has_its_curve(database: Database) -> None:
    begin = NOW - timedelta(hours=6)
    truth = HOUSE.at(END)
    for title, told_there, wires in (
        ("Power of each phase", truth.phases, {"mains.brown": truth.phases[0]}),
        ("Voltage of each phase", truth.voltages, {}),
        ("Current of each phase", truth.currents, {}),
    ):
        curves = asked(database, "phases", title, begin=begin)
        named = {f"grid L{n}": value for n, value in enumerate(told_there, 1)}
        assert last_of(curves) == pytest.approx(named | wires)


def test_a_curve_of_a_week_has_the_means_of_its_quarters(database: Database) -> None:
    begin = datetime(2026, 10, 25, tzinfo=UTC)
    end = datetime(2026, 10, 31, 23, 59, tzinfo=UTC)
    curves = asked(database, "overview", "Power", begin=begin, end=end, interval="1h")
    hour = begin + timedelta(hours=50)
    of_hour = [HOUSE.at(hour + n * STEP).power for n in range(12)]
    assert dict(curves["grid"])[hour.timestamp()] == pytest.approx(sum(of_hour) / 12)
    assert len(curves["grid"]) == 7 * 24


def test_only_the_chosen_devices_are_asked_however_they_are_called(database: Database) -> None:
    for device in (ODD, "grid"):
        variables = chosen(database, "overview", logger=["pi"], device=[device])
        curves = asked(database, "overview", "Power now", variables=variables)
        assert set(curves) == {device}


def test_a_device_without_a_register_leaves_its_panel_empty(database: Database) -> None:
    variables = chosen(database, "overview", logger=["pi"], device=[ODD])
    assert asked(database, "overview", "Imported today", variables=variables) == {}


# -- costs and peaks -------------------------------------------------------------------------------


def _told_of(device: str, quantity: str, end: datetime = END) -> list[tuple[datetime, float]]:
    """The local begin of each quarter, and what was told of it at its end, up to an instant."""
    return [
        ((t - QUARTER).astimezone(ZONE), reading.values[quantity])
        for t in moments()
        for reading in booked(t)
        if t <= end and reading.device == device
    ]


CARRIERS = ("costs.electricity", "costs.gas")
WRITTEN = END - timedelta(minutes=20)  # the quarter of the database that runs is not in it


def test_what_today_this_month_and_this_year_cost_is_summed_by_carrier(database: Database) -> None:
    for title, relative in (("Today", "now/d"), ("This month", "now/M"), ("This year", "now/y")):
        begin = RANGES[relative]
        if database.name == "influxdb" and title != "Today":
            begin -= QUARTER  # it ended as the range began
        assert last_of(asked(database, "costs", title)) == pytest.approx(
            {
                device: sum(euro for at, euro in _told_of(device, "cost") if at >= begin)
                for device in CARRIERS
            }
        )


@pytest.mark.parametrize(
    ("title", "device", "quantities"),
    [
        ("Cost per day", "costs.electricity", {"costs.electricity": "cost"}),
        ("Cost per day", "costs.gas", {"costs.gas": "cost"}),
        (
            "Electricity per day",
            "costs.electricity",
            {name: name for name in ("cost_import", "cost_export", "cost_fixed")},
        ),
    ],
)
def test_each_local_day_has_the_cost_of_its_quarters(
    database: Database, title: str, device: str, quantities: dict[str, str]
) -> None:
    begin = datetime(2026, 10, 25, tzinfo=ZONE)  # of 25 hours
    first = begin + QUARTER if database.name == "influxdb" else begin
    curves = asked(database, "costs", title, begin=first)
    for curve, quantity in quantities.items():
        found = {datetime.fromtimestamp(at, ZONE).date(): euro for at, euro in curves[curve]}
        assert len(found) == len(curves[curve])
        for n in range(7):
            day = begin.date() + timedelta(days=n)
            quarters = [euro for at, euro in _told_of(device, quantity) if at.date() == day]
            assert len(quarters) == (100 if n == 0 else 96)
            assert found[day] == pytest.approx(sum(quarters)), (curve, day)
        assert min(found) == begin.date()  # the quarter that ended as the range began is not in it


def test_each_month_has_its_cost(sql: Database) -> None:
    curves = asked(sql, "costs", "Cost per month")
    assert set(curves) == set(CARRIERS)
    for device in CARRIERS:
        assert _by_month(curves[device]) == pytest.approx(
            {
                month: sum(e for at, e in _told_of(device, "cost", WRITTEN) if at.month == month)
                for month in (10, 11)
            }
        )


def test_each_month_has_its_highest_quarter(sql: Database) -> None:
    curves = asked(sql, "costs", "Peak per month")
    demands = _told_of("peak", "demand_quarter", WRITTEN)
    assert _by_month(curves["demand_quarter"]) == {
        month: max(watts for at, watts in demands if at.month == month) for month in (10, 11)
    }


def _by_month(points: list[tuple[float, float]]) -> dict[int, float]:
    return {datetime.fromtimestamp(at, ZONE).month: value for at, value in points}


@pytest.mark.parametrize(
    ("title", "how", "named"),
    [
        ("Cost per month", "sum", {"costs.electricity": "cost", "costs.gas": "cost"}),
        ("Peak per month", "max", {"peak": "demand_quarter"}),
    ],
)
def test_months_of_costs_and_peaks_are_made_of_days_by_grafana_for_influxdb(
    influxdb: Database, title: str, how: str, named: dict[str, str]
) -> None:
    about = panel("influxdb", "costs", title)
    steps = {step["id"]: step["options"] for step in about["transformations"]}
    assert steps["groupBy"]["fields"]["value"]["aggregations"] == [how]
    assert steps["groupingToMatrix"]["valueField"] == f"value ({how})"
    found: dict[tuple[str, int], list[float]] = {}
    (target,) = about["targets"]
    variables, begin = chosen(influxdb, "costs"), RANGES[about["timeFrom"]]
    for series in influxdb.ask(expanded(target["query"], "influxdb", begin, NOW, variables)):
        assert series["columns"] == ["time", "value"]
        for at, value in series["values"]:
            month = datetime.fromtimestamp(at / 1e9, ZONE).month
            found.setdefault((series["tags"]["device"], month), []).append(value)
    reduce = {"sum": sum, "max": max}[how]
    assert {key: reduce(values) for key, values in found.items()} == pytest.approx(
        {
            (device, month): reduce(
                [v for at, v in _told_of(device, quantity) if at.month == month]
            )
            for device, quantity in named.items()
            for month in (10, 11)
        }
    )


@pytest.mark.parametrize("days", [1, 6])
@pytest.mark.parametrize(
    ("title", "device", "quantity", "is_stamped_at_its_end"),
    [
        ("Rates of electricity", "costs.electricity", "rate_import", True),
        ("Demand of each quarter-hour", "peak", "demand_quarter", True),
        ("Day-ahead price", "prices", "price_spot", False),
    ],
)
def test_a_quarter_is_drawn_where_it_was(
    database: Database,
    days: int,
    title: str,
    device: str,
    quantity: str,
    is_stamped_at_its_end: bool,
) -> None:
    begin = datetime(2026, 10, 26, tzinfo=UTC)
    end = begin + timedelta(days=days)
    curves = asked(database, "costs", title, begin=begin, end=end, interval="15m")
    is_drawn_late = database.name == "influxdb" or not is_stamped_at_its_end
    late = QUARTER if is_drawn_late else timedelta()
    told_there = {(at + late).timestamp(): value for at, value in _told_of(device, quantity)}
    assert len(curves[quantity]) >= days * 96 - 1
    for at, value in curves[quantity]:
        assert value == pytest.approx(told_there[at])


# -- fleet -----------------------------------------------------------------------------------------


def test_the_fleet_shows_who_is_silent_and_for_how_long(sql: Database) -> None:
    assert table(sql, "Loggers") == [(2,)]
    assert [tuple(map(int, row)) for row in table(sql, "Silent")] == [(1,)]
    ((oldest,),) = table(sql, "Oldest backlog")
    assert float(oldest) == pytest.approx(7_220)
    shed, pi = table(sql, "Each logger")
    assert (shed[0], pi[0]) == ("shed", "pi")  # the oldest first
    assert shed[1:3] == (1, 1)
    often, seldom = told(END), booked(END - STEP)  # three times in a quarter, and once
    assert pi[1] == len({reading.device for reading in (*often, *seldom)})
    assert float(pi[3]) == END.timestamp() * 1000
    assert float(pi[4]) == pytest.approx(20)
    assert float(shed[5]) == 0
    many, few = (sum(len(reading.values) for reading in of) for of in (often, seldom))
    assert pi[2] == many + few
    assert float(pi[5]) == pytest.approx((3 * many + few) / 15, abs=1e-4)


def test_the_course_of_the_fleet_counts_values_a_minute(sql: Database) -> None:
    curves = asked(sql, "fleet", "Values a minute", begin=NOW - timedelta(days=1))
    assert curves["shed"][0][1] == pytest.approx(0.2)
    assert set(curves) == {"pi", "shed"}


def test_influxdb_counts_the_loggers_that_tell(influxdb: Database) -> None:
    assert table(influxdb, "Loggers of 7 days")[0]["values"][0][1] == 2
    assert table(influxdb, "Telling now")[0]["values"][0][1] == 1
    last = {series["tags"]["logger"]: series["values"] for series in table(influxdb, "Last power")}
    assert last["shed"] == [[int((END - timedelta(hours=2)).timestamp()) * 10**9, 5.0]]
    curves = asked(influxdb, "fleet", "Power readings a minute", begin=NOW - timedelta(hours=6))
    assert curves["shed"][4][1] == pytest.approx(0.2)

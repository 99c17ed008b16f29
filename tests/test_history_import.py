"""`s0web import WHAT FILE`: the history of other programs."""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web.__main__ import main
from s0web.archive import written
from s0web.archive.glance import glance
from s0web.archive.past import days
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading
from s0web.statelock import StateLock
from tests.conftest import S0_AND_P1

LONG = timedelta(days=9999)
NOW = datetime(2026, 3, 10, tzinfo=UTC)
VOLUME = "(`TimeStamp`,`Point`,`NumReads`,`SupplyWh`,`SupplyMaxW`,`SupplyMinW`,`SupplyAvgW`,`UsageWh`,`UsageMaxW`,`UsageMinW`,`UsageAvgW`)"  # noqa: E501


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An INI in a folder of its own; its archive is beside it."""
    path = tmp_path / "own" / "s0web.ini"
    path.parent.mkdir()
    text = S0_AND_P1.replace("simulate = yes", "timezone = Europe/Brussels")
    path.write_text(f"{text}[archive]\nkeep = 36500\n")  # the commands have the clock of today
    monkeypatch.setenv("S0WEB_INI", str(path))
    return path


def archive_of(own: Path) -> Path:
    return own.with_name("archive.db")


def told(own: Path) -> list[Reading]:
    if not archive_of(own).exists():
        return []
    with glance(archive_of(own)) as view:
        return [r for _, readings in days(view, NOW - LONG, NOW + LONG) for r in readings]


def energy(own: Path, device: str, register: str, start: datetime, count: int) -> list[float]:
    with glance(archive_of(own)) as view:
        end = start + timedelta(days=count)
        spans = History(view, UTC).energy(device, register, "day", start, end)
        return [round(span.number, 4) for span in spans]


def twice(own: Path, *words: str | Path) -> list[Reading]:
    """A dry run changes nothing; twice is once. Return what is told then."""
    before = told(own)
    assert main(["import", *map(str, words)]) == 0
    assert told(own) == before
    assert main(["import", *map(str, words), "--write"]) == 0
    once = told(own)
    assert main(["import", *map(str, words), "--write"]) == 0
    assert told(own) == once
    return once


def volume_rows(
    start: datetime, count: int, supply: float = 600.0, usage: float = 0.0
) -> list[str]:
    rows = []
    for minute in range(count):
        time = f"{start + timedelta(minutes=minute):%Y-%m-%d %H:%M:%S}"
        numbers = [supply / 60, supply, 0, supply, usage / 60, usage, usage, usage]
        rows.append(f"('{time}','Mains',60,{','.join(map(repr, numbers))})")
    return rows


def dump(rows: Sequence[str], sign: str = ",") -> str:
    """As mysqldump writes it."""
    return (
        "-- MySQL dump 10.19\n--\nDROP TABLE IF EXISTS `VolumeData`;\n"
        "/*!40101 SET character_set_client = utf8 */;\nCREATE TABLE `VolumeData` (\n"
        "  `TimeStamp` datetime NOT NULL,\n  `Point` varchar(10) NOT NULL,\n"
        "  `TotalAvgW` int(11) GENERATED ALWAYS AS (round(`SupplyAvgW`,0)) VIRTUAL,\n"
        "  PRIMARY KEY (`TimeStamp`,`Point`)\n) ENGINE=InnoDB;\n"
        "INSERT INTO `Other` VALUES (1,'it''s; a \\'trap\\' (really)',NULL);\n"
        f"INSERT INTO `VolumeData` {VOLUME} VALUES {sign.join(rows)};\n"
        "-- Dump completed on 2026-03-01\n"
    )


def test_volume_data_becomes_registers_that_go_on(own: Path, tmp_path: Path) -> None:
    file = tmp_path / "dump.sql"
    file.write_text(dump(volume_rows(datetime(2026, 3, 1, 22), 240, usage=60.0)))
    readings = twice(own, "energymonitor-volumedata", file, "--device", "Mains=main")
    registers = [r for r in readings if r.meter]
    assert registers[0].time == datetime(2026, 3, 1, 22, tzinfo=UTC)
    assert registers[0].values["energy_import"] == 0.0
    assert registers[-1].time == datetime(2026, 3, 2, 2, tzinfo=UTC)
    assert registers[-1].values["energy_import"] == pytest.approx(2.4)
    assert registers[-1].values["energy_export"] == pytest.approx(0.24)
    assert {r.values["power"] for r in readings if "power" in r.values} == {540.0}
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert energy(own, "main", "energy_import", start, 2) == [1.2, 1.2]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_volume_data_may_be_csv_with_or_without_names(own: Path, tmp_path: Path, mark: str) -> None:
    rows = [row[1:-1].replace("'", "").replace(",", mark) for row in
            volume_rows(datetime(2026, 3, 1), 3)]  # fmt: skip
    file = tmp_path / "volume.csv"
    file.write_text("\n".join([VOLUME[1:-1].replace("`", "").replace(",", mark), *rows, ""]))
    named = twice(own, "energymonitor-volumedata", file, "--begin", "100", "--begin",
                  "energy_export=7", "--device", "Mains=main")  # fmt: skip
    assert named[0].values["energy_import"] == 100.0
    assert named[-1].values == {"energy_import": pytest.approx(100.03), "energy_export": 7.0}
    file.write_text("\n".join([*rows, ""]))
    assert twice(own, "energymonitor-volumedata", file, "--device", "Mains=main") == named


def test_parts_of_a_table_go_on_where_the_archive_is(own: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "1.sql", tmp_path / "2.sql.gz"
    one.write_text(dump(volume_rows(datetime(2026, 3, 1), 60), sign=",\n"))
    with gzip.open(other, "wt") as file:
        file.write(dump(volume_rows(datetime(2026, 3, 1, 0, 30), 60)))
    for file_path in (one, other, one):
        twice(own, "energymonitor-volumedata", file_path, "--device", "Mains=main")
    registers = [r for r in told(own) if "energy_import" in r.values]
    assert registers[-1].values["energy_import"] == pytest.approx(0.9)
    assert energy(own, "main", "energy_import", datetime(2026, 3, 1, tzinfo=UTC), 1) == [0.9]


def test_the_past_ends_where_the_station_has_its_own_register(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = FakeClock(datetime(2026, 3, 1, 1, tzinfo=UTC))
    archive = Archive(archive_of(own), clock)
    archive.open()
    for n in range(60):
        archive.write([Reading("main", clock.now(), {"energy_import": 50 + n / 100})])
        clock.advance(60)
    archive.close()
    file = tmp_path / "dump.sql"
    file.write_text(dump(volume_rows(datetime(2026, 3, 1), 120)))
    twice(own, "energymonitor-volumedata", file, "--device", "Mains=main")
    assert "later values are left out" in capsys.readouterr().out
    whole = energy(own, "main", "energy_import", datetime(2026, 3, 1, tzinfo=UTC), 1)
    assert whole == [pytest.approx(59 / 100 + 59 / 100, abs=0.011)]


def test_supply_may_be_what_went_to_the_grid(own: Path, tmp_path: Path) -> None:
    file = tmp_path / "dump.sql"
    file.write_text(dump(volume_rows(datetime(2026, 3, 1), 2, supply=0.0, usage=60.0)))
    words = ("energymonitor-volumedata", file, "--supply", "export", "--device", "main")
    readings = twice(own, *words)
    assert readings[0].device == "main"
    assert readings[-1].values == {"energy_import": 0.002, "energy_export": 0.0}
    assert {r.values["power"] for r in readings if "power" in r.values} == {60.0}


PG = """\
--
-- PostgreSQL database dump
--
SET statement_timeout = 0;
CREATE TABLE public.smartmeter (
    ts timestamp with time zone NOT NULL,
    spannung_l1 double precision
);
COPY public.smartmeter (ts, spannung_l1, import_wh_seit_reset, aktuelle_gesamtwirkleistung) FROM stdin;
2020-01-01 12:00:00+01\t230.5\t1234.5\t400
2020-01-01 12:00:10+01\t\\N\t\\N\t410
2020-01-01 12:00:20+01\tnonsense\t\\N\t410
\\.

-- PostgreSQL database dump complete
"""  # noqa: E501


def test_the_wide_table_of_the_modbus_predecessor(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "smartmeter.sql"
    file.write_text(PG)
    readings = twice(own, "modbus-smartmeter-table", file)
    time = datetime(2020, 1, 1, 11, tzinfo=UTC)  # long ago: quarters of an hour are left
    registers = [r.values["energy_import"] for r in readings if "energy_import" in r.values]
    assert registers == [1234.5]
    assert readings[0].time == time
    said = capsys.readouterr().out
    assert "1 lines are left out" in said
    assert "smartmeter.sql: line 12: 'nonsense' is no number" in said


def test_the_wide_table_as_csv_is_utc_unless_told_otherwise(own: Path, tmp_path: Path) -> None:
    file = tmp_path / "sdm.csv"
    file.write_text("ts,import_wh_seit_reset,spannung_l1\n2026-03-01 12:00:00,7.5,\n")
    readings = twice(own, "modbus-smartmeter-table", file, "--device", "heat")
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert readings == [Reading("heat", noon, {"energy_import": 7.5})]
    words = ("modbus-smartmeter-table", file, "--device", "b", "--timezone", "Europe/Berlin")
    times = {r.device: r.time for r in twice(own, *words)}
    assert times["b"] == noon - timedelta(hours=1)


def test_csv_files_of_smartmeter_python(own: Path, tmp_path: Path) -> None:
    from s0web.imports.p1_csv import COLUMNS
    from s0web.sinks.smartmeter import COLUMNS as WRITTEN

    assert COLUMNS == WRITTEN
    values = dict.fromkeys(COLUMNS, "0.000") | {
        "timestamp": "260301120000W", "total_consumption_day": "100.5", "l1_voltage": "231.0",
        "actual_total_injection": "1.250", "gas_timestamp": "260301115500W",
        "total_gas_consumption": "77.5",
    }  # fmt: skip
    file = tmp_path / "smartmeter_1.csv"
    file.write_text(",".join(COLUMNS) + "\n" + ",".join(values.values()) + "\n")
    gas, grid = twice(own, "smartmeter-csv", file)
    assert gas == Reading("grid.gas", datetime(2026, 3, 1, 10, 55, tzinfo=UTC), {"volume": 77.5})
    assert grid.time == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert grid.values["energy_import_high"] == 100.5
    assert (grid.values["power"], grid.values["voltage_l1"]) == (-1250.0, 231.0)


def history(time: str, day: float, gas: float = 0.0) -> str:
    power = {"+Day": day, "+Night": 2.5, "-Day": 1.0, "-Night": 0.5, "unit": "kWh"}
    return json.dumps({
        "cur_time": time,
        "meters": {"Electricity": power, "Gas": {"value": gas, "time": time, "unit": "m3"}},
        "usage": {"Today": [1, 2]},
    })  # fmt: skip


def test_history_files_of_digital_meter(own: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "02-28_data.json", tmp_path / "03-01_data.json"
    one.write_text(history("2026-02-28 23:59:59", 10.0))
    other.write_text(history("2026-03-01 23:59:59", 15.0, gas=3.5))
    readings = twice(own, "digital-meter", one, other)
    assert [r.device for r in readings] == ["grid", "grid", "grid.gas"]
    assert readings[0].time == datetime(2026, 2, 28, 22, 59, 59, tzinfo=UTC)
    assert readings[1].values["energy_import_high"] == 15.0


DAYS = """\
Date,Electricity Tariff 1 Diff,E2,R1,R2,Gas Diff,C1,C2,GC,Fixed,Total,T,E1,E2,R1,R2,GT,G
2026-02-27,2.000,3.000,0.500,0.000,1.000,0,0,0,0,0,,,,,,,
2026-02-28,2.000,3.000,0.500,0.000,1.000,0,0,0,0,0,2026-02-28 00:00,100.0,200.0,7.0,8.0,2026-02-28 00:05,50.0
2026-03-01,4.000,5.000,0.500,0.000,1.500,0,0,0,0,0,2026-03-01 00:00,102.0,203.0,7.5,8.0,2026-03-01 00:05,51.0
"""  # noqa: E501


def test_day_statistics_of_dsmr_reader(own: Path, tmp_path: Path) -> None:
    file = tmp_path / "days.csv"
    file.write_text(DAYS)
    readings = twice(own, "dsmr-reader", file)
    made = [r for r in readings if r.meter == "dsmr-reader" and r.device == "grid"]
    assert [r.time for r in made] == [datetime(2026, 2, n, 23, tzinfo=UTC) for n in (26, 27)]
    assert made[1].values["energy_import_low"] == 2.0
    real = [r for r in readings if not r.meter]
    assert real[0].values["energy_import_low"] == 100.0
    assert real[0].values["energy_import_high"] == 200.0
    assert {r.device for r in real} == {"grid", "grid.gas"}
    days_of = energy(own, "grid", "energy_import_high", datetime(2026, 2, 26, 23, tzinfo=UTC), 3)
    assert sum(days_of) == pytest.approx(6.0)


def test_hours_where_clocks_are_put_back_are_there_twice(own: Path, tmp_path: Path) -> None:
    file = tmp_path / "hours.csv"
    hours = ["00", "01", "02", "02", "03", "04"]
    rows = [f"26-10-2025 {hour}:00,1.0,0,0,0,0" for hour in hours]
    file.write_text("\n".join(["Begin,T1,T2,R1,R2,Gas", *rows, ""]))
    readings = [r for r in twice(own, "dsmr-reader", file) if r.device == "grid"]
    begin = datetime(2025, 10, 25, 22, tzinfo=UTC)
    assert [r.time for r in readings] == [begin + timedelta(hours=n) for n in range(7)]
    assert readings[-1].values["energy_import_low"] == 6.0


def test_a_time_that_clocks_skip_is_told(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hours.csv"
    rows = [f"2025-03-30 {hour}:00,1.0,0,0,0,0" for hour in ("01", "02", "03")]
    file.write_text("\n".join(["Begin,T1,T2,R1,R2,Gas", *rows, ""]))
    twice(own, "dsmr-reader", file)
    assert "line 3: 2025-03-30 02:00:00 is no local time" in capsys.readouterr().out


def test_registers_without_a_serial_are_those_of_the_meter_that_is_read(
    own: Path, tmp_path: Path
) -> None:
    clock = FakeClock(NOW)
    archive = Archive(archive_of(own), clock)
    archive.open()
    archive.write([Reading("grid", NOW, {"energy_import_high": 20.0}, meter="1SAG")])
    archive.close()
    file = tmp_path / "03-01_data.json"
    file.write_text(history("2026-03-01 23:59:59", 15.0))
    twice(own, "digital-meter", file)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    assert sum(energy(own, "grid", "energy_import_high", start, 10)) == 5.0


WRONG = {
    "energymonitor-volumedata": "TimeStamp,Point,SupplyWh,UsageWh\n",
    "modbus-smartmeter-table": "ts,spannung_l1\n",
    "smartmeter-csv": "timestamp,total_consumption_day\n",
    "digital-meter": "{",
    "dsmr-reader": "Date,a,b,c,d,e,f\n",
    "s0web": "time,device,quantity,value,unit,meter\n",
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_such_file_gets_a_sentence_and_nothing_is_written(
    own: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "empty": b"",
        "binary": bytes(range(256)) * 40,
        "text": b"Dear diary,\nnothing happened today.\n" * 9,
        "html": b"<html><body>404</body></html>",
        "json": b'{"a": [1, 2]}\n' * 3,
        "csv": b"a,b,c\n1,2,3\n4,5,6\n",
        "names": WRONG[kind].encode(),
        "gz": gzip.compress(b"x,y\n" * 1000)[:-9],
        "deep": b"[" * 100_000,
        "junk": WRONG[kind].encode() + b"\x1b[31m;rm,';--,(((,'',\xff,,\n" * 3,
    }
    for name, data in files.items():
        file = tmp_path / name
        file.write_bytes(data)
        assert main(["import", kind, str(file), "--write"]) == 2, name
        said = capsys.readouterr()
        assert said.err.startswith(f"s0web: {file}: "), name
        assert "\x1b" not in said.err
        assert "Traceback" not in said.err
    assert main(["import", kind, str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err
    assert not archive_of(own).exists()


@pytest.mark.parametrize(
    "text",
    [
        dump(volume_rows(datetime(2026, 3, 1), 9))[:-60],
        dump(volume_rows(datetime(2026, 3, 1), 9)).partition("-- Dump")[0],
        dump(volume_rows(datetime(2026, 3, 1), 9), sign=",\n").rpartition("(")[0],
    ],
)
def test_a_dump_that_is_cut_off_is_not_taken(
    own: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dump.sql"
    file.write_text(text)
    assert main(["import", "energymonitor-volumedata", str(file), "--write"]) == 2
    assert "ends in the middle" in capsys.readouterr().err
    assert not archive_of(own).exists()


def test_what_cannot_be_is_left_out_and_told(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.csv"
    good = "2026-03-01T12:00:0{}.000Z,x,main,energy_import,{}.5,kWh,"
    rows = [good.format(n, n) for n in range(9)] + [
        "2226-03-01T12:00:00.000Z,x,main,energy_import,1,kWh,",
        "1970-01-01T00:00:00.000Z,x,main,energy_import,1,kWh,",
        "2026-03-01T12:00:00.000Z,x,main,energy_import,-1,kWh,",
        "2026-03-01T12:00:00.000Z,x,main,energy_import,nan,kWh,",
        "2026-03-01T12:00:00.000Z,x,main,energy_import,1,Wh,",
        "2026-03-01T12:00:00.000Z,x,../etc,energy_import,1,kWh,",
        "2026-03-01T12:00:00.000Z,x,main,love,1,kWh,",
    ]
    file.write_text("\n".join(["time,local_time,device,quantity,value,unit,meter", *rows, ""]))
    assert len(twice(own, "s0web", file)) == 9
    said = capsys.readouterr().out
    assert "7 lines are left out" in said
    assert "is in the future" in said
    assert "before 1990" in said


def test_what_absent_sinks_have_still_to_get_stays(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.write_text(own.read_text() + "backlog = 900\n")
    archive = Archive(archive_of(own), FakeClock(NOW))
    archive.open()
    archive.write([Reading("main", NOW, {"power": 1.0})])
    archive.close()
    bounds: list[int] = []
    monkeypatch.setattr(written, "shorten", lambda _, before, bound: bounds.append(bound))
    file = tmp_path / "all.sql"
    file.write_text(dump(volume_rows(NOW - timedelta(days=1), 60)))
    assert main(["import", "energymonitor-volumedata", str(file), "--write"]) == 0
    assert set(bounds) == {900_000_000}


def test_while_a_station_runs_nothing_is_written(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "dump.sql"
    file.write_text(dump(volume_rows(datetime(2026, 3, 1), 9)))
    lock = StateLock(own.with_name("station.lock"))
    assert lock.take()
    assert main(["import", "energymonitor-volumedata", str(file)]) == 0  # a dry run may be
    assert main(["import", "energymonitor-volumedata", str(file), "--write"]) == 2
    assert "A station runs with" in capsys.readouterr().err
    lock.drop()
    assert not archive_of(own).exists()


def test_quotes_without_end_take_no_time(own: Path, tmp_path: Path) -> None:
    file = tmp_path / "dump.sql"
    file.write_text(dump(["('2026-03-01 00:00:00','" + "''" * 50_000 + "x"]))
    assert main(["import", "energymonitor-volumedata", str(file)]) == 2

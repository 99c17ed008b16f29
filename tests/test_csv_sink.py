"""The sink csv: files that grow, close and hold every reading once."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web import config
from s0web.clock import FakeClock
from s0web.errors import ConfigError, SinkError
from s0web.hub import Hub
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.sinks.csv import CsvSink
from s0web.sinks.csv_files import WIP, Growing
from s0web.sinks.smartmeter import COLUMNS
from s0web.workers import SinkLoop
from tests.conftest import S0_AND_P1, running, until

ROOT = Path(__file__).parent.parent
T = datetime(2026, 10, 25, 0, 59, 59, 123456, tzinfo=UTC)
HEADER = "time,local_time,device,quantity,value,unit,meter"
MADE: list[CsvSink] = []  # by a test, which closes them at its end


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while MADE:
        MADE.pop().close()


def sink(folder: Path, clock: FakeClock | None = None, **texts: str) -> CsvSink:
    texts = {"file_path": str(folder), "timezone": "Europe/Brussels"} | texts
    rows = OPTIONS["sink.csv"]
    options = {row.name: row.parse(texts.get(row.name, row.default or "")) for row in rows}
    assert list(CsvSink.wrong(options)) == []
    MADE.append(CsvSink("files", options, clock or FakeClock()))
    return MADE[-1]


def opened(folder: Path, clock: FakeClock | None = None, **texts: str) -> CsvSink:
    made = sink(folder, clock, **texts)
    made.open()
    return made


def readings(count: int, start: datetime = T) -> list[Reading]:
    return [
        Reading("grid", start + timedelta(seconds=n), {"power": 100.0 + n, "voltage": 230.25})
        for n in range(count)
    ]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def lines(folder: Path) -> list[str]:
    """All lines of all files but their headers, in the order of their names."""
    texts = [path.read_text().splitlines() for path in sorted(folder.iterdir())]
    return [line for text in texts for line in text if not line.startswith(("time,", "timestamp,"))]


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(SinkError) as caught:
        call()
    return str(caught.value)


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    made = opened(tmp_path)
    assert names(tmp_path) == []
    made.write([])
    assert names(tmp_path) == []
    meter = '1S,3 "a"\n'
    made.write([Reading("grid", T, {"power": 431, "energy_import": 1e16 + 2}, meter=meter)])
    made.write([Reading("grid", T + timedelta(seconds=1), {"power": -0.1})])
    assert names(tmp_path) == [".wip__s0web_20260302_120000.csv"]
    made.close()
    made.close()
    assert names(tmp_path) == ["s0web_20260302_120000.csv"]
    assert (tmp_path / "s0web_20260302_120000.csv").read_text() == (
        f"{HEADER}\n"
        '2026-10-25T00:59:59.123Z,2026-10-25T02:59:59.123+02:00,grid,power,431.0,W,"1S,3 ""a"" "\n'
        "2026-10-25T00:59:59.123Z,2026-10-25T02:59:59.123+02:00,grid,energy_import,"
        '1.0000000000000002e+16,kWh,"1S,3 ""a"" "\n'
        "2026-10-25T01:00:00.123Z,2026-10-25T02:00:00.123+01:00,grid,power,-0.1,W,\n"
    )


def test_files_are_closed_by_length_and_by_age(tmp_path: Path) -> None:
    clock = FakeClock()
    made = opened(tmp_path, clock, max_lines="4", max_age="60", write_header="no")
    made.write(readings(5))
    first, second = "s0web_20260302_120000.csv", "s0web_20260302_120000-2.csv"
    third = "s0web_20260302_120000-3.csv"
    assert names(tmp_path) == [WIP + third, second, first]
    assert [len((tmp_path / name).read_text().splitlines()) for name in (first, second)] == [4, 4]
    clock.advance(59)
    made.write([])
    assert WIP + third in names(tmp_path)
    clock.advance(1)
    made.write([])
    assert names(tmp_path) == [second, third, first]
    assert len(lines(tmp_path)) == 10


def test_the_same_batch_again_doubles_nothing_after_a_restart_too(tmp_path: Path) -> None:
    made = opened(tmp_path, max_lines="30")
    made.write(readings(50))
    made.write(readings(50))
    made.write(readings(20))
    made.close()
    again = opened(tmp_path, max_lines="30")
    again.write(readings(60))
    again.close()
    assert len(lines(tmp_path)) == len(set(lines(tmp_path))) == 120


def test_the_same_batch_in_another_zone_doubles_nothing(tmp_path: Path) -> None:
    opened(tmp_path, timezone="Europe/Brussels").write(readings(5))
    MADE.pop().close()
    opened(tmp_path, timezone="Asia/Tokyo").write(readings(6))
    assert len(lines(tmp_path)) == 12


def test_only_the_last_lines_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s0web.sinks.csv.REMEMBERED", 6)
    made, told = opened(tmp_path), readings(5)
    made.write(told)
    made.write(told[2:])
    assert len(lines(tmp_path)) == 10
    made.write(told[:1])
    assert len(lines(tmp_path)) == 12


def test_what_a_killed_run_left_is_finished(tmp_path: Path) -> None:
    header = f"{HEADER}\n"
    good = "2026-10-25T00:59:59.123Z,2026-10-25T02:59:59.123+02:00,grid,power,100.0,W,\n"
    (tmp_path / ".wip__s0web_20260101_000000.csv").write_text(header + good + good[:30])
    (tmp_path / ".wip__s0web_20260101_000001.csv").write_bytes(
        (header + good.replace("100.0", "7.0")).encode() + b"\0" * 500 + b"x\n"
    )
    (tmp_path / ".wip__s0web_20260101_000002.csv").write_text(header)
    (tmp_path / ".wip__s0web_20260101_000003.csv").write_text("")
    (tmp_path / ".wip__other_20260101_000000.csv").write_text("of another")
    made = opened(tmp_path)
    whole = ["s0web_20260101_000000.csv", "s0web_20260101_000001.csv"]
    assert names(tmp_path) == [".wip__other_20260101_000000.csv", *whole]
    assert (tmp_path / whole[0]).read_text() == header + good
    assert (tmp_path / whole[1]).read_text() == header + good.replace("100.0", "7.0")
    made.write(readings(1))
    made.close()
    (last,) = set(names(tmp_path)) - {*whole, ".wip__other_20260101_000000.csv"}
    other = good.replace("power,100.0,W", "voltage,230.25,V")  # the power is known already
    assert (tmp_path / last).read_text() == header + other


def test_a_station_killed_at_any_moment_loses_and_doubles_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.test_csv_sink import *\n"
        "made = opened(Path(sys.argv[1]), max_lines='70')\n"
        "for n in range(int(sys.argv[2]), 100_000):\n"
        "    made.write(readings(3, T + timedelta(seconds=3 * n)))\n"
        "    print(n, flush=True)\n"
    )
    kept, command = 0, [sys.executable, "-c", code, str(tmp_path)]
    for turn in range(3):
        with subprocess.Popen(
            [*command, str(max(0, kept - 5))], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as station:
            assert station.stdout is not None
            for line in station.stdout:
                kept = int(line)
                if kept >= 150 * (turn + 1):
                    break
            station.send_signal(signal.SIGKILL)
            told = station.stdout.read().split()
        kept = int(told[-1]) if told else kept
    opened(tmp_path).close()
    powers = [float(line.split(",")[4]) for line in lines(tmp_path) if ",power," in line]
    stamps = [line.split(",")[0] for line in lines(tmp_path) if ",power," in line]
    assert len(set(stamps)) == len(stamps) == len(powers)
    assert 3 * (kept + 1) <= len(stamps) <= 3 * (kept + 2)
    assert not any(name.startswith(WIP) for name in names(tmp_path))


def test_a_file_that_another_station_still_writes_is_left_alone(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    first.write(readings(3))
    second.close()
    second.open()
    second.write(readings(3, T + timedelta(hours=1)))
    assert all(name.startswith(WIP) for name in names(tmp_path))
    first.close()
    second.close()
    assert names(tmp_path) == ["s0web_20260302_120000-2.csv", "s0web_20260302_120000.csv"]
    assert len(lines(tmp_path)) == 12


@contextmanager
def _full_disk(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: the kernel writes what fits, then refuses."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_a_full_disk_loses_and_doubles_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    hub = Hub(clock)
    loop = SinkLoop(sink(tmp_path, clock), hub, clock)
    loop.step()
    hub.publish(readings(2, clock.now() - timedelta(hours=1)))
    loop.step()
    with _full_disk(1_000):
        for part in range(1, 4):
            hub.publish(readings(10, clock.now() + timedelta(seconds=10 * part)))
            loop.step()
            assert not any(name.startswith(WIP) for name in names(tmp_path))
        health = hub.snapshot().health["sink:files"]
    assert health.state == "failed"
    assert health.text == f"{tmp_path} cannot be written (File too large): make room; " + (
        "what is not written yet comes then."
    )
    assert all(line.endswith((",W,", ",V,")) for line in lines(tmp_path))
    loop.step()
    loop.finish()
    assert len(lines(tmp_path)) == len(set(lines(tmp_path))) == 64
    assert hub.snapshot().health["sink:files"].state == "stopped"


def test_places_that_cannot_be_written_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    text = refusal(sink(tmp_path / "file").open)
    assert text == (
        f"{tmp_path / 'file'} cannot be written (File exists): take another file_path, or make "
        "that folder."
    )
    assert "(Not a directory): take another" in refusal(sink(tmp_path / "file" / "x").open)
    assert "/proc/s0web cannot be written" in refusal(sink(Path("/proc/s0web")).open)


def test_a_folder_that_goes_and_comes_is_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    made = opened(folder, max_lines="10")
    made.write(readings(5))
    folder.rename(tmp_path / "away")
    assert "cannot be written (No such file" in refusal(lambda: made.write(readings(10)))
    (tmp_path / "away").rename(folder)
    made.close()
    made.open()
    made.write(readings(10))
    made.close()
    assert len(lines(folder)) == 20


def test_the_disk_has_it_after_write_every_readings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(Growing, "sync", lambda file: synced.append(file.lines))
    made = opened(tmp_path, write_every="4")
    for n in range(9):
        made.write(readings(1, T + timedelta(seconds=n)))
    assert synced == [8, 16]


def test_the_predecessors_columns(tmp_path: Path) -> None:
    clock = FakeClock()
    made = opened(tmp_path, clock, layout="smartmeter", device="grid", file_prefix="smartmeter")
    gas = Reading("grid.gas", T - timedelta(minutes=4), {"volume": 123.456})
    power = {"power": -250.0, "power_l1": -300.0, "power_l2": 50.0, "power_l3": 0.0}
    wires = {"voltage_l1": 231.5, "current_l1": -1.31, "current_l2": 0.2}
    energy = {"energy_import_high": 1.5, "energy_import_low": 2.5, "energy_export_high": 3.5}
    first = Reading("grid", T, power | wires | energy, {"tariff": "low"})
    peak = Reading("grid", T - timedelta(days=2), {"peak": 4000.0})
    batch = [
        Reading("main", T, {"power": 5.0}),
        first,
        gas,
        peak,
        replace(first, time=T + timedelta(seconds=1), labels={"tariff": "high"}),
        replace(first, time=T + timedelta(seconds=2), labels={}),
    ]
    with _full_disk(100), pytest.raises(SinkError):
        made.write(batch)
    made.close()
    made.open()
    made.write(batch)
    made.close()
    again = opened(tmp_path, clock, layout="smartmeter", device="grid", file_prefix="smartmeter")
    again.write(batch)
    again.close()
    assert names(tmp_path) == ["smartmeter_20260302_120000.csv"]
    text = (tmp_path / "smartmeter_20260302_120000.csv").read_text().splitlines()
    assert text[0] == ",".join(COLUMNS)
    middle = "0,0.25,0,0.05,0,0.3,0,0,231.5,,,1.31,0.2,"
    assert text[1:] == [
        f"261025025959S,1.5,2.5,3.5,,2,{middle},,",
        f"261025020000W,1.5,2.5,3.5,,1,{middle},123.456,261025025559S",
        f"261025020001W,1.5,2.5,3.5,,1,{middle},123.456,261025025559S",
    ]


@pytest.mark.parametrize(
    ("texts", "option"),
    [
        ("file_path = csv", "file_path"),
        ("file_path = /x\nfile_prefix = a/b", "file_prefix"),
        ("file_path = /x\nfile_prefix = .a", "file_prefix"),
        ("file_path = /x\nlayout = smartmeter", "device"),
        ("file_path = /x\ndevice = nobody", "device"),
        ("file_path = /x\n[sink:b]\ntype = csv\nfile_path = /x", "file_prefix"),
    ],
)
def test_what_does_not_fit_together_is_told_before_the_start(
    tmp_path: Path, texts: str, option: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse(tmp_path / "s0web.ini", f"[sink:a]\ntype = csv\n{texts}\n")
    assert [problem.option for problem in caught.value.problems] == [option]


def test_a_station_writes_its_house_into_files(ini: Path, tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    text = f"{S0_AND_P1}[sink:files]\ntype = csv\nfile_path = {folder}\n"
    for station in running(ini, text):
        until(
            lambda: folder.exists() and any(",grid,energy_import," in x for x in lines(folder)),
            "P1",
        )
        health = station.hub.snapshot().health["sink:files"]
        assert (health.state, health.text) == ("ok", "")
    assert not any(name.startswith(WIP) for name in os.listdir(folder))

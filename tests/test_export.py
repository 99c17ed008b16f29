"""`s0web export`, and what it writes imported again."""

import csv
import gzip
import io
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web.__main__ import main
from s0web.archive.glance import glance
from s0web.archive.past import days
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading
from tests.conftest import S0_AND_P1

NOW = datetime(2026, 3, 10, tzinfo=UTC)
LONG = timedelta(days=9999)


def own_ini(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir()
    path = folder / "s0web.ini"
    text = S0_AND_P1.replace("simulate = yes", "timezone = Europe/Brussels")
    path.write_text(f"{text}[archive]\nkeep = 36500\n")  # the commands have the clock of today
    monkeypatch.setenv("S0WEB_INI", str(path))
    return path


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A station that told two days of this and that; the last values are not packed."""
    path = own_ini(tmp_path / "own", monkeypatch)
    clock = FakeClock(NOW)
    archive = Archive(path.with_name("archive.db"), clock)
    archive.open()
    for n in range(576):
        kwh = n / 12 if n < 300 else (n - 300) / 12  # another meter came
        values = {"energy_import": round(kwh, 6), "power": 1000.0 + n % 7, "voltage_l1": 230.1}
        archive.write([Reading("main", clock.now(), values)])
        if n % 12 == 0:
            gas = {"volume": round(3 + n / 100, 3)}
            archive.write([Reading("grid.gas", clock.now(), gas, {"ean": "54"}, 'G"1, a')])
        clock.advance(300)
    archive.close()
    return path


def told(path: Path) -> list[Reading]:
    with glance(path.with_name("archive.db")) as view:
        return [r for _, readings in days(view, NOW - LONG, NOW + LONG) for r in readings]


def exported(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, str]]:
    assert main(["export", *words]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_what_is_exported_and_imported_again_is_the_same(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, packed: str
) -> None:
    before, file = told(own), tmp_path / f"all.{form}{packed}"
    assert main(["export", "--format", form, "-o", str(file)]) == 0
    other = own_ini(tmp_path / "other", monkeypatch)
    assert main(["import", "s0web", str(file), "--write"]) == 0
    assert told(other) == before
    assert main(["import", "s0web", str(file), "--write"]) == 0
    assert told(other) == before


def test_a_line_for_each_value_with_local_time_and_unit(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--from", "2026-03-10T01:00", "--to", "2026-03-10T01:05", "--device", "grid.gas")
    assert exported(capsys, *words) == [
        {
            "time": "2026-03-10T00:00:00.000Z", "local_time": "2026-03-10T01:00:00.000+01:00",
            "device": "grid.gas", "quantity": "volume", "value": "3.0", "unit": "m3",
            "meter": 'G"1, a',
        }
    ]  # fmt: skip
    assert len(exported(capsys)) == 3 * 576 + 48
    assert len(exported(capsys, "--quantity", "power", "--device", "main")) == 576
    assert main(["export", "--format", "jsonl", "--quantity", "volume"]) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (line["value"], line["unit"]) == (3.0, "m3")


def test_steps_tell_means_and_what_flowed(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--step", "day", "--device", "main")
    rows = exported(capsys, *words, "--quantity", "energy_import")
    assert [row["local_time"][:10] for row in rows] == ["2026-03-10", "2026-03-11", "2026-03-12"]
    whole = sum(float(row["value"]) for row in rows)
    assert whole == pytest.approx(575 / 12 - 1 / 12, abs=1e-3)
    (first, *_) = exported(capsys, *words, "--quantity", "power")
    assert float(first["low"]) == 1000.0
    assert float(first["high"]) == 1006.0
    assert len(exported(capsys, "--step", "minute", "--quantity", "power")) == 576


def test_no_week_is_told_twice_where_a_month_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = own_ini(tmp_path / "weeks", monkeypatch)
    clock = FakeClock(NOW)
    archive = Archive(path.with_name("archive.db"), clock)
    archive.open()
    for hour in range(40 * 24):
        archive.write([Reading("main", clock.now(), {"energy_import": float(hour)})])
        clock.advance(3600)
    archive.close()
    rows = exported(capsys, "--step", "week")
    days = ["03-09", "03-16", "03-23", "03-30", "04-06", "04-13"]
    assert [row["local_time"][5:10] for row in rows] == days
    assert sum(float(row["value"]) for row in rows) == 40 * 24 - 1


def test_steps_are_not_imported(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("csv", "jsonl"):
        file = tmp_path / f"steps.{form}"
        assert main(["export", "--step", "hour", "--format", form, "-o", str(file)]) == 0
        assert main(["import", "s0web", str(file), "--write"]) == 2
        assert "export it without" in capsys.readouterr().err


def test_mistakes_get_a_sentence(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine")
    for words, said in (
        (["--device", "love"], "--device love: the archive knows grid.gas, main."),
        (["--from", "yesterday"], "'yesterday' is no time such as"),
        (["--from", "2026-03-11", "--to", "2026-03-10"], "is not before --to 2026-03-10."),
        (["-o", str(there)], "is there already"),
        (["-o", str(tmp_path / "none" / "a.csv")], "cannot be written (No such file"),
    ):
        assert main(["export", *words]) == 2
        assert said in capsys.readouterr().err
    assert there.read_text() == "mine"
    archive = own.with_name("archive.db")
    archive.write_bytes(b"damaged" * 1000)
    assert main(["export"]) == 2
    assert "is damaged, or is no archive" in capsys.readouterr().err
    archive.unlink()
    assert main(["export"]) == 2
    assert "there is none yet" in capsys.readouterr().err


def test_a_full_disk_leaves_no_half_a_file(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link = tmp_path / ".full.csv.part"
    link.symlink_to("/dev/full")
    assert main(["export", "-o", str(tmp_path / "full.csv")]) == 2
    assert "cannot be written (No space left on device)" in capsys.readouterr().err
    assert not list(tmp_path.glob("*full*"))


def test_a_reader_that_has_enough_ends_it_quietly(own: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "s0web", "export"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("time,local_time")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_gz_holds_the_same(own: Path, tmp_path: Path) -> None:
    for name in ("a.csv", "a.csv.gz"):
        assert main(["export", "-o", str(tmp_path / name)]) == 0
    with gzip.open(tmp_path / "a.csv.gz") as packed:
        assert packed.read() == (tmp_path / "a.csv").read_bytes()

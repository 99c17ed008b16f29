import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from s0web import config
from s0web.clock import FakeClock
from s0web.errors import SinkError
from s0web.model import Reading
from s0web.sinks.cache import CacheSink
from tests.conftest import S0_AND_P1, until

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Kept:
    def __init__(self, ini: Path, interval: float = 60.0) -> None:
        ini.write_text("[s0web]\n[source:main]\ntype=s0\npin=4\n[cache]\nmain = 22.5\n")
        self.clock, self.ini = FakeClock(NOON), ini
        self.sink = CacheSink(
            ini, lambda: ["main", "water"], {"main": 22.5}, False, self.clock, interval
        )

    def count(self, total: float, device: str = "main", register: str = "energy_import") -> None:
        self.sink.write([Reading(device, NOON, {register: total, "power": 1.0})])

    @property
    def saved(self) -> dict[str, float]:
        return dict(config.load(self.ini).cache)


@pytest.fixture
def kept(ini: Path) -> Kept:
    kept = Kept(ini)
    kept.count(22.5)
    return kept


def test_nothing_is_written_while_nothing_changed(kept: Kept) -> None:
    before = kept.ini.stat().st_mtime_ns
    kept.clock.advance(3600)
    kept.count(22.5)
    kept.sink.write([])
    kept.sink.close()
    assert kept.ini.stat().st_mtime_ns == before


def test_a_changed_total_is_saved_after_the_interval(kept: Kept) -> None:
    kept.count(22.6)
    assert kept.saved == {"main": 22.5}
    kept.clock.advance(60)
    kept.sink.write([])
    assert kept.saved == {"main": 22.6}


def test_every_full_kilowatt_hour_is_saved_at_once(kept: Kept) -> None:
    kept.count(22.999)
    assert kept.saved == {"main": 22.5}
    kept.count(23.0)
    assert kept.saved == {"main": 23.0}


def test_a_correction_downwards_is_saved_at_once(kept: Kept) -> None:
    kept.count(22.4)
    assert kept.saved == {"main": 22.4}


def test_a_correction_before_anything_was_counted_is_saved(ini: Path) -> None:
    kept = Kept(ini)
    kept.count(23.25)
    assert kept.saved == {"main": 23.25}


def test_the_end_saves_what_is_left(kept: Kept) -> None:
    kept.count(22.7)
    kept.sink.close()
    kept.sink.close()
    assert kept.saved == {"main": 22.7}


def test_water_and_energy_are_kept_side_by_side(kept: Kept) -> None:
    kept.count(1.0, "water", "volume")
    kept.count(1.01, "water", "volume")
    kept.count(22.7)
    kept.sink.close()
    assert kept.saved == {"main": 22.7, "water": 1.01}


def test_a_meter_with_a_register_of_its_own_is_not_kept(kept: Kept) -> None:
    kept.count(9999.0, "grid")
    kept.sink.close()
    assert kept.saved == {"main": 22.5}


def test_a_save_that_failed_is_tried_again(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, counters: object, simulated: bool) -> None:
        raise config.ConfigError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(config, "save_counters", full)
        with pytest.raises(SinkError, match="the disk is full"):
            kept.count(23.5)
    kept.count(23.5)  # the same batch comes again
    assert kept.saved == {"main": 23.5}


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.11, 0.23])
def test_kill_9_at_any_instant_leaves_a_whole_file_and_loses_an_interval_at_most(
    ini: Path, moment: float
) -> None:
    """A station on the simulated house saves as fast as it can and is killed."""
    ini.write_text(S0_AND_P1.replace("simulate = yes", "simulate = yes\nsave_interval = 1"))
    environment = {**os.environ, "S0WEB_INI": str(ini)}
    code = (
        "import sys, time\nfrom s0web.station import Station\nfrom s0web.model import Command\n"
        "from s0web.config import ini_path\ns = Station(ini_path())\ns.start()\n"
        "while s.state != 'running': time.sleep(0.01)\ns.drain()\n"
        "while True:\n s.tell(Command('main', 'trigger')); time.sleep(0.01)\n"
        " print(s.hub.snapshot().number('main', 'energy_import'), flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    until(lambda: config.load(ini).cache["main"] > 22.228, "the first save")
    time.sleep(moment)  # any instant will do: the file must be whole at all of them
    process.send_signal(signal.SIGKILL)
    told = [line for line in process.stdout.read().split("\n")[:-1] if line not in ("", "None")]
    process.wait()
    process.stdout.close()
    kept = config.load(ini).cache["main"]
    assert 22.228 < kept <= float(told[-1]) + 0.05
    assert float(told[-1]) - kept < 0.5  # checkpoints come each 0.2 s while draining

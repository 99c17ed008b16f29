"""Fixtures that many tests share."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from s0web.clock import FakeClock
from s0web.station import Station

# a run in the background ignores Ctrl-C, and so would every program that the tests start
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, however slow; others: --hypothesis-profile=default
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("same")

S0 = """\
[s0web]
simulate = yes
[source:main]
type = s0
pin = 4
[cache:simulated]
main = 22.228
"""
S0_AND_P1 = (
    S0
    + """\
[source:grid]
type = p1
port = simulated
"""
)


def until(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait for a condition, with a limit."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    """A path for an INI file in a state folder of its own."""
    folder = tmp_path / "state"
    folder.mkdir()
    return folder / "s0web.ini"


def running(ini: Path, text: str) -> Iterator[Station]:
    """A station on the simulated house whose devices have told."""
    ini.write_text(text)
    station = Station(ini)
    station.start()
    until(lambda: station.state == "running", "the start")
    for device in station.devices():
        until(lambda d=device: station.hub.snapshot().get(d, "energy_import"), device)
    yield station
    station.stop()


@pytest.fixture
def station(ini: Path) -> Iterator[Station]:
    """A running station with one pulse counter, main."""
    yield from running(ini, S0)


@pytest.fixture
def house(ini: Path) -> Iterator[Station]:
    """A running station with a pulse counter and a grid meter."""
    yield from running(ini, S0_AND_P1)

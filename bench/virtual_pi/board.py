"""The simulated GPIO chip from its outer side, and an S0 source on it, for the checks."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from s0web.clock import SystemClock
from s0web.hardware.wires import RealWires
from s0web.model import Reading
from s0web.options import OPTIONS
from s0web.sources.s0 import S0Source

CONFIG = Path("/sys/kernel/config/gpio-sim")
LABEL = "pinctrl-bcm2711"
PER_KWH = 1000


class Board:
    """One chip of gpio-sim, by its name in configfs."""

    def __init__(self, name: str) -> None:
        self.config = CONFIG / name

    @property
    def path(self) -> str:
        """/dev/gpiochipN"""
        return f"/dev/{(self.config / 'bank/chip_name').read_text().strip()}"

    def plug(self, is_there: bool) -> None:
        (self.config / "live").write_text("1" if is_there else "0")

    def file(self, line: int, what: str) -> Path:
        """The file `pull` (what is wired to the line) or `value` (its level)."""
        device, chip = (
            (self.config / name).read_text().strip() for name in ("dev_name", "bank/chip_name")
        )
        return Path(f"/sys/devices/platform/{device}/{chip}/sim_gpio{line}/{what}")

    def value(self, line: int) -> bool:
        return self.file(line, "value").read_text().strip() == "1"

    def pull(self, line: int) -> str:
        return self.file(line, "pull").read_text().strip().removeprefix("pull-")


PI, OTHER = Board("pi"), Board("other")


class Pulses:
    """Pulses on lines of the Pi's chip, made by a process of its own."""

    def __init__(
        self, lines: Sequence[int], count: int, period: float, width: float, bounces: int = 0
    ) -> None:
        numbers = [str(count), str(period), str(width), str(bounces)]
        files = [str(PI.file(line, "pull")) for line in lines]
        command = [sys.executable, "-m", "bench.virtual_pi.pulses", *numbers, *files]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)

    def going(self) -> bool:
        return self._process.poll() is None

    def rises(self) -> list[int]:
        """Wait for the end; when each pulse began, ns."""
        out, _ = self._process.communicate()
        assert self._process.returncode == 0, "the pulses failed"
        rises: list[int] = json.loads(out)
        return rises


@contextmanager
def s0_input(**texts: str) -> Iterator[S0Source]:
    """A source with one S0 input by its options, others by their default; open, totals told."""
    given = {"pin": "4", "pulses_per_kwh": str(PER_KWH), **texts}
    rows = {o.name: o.parse(given.get(o.name, o.default or "")) for o in OPTIONS["source.s0"]}
    meter = S0Source({"main": {"type": "s0", **rows}}, RealWires(), SystemClock(), lambda _: {})
    meter.open()
    try:
        meter.read()
        yield meter
    finally:
        meter.close()


def told(meter: S0Source, pulses: Pulses) -> list[Reading]:
    """What the source tells until the pulses have ended and no more comes."""
    readings: list[Reading] = []
    while pulses.going() or readings_of(meter, readings):
        readings_of(meter, readings)
    return [reading for reading in readings if "pulses" in reading.values]


def readings_of(meter: S0Source, into: list[Reading]) -> int:
    """Read once; how many pulses were told."""
    news = [item for item in meter.read() if isinstance(item, Reading)]
    into += news
    return sum("pulse_interval" in reading.values for reading in news)


def worst(readings: Sequence[Reading], rises: Sequence[int]) -> float:
    """The worst error of power, in percent, against the moments at which the pulses were made."""
    errors, before = [0.0], None
    for reading in readings:
        number = int(reading.values["pulses"]) - 1  # which pulse this is, from 0
        if "power" in reading.values and before is not None:
            seconds = (rises[number] - rises[before]) / 1e9 / (number - before)
            errors.append(abs(reading.values["power"] * PER_KWH * seconds / 3.6e6 - 1))
        before = number
    return 100 * max(errors)


@contextmanager
def meanwhile(work: Callable[[], object], threads: int = 1) -> Iterator[None]:
    """So many threads of this process do the work again and again."""
    end = threading.Event()

    def repeat() -> None:
        while not end.is_set():
            work()

    workers = [threading.Thread(target=repeat) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield
    finally:
        end.set()
        for worker in workers:
            worker.join()


def toil() -> None:
    """Work that holds the interpreter lock."""
    json.loads(json.dumps({str(n): n for n in range(200)}))


def refused(claim: Callable[[], object]) -> OSError:
    try:
        claim()
    except OSError as error:
        return error
    raise AssertionError("it was not refused")


def until(condition: Callable[[], object], what: str, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.001)

"""The sampler: its pace, its child process in life and death, and the parent's end of it."""

import os
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s0web.errors import SourceError
from s0web.hardware import Adc, Sampler, Samples, sampler, sampling
from s0web.hardware.sampler import HEADER, MAGIC, stream
from s0web.hardware.sampling import ROOT, ChildSampler, Parser, interpreter, open_sampler
from tests.conftest import until

ADC = Adc("0.0", "mcp3208", 1_250_000, 3000.0, (0, 1, 2, 3, 4, 5))
SIMULATED = "s0web.simulation.adc"
PERIOD = 1e9 / ADC.rate

Program = Callable[[str], str]


def origin() -> str:
    return str(time.time_ns() - time.monotonic_ns())


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one whose new parent does not wait for it has, too."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def batch(number: int, frames: int, late: int = 0, channels: int = 6) -> bytes:
    times = array("q", (10**15 + (number * 1000 + k) * 333_333 for k in range(frames)))
    codes = array("H", (number + k for k in range(frames * channels)))
    return HEADER.pack(MAGIC, frames, late, 35e3) + times.tobytes() + codes.tobytes()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Make a child program of a text; its name."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(text: str) -> str:
        (tmp_path / "stand_in.py").write_text(f"import os, sys, time\n{text}\n")
        return "stand_in"

    return write


def heard(child: Sampler, count: int) -> list[Samples]:
    """At least so many batches."""
    found = list[Samples]()

    def enough() -> bool:
        found.extend(child.read(1.0))
        return len(found) >= count

    until(enough, "samples")
    return found


class Timed:
    """A converter of so many frames a call that moves the clock; some sleeps last too long."""

    note, slot_ns, lag_ns = "", 35_000.0, PERIOD / 2

    def __init__(self, monkeypatch: pytest.MonkeyPatch, frames: int, takes: float = 0.9) -> None:
        self.frames, self.now, self.stalls = frames, 10**12, dict[int, float]()
        self._takes, self._sleeps = takes * frames * PERIOD, 0
        monkeypatch.setattr(sampler, "monotonic_ns", lambda: self.now)
        monkeypatch.setattr(sampler, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self._sleeps += 1
        self.now += round(seconds * 1e9 + self.stalls.get(self._sleeps, 0))

    def convert(self, due: int) -> tuple[int, int]:
        begin = self.now
        self.now += round(self._takes)
        return begin, begin + round((self.frames - 1) * PERIOD)

    def fetch(self) -> bytes:
        return b""


def streamed(converter: Timed, seconds: float) -> tuple[list[int], int]:
    """Stamps and late frames of a stream of so many seconds."""
    times, late, end = array("q"), 0, converter.now + seconds * 1e9

    def write(data: bytes) -> None:
        nonlocal late
        _, count, more, _ = HEADER.unpack_from(data)
        late += more
        times.frombytes(data[HEADER.size :])
        assert len(data) == HEADER.size + 8 * count

    stream(ADC, converter, write, lambda: converter.now >= end)
    return times.tolist(), late


@pytest.mark.parametrize("frames", [1, 5, 16])
def test_frames_come_at_an_even_pace(frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    times, late = streamed(Timed(monkeypatch, frames), 10)
    gaps = [b - a for a, b in pairwise(times)]
    assert late == 0
    assert abs((times[-1] - times[0]) / len(gaps) - PERIOD) < 1
    assert max(abs(gap - PERIOD) for gap in gaps) <= sampler.SHORT + 1


@pytest.mark.parametrize("frames", [1, 5])
def test_late_frames_are_left_out_and_the_others_keep_their_places(
    frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    converter = Timed(monkeypatch, frames, takes=0.5)
    converter.stalls = {100: 0.3 * PERIOD, 200: 0.8 * PERIOD, 300: 7.2 * PERIOD, 400: 3e9}
    times, late = streamed(converter, 10)
    assert late == 1 + 7 + 9000
    places = [(time - times[0]) / PERIOD for time in times]
    assert max(abs(place - round(place)) for place in places) < 0.4
    assert len(times) + late == round(places[-1]) + 1


def test_a_converter_that_is_too_slow_tells_how_many_frames_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times, late = streamed(Timed(monkeypatch, 5, takes=1.25), 10)
    assert abs(len(times) - 24_000) < 400
    assert abs(len(times) + late - 30_000) < 200


@given(st.lists(st.integers(1, 40), max_size=8), st.lists(st.integers(0, 5000), max_size=30))
def test_batches_are_found_however_the_bytes_are_cut(sizes: list[int], cuts: list[int]) -> None:
    data = b"".join(batch(number, size, number) for number, size in enumerate(sizes))
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    parser, found = Parser(6, data[: places[0]]), list[Samples]()
    for begin, end in pairwise(places):
        found += parser.feed(data[begin:end])
    assert [len(each.times_ns) for each in found] == sizes
    for number, each in enumerate(found):
        assert each.times_ns[0] == 10**15 + number * 1000 * 333_333
        assert each.codes.tolist() == list(range(number, number + 6 * sizes[number]))
        assert (each.late, each.slot_ns) == (number, 35e3)
    assert parser.feed(b"") == []


def test_samples_say_what_they_last() -> None:
    (samples,) = Parser(6).feed(batch(0, 150))
    assert samples.seconds == pytest.approx(0.05, rel=1e-5)
    assert Parser(6).feed(batch(0, 1))[0].seconds == 0


@pytest.mark.parametrize("data", [b"garbage " * 4, HEADER.pack(MAGIC, 0, 0, 35e3)])
def test_what_is_no_batch_is_an_error(data: bytes) -> None:
    with pytest.raises(SourceError, match="what is no batch"):
        Parser(6).feed(data)


def test_the_simulated_child_samples_until_it_is_closed() -> None:
    child = ChildSampler(ADC, SIMULATED, (origin(),))
    assert child.note == "simulated"
    found = heard(child, 6)
    times = [time for each in found for time in each.times_ns]
    assert max(abs(b - a - PERIOD) for a, b in pairwise(times)) < 1e5
    assert abs(times[-1] - time.monotonic_ns()) < 5e9
    for each in found:
        assert len(each.codes) == 6 * len(each.times_ns)
        assert min(each.codes) > 100
        assert max(each.codes) < 4000
        assert each.slot_ns == 35_000
    child.close()
    assert is_gone(child.pid)
    with pytest.raises(ChildProcessError):  # it has been waited for: no zombie
        os.waitpid(child.pid, os.WNOHANG)
    child.close()
    with pytest.raises(SourceError, match="closed: open it again"):
        child.read(0)


def test_nothing_is_lost_while_nobody_reads() -> None:
    child = open_sampler(ADC, SIMULATED, (origin(),))
    first = next(iter(child.read(5.0)))
    end = first.times_ns[0] + 1_500_000_000
    until(lambda: time.monotonic_ns() > end, "a second and a half")
    found, last = [first], 0
    while last < end:
        found += child.read(1.0)
        last = found[-1].times_ns[-1]
    stamps = [time for each in found for time in each.times_ns]
    assert max(b - a for a, b in pairwise(stamps)) < 2 * PERIOD
    child.close()


def test_a_real_converter_that_is_not_there_is_a_sentence() -> None:
    with pytest.raises(SourceError, match=r"no /dev/spidev7\.3: switch SPI on"):
        open_sampler(ADC._replace(device="7.3"))


def test_the_real_program_runs_to_the_parent_on_a_stand_in_for_the_ioctl(
    program: Program, tmp_path: Path
) -> None:
    (tmp_path / "spidev").touch()
    name = program(
        "from tests.test_spi import Chip\n"
        "from s0web.hardware.sampler import run\n"
        "from s0web.hardware.spi import BatchConverter\n"
        "class Paced(Chip):\n"
        "    def ioctl(self, fd, number, value):\n"
        "        super().ioctl(fd, number, value)\n"
        "        time.sleep(0.001)\n"
        "sys.exit(run(lambda adc: BatchConverter(adc, sys.argv[2], Paced().ioctl)))"
    )
    child = open_sampler(ADC, name, (str(tmp_path / "spidev"),))
    found = heard(child, 3)
    child.close()
    for each in found:
        assert each.codes.tolist() == [100 * c + 77 for c in ADC.channels] * len(each.times_ns)
        assert all(a < b for a, b in pairwise(each.times_ns))


def test_a_bus_that_is_too_slow_is_said_at_once(program: Program) -> None:
    name = program(
        "from s0web.hardware.sampler import run\n"
        "class Slow:\n"
        "    note, frames, slot_ns, lag_ns = '', 1, 70e3, 1e9\n"
        "    def convert(self, due): time.sleep(0.01); return due, due\n"
        "    def fetch(self): return b''\n"
        "sys.exit(run(lambda adc: Slow()))"
    )
    child = open_sampler(ADC, name)
    assert child.note == (
        "the bus is too slow for 3000 frames/s, 2381 at most: lower samples_per_wave"
    )
    child.close()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("raise ValueError('sad')", r"the sampler of the ADC 0\.0 ended \(ValueError: sad\)"),
        ("os.kill(os.getpid(), 9)", r"ended \(by signal 9\)"),
        ("sys.exit(7)", r"ended \(exit code 7\)"),
        ("print('the chip is sad', file=sys.stderr); sys.exit(3)", "^the chip is sad$"),
    ],
)
def test_a_child_that_ends_says_why(program: Program, text: str, sentence: str) -> None:
    name = program(text)
    with pytest.raises(SourceError, match=sentence):
        open_sampler(ADC, name)
    name = program(f"print('hello', flush=True); sys.stdin.buffer.read(1); {text}")
    child = ChildSampler(ADC, name, ())
    assert child._child.stdin is not None
    child._child.stdin.write(b"!")
    with pytest.raises(SourceError, match=sentence):
        until(lambda: child.read(1.0), "the end")
    child.close()
    assert is_gone(child.pid)


def test_a_child_that_never_begins_is_given_up(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "START", 0.2)
    with pytest.raises(SourceError, match="did not begin within"):
        open_sampler(ADC, program("sys.stdin.read()"))


def test_the_child_ends_when_its_input_ends() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", SIMULATED, '{"device": "0.0", "chip": "mcp3208", "speed": 1250000, '
         '"rate": 3000.0, "channels": [0, 1]}', origin()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"simulated\n"
    child.communicate(timeout=10)
    assert child.returncode == 0


def test_a_parent_that_is_killed_leaves_no_orphan() -> None:
    text = (
        "import time\n"
        "from tests.test_sampler import ADC, SIMULATED, ChildSampler, origin\n"
        "child = ChildSampler(ADC, SIMULATED, (origin(),))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert not is_gone(pid)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until(lambda: is_gone(pid), "the child's end")


def test_inside_apache_the_interpreter_of_the_environment_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert interpreter() == sys.executable
    for executable in ("/usr/sbin/apache2", "", None):
        monkeypatch.setattr(sys, "executable", executable)
        found = interpreter()
        assert Path(found).parent == Path(sys.prefix, "bin")
        assert subprocess.run([found, "-c", ""], check=True).returncode == 0
    monkeypatch.setattr(sys, "prefix", "/nowhere")
    monkeypatch.setattr(sys, "base_prefix", "/nowhere")
    with pytest.raises(SourceError, match=r"no python3\.\d+ in /nowhere/bin"):
        interpreter()


def test_a_child_imports_little() -> None:
    out = subprocess.run(
        [sys.executable, "-c", "import s0web.hardware.sampler, sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    ).stdout.split()  # fmt: skip
    assert not {"numpy", "flask", "serial", "minimalmodbus", "asyncio", "spidev"} & set(out)


def test_without_the_right_to_a_priority_it_still_wakes_up_on_time() -> None:
    text = (
        "import os\n"
        "def no(*given): raise PermissionError(1, 'no')\n"
        "os.setpriority = os.sched_setscheduler = no\n"
        "from s0web.hardware.sampler import hurry\n"
        "hurry()\n"
        "print(open('/proc/self/timerslack_ns').read())"
    )
    command = [sys.executable, "-W", "ignore", "-c", text]
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert out.strip() == "1"

"""Late frames of the ADC's sampler process under web load, beside the same sampling in a thread.

    python -m bench.adc_sampler [seconds of a row, 5]

3000 frames/s of 6 channels. SPI is a stand-in below the ioctl: a call keeps a core busy for 35 us a
conversion, and sleeps while the kernel would pause between two frames; all above it is the
sampler's own code. The web is `s0web serve` as a process of its own, with 8 clients in another one.
A frame that would come more than half a frame (0.17 ms) after its time is late, and left out. The
sampler takes real-time priority where its user may (root, or by LimitRTPRIO); one row is without.
The peer runs in a thread beside one busy Python thread; its conversions sleep, so that they give
the interpreter lock away as an ioctl does. "Nothing to convert" is the machine's own share: the
same process, the same sleeps, and no SPI.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from itertools import chain, pairwise
from math import inf
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from bench.latency import ELECTRICITY, Client, cpu, load, station
from bench.web import INI
from s0web.hardware import Adc, Samples
from s0web.hardware.sampler import hurry, run, stream
from s0web.hardware.sampling import ChildSampler, Parser
from s0web.hardware.spi import DELAY, DELAY_AT, TRANSFER, BatchConverter
from tests.apache_server import wait_for

ADC = Adc("0.0", "mcp3208", 1_250_000, 3000.0, (0, 1, 2, 3, 4, 5))
CONVERSION = 35_000  # ns
WARM = 1.0  # s that do not count
LOADS = (("no client", 0.0), ("8 clients, 20/s each", 20.0), ("8 clients, no pause", inf))
MESSAGE = 0x6B00  # SPI_IOC_MESSAGE, less the size


class Row(NamedTuple):
    late: float  # %
    rate: float  # frames/s
    gap: float  # ms, the longest between two frames
    cores: float  # kept busy by the whole process; conversions alone: 0.63


class Bus:
    """fcntl.ioctl of a /dev/spidev that is not there."""

    def __init__(self, busy: bool) -> None:
        self._busy = busy

    def ioctl(self, fd: int, number: int, value: Any) -> None:
        if number & 0xFFFF != MESSAGE:  # mode, bits, speed
            return
        begin, count = time.monotonic_ns(), (number >> 16 & 0x3FFF) // TRANSFER.size
        places = range(DELAY_AT, count * TRANSFER.size, TRANSFER.size)
        rest = sum(DELAY.unpack_from(value, place)[0] for place in places) / 1e6
        if self._busy:
            while time.monotonic_ns() < begin + count * CONVERSION:
                pass
        else:
            rest += count * CONVERSION / 1e9
        if rest:
            time.sleep(rest)


class Idle:
    """A converter that has nothing to convert."""

    note, frames, slot_ns, lag_ns = "", 5, 1.0, 0.5e9 / ADC.rate

    def __init__(self) -> None:
        self._calls = 0

    def convert(self, due: int) -> tuple[int, int]:
        self._calls += 1
        begin = time.monotonic_ns()
        return begin, begin + round((self.frames - 1) * 1e9 / ADC.rate)

    def fetch(self) -> bytes:
        calls, self._calls = self._calls, 0
        return bytes(2 * len(ADC.channels) * self.frames * calls)


def counted(samples: Sequence[Samples], cores: float) -> Row:
    first = samples[0].times_ns[0] + WARM * 1e9
    kept = [each for each in samples if each.times_ns[0] > first]
    times = list(chain(*(each.times_ns for each in kept)))
    late = sum(each.late for each in kept)
    rate = (len(times) - 1) / (times[-1] - times[0]) * 1e9
    gap = max(after - before for before, after in pairwise(times)) / 1e6
    return Row(100 * late / (len(times) + late), rate, gap, cores)


def process(seconds: float, *what: str) -> Row:
    """The sampler as it is: a child process."""
    with tempfile.NamedTemporaryFile() as device:
        sampler = ChildSampler(ADC, "bench.adc_sampler", (device.name, *what))
        try:
            found, begin, used = [*sampler.read(1.0)], time.monotonic(), cpu(sampler.pid)
            while (passed := time.monotonic() - begin) < WARM + seconds:
                found += sampler.read(1.0)
            return counted(found, (cpu(sampler.pid) - used) / passed)
        finally:
            sampler.close()


def loaded(rate: float, seconds: float, *what: str) -> tuple[Row, float]:
    """The process while 8 clients ask; and requests/s."""
    with tempfile.TemporaryDirectory(prefix="s0web-") as folder, station(Path(folder), INI) as web:
        client = Client(web.port)
        wait_for(lambda: client.ask(ELECTRICITY)[0] == 200, "the station's values", lambda: "")
        client.close()
        here, there = get_context("spawn").Pipe()
        clients = get_context("spawn").Process(target=load, args=(web.port, rate, there))
        clients.start()
        there.close()
        try:
            here.recv()
            begin = time.monotonic()
            row = process(seconds, *what)
            here.send("end")
            return row, here.recv() / (time.monotonic() - begin)
        finally:
            clients.kill()
            clients.join()


def thread(seconds: float) -> Row:
    """The peer: the same in a thread of a process in which another one is busy."""
    said, over, used = bytearray(), threading.Event(), time.process_time()
    with tempfile.NamedTemporaryFile() as device:
        converter = BatchConverter(ADC, device.name, Bus(busy=False).ioctl)
        sampling = threading.Thread(target=stream, args=(ADC, converter, said.extend, over.is_set))
        sampling.start()
        begin = time.monotonic()
        while time.monotonic() - begin < WARM + seconds:
            sum(range(1000))
        over.set()
        sampling.join()
        converter.close()
    cores = (time.process_time() - used) / (WARM + seconds)
    return counted(Parser(len(ADC.channels)).feed(bytes(said)), cores)


def tell(what: str, row: Row, requests: float = 0.0) -> None:
    figures = f"{row.rate:9.0f}{row.late:9.3f}{row.gap:9.2f}{row.cores:7.2f}"
    print(f"{what:34}{requests:11.0f}{figures}", flush=True)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    print(f"{ADC.rate:.0f} frames/s of {len(ADC.channels)} channels, {seconds:g} s in each row")
    print(f"{'':34}{'requests/s':>11}{'frames/s':>9}{'late, %':>9}{'gap, ms':>9}{'cores':>7}")
    tell("process, nothing to convert", process(seconds, "idle"))
    worst = 0.0
    for what, asked in LOADS:
        row, requests = loaded(asked, seconds)
        tell(f"process, {what}", row, requests)
        worst = max(worst, row.late)
    row, requests = loaded(20.0, seconds, "ordinary")
    tell("same, 20/s, ordinary priority", row, requests)
    sys.setswitchinterval(0.0005)  # as the station does
    tell("thread beside a busy one", thread(seconds))
    print(f"value: {worst:.3f}")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        main()
    else:  # as the child: ADC DEVICE [idle | ordinary]
        what = sys.argv[3:]
        if what != ["ordinary"]:
            hurry()
        if what == ["idle"]:
            sys.exit(run(lambda adc: Idle()))
        sys.exit(run(lambda adc: BatchConverter(adc, sys.argv[2], Bus(busy=True).ioctl)))

"""What a station costs: memory, threads, CPU when idle, time to start; beside dsmr_parser alone.

    python -m bench.footprint [seconds of idling, 20]

The station is `s0web serve` with a P1 meter on a pty, a telegram of 1.7 kB each second at line
rate, and two S0 inputs, a pulse each 3 s: the GPIO character device's request is a pipe into which
this process writes the kernel's events. Nobody asks for pages meanwhile. The peer reads the same
telegrams at the same time from a pty of its own by SerialReader, and does nothing else: no pages,
no pulses, no memory of the day. Imports are CPU time of new processes, less that of bare Python.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.latency import READINGS, Client, cpu, say, station
from s0web.hardware.gpio import EVENT, RISING_EDGE
from s0web.simulation.house import House
from s0web.simulation.pty import Pty
from s0web.simulation.telegram import telegram
from tests.apache_server import CHECKOUT, wait_for

INI = """\
[log]
level = warning
[source:main]
type = s0
pin = 4
[source:solar]
type = s0
pin = 17
[source:grid]
type = p1
port = {port}
"""
PINS = (4, 17)
PULSE_SECONDS, WIDTH_NS, FALLING_EDGE = 3, 30_000_000, 2
SERVE = """\
import os, sys
from s0web.__main__ import main
from s0web.hardware import gpio

gpio.find = lambda wanted="": gpio.Chip("a pipe", "gpiochip0", "pinctrl-bcm2711", 58)
gpio.request = lambda *what: os.dup({handle})
sys.exit(main(["serve", "--port", "0"]))
"""
PEER = """\
import sys
from dsmr_parser import telegram_specifications
from dsmr_parser.clients import SERIAL_SETTINGS_V5, SerialReader

settings, specification = dict(SERIAL_SETTINGS_V5), telegram_specifications.BELGIUM_FLUVIUS
for telegram in SerialReader(sys.argv[1], settings, specification).read():
    print(telegram.P1_MESSAGE_TIMESTAMP.value, flush=True)
"""
PAGES = ("/s0/", "/s0/config", READINGS, "/s0/electricity", "/s0/api/v1/recent/grid?step=300")
IMPORTS = (
    ("s0web serve", "import s0web.__main__, s0web.web.app, s0web.web.server"),
    ("the same, its libraries alone", "import flask, flask_restful, waitress, serial"),
    ("dsmr_parser's SerialReader", "from dsmr_parser.clients import SerialReader"),
)
TIMES = 7  # new processes for each import
ASKED = 30  # times each page


class Use(NamedTuple):
    rss: float  # MB
    threads: int
    cpu: float  # s since its start


def use(pid: int) -> Use:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    rss = int(status["VmRSS"].split()[0]) * 1024 / 1e6
    return Use(rss, int(status["Threads"]), cpu(pid))


@contextmanager
def peer(port: Pty) -> Iterator[int]:
    """Run dsmr_parser's reader; its process id."""
    command = [sys.executable, "-c", PEER, port.path]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


class Wires:
    """The meters of the house: two P1 ports with the same telegrams, and two S0 outputs."""

    def __init__(self, folder: Path) -> None:
        self.ports = [Pty(folder / name) for name in ("meter", "peer")]
        self.handle, self._outputs = os.pipe()
        self._house, self._pulses = House(), 0

    def run(self, seconds: int) -> None:
        begin = time.monotonic()
        for second in range(1, seconds + 1):
            if second % PULSE_SECONDS == 0:
                self._pulse()
            say(self.ports, telegram(self._house, datetime.now(UTC)))
            time.sleep(max(0.0, begin + second - time.monotonic()))

    def opened(self) -> bool:
        return all(port.opened() for port in self.ports)

    def close(self) -> None:
        for port in self.ports:
            port.close()
        os.close(self.handle)
        os.close(self._outputs)

    def _pulse(self) -> None:
        """A pulse of 30 ms that ends now on each line, as struct gpio_v2_line_event."""
        now, edge = time.monotonic_ns(), 2 * self._pulses
        for number, (before, kind) in enumerate(((WIDTH_NS, RISING_EDGE), (0, FALLING_EDGE)), 1):
            for at, pin in enumerate(PINS, 1):
                count = (edge + number - 1) * len(PINS) + at  # of all lines; the last is the line's
                event = EVENT.pack(now - before, kind, pin, count, edge + number)
                os.write(self._outputs, event)
        self._pulses += 1


def imported(code: str) -> float:
    """CPU ms of a new process that runs this."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CHECKOUT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3


def show_imports() -> None:
    codes = ("pass", *(code for _, code in IMPORTS))
    rounds = [[imported(code) for code in codes] for _ in range(TIMES)]
    bare, *others = (median(column) for column in zip(*rounds, strict=True))
    print(f"import, ms of CPU beyond bare Python's {bare:.0f}; median of {TIMES} new processes")
    for (what, _), cost in zip(IMPORTS, others, strict=True):
        print(f"  {what:32}{cost - bare:7.0f}")


def show_pages(client: Client) -> None:
    print(f"pages, ms until the whole answer is there; median of {ASKED}, warm")
    for path in PAGES:
        client.get(path)
        times = []
        for _ in range(ASKED):
            begin = time.monotonic()
            size = len(client.get(path))
            times.append((time.monotonic() - begin) * 1e3)
        print(f"  {path:32}{median(times):7.1f}{size:8} bytes")


def told(client: Client) -> dict[str, int]:
    """Device -> how many values the station knows of it."""
    devices = json.loads(client.get(READINGS))["devices"]
    return {name: len(device["values"]) for name, device in devices.items()}


def measured(seconds: int, folder: Path, stack: ExitStack) -> float:
    """Print what station and peer use; return the station's memory in MB."""
    wires = Wires(folder)
    stack.callback(wires.close)
    ini = INI.format(port=wires.ports[0].path)
    program, begin = ("-c", SERVE.format(handle=wires.handle)), time.monotonic()
    running = stack.enter_context(station(folder, ini, program, (wires.handle,)))
    client = Client(running.port)
    stack.callback(client.close)
    client.get("/s0/")
    print(f"first page {(time.monotonic() - begin) * 1e3:.0f} ms after the start of the process")
    reader = stack.enter_context(peer(wires.ports[1]))
    wait_for(wires.opened, "the opening of both ports", lambda: "")
    wires.run(2 * PULSE_SECONDS)  # warm
    show_pages(client)
    print("devices and their values:", ", ".join(f"{k} {v}" for k, v in told(client).items()))
    before = [use(pid) for pid in (running.pid, reader)]
    begin = time.monotonic()
    wires.run(seconds)
    after, passed = [use(pid) for pid in (running.pid, reader)], time.monotonic() - begin
    print(f"{f'idle for {passed:.0f} s':34}{'RSS, MB':>9}{'threads':>9}{'CPU share':>11}")
    names = ("s0web: 1 P1, 2 S0, pages", "dsmr_parser: 1 P1")
    for name, old, new in zip(names, before, after, strict=True):
        share = (new.cpu - old.cpu) / passed
        print(f"  {name:32}{new.rss:9.1f}{new.threads:9}{share:11.2%}")
    return after[0].rss


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    show_imports()
    with tempfile.TemporaryDirectory(prefix="s0web-") as folder, ExitStack() as stack:
        memory = measured(seconds, Path(folder), stack)
    print(f"value: {memory:.1f}")


if __name__ == "__main__":
    main()

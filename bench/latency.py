"""From the last byte of a P1 telegram to its power in the answer of /s0/api/v1/readings.

    python -m bench.latency [telegrams in a row, 40] [seconds between two, 0.3]

The station is `s0web serve` as a process of its own, its meter a pty on which telegrams of 1.7 to
1.9 kB come at 115,200 baud in bursts of 12 bytes, as many USB adapters pass them on. A probe asks
from the last burst on, 2 ms after each answer, until the new power is there; so its last question
and answer are part of the lag. 8 clients in another process ask for the same and for
/s0/electricity: never, 20 times a second each (eager browsers), and without a pause.
"""

import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from math import inf
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from bench.p1_streams import sign
from s0web.simulation.house import House
from s0web.simulation.pty import Pty
from s0web.simulation.telegram import telegram
from tests.apache_server import CHECKOUT, LIMIT, wait_for

BURST, BYTES_PER_SECOND = 12, 11_520
PAUSE = 0.002  # s between an answer and the probe's next question
CLIENTS = 8
WARM = 3  # telegrams that do not count
ROWS = (("no other client", 0.0), ("8 clients, 20/s each", 20.0), ("8 clients, no pause", inf))
READINGS, ELECTRICITY = "/s0/api/v1/readings", "/s0/electricity"
SERVE = ("-m", "s0web", "serve", "--port", "0")
INI = """\
[log]
level = warning
[source:grid]
type = p1
port = {port}
"""


class Client:
    """A browser's connection: kept between requests; for one thread."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)

    def ask(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def get(self, path: str) -> bytes:
        status, body = self.ask(path)
        assert status == 200, f"{path}: {status} {body[:200]!r}"
        return body

    def close(self) -> None:
        self._connection.close()


class Running(NamedTuple):
    pid: int
    port: int


class Row(NamedTuple):
    lags: list[float]  # ms
    rate: float  # requests/s of the 8 clients
    others: float  # cores that other programs kept busy meanwhile


@contextmanager
def station(
    folder: Path, ini: str, program: Sequence[str] = SERVE, handed: Sequence[int] = ()
) -> Iterator[Running]:
    """Run a station with these settings, its state in the folder; `handed` descriptors are kept."""
    path = folder / "s0web.ini"
    path.write_text(ini)
    environ = {"S0WEB_INI": str(path), "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, *program]
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, text=True, pass_fds=handed
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/s0/", line)
        assert found, f"no station: {line!r}"
        yield Running(process.pid, int(found[1]))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=LIMIT)


def cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    return time.clock_gettime(~pid << 3 | 2)  # the kernel's MAKE_PROCESS_CPUCLOCK, CPUCLOCK_SCHED


def busy() -> float:
    """CPU seconds of the whole machine so far, without those of other virtual machines."""
    line = Path("/proc/stat").read_text().partition("\n")[0]
    user, nice, system, _, _, irq, softirq, *_ = map(int, line.split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def say(ports: Sequence[Pty], data: bytes) -> float:
    """Write at the pace of the line; return the monotonic time just before the last burst."""
    begin = now = time.monotonic()
    for end in range(BURST, len(data) + BURST, BURST):
        time.sleep(max(0.0, begin + min(end, len(data)) / BYTES_PER_SECOND - now))
        last = time.monotonic()
        for port in ports:
            port.write(data[end - BURST : end])
        now = time.monotonic()
    return last


def meter() -> Callable[[int], bytes]:
    """A meter that tells any power, in W, in telegrams whose length differs by up to 20 ms."""
    house, dice = House(), random.Random(1)

    def tell(power: int) -> bytes:
        body = telegram(house, datetime.now(UTC)).partition(b"!")[0] + b"!"
        for code, value in (
            (b"1-0:1.7.0", b"%06.3f*kW" % (power / 1000)),
            (b"1-0:2.7.0", b"00.000*kW"),
            (b"0-0:96.13.0", b"41" * dice.randrange(115)),
        ):
            body = re.sub(rb"(?m)^%s\(.*\)" % re.escape(code), code + b"(" + value + b")", body)
        return sign(body)

    return tell


def power(client: Client) -> float | None:
    """What the station shows."""
    shown = json.loads(client.get(READINGS))["devices"]["grid"]["values"].get("power")
    return None if shown is None else float(shown["value"])


def lags(
    client: Client,
    port: Pty,
    tell: Callable[[int], bytes],
    powers: Iterator[int],
    period: float,
    count: int,
) -> list[float]:
    """Tell one telegram after the other; return in ms how long each took to be seen."""
    found = []
    for number in islice(powers, count):
        begin = time.monotonic()
        last = say([port], tell(number))
        while power(client) != number:
            assert time.monotonic() < last + LIMIT, f"{number} W did not come within {LIMIT:g} s"
            time.sleep(PAUSE)
        found.append((time.monotonic() - last) * 1e3)
        time.sleep(max(0.0, begin + period - time.monotonic()))
    return found


def load(port: int, rate: float, pipe: Connection) -> None:
    """Ask as 8 clients until told to end, each `rate` times a second; then tell how often."""
    over = threading.Event()

    def ask(number: int) -> int:
        client, due, count = Client(port), time.monotonic() + number / CLIENTS / rate, 0
        while not over.wait(max(0.0, due - time.monotonic())):
            client.get(ELECTRICITY if count % 2 else READINGS)
            count, due = count + 1, due + 1 / rate
        client.close()
        return count

    with ThreadPoolExecutor(CLIENTS) as pool:
        asking = [pool.submit(ask, number) for number in range(CLIENTS if rate else 0)]
        pipe.send("started")
        pipe.recv()
        over.set()
        pipe.send(sum(each.result() for each in asking))


def row(running: Running, rate: float, tell: Callable[[], list[float]]) -> Row:
    """Measure the lags of a telling while 8 clients ask."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=load, args=(running.port, rate, there))
    process.start()
    there.close()
    try:
        assert process.pid
        here.recv()
        ours = (running.pid, process.pid, os.getpid())
        begin, others = time.monotonic(), busy() - sum(map(cpu, ours))
        found = tell()
        passed, others = time.monotonic() - begin, busy() - sum(map(cpu, ours)) - others
        here.send("end")
        return Row(found, here.recv() / passed, max(0.0, others / passed))
    finally:
        process.kill()
        process.join()


def measured(count: int, period: float) -> dict[str, Row]:
    rows, say_power = dict[str, Row](), meter()
    with tempfile.TemporaryDirectory(prefix="s0web-") as name:
        port = Pty(Path(name) / "meter")
        with station(Path(name), INI.format(port=port.path)) as running:
            wait_for(port.opened, "the station's opening of the port", lambda: "")
            client, powers = Client(running.port), iter(range(1, 99_999))
            tell = partial(lags, client, port, say_power, powers, period)
            tell(WARM)
            for what, rate in ROWS:
                rows[what] = row(running, rate, partial(tell, count))
            client.close()
        port.close()
    return rows


def main() -> None:
    given = sys.argv[1:]
    count, period = [*given, *("40", "0.3")[len(given) :]]
    rows = measured(int(count), float(period))
    print(f"last byte -> visible at {READINGS}, ms; {count} telegrams in each row")
    print("busy: cores that other programs kept busy meanwhile")
    print(f"{'load':22}{'requests/s':>11}{'median':>9}{'p99':>9}{'worst':>9}{'busy':>7}")
    for what, (found, rate, others) in rows.items():
        p99 = quantiles(found, n=100, method="inclusive")[98]
        numbers = f"{median(found):9.1f}{p99:9.1f}{max(found):9.1f}{others:7.2f}"
        print(f"{what:22}{rate:11.0f}{numbers}")
    print(f"value: {max(median(row.lags) for row in rows.values() if row.rate):.1f}")


if __name__ == "__main__":
    main()

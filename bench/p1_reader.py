"""A whole P1 reader at line rate: CPU per telegram and lag, ours beside dsmr_parser's SerialReader.

A process of its own is the meter: it writes telegrams of 1.7 kB to a pty at 115,200 baud, in bursts
of 12 bytes as many USB adapters pass them on. Both readers run in this process, round by round.

    python -m bench.p1_reader [telegrams in a round, 20] [rounds, 2] [seconds between two, 0.25]
"""

import os
import sys
import time
import tty
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median, quantiles
from typing import Any, NamedTuple

from s0web.clock import SystemClock
from s0web.hardware.wires import RealWires
from s0web.model import Reading
from s0web.simulation.house import House
from s0web.simulation.telegram import telegram
from s0web.sources.p1 import P1Source

BURST, BYTES_PER_SECOND = 12, 11_520
WARM = 2  # telegrams at the start of a round that do not count


class Round(NamedTuple):
    cpu: float  # s per telegram
    lags: list[float]  # s, last byte written -> told


def meter(pipe: Connection, count: int, period: float) -> None:
    """Play the meter: tell the pty, wait for the go, write; then tell when each telegram ended."""
    master, slave = os.openpty()
    tty.setraw(slave)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=count)
    house = House()
    times = [start + timedelta(seconds=i) for i in range(count)]
    telegrams = [telegram(house, moment) for moment in times]
    pipe.send((os.ttyname(slave), len(telegrams[0])))
    pipe.recv()
    ended, begin = {}, time.monotonic() + 0.2
    for i, data in enumerate(telegrams):
        for j in range(0, len(data), BURST):
            due = begin + i * period + (j + BURST) / BYTES_PER_SECOND
            time.sleep(max(0.0, due - time.monotonic()))
            os.write(master, data[j : j + BURST])
        ended[times[i]] = time.monotonic()
    pipe.send(ended)
    pipe.recv()  # keep the pty until it has been read


def ours(name: str) -> Iterator[datetime]:
    """The meter's time of each telegram as it is told."""
    options = {"port": name, "baud": 115200, "patience": 30.0}
    source = P1Source({"grid": options}, RealWires(), SystemClock(), lambda device: {})
    source.open()
    try:
        while True:
            for item in source.read():
                if isinstance(item, Reading) and "power" in item.values:
                    yield item.time
    finally:
        source.close()


def theirs(name: str) -> Iterator[datetime]:
    """The same by dsmr_parser."""
    from dsmr_parser import telegram_specifications
    from dsmr_parser.clients import SERIAL_SETTINGS_V5, SerialReader

    specification: Any = telegram_specifications.BELGIUM_FLUVIUS
    for message in SerialReader(name, dict(SERIAL_SETTINGS_V5), specification).read():
        yield message.P1_MESSAGE_TIMESTAMP.value


def play(reader: Any, count: int, period: float) -> Round:
    """Let one reader read so many telegrams."""
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=meter, args=(there, count + WARM, period))
    process.start()
    name, _ = here.recv()
    told, cpu = {}, 0.0
    times = reader(name)
    here.send("go")
    for number, moment in enumerate(times, 1):
        told[moment] = time.monotonic()
        if number == WARM:
            cpu = time.process_time()
        if number == count + WARM:
            break
    cpu = (time.process_time() - cpu) / count
    ended = here.recv()
    times.close()
    here.send("done")
    process.join()
    return Round(cpu, [told[moment] - ended[moment] for moment in list(told)[WARM:]])


def main() -> None:
    given = sys.argv[1:]
    count, rounds, period = [*given, *("20", "2", "0.25")[len(given) :]]
    results: dict[str, list[Round]] = {"s0web": [], "dsmr_parser": []}
    for _ in range(int(rounds)):
        results["s0web"].append(play(ours, int(count), float(period)))
        results["dsmr_parser"].append(play(theirs, int(count), float(period)))
    for who, played in results.items():
        lags = [lag * 1000 for each in played for lag in each.lags]
        cpu = median(each.cpu for each in played) * 1000
        print(
            f"{who:12} {cpu:6.3f} ms CPU per telegram; lag of {len(lags)} telegrams:"
            f" median {median(lags):5.1f} ms, p99 {quantiles(lags, n=100)[98]:5.1f} ms"
        )
    cost = {who: median(each.cpu for each in played) for who, played in results.items()}
    print(f"ratio: {cost['s0web'] / cost['dsmr_parser']:.2f}")


if __name__ == "__main__":
    main()

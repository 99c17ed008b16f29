"""All 68 values of an SDM530 in one sweep: s0web's blocks, beside one request for each value.

    python -m bench.modbus_sweep [sweeps in a round, 3] [rounds, 2]

A process of its own is the meter, on a pty: 20 ms after a request it answers at the speed of the
line. The peers ask for one register pair at a time: the predecessor by minimalmodbus, which is run
as it is; mbmd is written in Go and is modelled: after each request it sleeps as long as the frames
of both ways should take with 15 bits for a character and 3.5 characters of silence (grid-x/modbus,
rtuclient.go), then reads, and asks for the next at once. That model sends sooner than the 3.5
characters of silence of the standard, which s0web and minimalmodbus keep.
"""

import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import isclose
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median
from typing import NamedTuple

import minimalmodbus
import serial

from s0web.hardware import BusLine
from s0web.hardware.modbus import open_bus
from s0web.hardware.modbus_frame import crc
from s0web.meters.eastron import SDM530
from s0web.simulation.house import House
from s0web.simulation.slave import PtySlave, Slave
from s0web.simulation.truths import grid

LATENCY = 0.02  # s, from the last byte of a request to the first of its answer
TRUTH = House().at(datetime(2026, 3, 2, 12, tzinfo=UTC))

Sweep = Callable[[], dict[str, float]]


class Link(NamedTuple):
    baud: int
    parity: str
    bits: int  # of a character

    @property
    def seconds(self) -> float:
        """What the bytes of our sweep alone take: 8 of each request, 5 + 2n of each answer."""
        count = sum(8 + 5 + 2 * block.count for block in SDM530.blocks(SDM530.most))
        return count * self.bits / self.baud


class Cost(NamedTuple):
    seconds: float  # of one sweep
    cpu: float  # s of this process


def meter(pipe: Connection, link: Link) -> None:
    """Play the meter: tell its path, and stay until the word comes."""
    slave = PtySlave(Slave({1: "sdm530"}, lambda: TRUTH), link.baud, LATENCY, link.bits)
    pipe.send(slave.path)
    pipe.recv()
    slave.close()


@contextmanager
def ours(path: str, link: Link) -> Iterator[Sweep]:
    bus = open_bus(BusLine(path, link.baud, link.parity))
    plan = SDM530.blocks(SDM530.most)

    def sweep() -> dict[str, float]:
        values: dict[str, float] = {}
        for block in plan:
            data = bus.read(1, SDM530.function, block.address, block.count, 0.3, SDM530.pause)
            values |= SDM530.decode(block, data)
        return values

    yield sweep
    bus.close()


@contextmanager
def predecessor(path: str, link: Link) -> Iterator[Sweep]:
    """minimalmodbus with the predecessor's timeout; a pty has no parity."""
    port = serial.Serial(path, link.baud, timeout=0.6)
    instrument = minimalmodbus.Instrument(port, 1)
    yield lambda: {
        register.quantity: instrument.read_float(register.address, functioncode=4)
        for register in SDM530.registers
    }
    port.close()


@contextmanager
def mbmd(path: str, link: Link) -> Iterator[Sweep]:
    port = serial.Serial(path, link.baud, timeout=0.6)

    def ask(address: int) -> float:
        body = struct.pack(">BBHH", 1, 4, address, 2)
        port.write(body + crc(body).to_bytes(2, "little"))
        time.sleep((15 * (8 + 9) + 35) / link.baud)
        answer = port.read(9)
        assert len(answer) == 9
        assert crc(answer) == 0
        return float(struct.unpack(">f", answer[3:7])[0])

    yield lambda: {register.quantity: ask(register.address) for register in SDM530.registers}
    port.close()


WAYS = {"s0web": ours, "predecessor": predecessor, "mbmd (model)": mbmd}


def measure(sweep: Sweep, count: int) -> Iterator[Cost]:
    """The cost of each of so many sweeps; the values must be those of the house, as float32."""
    truth = grid(TRUTH)
    for _ in range(count):
        cpu, begin = time.process_time(), time.monotonic()
        told = sweep()
        yield Cost(time.monotonic() - begin, time.process_time() - cpu)
        wrong = [
            name for name, number in told.items() if not isclose(number, truth[name], rel_tol=1e-7)
        ]
        assert len(told) == 68, len(told)
        assert not wrong, wrong


def compare(link: Link, sweeps: int, rounds: int) -> None:
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=meter, args=(there, link), daemon=True)
    process.start()
    path = here.recv()
    costs: dict[str, list[Cost]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            with way(path, link) as sweep:
                costs[name] += measure(sweep, sweeps)
    here.send("done")
    process.join()
    print(
        f"{link.baud} 8{link.parity}1, 68 values, {sweeps * rounds} sweeps; our bytes alone take"
        f" {link.seconds:.3f} s on the line"
    )
    seconds = {name: median(cost.seconds for cost in costs[name]) for name in WAYS}
    for name in WAYS:
        cpu = median(cost.cpu for cost in costs[name])
        requests = len(SDM530.blocks(SDM530.most)) if name == "s0web" else 68
        slowest = max(cost.seconds for cost in costs[name])
        print(
            f"  {name:12} {seconds[name]:6.3f} s, slowest {slowest:6.3f} s,"
            f" {requests:2} requests, {1000 * cpu:5.1f} ms CPU"
        )
    own = seconds["s0web"]
    print(
        f"{link.baud}: value: {own:.3f} s, ratio: {seconds['predecessor'] / own:.2f}"
        f" (mbmd's model {seconds['mbmd (model)'] / own:.2f})"
    )


def main() -> None:
    given = sys.argv[1:]
    sweeps, rounds = (int(word) for word in [*given, *("3", "2")[len(given) :]])
    for link in (Link(9600, "N", 10), Link(19200, "E", 11)):
        compare(link, sweeps, rounds)


if __name__ == "__main__":
    main()

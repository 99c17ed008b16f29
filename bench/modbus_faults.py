"""A bad Modbus line: how many wrong values are believed, beside plain minimalmodbus.

    python -m bench.modbus_faults [sweeps, 400] [processes, 4]

A meter on a pty, not paced, hits 1 % each of its answers with: dropped, late (0 to 2 s, overtaking
later ones), corrupt, short, noise before it. Its registers tell their address and the time. s0web
sweeps in 4 blocks and asks once more for a block that failed, at most; minimalmodbus reads pair by
pair from an equal meter, in a 200th of the sweeps. Wrong is a value of another address, or one of
more than 3 s ago; old is a right one that was measured before it was asked for (a late answer that
met a second request for the same registers). The same with blocks of equal length, a 100th.

Then: adapter unplugged and plugged in, with a try to open each 0.1 s; three meters on one paced bus
of which one needs 60 ms of silence.
"""

import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

import minimalmodbus

from s0web.errors import ReplyError, SourceError
from s0web.hardware import Bus, BusLine
from s0web.hardware.modbus import open_bus
from tests.modbus_slave import FaultySlave

Plan = Sequence[tuple[int, int]]  # address, registers
PLAN: Plan = ((0, 80), (80, 28), (200, 70), (334, 12))
ALIKE: Plan = ((0, 50), (50, 50), (200, 50), (334, 12))  # here only what is owed tells them apart
FAULTS = ("drop", "late", "corrupt", "short", "noise")  # 1 % each
LATEST = 2.0  # s
TIMEOUT = 0.05  # s
TICK = 0.05  # s; 7 bits of them last 6.4 s
TOO_OLD = 61  # ticks: 3 s, and what has begun


class Result(NamedTuple):
    reads: int
    values: int  # of two registers
    wrong: int  # values
    old: int  # values
    healing: float  # s, the longest from a failure to the end of the next whole sweep
    faults: Counter[str]

    def with_(self, other: "Result") -> "Result":
        return Result(
            self.reads + other.reads,
            self.values + other.values,
            self.wrong + other.wrong,
            self.old + other.old,
            max(self.healing, other.healing),
            self.faults + other.faults,
        )


def ticks() -> int:
    return int(time.monotonic() / TICK)


def register(unit: int, address: int) -> int:
    """9 bits of address and 7 of time."""
    return address << 7 | ticks() & 127


class Score:
    """Keeps count of what was believed, and of how long a failure was felt."""

    def __init__(self) -> None:
        self.reads = self.values = self.wrong = self.old = 0
        self.healing, self._failed_at = 0.0, 0.0

    def believed(self, address: int, asked: int, words: Sequence[int]) -> None:
        now = ticks()
        for at, word in list(enumerate(words, address))[::2]:
            age = (now - word) & 127
            is_right = word >> 7 == at and age <= TOO_OLD
            self.values += 1
            self.wrong += not is_right
            self.old += is_right and now - age < asked

    def failed(self) -> None:
        self._failed_at = self._failed_at or time.monotonic()

    def swept(self, is_whole: bool) -> None:
        if is_whole and self._failed_at:
            self.healing = max(self.healing, time.monotonic() - self._failed_at)
            self._failed_at = 0.0

    def result(self, faults: Counter[str]) -> Result:
        return Result(self.reads, self.values, self.wrong, self.old, self.healing, faults)


Read = Callable[[int, int], bytes]  # address, registers -> their bytes; raises ReplyError ...


def sweep(read: Read, plan: Plan, retries: int, score: Score) -> bool:
    """Read the plan once; return whether all of it came."""
    is_whole = True
    for address, count in plan:
        for _ in range(1 + retries):
            score.reads += 1
            asked = ticks()
            with suppress(ReplyError, minimalmodbus.ModbusException, ValueError):
                data = read(address, count)
                score.believed(address, asked, struct.unpack(f">{count}H", data))
                break
            score.failed()
        else:
            is_whole = False
    score.swept(is_whole)
    return is_whole


def asking(bus: Bus, timeout: float = TIMEOUT) -> Read:
    return lambda address, count: bus.read(1, 4, address, count, timeout, 0.0)


def meter(seed: int) -> FaultySlave:
    dice = random.Random(seed)

    def fault(number: int) -> str | None:
        share = int(dice.random() * 100)
        return FAULTS[share] if share < len(FAULTS) else None

    return FaultySlave(
        register, baud=None, latency=0.0, fault=fault, late=lambda: dice.uniform(0, LATEST)
    )


def ours(sweeps: int, seed: int, plan: Plan = PLAN) -> Result:
    slave, score = meter(seed), Score()
    bus = open_bus(BusLine(slave.path, 115200))
    try:
        for _ in range(sweeps):
            sweep(asking(bus), plan, 1, score)
    finally:
        bus.close()
        slave.close()
    return score.result(slave.faults)


def theirs(sweeps: int, seed: int) -> Result:
    """minimalmodbus as it is documented, one value at a time."""
    slave, score = meter(seed), Score()
    master = minimalmodbus.Instrument(slave.path, 1)
    assert master.serial is not None
    master.serial.baudrate, master.serial.timeout = 115200, TIMEOUT
    pairs = [(at, 2) for address, count in PLAN for at in range(address, address + count, 2)]

    def read(address: int, count: int) -> bytes:
        return struct.pack(">2H", *master.read_registers(address, count, 4))

    try:
        for _ in range(sweeps):
            sweep(read, pairs, 0, score)
    finally:
        master.serial.close()
        slave.close()
    return score.result(slave.faults)


def campaign(who: str, run: Callable[[int, int], Result], sweeps: int, processes: int) -> Result:
    """Share the sweeps among processes, each with a line of its own; tell what came of it."""
    begin = time.monotonic()
    shares = [sweeps // processes + (i < sweeps % processes) for i in range(processes)]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        results = list(pool.map(run, shares, range(1, processes + 1)))
    total = results[0]
    for result in results[1:]:
        total = total.with_(result)
    faults = ", ".join(f"{total.faults[name]} {name}" for name in FAULTS)
    print(f"{who}: {sweeps} sweeps, {total.reads} reads in {time.monotonic() - begin:.0f} s")
    print(f"    answers hit: {faults}")
    print(f"    {total.values} values believed, {total.wrong} wrong, {total.old} old")
    healing = f"{total.healing:.2f} s at most" if total.healing else "never"
    print(f"    next whole sweep after a failure: {healing}", flush=True)
    return total


def replug(rounds: int) -> float:
    """The longest time in s from plugging in to the end of a whole sweep."""
    slave, longest = FaultySlave(register, baud=9600, latency=0.02), 0.0
    bus = open_bus(BusLine(slave.path))
    try:
        for _ in range(rounds):
            sweep(asking(bus, 0.3), PLAN, 0, Score())
            slave.unplug()
            with suppress(SourceError):
                bus.read(1, 4, 0, 80, 0.3, 0.0)
                raise AssertionError("an unplugged adapter gave an answer")
            bus.close()
            slave.plug()
            begin = time.monotonic()
            bus = reopened(slave.path)
            assert sweep(asking(bus, 0.3), PLAN, 0, Score())
            longest = max(longest, time.monotonic() - begin)
    finally:
        bus.close()
        slave.close()
    return longest


def reopened(path: str) -> Bus:
    while True:
        with suppress(SourceError):
            return open_bus(BusLine(path))
        time.sleep(0.1)


def shared(sweeps: int) -> tuple[int, int]:
    """Reads and errors with three meters on a bus, of which unit 2 needs 60 ms of silence."""
    slave, errors, reads = FaultySlave(register, (1, 2, 3), silence={2: 0.06}), 0, 0
    bus = open_bus(BusLine(slave.path))
    try:
        for _ in range(sweeps):
            for unit in (1, 2, 3):
                for address, count in PLAN:
                    reads += 1
                    try:
                        bus.read(unit, 4, address, count, 0.3, 0.06 if unit == 2 else 0.01)
                    except ReplyError as error:
                        errors += 1
                        print(f"unit {unit}: {error}")
    finally:
        bus.close()
        slave.close()
    return reads, errors


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    sweeps, processes = [*given, *(400, 4)[len(given) :]]
    mine = campaign("s0web", ours, sweeps, processes)
    campaign("minimalmodbus", theirs, max(12, sweeps // 200), processes)
    alike = campaign(
        "s0web, blocks of equal length",
        partial(ours, plan=ALIKE),
        max(20, sweeps // 100),
        processes,
    )
    rounds = 5 if sweeps >= 1000 else 1
    print(f"unplugged and plugged in, {rounds} times: healed after {replug(rounds):.2f} s at most")
    reads, errors = shared(rounds)
    print(f"three meters on one bus, one needs 60 ms of silence: {errors} errors in {reads} reads")
    print(f"value: {mine.wrong + alike.wrong + errors}")


if __name__ == "__main__":
    main()

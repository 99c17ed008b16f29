"""Chaos: a station and its databases are killed again and again; is every reading there, once?

    python -m bench.chaos [minutes, 1.5] [seed, 1]

1. A real station on the simulated house, some 15 readings (400 values) a second, with MariaDB,
   PostgreSQL, InfluxDB, Mosquitto and CSV files. In the time given it is killed with kill -9 twelve
   times and started again at once; each server is killed twice and away for some seconds, frozen
   for 12 s (SIGSTOP), and its network is cut and stalled; the disk of the archive is full once.
   With less than 5 minutes all of that is shorter and rarer.
2. Acknowledged is what the archive's file held: all of it must be in every database once.
3. Energy is held against the house, which is a pure function of time.

Exit code 1 when anything is missing, doubled or different.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench import chaos_oracle as oracle
from bench.chaos_stored import TICKS, rows, untold
from tests.chaos_house import PULSES, SERVERS, SINKS, ChaosHouse, caught_up

FEW = 60  # readings that a sink may be behind without being late: some 4 s
LOOK = 0.5  # s between two looks


class Form(NamedTuple):
    seconds: float
    kills: int  # of the station
    ways: tuple[str, ...]  # what befalls each server
    away: tuple[float, float]  # s that a killed server stays away
    frozen: float  # s, by SIGSTOP
    cut: float  # s without network, and with a full disk
    flush: float
    timeout: float
    megabytes: int  # of the small disk


WAYS = ("kill", "kill", "freeze", "cut", "stall")
WHOLE = Form(1800, 12, WAYS, (2, 20), 12, 15, 5, 5, 400)
SHORT = Form(90, 5, WAYS, (0.5, 3), 4, 3, 1, 2, 48)


class Event(NamedTuple):
    at: float  # s since the start
    seconds: float
    way: str
    who: str


class Outcome(NamedTuple):
    tallies: dict[str, oracle.Tally]
    mqtt: tuple[int, int]  # quantities, and those of which the broker has not the newest
    kills: int  # of the station
    pulses: oracle.Pulses
    wrong: list[str]
    longest: float  # s, of a sink, from the healing until it had caught up


def plan(form: Form, chance: random.Random) -> list[Event]:
    """What befalls whom and when; nothing befalls one twice at a time."""
    events = [
        Event(chance.uniform(0.04, 0.92) * form.seconds, 0.0, "kill", "station")
        for _ in range(form.kills)
    ]
    lanes = {who: chance.sample(form.ways, len(form.ways)) for who in SERVERS} | {"disk": ["full"]}
    for who, ways in lanes.items():
        slot = 0.9 * form.seconds / len(ways)
        for number, way in enumerate(ways):
            spans = {"kill": chance.uniform(*form.away), "freeze": form.frozen}
            seconds = min(spans.get(way, form.cut), 0.8 * slot)
            begin = 0.03 * form.seconds + number * slot + chance.uniform(0, slot - seconds)
            events.append(Event(begin, seconds, way, who))
    return sorted(events)


class Watch:
    """How long sinks take to catch up once all is well with them."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._healed: dict[str, float] = {}

    def healed(self, sinks: tuple[str, ...]) -> None:
        self._healed |= dict.fromkeys(sinks, time.monotonic())

    def hurt(self, sinks: tuple[str, ...]) -> None:
        for sink in sinks:
            self._healed.pop(sink, None)

    def look(self, behind: dict[str, int]) -> None:
        for sink, begin in list(self._healed.items()):
            if behind.get(sink, FEW) < FEW:
                self.longest = max(self.longest, time.monotonic() - begin)
                del self._healed[sink]


Step = tuple[float, str, Callable[[], None]]


def steps(
    house: ChaosHouse, events: list[Event], ledger: oracle.Ledger, watch: Watch
) -> Iterator[Step]:
    """(s since the start, what it is called, what it does)"""

    def restart() -> None:
        house.kill()
        ledger.killed()
        house.start()

    def hurt(event: Event) -> None:
        watch.hurt((event.who,))
        house.ways()[event.way][0](event.who)

    def heal(event: Event) -> None:
        house.ways()[event.way][1](event.who)
        watch.healed((event.who,) if event.who in SINKS else ("csv",))

    for event in events:
        if event.who == "station":
            yield event.at, "station killed", restart
        else:
            yield event.at, f"{event.who}: {event.way}", lambda e=event: hurt(e)
            end = event.at + event.seconds
            yield end, f"{event.who}: well again", lambda e=event: heal(e)


def run(folder: Path, form: Form, seed: int, say: Callable[[str], None]) -> Outcome:
    house = ChaosHouse(folder, form.flush, form.timeout, form.megabytes)
    ledger, watch = oracle.Ledger(house.archive), Watch()
    try:
        house.start()
        caught_up(house, FEW, 30)
        say(f"the archive's disk is {house.disk.kind}")
        events = plan(form, random.Random(seed))
        begin = time.monotonic()
        end = form.seconds, "the end", lambda: None
        for at, what, act in sorted(
            [*steps(house, events, ledger, watch), end], key=lambda step: step[0]
        ):
            while (left := begin + at - time.monotonic()) > 0:
                ledger.look()
                watch.look(house.behind())
                time.sleep(min(LOOK, left))
            say(f"{time.monotonic() - begin:7.1f} s  {what}")
            act()
        caught_up(house, FEW, 120)
        watch.look(house.behind())
        house.stop()
        ledger.read()
        return judged(house, ledger, watch)
    finally:
        house.close()


def judged(house: ChaosHouse, ledger: oracle.Ledger, watch: Watch) -> Outcome:
    tallies, wrong = {}, []
    for sink, tick in TICKS.items():
        there = rows(house, sink)
        tallies[sink] = ledger.compare(there, tick, every=sink == "csv")
        for fault, odd in ledger.odd.items():
            wrong.append(f"{sink}: {len(odd)} {fault}, from {odd[0]} to {odd[-1]}")
        wrong += [f"{sink}: {text} in the house" for text in oracle.off_the_house(there, tick)]
    counted = oracle.pulses(ledger, PULSES)
    if left := ledger.not_in_archive():
        wrong.append(f"archive: {left} values that were on its disk are not as they were")
    return Outcome(
        tallies,
        untold(house, ledger),
        len(ledger.deaths),
        counted,
        wrong + counted.wrong,
        watch.longest,
    )


def told(outcome: Outcome) -> None:
    print(f"{'':12}{'acknowledged':>13}{'stored':>10}{'ahead':>8}", end="")
    print(f"{'missing':>9}{'doubled':>9}{'changed':>9}")
    for sink, tally in outcome.tallies.items():
        print(f"{sink:12}{tally.acknowledged:13,}{tally.stored:10,}{tally.ahead:8,}", end="")
        print(f"{tally.missing:9,}{tally.doubled:9,}{tally.changed:9,}")
    of, not_there = outcome.mqtt
    print(f"mqtt: the newest of {of - not_there} of {of} quantities")
    counted = outcome.pulses
    print(f"S0: {counted.counted:,} pulses counted, {counted.lost} not on disk when it was killed")
    print(f"station killed {outcome.kills} times; longest catch-up {outcome.longest:.1f} s")
    for text in outcome.wrong:
        print(f"WRONG: {text}")


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 1.5
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    form = (WHOLE if minutes >= 5 else SHORT)._replace(seconds=60 * minutes)
    with tempfile.TemporaryDirectory() as name:
        outcome = run(Path(name), form, seed, print)
    told(outcome)
    tallies = outcome.tallies.values()
    missing, doubled = sum(t.missing for t in tallies), sum(t.doubled for t in tallies)
    changed = sum(t.changed for t in tallies)
    print(f"lost value: {missing} missing, {doubled} doubled, {changed} changed, of", end=" ")
    print(f"{sum(t.acknowledged for t in tallies):,}")
    return int(bool(missing or doubled or changed or outcome.mqtt[1] or outcome.wrong))


if __name__ == "__main__":
    sys.exit(main())

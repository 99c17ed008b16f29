"""What a chaos run must find in every database: what the archive had on disk.

A reading is acknowledged once it is in a batch of the archive's file. What a database has besides,
told after the last flush before a kill, is ahead: allowed, and counted.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from s0web.archive.batches import decode
from s0web.archive.packer import rounded
from s0web.archive.past import days
from s0web.archive.store import Archive
from s0web.clock import SystemClock
from s0web.model import Reading
from s0web.quantities import QUANTITIES
from s0web.simulation.house import House

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)
DAY = timedelta(days=1)


class Key(NamedTuple):
    """`time` is in ticks of the database: us, or ms."""

    device: str
    quantity: str
    meter: str
    time: int


Row = tuple[Key, float]


class Death(NamedTuple):
    """A kill of the station: the last acknowledged reading, and the stamps (us) of the devices."""

    last: int
    told: Mapping[str, int]
    time: int


class Tally(NamedTuple):
    acknowledged: int
    stored: int
    missing: int
    doubled: int  # or there without a reason
    changed: int
    ahead: int


class Ledger:
    """Fills itself from the archive's file while the station runs."""

    def __init__(self, path: Path) -> None:
        self.readings: dict[int, Reading] = {}  # number -> what is acknowledged
        self.deaths: list[Death] = []
        self.odd: dict[str, list[Row]] = {}  # what the last comparison found wrong: fault -> rows
        self._path, self.last = path, 0

    def look(self) -> None:
        """Read what is new, if the file can be read now."""
        with suppress(sqlite3.OperationalError):
            self.read()

    def read(self) -> int:
        """Read what is new; return the number of the newest batch's last."""
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as file:
            sql = "SELECT first, last, blob FROM batch WHERE last > ? ORDER BY first"
            for first, last, blob in file.execute(sql, (self.last,)):
                self.readings.update(enumerate(decode(blob), first))
                self.last = last
            newest = file.execute("SELECT coalesce(max(last), 0) FROM batch").fetchone()[0]
        return int(newest)

    def killed(self) -> None:
        """The station is dead; nothing that was acknowledged may be gone."""
        newest = self.read()
        assert newest == self.last, f"{self.last} were acknowledged, and {newest} are there"
        told: dict[str, int] = {}
        for reading in self.readings.values():
            told[reading.device] = max(told.get(reading.device, 0), micros(reading.time))
        self.deaths.append(Death(self.last, told, micros(datetime.now(UTC))))

    def acknowledged(self, tick: int) -> dict[Key, tuple[float, ...]]:
        """All that was told of each, what came last at the end; `tick`: us of the database's clock.

        Two in one tick are rare: S0 tells that the power falls just as a pulse comes.
        """
        told: dict[Key, tuple[float, ...]] = {}
        for _, reading in sorted(self.readings.items()):
            time = micros(reading.time) // tick
            for quantity, number in reading.values.items():
                key = Key(reading.device, quantity, reading.meter, time)
                others = [old for old in told.get(key, ()) if old != number]
                told[key] = (*others, number)
        return told

    def is_ahead(self, device: str, time: int) -> bool:
        """Whether it was told after the last flush before a kill."""
        return any(d.told.get(device, 0) < time <= d.time for d in self.deaths)

    def compare(self, rows: Iterable[Row], tick: int, every: bool) -> Tally:
        """`every`: it keeps all that is told in one tick, not only what came last."""
        told, seen = self.acknowledged(tick), set[Row]()
        wanted = {
            (key, n) for key, all_of in told.items() for n in (all_of if every else all_of[-1:])
        }
        found: dict[str, list[Row]] = {"doubled": [], "without a reason": [], "changed": []}
        stored = ahead = 0
        for row in rows:
            key, _ = row
            stored += 1
            if row in seen:
                found["doubled"].append(row)
            elif key in told:
                if row not in wanted:
                    found["changed"].append(row)
            elif self.is_ahead(key.device, key.time * tick):
                ahead += 1
            else:
                found["without a reason"].append(row)
            seen.add(row)
        found["missing"] = sorted(wanted - seen)
        self.odd = {what: odd for what, odd in found.items() if odd}
        missing, changed = len(found["missing"]), len(found["changed"])
        doubled = len(found["doubled"]) + len(found["without a reason"])
        return Tally(len(wanted), stored, missing, doubled, changed, ahead)

    def not_in_archive(self) -> int:
        """How much of it the archive does not tell, or tells otherwise, when it is asked; a packed
        hour has it rounded to what its quantity is worth.
        """
        archive = Archive(self._path, SystemClock())
        archive.open()
        found = {
            (reading.device, quantity, _serial(quantity, reading.meter), micros(reading.time)): n
            for _, readings in days(archive, EPOCH, datetime.now(UTC) + DAY)
            for reading in readings
            for quantity, n in reading.values.items()
        }
        archive.close()
        wanted = {
            (key.device, key.quantity, _serial(key.quantity, key.meter), key.time * 1000): told[-1]
            for key, told in self.acknowledged(1000).items()
        }
        lost = sum(
            found.get(key) not in (number, rounded(number, key[1]))
            for key, number in wanted.items()
        )
        return lost + len(found.keys() - wanted.keys())


class Register(NamedTuple):
    device: str
    quantity: str
    step: float  # kWh: how fine it is, and how late


REGISTERS = (
    Register("grid", "energy_import_high", 0.001),
    Register("grid", "energy_import_low", 0.001),
    Register("mains", "energy_import_high", 0.02),  # a float of 32 bit
    Register("mains", "energy_import_low", 0.02),
)


def growth(rows: Iterable[Row], register: Register) -> tuple[int, int, float]:
    """First and last time of a register, and the sum of its differences upwards."""
    told = sorted(
        (key.time, number)
        for key, number in rows
        if (key.device, key.quantity) == (register.device, register.quantity)
    )
    grown = sum(max(0.0, b - a) for (_, a), (_, b) in pairwise(told))
    return (told[0][0], told[-1][0], grown) if told else (0, 0, 0.0)


def off_the_house(rows: Iterable[Row], tick: int) -> Iterator[str]:
    """Registers whose differences are not what the house used."""
    rows, house = list(rows), House()
    for register in REGISTERS:
        begin, end, grown = growth(rows, register)
        first, last = (
            getattr(house.at(EPOCH + time * tick * US), register.quantity) for time in (begin, end)
        )
        if abs(grown - (last - first)) > 2 * register.step:
            yield f"{register.device} {register.quantity}: {grown:.4f} kWh, {last - first:.4f}"


class Pulses(NamedTuple):
    counted: int
    lost: int  # while the station was dead, or not brought to disk yet
    wrong: list[str]


def pulses(ledger: Ledger, per_kwh: int) -> Pulses:
    """The S0 counter of what is acknowledged, life by life, beside the house's own pulses."""
    told = [
        (number, micros(reading.time), round(reading.values["energy_import"] * per_kwh))
        for number, reading in sorted(ledger.readings.items())
        if reading.device == "main" and "energy_import" in reading.values
    ]
    ends, house, wrong, lost = {death.last for death in ledger.deaths}, House(), [], 0
    for (number, time, total), (after, later, grown) in pairwise(told):
        is_dead = any(number <= end < after for end in ends)
        real = len(house.pulses("energy", per_kwh, time * 1000, later * 1000)) if is_dead else 1
        if grown < total or grown - total > real + 2:
            wrong.append(f"{grown - total} pulses from {number} to {after}, the house has {real}")
        lost += max(0, real - (grown - total)) if is_dead else 0
    whole = house.pulses("energy", per_kwh, told[0][1] * 1000, told[-1][1] * 1000)
    counted = told[-1][2] - told[0][2]
    if abs(len(whole) - counted - lost) > 2 + 2 * len(ends):
        wrong.append(f"{counted} pulses counted and {lost} lost, the house has {len(whole)}")
    return Pulses(counted, lost, wrong)


def micros(time: datetime) -> int:
    return (time - EPOCH) // US


def _serial(quantity: str, meter: str) -> str:
    """The archive keeps the meter of registers alone."""
    return meter if QUANTITIES[quantity].kind == "register" else ""

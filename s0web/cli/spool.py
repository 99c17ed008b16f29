"""Readings that wait to be imported, in order of time, in a temporary file of nobody else."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from ..model import Reading
from ..quantities import QUANTITIES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
TOGETHER = 20_000  # values written at once
_DEVICE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}(\.[A-Za-z0-9_-]{1,32})?")
_METER = re.compile(r"[^\x00-\x1f\x7f]{0,64}")


class Rows(NamedTuple):
    """What there is of one quantity."""

    device: str
    quantity: str
    meter: str
    told: int
    first: datetime
    last: datetime
    falls: int  # how often a register is lower than before


class Spool:
    """Values at the same time replace each other: the last counts."""

    def __init__(self, latest: datetime) -> None:
        self._latest = latest
        self._base = sqlite3.connect("", isolation_level=None)  # a file once it grows
        self._base.execute(
            "CREATE TABLE told (ms INTEGER, series INTEGER, value REAL, PRIMARY KEY (ms, series)) "
            "WITHOUT ROWID"
        )
        self._base.execute("BEGIN")
        self._series: dict[tuple[str, str, str], int] = {}

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._base.close()

    def put(self, reading: Reading) -> None:
        """ValueError for what cannot be."""
        if not OLDEST <= reading.time <= self._latest:
            where = "in the future" if reading.time > self._latest else "before 1990"
            raise ValueError(f"{reading.time:%Y-%m-%d %H:%M} UTC is {where}")
        if not _DEVICE.fullmatch(reading.device):
            raise ValueError(
                f"{reading.device[:40]!a} cannot name a device: letters, digits, _ and -; "
                "give another with --device OLD=NEW"
            )
        if not _METER.fullmatch(reading.meter):
            raise ValueError(f"{reading.meter[:40]!a} is no serial of a meter")
        for quantity, number in reading.values.items():
            if QUANTITIES[quantity].kind == "register" and not 0 <= number < 1e12:
                raise ValueError(f"{quantity} {number:g} is no register")
            if abs(number) > 1e12:
                raise ValueError(f"{quantity} {number:g} cannot be")
        ms = (reading.time - EPOCH) // MS
        for quantity, number in reading.values.items():
            meter = reading.meter if QUANTITIES[quantity].kind == "register" else ""
            key = (reading.device, quantity, meter)
            series = self._series.setdefault(key, len(self._series))
            sql = "INSERT OR REPLACE INTO told VALUES (?, ?, ?)"
            self._base.execute(sql, (ms, series, number))

    def drop(self, rows: Rows, begin: datetime) -> int:
        """Leave out what is told from a time on; return how much that is."""
        series = self._series[rows.device, rows.quantity, rows.meter]
        sql = "DELETE FROM told WHERE series = ? AND ms >= ?"
        return self._base.execute(sql, (series, (begin - EPOCH) // MS)).rowcount

    def rows(self) -> list[Rows]:
        """What there is, by device and quantity."""
        sql = """
            SELECT series, count(*), min(ms), max(ms), sum(value < before) FROM
            (SELECT *, lag(value) OVER (PARTITION BY series ORDER BY ms) AS before FROM told)
            GROUP BY series
        """
        names = {number: key for key, number in self._series.items()}
        found = []
        for series, told, first, last, falls in self._base.execute(sql):
            device, quantity, meter = names[series]
            lower = int(falls or 0) if QUANTITIES[quantity].kind == "register" else 0
            ends = EPOCH + first * MS, EPOCH + last * MS
            found.append(Rows(device, quantity, meter, told, *ends, lower))
        return sorted(found)

    def batches(self) -> Iterator[list[Reading]]:
        """All of it in order of time, so much at once as is written at once."""
        names = {number: key for key, number in self._series.items()}
        batch: list[Reading] = []
        size = 0
        told = self._base.execute("SELECT ms, series, value FROM told ORDER BY ms")
        for ms, group in groupby(told, key=lambda row: row[0]):
            readings: dict[tuple[str, str], dict[str, float]] = {}
            for _, series, number in group:
                device, quantity, meter = names[series]
                readings.setdefault((device, meter), {})[quantity] = number
                size += 1
            for (device, meter), values in readings.items():
                batch.append(Reading(device, EPOCH + ms * MS, values, meter=meter))
            if size >= TOGETHER:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

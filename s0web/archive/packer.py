"""Packs closed hours: for each series the hour's values at full resolution, and its rollups.

Times are kept to the millisecond, values to three decimals more than are worth showing. Everything
is set, never added to: a late value unpacks its hour and packs it again.
"""

import logging
import sqlite3
from collections.abc import Mapping
from typing import cast

from ..quantities import QUANTITIES
from .hours import Column, Key, Pairs, in_order
from .packing import MOST, join, pack_floats, pack_ints, split, unpack_floats, unpack_ints
from .rollups import gauges, registers, silence

LOG = logging.getLogger(__name__)
FINER = 3  # decimals kept beyond those worth showing
QUARTERS = 4  # in an hour
Edge = tuple[int, float]  # ms, value of a register


def is_register(quantity: str) -> bool:
    known = QUANTITIES.get(quantity)
    return known is not None and known.kind == "register"


def pack(pairs: Pairs, quantity: str) -> bytes:
    return join([pack_ints(pairs[0]), pack_floats(pairs[1], _digits(quantity))])


def unpack(blob: bytes, count: int) -> Pairs:
    """ValueError for a damaged blob."""
    times, values = split(blob)
    return unpack_ints(times, count), unpack_floats(values, count)


def rounded(number: float, quantity: str) -> float:
    """The number as it will be kept."""
    power = 10 ** _digits(quantity)
    return round(number * power) / power if abs(number) * power < MOST else number


class Packer:
    """Within one transaction of the connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.refused = 0  # values too late for an hour of which only rollups are left
        self._execute = connection.execute
        rows = self._execute("SELECT device, quantity, segment, id FROM series")
        self._ids: dict[Key, int] = {Key(*names): number for *names, number in rows}

    def pack(self, hour: int, columns: Mapping[Key, Column]) -> None:
        for key, column in columns.items():
            self._pack(self._id(key), key.quantity, hour, column)

    def thin(self, before: int, most: int = 1 << 40) -> None:
        """Let go the packed hours before this one, the oldest so many; their rollups stay."""
        sql = (
            "DELETE FROM hour WHERE series = ?1 AND hour < "
            "min(?2, (SELECT min(hour) FROM hour WHERE series = ?1) + ?3)"
        )
        for series in self._ids.values():
            self._execute(sql, (series, before, most))

    def segments(self, device: str, quantity: str) -> list[str]:
        """Those on disk."""
        return [key.segment for key in self._ids if key[:2] == (device, quantity)]

    def packed(self, key: Key, hour: int) -> Pairs:
        """What is packed of an hour."""
        return self._packed(self._ids.get(key, -1), hour) or ([], [])

    def neighbours(self, key: Key, hour: int) -> tuple[Edge | None, Edge | None]:
        """The last value of a register before an hour, and the first after it: (ms, number)."""
        series = self._ids.get(key, -1)
        before = self._before(series, hour * QUARTERS)
        after = self._after(series, hour * QUARTERS + QUARTERS - 1)
        return before, after and after[1:]

    def _id(self, key: Key) -> int:
        if key not in self._ids:
            sql = "INSERT INTO series (device, quantity, segment) VALUES (?, ?, ?) RETURNING id"
            self._ids[key] = int(self._execute(sql, key).fetchone()[0])
        return self._ids[key]

    def _pack(self, series: int, quantity: str, hour: int, column: Column) -> None:
        table = "register" if is_register(quantity) else "gauge"
        span = (series, hour * QUARTERS, hour * QUARTERS + QUARTERS - 1)
        where = f"FROM {table} WHERE series = ? AND quarter BETWEEN ? AND ?"
        old = self._packed(series, hour)
        if old is None and self._execute(f"SELECT 1 {where}", span).fetchone():
            LOG.warning("archive: values too late for an hour of which only rollups are left")
            self.refused += len(column.times)
            return
        pairs = in_order(
            [*(old or ([], []))[0], *column.times], [*(old or ([], []))[1], *column.values]
        )
        blob, count = pack(pairs, quantity), len(pairs[0])
        times, values = unpack(
            blob, count
        )  # as they will be read, so packing again changes nothing
        sql = "INSERT OR REPLACE INTO hour VALUES (?, ?, ?, ?)"
        self._execute(sql, (series, hour, count, blob))
        self._execute(f"DELETE {where}", span)
        if table == "gauge":
            for gauge in gauges(times, values):
                self._execute("INSERT INTO gauge VALUES (?, ?, ?, ?, ?, ?)", (series, *gauge))
        else:
            self._roll_register(series, hour, times, values)

    def _packed(self, series: int, hour: int) -> Pairs | None:
        sql = "SELECT blob, count FROM hour WHERE series = ? AND hour = ?"
        row = self._execute(sql, (series, hour)).fetchone()
        try:
            return None if row is None else unpack(*row)
        except ValueError as error:
            LOG.error("archive: hour %d of series %d is lost: %s", hour, series, error)
            return [], []

    def _roll_register(self, series: int, hour: int, times: list[int], values: list[float]) -> None:
        """With the silence before each quarter, and that before the next one packed."""
        rows = registers(times, values, self._before(series, hour * QUARTERS))
        for row in rows:
            self._execute("INSERT INTO register VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (series, *row))
        after = self._after(series, rows[-1].quarter)
        if after is not None:
            gap = silence((rows[-1].last_at, rows[-1].last), after[1:])
            sql = "UPDATE register SET gap = ? WHERE series = ? AND quarter = ?"
            self._execute(sql, (gap, series, after[0]))

    def _before(self, series: int, quarter: int) -> Edge | None:
        """The last value before a quarter."""
        sql = (
            "SELECT last_at, last FROM register WHERE series = ? AND quarter < ? "
            "ORDER BY quarter DESC LIMIT 1"
        )
        return cast(Edge | None, self._execute(sql, (series, quarter)).fetchone())

    def _after(self, series: int, quarter: int) -> tuple[int, int, float] | None:
        """The next quarter after one, with its first value."""
        sql = (
            "SELECT quarter, first_at, first FROM register WHERE series = ? AND quarter > ? "
            "ORDER BY quarter LIMIT 1"
        )
        return cast(tuple[int, int, float] | None, self._execute(sql, (series, quarter)).fetchone())


def _digits(quantity: str) -> int:
    known = QUANTITIES.get(quantity)
    return FINER + (known.digits if known else FINER)

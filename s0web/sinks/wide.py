"""The wide table of Hofei90's smartmeter in PostgreSQL: a row for each time, a column for each
register of one meter, under their German names.

1. Quantities that are told apart come into the same row: what a statement does not tell, stays.
2. A table that is there is taken as it is: its columns are filled as far as we know them.
3. Units are those of the house, as there: a `wh` in a name is a kWh.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from ..errors import SinkError
from ..meters.german import GERMAN, WIDE_COLUMNS
from ..model import Reading, Refused
from .narrow import EPOCH, MS, ValueRefused
from .postgresql_connection import Connection
from .postgresql_schema import prepare, quoted

CELLS = 10_000  # written at once
COLUMNS = {quantity: name.lower() for name, quantity in GERMAN.items()}
TABLE = ", ".join(
    ["ts timestamptz NOT NULL PRIMARY KEY", *(f"{name} double precision" for name in WIDE_COLUMNS)]
)


class Cell(NamedTuple):
    ts: int  # ms since 1970, UTC
    column: str


Told = Mapping[Cell, tuple[float, str, Reading]]  # number, quantity, whose it is


class Wide:
    """Writes the readings of one device; used by one thread."""

    def __init__(self, connection: Connection, schema: str, table: str, device: str) -> None:
        there = prepare(connection, schema, {table: TABLE}, {})[table]
        if "ts" not in there:
            raise SinkError(
                f"{connection.at} has a table {table} in the schema {schema} without a column ts: "
                "rename it, or name another one."
            )
        self._on, self._table, self._device = connection, table, device
        self._columns = {q: name for q, name in COLUMNS.items() if name in there}
        lost = [name for name in WIDE_COLUMNS if name not in there]
        self.note = f"table {table}"
        if lost:
            self.note += f" without {', '.join(lost[:5])}" + (" and others" if lost[5:] else "")

    def write(self, batch: Sequence[Reading]) -> list[Refused]:
        """Keep all that has a column; return what the server does not take."""
        told = {
            Cell((reading.time - EPOCH) // MS, column): (number, quantity, reading)
            for reading in batch
            if reading.device == self._device
            for quantity, number in reading.values.items()
            if (column := self._columns.get(quantity))
        }  # what came last counts
        cells = sorted(told)
        refused: list[Refused] = []
        for start in range(0, len(cells), CELLS):
            self._deliver(cells[start : start + CELLS], told, refused)
        return refused

    def _deliver(self, cells: Sequence[Cell], told: Told, refused: list[Refused]) -> None:
        """What is refused is found by halving."""
        try:
            self._upsert(cells, told)
        except ValueRefused as error:
            if len(cells) == 1:
                number, quantity, reading = told[cells[0]]
                alone = Reading(reading.device, reading.time, {quantity: number}, {}, reading.meter)
                refused.append(Refused(alone, str(error)))
                return
            middle = len(cells) // 2
            self._deliver(cells[:middle], told, refused)
            self._deliver(cells[middle:], told, refused)

    def _upsert(self, cells: Sequence[Cell], told: Told) -> None:
        names = sorted({cell.column for cell in cells})
        rows = []
        for ts, row in groupby(cells, key=lambda cell: cell.ts):
            numbers = {cell.column: repr(float(told[cell][0])) for cell in row}
            rows.append([str(ts), *(numbers.get(name, "NULL") for name in names)])
        columns, table = ", ".join(names), quoted(self._table)
        self._on.run(
            f"INSERT INTO {table} (ts, {columns}) "
            f"SELECT timestamptz 'epoch' + u.ms * interval '1 millisecond', {columns} "
            f"FROM unnest(%s::bigint[]{', %s::float8[]' * len(names)}) AS u(ms, {columns}) "
            f"ON CONFLICT (ts) DO UPDATE SET "
            + ", ".join(f"{name} = coalesce(excluded.{name}, {table}.{name})" for name in names),
            ["{" + ",".join(column) + "}" for column in zip(*rows, strict=True)],
        )

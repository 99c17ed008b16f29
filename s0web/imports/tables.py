"""Rows of a table that was dumped: INSERTs of mysqldump and pg_dump, COPY of pg_dump, or CSV.

Names of columns are told in lower case. A dump that ends in the middle raises ValueError.
"""

import csv
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from . import Fault
from .texts import shown

_INSERT = re.compile(r"\s*(?:INSERT|REPLACE)\b[^(]*?\bINTO\s+[^\s(]+\s*(\([^)]*\))?\s*VALUES", re.I)
_COPY = re.compile(r"COPY\s+\S+\s*\(([^)]*)\)\s+FROM\s+stdin", re.I)
_CREATE = re.compile(r"CREATE\s+TABLE\b", re.I)
_COLUMN = re.compile(r"\s+[`\"]?(\w+)[`\"]?\s+[a-z]", re.I)
_NO_COLUMN = ("primary", "key", "unique", "constraint", "index")
_TUPLE = re.compile(r"\s*,?\s*\(((?:'(?:[^'\\]|\\.)*+'|[^()'])*+)\)", re.S)
_FIELD = re.compile(r"\s*('(?:[^'\\]|\\.|'')*+'|[^,']*+)\s*(?:,|$)", re.S)
_HEADS = ("-- MySQL dump", "-- MariaDB dump", "-- PostgreSQL database dump")
_END = re.compile(r"-- (Dump completed|PostgreSQL database dump complete)")
CUT = "it ends in the middle: make the file anew, or copy it again whole"


class Row(NamedTuple):
    line: int
    values: dict[str, str]  # column -> text, without what is NULL or empty


def rows(
    lines: Iterable[str], needed: Collection[str], usual: Sequence[str]
) -> Iterator[Row | Fault]:
    """The rows of the tables that have the needed columns; `usual`: the columns where none are
    named.
    """
    table = _Table(needed, usual)
    numbered = enumerate(lines, 1)
    for number, line in numbered:
        if not line.strip():
            continue
        sql = line.startswith(("--", "/*", "\ufeff--")) or _INSERT.match(line) or _COPY.match(line)
        if sql or _CREATE.match(line) or re.match(r"(SET|DROP|USE|LOCK|BEGIN)\b", line, re.I):
            yield from _sql(table, number, line, numbered)
        else:
            yield from _csv(table, number, line, numbered)
    if not table.found:
        raise ValueError(f"no table with the columns {', '.join(needed)} is in it")


class _Table:
    def __init__(self, needed: Collection[str], usual: Sequence[str]) -> None:
        self._needed, self._usual = set(needed), usual
        self.columns: list[str] = []
        self.found = False

    def name(self, columns: Iterable[str]) -> bool:
        """Take these columns; False if it is another table."""
        self.columns = [column.strip(' `"\r\n').lower() for column in columns]
        self.found |= self._needed <= set(self.columns)
        return self._needed <= set(self.columns)

    def row(self, line: int, fields: Sequence[str | None]) -> Row | Fault:
        if len(fields) != len(self.columns):
            return Fault(line, f"has {len(fields)} columns, not {len(self.columns)}")
        pairs = zip(self.columns, fields, strict=True)
        return Row(line, {column: text for column, text in pairs if text})

    def usual(self, fields: Sequence[str | None]) -> bool:
        """Take the usual columns, if there may be as many."""
        return len(fields) <= len(self._usual) and self.name(self._usual[: len(fields)])


def _sql(
    table: _Table, number: int, line: str, numbered: Iterator[tuple[int, str]]
) -> Iterator[Row | Fault]:
    has_head, has_end, created = False, False, list[str]()
    while True:
        has_head |= line.lstrip("\ufeff").startswith(_HEADS)
        has_end |= bool(_END.match(line))
        if _CREATE.match(line):
            created = _created(numbered)
        elif copied := _COPY.match(line):
            yield from _copied(table, table.name(copied[1].split(",")), numbered)
        elif found := _INSERT.match(line):
            named = found[1][1:-1].split(",") if found[1] else created
            yield from _inserted(table, named, number, line[found.end() :], numbered)
        following = next(numbered, None)
        if following is None:
            break
        number, line = following
    if has_head and not has_end:
        raise ValueError(CUT)


def _created(numbered: Iterator[tuple[int, str]]) -> list[str]:
    """The columns of CREATE TABLE that INSERT has values for."""
    columns: list[str] = []
    for _, line in numbered:
        if line.lstrip().startswith(")"):
            return columns
        found = _COLUMN.match(line)
        generated = re.search(r"GENERATED ALWAYS| AS \(", line, re.I)
        if found and found[1].lower() not in _NO_COLUMN and not generated:
            columns.append(found[1])
    raise ValueError(CUT)


def _copied(
    table: _Table, wanted: bool, numbered: Iterator[tuple[int, str]]
) -> Iterator[Row | Fault]:
    for number, line in numbered:
        if line.rstrip("\r\n") == r"\.":
            return
        if wanted:
            fields = line.rstrip("\r\n").split("\t")
            yield table.row(number, [None if field == r"\N" else field for field in fields])
    raise ValueError(CUT)


def _inserted(
    table: _Table, named: Sequence[str], number: int, text: str, numbered: Iterator[tuple[int, str]]
) -> Iterator[Row | Fault]:
    """One statement; its rows may be on many lines."""
    wanted = table.name(named) if named else None
    while True:
        at = 0
        while found := _TUPLE.match(text, at):
            at = found.end()
            if wanted is not False:
                fields = _fields(found[1])
                wanted = table.usual(fields) if wanted is None else wanted
                if wanted:
                    yield table.row(number, fields)
        rest = text[at:].strip().rstrip(",").strip()
        if rest.startswith(";") or rest.upper().startswith("ON "):
            return
        following = next(numbered, None)
        if rest or following is None:
            raise ValueError(f"line {number}: {CUT}" if rest else CUT)
        number, text = following


def _fields(text: str) -> list[str | None]:
    found: list[str | None] = []
    at = 0
    while at <= len(text) and (match := _FIELD.match(text, at)):
        field = match[1].strip()
        if field.startswith("'"):
            found.append(re.sub(r"\\(.)|''", lambda m: m[1] or "'", field[1:-1]))
        else:
            found.append(None if field.upper() == "NULL" else field)
        if match.end() == len(text) and not match[0].endswith(","):
            break
        at = match.end()
    return found


def _csv(
    table: _Table, number: int, line: str, numbered: Iterator[tuple[int, str]]
) -> Iterator[Row | Fault]:
    line = line.lstrip("\ufeff")
    mark = max("\t;,", key=line.count)
    fields = split(line, mark)
    if not table.name(fields):
        if not table.usual(fields):
            raise ValueError(f"its first line is {shown(line)}, not the names of its columns")
        yield table.row(number, fields)
    last, fault = "\n", False
    for number, line in numbered:
        if line.strip():
            row = table.row(number, [_null(field) for field in split(line, mark)])
            yield row
            last, fault = line, isinstance(row, Fault)
    if fault and not last.endswith("\n"):
        raise ValueError(CUT)


def split(line: str, mark: str = ",") -> list[str]:
    """The fields of one line of CSV; one that is none is one field."""
    try:
        return next(csv.reader([line.strip("\r\n")], delimiter=mark), [])
    except csv.Error:
        return [line]


def _null(field: str) -> str | None:
    return None if field in ("NULL", r"\N") else field

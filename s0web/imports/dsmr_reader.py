"""CSV exports of dsmr-reader: its day and its hour statistics.

Columns are known by their place, since their names follow the reader's language. Newer exports of
days hold the meter's registers at the day's begin: those are taken, and energies only before them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from ..model import Reading
from . import Choices, Fault, Parser, Told
from .counters import Counters
from .tables import CUT, split
from .texts import LocalTimes, number, shown

METER = "dsmr-reader"
DEVICE = "grid"
HOUR, DAY = 6, 18  # columns; a day without registers has at least so many as an hour
ELECTRICITY, GAS = (1, 2, 3, 4), 5  # energy of tariff 1, 2, returned 1, 2; gas
STAMP, READINGS, GAS_STAMP, GAS_READING = 11, (12, 13, 14, 15), 16, 17
OTHER = {2: "temperatures", 3: "peaks of quarters of an hour"}


def parser(choices: Choices) -> Parser:
    return _Statistics(choices).parse


class _Statistics:
    def __init__(self, choices: Choices) -> None:
        self._device = choices.device(DEVICE)
        self._counters = Counters(METER, choices)
        self._local, self._stamps = LocalTimes(choices.zone), LocalTimes(choices.zone)
        other = "high" if choices.tariff1 == "low" else "low"
        self._names = [
            f"energy_{way}_{tariff}"
            for way in ("import", "export")
            for tariff in (choices.tariff1, other)
        ]
        self._has_registers = False

    def parse(self, lines: Iterable[str]) -> Told:
        width, last, fault = 0, "\n", False
        for line_number, line in enumerate(lines, 1):
            fields = split(line.lstrip("\ufeff"))
            if line_number == 1:
                width = self._width(line, fields)
                continue
            last, fault = line, False
            try:
                if len(fields) != width:
                    raise ValueError(f"has {len(fields)} columns, not {width}")
                yield from self._hour(fields) if width == HOUR else self._day(fields)
            except ValueError as error:
                fault = True
                yield Fault(line_number, str(error))
        if fault and not last.endswith("\n"):
            raise ValueError(CUT)

    def _width(self, line: str, fields: Sequence[str]) -> int:
        if len(fields) in OTHER:
            raise ValueError(f"holds {OTHER[len(fields)]}: export day or hour statistics")
        if len(fields) < HOUR or len(fields) > DAY or not fields[0].strip():
            raise ValueError(f"begins with {shown(line)}: it is no export of dsmr-reader")
        return len(fields)

    def _hour(self, fields: Sequence[str]) -> list[Reading]:
        start = self._local.read(fields[0])
        return self._energies(fields, start, start + timedelta(hours=1))

    def _day(self, fields: Sequence[str]) -> list[Reading]:
        date = datetime.fromisoformat(_iso(fields[0]))
        if len(fields) == DAY and all(fields[at] for at in (STAMP, *READINGS)):
            self._has_registers = True
            return self._registers(fields)
        if self._has_registers:
            raise ValueError("has no registers, though days before it have")
        start, end = (self._local.utc(day) for day in (date, date + timedelta(days=1)))
        return self._energies(fields, start, end)

    def _energies(self, fields: Sequence[str], start: datetime, end: datetime) -> list[Reading]:
        amounts = dict(zip(self._names, (number(fields[at]) for at in ELECTRICITY), strict=True))
        found = self._counters.add(self._device, start, end, amounts)
        if fields[GAS]:
            gas = {"volume": number(fields[GAS])}
            found += self._counters.add(f"{self._device}.gas", start, end, gas)
        return found

    def _registers(self, fields: Sequence[str]) -> list[Reading]:
        values = dict(zip(self._names, (number(fields[at]) for at in READINGS), strict=True))
        found = [Reading(self._device, self._stamps.read(fields[STAMP]), values)]
        if fields[GAS_STAMP] and fields[GAS_READING]:
            time, gas = LocalTimes(self._local.zone).read(fields[GAS_STAMP]), fields[GAS_READING]
            found.append(Reading(f"{self._device}.gas", time, {"volume": number(gas)}))
        return found


def _iso(text: str) -> str:
    """A date as year-month-day, also if it was day-month-year."""
    parts = text.strip().split("-")
    return "-".join(parts[::-1] if len(parts[-1]) == 4 else parts)

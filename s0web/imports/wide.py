"""The wide table of Hofei90's smartmeter: a row for each pass, a column for each register, in
German. Times without a zone are UTC, as that program wrote them.
"""

from collections.abc import Iterable
from datetime import UTC

from ..meters.german import GERMAN, GERMAN_WS100
from ..model import Reading
from . import Choices, Fault, Parser, Told
from .tables import Row, rows
from .texts import LocalTimes, number

DEVICE = "meter"
_NAMES = {german.lower(): quantity for german, quantity in GERMAN.items()}
_WS100 = {german.lower(): quantity for german, quantity in GERMAN_WS100.items()}


def parser(choices: Choices) -> Parser:
    times, device = LocalTimes(choices.zone or UTC), choices.device(DEVICE)

    def told(row: Row) -> Reading | None:
        values = dict(row.values)
        time = times.read(values.pop("ts", ""))
        names = _WS100 if values.keys() <= _WS100.keys() else _NAMES
        if not values.keys() & names.keys():
            raise (
                ValueError("has no register that is known here")
                if values
                else ValueError("has no value")
            )
        known = {names[name]: number(text) for name, text in values.items() if name in names}
        return Reading(device, time, known)

    def parse(lines: Iterable[str]) -> Told:
        for row in rows(lines, ("ts",), ()):
            if isinstance(row, Fault):
                yield row
                continue
            try:
                if (reading := told(row)) is not None:
                    yield reading
            except ValueError as error:
                yield Fault(row.line, str(error))

    return parse

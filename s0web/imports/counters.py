"""Makes registers of energies per interval: totals that go on from a begin."""

from collections.abc import Mapping
from datetime import datetime

from ..model import Reading
from . import Choices

UNITS = 1_000_000  # of a kWh or m3: whole ones, so that sums are exact


class Counters:
    """The meter of these registers is named after the program, since no real one shows them."""

    def __init__(self, meter: str, choices: Choices) -> None:
        self._meter, self._choices = meter, choices
        self._totals: dict[tuple[str, str], int] = {}
        self._until: dict[str, datetime] = {}

    def add(
        self, device: str, start: datetime, end: datetime, amounts: Mapping[str, float]
    ) -> list[Reading]:
        """What the registers say then; ValueError for an interval that cannot follow, or an energy
        below 0.
        """
        if min(amounts.values()) < 0:
            raise ValueError("an energy is below 0")
        before = self._until.get(device)
        if before is not None and start < before:
            raise ValueError(
                f"{start:%Y-%m-%d %H:%M:%S} UTC is before the end of the line above: lines must be "
                "in order of time, and each there once"
            )
        told = []
        base = {}
        for quantity in amounts:
            if (device, quantity) not in self._totals:
                begin = self._choices.begin(device, quantity, self._meter, start)
                self._totals[device, quantity] = round(begin * UNITS)
                base[quantity] = begin
        if base:
            told.append(Reading(device, start, base, meter=self._meter))
        for quantity, amount in amounts.items():
            self._totals[device, quantity] += round(amount * UNITS)
        values = {quantity: self._totals[device, quantity] / UNITS for quantity in amounts}
        told.append(Reading(device, end, values, meter=self._meter))
        self._until[device] = end
        return told

"""Who answers at a unit: the model and the serial number that a meter tells of itself."""

from collections.abc import Callable

from ..errors import ReplyError
from ..meters.registers import Meter, Probe
from ..registry import METERS, load

TRIES = 3  # a question may be lost on a disturbed line; who was never heard may not know it
Ask = Callable[[int, int, int], bytes]  # function, address, registers -> their bytes


class Identity:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self.serial = ""  # as it was told last

    def ask(self, ask: Ask) -> str:
        """Ask the meter who it is; return the name of another model for which our table would be
        wrong, or "". Raises ReplyError where a serial number that was told before cannot be read.
        """
        model = self._number(self._meter.code, ask)
        other = self._meter.code.models.get(model, "") if self._meter.code and model else ""
        if other and not fits(self._meter, load(METERS, other)):
            return other
        number = self._number(self._meter.serial, ask, must=bool(self.serial))
        self.serial = str(number) if number else ""
        return ""

    @staticmethod
    def _number(probe: Probe | None, ask: Ask, must: bool = False) -> int | None:
        """What the meter says there; None where it does not know the question."""
        if probe is None:
            return None
        for left in reversed(range(TRIES)):
            try:
                return probe.number(ask(probe.function, probe.address, probe.words))
            except ReplyError as error:
                if error.kind == "refused":
                    return None
                if must and not left:
                    raise
        return None


def fits(table: Meter, other: Meter) -> bool:
    """Whether all that the table holds is in the other model's too, at the same places."""
    return table.function == other.function and set(table.registers) <= set(other.registers)

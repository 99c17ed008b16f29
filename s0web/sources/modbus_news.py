"""What is told of one Modbus meter: its Readings, and the Troubles of what could not be read."""

from collections.abc import Collection, Mapping
from datetime import datetime

from ..errors import ReplyError
from ..meters.registers import Block
from ..model import Reading, Trouble
from ..quantities import QUANTITIES
from .modbus_ask import NO_FUNCTION, is_final

MANY = 20  # quantities; where more are refused, another model is likelier than a poorer one
GATEWAY = (10, 11)  # a gateway says that it cannot reach the meter

REMEDIES = {
    "silent": "Is the meter on, are A and B the right way round, and are unit, baud and parity "
    "those that its display shows? s0web scan finds it.",
    "stranger": "Two meters with the same address, or a second program that asks on this bus? "
    "Give each meter an address of its own.",
    "refused": "Is the model right? What this meter does not have can be left out: "
    "intervals = {intervals}",
    "busy": "It says that it cannot answer now. Give it a longer interval or pause_ms; if that "
    "does not help, switch it off and on.",
    "model": "Is the model right? s0web scan finds out which one it is.",
    "number": "What this meter does not measure can be left out: intervals = {intervals}",
}
NOISE = (
    "Disturbance, or two that talk at once: is the bus terminated with 120 ohm at both ends, its "
    "cable twisted and away from mains, and no second program on it?"
)


def kind_of(error: ReplyError) -> str:
    """The kind of a failed request: silent, refused, model, busy, or as the bus says."""
    if error.kind != "refused":
        return error.kind
    if error.code in GATEWAY:
        return "silent"
    if error.code == NO_FUNCTION:
        return "model"
    return "refused" if is_final(error) else "busy"


class News:
    """Labels are told when they change, `requests_failed` when it changes and at first; a Trouble
    stands until what it is about was read.
    """

    def __init__(self, device: str, unit: int, model: str) -> None:
        self._device, self._who = device, f"meter {device} (unit {unit})"
        self._model = model
        self._labels: dict[str, str] = {}
        self._failed = -1.0  # as it was told last
        self._lost: dict[str, Trouble] = {}  # quantity -> why it is not told
        self._registers: dict[str, float] = {}  # as they were told last
        self._serial = ""

    # -- troubles ----------------------------------------------------------------------------------

    def nothing_wanted(self) -> Trouble:
        return self._trouble("config", "no quantity is ever read", "Give one an interval.")

    def wrong_model(self, other: str) -> Trouble:
        text = f"it is of model {other.upper()}, not {self._model}: its numbers cannot be believed"
        return self._trouble("model", text, f"Set model = {other}, or the unit of the right meter.")

    def nonsense(self, hertz: float) -> Trouble:
        text = f"its frequency would be {hertz:.3g} Hz: it is no {self._model}"
        return self._trouble("model", text, REMEDIES["model"])

    def failure(self, block: Block, error: ReplyError) -> Trouble:
        """What to tell of a block that had no good answer."""
        kind = kind_of(error)
        return self._trouble(kind, f"{_where(block)}: {error}", REMEDIES.get(kind, NOISE))

    def failed(self, block: Block, error: ReplyError) -> None:
        """A block had no good answer; its Trouble stands until it has one."""
        self._lost |= dict.fromkeys(_names(block), self.failure(block, error))

    def read(self, block: Block, odd: Collection[str]) -> None:
        """A block was answered; the quantities `odd` are no finite numbers."""
        for name in _names(block):
            self._lost.pop(name, None)
        if names := [name for name in _names(block) if name in odd]:
            text = f"{_where(block)}: no number in {', '.join(names)}"
            trouble = self._trouble("number", text, REMEDIES["number"])
            self._lost |= dict.fromkeys(names, trouble)

    def troubles(self) -> list[Trouble]:
        """What stands, as one Trouble: what is told last decides the health."""
        standing = list(dict.fromkeys(self._lost.values()))
        if not standing:
            return []
        first, *others = standing
        names = [name for name, trouble in self._lost.items() if trouble.kind == first.kind]
        text = first.text + (f" (and {len(others)} more such)" if others else "")
        option = ", ".join(f"{name}:never" for name in names)
        is_poor = first.kind != "refused" or len(names) <= MANY
        remedy = first.remedy if is_poor else REMEDIES["model"]
        return [first._replace(text=text, remedy=remedy.format(intervals=option))]

    def _trouble(self, kind: str, text: str, remedy: str) -> Trouble:
        return Trouble(self._device, kind, f"{self._who}: {text}", remedy)

    # -- readings ----------------------------------------------------------------------------------

    def reading(
        self,
        time: datetime,
        values: dict[str, float],
        labels: Mapping[str, str],
        serial: str,
        failed: int,
    ) -> Reading:
        """What one sweep found; `labels` are all that hold now, `failed` counts requests."""
        note = self._replaced(serial) or self._fall(values)
        news = {"requests_failed": float(failed)} if failed != self._failed else {}
        self._failed = failed
        told = self._changed({**labels, **({"note": note} if note else {})})
        return Reading(self._device, time, {**values, **news}, told, serial)

    def _changed(self, labels: Mapping[str, str]) -> dict[str, str]:
        """The labels that are new."""
        news = {k: text for k, text in labels.items() if self._labels.get(k, "") != text}
        self._labels |= news
        return news

    def _replaced(self, serial: str) -> str:
        """A note if another meter answers; its registers are compared with its own only."""
        old, self._serial = self._serial, serial
        if old == serial:
            return ""
        self._registers.clear()
        return f"meter {old} was replaced by {serial}" if old and serial else ""

    def _fall(self, values: Mapping[str, float]) -> str:
        """A note if a register is lower than it was on the same meter."""
        registers = {q: n for q, n in values.items() if QUANTITIES[q].kind == "register"}
        old, self._registers = self._registers, {**self._registers, **registers}
        for quantity, number in registers.items():
            if number < old.get(quantity, number):
                unit = QUANTITIES[quantity].unit
                return (
                    f"{quantity} fell from {old[quantity]:.10g} to {number:.10g} {unit}: "
                    "was the meter changed or reset?"
                )
        return ""


def _where(block: Block) -> str:
    return f"registers {block.address} to {block.address + block.count - 1}"


def _names(block: Block) -> list[str]:
    return [register.quantity for register in block.registers]

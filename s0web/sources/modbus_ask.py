"""Asking one meter on a shared bus: its pauses, its second chances, and how often it failed."""

from ..errors import ReplyError
from ..hardware import Bus
from ..meters.registers import Block, Meter
from ..model import Options

NO_FUNCTION, NO_ADDRESS, NO_VALUE = 1, 2, 3  # Modbus exceptions that asking again does not mend


def is_final(error: ReplyError) -> bool:
    """Whether the meter said that it will never answer this."""
    return error.kind == "refused" and error.code in (NO_FUNCTION, NO_ADDRESS, NO_VALUE)


class SharedBus:
    """A bus that knows whom it spoke to last: some meters need silence after another one."""

    def __init__(self, bus: Bus) -> None:
        self.bus, self.last = bus, 0  # the unit


class Asker:
    """Questions to one meter. `failed` counts those without a good answer."""

    def __init__(self, meter: Meter, options: Options) -> None:
        self.bus: SharedBus | None = None
        self.failed = 0
        self._unit, self._function = int(options["unit"]), meter.function
        self._timeout = float(options["timeout"])
        pause = options["pause_ms"] / 1000
        self._pause = pause if pause >= 0 else meter.pause
        self._after_others = max(self._pause, options["bus_pause_ms"] / 1000)

    def ask(self, function: int, address: int, count: int) -> bytes:
        """The bytes of `count` registers; raises ReplyError, which counts unless it is a refusal:
        not every meter knows every question.
        """
        assert self.bus is not None
        pause = self._pause if self.bus.last in (0, self._unit) else self._after_others
        self.bus.last = self._unit
        read = self.bus.bus.read
        try:
            return read(self._unit, function, address, count, self._timeout, pause)
        except ReplyError as error:
            self.failed += not is_final(error)
            raise

    def read(self, block: Block, tries: int = 2) -> bytes:
        """The bytes of a block, asked for again where that may help; raises ReplyError."""
        while True:
            tries -= 1
            try:
                return self.ask(self._function, block.address, block.count)
            except ReplyError as error:
                if is_final(error):
                    self.failed += 1
                    raise
                if not tries:
                    raise

    def knock(self, block: Block, tries: int = 2) -> bytes:
        """What the meter says to this, b"" if it refuses; raises ReplyError if it is silent."""
        try:
            return self.read(block, tries)
        except ReplyError as error:
            if not is_final(error):
                raise
            return b""

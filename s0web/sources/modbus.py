"""Modbus meters as a Source: all sections on one port are one source, and one thread owns the bus.

1. Each `read()` gives one meter its turn, the one that has waited longest of those that are due.
2. What could be read is told even if the rest failed; the Trouble of the rest is told after it.
3. A meter that is silent or refuses concerns that meter alone; `read()` raises only when the wire
   is gone.
"""

from collections.abc import Mapping, Sequence

from ..clock import Clock
from ..errors import SourceError
from ..hardware import BusLine, Wires
from ..model import Command, Options, Telling, Totals
from .modbus_ask import SharedBus
from .modbus_meter import MeterOnBus
from .modbus_schedule import EARLY

IDLE = 20.0  # s after which a gateway may have ended the connection, which is no trouble
LONGEST_PAUSE = 60.0  # s until a source with nothing to do looks again


class ModbusSource:
    """The meters on one bus; each device has the name of its section."""

    is_amid = False

    def __init__(
        self, sections: Mapping[str, Options], wires: Wires, clock: Clock, totals: Totals
    ) -> None:
        first, options = next(iter(sections.items()))
        self.name = f"source:{first}"
        self.devices: Sequence[str] = tuple(sections)
        self._meters = {name: MeterOnBus(name, each, clock) for name, each in sections.items()}
        self.patience = max(meter.patience for meter in self._meters.values())
        self.interval = LONGEST_PAUSE  # s from the begin of a read() to the next that is due
        self._line = BusLine(
            str(options["port"]),
            int(options["baud"]),
            str(options["parity"]),
            int(options["stopbits"]),
            {int(each["unit"]): str(each["model"]) for each in sections.values()},
        )
        self._wires, self._clock = wires, clock
        self._bus: SharedBus | None = None
        self._used = clock.monotonic()  # when the bus was used last

    @staticmethod
    def wire(options: Options) -> str:
        return str(options["port"])

    def open(self) -> str:
        """Claim the bus; return how it is spoken to."""
        self.close()
        try:
            self._bus = SharedBus(self._wires.bus(self._line))
        except OSError as error:
            raise SourceError(error.strerror or str(error)) from error
        for meter in self._meters.values():
            meter.wire(self._bus)
        return self._bus.bus.note

    def read(self) -> Sequence[Telling]:
        """One meter's turn, if one is due; sets `interval`."""
        if self._bus is None:
            raise SourceError(f"{self._line.port} is not open")
        begin, meters = self._clock.monotonic(), self._meters.values()
        due = [meter for meter in meters if meter.due <= begin + EARLY]
        try:
            told = self._turn(min(due, key=lambda meter: meter.served)) if due else []
        except SourceError:
            raise
        except OSError as error:
            raise SourceError(f"{self._line.port} is gone: {error}") from error
        next_due = min(meter.due for meter in meters)
        self.interval = min(max(0.0, next_due - begin), LONGEST_PAUSE)
        return told

    def _turn(self, meter: MeterOnBus) -> Sequence[Telling]:
        """Its turn; a bus that went while nobody used it is opened again at once."""
        idle = self._clock.monotonic() - self._used
        try:
            return meter.turn()
        except SourceError:
            if idle < IDLE:
                raise
            self.open()
            return meter.turn()
        finally:
            self._used = self._clock.monotonic()

    def obey(self, command: Command) -> Sequence[Telling]:
        """fast: read everything often for `value` s (0: as the options say; negative: no more)."""
        meter = self._meters.get(command.target)
        if meter is None or command.verb != "fast":
            raise ValueError(f"{command.target} cannot {command.verb}: a Modbus meter knows fast")
        meter.fast(command.value)
        return []

    def close(self) -> None:
        if self._bus is not None:
            shared, self._bus = self._bus, None
            shared.bus.close()

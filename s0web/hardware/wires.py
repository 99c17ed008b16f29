"""The wires of this machine: GPIO lines, serial ports, buses and converters, each opened by what
suits it.
"""

import errno
import time
from collections.abc import Sequence

from . import Adc, Bus, BusLine, Edges, Line, Output, Port, Sampler
from .gpio import ChardevEdges
from .gpio_output import ChardevOutput
from .rpigpio import CallbackEdges, CallbackOutput


class RealWires:
    """hardware.Wires on real hardware."""

    def edges(self, chip: str, lines: Sequence[Line]) -> Edges:
        try:
            return ChardevEdges(chip, lines)
        except OSError as error:
            if chip or error.errno != errno.ENODEV:  # a chip by name, or a line that is refused
                raise
            try:
                return CallbackEdges(lines)
            except OSError as second:
                raise OSError(errno.ENODEV, f"{error.strerror} And {second.strerror}") from error

    def output(self, chip: str, offset: int, active_low: bool, on: bool) -> Output:
        try:
            return ChardevOutput(chip, offset, active_low, on)
        except OSError as error:
            if chip or error.errno != errno.ENODEV:
                raise
            try:
                return CallbackOutput(offset, active_low, on)
            except OSError as second:
                raise OSError(errno.ENODEV, f"{error.strerror} And {second.strerror}") from error

    def port(self, name: str, baud: int) -> Port:
        from .serial import open_port

        return open_port(name, baud)

    def bus(self, line: BusLine) -> Bus:
        from .modbus import open_bus

        return open_bus(line)

    def sampler(self, adc: Adc) -> Sampler:
        from .sampling import open_sampler

        return open_sampler(adc)

    def monotonic(self) -> float:
        return time.monotonic()

    def close(self) -> None:
        """Nothing is held here; each source closes what it opened."""

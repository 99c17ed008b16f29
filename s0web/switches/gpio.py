"""A relay on a GPIO pin.

The line is claimed in the safe state, so nothing clicks at a start. After a crash the kernel lets
it go: what the relay does then is up to its module (docs/relays.md).
"""

from ..errors import SourceError
from ..hardware import Output
from ..hardware.pins import offset_of
from ..inside import Inside
from ..model import Options
from .switch import Actor, Switch


class Relay:
    def __init__(self, options: Options, inside: Inside) -> None:
        self._wires, self._chip = inside.wires, options["chip"]
        self._offset = offset_of(int(options["pin"]), options["numbering"])
        self._active_low = bool(options["active_low"])
        self._output: Output | None = None

    def open(self, on: bool) -> str:
        try:
            self._output = self._wires.output(self._chip, self._offset, self._active_low, on)
        except OSError as error:
            raise SourceError(str(error.strerror or error)) from error
        return self._output.note

    def put(self, on: bool, back_after: float) -> None:
        try:
            self._line().put(on)
        except OSError as error:
            raise SourceError(f"the GPIO line is gone ({error.strerror or error})") from error

    def state(self) -> bool | None:
        try:
            return self._line().is_on()
        except OSError as error:
            raise SourceError(f"the GPIO line is gone ({error.strerror or error})") from error

    def close(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None

    def _line(self) -> Output:
        if self._output is None:
            raise SourceError("the GPIO line is not open")
        return self._output


class GpioSwitch(Switch):
    def actor(self, options: Options, inside: Inside) -> Actor:
        return Relay(options, inside)

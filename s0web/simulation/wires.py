"""The wires of the simulated house: GPIO lines, serial ports, Modbus buses and an ADC, peers of
this machine's.
"""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ..clock import Clock
from ..errors import SourceError
from ..hardware import Adc, Bus, BusLine, Line, Port, Sampler
from ..hardware.serial import open_port
from .edges import SimulatedEdges, SimulatedOutput
from .house import NS, House
from .pty import PtyMeter
from .slave import MemoryBus, PtySlave, Slave
from .telegram import telegram

MEMORY_INTERVAL = 10  # s between two telegrams on a port in memory

_1970 = datetime(1970, 1, 1, tzinfo=UTC)


class SimulatedWires:
    """hardware.Wires of one house. Live, ports are real (ptys); else in memory, for a FakeClock.

    The time in the house is the wall time at the start, carried on by the monotonic clock.
    """

    def __init__(self, house: House, clock: Clock, live: bool = True) -> None:
        self._house, self._clock, self._live = house, clock, live
        since_1970 = (clock.now() - _1970) // timedelta(microseconds=1) * 1000
        self._origin = since_1970 - round(clock.monotonic() * NS)
        self._meters: dict[str, PtyMeter] = {}
        self._slaves: dict[str, PtySlave] = {}
        self.lines: dict[tuple[str, int], bool] = {}  # chip, line -> whether its relay is on

    def time(self) -> datetime:
        """What time it is in the house, UTC."""
        now = self._origin + round(self._clock.monotonic() * NS)
        return _1970 + timedelta(microseconds=now // 1000)

    def edges(self, chip: str, lines: Sequence[Line]) -> SimulatedEdges:
        return SimulatedEdges(self._house, self._clock, self._origin, lines)

    def output(self, chip: str, offset: int, active_low: bool, on: bool) -> SimulatedOutput:
        """A relay in the house that nothing hangs on."""
        return SimulatedOutput(self.lines, (chip, offset), on)

    def port(self, name: str, baud: int) -> Port:
        """The house's meter; every name has one, behind a pty of its own if live."""
        if self._live:
            return open_port(self.meter(name).path, baud)
        return MemoryPort(self)

    def meter(self, name: str) -> PtyMeter:
        """The meter behind a live port, to be unplugged and plugged in."""
        if name not in self._meters:
            self._meters[name] = PtyMeter(self.telegram)
        return self._meters[name]

    def bus(self, line: BusLine) -> Bus:
        """Meters of the house on a bus; every name has one, behind a pty of its own if live."""
        slave = Slave(line.meters, lambda: self._house.at(self.time()))
        if not self._live:
            return MemoryBus(slave)
        from ..hardware.modbus import open_bus

        if line.port in self._slaves:
            self._slaves[line.port].slave = slave
        else:
            self._slaves[line.port] = PtySlave(slave)
        return open_bus(line._replace(port=self._slaves[line.port].path))

    def slave(self, port: str) -> PtySlave:
        """The meters behind a live bus that was opened, to be unplugged and plugged in."""
        return self._slaves[port]

    def sampler(self, adc: Adc) -> Sampler:
        """The house's converter: in a process of its own if live, as a real one."""
        if not self._live:
            from .wave import MemorySampler

            return MemorySampler(self._house, self, adc)
        from ..hardware.sampling import open_sampler

        return open_sampler(adc, "s0web.simulation.adc", (str(self._origin),))

    def telegram(self) -> bytes:
        """What the meter says now."""
        return telegram(self._house, self.time())

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return self._clock.wait(event, seconds)

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def close(self) -> None:
        """Remove all meters; may be called twice."""
        while self._meters:
            self._meters.popitem()[1].close()
        while self._slaves:
            self._slaves.popitem()[1].close()


class MemoryPort:
    """hardware.Port that gives one whole telegram each full 10 s; those not fetched are lost."""

    def __init__(self, wires: SimulatedWires) -> None:
        self._wires, self._closed = wires, threading.Event()
        self._due = self._after(wires.time())

    def read(self, seconds: float) -> bytes:
        missing = (self._due - self._wires.time()).total_seconds()
        if missing > 0:
            self._wires.wait(self._closed, min(seconds, missing))
        if self._closed.is_set():
            raise SourceError("the simulated port is closed: open it again")
        if self._wires.time() < self._due:
            return b""
        self._due = self._after(self._wires.time())
        return self._wires.telegram()

    def set_baud(self, baud: int) -> None:
        """Memory has no speed."""

    def close(self) -> None:
        self._closed.set()

    @staticmethod
    def _after(now: datetime) -> datetime:
        full = timedelta(seconds=MEMORY_INTERVAL)
        return now - (now - _1970) % full + full

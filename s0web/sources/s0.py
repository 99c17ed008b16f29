"""S0 pulses on GPIO lines: energy from pulses alone, power from the time between two of them.

The power between pulses can be no more than one pulse over the time since the last, so the shown
power falls with it: P = 3.6e6 / (pulses per kWh x interval). A source goes on from the totals it is
given; a correction shifts its base, so that no pulse is lost to it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ..clock import Clock
from ..errors import SourceError
from ..hardware import Edge, Edges, Line, Wires
from ..hardware.pins import offset_of
from ..model import Command, Options, Reading, Telling, Totals, Trouble
from .pulse import Pulse, PulseFilter

WAIT = 0.2  # s, longest wait in one read: how soon a command or the end is obeyed
FALL = 0.98  # power between pulses is told again each time its bound fell by 2 %


class Counter:
    """What one S0 input has counted."""

    def __init__(self, device: str, options: Options, totals: Mapping[str, float]) -> None:
        self.device, self.options = device, options
        self.offset = offset_of(int(options["pin"]), options["numbering"])
        self.is_energy = options["measures"] == "energy"
        self.per_unit = float(options["pulses_per_kwh" if self.is_energy else "pulses_per_m3"])
        self.register = "energy_import" if self.is_energy else "volume"
        self.rate = "power" if self.is_energy else "flow"
        self.hour = 3.6e6 if self.is_energy else 3600.0  # units of rate x s in one unit of register
        self._base = totals.get(self.register, 0.0)
        self._before = int(totals.get("pulses", 0))
        self._pulses = 0  # of this source; the total is base + pulses / per_unit, no sum of steps
        self.filter = PulseFilter(int(options["minimum_width_ms"] * 1e6))
        self._last_ns: int | None = None  # stamp of the last pulse
        self._told: float | None = None  # the rate told last; None: unknown

    @property
    def total(self) -> float:
        return round(self._base + self._pulses / self.per_unit, 9)

    def line(self) -> Line:
        led = None
        if self.options["blink"]:
            led = offset_of(int(self.options["led_pin"]), self.options["numbering"])
        return Line(
            self.offset, self.options["pull"], led, 0.1, self.per_unit, self.options["measures"]
        )

    def correct(self, difference: float) -> None:
        if self.total + difference < 0:
            raise ValueError(f"{self.device}: a counter cannot be less than 0")
        self._base += difference

    def wire_lost(self) -> None:
        """The numbering and the stamps begin anew with the next claim of the line."""
        rejected = self.filter.rejected
        self.filter = PulseFilter(int(self.options["minimum_width_ms"] * 1e6))
        self.filter.rejected = rejected
        self._last_ns = self._told = None

    def standing(self, now: datetime) -> Reading:
        """The totals as they stand, without a pulse."""
        values = {self.register: self.total, "pulses": float(self._before + self._pulses)}
        return Reading(self.device, now, values)

    def pulse(self, pulse: Pulse, now: datetime, now_ns: int) -> Reading:
        """A pulse counted; the first after a start gives energy but no power, for nobody knows
        since when.
        """
        self._pulses += pulse.number
        values = dict(self.standing(now).values)
        if self._last_ns is not None and pulse.is_exact and pulse.time_ns > self._last_ns:
            interval = (pulse.time_ns - self._last_ns) / 1e9 / pulse.number
            self._told = self.hour / (self.per_unit * interval)
            values |= {self.rate: self._told, "pulse_interval": interval}
        if self.filter.rejected:
            values["pulses_rejected"] = float(self.filter.rejected)
        self._last_ns = pulse.time_ns if pulse.is_exact else None
        return Reading(
            self.device, now - timedelta(microseconds=(now_ns - pulse.time_ns) / 1e3), values
        )

    def decay(self, now: datetime, now_ns: int) -> Reading | None:
        """The rate alone, when what is still possible has fallen by 2 %, and 0 at last."""
        if not self._told or self._last_ns is None:
            return None
        elapsed = (now_ns - self._last_ns) / 1e9
        bound = self.hour / (self.per_unit * elapsed) if elapsed > 0 else self._told
        if elapsed >= self.options["zero_after"]:
            bound = 0.0
        elif bound > self._told * FALL:
            return None
        self._told = bound
        return Reading(self.device, now, {self.rate: bound})


class S0Source:
    """All S0 inputs of one GPIO chip (contract: model.Source)."""

    interval = 0.0
    patience = float("inf")

    def __init__(
        self, sections: Mapping[str, Options], wires: Wires, clock: Clock, totals: Totals
    ) -> None:
        self.devices = tuple(sections)
        self.name = f"source:{self.devices[0]}"
        self._wires, self._clock = wires, clock
        self._counters = {
            counter.offset: counter
            for device, options in sections.items()
            for counter in [Counter(device, options, totals(device))]
        }
        self._chip = next(iter(sections.values()))["chip"]
        self._edges: Edges | None = None
        self._fresh = True  # are the totals still to be told?

    @staticmethod
    def wire(options: Options) -> str:
        """Sections on the same chip are one source."""
        return f"gpio:{options['chip']}"

    def open(self) -> str:
        try:
            lines = [counter.line() for counter in self._counters.values()]
            self._edges = self._wires.edges(self._chip, lines)
        except OSError as error:
            raise SourceError(f"{self.name}: {error.strerror or error}") from error
        self._fresh = True
        return self._edges.note

    def read(self) -> Sequence[Telling]:
        if self._edges is None:
            raise SourceError(f"{self.name}: read before open")
        if self._fresh:
            self._fresh = False
            return self._standing()
        try:
            edges = list(self._edges.read(WAIT))
            now, now_ns = self._clock.now(), int(self._wires.monotonic() * 1e9)
            edges += self._edges.read(0)  # what came before `now` is read: no decay denies a pulse
        except OSError as error:
            raise SourceError(f"{self.name}: the GPIO chip is gone ({error})") from error
        told: list[Telling] = []
        lit: list[Counter] = []
        by_line: dict[int, list[Edge]] = {}
        for edge in edges:
            by_line.setdefault(edge.line, []).append(edge)
        for offset, counter in self._counters.items():
            pulses = counter.filter.feed(by_line.get(offset, ()))
            told += [counter.pulse(pulse, now, now_ns) for pulse in pulses]
            if pulses and counter.options["blink"]:
                lit.append(counter)
            if (fallen := counter.decay(now, now_ns)) is not None:
                told.append(fallen)
        return told + self._blink(lit)

    def _blink(self, counters: Sequence[Counter]) -> list[Trouble]:
        """Light their LEDs; one that fails costs no pulse."""
        assert self._edges is not None
        troubles = []
        for counter in counters:
            try:
                self._edges.blink(counter.offset)
            except OSError as error:
                text = f"its LED cannot be lit ({error.strerror or error})"
                remedy = "Take another led_pin, or set blink = no."
                troubles.append(Trouble(counter.device, "led", text, remedy))
        return troubles

    @property
    def is_amid(self) -> bool:
        return any(counter.filter.is_high for counter in self._counters.values())

    def obey(self, command: Command) -> Sequence[Telling]:
        counter = next(c for c in self._counters.values() if c.device == command.target)
        if command.verb == "correct":
            counter.correct(command.value)
            return [counter.standing(self._clock.now())]
        if command.verb == "trigger":
            if self._edges is None:
                raise ValueError(f"{command.target}: its wire is not open")
            self._edges.trigger(counter.offset)
            return []
        raise ValueError(f"{command.target}: a pulse counter cannot {command.verb}")

    def close(self) -> None:
        if self._edges is not None:
            self._edges.close()
            self._edges = None
            for counter in self._counters.values():
                counter.wire_lost()

    def _standing(self) -> list[Telling]:
        now = self._clock.now()
        return [counter.standing(now) for counter in self._counters.values()]

"""Currents and voltages sampled by an ADC as a Source: frames in, Readings of every second out.

Each current channel is a device (mains.brown), the section is their sum (mains). The stamp of a
Reading is the end of its second: until then its energies count.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from importlib import import_module

from ..clock import Clock
from ..errors import SourceError
from ..hardware import Adc, Sampler, Wires
from ..model import Command, Options, Reading, Telling, Totals, Trouble
from .adc_health import CONVERTER, LATE, Lateness, Look
from .adc_point import Point
from .adc_power import measure
from .adc_windows import Window, Windows

WAIT = 1.0  # s, the longest that one read() takes
TOPS = {"mcp3208": 4095, "mcp3204": 4095, "mcp3008": 1023}  # highest code


class AdcSource:
    """All points on one converter (contract: model.Source)."""

    interval = 0.4  # s; between two reads frames wait in the wire: few wake-ups
    is_amid = False

    def __init__(
        self, sections: Mapping[str, Options], wires: Wires, clock: Clock, totals: Totals
    ) -> None:
        self.devices = tuple(sections)
        self.name = f"source:{self.devices[0]}"
        self.patience = min(float(options["patience"]) for options in sections.values())
        self._wires, self._clock = wires, clock
        common = next(iter(sections.values()))  # the options of the wire are the same in all
        channels = order(sections.values())
        nominal = float(common["frequency"])
        rate = common["samples_per_wave"] * nominal
        self._adc = Adc(common["spi"], common["chip"], int(common["speed"]), rate, channels)
        self._top = TOPS[self._adc.chip]
        self._points = {
            device: (Point(device, options, totals, channels), options["noise"] * self._top / 4095)
            for device, options in sections.items()
        }
        self._windows, self._lateness = Windows(len(channels), rate, nominal), Lateness(rate)
        self._sampler: Sampler | None = None

    @staticmethod
    def wire(options: Options) -> str:
        """Sections on the same converter are one source."""
        return f"adc:{options['spi']}"

    def open(self) -> str:
        try:
            import_module("numpy")
        except ImportError as error:
            raise SourceError(
                "the ADC needs numpy: sudo apt install python3-numpy (or pip install numpy)"
            ) from error
        try:
            self._sampler = self._wires.sampler(self._adc)
        except OSError as error:
            raise SourceError(error.strerror or str(error)) from error
        return self._sampler.note

    def read(self) -> Sequence[Telling]:
        if self._sampler is None:
            raise SourceError("the converter is read before it is open")
        try:
            pieces = self._sampler.read(WAIT)
        except OSError as error:
            raise SourceError(f"the converter is gone ({error.strerror or error})") from error
        now, now_ns = self._clock.now(), round(self._wires.monotonic() * 1e9)
        told: list[Telling] = []
        for piece in pieces:
            self._lateness.add(len(piece.times_ns), piece.late)
            for point, _ in self._points.values():
                point.add_late(piece.late)
            for window in self._windows.feed(piece):
                ago = timedelta(microseconds=max(0, now_ns - window.end_ns) / 1e3)
                told += self._tell(window, now - ago)
        return told

    def _tell(self, window: Window, time: datetime) -> list[Telling]:
        look = Look(window, self._top)
        if look.all_stuck():
            return [
                Trouble(device, *CONVERTER)
                for point, _ in self._points.values()
                for device in (*(branch.device for branch in point.branches), point.device)
            ]
        told: list[Telling] = []
        for point, noise in self._points.values():
            wave = measure(window, [branch.wire for branch in point.branches], noise)
            told += point.tell(window, wave, look, time)
            if self._lateness.is_high:
                told.append(Trouble(point.device, *LATE))
        return told

    def obey(self, command: Command) -> Sequence[Telling]:
        point, _ = self._points[command.target.partition(".")[0]]
        if command.verb != "correct":
            raise ValueError(f"{command.target}: an ADC cannot {command.verb}")
        values = point.correct(command.target, command.value)
        return [Reading(command.target, self._clock.now(), values)]

    def close(self) -> None:
        if self._sampler is not None:
            self._sampler.close()
            self._sampler = None


def order(sections: Iterable[Options]) -> tuple[int, ...]:
    """In which order the channels of all sections are converted: each once, and a voltage right
    after the first current that needs it.
    """
    channels: dict[int, None] = {}
    for options in sections:
        voltages = dict(options["voltage_channels"])
        for wire, current in options["current_channels"]:
            channels[current] = None
            if wire in voltages:
                channels[voltages[wire]] = None
    return tuple(channels)

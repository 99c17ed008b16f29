"""The comparison of devices that measure the same line: follows the log and tells, as the health
`compare:<one>-<other>`, whether their energies agree.

1. The first device of a group is the reference: each other one is compared with it.
2. Where one of two has a factor in the INI (an ADC, else a pulse counter) that one is suspected;
   where both have, the other one, not the reference.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence

from ..clock import Clock
from ..energy.agreement import STEP, Comparison, Pair
from ..energy.diagnosis import Reason, percent, reason
from ..energy.track import Point, Track
from ..model import Health, Options, Reading

LOG = logging.getLogger(__name__)
GRAINS = {"p1": 0.001, "modbus": 0.01, "adc": 0.0}  # kWh, step of a register, at most
ADJUSTABLE = ("adc", "s0")  # types with a factor in the INI
STILL = 30.0  # s: a pulse older than that has been told


class CompareSink:
    """contract: model.Sink; keeps a few hours of 5-minute marks in memory, nothing else."""

    name = "sink:compare"

    def __init__(
        self,
        groups: Sequence[Sequence[str]],
        tolerance: float,
        sources: Mapping[str, Options],
        clock: Clock,
        report: Callable[[str, Health], None],
    ) -> None:
        self._clock = clock
        self._registers: dict[str, _Registers] = {}
        self._verdicts: list[_Verdict] = []
        pairs = dict.fromkeys((group[0], other) for group in groups for other in group[1:])
        for reference, other in pairs:
            for device in (reference, other):
                self._follow(device, sources)
            self._verdicts.append(
                _Verdict((reference, other), tolerance / 100, sources, self._registers, report)
            )

    def open(self) -> None:
        for verdict in self._verdicts:
            verdict.tell(self._clock)

    def write(self, batch: Sequence[Reading]) -> None:
        for reading in batch:
            if reading.device in self._registers:
                self._registers[reading.device].read(reading)
        for registers in self._registers.values():
            registers.stand_still(self._clock.now().timestamp())
        for verdict in self._verdicts:
            if verdict.pair.look() or verdict.pair.comparison is None:
                verdict.tell(self._clock)

    def close(self) -> None:
        """Nothing is kept outside memory."""

    def _follow(self, device: str, sources: Mapping[str, Options]) -> None:
        section, _, wire = device.partition(".")
        options = sources[section]
        wires = (
            [] if wire else [f"{section}.{name}" for name, _ in options.get("current_channels", ())]
        )
        for name in (device, *wires):
            self._registers.setdefault(name, _Registers(options))


class _Registers:
    """From the readings of one device to its Track."""

    def __init__(self, options: Options) -> None:
        kind = str(options["type"])
        per_kwh = float(options["pulses_per_kwh"]) if kind == "s0" else 0.0
        self.track = Track(1 / per_kwh if per_kwh else GRAINS.get(kind, 0.01), kind == "adc")
        self._per_kwh = per_kwh  # of a pulse counter
        self._latest: dict[str, float] = {}

    def read(self, reading: Reading) -> None:
        values = reading.values
        if not any(quantity.startswith(("energy_", "pulses")) for quantity in values):
            return
        self._latest |= values
        imported = self._of("energy_import")
        if self._per_kwh:  # pulses alone: a correction by hand changes the register, not them
            imported = self._latest.get("pulses", math.nan) / self._per_kwh
        if math.isnan(imported):
            return
        time = reading.time.timestamp() + values.get("lag", 0.0)  # by the clock of this machine
        self.track.add(Point(time, imported, self._of("energy_export")), reading.meter)

    def stand_still(self, now: float) -> None:
        """A pulse counter that says nothing says that nothing flows."""
        points = self.track.points
        if self._per_kwh and points and now - STILL - points[-1].time >= STEP:
            self.track.add(points[-1]._replace(time=now - STILL))

    def _of(self, register: str) -> float:
        """The register, or that of both tariffs together, kWh; NaN: not told yet."""
        known = self._latest.get
        tariffs = known(f"{register}_high", math.nan) + known(f"{register}_low", math.nan)
        return known(register, tariffs)


class _Verdict:
    """A reference and another device, and what is said of them."""

    def __init__(
        self,
        names: tuple[str, str],
        tolerance: float,
        sources: Mapping[str, Options],
        registers: Mapping[str, _Registers],
        report: Callable[[str, Health], None],
    ) -> None:
        reference, other = names
        types = {name: str(sources[name.partition(".")[0]]["type"]) for name in names}
        suspects = [name for name in (other, reference) if types[name] in ADJUSTABLE]
        self._names, self._registers, self._report = names, registers, report
        self._suspect = next(iter(suspects), other)
        self._options = sources[self._suspect.partition(".")[0]]
        trusted = reference if self._suspect == other else other
        wires = {
            name.partition(".")[2]: of.track
            for name, of in registers.items()
            if name.startswith(f"{self._suspect}.")
        }
        self.pair = Pair(registers[trusted].track, registers[self._suspect].track, wires, tolerance)
        self._health: Health | None = None

    def tell(self, clock: Clock) -> None:
        """Report the verdict with its figures."""
        found, differs = self.pair.comparison, self.pair.differs
        if found is None:
            silent = [name for name in self._names if not self._registers[name].track.points]
            who = f"{' and '.join(silent)}: no energy register told yet"
            self._set(clock, "starting", who if silent else "too little energy yet")
            return
        text = self._text(found)
        if differs is None:
            self._set(clock, "starting", f"{text}; one more look will tell")
        elif differs:
            why = self._reason(found)
            if not found.differs(self.pair.tolerance):
                text += "; before they differed"
            self._set(clock, "failed", text, why.remedy, why.kind)
        else:
            self._set(clock, "ok", text)

    def _reason(self, found: Comparison) -> Reason:
        """The likeliest one; a wire once known to be turned is, whatever flows in it later."""
        old = self._health
        if (
            old
            and old.state == "failed"
            and (old.kind == "turned" or not found.differs(self.pair.tolerance))
        ):
            return Reason(old.kind, old.remedy)
        return reason(found, self._suspect, self._options, self.pair.tolerance)

    def _text(self, found: Comparison) -> str:
        """grid and mains differ by 12 % over the last hour (grid 3.21 kWh, mains 2.82 kWh)"""
        tolerance = self.pair.tolerance
        difference = percent(found.ratio - 1)
        if (differs := found.differs(tolerance)) is None:
            how = "agree as far as can be told"
        elif not differs:
            how = f"agree to {difference}"
        elif abs(found.ratio - 1) > tolerance:
            how = f"differ by {difference}"
        else:
            how = f"differ by {percent(found.apart / found.gross)} in steps of 5 minutes"
        shown = (
            f"{name} {_flows(found, 'suspect' if name == self._suspect else 'trusted')}"
            for name in self._names
        )
        return f"{' and '.join(self._names)} {how} over {_span(found.seconds)} ({', '.join(shown)})"

    def _set(self, clock: Clock, state: str, text: str, remedy: str = "", kind: str = "") -> None:
        old, wrong = self._health, state == "failed"
        is_same = old is not None and old.state == state
        is_news = old is None or (old.state, old.kind) != (state, kind)
        since = old.since if old and is_same else clock.now()
        troubles = (old.troubles if old else 0) + (wrong and not is_same)
        error = old.error if old else ""
        if wrong and (found := self.pair.comparison) and found.differs(self.pair.tolerance):
            error = f"{text}. {remedy}"
        self._health = Health(state, since, text, remedy, kind, troubles, error)
        name = f"compare:{'-'.join(self._names)}"
        self._report(name, self._health)
        if is_news and state != "starting":
            LOG.log(logging.WARNING if wrong else logging.INFO, "%s: %s. %s", name, text, remedy)


def _flows(found: Comparison, of: str) -> str:
    """kWh while the trusted device saw import, and while it saw export, where it saw both."""
    taken, given = found.flow(of, 1), found.flow(of, -1)
    least = found.doubt
    if abs(given) <= least:
        return f"{abs(taken):.2f} kWh{'' if taken > -least else ' exported'}"
    if abs(taken) <= least:
        return f"{abs(given):.2f} kWh {_way(-given)}"
    return f"{abs(taken):.2f} kWh {_way(taken)} and {abs(given):.2f} {_way(-given)}"


def _way(kwh: float) -> str:
    return "imported" if kwh > 0 else "exported"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 55:
        return f"the last {minutes} minutes"
    hours = round(minutes / 60)
    return "the last hour" if hours == 1 else f"the last {hours} hours"

"""The simulated house: one truth, a pure function of time, that every simulated wire tells.

1. `House.at(t)` is constant within each second; powers are whole W, and energies their exact sums.
2. A week repeats (`week.py`); only a party on some Saturdays makes weeks and months differ.
3. The meter is Belgian: at each second the net of the three phases decides between import and
   export; the tariff is high on workdays from 7 to 22 h winter time; the peak is the highest fixed
   quarter-hour of the local month.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from math import hypot, pi, sin
from typing import NamedTuple

from .habits import DAY
from .peaks import Peak, Peaks
from .week import EPOCH, TICK, WEEK, Flow, Week, is_high, week

NS = 10**9
UNITS = {"energy": 3_600_000, "gas": 1_000_000, "water": 1_000_000}  # Ws in a kWh, ml in a m3
EPOCH_NS = int(EPOCH.timestamp()) * NS  # ns since 1970

_SECOND = timedelta(seconds=1)
_TICK_NS = TICK * NS
_REACTIVE = 75  # var on each phase: why a current flows even where the net power is 0

Phases = tuple[int, int, int]
Volts = tuple[float, float, float]


class Truth(NamedTuple):
    """The house in one second: powers in W, import positive; until it, kWh and m3."""

    time: datetime  # the beginning of the second, UTC
    consumption: int
    solar: int
    power: int  # net: the sum of the phases, and consumption less solar
    phases: Phases
    voltages: Volts  # V
    currents: tuple[float, float, float]  # A, without a sign
    energy: float  # consumed
    solar_energy: float
    energy_import_high: float
    energy_import_low: float
    energy_export_high: float
    energy_export_low: float
    tariff: str  # high or low
    gas: float
    water: float
    demand: int  # import since the quarter-hour began, spread over 900 s
    peak: int  # of the month so far, of quarter-hours that have ended
    peak_time: datetime  # the end of that quarter-hour, UTC


class House:
    """May be shared by threads. The first use takes some 0.2 s, `at` then microseconds."""

    def __init__(self, seed: int = 1) -> None:
        self._seed = seed

    @cached_property
    def _week(self) -> Week:
        return week(self._seed)

    @cached_property
    def _peaks(self) -> Peaks:
        return Peaks(self._week)

    def at(self, t: datetime) -> Truth:
        """The truth at an aware time; a naive one raises TypeError."""
        second, flows = (t - EPOCH) // _SECOND, self._week
        phases, solar = self._powers(second), flows.solar[second % WEEK // TICK]
        power, volts, party = sum(phases), _voltages(second, phases), flows.party.total(second)
        consumed = flows.consumption.total(second) + party
        imported, exported = flows.imported.total(second) + party, flows.exported.total(second)
        import_high, export_high = flows.import_high.total(second), flows.export_high.total(second)
        peak = self._peaks.now(second)
        return Truth(
            EPOCH + timedelta(seconds=second),
            power + solar,
            solar,
            power,
            phases,
            volts,
            _currents(phases, volts),
            consumed / UNITS["energy"],
            (consumed - imported + exported) / UNITS["energy"],
            import_high / UNITS["energy"],
            (imported - import_high) / UNITS["energy"],
            export_high / UNITS["energy"],
            (exported - export_high) / UNITS["energy"],
            "high" if is_high(second) else "low",
            flows.gas.total(second) / UNITS["gas"],
            flows.water.total(second) / UNITS["water"],
            self._peaks.demand(second),
            peak.power,
            peak.time,
        )

    def peaks(self, t: datetime) -> tuple[Peak, ...]:
        """The peaks of the 13 local months before that of t, oldest first."""
        return self._peaks.history(t)

    def pulses(self, measure: str, per_unit: float, after: int, until: int) -> list[int]:
        """When an output of `per_unit` pulses a kWh or m3 pulses: ns since 1970, in (after, until].

        `measure` is energy (what is consumed), gas or water. A pulse comes in the first ns at which
        the total has reached a multiple of 1/per_unit: their number is the difference of
        floor(total * per_unit).
        """
        flows = self._flows(measure)
        scale, parts = float(per_unit).as_integer_ratio()
        unit = UNITS[measure] * NS * parts  # between two pulses, in W ns or ml/s ns, times scale
        now, end, found = after - EPOCH_NS, until - EPOCH_NS, []
        total = sum(
            flow.total(now // NS) * NS + flow.rate(now // NS) * (now % NS) for flow in flows
        )
        count = total * scale // unit
        while now < end:
            rest = min(end, now - now % _TICK_NS + _TICK_NS) - now
            rate = sum(flow.rate(now // NS) for flow in flows)
            reached = (total + rate * rest) * scale // unit
            for number in range(count + 1, reached + 1):
                missing = -(-number * unit // scale) - total
                found.append(EPOCH_NS + now - (-missing // rate))
            total, count, now = total + rate * rest, reached, now + rest
        return found

    def _flows(self, measure: str) -> Sequence[Flow]:
        flows = self._week
        energy = (flows.consumption, flows.party)
        return {"energy": energy, "gas": (flows.gas,), "water": (flows.water,)}[measure]

    def _powers(self, second: int) -> Phases:
        tick = second % WEEK // TICK
        l1, l2, l3 = self._week.phases
        return l1[tick], l2[tick], l3[tick] + self._week.party.rate(second)


def _voltages(second: int, phases: Phases) -> Volts:
    """V, one decimal: sinks by 0.9 V a kW and rises likewise in the sun; the grid has moods too."""
    swing = 1.5 * sin(second % DAY * 2 * pi / DAY)
    mood = second * 2_654_435_761 >> 7  # a cheap hash
    l1, l2, l3 = phases
    return (
        round(232.1 + swing - 0.0009 * l1 + 0.1 * (mood & 3), 1),
        round(231.4 + swing - 0.0009 * l2 + 0.1 * (mood >> 2 & 3), 1),
        round(232.8 + swing - 0.0009 * l3 + 0.1 * (mood >> 4 & 3), 1),
    )


def _currents(phases: Phases, volts: Volts) -> tuple[float, float, float]:
    l1, l2, l3 = (round(hypot(p, _REACTIVE) / v, 2) for p, v in zip(phases, volts, strict=True))
    return l1, l2, l3

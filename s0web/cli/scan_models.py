"""Which model of meter answers at a Modbus unit: by the code that it tells, else by which table
makes sense of what it says.
"""

from ..errors import ReplyError
from ..hardware import Bus
from ..meters.registers import Meter, Probe, Register
from ..registry import METERS, load

PATIENT, PAUSE = 0.4, 0.06  # s: to begin an answer; silence before a question
SENSIBLE = {"voltage": (90.0, 280.0), "frequency": (45.0, 65.0)}
PHASES = ("voltage_l1", "voltage_l2", "voltage_l3")


def identify(bus: Bus, unit: int) -> tuple[tuple[str, ...], str]:
    """The models that it may be, the likeliest first, and its serial number or ""."""
    models = _by_code(bus, unit) or _by_trial(bus, unit)
    serial = _number(bus, unit, load(METERS, models[0]).serial) if models else None
    return models, str(serial or "")


def _by_code(bus: Bus, unit: int) -> tuple[str, ...]:
    """The model that the meter itself tells."""
    asked = set()
    for name in METERS:
        probe = load(METERS, name).code
        if probe is None or probe[:3] in asked:
            continue
        asked.add(probe[:3])
        number = _number(bus, unit, probe)
        if number is not None and number in probe.models:
            return (probe.models[number],)
    return ()


def _by_trial(bus: Bus, unit: int) -> tuple[str, ...]:
    """The models whose tables make most sense; of equals, that which assumes least comes first."""
    heard: dict[tuple[int, int, int], bytes | None] = {}
    scores: dict[str, tuple[int, int]] = {}
    for name in METERS:
        meter: Meter = load(METERS, name)
        score = 0
        for register in shown(meter):
            key = (meter.function, register.address, register.words)
            if key not in heard:
                heard[key] = _ask(bus, unit, *key)
            data = heard[key]
            number = None if data is None else register.decode(data)
            low, high = SENSIBLE[register.quantity.partition("_")[0]]
            if number is None or not low <= number <= high:
                score = 0  # a phase or a frequency that it would have is not there
                break
            score += 1
        if score:
            scores[name] = (-score, len(meter.registers))
    best = min(scores.values(), default=(0, 0))[0]
    return tuple(sorted((n for n in scores if scores[n][0] == best), key=lambda n: scores[n]))


def shown(meter: Meter) -> list[Register]:
    """The registers by which a table is tried: one for each phase's voltage, and the frequency."""
    table = {register.quantity: register for register in meter.registers}
    phases = [table[name] for name in PHASES if name in table] or [
        table[name] for name in ("voltage",) if name in table
    ]
    return phases + ([table["frequency"]] if phases and "frequency" in table else [])


def _number(bus: Bus, unit: int, probe: Probe | None) -> int | None:
    data = _ask(bus, unit, probe.function, probe.address, probe.words) if probe else None
    return probe.number(data) if probe and data is not None else None


def _ask(bus: Bus, unit: int, function: int, address: int, count: int) -> bytes | None:
    """The registers, asked for a second time if need be; None if it does not tell them."""
    for _ in range(2):
        try:
            return bus.read(unit, function, address, count, PATIENT, PAUSE)
        except ReplyError as error:
            if error.kind == "refused":
                return None
    return None

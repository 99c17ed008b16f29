"""Why two devices differ, and what to do: the likeliest reason that a Comparison leaves.

Every number that is suggested is made from the option as it is now.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

from ..model import Options
from .agreement import Comparison
from .factors import changed, number_text

PULSES = (  # per kWh, what S0 meters have
    *(100, 200, 250, 320, 400, 500, 640, 800, 1000, 1250, 1600, 2000, 2500, 3200, 5000, 6400),
    *(10_000, 12_500, 12_800, 16_000, 20_000),
)
NEAR = 0.015  # of a number that meters have: meters themselves are within 1 %
LIKE = 0.15  # what a turned transformer may leave unexplained: others may be out of tune too
NOTHING = 0.02  # of what the other measured
MOST = 5.0  # by which a factor may be wrong: with more, the wire is silent rather
LEAST_STEPS = 4  # of which a wire's own share can be told
LINE = (
    "If they do not measure the same line (the sun feeds in between them, say), change compare in "
    "[s0web]."
)


class Reason(NamedTuple):
    kind: str  # one word for programs
    remedy: str  # sentences: what is wrong, and what to do


def reason(found: Comparison, suspect: str, options: Options, tolerance: float) -> Reason:
    """Why the suspect differs; `suspect` is its name, which may be that of one wire."""
    kinds = {"adc": _adc, "s0": _s0}
    return kinds.get(str(options["type"]), _meter)(found, suspect, options, tolerance)


def _adc(found: Comparison, suspect: str, options: Options, tolerance: float) -> Reason:
    section, _, wire = suspect.partition(".")
    all_wires = tuple(name for name, _ in options["current_channels"])
    wires = (wire,) if wire else all_wires
    turned = wires if _is_reversed(found) else _turned(found, all_wires)
    if turned:
        text = _factors(section, options, all_wires, dict.fromkeys(turned, -1.0))
        *most, last = (f"{section}.{name}" for name in turned)
        those = f"s of {', '.join(most)} and {last} sit" if most else f" of {last} sits"
        return Reason(
            "turned",
            f"The current transformer{those} the wrong way round. Turn {'each' if most else 'it'}, "
            f"or swap its two wires, or change the sign of amps_per_code: {text}",
        )
    is_steady = _is_steady(found, tolerance)
    if abs(found.ratio) < NOTHING and is_steady:
        return Reason(
            "nothing",
            f"{suspect} measures next to nothing: is its current transformer closed around the "
            f"line, and plugged in? {LINE}",
        )
    if not wire and (alone := _alone(found, all_wires, tolerance)):
        name, factor = alone
        text = _factors(section, options, all_wires, {name: factor})
        return Reason(
            "factor",
            f"{section}.{name} alone explains it: multiply its amps_per_code by {factor:.4g}: "
            f"{text} or run: s0web calibrate {section}.{name}",
        )
    if found.ratio < 0 or not is_steady:
        return _meter(found, suspect, options, tolerance)
    factor = 1 / found.ratio
    text = _factors(section, options, all_wires, dict.fromkeys(wires, factor))
    return Reason(
        "factor",
        f"Multiply amps_per_code by {factor:.4g}: {text} or run: s0web calibrate {suspect}. {LINE}",
    )


def _factors(section: str, options: Options, wires: Sequence[str], by: dict[str, float]) -> str:
    """The line for the INI with these wires' factors multiplied."""
    old: Any = options["amps_per_code"]
    table = {"": 1.0, **dict(old)}
    new = {wire: table.get(wire, table[""]) * factor for wire, factor in by.items()}
    return f"[source:{section}] amps_per_code = {changed(old, wires, new)}"


def _is_reversed(found: Comparison) -> bool:
    """Does all of it flow the other way, in the suspect's eyes?"""
    reverse = sum(step.reverse for step in found.steps) / found.gross
    return abs(found.ratio + 1) < LIKE or (abs(found.ratio) < NOTHING and abs(reverse - 1) < LIKE)


def _are_known(found: Comparison, wires: Sequence[str]) -> bool:
    """Can a wire's own share be told?"""
    enough = len(found.steps) >= LEAST_STEPS
    return enough and all(step.wires.keys() == set(wires) for step in found.steps)


def _misfit(found: Comparison, factors: dict[str, float]) -> float:
    """What stays unexplained, of all that flowed, with these wires' factors multiplied."""
    rest = (
        abs(sum(factors.get(wire, 1.0) * net for wire, net in s.wires.items()) - s.trusted)
        for s in found.steps
    )
    return sum(rest) / found.gross


def _turned(found: Comparison, wires: Sequence[str]) -> tuple[str, ...]:
    """The wires that have to be turned so that the rest fits; () if that explains nothing."""
    if not _are_known(found, wires):
        return ()
    choices = [some for n in range(1, len(wires) + 1) for some in combinations(wires, n)]
    best = min(choices, key=lambda some: _misfit(found, dict.fromkeys(some, -1.0)))
    misfit = _misfit(found, dict.fromkeys(best, -1.0))
    return best if misfit < LIKE and misfit < _scaled_misfit(found) / 3 else ()


def _alone(found: Comparison, wires: Sequence[str], tolerance: float) -> tuple[str, float] | None:
    """The one wire whose factor explains all, and what to multiply it by; None if none does so far
    better than one factor for all.
    """
    if len(wires) < 2 or not _are_known(found, wires):
        return None
    tried = []
    for wire in wires:
        missing = [(s.trusted - sum(s.wires.values()), s.wires[wire]) for s in found.steps]
        square = sum(net * net for _, net in missing)
        factor = 1 + sum(rest * net for rest, net in missing) / square if square else 1.0
        tried.append((_misfit(found, {wire: factor}), wire, factor))
    misfit, wire, factor = min(tried)
    far_better = misfit < tolerance and misfit < _scaled_misfit(found) / 3
    return (wire, factor) if far_better and 1 / MOST < factor < MOST else None


def _scaled_misfit(found: Comparison) -> float:
    """What stays unexplained when all is scaled by one factor."""
    factor = 1 / found.ratio if found.ratio else 0.0
    return sum(abs(s.suspect * factor - s.trusted) for s in found.steps) / found.gross


def _s0(found: Comparison, suspect: str, options: Options, tolerance: float) -> Reason:
    ratio, now = found.ratio, float(options["pulses_per_kwh"])
    if ratio < NOTHING:
        return Reason(
            "nothing",
            f"Hardly any pulse of {suspect} arrives: check its two wires (S0+ and S0-), the pin "
            f"and pull in [source:{suspect}]. {LINE}",
        )
    usual = next((n for n in PULSES if abs(now * ratio / n - 1) < NEAR and n != now), 0)
    if usual and _is_steady(found, tolerance):
        twice = (
            f" Or each pulse is counted twice: raise minimum_width_ms = "
            f"{number_text(options['minimum_width_ms'])}."
            if abs(ratio - 2) < 2 * NEAR
            else ""
        )
        return Reason(
            "pulses_per_kwh",
            f"pulses_per_kwh in [source:{suspect}] should be {usual} rather than "
            f"{number_text(now)}; it is printed on the meter.{twice}",
        )
    width = number_text(options["minimum_width_ms"])
    if ratio < 1:
        return Reason(
            "missed",
            f"{suspect} misses about {percent(1 - ratio)} of its pulses: is its pulse shorter "
            f"than minimum_width_ms = {width} in [source:{suspect}]? Else check wiring and pull. "
            f"{LINE}",
        )
    return Reason(
        "extra",
        f"{suspect} counts about {percent(ratio - 1)} too many pulses: raise minimum_width_ms = "
        f"{width} in [source:{suspect}], or keep its wires away from power cables. {LINE}",
    )


def _is_steady(found: Comparison, tolerance: float) -> bool:
    """Is the ratio the same in both halves? A wrong number is; missed pulses come and go."""
    middle = len(found.steps) // 2
    halves = [found._replace(steps=part) for part in (found.steps[:middle], found.steps[middle:])]
    if not all(half.steps and half.gross > 0 for half in halves):
        return True
    doubt = sum(found.doubt / half.gross for half in halves)
    return abs(halves[0].ratio - halves[1].ratio) < tolerance + doubt


def _meter(found: Comparison, suspect: str, options: Options, tolerance: float) -> Reason:
    """A meter that has its factors inside it."""
    if _is_reversed(found):
        return Reason(
            "turned",
            f"{suspect} has import and export swapped: the line goes in where it should come out, "
            "or its current transformers sit the wrong way round.",
        )
    if not _is_steady(found, tolerance):
        return Reason(
            "unsteady",
            "How far they are apart changes, so that no factor puts it right. Where it has begun "
            f"only lately, more will be known in an hour. {LINE}",
        )
    if abs(found.ratio) < NOTHING:
        return Reason("nothing", f"{suspect} measures next to nothing: is it in this line? {LINE}")
    if found.ratio < 0.5:
        return Reason(
            "phase",
            f"Is a phase of {suspect} missing, or one of its current transformers the wrong way "
            f"round? {LINE}",
        )
    return Reason(
        "factor",
        f"{suspect} would have to be multiplied by {1 / found.ratio:.4g}: check the ratio of its "
        f"current transformers in the meter's own settings. {LINE}",
    )


def percent(share: float) -> str:
    """0.4 %, 3.1 %, 12 %"""
    number = abs(share) * 100
    return f"{number:.1f} %" if number < 9.95 else f"{number:.0f} %"

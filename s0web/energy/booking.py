"""What one closed quarter-hour costs, and how energy is dated that was counted after a silence.

Pure. A quarter is priced once, with the contract and the day-ahead price of its own time; what is
told of it is kept, so that every euro can be traced to a register, a rate and a fee.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from . import rates
from .contract import Contract
from .rates import Rate

COSTS = {  # carrier -> what is told of each quarter, besides the rates
    "electricity": (
        "cost",
        "cost_import",
        "cost_import_high",
        "cost_import_low",
        "cost_export",
        "cost_fixed",
        "cost_capacity",
    ),
    "gas": ("cost", "cost_volume", "cost_fixed"),
    "water": ("cost", "cost_volume", "cost_fixed"),
}
DIGITS = 7  # decimals of EUR; a year's quarters stay within a fifth of a cent
Span = tuple[int, int, float, int]  # begin, end (ms), what flowed, ms of silence in it


class Flow(NamedTuple):
    """What flowed in one quarter: kWh by the register that counted it (high, low, or "" for all),
    or m3.
    """

    imported: Mapping[str, float]
    exported: Mapping[str, float]
    volume: float = 0.0


class Booking(NamedTuple):
    values: dict[str, float]
    labels: dict[str, str]


def booked(
    contract: Contract,
    start: datetime,
    zone: tzinfo | None,
    spot: float | None,
    flow: Flow,
    capacity: float | None = None,
) -> Booking | None:
    """The quarter that begins at `start` (UTC); None while its day-ahead price is not known.

    `capacity`: EUR of the month's peaks, in the last quarter of a month.
    """
    fixed = rates.fixed(contract, start, zone)
    if contract.power is None:
        rate = rates.rate(contract, start, zone, None, "")
        assert rate is not None  # only electricity follows the day-ahead price
        parts = {"cost_volume": flow.volume * rate.volume, "cost_fixed": fixed}
        told = {"rate_volume": rate.volume}
    else:
        registers = dict.fromkeys([counting(flow), *flow.imported, *flow.exported])
        by_register = {
            name: rate
            for name in registers
            if (rate := rates.rate(contract, start, zone, spot, name)) is not None
        }
        if len(by_register) < len(registers):
            return None
        rate = by_register[counting(flow)]
        parts = {**_power(flow, by_register), "cost_fixed": fixed}
        told = {"rate_import": rate.imported, "rate_export": rate.exported}
        if capacity is not None:
            parts["cost_capacity"] = capacity
    parts = {name: round(euro, DIGITS) for name, euro in parts.items()}
    whole = sum(euro for name, euro in parts.items() if not name.startswith("cost_import_"))
    values = {"cost": round(whole, DIGITS), **parts, **told}
    labels = {"contract": contract.name, "tariff": rate.tariff, "rate": rate.why}
    return Booking(values, labels)


def counting(flow: Flow) -> str:
    """The register that counted most of the quarter; "" where none did, or there is but one."""
    for told in (flow.imported, flow.exported):
        most = max(told, key=lambda name: told[name], default="")
        if most and told[most] > 0:
            return most
    return ""


def _power(flow: Flow, by_register: Mapping[str, Rate]) -> dict[str, float]:
    parts = {"cost_import": 0.0}
    for name, kwh in flow.imported.items():
        rate = by_register[name]
        parts["cost_import"] += kwh * rate.imported
        if rate.tariff in ("high", "low"):
            part = f"cost_import_{rate.tariff}"
            parts[part] = parts.get(part, 0.0) + kwh * rate.imported
    if flow.exported:
        parts["cost_export"] = -sum(
            kwh * by_register[name].exported for name, kwh in flow.exported.items()
        )
    return parts


def evened(spans: Sequence[Span]) -> list[float]:
    """What flowed in each of these neighbouring quarters, with what was counted at the end of a
    silence spread over it; the sum stays.
    """
    found = [number for _, _, number, _ in spans]
    silent: list[tuple[int, int]] = []  # quarters of a silence, and ms of it in them
    for index, (start, end, number, gap) in enumerate(spans):
        if gap <= 0:
            silent.clear()
        elif silent and number > 0:  # it ends here
            silent.append((index, end - start))
            whole = sum(ms for _, ms in silent)
            found[index] = 0.0
            for place, ms in silent:
                found[place] += number * ms / whole
            silent.clear()
        else:
            silent.append((index, min(gap, end - start)))
    return found


def settled(spans: Sequence[Span]) -> int:
    """How many of these quarters, but the last, are not within a silence that reaches the last."""
    count = len(spans) - 1
    if spans[-1][3] > 0:
        while count and spans[count - 1][3] > 0:
            count -= 1
    return count

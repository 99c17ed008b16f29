"""The capacity tariff of Flanders: what the highest quarter-hours of twelve months cost.

A month costs a twelfth of the yearly rate times the mean of the last twelve monthly peaks, each at
least the floor. Capacity and network together are capped for each imported kWh. All with VAT.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from .contract import Contract

MONTHS = 12
RATES: Mapping[str, Mapping[int, float]] = {  # area -> year -> EUR/kW/year with 6 % VAT (Fluvius)
    "antwerpen": {2026: 52.37},
    "halle-vilvoorde": {2026: 59.41},
    "imewo": {2026: 57.45},
    "kempen": {2026: 59.58},
    "limburg": {2026: 51.99},
    "midden-vlaanderen": {2026: 53.13},
    "west": {2026: 60.53},
    "zenne-dijle": {2026: 59.49},
}


def per_kw(area: str, year: int) -> float:
    """EUR/kW/year with VAT; of a year that is not in the table, that of the nearest one. KeyError
    for an unknown area.
    """
    rates = RATES[area]
    return rates[min(rates, key=lambda known: (abs(known - year), known))]


def rate_of(contract: Contract, year: int) -> float:
    """EUR/kW/year of a contract; 0 where it has no capacity tariff."""
    power = contract.power
    if power is None:
        return 0.0
    return power.capacity_rate or (per_kw(power.area, year) if power.area else 0.0)


def billed(peaks: Sequence[float], floor: float) -> float:
    """The mean of the monthly peaks, W, each at least the floor; of fewer than twelve months, of
    those. ValueError for more than twelve.
    """
    if len(peaks) > MONTHS:
        raise ValueError(f"{len(peaks)} monthly peaks are more than {MONTHS}")
    return sum(max(peak, floor) for peak in peaks) / len(peaks) if peaks else floor


def month_cost(
    contract: Contract,
    peaks: Sequence[float],
    floor: float,
    month: date,
    offtake: float,
    network_cost: float,
) -> float:
    """EUR that the capacity tariff takes for a month: any day of it.

    `peaks`, `floor`: W, see `billed`; `offtake`: kWh imported in the month; `network_cost`: EUR
    with VAT paid for the network by the kWh (offtake times rates.network).
    """
    whole = billed(peaks, floor) / 1000 * rate_of(contract, month.year) / MONTHS
    cap = contract.power.capacity_cap if contract.power else 0.0
    return min(whole, max(0.0, cap * offtake - network_cost)) if cap else whole

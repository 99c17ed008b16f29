"""The capacity tariff of Flanders."""

from datetime import date
from pathlib import Path

import pytest

from s0web import config
from s0web.energy import capacity, contract
from s0web.energy.contract import Contract
from s0web.options_house import AREAS

MONTH = date(2026, 7, 1)
YEAR = [4000.0] * 12


def agreed(text: str, carrier: str = "electricity") -> Contract:
    ini = f"[s0web]\n[contract:one]\ntype = {carrier}\n{text}"
    made = config.parse(Path("s0web.ini"), ini).contracts
    return contract.of("one", made["one"])


def test_every_area_has_its_rate() -> None:
    assert set(capacity.RATES) == set(AREAS)
    assert capacity.per_kw("antwerpen", 2026) == 52.37
    assert capacity.per_kw("west", 2026) == 60.53


def test_a_year_that_is_not_known_costs_as_the_nearest() -> None:
    assert capacity.per_kw("limburg", 2031) == capacity.per_kw("limburg", 2026) == 51.99


def test_each_peak_counts_as_at_least_the_floor() -> None:
    assert capacity.billed([1000, 2500, 4000], 2500) == 3000
    assert capacity.billed([0.0] * 12, 2500) == 2500
    assert capacity.billed([], 2500) == 2500
    with pytest.raises(ValueError, match="13 monthly peaks"):
        capacity.billed([0.0] * 13, 2500)


def test_a_month_costs_a_twelfth_of_the_year() -> None:
    own = agreed("area = antwerpen\n")
    assert capacity.month_cost(own, YEAR, 2500, MONTH, 500, 25) == pytest.approx(4 * 52.37 / 12)
    own = agreed("area = antwerpen\ncapacity_rate = 60\n")
    assert capacity.month_cost(own, YEAR, 2500, MONTH, 500, 25) == pytest.approx(20)


@pytest.mark.parametrize(
    ("offtake", "cost"), [(0.0, 0.0), (20.0, 20 * 0.30), (66.7, 20.0), (500.0, 20.0)]
)
def test_capacity_and_network_stay_under_the_cap(offtake: float, cost: float) -> None:
    own = agreed("capacity_rate = 60\ncapacity_cap = 0.35\nnetwork = 0.05\n")
    told = capacity.month_cost(own, YEAR, 2500, MONTH, offtake, offtake * 0.05)
    assert told == pytest.approx(cost)


def test_where_there_is_no_capacity_tariff_nothing_is_due() -> None:
    assert capacity.month_cost(agreed(""), YEAR, 2500, MONTH, 500, 0) == 0
    assert capacity.month_cost(agreed("", "gas"), YEAR, 2500, MONTH, 500, 0) == 0

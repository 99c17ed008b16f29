"""Contracts: what the INI says, which one is in force, and what a quarter-hour costs by it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bench.bills import bill
from bench.invoices import INVOICES, Invoice
from s0web import config
from s0web.energy import contract, rates
from s0web.energy.bands import hours, tariff_of
from s0web.energy.contract import Contract
from s0web.energy.holidays import easter, holidays
from s0web.errors import ConfigError

BRUSSELS = ZoneInfo("Europe/Brussels")
NOON = datetime(2026, 11, 18, 11, tzinfo=UTC)  # a Wednesday
NIGHT = datetime(2026, 11, 18, 23, tzinfo=UTC)
POWER = "[contract:power]\ntype = electricity\n"
DAY_NIGHT = (
    f"{POWER}tariff = day_night\nimport_rate = 0.3\nimport_rate_low = 0.2\n"
    "export_rate = 0.05\nexport_rate_low = 0.04\n"
)


def agreed(text: str) -> list[Contract]:
    made = config.parse(Path("s0web.ini"), f"[s0web]\n{text}").contracts
    return [contract.of(name, options) for name, options in made.items()]


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        agreed(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("invoice", INVOICES, ids=lambda invoice: str(invoice.name))
def test_a_bill_made_by_hand_is_met_to_the_cent(invoice: Invoice) -> None:
    assert bill(invoice) == invoice.lines


# -- rates -----------------------------------------------------------------------------------------


def test_the_meter_tells_the_tariff_and_the_clock_where_it_does_not() -> None:
    (power,) = agreed(DAY_NIGHT)
    at_night = rates.rate(power, NIGHT, BRUSSELS, None, "high")
    assert at_night is not None
    assert (at_night.tariff, at_night.imported, at_night.exported) == ("high", 0.3, 0.05)
    assert at_night.why == "0.3000, high by the meter"
    by_clock = rates.rate(power, NIGHT, BRUSSELS, None, "")
    assert by_clock is not None
    assert (by_clock.tariff, by_clock.imported, by_clock.exported) == ("low", 0.2, 0.04)
    assert by_clock.why == "0.2000, low by the clock"


def test_by_the_clock_the_meter_is_not_asked() -> None:
    (power,) = agreed(f"{DAY_NIGHT}bands = clock\n")
    told = rates.rate(power, NOON, BRUSSELS, None, "low")
    assert told is not None
    assert told.tariff == "high"


def test_a_single_rate_is_the_same_in_both_registers() -> None:
    (power,) = agreed(f"{POWER}import_rate = 0.3\nimport_rate_low = 0.2\nexport_rate = 0.05\n")
    for register in ("high", "low", ""):
        told = rates.rate(power, NIGHT, BRUSSELS, None, register)
        assert told is not None
        assert told[:3] == ("single", 0.3, 0.05)


def test_a_dynamic_rate_without_a_price_is_not_known() -> None:
    dynamic = f"[prices]\nprovider = simulated\n{POWER}tariff = dynamic\n"
    (power,) = agreed(f"{dynamic}spot_offset = 0.01\nnetwork = 0.05\ntaxes = 0.06\nvat = 6\n")
    assert power.is_dynamic
    assert rates.rate(power, NOON, BRUSSELS, None, "high") is None
    told = rates.rate(power, NOON, BRUSSELS, -200.0, "high")
    assert told is not None
    assert told.imported == pytest.approx((0.01 - 0.2 + 0.05 + 0.06) * 1.06)
    assert told.exported == pytest.approx(-0.2)  # without VAT
    assert told.why == "0.01 + 1 x -200 EUR/MWh + network 0.05 + taxes 0.06, VAT 6 %"


@pytest.mark.parametrize("zone", [BRUSSELS, ZoneInfo("America/New_York"), UTC, None])
def test_fixed_fees_sum_to_the_day_the_month_and_the_year(zone: ZoneInfo | None) -> None:
    (water,) = agreed("[contract:water]\ntype = water\nfixed_day = 1\n")
    (gas,) = agreed("[contract:gas]\ntype = gas\nfixed_month = 10\nvat = 21\n")
    (power,) = agreed(f"{POWER}fixed_year = 100\n")
    start = datetime(2026, 1, 1, tzinfo=zone).timestamp()
    end = datetime(2027, 1, 1, tzinfo=zone).timestamp()
    by_day: dict[date, float] = {}
    by_month: dict[int, float] = {}
    year = 0.0
    for number in range(round((end - start) / 900)):
        quarter = datetime.fromtimestamp(start + 900 * number, UTC)
        day = quarter.astimezone(zone).date()
        by_day[day] = by_day.get(day, 0.0) + rates.fixed(water, quarter, zone)
        by_month[day.month] = by_month.get(day.month, 0.0) + rates.fixed(gas, quarter, zone)
        year += rates.fixed(power, quarter, zone)
    assert list(by_day.values()) == pytest.approx([1.0] * 365)
    assert list(by_month.values()) == pytest.approx([12.1] * 12)
    assert year == pytest.approx(100)


# -- the clock and holidays ------------------------------------------------------------------------


def test_easter_falls_on_the_days_of_the_almanac() -> None:
    almanac = ("2019-04-21", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2038-04-25")
    for day in almanac:
        assert easter(int(day[:4])).isoformat() == day


def test_belgium_has_ten_holidays() -> None:
    days = {f"{day:%m-%d}" for day in holidays(2026)}
    assert days == {
        *("01-01", "04-06", "05-01", "05-14", "05-25"),
        *("07-21", "08-15", "11-01", "11-11", "12-25"),
    }


@pytest.mark.parametrize(
    ("local", "tariff"),
    [
        ("2026-11-18T06:59", "low"),
        ("2026-11-18T07:00", "high"),
        ("2026-11-18T21:59", "high"),
        ("2026-11-18T22:00", "low"),
        ("2026-11-21T12:00", "low"),  # Saturday
        ("2026-11-11T12:00", "low"),  # holiday
    ],
)
def test_night_weekends_and_holidays_are_low(local: str, tariff: str) -> None:
    assert tariff_of(hours("22:00-07:00"), datetime.fromisoformat(local)) == tariff


@pytest.mark.parametrize("text", ["22", "22:00", "25:00-07:00", "24:30-07:00", "7:00-7:00", "a-b"])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no range of hours such as 22:00-07:00"):
        hours(text)
    assert "night" in mistakes(f"{POWER}night = {text}\n")[0]


# -- which one -------------------------------------------------------------------------------------


def test_both_the_first_and_the_last_day_are_in_force() -> None:
    both = agreed(
        f"{POWER}to = 2026-06-30\n[contract:new]\ntype = electricity\nfrom = 2026-07-01\n"
        "[contract:gas]\ntype = gas\nfrom = 2026-01-01\nto = 2026-12-31\n"
    )
    for day, name in (("2026-06-30", "power"), ("2026-07-01", "new"), ("2031-01-01", "new")):
        found = contract.in_force(both, "electricity", date.fromisoformat(day))
        assert found is not None
        assert found.name == name
    assert contract.in_force(both, "gas", date(2025, 12, 31)) is None
    assert contract.in_force(both, "gas", date(2027, 1, 1)) is None
    assert contract.in_force(both, "water", date(2026, 1, 1)) is None


def test_gas_is_paid_by_the_m3_or_by_its_energy() -> None:
    (gas,) = agreed("[contract:gas]\ntype = gas\nrate_kwh = 0.05\ntaxes = 0.01\nkwh_per_m3 = 10\n")
    told = rates.rate(gas, NOON, BRUSSELS, None, "")
    assert told is not None
    assert told.volume == pytest.approx(0.6)
    assert told.why == "0.6000 EUR/m3"


# -- mistakes in the INI ---------------------------------------------------------------------------


def two(first: str, second: str) -> str:
    return f"{POWER}{first}\n[contract:new]\ntype = electricity\n{second}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (two("", "from = 2026-07-01"), "[contract:power] is in force then"),
        (two("to = 2026-07-01", "from = 2026-07-01"), "[contract:power] is in force then"),
        (two("to = 2026-06-30", ""), "then, too: say when this one begins"),
        (f"{POWER}from = 2026-07-01\nto = 2026-06-30\n", "2026-06-30 is before from"),
        (f"{POWER}import_rate = 3.21\n", "3.21 EUR/kWh looks like cents: write 0.0321"),
        (f"{POWER}tariff = dynamic\n", "set provider in [prices]"),
        (
            f"[prices]\nprovider = simulated\n{POWER}tariff = dynamic\nspot_factor = 0.1039\n",
            "in EUR/kWh it is 1.039",
        ),
        (f"{POWER}network = 0.06\ncapacity_cap = 0.05\n", "less than the network alone costs"),
        (
            "[prices]\nprovider = simulated\n[source:prices]\ntype = s0\npin = 4\n",
            "[source:prices] is a name that the station itself uses",
        ),
        ("[prices]\nprovider = entsoe\n", "entsoe needs one"),
        ("[prices]\nprovider = entsoe\ntoken = x\nzone = XX\n", "'XX' is none of AT, BE"),
        ("[prices]\nentsoe_url = http://example.org/api\n", "is no address such as https://"),
        ("[prices]\nentsoe_url = https://a:b@example.org/api\n", "is no address such as https://"),
        ("[prices]\nenergy_charts_url = https://x:99999/\n", "is no address such as https://"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(text: str, said: str) -> None:
    (told,) = mistakes(text)
    assert said in told


def test_contracts_that_follow_each_other_are_right() -> None:
    text = two("to = 2026-06-30", "from = 2026-07-01")
    assert [one.name for one in agreed(f"{text}[contract:gas]\ntype = gas\n")] == [
        "power",
        "new",
        "gas",
    ]
    assert agreed("[prices]\nentsoe_url = http://127.0.0.1:8080/api\n") == []


def test_the_day_of_a_contract_is_local() -> None:
    """The first quarter-hour of 1 July begins on 30 June, UTC."""
    start = datetime(2026, 7, 1, tzinfo=BRUSSELS).astimezone(UTC)
    both = agreed(two("to = 2026-06-30", "from = 2026-07-01"))
    for moment, name in ((start, "new"), (start - timedelta(minutes=15), "power")):
        found = contract.in_force(both, "electricity", moment.astimezone(BRUSSELS).date())
        assert found is not None
        assert found.name == name

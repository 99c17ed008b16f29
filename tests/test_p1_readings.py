"""Telegrams as Readings: names by meaning, net power, sound times, sub-meters by what they are."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from s0web.meters.p1 import parse
from s0web.meters.telegram import country, readings
from s0web.quantities import QUANTITIES
from tests.p1_samples import GOLDEN, NOW, belgian, gas, golden, telegram, told


@pytest.mark.parametrize("name", GOLDEN)
def test_every_golden_telegram_tells_quantities_of_the_vocabulary(name):
    for each in told(golden(name)).values():
        assert set(each.values) <= set(QUANTITIES)
        assert each.values


@pytest.mark.parametrize("name", GOLDEN)
def test_the_country_is_seen_in_the_telegram(name):
    assert country(parse(golden(name))) == name[:2]


def test_a_belgian_telegram_in_detail():
    found = told(golden("be_three_phase"))
    assert list(found) == ["grid", "peak", "grid.gas", "grid.water"]
    main = found["grid"]
    assert (main.time, main.meter) == (NOW, "1SAG3100000017")
    assert main.values == {
        "energy_import": 3580.245,
        "energy_import_high": 1234.567,
        "energy_import_low": 2345.678,
        "energy_export": 468.073,
        "energy_export_high": 345.067,
        "energy_export_low": 123.006,
        "demand": 1287,
        "power": -1234,
        "power_l1": 412,
        "power_l2": -1546,
        "power_l3": -100,
        "voltage_l1": 234.7,
        "voltage_l2": 237.1,
        "voltage_l3": 235,
        "current_l1": 1.79,
        "current_l2": -6.53,  # the meter prints no sign; the phase exports
        "current_l3": -0.44,
        "breaker": 1,
        "relay_1": 0,
        "relay_2": 1,
        "relay_3": 0,
        "relay_4": 0,
    }
    history = main.labels["peak_history"]
    assert {name: words for name, words in main.labels.items() if words != history} == {
        "ident": "FLU5\\253769484_A",
        "version": "50221",
        "country": "be",
        "ean": "541448901234567014",
        "tariff": "high",
        "message": "",
        "grid": "400",
        "limiter": "off",
        "fuse": "off",
    }
    assert json.loads(history) == [
        {"month": "2022-10", "power": 4112, "time": "2022-10-18T16:15:00Z"},
        {"month": "2022-11", "power": 5870, "time": "2022-11-23T18:00:00Z"},
        {"month": "2022-12", "power": 13603, "time": "2022-12-21T10:45:00Z"},
        {"month": "2023-01", "power": 6004, "time": "2023-01-15T11:30:00Z"},
    ]
    assert found["peak"].values == {"peak": 4713}
    assert found["peak"].time == datetime(2023, 2, 6, 17, 45, tzinfo=UTC)
    assert found["peak"].device == "grid"
    sub = found["grid.gas"]
    assert sub.values == {"volume": 112.384, "valve": 1}
    assert (sub.time, sub.meter) == (datetime(2023, 2, 14, 16, 30, tzinfo=UTC), "7FLO2100000021")
    assert sub.labels == {"ean": "541448901234567021", "temperature_converted": "no"}
    assert found["grid.water"].values == {"volume": 872.234}


def test_limits_in_force_and_a_message_are_told():
    main = told(golden("be_single_phase"))["grid"]
    assert (main.values["limiter"], main.values["fuse"]) == (9200, 40)
    assert (main.labels["limiter"], main.labels["fuse"]) == ("on", "on")
    assert main.labels["message"] == "Work on the grid: 12 July, 9 to 12 h"
    assert main.labels["tariff"] == "low"
    assert main.labels["peak_history"] == "[]"


def test_the_first_tariff_is_low_in_the_netherlands():
    main = told(golden("nl_50"))["grid"]
    assert main.values["energy_import_low"] == 4321.098
    assert main.values["energy_import_high"] == 3456.789
    assert main.values["energy_export_low"] == 1000.001
    assert main.values["energy_import"] == 7777.887
    assert main.labels["tariff"] == "low"
    assert told(golden("nl_42"))["grid"].labels["tariff"] == "high"


def test_failures_are_told_oldest_first_without_unset_rows():
    main = told(golden("nl_50"))["grid"]
    assert (main.values["failures"], main.values["failures_long"]) == (4, 2)
    assert json.loads(main.labels["failure_log"]) == [
        {"end": "2020-08-04T13:39:17Z", "seconds": 3442},
        {"end": "2022-03-04T17:09:49Z", "seconds": 14826},
    ]


def test_heat_is_told_in_gigajoule_and_dutch_gas_as_converted():
    found = told(golden("nl_50"))
    assert found["grid.heat"].values == {"heat": 34.567}
    assert found["grid.gas"].labels == {"temperature_converted": "yes"}
    kwh = belgian("0-1:24.1.0(004)", "0-1:96.1.1(4131)", "0-1:24.2.1(230214173000W)(1000.0*kWh)")
    assert told(kwh)["grid.heat"].values == {"heat": 3.6}


def test_old_dutch_limiters_are_in_ampere():
    main = told(golden("nl_30"))["grid"]
    assert main.values["limiter_current"] == 16
    assert "limiter" not in main.values
    assert told(golden("nl_22"))["grid"].labels["limiter"] == "off"


def test_other_countries_tell_totals_and_signed_values():
    lux = told(golden("lu"))["grid"].values
    assert (lux["limiter_apparent"], lux["apparent_power"], lux["fuse"]) == (27600, -3450, 40)
    assert (lux["power"], lux["reactive_power"]) == (-3454, 25)
    assert lux["current_l1"] == -4
    swede = told(golden("se"))["grid"]
    assert swede.values["current_l3"] == -0.4  # signed by the meter already
    assert swede.values["reactive_energy_export"] == 1945.988
    austrian = told(golden("at"))["grid"].values
    assert (austrian["energy_import"], austrian["power"]) == (1234.567, 321)
    assert "energy_import_high" not in austrian  # what its tariffs mean is not laid down
    magyar = told(golden("hu"))["grid"].values
    assert (magyar["power_factor"], magyar["frequency"]) == (0.556, 49.99)


def test_a_total_is_not_made_of_half_its_tariffs():
    half = belgian("1-0:1.8.1(000100.000*kWh)", "1-0:1.8.2(0001x0.000*kWh)")
    assert "energy_import" not in told(half)["grid"].values


def test_a_unit_of_another_kind_is_not_believed():
    assert told(belgian("1-0:1.8.1(1*m3)", "1-0:1.7.0(1*kW)"))["grid"].values == {"power": 1000}


def test_each_phase_has_its_fuse_where_the_meter_tells_each():
    lines = [f"1-0:{n}.4.0(0{20 + n}.00*A)" for n in (31, 51, 71)]
    values = told(belgian(*lines))["grid"].values
    assert values == {"fuse": 51, "fuse_l1": 51, "fuse_l2": 71, "fuse_l3": 91}


@pytest.mark.parametrize("months", [("A", "B", "C"), ("C", "B", "A")])
def test_the_history_is_sorted_whatever_its_order(months):
    rows = {
        "A": "(230101000000W)(221221114500W)(13.603*kW)",
        "B": "(230201000000W)(632525252525W)(01.000*kW)",
        "C": "(230401000000S)(230314114500W)(02.000*kW)",
    }
    line = "0-0:98.1.0(3)(1-0:1.6.0)(1-0:1.6.0)" + "".join(rows[month] for month in months)
    history = json.loads(told(belgian(line))["grid"].labels["peak_history"])
    assert [(row["month"], row["power"]) for row in history] == [
        ("2022-12", 13603),
        ("2023-01", 1000),
        ("2023-03", 2000),
    ]
    assert history[1]["time"] is None


@pytest.mark.parametrize(
    ("stamp", "believed"),
    [
        ("230214173502W", True),
        ("230106173502W", True),
        ("230214183502W", True),
        ("230105173500W", False),
        ("230214183503W", False),
        ("000101000000W", False),
        ("700101010000W", False),
    ],
)
def test_a_clock_out_of_its_mind_is_replaced_by_the_time_of_arrival(stamp, believed):
    whole = parse(telegram("0-0:96.1.4(50221)", f"0-0:1.0.0({stamp})", "1-0:1.7.0(1*kW)"))
    (main,) = readings(whole, "grid", NOW)
    assert main.time == (whole.time if believed else NOW)
    assert main.values == {"power": 1000}


@pytest.mark.parametrize(
    "stamp", ["700101010000W", "681027002758S", "240214173000W", "632525252525W", "000101000001W"]
)
def test_a_stamp_out_of_its_mind_costs_neither_value_nor_telegram(stamp):
    found = told(belgian(*gas(1, stamp, "00112.384*m3"), "1-0:1.7.0(1*kW)"))
    assert found["grid.gas"].values == {"volume": 112.384}
    assert found["grid.gas"].time == NOW
    assert found["grid"].values == {"power": 1000}
    peak = told(belgian(f"1-0:1.6.0({stamp})(02.000*kW)"))["peak"]
    assert (peak.time, peak.values) == (NOW, {"peak": 2000})


def test_a_sub_meter_is_judged_by_the_telegrams_time_not_by_arrival():
    raw = belgian(*gas(1, "230106173502W", "1*m3"))
    found = told(raw, NOW + timedelta(days=39))
    assert found["grid.gas"].time == datetime(2023, 1, 6, 16, 35, 2, tzinfo=UTC)

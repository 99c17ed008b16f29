"""Sub-meters: known by type and equipment id on any channel, and the living before the dead."""

from datetime import UTC, datetime

import pytest

from tests.p1_samples import belgian, gas, golden, told


def test_a_sub_meter_never_read_is_not_told():
    for line in ("632525252525W)(00000.000", "700101010000W)(00000000"):
        assert list(told(belgian("0-1:24.1.0(003)", f"0-1:24.2.1({line})"))) == ["grid"]


def test_a_gas_meter_that_prints_no_unit_is_told_in_cubic_metres():
    assert told(belgian(*gas(1, "230214173000W", "00123.456")))["grid.gas"].values == {
        "volume": 123.456
    }


@pytest.mark.parametrize(
    "dead",
    [
        gas(1, "700101010000W", "00112.000*m3"),
        gas(1, "230214173000W", "00000.000*m3"),
        gas(1, "230214173000W", "00112.000*m3", "0000000000"),
        gas(1, "221214173000W", "00112.000*m3"),  # stands still for 62 days
        gas(1, "230213172959W", "00112.000*m3"),  # and for a day
        gas(1, "230214173000W", "00112.000*m3")[:2],  # no reading at all
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_dead_channel_loses_to_the_live_one_in_any_order(dead, first):
    live = gas(2, "230214173000W", "00555.000*m3")
    found = told(belgian(*(dead + live if first else live + dead)))
    assert list(found) == ["grid", "grid.gas"]
    assert found["grid.gas"].meter == "7FLO2100000002"
    assert found["grid.gas"].values == {"volume": 555}


def test_two_live_meters_of_a_kind_keep_their_names_by_equipment_id():
    one, two = gas(1, "230214173000W", "1*m3", "B"), gas(2, "230214173000W", "2*m3", "A")
    late = gas(2, "230213173000W", "2*m3", "A")  # a day behind the other
    for lines in (one + two, two + one, one + late, late + one):
        found = told(belgian(*lines))
        assert (found["grid.gas"].meter, found["grid.gas2"].meter) == ("A", "B")


def test_a_meter_alone_of_its_kind_is_told_though_it_stands_still():
    still = (*gas(1, "230110173000W", "112*m3"), "0-2:24.1.0(007)", "0-2:96.1.1(4131)")
    found = told(belgian(*still, "0-2:24.2.1(230214173000W)(5*m3)"))
    assert found["grid.gas"].values == {"volume": 112}
    assert found["grid.water"].values == {"volume": 5}


def test_a_replaced_meter_goes_on_until_the_new_one_has_counted():
    old = gas(1, "230201173000W", "00112.000*m3", "A")
    new = gas(2, "230214173000W", "00000.000*m3", "B")
    assert told(belgian(*old, *new))["grid.gas"].meter == "A"


def test_a_sub_meter_is_what_its_type_says_on_any_channel():
    kinds = {
        2: ("electricity", "kWh", "energy_import"),
        3: ("gas", "m3", "volume"),
        4: ("heat", "GJ", "heat"),
        6: ("hot_water", "m3", "volume"),
        7: ("water", "m3", "volume"),
        10: ("cooling", "GJ", "heat"),
        12: ("heat", "MJ", "heat"),
        99: ("submeter", "m3", "volume"),
    }
    for kind, (name, unit, quantity) in kinds.items():
        for channel in (1, 8):
            lines = (
                f"0-{channel}:24.2.1(230214173000W)(5*{unit})",
                f"0-{channel}:24.1.0({kind:03})",
                f"0-{channel}:96.1.0(4131)",
            )
            found = told(belgian(*lines))[f"grid.{name}"]
            assert found.values == {quantity: 0.005 if unit == "MJ" else 5}
            assert found.meter == "A1"


@pytest.mark.parametrize(
    ("stamp", "arrived", "time"),
    [
        ("141222220000", (2014, 12, 22, 21, 30), (2014, 12, 22, 21)),
        ("140722220000", (2014, 7, 22, 20, 30), (2014, 7, 22, 20)),
        ("141026020000", (2014, 10, 26, 0, 30), (2014, 10, 26, 0)),  # the double hour, first
        ("141026020000", (2014, 10, 26, 1, 10), (2014, 10, 26, 1)),  # and again
        ("141026010000", (2014, 10, 26, 1, 10), (2014, 10, 25, 23)),
        ("141026030000", (2014, 10, 26, 2, 10), (2014, 10, 26, 2)),
        ("140330010000", (2014, 3, 30, 0, 10), (2014, 3, 30, 0)),
        ("140330030000", (2014, 3, 30, 1, 10), (2014, 3, 30, 1)),
    ],
)
def test_a_stamp_without_flag_is_dutch_local_time(stamp, arrived, time):
    raw = golden("nl_22").replace(b"141222220000", stamp.encode())
    found = told(raw, datetime(*arrived, tzinfo=UTC))
    assert found["grid.gas"].time == datetime(*time, tzinfo=UTC)
    assert found["grid"].time == datetime(*arrived, tzinfo=UTC)

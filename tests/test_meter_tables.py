"""Tables of Modbus meters: what each tells, how registers are read, and the plan of requests."""

import math
import struct
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s0web import registry
from s0web.meters import abb, carlo_gavazzi, chint, eastron, european, hiking, orno
from s0web.meters.registers import FORMATS, Meter, Register
from s0web.quantities import QUANTITIES

METERS: dict[str, Meter] = {name: registry.load(registry.METERS, name) for name in registry.METERS}
EASTRON = [name for name, meter in METERS.items() if meter.maker == "Eastron"]
ALIKE = {"em24", "iem3155", "dsz15", "ddsu666"}  # isolated registers of one size: no way round

each_meter = pytest.mark.parametrize("meter", METERS.values(), ids=METERS.keys())


@each_meter
def test_a_table_is_sound(meter: Meter) -> None:
    assert set(meter.quantities) <= QUANTITIES.keys()
    assert len(set(meter.quantities)) == len(meter.quantities)
    assert meter.function in (3, 4)
    assert meter.phases in (1, 3)
    assert meter.source
    assert meter.title
    assert meter.maker
    assert list(meter.sizes) == sorted(set(meter.sizes), reverse=True)
    assert meter.most <= 125
    spans = sorted({(r.address, r.end) for r in meter.registers})
    assert all(one[1] <= other[0] for one, other in pairwise(spans)), "registers overlap"
    for register in meter.registers:
        assert register.words <= meter.sizes[-1]
        divisor = round(1 / register.scale) if register.scale < 1 else 1
        assert divisor == 1 or math.isclose(register.scale * divisor, 1, rel_tol=1e-12)


@each_meter
def test_a_meter_tells_power_and_energy(meter: Meter) -> None:
    assert "energy_import" in meter.quantities
    assert "power" in meter.quantities or meter is hiking.DDS353


def test_meters_have_names_of_their_own_and_known_codes() -> None:
    assert len({meter.name for meter in METERS.values()}) == len(METERS) >= 26
    for meter in METERS.values():
        if meter.code:
            assert set(meter.code.models.values()) <= METERS.keys()


def test_eastron_models_have_the_registers_of_their_papers() -> None:
    count = {name: len({r.address for r in METERS[name].registers}) for name in EASTRON}
    assert count == {
        "sdm630": 86,
        "sdm530": 68,
        "sdm230": 24,
        "sdm220": 14,
        "sdm120": 22,
        "sdm72": 9,
        "sdm72v2": 41,
        "sdm54": 40,
    }
    at = {r.quantity: r.address for r in (*eastron.SDM630.registers, *eastron.SDM72V2.registers)}
    assert (at["power"], at["power_demand"], at["power_factor_negated"]) == (52, 84, 254)
    assert (at["current"], at["current_mean"], at["current_neutral"]) == (48, 46, 224)
    assert (at["energy_import"], at["energy_total"], at["energy_net"]) == (72, 342, 396)
    assert (at["power_import"], at["power_export"]) == (1280, 1282)


def test_the_only_phase_of_a_meter_is_the_whole() -> None:
    for meter in (eastron.SDM120, eastron.SDM220, eastron.SDM230):
        at = {r.quantity: r.address for r in meter.registers}
        for quantity in ("power", "voltage", "current"):
            assert at[quantity] == at[f"{quantity}_l1"]


def test_a_meter_says_which_model_it_is() -> None:
    assert eastron.SDM72.code is not None
    assert eastron.SDM72.serial is not None
    assert eastron.SDM72.code.models[eastron.SDM72.code.number(b"\x00\x70")] == "sdm630"
    assert eastron.SDM72.serial.words == 2
    assert eastron.SDM72.serial.number(b"\x01\x02\x03\x04") == 0x01020304
    assert abb.B23.code is not None
    assert abb.B23.code.models[abb.B23.code.number(b"B24 ")] == "abb_b23"


# Numbers


def register_of(meter: Meter, quantity: str) -> Register:
    return next(r for r in meter.registers if r.quantity == quantity)


@pytest.mark.parametrize(
    ("meter", "quantity", "data", "number"),
    [
        (eastron.SDM630, "voltage_l1", "43663333", 230.2),
        (carlo_gavazzi.EM24, "power", "ff9cffff", -10.0),
        (carlo_gavazzi.EM24, "voltage_l1", "09010000", 230.5),
        (abb.B23, "energy_import", "000000000021eadc", 22228.12),
        (abb.B23, "power_factor", "fc18", -1.0),
        (chint.DTSU666, "voltage_l1", "450fc000", 230.0),
        (chint.DDSU666, "power", "be4902de", -196.3),
        (orno.WE516, "power_l1", "3f9d70a4", 1230.0),
        (orno.WS100, "power", "fffffc18", -1000.0),
        (hiking.DDS353, "energy_import", "0000199f", 65.59),
    ],
)
def test_a_register_is_read_in_our_units(
    meter: Meter, quantity: str, data: str, number: float
) -> None:
    assert register_of(meter, quantity).decode(bytes.fromhex(data)) == pytest.approx(number, 1e-6)


def test_thousandths_are_told_without_noise() -> None:
    assert Register("energy_import", 0, "uint32", 0.001).decode(struct.pack(">I", 22228)) == 22.228


def test_what_a_meter_has_not_is_not_told() -> None:
    block = abb.B23.blocks(50, {"power_l2", "power_l3"})[0]
    power_l2, power_l3 = block.registers
    data = power_l2.encode(math.nan) + power_l3.encode(12.5)
    assert data[:4] == b"\x7f\xff\xff\xff"
    assert abb.B23.decode(block, data) == {"power_l3": 12.5}


@pytest.mark.parametrize(
    ("meter", "quantity", "data"),
    [
        (european.IEM3155, "energy_import", "8000000000000000"),
        (european.COUNTIS, "voltage_l3", "ffffffff"),
        (european.COUNTIS, "power_l3", "7fffffff"),
        (carlo_gavazzi.EM24, "power_l3", "ffff7fff"),
        (carlo_gavazzi.EM24, "power_factor_l3", "7fff"),
        (orno.WE504, "voltage", "ffff"),
    ],
)
def test_an_integer_at_its_end_is_no_number(meter: Meter, quantity: str, data: str) -> None:
    assert register_of(meter, quantity).decode(bytes.fromhex(data)) is None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_float_that_is_no_number_comes_out_as_it_is(number: float) -> None:
    power = register_of(eastron.SDM630, "power")
    assert power.decode(power.encode(number)) == pytest.approx(number, nan_ok=True)


@given(
    kind=st.sampled_from(sorted(kind for kind in FORMATS if not kind.startswith("float64"))),
    scale=st.sampled_from([0.001, 0.01, 0.1, 1.0, 10.0, 1000.0]),
    number=st.floats(-1e300, 1e300),
)
def test_a_number_that_does_not_fit_becomes_the_nearest_that_does(
    kind: str, scale: float, number: float
) -> None:
    register = Register("power", 0, kind, scale)
    least = register.decode(register.encode(-1e305))
    largest = register.decode(register.encode(1e305))
    told = register.decode(register.encode(number))
    assert least is not None
    assert largest is not None
    step = scale if "int" in kind else 1e-40 * scale
    assert told == pytest.approx(max(least, min(largest, number)), rel=1e-6, abs=step)


# The plan

everything = st.sampled_from(list(METERS.values())).flatmap(
    lambda meter: st.tuples(
        st.just(meter),
        st.integers(max(r.words for r in meter.registers), 125),
        st.none() | st.sets(st.sampled_from(meter.quantities)),
    )
)


def fewest(meter: Meter, most: int, wanted: list[Register]) -> int:
    """How many requests are needed at least: from left to right, each as long as can be."""
    readable = {a for r in meter.registers for a in range(r.address, r.end)}
    readable.update(a for first, end in meter.areas for a in range(first, end))
    count, start, end = 0, -1, -1
    for register in sorted(wanted, key=lambda r: r.address):
        reach = range(start, register.end)
        if start < 0 or register.end - start > most or not readable.issuperset(reach):
            count, start = count + 1, register.address
        end = max(end, register.end)
    return count


@given(everything)
@settings(max_examples=150, deadline=None)
def test_a_plan_reads_all_that_is_wanted_and_nothing_that_may_be_refused(
    case: tuple[Meter, int, set[str] | None],
) -> None:
    meter, most, quantities = case
    wanted = [r for r in meter.registers if quantities is None or r.quantity in quantities]
    blocks = meter.blocks(most, quantities)
    assert Counter(r for block in blocks for r in block.registers) == Counter(wanted)
    assert len(blocks) == fewest(meter, most, wanted)
    readable = {a for r in meter.registers for a in range(r.address, r.end)}
    readable.update(a for first, end in meter.areas for a in range(first, end))
    inside = {a for r in meter.registers for a in range(r.address + 1, r.end)}
    for block in blocks:
        end = block.address + block.count
        assert 1 <= block.count <= most
        assert readable.issuperset(range(block.address, end))
        assert not {block.address, end} & inside, "half a register"
        assert all(block.address <= r.address and r.end <= end for r in block.registers)
        if meter.maker == "Eastron":
            assert block.address % 2 == block.count % 2 == 0


@given(everything)
@settings(max_examples=100, deadline=None)
def test_requests_of_one_length_do_not_follow_each_other_if_that_can_be(
    case: tuple[Meter, int, set[str] | None],
) -> None:
    lengths = [block.count for block in case[0].blocks(*case[1:])]
    if lengths and max(Counter(lengths).values()) <= (len(lengths) + 1) // 2:
        assert all(one != other for one, other in pairwise(lengths))


@pytest.mark.parametrize(("most", "requests"), [(80, 4), (60, 5), (50, 6)])
@pytest.mark.parametrize("meter", [eastron.SDM530, eastron.SDM630])
def test_all_68_quantities_of_the_predecessor_take_few_requests(
    meter: Meter, most: int, requests: int
) -> None:
    blocks = meter.blocks(most, eastron.SDM530.quantities)
    assert len(blocks) == requests
    assert sum(len(block.registers) for block in blocks) == 68


@pytest.mark.parametrize("name", METERS)
def test_a_late_answer_is_told_by_its_length(name: str) -> None:
    meter = METERS[name]
    for most in (s for s in meter.sizes if s >= 50 or s == meter.most):
        lengths = [block.count for block in meter.blocks(most)]
        assert (len(set(lengths)) < len(lengths)) == (name in ALIKE), (most, lengths)


def test_a_plan_is_made_once() -> None:
    assert eastron.SDM630.blocks(80) is eastron.SDM630.blocks(80, set(eastron.SDM630.quantities))


def test_nothing_wanted_is_nothing_asked() -> None:
    assert eastron.SDM630.blocks(80, set()) == ()


def test_too_few_registers_at_once_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"3 registers at once .* ABB B23: energy_import .* 4"):
        abb.B23.blocks(3)


@each_meter
def test_what_is_in_the_meter_is_what_is_told(meter: Meter) -> None:
    """One memory holds a number of its own in each register; every plan reads the same."""
    memory: dict[int, int] = {}
    truth = {}
    for i, register in enumerate(meter.registers):
        if register.address not in memory:
            data = register.encode((i + 1) * max(1.0, register.scale))
            words = struct.unpack(f">{register.words}H", data)
            memory.update(enumerate(words, register.address))
    for register in meter.registers:
        words = (memory[a] for a in range(register.address, register.end))
        truth[register.quantity] = register.decode(struct.pack(f">{register.words}H", *words))
    for most in meter.sizes:
        told: dict[str, float] = {}
        for block in meter.blocks(most):
            words = (memory.get(block.address + i, 0xDEAD) for i in range(block.count))
            told |= meter.decode(block, struct.pack(f">{block.count}H", *words))
        assert told == truth

"""The simulated Modbus meters tell what the house knows: registers, frames, a real port, memory."""

import os
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import cos, hypot, radians

import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer.rtu import FramerRTU
from pymodbus.pdu import ModbusPDU

from s0web.clock import FakeClock, SystemClock
from s0web.errors import ReplyError, SourceError
from s0web.hardware import BusLine
from s0web.hardware.modbus_frame import crc
from s0web.meters.registers import Meter
from s0web.quantities import QUANTITIES
from s0web.registry import METERS, load
from s0web.simulation.house import House
from s0web.simulation.slave import MemoryBus, PtySlave, Slave
from s0web.simulation.truths import grid, solar
from s0web.simulation.wires import SimulatedWires

from .conftest import until

HOUSE = House()
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # the sun shines
EVENING = datetime(2026, 3, 7, 18, 30, tzinfo=UTC)
TRUTH = HOUSE.at(NOON)
ALL = pytest.mark.parametrize("model", METERS)
READ_GRID = bytes.fromhex("01 04 00 00 00 02 71 CB")  # two registers of unit 1, from 0 on


def slave(*models: str) -> Slave:
    """Meters of the house at noon, units 1, 2, ..."""
    return Slave(dict(enumerate(models, 1)), lambda: TRUTH)


def frame(*body: int) -> bytes:
    return bytes(body) + crc(bytes(body)).to_bytes(2, "little")


def measured(meter: Meter) -> dict[str, float]:
    """What the meter should tell: unsigned registers know no direction, and where import and total
    are one register it counts both ways.
    """
    values = solar(TRUTH) if meter.phases == 1 else grid(TRUTH)
    totals = {r.address for r in meter.registers if r.quantity == "energy_total"}
    told = {}
    for register in meter.registers:
        is_total = register.quantity == "energy_import" and register.address in totals
        number = values["energy_total" if is_total else register.quantity]
        told[register.quantity] = abs(number) if register.kind.startswith("uint") else number
    return told


def step(meter: Meter, quantity: str, number: float) -> float:
    """Half a step of the register that tells this number."""
    register = next(r for r in meter.registers if r.quantity == quantity)
    if register.kind.startswith("float32"):
        return max(abs(number) * 2**-24, 1e-30)
    return abs(register.scale) * 0.5000001 + abs(number) * 1e-12


# what the meters measure


@pytest.mark.parametrize("time", [NOON, EVENING])
def test_the_grid_meter_measures_what_the_house_knows(time: datetime) -> None:
    truth = HOUSE.at(time)
    values = grid(truth)
    assert values["power"] == truth.power
    assert [values[f"power_{phase}"] for phase in ("l1", "l2", "l3")] == list(truth.phases)
    assert [values[f"voltage_{phase}"] for phase in ("l1", "l2", "l3")] == list(truth.voltages)
    assert [values[f"current_{phase}"] for phase in ("l1", "l2", "l3")] == list(truth.currents)
    assert values["energy_import"] == truth.energy_import_high + truth.energy_import_low
    assert values["energy_export"] == truth.energy_export_high + truth.energy_export_low
    assert values["power_demand_max"] == max(truth.peak, truth.demand)


def test_production_is_export_to_the_solar_meter() -> None:
    assert TRUTH.solar > 0
    values = solar(TRUTH)
    assert values["power"] == values["power_l1"] == -TRUTH.solar
    assert values["power_export"] == TRUTH.solar
    assert values["power_factor"] == -1
    assert (values["energy_import"], values["energy_export"]) == (0, TRUTH.solar_energy)
    assert values["current"] * values["voltage"] == pytest.approx(TRUTH.solar)


def test_at_night_the_solar_meter_measures_nothing() -> None:
    values = solar(HOUSE.at(EVENING))
    assert values["power"] == values["current"] == values["phase_angle_l1"] == 0
    assert not any(str(number) == "-0.0" for number in values.values())


def test_power_factor_angle_current_and_voltage_belong_together() -> None:
    for hour in range(48):
        truth = HOUSE.at(NOON + timedelta(hours=hour))
        values = grid(truth)
        for end in ("", "_l1", "_l2", "_l3"):
            power, var = values[f"power{end}"], values[f"reactive_power{end}"]
            apparent = values[f"apparent_power{end}"]
            assert apparent == pytest.approx(hypot(power, var))
            assert values[f"power_factor{end}"] * apparent == pytest.approx(power)
            assert apparent * cos(radians(values[f"phase_angle{end}"])) == pytest.approx(power)
        for volts, amperes, phase in zip(truth.voltages, truth.currents, (1, 2, 3), strict=True):
            # the house rounds currents to 0.01 A
            assert values[f"apparent_power_l{phase}"] == pytest.approx(volts * amperes, abs=1.3)
        assert values["power"] == sum(truth.phases)
        assert values["power"] == values["power_import"] - values["power_export"]
        assert values["current"] == pytest.approx(3 * values["current_mean"])
        assert values["current_neutral"] <= values["current"]


def test_like_currents_leave_the_neutral_wire_without_one() -> None:
    truth = TRUTH._replace(
        phases=(700, 700, 700), voltages=(230.0, 230.0, 230.0), currents=(3.06, 3.06, 3.06)
    )
    values = grid(truth)
    assert values["current_neutral"] == pytest.approx(0, abs=1e-9)
    assert values["voltage_ll"] == values["voltage_l3_l1"] == pytest.approx(398.37, abs=0.01)
    alone = grid(truth._replace(phases=(700, 0, 0), currents=(3.06, 0.0, 0.0)))
    assert alone["current_neutral"] == pytest.approx(3.06)


def test_registers_only_grow_and_those_of_the_phases_make_the_whole() -> None:
    before = {grid: grid(HOUSE.at(NOON)), solar: solar(HOUSE.at(NOON))}
    for minute in range(7, 7 * 1440, 77):
        truth = HOUSE.at(NOON + timedelta(minutes=minute))
        for measure, old in before.items():
            new = measure(truth)
            for name, number in new.items():
                if QUANTITIES[name].kind == "register":
                    assert number >= old[name], name
            before[measure] = new
    for way in ("import", "export", "total"):
        for name in (f"energy_{way}", f"reactive_energy_{way}"):
            parts = sum(before[grid][f"{name}_l{phase}"] for phase in (1, 2, 3))
            assert before[grid][name] == pytest.approx(parts)


def test_reactive_energy_is_the_reactive_power_over_time() -> None:
    one, later = grid(HOUSE.at(NOON)), grid(HOUSE.at(NOON + timedelta(hours=10)))
    grown = later["reactive_energy_import"] - one["reactive_energy_import"]
    assert grown == pytest.approx(one["reactive_power"] / 1000 * 10)


@ALL
def test_the_house_knows_all_that_a_meter_tells(model: str) -> None:
    meter: Meter = load(METERS, model)
    assert set(meter.quantities) - set(solar(TRUTH) if meter.phases == 1 else grid(TRUTH)) == set()


def test_every_truth_is_in_the_vocabulary() -> None:
    assert set(grid(TRUTH)) | set(solar(TRUTH)) <= set(QUANTITIES)


# what they answer


@ALL
def test_every_block_tells_the_truth_within_a_step_of_its_registers(model: str) -> None:
    meter: Meter = load(METERS, model)
    bus = slave("sdm120", model)
    told: dict[str, float] = {}
    for block in meter.blocks(meter.most):
        data = bus.registers(2, meter.function, block.address, block.count)
        assert len(data) == 2 * block.count
        told |= meter.decode(block, data)
    truth = measured(meter)
    assert told == {
        quantity: pytest.approx(number, abs=step(meter, quantity, number))
        for quantity, number in truth.items()
    }


def test_gaps_between_registers_are_zero() -> None:
    data = slave("sdm630").registers(1, 4, 42, 6)
    assert data[4:8] == bytes(4)  # 44 and 45 are of no quantity
    assert struct.unpack(">f", data[:4])[0] == pytest.approx(sum(TRUTH.voltages) / 3)


@pytest.mark.parametrize(
    ("function", "address", "count", "code"),
    [
        (1, 0, 2, 1),
        (16, 0, 2, 1),
        (4, 0, 0, 3),
        (4, 0, 82, 3),
        (4, 0, 126, 3),
        (4, 110, 4, 2),  # between two areas
        (4, 100, 12, 2),  # beyond the end of one
        (4, 1, 2, 2),  # halves of two registers
        (4, 0, 3, 2),
        (4, 44, 1, 2),
        (4, 65534, 80, 2),
        (3, 0, 2, 2),  # a setting that is not simulated
    ],
)
def test_what_a_meter_would_not_read_is_refused_with_its_code(
    function: int, address: int, count: int, code: int
) -> None:
    with pytest.raises(ReplyError, match="SDM630") as error:
        slave("sdm630").registers(1, function, address, count)
    assert (error.value.kind, error.value.code) == ("refused", code)


def test_a_smaller_model_refuses_longer_blocks_sooner() -> None:
    bus = slave("sdm630", "sdm72v2")
    assert len(bus.registers(1, 4, 0, 80)) == 160
    with pytest.raises(ReplyError) as error:
        bus.registers(2, 4, 0, 62)
    assert error.value.code == 3


def test_serial_numbers_differ_and_the_code_is_the_model_s() -> None:
    bus = slave("sdm630", "sdm630", "sdm120")
    serials = {bus.registers(unit, 3, 0xFC00, 2) for unit in (1, 2, 3)}
    assert len(serials) == 3
    for unit, model in ((1, "sdm630"), (3, "sdm120")):
        probe = load(METERS, model).code
        number = probe.number(bus.registers(unit, probe.function, probe.address, probe.words))
        assert probe.models[number] == model


def test_all_registers_of_one_answer_are_of_one_second() -> None:
    seconds = iter(range(1000))
    bus = Slave({1: "sdm630"}, lambda: HOUSE.at(EVENING + timedelta(seconds=37 * next(seconds))))
    for _ in range(20):
        l1, l2, l3, power = (
            struct.unpack_from(">f", data, offset)[0]
            for data in (bus.registers(1, 4, 12, 42),)
            for offset in (0, 4, 8, 80)
        )
        assert l1 + l2 + l3 == power


def test_an_unknown_model_is_no_meter() -> None:
    with pytest.raises(KeyError):
        slave("sdm999")


# frames


@pytest.mark.parametrize("body", [b"", b"\x01", READ_GRID[:6], bytes(range(256))])
def test_the_checksum_is_that_of_modbus(body: bytes) -> None:
    found = crc(body)
    assert found == int.from_bytes(FramerRTU.compute_CRC(body).to_bytes(2, "big"), "little")
    assert crc(body + found.to_bytes(2, "little")) == 0


def test_a_request_is_answered_and_one_that_is_damaged_or_not_ours_is_not() -> None:
    bus = slave("sdm630")
    answer = bus.answer(READ_GRID)
    assert answer[:3] == b"\x01\x04\x04"
    assert struct.unpack(">f", answer[3:7])[0] == pytest.approx(TRUTH.voltages[0])
    assert crc(answer) == 0
    assert len(answer) == 9
    for bit in range(8 * len(READ_GRID)):
        damaged = bytearray(READ_GRID)
        damaged[bit // 8] ^= 1 << bit % 8
        assert bus.answer(bytes(damaged)) == b""
    for other in (frame(2, 4, 0, 0, 0, 2), frame(0, 4, 0, 0, 0, 2), b"", b"\x01", READ_GRID[:7]):
        assert bus.answer(other) == b""


def test_a_refusal_is_five_bytes_with_the_code() -> None:
    bus = slave("sdm630")
    assert bus.answer(frame(1, 4, 0, 110, 0, 2)) == frame(1, 0x84, 2)
    assert bus.answer(frame(1, 4, 0, 0, 0, 100)) == frame(1, 0x84, 3)
    assert bus.answer(frame(1, 6, 0, 0, 0, 1)) == frame(1, 0x86, 1)
    assert bus.answer(frame(1, 16, 0, 0, 0, 1, 2, 0, 0)) == frame(1, 0x90, 1)
    assert bus.answer(frame(1, 4)) == frame(1, 0x84, 3)


# on a port


@pytest.fixture
def port() -> Iterator[PtySlave]:
    served = PtySlave(slave("sdm530", "sdm120"))
    yield served
    served.close()


@pytest.fixture
def master(port: PtySlave) -> Iterator[ModbusSerialClient]:
    client = ModbusSerialClient(port.path, framer=FramerType.RTU, timeout=2, retries=0)
    assert client.connect()
    yield client
    client.close()


def input_registers(answer: ModbusPDU) -> bytes:
    assert not answer.isError(), answer
    return struct.pack(f">{len(answer.registers)}H", *answer.registers)


def test_pymodbus_as_master_reads_all_values_of_two_meters(
    port: PtySlave, master: ModbusSerialClient
) -> None:
    for unit, model in ((1, "sdm530"), (2, "sdm120")):
        meter: Meter = load(METERS, model)
        told: dict[str, float] = {}
        for block in meter.blocks(meter.most):
            answer = master.read_input_registers(block.address, count=block.count, device_id=unit)
            told |= meter.decode(block, input_registers(answer))
        truth = measured(meter)
        assert len(told) == len(set(meter.quantities))
        for quantity, number in told.items():
            assert number == pytest.approx(
                truth[quantity], abs=step(meter, quantity, truth[quantity])
            )


def test_pymodbus_understands_refusals_and_silence(master: ModbusSerialClient) -> None:
    assert master.read_input_registers(110, count=4, device_id=1).exception_code == 2
    assert master.read_input_registers(0, count=82, device_id=1).exception_code == 3
    assert master.read_coils(0, count=8, device_id=1).exception_code == 1
    assert master.write_registers(0, [1, 2], device_id=1).exception_code == 1
    master.comm_params.timeout_connect = 0.2
    with pytest.raises(ModbusException, match=r"(?i)no response"):
        master.read_input_registers(0, count=2, device_id=9)


def receive(fd: int, size: int) -> bytes:
    """Wait for so many bytes from the slave, for 10 s at most."""
    end, data = time.monotonic() + 10, b""
    os.set_blocking(fd, False)
    while len(data) < size:
        assert time.monotonic() < end, f"{len(data)} of {size} bytes"
        try:
            data += os.read(fd, size - len(data))
        except BlockingIOError:
            time.sleep(0.001)
    return data


@pytest.fixture
def line(port: PtySlave) -> Iterator[int]:
    """The master's end of the port, raw."""
    fd = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    "pieces",
    [
        [READ_GRID],
        [READ_GRID[:3], READ_GRID[3:]],
        [b"\x00\xff\x00" + READ_GRID],
        [bytes(5000) + READ_GRID],
        [frame(9, 4, 0, 0, 0, 2) + READ_GRID],
        [READ_GRID[:7] + b"\x00", READ_GRID],
    ],
    ids=["whole", "in two", "after noise", "after much", "after another's", "after a damaged one"],
)
def test_a_request_is_found_in_what_is_heard(
    port: PtySlave, line: int, pieces: Sequence[bytes]
) -> None:
    for piece in pieces:
        os.write(line, piece)
    assert receive(line, 9) == port.slave.answer(READ_GRID)


def test_a_paced_answer_is_the_same() -> None:
    paced = PtySlave(slave("sdm630"), baud=115_200, latency=0.001, bits=11)
    fd = os.open(paced.path, os.O_RDWR | os.O_NOCTTY)
    try:
        request = frame(1, 4, 0, 0, 0, 80)
        os.write(fd, request)
        assert receive(fd, 165) == paced.slave.answer(request)
    finally:
        os.close(fd)
        paced.close()


def test_the_meters_can_be_replaced_while_they_are_read(port: PtySlave, line: int) -> None:
    port.slave = Slave({1: "sdm120"}, lambda: HOUSE.at(EVENING))
    os.write(line, READ_GRID)
    volts = struct.unpack(">f", receive(line, 9)[3:7])[0]
    assert volts == pytest.approx(HOUSE.at(EVENING).voltages[1])


def test_unplugged_the_port_is_gone_and_plugged_in_it_answers_again(port: PtySlave) -> None:
    fd = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    os.write(fd, READ_GRID)
    receive(fd, 9)  # now its thread waits for the next
    port.unplug()
    assert not os.path.lexists(port.path)
    with pytest.raises(OSError, match="Input/output"):
        until(lambda: os.write(fd, READ_GRID) == 0, "the hang-up")
    os.close(fd)
    port.plug()
    fd = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    os.write(fd, READ_GRID)
    assert receive(fd, 9) == port.slave.answer(READ_GRID)
    os.close(fd)


def test_a_slave_that_nobody_asks_uses_no_processor_time(port: PtySlave) -> None:
    fd = os.open(port.path, os.O_RDWR | os.O_NOCTTY)
    os.write(fd, READ_GRID)
    receive(fd, 9)
    os.close(fd)  # from now on the pty says "hang-up" whenever it is asked
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "slave")
    assert thread.ident is not None
    clock = time.pthread_getcpuclockid(thread.ident)
    before = time.clock_gettime(clock)
    threading.Event().wait(0.3)
    assert time.clock_gettime(clock) - before < 0.01


def test_closing_twice_leaves_neither_thread_nor_file() -> None:
    files = len(os.listdir("/proc/self/fd"))
    served = PtySlave(slave("sdm630"))
    path = served.path
    served.close()
    served.close()
    assert not os.path.lexists(path)
    assert len(os.listdir("/proc/self/fd")) == files
    assert "slave" not in {thread.name for thread in threading.enumerate()}


# in memory


def test_a_bus_in_memory_answers_and_refuses_as_a_real_one() -> None:
    bus = MemoryBus(slave("sdm630"))
    assert bus.read(1, 4, 0, 2, 0.3, 0.0) == slave("sdm630").registers(1, 4, 0, 2)
    with pytest.raises(ReplyError, match="unit 7") as error:
        bus.read(7, 4, 0, 2, 0.3, 0.0)
    assert error.value.kind == "silent"
    with pytest.raises(ReplyError) as error:
        bus.read(1, 4, 0, 82, 0.3, 0.0)
    assert (error.value.kind, error.value.code) == ("refused", 3)
    bus.close()
    bus.close()
    with pytest.raises(SourceError, match="open it again"):
        bus.read(1, 4, 0, 2, 0.3, 0.0)


def test_warped_wires_tell_the_house_of_their_clock() -> None:
    clock = FakeClock(NOON)
    wires = SimulatedWires(HOUSE, clock, live=False)
    bus = wires.bus(BusLine("rs485", meters={1: "sdm630"}))
    for _ in range(3):
        energy = struct.unpack(">f", bus.read(1, 4, 72, 2, 0.3, 0.0))[0]
        truth = HOUSE.at(wires.time())
        assert energy == pytest.approx(grid(truth)["energy_import"], rel=2**-24)
        clock.advance(3600)
    wires.close()


def test_live_wires_tell_the_house_over_a_port() -> None:
    wires = SimulatedWires(HOUSE, SystemClock())
    line = BusLine("rs485", meters={1: "sdm630", 7: "sdm120"})
    bus = wires.bus(line)
    try:
        for unit, measure in ((1, grid), (7, solar)):
            before = measure(HOUSE.at(wires.time()))["energy_export"]
            told = struct.unpack(">f", bus.read(unit, 4, 74, 2, 2.0, 0.0))[0]
            after = measure(HOUSE.at(wires.time()))["energy_export"]
            assert before * (1 - 2**-24) <= told <= after * (1 + 2**-24)
        wires.slave("rs485").unplug()
        with pytest.raises(SourceError):
            bus.read(1, 4, 74, 2, 2.0, 0.0)
        bus.close()
        wires.slave("rs485").plug()
        bus = wires.bus(line)  # the same port, opened again
        assert len(bus.read(1, 4, 74, 2, 2.0, 0.0)) == 4
    finally:
        bus.close()
        wires.close()

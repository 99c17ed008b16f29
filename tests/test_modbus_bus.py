"""Modbus buses on real ptys and sockets: other people's servers, and every fault of a bad line."""

import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus import FramerType

from bench import modbus_faults
from s0web.errors import ReplyError, SourceError
from s0web.hardware import Bus, BusLine, modbus_frame, modbus_rtu, modbus_tcp
from s0web.hardware.modbus import open_bus
from s0web.hardware.modbus_frame import Request, find_answer, owed_at
from tests.conftest import until
from tests.modbus_server import Gateway, rtu_server, tcp_server
from tests.modbus_slave import FaultySlave, frame

LONG = 600.0  # s: who waits so long is ended by the test's own limit
BRIEF = 0.05  # s


@pytest.fixture(autouse=True)
def nothing_owed() -> Iterator[None]:
    """A pty of a test before may have had the same number."""
    yield
    modbus_frame._OWED.clear()


def numbers(first: int, count: int) -> bytes:
    """Registers that hold their own addresses."""
    return struct.pack(f">{count}H", *range(first, first + count))


@contextmanager
def bus(port: str, **settings: Any) -> Iterator[Bus]:
    opened = open_bus(BusLine(port, **settings))
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def meters(*faults: str | None, **settings: Any) -> Iterator[tuple[FaultySlave, Bus]]:
    """Meters whose registers hold their addresses; the faults of the first requests in turn."""

    def fault(number: int) -> str | None:
        return faults[number - 1] if number <= len(faults) else None

    slave = FaultySlave(
        lambda unit, address: address, **{"baud": None, "latency": 0.0, "fault": fault, **settings}
    )
    try:
        with bus(slave.path, baud=115200) as opened:
            yield slave, opened
    finally:
        slave.close()


def fails(
    opened: Bus, address: int, count: int, timeout: float = BRIEF, unit: int = 1
) -> ReplyError:
    with pytest.raises(ReplyError) as caught:
        opened.read(unit, 4, address, count, timeout, 0.0)
    return caught.value


def test_rtu_on_a_serial_port_as_pymodbus_speaks_it() -> None:
    with rtu_server(range(400)) as port, bus(port) as opened:
        assert opened.note == "9600 8N1"
        for function in (3, 4):
            assert opened.read(1, function, 0, 80, LONG, 0.0) == numbers(0, 80)
            assert opened.read(1, function, 334, 12, LONG, 0.0) == numbers(334, 12)
        error = fails(opened, 390, 20, LONG)
        assert (error.kind, error.code) == ("refused", 2)


@pytest.mark.parametrize(
    ("scheme", "framer", "note"),
    [("tcp", FramerType.SOCKET, "Modbus TCP"), ("socket", FramerType.RTU, "RTU over TCP")],
)
def test_gateways_of_both_kinds(scheme: str, framer: FramerType, note: str) -> None:
    with tcp_server(range(400), framer) as address, bus(f"{scheme}://{address}") as opened:
        assert opened.note == note
        assert opened.read(1, 4, 0, 80, LONG, 0.0) == numbers(0, 80)
        assert opened.read(1, 3, 200, 70, LONG, 0.01) == numbers(200, 70)
        error = fails(opened, 390, 20, LONG)
        assert (error.kind, error.code) == ("refused", 2)


@pytest.mark.parametrize("latency", [0.0, 0.01])
def test_the_answer_ends_the_wait(latency: float) -> None:
    with meters(baud=19200, latency=latency) as (_, opened):
        for address, count in ((0, 80), (80, 28), (200, 70), (334, 12), (0, 1), (65535, 1)):
            assert opened.read(1, 4, address, count, LONG, 0.0) == numbers(address, count)


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("corrupt", "garbled", 0),
        ("short", "short", 0),
        ("refuse", "refused", 2),
        ("busy", "refused", 6),
    ],
)
def test_a_bad_answer_ends_the_wait_and_is_no_answer(fault: str, kind: str, code: int) -> None:
    with meters(fault, fault) as (_, opened):
        for _ in range(2):
            error = fails(opened, 0, 10, LONG)
            assert (error.kind, error.code) == (kind, code)
        assert opened.read(1, 4, 100, 10, LONG, 0.0) == numbers(100, 10)


def test_a_meter_that_is_off_is_silent() -> None:
    with meters() as (slave, opened):
        error = fails(opened, 0, 10, unit=9)
        assert (error.kind, str(error)) == ("silent", "no answer within 0.05 s")
        assert opened.read(1, 4, 0, 10, LONG, 0.0) == numbers(0, 10)
        assert slave.requests == 1


def test_a_wrong_unit_is_never_believed() -> None:
    with meters("stranger") as (_, opened):
        error = fails(opened, 0, 10, 1.0)
        assert (error.kind, str(error)) == ("stranger", "unit 2 answered in its place")


@pytest.mark.parametrize("fault", ["noise", "echo"])
def test_bytes_before_a_good_answer_are_skipped(fault: str) -> None:
    with meters(fault, fault, "echo") as (_, opened):
        assert opened.read(1, 4, 0, 80, LONG, 0.0) == numbers(0, 80)
        assert opened.read(1, 4, 2560, 5, LONG, 0.0) == numbers(2560, 5)  # 2560: high byte 2 * 5


def test_an_echo_alone_is_no_answer() -> None:
    with meters("deaf") as (_, opened):
        assert fails(opened, 0, 10).kind == "silent"


def test_a_late_answer_is_never_taken_for_other_registers() -> None:
    # the answer to 0 comes while the one to 100 would be waited for
    with meters("late 0.4", "late 0.5") as (_, opened):
        assert fails(opened, 0, 10).kind == "silent"
        assert opened.read(1, 4, 100, 10, LONG, 0.0) == numbers(100, 10)


def test_a_late_answer_is_not_forgotten_when_the_bus_is_opened_again() -> None:
    with meters("late 0.4", "late 0.5") as (slave, opened):
        assert fails(opened, 0, 10).kind == "silent"
        opened.close()
        with bus(slave.path) as again:
            assert again.read(1, 4, 100, 10, LONG, 0.0) == numbers(100, 10)


def test_a_late_answer_is_not_forgotten_by_another_name_of_the_port(tmp_path: Path) -> None:
    with meters("late 0.4", "late 0.5") as (slave, opened):
        assert fails(opened, 0, 10).kind == "silent"
        opened.close()
        name = tmp_path / "by-id"
        name.symlink_to(slave.path)
        with bus(str(name)) as again:
            assert again.read(1, 4, 100, 10, LONG, 0.0) == numbers(100, 10)


def test_what_another_program_asks_is_never_taken_for_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(modbus_rtu, "GAP", 1.0)  # the timer may be late
    foreign = frame(struct.pack(">BBHH", 1, 4, 100, 10))
    answer = frame(bytes((1, 4, 20)) + numbers(100, 10))
    with meters(None, "drop", latency=0.2) as (slave, opened):
        slave.send(foreign)  # it has asked, and the meter is about to answer
        timer = threading.Timer(0.1, slave.send, (answer,))
        timer.start()
        assert opened.read(1, 4, 0, 10, LONG, 0.0) == numbers(0, 10)
        timer.join()

        def other() -> None:
            """Ask while we wait."""
            until(lambda: slave.requests == 2, "our question")
            slave.send(foreign + answer)

        thread = threading.Thread(target=other)
        thread.start()
        error = fails(opened, 0, 10, LONG)
        assert (error.kind, str(error)) == (
            "stranger",
            "another program on the bus asked it meanwhile",
        )
        thread.join()


def test_an_answer_that_never_comes_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(modbus_rtu, "LATE", 0.3)
    with meters("drop") as (slave, opened):
        assert fails(opened, 0, 10).kind == "silent"
        assert opened.read(1, 4, 100, 10, LONG, 0.0) == numbers(100, 10)
        assert list(owed_at(slave.path, LONG)) == []  # and the good answer was that to 100


@pytest.mark.parametrize("request_", [(1, 0, 10), (1, 0, 11), (2, 100, 10)])
def test_what_a_late_answer_cannot_be_mistaken_for_goes_at_once(
    monkeypatch: pytest.MonkeyPatch, request_: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(modbus_rtu, "LATE", LONG)
    unit, address, count = request_
    with meters("drop", units=(1, 2)) as (_, opened):
        assert fails(opened, 0, 10).kind == "silent"
        assert opened.read(unit, 4, address, count, LONG, 0.0) == numbers(address, count)


def test_a_late_answer_between_request_and_answer_is_skipped_and_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(modbus_rtu, "LATE", LONG)
    with meters("late 0.4", "late 0.5") as (_, opened):
        assert fails(opened, 0, 80).kind == "silent"
        assert opened.read(1, 4, 100, 12, LONG, 0.0) == numbers(100, 12)
        assert opened.read(1, 4, 200, 80, LONG, 0.0) == numbers(200, 80)


def test_a_damaged_answer_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modbus_rtu, "LATE", LONG)
    with meters("corrupt", "short") as (_, opened):
        assert fails(opened, 0, 10, LONG).kind == "garbled"
        assert fails(opened, 100, 10, LONG).kind == "short"
        assert opened.read(1, 4, 200, 10, LONG, 0.0) == numbers(200, 10)


def test_a_late_refusal_is_never_taken_for_that_of_other_registers() -> None:
    with meters("late 0.4", "late 0.5", "late 0.4", "drop") as (_, opened):
        assert fails(opened, 0, 100).kind == "silent"  # more than it gives: refused, but later
        assert opened.read(1, 4, 100, 12, LONG, 0.0) == numbers(100, 12)
        assert fails(opened, 0, 100).kind == "silent"
        error = fails(opened, 100, 12, 1.5)
        assert (error.kind, str(error)) == (
            "garbled",
            "a refusal that may be of an earlier request",
        )


def test_a_meter_that_needs_silence_gets_it_on_a_shared_bus() -> None:
    with meters(units=(1, 2, 3), silence={2: 0.2}) as (slave, opened):
        for _ in range(5):
            for unit in (1, 2, 3):
                pause = 0.2 if unit == 2 else 0.0
                assert opened.read(unit, 4, unit, 20, LONG, pause) == numbers(unit, 20)
        assert slave.missed == 0
        assert fails(opened, 0, 20, unit=2).kind == "silent"  # without it, it does not hear
        assert slave.missed == 1


def test_a_bus_that_is_never_silent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modbus_rtu, "BABBLE", 0.2)
    with meters() as (slave, opened):
        is_over = threading.Event()

        def babble() -> None:
            while not is_over.is_set():
                slave.send(b"\x55\xaa")

        thread = threading.Thread(target=babble)
        thread.start()
        try:
            with pytest.raises(ReplyError, match=r"never silent.*second master"):
                opened.read(1, 4, 0, 10, BRIEF, 1.0)
        finally:
            is_over.set()
            thread.join()
        assert opened.read(1, 4, 0, 10, LONG, 0.1) == numbers(0, 10)


def test_an_adapter_that_is_unplugged_is_gone_and_heals_when_plugged() -> None:
    with meters("drop") as (slave, opened):
        timer = threading.Timer(0.1, slave.unplug)
        timer.start()
        with pytest.raises(SourceError, match="is gone"):
            opened.read(1, 4, 0, 10, LONG, 0.0)  # while it waits
        timer.join()
        with pytest.raises(SourceError, match="is gone"):
            opened.read(1, 4, 0, 10, LONG, 0.0)  # and from then on
        with pytest.raises(SourceError, match="there is no port"):
            open_bus(BusLine(slave.path))
        slave.plug()
        with bus(slave.path) as again:
            assert again.read(1, 4, 0, 10, LONG, 0.0) == numbers(0, 10)


def test_a_bus_is_claimed_for_one_alone() -> None:
    with meters() as (slave, opened):
        with pytest.raises(SourceError, match="is in use by another program"):
            open_bus(BusLine(slave.path))
        assert opened.read(1, 4, 0, 10, LONG, 0.0) == numbers(0, 10)
        opened.close()
        opened.close()
        with bus(slave.path, baud=19200, parity="E") as again:
            assert again.note == "19200 8E1"
            assert again.read(1, 4, 0, 10, LONG, 0.0) == numbers(0, 10)


@pytest.mark.parametrize(
    ("port", "sentence"),
    [
        ("tcp://", r"is no address: write it as tcp://192.168.1.20:502"),
        ("socket://meter", r"is no address: write it as socket://192.168.1.20:2001"),
        ("tcp://127.0.0.1:1", r"cannot be reached \(Connection refused\): is the gateway on"),
    ],
)
def test_a_gateway_that_cannot_be_reached_is_named(port: str, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        open_bus(BusLine(port))


@contextmanager
def gateway(scheme: str, answer: Callable[[bytes], Sequence[bytes] | None]) -> Iterator[Bus]:
    server = Gateway(answer)
    with bus(f"{scheme}://{server.address}") as opened:
        yield opened
    server.close()


def mbap(request: bytes, unit: int, body: bytes, behind: int = 0) -> bytes:
    """An answer on Modbus TCP to this request, or to an earlier one."""
    transaction = int.from_bytes(request[:2], "big") - behind
    return struct.pack(">HHHB", transaction & 0xFFFF, 0, 1 + len(body), unit) + body


GOOD, STALE = b"\x04\x04\x00\x01\x00\x02", b"\x04\x04\xde\xad\xbe\xef"


def test_modbus_tcp_drops_answers_to_earlier_requests() -> None:
    def answer(request: bytes) -> list[bytes]:
        return [mbap(request, 1, STALE, behind=1), mbap(request, 1, GOOD)]

    with gateway("tcp", answer) as opened:
        for _ in range(3):
            assert opened.read(1, 4, 1, 2, LONG, 0.0) == GOOD[2:]


def test_a_gateway_that_mixes_up_late_answers_gets_no_chance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(modbus_tcp, "LATE", 0.5)
    asked: list[float] = []

    def answer(request: bytes) -> list[bytes]:
        asked.append(time.monotonic())
        if len(asked) == 1:
            return []  # the meter answers too late: the gateway says it to the next request
        return [mbap(request, 1, STALE if asked[-1] < asked[0] + 0.25 else GOOD)]

    with gateway("tcp", answer) as opened:
        assert fails(opened, 7, 2).kind == "silent"
        assert opened.read(1, 4, 1, 2, LONG, 0.0) == GOOD[2:]


def test_what_a_gateway_owes_is_not_forgotten_when_it_is_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(modbus_tcp, "LATE", 0.5)
    asked: list[float] = []

    def answer(request: bytes) -> list[bytes]:
        asked.append(time.monotonic())
        if len(asked) == 1:
            return []
        return [mbap(request, 1, STALE if asked[-1] < asked[0] + 0.25 else GOOD)]

    server = Gateway(answer, connections=2)
    with bus(f"tcp://{server.address}") as opened:
        assert fails(opened, 7, 2).kind == "silent"
    with bus(f"tcp://{server.address}") as opened:
        assert opened.read(1, 4, 1, 2, LONG, 0.0) == GOOD[2:]
    server.close()


def test_a_gateway_that_waits_for_a_dead_meter_is_waited_for() -> None:
    def answer(request: bytes) -> list[bytes]:
        if request[6] == 1:
            return [mbap(request, 1, GOOD)]
        time.sleep(0.6)  # its own patience
        return [mbap(request, 2, b"\x84\x0b")]

    with gateway("tcp", answer) as opened:
        assert opened.read(1, 4, 1, 2, LONG, 0.0) == GOOD[2:]
        assert fails(opened, 1, 2, unit=2).kind == "silent"
        assert opened.read(1, 4, 1, 2, BRIEF, 0.0) == GOOD[2:]


def test_modbus_tcp_may_come_byte_by_byte() -> None:
    with gateway("tcp", lambda r: [bytes((b,)) for b in mbap(r, 1, GOOD)]) as opened:
        assert opened.read(1, 4, 1, 2, LONG, 0.0) == GOOD[2:]


@pytest.mark.parametrize(
    ("unit", "body", "kind", "code"),
    [
        (2, GOOD, "stranger", 0),
        (1, b"\x03" + GOOD[1:], "garbled", 0),
        (1, GOOD[:-2], "garbled", 0),
        (1, b"\x84\x02", "refused", 2),
        (1, b"\x84\x0b", "silent", 11),
    ],
)
def test_modbus_tcp_believes_only_what_was_asked(
    unit: int, body: bytes, kind: str, code: int
) -> None:
    with gateway("tcp", lambda request: [mbap(request, unit, body)]) as opened:
        error = fails(opened, 1, 2, LONG)
        assert (error.kind, error.code) == (kind, code)


def test_half_an_answer_on_modbus_tcp_is_short_and_its_rest_is_dropped() -> None:
    rest: list[bytes] = []

    def answer(request: bytes) -> list[bytes]:
        if rest:
            return [rest.pop(), mbap(request, 1, GOOD)]
        late = mbap(request, 1, STALE)
        rest.append(late[5:])
        return [late[:5]]

    with gateway("tcp", answer) as opened:
        assert fails(opened, 1, 2, 1.0).kind == "short"
        assert opened.read(1, 4, 1, 2, LONG, 0.0) == GOOD[2:]


def test_a_gateway_that_hangs_up_is_gone() -> None:
    with (
        gateway("tcp", lambda _: None) as opened,
        pytest.raises(SourceError, match=r"is gone \(.*socket://"),
    ):
        opened.read(1, 4, 1, 2, LONG, 0.0)


def test_the_wrong_kind_of_gateway_is_named() -> None:
    answer = frame(b"\x01" + GOOD)
    with gateway("tcp", lambda _: [answer]) as opened:
        error = fails(opened, 1, 2, LONG)
        assert error.kind == "garbled"
        assert "write socket:// in place of tcp://" in str(error)
    with (
        tcp_server(range(10), FramerType.SOCKET) as address,
        bus(f"socket://{address}") as opened,
    ):
        error = fails(opened, 0, 2, 1.0)
        assert error.kind == "garbled"
        assert "write tcp:// in place of socket://" in str(error)
    for scheme, other in (("tcp", "socket"), ("socket", "tcp")):
        with gateway(scheme, lambda _: []) as opened:
            assert f"write {other}:// in place of {scheme}://" in str(fails(opened, 1, 2))


@given(
    prefix=st.binary(max_size=80),
    suffix=st.binary(max_size=20),
    data=st.binary(min_size=8, max_size=8),
)
def test_an_answer_is_found_among_any_bytes(prefix: bytes, suffix: bytes, data: bytes) -> None:
    request = Request(1, 4, 0, 4)
    whole = prefix + frame(request.head + data) + suffix
    at = find_answer(whole, request)
    assert whole[at : at + request.size] == frame(request.head + data)


@given(
    data=st.binary(min_size=24, max_size=24),
    at=st.integers(0, 8 * 29 - 1),
    bits=st.integers(1, 0xFFFF),
)
def test_no_burst_of_damage_up_to_16_bits_is_believed(data: bytes, at: int, bits: int) -> None:
    request = Request(1, 4, 0, 12)
    sound = frame(request.head + data)
    burst = (bits << at) & ((1 << 8 * len(sound)) - 1)
    damaged = (int.from_bytes(sound[::-1], "big") ^ burst).to_bytes(len(sound), "big")[::-1]
    assert burst == 0 or find_answer(damaged, request) == -1


def test_a_fiftieth_of_the_campaign_of_faults_lets_no_wrong_value_pass() -> None:
    result = modbus_faults.ours(sweeps=200, seed=1)
    assert sum(result.faults.values()) > 10
    assert result.values > 15_000
    assert result.wrong == 0

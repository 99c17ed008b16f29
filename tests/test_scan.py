from pathlib import Path

import pytest
from pymodbus import FramerType

from s0web import config, fresh
from s0web.__main__ import main
from s0web.cli import scan
from s0web.cli.scan_models import identify
from s0web.errors import ReplyError, SourceError
from s0web.hardware import BusLine, modbus
from s0web.meters.registers import Meter
from s0web.registry import METERS, load
from tests.modbus_server import rtu_server, tcp_server

NUMBERS = {"voltage": 231.5, "frequency": 50.01}


def image(model: str, code: int = 0, serial: int = 0) -> dict[int, int]:
    """The 16-bit registers of a meter that measures something."""
    table: Meter = load(METERS, model)
    found: dict[int, int] = {}
    probes = [(table.code, code), (table.serial, serial)]
    coded = [
        (r.address, r.encode(NUMBERS.get(r.quantity.partition("_")[0], 1.0)))
        for r in table.registers
    ] + [(p.address, n.to_bytes(2 * p.words, "big")) for p, n in probes if p and n]
    for address, data in coded:
        for at in range(0, len(data), 2):
            found[address + at // 2] = int.from_bytes(data[at : at + 2], "big")
    return found


class FakeBus:
    """Meters in memory: unit -> (function, registers). `settings`: where they are heard."""

    note = ""

    def __init__(self, meters: dict[int, tuple[int, dict[int, int]]]) -> None:
        self.meters, self.asked = meters, list[tuple[int, int, int]]()
        self.closed = 0
        self.setting = ("N", 9600)
        self.at = ("N", 9600)
        self.code = 2

    def open(self, line: BusLine) -> "FakeBus":
        self.at = (line.parity, line.baud)
        return self

    def read(
        self, unit: int, function: int, address: int, count: int, timeout: float, pause: float
    ) -> bytes:
        self.asked.append((unit, function, address))
        if unit not in self.meters or self.at != self.setting:
            raise ReplyError("silent", "no answer within 0.10 s")
        knows, registers = self.meters[unit]
        if address not in registers or function not in (knows, 3 if address >= 0x8000 else knows):
            raise ReplyError("refused", "refused", self.code)
        return b"".join(
            registers.get(a, 0).to_bytes(2, "big") for a in range(address, address + count)
        )

    def close(self) -> None:
        self.closed += 1


def on(monkeypatch: pytest.MonkeyPatch, bus: FakeBus) -> FakeBus:
    monkeypatch.setattr(modbus, "open_bus", bus.open)
    return bus


# -- real servers ----------------------------------------------------------------------------------


def test_an_eastron_on_a_real_line_is_found_by_its_code(
    capsys: pytest.CaptureFixture[str], ini: Path
) -> None:
    registers = image("sdm630", code=0x70, serial=24050001)
    values = [registers.get(address, 0) for address in range(0xFC04)]
    with rtu_server(values) as port:
        assert main(["scan", port, "--units", "1-2", "--bauds", "9600", "--parities", "N"]) == 0
    out, err = capsys.readouterr()
    assert "9600 8N1: unit 1: sdm630" in err
    assert "\r" not in err
    read = config.parse(ini, fresh.new_file({}) + "\n" + out)
    meter = read.sources["meter1"]
    assert (meter["model"], meter["unit"], meter["baud"], meter["port"]) == (
        "sdm630",
        1,
        9600,
        port,
    )
    assert "; serial number 24050001" in out


def test_a_meter_behind_a_gateway_is_found_and_has_no_baud(
    capsys: pytest.CaptureFixture[str],
) -> None:
    registers = image("sdm120")
    values = [registers.get(address, 0) for address in range(500)]
    with tcp_server(values, FramerType.SOCKET) as host:
        assert main(["scan", f"tcp://{host}", "--units", "1"]) == 0
    out, _ = capsys.readouterr()
    assert "unit = 1" in out
    assert "baud" not in out


# -- a bus in memory -------------------------------------------------------------------------------


def test_likely_units_are_looked_for_first_and_one_setting_is_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    meters = {3: (4, image("sdm630", 0x70)), 40: (4, image("sdm120", 0x20))}
    bus = on(monkeypatch, FakeBus(meters))
    bus.setting = ("E", 19200)
    assert main(["scan", "/dev/x", "--units", "1-50", "--bauds", "9600,19200,2400"]) == 0
    out, _ = capsys.readouterr()
    assert [line for line in out.splitlines() if line.startswith(("model", "unit", "baud"))] == [
        "model = sdm630", "unit = 3", "baud = 19200", "model = sdm120", "unit = 40", "baud = 19200",
    ]  # fmt: skip
    assert "[source:meter2]" in out
    units = [unit for unit, _, _ in bus.asked]
    assert units.index(40) > max(i for i, unit in enumerate(units) if unit <= 10)
    assert bus.closed == 6, "9600 N E O, 19200 N E, and the others at that"


def test_a_meter_without_a_code_is_found_by_what_makes_sense(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on(monkeypatch, FakeBus({1: (3, image("dtsu666"))}))
    assert main(["scan", "/dev/x", "--units", "1"]) == 0
    assert "model = dtsu666" in capsys.readouterr().out


@pytest.mark.parametrize("model", METERS)
def test_every_model_that_tells_its_voltage_is_among_its_own_candidates(model: str) -> None:
    bus = FakeBus({1: (load(METERS, model).function, image(model))})
    models, _ = identify(bus, 1)
    mute = not any(q.startswith("voltage") for q in load(METERS, model).quantities)
    assert (model in models) != mute


def test_of_equal_candidates_that_with_the_fewest_registers_comes_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on(monkeypatch, FakeBus({1: (4, image("sdm630"))}))
    assert main(["scan", "/dev/x", "--units", "1"]) == 0
    out = capsys.readouterr().out
    models, _ = identify(FakeBus({1: (4, image("sdm630"))}), 1)
    sizes = [len(load(METERS, name).registers) for name in models]
    assert sizes == sorted(sizes)
    assert len(models) > 1
    assert f"model = {models[0]}\n" in out
    assert f"; It may also be one of: {', '.join(models[1:])}" in out
    assert "sdm120" not in models, "a meter with three voltages is no single-phase one"


def test_a_meter_that_makes_no_sense_is_told_as_a_comment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on(monkeypatch, FakeBus({7: (4, {})}))
    assert main(["scan", "/dev/x", "--units", "1-10"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("; Unit 7 answers, but is of no known model")
    assert "dds353" in out
    assert all(line.startswith(";") for line in out.splitlines() if line)


def test_nothing_found_tells_what_to_look_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on(monkeypatch, FakeBus({}))
    assert main(["scan", "/dev/x", "--units", "1-3", "--bauds", "9600"]) == 1
    assert "No meter answered on /dev/x" in capsys.readouterr().out


def test_a_gateway_that_answers_for_nobody_is_no_meter(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = on(monkeypatch, FakeBus({2: (4, {})}))
    bus.code = 11
    assert main(["scan", "tcp://gateway:502", "--units", "1-3"]) == 1


def test_what_was_found_is_printed_when_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bus = on(monkeypatch, FakeBus({1: (4, image("sdm120", 0x20))}))
    read = bus.read

    def interrupted(unit: int, *args: object) -> bytes:
        if unit == 5:
            raise KeyboardInterrupt
        return read(unit, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(bus, "read", interrupted)
    assert main(["scan", "/dev/x"]) == 0
    assert "model = sdm120" in capsys.readouterr().out
    assert bus.closed == 1


def test_a_terminal_gets_a_line_that_is_rewritten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    on(monkeypatch, FakeBus({1: (4, image("sdm120", 0x20))}))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["scan", "/dev/x", "--units", "1"]) == 0
    assert "\r\x1b[K9600 8N1: unit 1 (0 found)" in capsys.readouterr().err


def test_a_port_that_cannot_be_used_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "/dev/there-is-none"]) == 2
    assert "/dev/there-is-none" in capsys.readouterr().err
    with pytest.raises(SourceError):
        scan.Scan("/dev/there-is-none", [1], [scan.Setting(9600, "N")]).run()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--units", "0"],
        ["--units", "5-3"],
        ["--units", "1-248"],
        ["--units", "x"],
        ["--bauds", "fast"],
        ["--parities", "N,X"],
    ],
)
def test_bad_arguments_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["scan", "/dev/x", *arguments])
    assert arguments[1].split(",")[-1] in capsys.readouterr().err

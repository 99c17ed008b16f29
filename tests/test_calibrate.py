"""Calibration: on a wire held in the hand, over HTTP beside a station, and on the simulated one."""

import io
import math
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s0web import __main__ as command_line
from s0web import config as ini_file
from s0web.cli import calibrate
from s0web.cli.calibration import Calibration, Given
from s0web.cli.readings import OwnStation, RunningStation, Told, meter
from s0web.clock import FakeClock, SystemClock
from s0web.config import Config
from s0web.energy.calibration import Means, Truth, found, means
from s0web.energy.factors import of_wire
from s0web.errors import ConfigError, StationError
from s0web.hardware import Adc, Samples
from s0web.simulation.wave import AMPS_PER_CODE, VOLTS_PER_CODE
from s0web.statelock import StateLock
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.server import ROOT, server
from tests.adc_wave import Front, Load, pieces
from tests.conftest import until
from tests.wires import HandWires

INI = """\
[s0web]
simulate = yes
[source:grid]
type = p1
port = simulated
[source:main]
type = s0
pin = 4
[source:mains]
type = adc
current_channels = brown:0, black:2, gray:4
voltage_channels = brown:1, black:3, gray:3
amps_per_code = 0.02
volts_per_code = 0.25
# set by hand
phase_error = 0
"""
TRUE_AMPS, TRUE_VOLTS, TRUE_LEAD = 0.0244, 0.2527, 1.53  # of the front end in the hand
SOCKET = 231.7  # V


class Hand:
    """A station whose wire mains.brown is held in the hand (contract: Meter).

    It reads what the factors in the INI make of the truth: `load` W of `angle` degrees (lagging),
    beside `base` W that are there all the time; a reading each second.
    """

    name = "by hand"

    def __init__(self, ini: Path, clock: FakeClock) -> None:
        self.config, self.clock = ini_file.load(ini), clock
        self.load, self.angle, self.base, self.distortion, self.flutter = 0.0, 0.0, 0.0, 0.0, 0.0
        self.turned = False
        self.takes_over = True
        self.is_silent = self.closed = False

    def told(self, device: str) -> Told:
        second = int(self.clock.monotonic())
        values = self._grid() if device == "grid" else self._wire(second)
        if device == "grid":
            second -= second % 10  # as a meter that tells every 10 s
        times = {} if self.is_silent else dict.fromkeys(values, str(second))
        return Told(values, times, "no frames" if self.is_silent else "")

    def has_applied(self, config: Config) -> bool:
        if self.takes_over:
            self.config = config
        return self.takes_over

    def close(self) -> None:
        self.closed = True

    def _grid(self) -> dict[str, float]:
        return {"power": 700 + self.base + self.load, "voltage_l1": SOCKET, "voltage_l2": 233.0}

    def _wire(self, second: int) -> dict[str, float]:
        options = self.config.sources["mains"]
        gain = of_wire(options["amps_per_code"], "brown") / TRUE_AMPS * (-1 if self.turned else 1)
        volt = of_wire(options["volts_per_code"], "brown") / TRUE_VOLTS
        lead = of_wire(options["phase_error"], "brown")
        load = self.load * (1 + self.flutter * (second % 3 - 1))
        active = self.base + load * math.cos(math.radians(self.angle))
        reactive = load * math.sin(math.radians(self.angle))
        apparent = math.hypot(active, reactive, self.distortion)
        seen = math.atan2(reactive, active) - math.radians(TRUE_LEAD - lead)
        scale = gain * volt * math.hypot(active, reactive)
        current = apparent / SOCKET * abs(gain)
        if not options["voltage_channels"]:
            return {"current": current, "power": current * 230, "voltage": 230.0}
        return {
            "voltage": SOCKET * volt,
            "current": current,
            "power": scale * math.cos(seen),
            "reactive_power": scale * math.sin(seen),
            "apparent_power": SOCKET * volt * current,
        }


class Desk:
    """Somebody who calibrates: answers by the question, and switches the load on when told to."""

    def __init__(self, ini: Path, device: str = "mains.brown") -> None:
        self.ini, self.device = ini, device
        self.before = ini.read_text()
        self.clock = FakeClock()
        self.hand = Hand(ini, self.clock)
        self.asked: list[str] = []
        self.answers = {"voltmeter": str(SOCKET), "plug": "2000 W", "clamp": "8.6", "Write": "yes"}
        self.kettle = 2000.0

    def ask(self, text: str) -> str:
        self.asked.append(text)
        if text.startswith("Switch on"):
            self.hand.load = self.kettle
            return ""
        return next(answer for word, answer in self.answers.items() if word in text)

    def run(self, *, arguments: str = "") -> None:
        given = [self.device, *arguments.split()]
        args = command_line._parser().parse_args(["calibrate", *given])
        config = ini_file.load(self.ini)
        wire = calibrate.chosen(config, args)
        calibrate.check_arguments(wire, args, is_terminal=True)
        meant = Given(
            args.voltage, args.power, args.current, args.reference or "", args.yes, args.seconds
        )
        Calibration(config, wire, self.hand, self.clock, self.ask).run(meant)

    def factor(self, option: str, wire: str = "brown") -> float:
        return of_wire(ini_file.load(self.ini).sources["mains"][option], wire)

    def is_unchanged(self) -> bool:
        return self.ini.read_text() == self.before


@pytest.fixture
def desk(ini: Path) -> Desk:
    ini.write_text(INI)
    return Desk(ini)


def test_a_kettle_and_two_numbers_find_all_three_factors(desk: Desk) -> None:
    desk.run()
    assert desk.factor("amps_per_code") == pytest.approx(TRUE_AMPS, rel=1e-4)
    assert desk.factor("volts_per_code") == pytest.approx(TRUE_VOLTS, rel=1e-4)
    assert desk.factor("phase_error") == pytest.approx(TRUE_LEAD, abs=0.01)


def test_the_factors_of_other_wires_stay_as_they_are(desk: Desk) -> None:
    desk.run()
    text = desk.ini.read_text()
    assert "amps_per_code = brown:0.0244, black:0.02, gray:0.02\n" in text
    assert "volts_per_code = brown:0.2527, black:0.25, gray:0.25\n" in text
    assert "# set by hand\nphase_error = brown:1.53, black:0, gray:0\n" in text


def test_what_else_is_on_the_wire_does_not_matter(desk: Desk) -> None:
    desk.hand.base = 300.0
    desk.run()
    assert desk.factor("amps_per_code") == pytest.approx(TRUE_AMPS, rel=1e-4)
    assert desk.factor("phase_error") == pytest.approx(TRUE_LEAD, abs=0.01)


def test_a_transformer_the_wrong_way_round_gets_the_other_sign(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.hand.turned = True
    desk.run()
    assert desk.factor("amps_per_code") == pytest.approx(-TRUE_AMPS, rel=1e-4)
    assert desk.factor("phase_error") == pytest.approx(TRUE_LEAD, abs=0.01)
    assert "sits the wrong way round, so the sign is turned" in capsys.readouterr().out


def test_a_current_serves_as_well_as_a_power(desk: Desk) -> None:
    desk.run(arguments=f"--current {2000 / SOCKET:.4f}")
    assert desk.factor("amps_per_code") == pytest.approx(TRUE_AMPS, rel=1e-4)


def test_a_reference_in_the_house_knows_voltage_and_load(desk: Desk) -> None:
    desk.run(arguments="--reference grid")
    assert desk.factor("amps_per_code") == pytest.approx(TRUE_AMPS, rel=1e-4)
    assert desk.factor("volts_per_code") == pytest.approx(TRUE_VOLTS, rel=1e-4)
    assert not [question for question in desk.asked if "What" in question]


def test_all_given_nothing_is_asked(desk: Desk) -> None:
    desk.hand.load = 2000.0
    desk.run(arguments=f"--voltage {SOCKET} --power 2000 --yes")
    assert desk.asked == []
    assert desk.factor("amps_per_code") == pytest.approx(TRUE_AMPS, rel=1e-4)


def test_the_end_is_a_table_of_before_and_after(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.run()
    row = re.search(r"power  +(\S+) \+- 0.0 W +(\S+) \+- 0.0 W", capsys.readouterr().out)
    assert row is not None
    assert float(row[1]) == pytest.approx(2000 * 0.02 * 0.25 / TRUE_AMPS / TRUE_VOLTS, rel=1e-3)
    assert float(row[2]) == pytest.approx(2000, rel=1e-3)


def test_wires_on_one_voltage_channel_share_its_factor(ini: Path) -> None:
    ini.write_text(INI.replace("brown:1, black:3", "brown:1, black:1"))
    desk = Desk(ini)
    desk.run()
    assert desk.factor("volts_per_code", "black") == pytest.approx(TRUE_VOLTS, rel=1e-4)
    assert desk.factor("volts_per_code", "gray") == 0.25


def test_without_voltage_channels_the_current_alone_is_calibrated(ini: Path) -> None:
    ini.write_text(INI.replace("voltage_channels = brown:1, black:3, gray:3\n", ""))
    desk = Desk(ini)
    desk.answers["clamp"] = f"{2000 / SOCKET:.4f} A"
    desk.run()
    assert desk.factor("amps_per_code") == pytest.approx(TRUE_AMPS, rel=1e-4)
    assert desk.factor("volts_per_code") == 0.25
    assert len(desk.asked) == 3


def test_a_small_current_is_refused_there_too(ini: Path) -> None:
    ini.write_text(INI.replace("voltage_channels = brown:1, black:3, gray:3\n", ""))
    desk = Desk(ini)
    desk.kettle = 200.0
    with pytest.raises(StationError, match=r"0\.86 A is too small"):
        desk.run(arguments="--current 0.86")
    assert desk.is_unchanged()


def test_a_word_in_place_of_a_number_is_asked_again(desk: Desk) -> None:
    replies = iter(["about 2 kW", "-5", "2000,0"])
    ask = desk.ask
    Calibration(
        ini_file.load(desk.ini),
        calibrate.chosen(
            ini_file.load(desk.ini),
            command_line._parser().parse_args(["calibrate", "mains.brown"]),
        ),
        desk.hand,
        desk.clock,
        lambda text: next(replies) if "plug" in text else ask(text),
    ).run(Given())
    assert desk.factor("amps_per_code") == pytest.approx(TRUE_AMPS, rel=1e-4)


def motor(desk: Desk) -> None:
    desk.hand.angle = 30.0


def electronics(desk: Desk) -> None:
    desk.hand.distortion = 500.0


def flicker(desk: Desk) -> None:
    desk.hand.flutter = 0.1


def lamp(desk: Desk) -> None:
    desk.kettle, desk.answers["plug"] = 60.0, "60"


def elsewhere(desk: Desk) -> None:
    desk.kettle = 0.0


def on_silence(desk: Desk) -> None:
    desk.hand.is_silent = True


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (motor, "degrees apart"),
        (electronics, "not resistive (its power factor is 0.9"),
        (flicker, "the power is not steady"),
        (lamp, "60 W is too small"),
        (elsewhere, "the load is not seen"),
        (on_silence, "no new reading: no frames"),
    ],
)
def test_what_cannot_be_used_is_refused_with_nothing_changed(
    desk: Desk, prepare: Callable[[Desk], None], sentence: str
) -> None:
    prepare(desk)
    with pytest.raises(StationError, match=re.escape(sentence)) as caught:
        desk.run()
    assert "mains.brown" in str(caught.value)
    assert desk.is_unchanged()


def test_the_last_question_may_be_answered_with_no(desk: Desk) -> None:
    desk.answers["Write"] = "no"
    desk.run()
    assert desk.is_unchanged()


@pytest.mark.parametrize("question", ["voltmeter", "Switch on", "plug", "Write"])
def test_an_interrupt_leaves_all_as_it_was(desk: Desk, question: str) -> None:
    ask = desk.ask

    def interrupted(text: str) -> str:
        if question in text:
            raise KeyboardInterrupt
        return ask(text)

    desk.ask = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        desk.run()
    assert desk.is_unchanged()


def test_a_station_that_does_not_take_it_over_is_told(desk: Desk) -> None:
    desk.hand.takes_over = False
    with pytest.raises(StationError, match="has not taken them over within 30 s"):
        desk.run()
    assert not desk.is_unchanged()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("main", "[source:main] is no section of type adc; there are: mains"),
        ("cellar.brown", "[source:cellar] is no section"),
        ("mains", "say which: mains.brown, mains.black, mains.gray"),
        ("mains.red", "say which: mains.brown"),
        ("mains.brown --reference mains.black", "cannot be its own reference"),
        ("mains.brown --reference attic", "there is no source attic"),
        ("mains.brown --reference grid --yes", "which --yes does not wait for"),
        ("mains.brown", "There is nobody to ask here: give --voltage V and --power W"),
        ("mains.brown --voltage 230 --power 2000", "give --yes (with the load switched on)"),
    ],
)
def test_what_cannot_be_meant_is_told_at_once(
    ini: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: str, sentence: str,
) -> None:  # fmt: skip
    ini.write_text(INI)
    monkeypatch.setenv("S0WEB_INI", str(ini))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert command_line.main(["calibrate", *arguments.split()]) == 2
    assert sentence in capsys.readouterr().err
    assert ini.read_text() == INI


def test_a_power_is_no_use_without_voltage_channels(ini: Path) -> None:
    ini.write_text(INI.replace("voltage_channels = brown:1, black:3, gray:3\n", ""))
    with pytest.raises(ConfigError, match="give --current instead"):
        Desk(ini).run(arguments="--power 2000")
    with pytest.raises(ConfigError, match="give --current instead"):
        Desk(ini).run(arguments="--reference grid")


# -- the arithmetic --------------------------------------------------------------------------------


def reading(power: float, reactive: float, spread: float = 0.0) -> Means:
    apparent = math.hypot(power, reactive)
    row = {"voltage": 230.0, "current": apparent / 230, "power": power,
           "reactive_power": reactive, "apparent_power": apparent}  # fmt: skip
    more = {quantity: number * (1 + spread) for quantity, number in row.items()}
    return means([row, more])


@pytest.mark.parametrize("lead", [-3.0, 0.0, 0.7, 12.0])
def test_the_angle_of_a_resistive_load_is_what_the_current_leads_by(lead: float) -> None:
    seen = reading(2000 * math.cos(math.radians(lead)), -2000 * math.sin(math.radians(lead)))
    factors = found(seen, None, Truth(power=2000))
    assert factors.lead == pytest.approx(lead, abs=1e-9)
    assert factors.amps == pytest.approx(1.0)


def test_what_was_there_before_may_not_flutter_either() -> None:
    with pytest.raises(ValueError, match="what else is on this wire is not steady"):
        found(reading(2000, 0), reading(500, 0, spread=0.5), Truth(power=1500))


# -- beside a running station ----------------------------------------------------------------------


def serving(station: Station, device: str) -> Iterator[str]:
    """A running station that serves its pages, once the device has told its power."""
    station.start()
    until(lambda: station.hub.snapshot().get(device, "power"), device)
    listening = server(create_app(station), "127.0.0.1", 0)
    thread = threading.Thread(target=listening.run)
    thread.start()
    yield f"http://127.0.0.1:{listening.effective_port}{ROOT}"
    listening.close()
    listening.task_dispatcher.shutdown()
    thread.join(5)
    station.stop()


@pytest.fixture
def served(ini: Path) -> Iterator[str]:
    """The address of a station on the simulated house, without an ADC."""
    ini.write_text(INI.partition("[source:mains]")[0])
    yield from serving(Station(ini), "grid")


def test_a_running_station_is_read_over_http(served: str, ini: Path) -> None:
    running = meter(ini_file.load(ini), served, SystemClock())
    assert isinstance(running, RunningStation)
    told = running.told("grid")
    assert told.values["voltage_l1"] == pytest.approx(232, abs=8)
    assert told.times["power"].endswith("Z")
    assert running.told("mains.brown").values == {}
    assert running.has_applied(ini_file.load(ini))


def test_a_station_with_other_settings_is_not_taken_for_ours(served: str, tmp_path: Path) -> None:
    other = tmp_path / "other.ini"
    other.write_text(INI)
    with pytest.raises(StationError, match="has other settings than"):
        meter(ini_file.load(other), served, SystemClock())


def test_a_station_that_runs_and_cannot_be_asked_is_told(ini: Path) -> None:
    ini.write_text(INI)
    lock = StateLock(ini.with_name("station.lock"))
    assert lock.take()
    try:
        with pytest.raises(StationError, match="does not answer"):
            meter(ini_file.load(ini), "http://127.0.0.1:9/s0", SystemClock())
    finally:
        lock.drop()


def test_an_address_that_is_none_is_told(ini: Path) -> None:
    ini.write_text(INI)
    with pytest.raises(StationError, match="is not an address such as"):
        meter(ini_file.load(ini), "ftp://somewhere", SystemClock())


# -- from end to end -------------------------------------------------------------------------------


class Kettle:
    """hardware.Sampler in real time: 2 kW on 231 V behind a front end that is held in the hand."""

    note = "a kettle"

    def __init__(self) -> None:
        self.load = Load(amps=2000 / 231, volts=231, lead=1.5)
        self._front = Front(amps=AMPS_PER_CODE, volts=VOLTS_PER_CODE)
        self._from = time.monotonic()
        self._closed = threading.Event()

    def read(self, seconds: float) -> list[Samples]:
        self._closed.wait(min(seconds, 0.2))
        begin, self._from = self._from, time.monotonic()
        stamps = self._front.stamps(begin, self._from - begin)
        self._from = begin + len(stamps) / self._front.rate
        return pieces(stamps, self._front.codes(stamps, self._front.phase(self.load)))

    def close(self) -> None:
        self._closed.set()


class KettleWires(HandWires):
    def __init__(self) -> None:
        super().__init__(FakeClock())

    def sampler(self, adc: Adc) -> Kettle:
        return Kettle()

    def monotonic(self) -> float:
        return time.monotonic()


ONE_WIRE = """\
[s0web]
[source:mains]
type = adc
current_channels = brown:0
voltage_channels = brown:1
amps_per_code = -0.02
volts_per_code = 0.24
"""


@pytest.fixture
def kettle(ini: Path) -> Iterator[str]:
    """A station that samples a kettle, with wrong factors, and its address."""
    ini.write_text(ONE_WIRE)
    station = Station(ini, wires=KettleWires())  # type: ignore[arg-type]
    yield from serving(station, "mains.brown")


def test_beside_a_running_station_the_command_finds_the_front_end(kettle: str, ini: Path) -> None:
    """The real command in a process of its own, over HTTP; the arithmetic is the ADC's own."""
    command = [
        *(sys.executable, "-m", "s0web", "calibrate", "mains.brown", "--url", kettle),
        *("--voltage", "231", "--power", "2000", "--yes", "--seconds", "3"),
    ]
    environment = {**os.environ, "S0WEB_INI": str(ini)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    factors = ini_file.load(ini).sources["mains"]
    found = {name: dict(factors[name])[""] for name in ("amps_per_code", "volts_per_code")}
    assert found["amps_per_code"] == pytest.approx(AMPS_PER_CODE, rel=1e-3)
    assert found["volts_per_code"] == pytest.approx(VOLTS_PER_CODE, rel=1e-3)
    assert dict(factors["phase_error"])[""] == pytest.approx(1.5, abs=0.1)
    after = re.search(r"power  .* W +(\d+\.\d) \+- ", done.stdout)
    assert after is not None
    assert float(after[1]) == pytest.approx(2000, rel=2e-3)


def test_where_no_station_runs_the_command_has_its_own(ini: Path) -> None:
    ini.write_text(INI)
    own = meter(ini_file.load(ini), "", SystemClock())
    assert isinstance(own, OwnStation)
    until(lambda: "reactive_power" in own.told("mains.brown").values, "the simulated ADC")
    assert own.has_applied(ini_file.load(ini))
    own.close()
    lock = StateLock(ini.with_name("station.lock"))
    assert lock.take()
    lock.drop()

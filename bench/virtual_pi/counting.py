"""The checks of S0 counting on a kernel's edges: pulses, power, LED, and the end of the wire."""

import os
import subprocess
import time

from bench.virtual_pi.board import (
    PER_KWH,
    PI,
    Pulses,
    meanwhile,
    refused,
    s0_input,
    toil,
    told,
    until,
    worst,
)
from s0web.hardware import Line, gpio
from s0web.model import Reading
from s0web.sources.pulse import PulseFilter

LOST: list[float] = []  # pulses, of each check that counts
ERRORS: list[float] = []  # %, the worst power of each check that measures


def an_overflow_is_counted_exactly() -> str:
    chip = gpio.ChardevEdges("", [Line(4)])
    counter = PulseFilter(0)
    Pulses([4], 1, 0.02, 0.01).rises()
    pulses = counter.feed(chip.read(0.0))
    Pulses([4], 1500, 0.001, 0.0003).rises()
    waiting = chip.read(0.0)
    pulses += counter.feed(waiting)
    Pulses([4], 1, 0.02, 0.01).rises()
    pulses += counter.feed(chip.read(0.0))
    chip.close()
    counted = sum(pulse.number for pulse in pulses)
    LOST.append(abs(1502 - counted))
    assert len(waiting) == gpio.FIFO, len(waiting)
    assert counted == 1502, counted
    return f"1,502 pulses made, {counted} counted, {len(waiting)} of 3,000 edges were kept"


def measured(what: str, count: int, period: float, width: float, threads: int) -> str:
    """Count and power of one S0 input, with so many busy threads beside it."""
    with s0_input(minimum_width_ms="2") as meter, meanwhile(toil, threads):
        pulses = Pulses([4], count, period, width)
        readings = told(meter, pulses)
    return judged(what, readings, pulses.rises())


def judged(what: str, readings: list[Reading], rises: list[int]) -> str:
    assert readings, "nothing was told"
    counted, energy = (readings[-1].values[name] for name in ("pulses", "energy_import"))
    LOST.append(abs(len(rises) - counted))
    assert counted == len(rises), f"{counted:.0f} of {len(rises)} pulses"
    assert energy == counted / PER_KWH, f"{energy} kWh"
    error = worst(readings, rises)
    ERRORS.append(error)
    assert error <= 0.1, f"power error {error:.3f} %"
    return f"{what}: {counted:.0f} of {len(rises)} pulses, {energy} kWh, power error {error:.3f} %"


def s0_at_the_limit_of_the_standard() -> str:
    return measured("16 Hz, 30/30 ms", 160, 0.06, 0.03, 0)


def s0_at_the_limit_of_the_standard_on_a_busy_machine() -> str:
    return measured("16 Hz, 30/30 ms, two busy threads", 160, 0.06, 0.03, 2)


def s0_at_100_hz() -> str:
    return measured("100 Hz, 5 ms", 400, 0.01, 0.005, 0)


def s0_at_100_hz_on_a_busy_machine() -> str:
    return measured("100 Hz, 5 ms, two busy threads", 400, 0.01, 0.005, 2)


def s0_while_the_process_is_stopped_for_3_s() -> str:
    me = os.getpid()
    script = f"sleep 1; kill -STOP {me}; sleep 3; kill -CONT {me}"
    with subprocess.Popen(["/bin/sh", "-c", script]):
        return measured("50 Hz, stopped for 3 s", 250, 0.02, 0.01, 0)


def bounce_and_noise_are_no_pulses() -> str:
    with s0_input() as meter:
        spikes = Pulses([4], 20, 0.05, 0.002)
        assert not told(meter, spikes), "a spike was counted"
        pulses = Pulses([4], 40, 0.06, 0.03, bounces=3)
        readings = told(meter, pulses)
    assert readings[-1].values["pulses_rejected"] == 20, readings[-1]
    return judged("20 spikes, then 40 pulses with 3 bounces each", readings, pulses.rises())


def an_led_blinks_with_each_pulse() -> str:
    with s0_input(blink="yes", led_pin="27") as meter, meanwhile(meter.read):
        assert not PI.value(27)
        pulses = Pulses([4], 1, 0.06, 0.03)
        until(lambda: PI.value(27), "light")
        lit = time.monotonic()
        until(lambda: not PI.value(27), "dark")
        seconds = time.monotonic() - lit
        delay = lit - pulses.rises()[0] / 1e9
    assert delay < 0.1, delay
    assert seconds < 0.4, seconds
    return f"light {delay:.3f} s after the pulse began, for {seconds:.2f} s"


def a_closed_source_lets_its_lines_go() -> str:
    with s0_input(blink="yes") as meter:
        users = [gpio.user_of(PI.path, line) for line in (4, 27)]
        meter.close()  # and once more at the end
    after = [gpio.user_of(PI.path, line) for line in (4, 27)]
    assert (users, after) == (["s0web"] * 2, [""] * 2), (users, after)
    return "lines 4 and 27 were s0web's and are free"


def a_chip_that_goes_is_an_error_and_heals() -> str:
    with s0_input() as meter:
        PI.plug(False)
        gone = refused(lambda: until(lambda: meter.read() is None, "the end of the chip"))
        meter.close()
        absent = refused(meter.open)
        PI.plug(True)
        meter.open()
        meter.read()
        readings = told(meter, Pulses([4], 3, 0.06, 0.03))
    assert "the GPIO chip is gone" in str(gone), gone
    assert readings[-1].values["pulses"] == 3, readings
    return f"{gone} | {absent} | counts again"


CHECKS = (
    an_overflow_is_counted_exactly,
    s0_at_the_limit_of_the_standard,
    s0_at_the_limit_of_the_standard_on_a_busy_machine,
    s0_at_100_hz,
    s0_at_100_hz_on_a_busy_machine,
    s0_while_the_process_is_stopped_for_3_s,
    bounce_and_noise_are_no_pulses,
    an_led_blinks_with_each_pulse,
    a_closed_source_lets_its_lines_go,
    a_chip_that_goes_is_an_error_and_heals,
)

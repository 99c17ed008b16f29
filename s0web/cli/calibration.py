"""The steps of a calibration: read, ask, read with the load, write, read again."""

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import config as ini
from ..clock import Clock
from ..config import Config
from ..energy.calibration import UNSTEADY, Found, Mean, Means, Truth, found, means
from ..energy.factors import changed, number_text, of_wire
from ..errors import StationError
from ..model import Options
from ..quantities import QUANTITIES
from .readings import LOOK, Meter, NewReadings

SECONDS = 10  # readings, one a second, of one measurement: what --seconds is without it
FIRST = 2  # readings that are left out: they may be half of before
TAKEOVER = 30.0  # s that the station may take to apply the new INI
SHOWN = ("voltage", "current", "power", "reactive_power", "apparent_power", "power_factor")
LOAD = "a kettle or a heater of 500 W or more (no motor, no dimmer)"

Ask = Callable[[str], str]


class Given(NamedTuple):
    """What need not be asked."""

    voltage: float | None = None  # V
    power: float | None = None  # W
    current: float | None = None  # A
    reference: str = ""  # a device
    yes: bool = False  # the load is on, and the INI may be written
    seconds: int = SECONDS


class Wire(NamedTuple):
    section: str
    name: str
    options: Options
    number: int  # of the section's wires, from 1

    @property
    def device(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def wires(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.options["current_channels"])

    @property
    def on_voltage(self) -> tuple[str, ...]:
        """The wires that share its voltage channel; () where none is measured."""
        channels = dict(self.options["voltage_channels"])
        return tuple(w for w in channels if channels[w] == channels[self.name]) if channels else ()


class Calibration:
    """The steps: read, ask, read with the load, write, read again."""

    def __init__(
        self, config: Config, wire: Wire, station: Meter, clock: Clock, ask: Ask | None
    ) -> None:
        self._config, self._wire, self._station = config, wire, station
        self._clock, self._ask = clock, ask
        self._seconds = SECONDS

    def run(self, given: Given) -> None:
        """StationError, and nothing changed, if it cannot be done with this load."""
        self._seconds = given.seconds
        now, there = self._measure(given.reference)
        _show(f"{self._wire.device} now, mean of {given.seconds} s and its spread:", now)
        truth = self._voltage(Truth(given.voltage, given.power, given.current), there)
        off: Means | None = None
        on = now
        if not given.yes:
            self._question(
                f"Switch on one load on this phase: {LOAD}. Switch nothing else. Then press Enter: "
            )
            (on, there_on), off = self._measure(given.reference), now
            _show(f"{self._wire.device} with the load:", on)
            truth = self._load(truth, there, there_on)
        try:
            factors = found(on, off, truth)
        except ValueError as error:
            raise StationError(f"{self._wire.device}: {error} Nothing was changed.") from error
        changes = self._changes(factors)
        for option, text in changes.items():
            print(f"  {option}: {_text_of(self._wire.options[option])} -> {text}")
        if factors.amps < 0:
            print("  The transformer sits the wrong way round, so the sign is turned.")
        if not given.yes and self._question("Write this to the INI (yes or no)? ").lower() not in (
            "y",
            "yes",
        ):
            print("Nothing was changed.")
            return
        self._write(changes)
        after, _ = self._measure()
        _compare(on, after)

    def _measure(self, reference: str = "") -> tuple[Means, Means]:
        """Means of the wire over some readings of a second each, and of what the reference told
        anew meanwhile.
        """
        ours = NewReadings(self._station, self._wire.device, "current", self._clock)
        theirs = NewReadings(self._station, reference, "power", self._clock)
        while len(ours.rows) < FIRST + self._seconds or (reference and not theirs.rows):
            ours.look()
            if reference and len(ours.rows) >= FIRST:
                theirs.look()
            self._clock.wait(threading.Event(), LOOK)
        found = means([{q: row[q] for q in SHOWN if q in row} for row in ours.rows[FIRST:]])
        if self._wire.on_voltage and "reactive_power" not in found:
            raise StationError(
                f"{self._wire.device}: its power cannot be measured: "
                f"{ours.trouble or 'it has no voltage'}."
            )
        return found, means(theirs.rows)

    def _voltage(self, truth: Truth, there: Means) -> Truth:
        if not self._wire.on_voltage:
            return truth._replace(voltage=None)
        if truth.voltage is None and there:
            phase = there.get(f"voltage_l{self._wire.number}", there.get("voltage"))
            if phase is None:
                raise StationError("The reference tells no voltage: give --voltage too.")
            print(f"The reference has {phase.value:.1f} V.")
            return truth._replace(voltage=phase.value)
        if truth.voltage is None:
            text = "What does a voltmeter show on this phase, in V? "
            return truth._replace(voltage=self._number(text, "V"))
        return truth

    def _load(self, truth: Truth, off: Means, on: Means) -> Truth:
        """What the load takes: given, the reference's change, or asked for."""
        if truth.power or truth.current:
            return truth
        if on and self._wire.on_voltage:
            if "power" not in on or "power" not in off:
                raise StationError("The reference tells no power: give --power or --current too.")
            power = on["power"].value - off["power"].value
            if max(on["power"].spread, off["power"].spread) > UNSTEADY * abs(power):
                raise StationError(
                    "The power of the reference is not steady: switch off what changes, on all "
                    "phases. Nothing was changed."
                )
            print(f"The reference has {power:.0f} W more than before.")
            return truth._replace(power=power)
        if self._wire.on_voltage:
            text = "What does the load take, by a meter at its plug, in W? "
            return truth._replace(power=self._number(text, "W"))
        text = "What does a clamp meter show on this wire, in A? "
        return truth._replace(current=self._number(text, "A"))

    def _changes(self, factors: Found) -> dict[str, str]:
        """The new texts of the options; the factors of other wires stay."""
        name, of, wires = self._wire.name, self._wire.options, self._wire.wires
        amps = of_wire(of["amps_per_code"], name) * factors.amps
        changes = {"amps_per_code": changed(of["amps_per_code"], wires, {name: amps})}
        if self._wire.on_voltage:
            volts = of_wire(of["volts_per_code"], name) * factors.volts
            lead = round(of_wire(of["phase_error"], name) + factors.lead, 2)
            every = dict.fromkeys(self._wire.on_voltage, volts)
            changes["volts_per_code"] = changed(of["volts_per_code"], wires, every)
            changes["phase_error"] = changed(of["phase_error"], wires, {name: lead})
        return changes

    def _write(self, changes: Mapping[str, str]) -> None:
        """Save, and wait until the station has taken it over."""
        saved = ini.save(self._config.path, {f"source:{self._wire.section}": changes})
        print(f"Written to {self._config.path}; waiting until the station has taken it over.")
        end = self._clock.monotonic() + TAKEOVER
        while not self._station.has_applied(saved):
            if self._clock.monotonic() > end:
                raise StationError(
                    f"The factors are written to {self._config.path}, but the station has not "
                    f"taken them over within {TAKEOVER:.0f} s; see /s0/config."
                )
            self._clock.wait(threading.Event(), LOOK)

    def _number(self, text: str, unit: str) -> float:
        """Ask until there is a number."""
        while True:
            answer = self._question(text).removesuffix(unit).strip()
            try:
                return positive(answer)
            except ValueError as error:
                print(f"{error}; Ctrl-C ends it and changes nothing.")

    def _question(self, text: str) -> str:
        if self._ask is None:
            raise StationError("There is nobody to ask here. Nothing was changed.")
        try:
            return self._ask(text).strip()
        except EOFError as error:
            raise StationError("There is nobody to ask here. Nothing was changed.") from error


def positive(text: str) -> float:
    """A number above 0, with a point or a comma; ValueError says what is wrong."""
    if re.fullmatch(r"[0-9]{1,6}([.,][0-9]{1,6})?", text):
        number = float(text.replace(",", "."))
        if number > 0:
            return number
    raise ValueError(f"{text!r} is no number above 0")


def _text_of(factors: Any) -> str:
    rows = [f"{wire}:{number_text(of)}" if wire else number_text(of) for wire, of in factors]
    return ", ".join(rows)


def _shown(quantity: str, mean: Mean) -> str:
    digits, unit = QUANTITIES[quantity].digits, QUANTITIES[quantity].unit
    number = f"{mean.value:.{max(digits, 1)}f} +- {mean.spread:.{max(digits, 1)}f}"
    return f"{number} {unit}".rstrip()


def _show(title: str, of: Means) -> None:
    print(title)
    for quantity in filter(of.__contains__, SHOWN):
        print(f"  {quantity:<16}{_shown(quantity, of[quantity])}")


def _compare(before: Means, after: Means) -> None:
    """The table at the end."""
    print(f"{'':<18}{'before':<24}after")
    for quantity in filter(before.__contains__, SHOWN):
        now = _shown(quantity, after[quantity]) if quantity in after else "not known"
        print(f"  {quantity:<16}{_shown(quantity, before[quantity]):<24}{now}")

"""The OPTIONS table: every option of the INI file, once.

It parses and checks the file, draws the dialog, writes the comments of a new file and makes the
options table in docs. A scope is a section ("web") or a family with a driver's type ("source.p1").
"""

from . import options_contracts, options_house, options_sinks, options_switches
from .option import Option
from .registry import METERS

_PARTS = (options_house, options_sinks, options_contracts, options_switches)

SCOPES = {
    "s0web": "The station",
    "web": "Pages and API",
    "log": "Messages",
    "archive": "The archive",
    "source.s0": "S0 pulse counter on a GPIO pin",
    "source.p1": "P1 port of a digital meter",
    "source.modbus": "Modbus meter on RS-485 or a gateway",
    "source.adc": "Currents and voltages sampled by an ADC",
    "source.remote": "A point that another station measures",
}
for _part in _PARTS:
    SCOPES |= _part.SCOPES

_OWN: dict[str, tuple[Option, ...]] = {
    "s0web": (
        Option("simulate", "yesno", "no", "Use the simulated house in place of all wires."),
        Option("timezone", "zone", "", "Local time zone, such as Europe/Brussels; empty: the machine's."),
        Option(
            "save_interval", "number", "60",
            "How often counters that changed are saved (also at every full kWh and at stop).",
            "s", 1, 3600,
        ),
        Option(
            "compare", "groups", "",
            "Devices that measure the same line: grid, mains; main, cellar. Where they differ for long, "
            "the station says so and what the reason may be.",
        ),
        Option("compare_tolerance", "number", "3", "How much they may differ.", "%", 0.1, 50, advanced=True),
        Option(
            "simulated_days", "integer", "0",
            "With simulate = yes: how much of the past the archive is filled with, once.", "days", 0, 400, advanced=True,
        ),
    ),
    "web": (
        Option("title", "text", "s0web", "Name shown on the pages."),
        Option("language", "choice", "auto", "Language of the pages; auto: the browser's.", choices=("auto", "en", "nl", "fr", "de")),
        Option(
            "allowed_hosts", "names", "",
            "Further names by which browsers may reach the station; addresses, names without a dot and "
            ".local, .lan, .home.arpa, .fritz.box names are always allowed.",
        ),
        Option(
            "admin_password", "hash", "",
            "Salted hash of the admin password; set it with: s0web passwd", advanced=True,
        ),
    ),
    "log": (
        Option("level", "choice", "info", "What is worth a line.", choices=("debug", "info", "warning", "error")),
        Option("target", "choice", "stderr", "Where messages go (under Apache stderr is its error log).",
               choices=("stderr", "journal", "file")),
        Option("file", "text", "", "Log file, for target = file."),
        Option("size", "integer", "1000000", "A log file is rotated at this size.", "bytes", 10_000, 1_000_000_000),
        Option("keep", "integer", "3", "Rotated log files kept.", "", 0, 100),
    ),
    "archive": (
        Option("path", "text", "", "Folder of the archive; empty: beside this file, as is a relative one. /dev/shm/s0web: nothing "
               "is written to the card, and a power cut costs all history.", advanced=True),
        Option("flush", "number", "60", "How often what is new is brought to disk; a power cut costs at most so much.", "s", 1,
               3600),
        Option("keep", "number", "731", "How long every value is kept; quarter hours are kept for ever.", "days", 1, 36_500),
        Option("backlog", "number", "256", "Room for what sinks that are away have still to get; with more, the oldest of it "
               "is thinned to quarter hours.", "MB", 1, 100_000, advanced=True),
    ),
    "source.s0": (
        Option("pin", "integer", None, "GPIO number of the input.", "", 0, 511),
        Option("numbering", "choice", "bcm", "How pins are numbered: bcm (GPIO number, line of the chip) or board "
               "(position on the 40-pin header).", choices=("bcm", "board")),
        Option("chip", "text", "", "GPIO chip: a label or a path such as /dev/gpiochip1; empty: a Raspberry Pi's "
               "is found.", advanced=True),
        Option("measures", "choice", "energy", "What a pulse stands for.", choices=("energy", "gas", "water")),
        Option("pulses_per_kwh", "number", "1000", "Pulses for one kWh (energy).", "", 0.001, 1_000_000),
        Option("pulses_per_m3", "number", "100", "Pulses for one m3 (gas, water).", "", 0.001, 1_000_000),
        Option("minimum_width_ms", "number", "15", "Shorter pulses are noise.", "ms", 0, 10_000, advanced=True),
        Option("pull", "choice", "down", "Bias of the input.", choices=("down", "up", "none"), advanced=True),
        Option("zero_after", "number", "1800", "Power is 0 when no pulse came for so long.", "s", 10, 86_400,
               advanced=True),
        Option("blink", "yesno", "no", "Blink an LED with every pulse."),
        Option("led_pin", "integer", "27", "GPIO number of the LED.", "", 0, 511),
    ),
    "source.p1": (
        Option("port", "text", None, "Serial port, best by /dev/serial/by-id/..., or socket://host:port."),
        Option("baud", "integer", "0", "Line speed; 0: found by itself (115200, then 9600).", "bit/s", 0, 1_000_000,
               advanced=True),
        Option("patience", "number", "30", "Without a telegram for so long the values are shown as old.", "s", 3, 3600,
               advanced=True),
    ),
    "source.modbus": (
        Option("port", "text", None, "Serial port, best by /dev/serial/by-id/...; behind a network socket://host:port "
               "(RTU over TCP) or tcp://host:502 (Modbus TCP)."),
        Option("model", "choice", None, "Model of the meter; docs/meters.md tells which is which.", choices=tuple(METERS)),
        Option("unit", "integer", "1", "Modbus address of the meter.", "", 1, 247),
        Option("baud", "integer", "9600", "Line speed, the same for all meters of a port.", "bit/s", 300, 1_000_000),
        Option("parity", "choice", "N", "Parity, the same for all meters of a port: none, even, odd.",
               choices=("N", "E", "O")),
        Option("stopbits", "integer", "1", "Stop bits.", "", 1, 2, advanced=True),
        Option("interval", "number", "5", "How often the meter is read.", "s", 0.1, 86_400),
        Option("intervals", "intervals", "", "Other intervals for some quantities: current*:5, energy*:300, "
               "thd*:never; the first that fits counts.", "s", 0.1, 1_000_000, advanced=True),
        Option("fast_interval", "number", "1", "Interval of all quantities in fast mode.", "s", 0.1, 3600, advanced=True),
        Option("fast_seconds", "number", "120", "How long fast mode lasts.", "s", 1, 86_400, advanced=True),
        Option("timeout", "number", "0.3", "How long the meter may take to begin its answer.", "s", 0.02, 10,
               advanced=True),
        Option("pause_ms", "number", "-1", "Silence before a request to this meter; -1: what the model needs.", "ms",
               -1, 2000, advanced=True),
        Option("bus_pause_ms", "number", "10", "Silence when another meter was asked before.", "ms", 0, 2000,
               advanced=True),
        Option("most_registers", "integer", "0", "Registers read at once; 0: what the model allows, and fewer if it "
               "refuses.", "", 0, 125, advanced=True),
        Option("patience", "number", "30", "Without a reading for so long the values are shown as old.", "s", 3, 86_400,
               advanced=True),
    ),
    "source.adc": (
        Option("current_channels", "channels", None, "Wires and their current channels: brown:0, black:2, gray:4.", "",
               0, 7),
        Option("voltage_channels", "channels", "", "The voltage channel of each wire: brown:1, black:3, gray:5; wires "
               "may share one. Empty: the voltage is not measured.", "", 0, 7),
        Option("amps_per_code", "factors", "0.01778", "A for one step of the ADC, for all wires or each: brown:0.018, "
               "black:0.0178; an mcp3008 has steps four times as large. Found by: s0web calibrate", "A", -100, 100),
        Option("volts_per_code", "factors", "0.2527", "V for one step of the ADC.", "V", -100, 100),
        Option("phase_error", "factors", "0", "By how much the current seems to lead the voltage because of the "
               "transformers.", "deg", -90, 90),
        Option("voltage", "text", "230", "Without voltage channels: the voltage in V, or a device of this station that "
               "measures it."),
        Option("power_factor", "number", "1", "Without voltage channels: the power factor to assume.", "", 0, 1),
        Option("spi", "spidev", "0.0", "SPI bus and device: 0.0 is /dev/spidev0.0."),
        Option("chip", "choice", "mcp3208", "The converter.", choices=("mcp3208", "mcp3204", "mcp3008")),
        Option("samples_per_wave", "integer", "60", "Frames in one mains period.", "", 16, 200, advanced=True),
        Option("frequency", "number", "50", "Nominal mains frequency.", "Hz", 45, 65, advanced=True),
        Option("speed", "integer", "1250000", "SPI clock.", "Hz", 10_000, 4_000_000, advanced=True),
        Option("noise", "number", "0.7", "Noise of the ADC, rms, in steps of 12 bit; its power is taken off.", "", 0, 20,
               advanced=True),
        Option("patience", "number", "5", "Without samples for so long the values are shown as old.", "s", 2, 3600,
               advanced=True),
    ),
    "source.remote": (
        Option("point", "text", "", "Its name in /state/<point>; empty: the section's name."),
        Option("allowed", "addresses", "", "Addresses from which it may be told (PUT) without a token: 192.168.1.20, "
               "192.168.2.0/24."),
        Option("token", "secret", "", "Token with which others may tell it (Authorization: Bearer ...)."),
        Option("url", "text", "", "Or ask another station for it: http://192.168.1.20/state/Mains. Empty: wait to "
               "be told."),
        Option("interval", "number", "5", "How often the url is asked.", "s", 1, 3600),
        Option("patience", "number", "30", "Without a state for so long the values are shown as old.", "s", 3, 86_400,
               advanced=True),
    ),
}  # fmt: skip
OPTIONS = dict(_OWN)
for _part in _PARTS:
    OPTIONS |= _part.OPTIONS


def scope_of(section: str, source_type: str = "") -> str:
    """The scope of a section: "web" -> "web", "source:grid" of type p1 -> "source.p1"; unknown ->
    "", and so is "source.p1", which is no section.
    """
    family, colon, name = section.partition(":")
    if not colon:
        return section if section in OPTIONS and "." not in section else ""
    scope = f"{family}.{source_type}"
    return scope if name and scope in OPTIONS else ""


def types_of(family: str) -> tuple[str, ...]:
    """The driver types of a family: "source" -> ("s0", "p1")."""
    return tuple(s.partition(".")[2] for s in OPTIONS if s.startswith(family + "."))

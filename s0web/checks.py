"""What only several options together can get wrong: a pin in use twice, a channel not there."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from .checks_bot import bot
from .checks_contracts import contracts
from .checks_house import house
from .checks_switches import switches
from .errors import Problem
from .hardware.pins import offset_of
from .meters.peer import place
from .model import Options
from .registry import METERS, SINKS, load

Sections = Mapping[str, Options]
CHANNELS = {"mcp3208": 8, "mcp3204": 4, "mcp3008": 8}
OWN_SINKS = ("cache", "recent", "compare", "archive")
SHARED = {  # options of a wire: all sections on it must have the same
    "modbus": ("port", ("baud", "parity", "stopbits")),
    "adc": ("spi", ("chip", "speed", "samples_per_wave", "frequency")),
}


def together(path: Path, sections: Sections) -> Iterator[Problem]:
    """Every such mistake in sections whose options are right each by itself."""
    yield from _claims(sections)
    yield from _shared(sections)
    yield from _converters(sections)
    for name in OWN_SINKS:
        if f"sink:{name}" in sections:
            yield Problem(
                f"sink:{name}", "", "is a name that the station itself uses; take another."
            )
    for name, options in sections.items():
        if options.get("type") == "adc":
            yield from _channels(name, options)
            yield from _voltage(sections, name, options)
        if options.get("type") == "push":
            yield from _device(sections, name, "device", str(options["device"]))
        if options.get("type") == "modbus":
            yield from _patterns(name, options)
        if options.get("type") in ("remote", "push") and options["url"]:
            yield from _url(name, str(options["url"]))
        if options.get("type") in ("csv", "influx", "mysql", "postgresql"):
            yield from _kept(sections, name, options)
    for group in sections["s0web"]["compare"]:
        for device in group:
            yield from _compared(sections, device)
    yield from _log(path, sections["log"])
    yield from house(sections)
    yield from switches(sections)
    yield from contracts(sections)
    yield from bot(sections)


def _claims(sections: Sections) -> Iterator[Problem]:
    """Sections may share a chip or a bus, but not a pin, a port or a meter's address."""
    seen: dict[tuple[object, ...], str] = {}
    buses: dict[str, str] = {}  # port -> the first section of its bus
    for name, options in sections.items():
        claims: list[tuple[str, tuple[object, ...]]] = []
        kind = options.get("type")
        if kind == "p1":
            claims.append(("port", ("port", options["port"])))
        elif kind == "modbus":
            claims.append(("unit", ("unit", options["port"], options["unit"])))
            bus = buses.setdefault(str(options["port"]), name)
            if (other := seen.setdefault(("port", options["port"]), bus)) != bus:
                yield Problem(name, "port", f"is in use by [{other}] already.")
        elif kind == "s0":
            pins = ("pin", "led_pin") if options["blink"] else ("pin",)
            for option in pins:
                try:
                    offset = offset_of(options[option], options["numbering"])
                except ValueError as error:
                    yield Problem(name, option, f"{error}.")
                    continue
                claims.append((option, (options["chip"], offset)))
        elif kind == "remote":
            claims.append(("point", ("point", options["point"] or name.partition(":")[2])))
            yield from _point(sections, name, str(options["point"]))
        elif kind == "csv":
            claims.append(("file_prefix", ("csv", options["file_path"], options["file_prefix"])))
        for option, claim in claims:
            if (other := seen.setdefault(claim, name)) != name:
                yield Problem(name, option, f"is in use by [{other}] already.")


def _point(sections: Sections, name: str, point: str) -> Iterator[Problem]:
    """A point is one step of an address, and hides no device of this station."""
    if "/" in point or point in (".", ".."):
        yield Problem(name, "point", f"'{point}' cannot stand in an address /state/<point>.")
    if point and f"source:{point}" in sections and name != f"source:{point}":
        yield Problem(name, "point", f"[source:{point}] has this name already.")


def _shared(sections: Sections) -> Iterator[Problem]:
    """All meters of a bus hear the same line; all points of a converter are sampled alike."""
    first: dict[tuple[str, object], str] = {}
    for name, options in sections.items():
        wire, settings = SHARED.get(str(options.get("type")), ("", ()))
        if not wire:
            continue
        other = first.setdefault((options["type"], options[wire]), name)
        for option in settings:
            if options[option] != sections[other][option]:
                yield Problem(
                    name,
                    option,
                    f"is {options[option]}, but [{other}] on the same {wire} has "
                    f"{sections[other][option]}; give both the same.",
                )


def _converters(sections: Sections) -> Iterator[Problem]:
    """A channel of a converter is the current of one wire, or a voltage for whoever wants it."""
    points = {name: of for name, of in sections.items() if of.get("type") == "adc"}
    currents: dict[tuple[str, int], str] = {}  # converter, channel -> section
    for option in ("current_channels", "voltage_channels"):
        for name, options in points.items():
            for wire, channel in options[option]:
                place = options["spi"], channel
                if option == "current_channels":
                    currents.setdefault(place, name)
                if (other := currents.get(place, name)) != name:
                    text = f"{wire}: channel {channel} is a current of [{other}]."
                    yield Problem(name, option, text)


def _channels(name: str, options: Options) -> Iterator[Problem]:
    currents, voltages = dict(options["current_channels"]), dict(options["voltage_channels"])
    most = CHANNELS[options["chip"]] - 1
    for option, channels in (("current_channels", currents), ("voltage_channels", voltages)):
        for wire, channel in channels.items():
            if channel > most:
                text = f"{wire}: the {options['chip']} has channels 0 to {most}, not {channel}."
                yield Problem(name, option, text)
    taken: dict[int, str] = {}
    for wire, channel in currents.items():
        if (other := taken.setdefault(channel, wire)) != wire:
            text = f"{wire} and {other} cannot both be channel {channel}."
            yield Problem(name, "current_channels", text)
        if channel in voltages.values():
            text = f"{wire}: channel {channel} is a voltage channel."
            yield Problem(name, "current_channels", text)
    for wire in currents.keys() ^ voltages.keys() if voltages else ():
        where = "voltage" if wire in currents else "current"
        yield Problem(name, f"{where}_channels", f"{wire} has no {where} channel.")
    for option in ("amps_per_code", "volts_per_code", "phase_error"):
        for wire in dict(options[option]).keys() - currents.keys() - {""}:
            yield Problem(name, option, f"there is no wire {wire} in current_channels.")
        for wire in currents.keys() - dict(options[option]).keys() if options[option] else ():
            if "" not in dict(options[option]):
                yield Problem(name, option, f"{wire} is missing.")
        if not options[option]:
            yield Problem(name, option, "must not be empty.")
        if option != "phase_error" and 0 in dict(options[option]).values():
            yield Problem(name, option, "must not be 0; s0web calibrate finds it.")


def _patterns(name: str, options: Options) -> Iterator[Problem]:
    """A pattern that fits nothing is a slip."""
    quantities = load(METERS, options["model"]).quantities
    for pattern, _ in options["intervals"]:
        if not any(fnmatchcase(quantity, pattern) for quantity in quantities):
            text = f"{pattern} fits no quantity of the {options['model']}; see docs/quantities.md."
            yield Problem(name, "intervals", text)


def _kept(sections: Sections, name: str, options: Options) -> Iterator[Problem]:
    """What a sink itself finds wrong, and a device that is not there."""
    for option, text in load(SINKS, options["type"]).wrong(options):
        yield Problem(name, option, text)
    if options["device"]:
        yield from _device(sections, name, "device", str(options["device"]))


def _url(name: str, url: str) -> Iterator[Problem]:
    try:
        place(url)
    except ValueError as error:
        yield Problem(name, "url", f"{error}.")


def _voltage(sections: Sections, name: str, options: Options) -> Iterator[Problem]:
    """Where no voltage is measured, it is a number of V or told by a device."""
    text = str(options["voltage"])
    if options["voltage_channels"]:
        return
    try:
        volts = float(text.replace(",", "."))
    except ValueError:
        if name == f"source:{text.partition('.')[0]}":
            yield Problem(name, "voltage", "must come from another source, or be a number of V.")
        yield from _device(sections, name, "voltage", text)
        return
    if not 20 <= volts <= 500:
        yield Problem(name, "voltage", f"{text} V is out of range, it must be 20 to 500 V.")


def _device(sections: Sections, name: str, option: str, device: str) -> Iterator[Problem]:
    """What is named must be a device of this station, or a wire of one (mains.brown)."""
    source, _, wire = device.partition(".")
    options = sections.get(f"source:{source}")
    if options is None:
        yield Problem(name, option, f"there is no source {device}.")
    elif options["type"] == "adc" and wire and wire not in dict(options["current_channels"]):
        yield Problem(name, option, f"{source} has no wire {wire}.")


def _compared(sections: Sections, device: str) -> Iterator[Problem]:
    """Only energies are compared."""
    yield from _device(sections, "s0web", "compare", device)
    measures = sections.get(f"source:{device}", {}).get("measures", "energy")
    if measures != "energy":
        yield Problem("s0web", "compare", f"{device} counts {measures}, not energy.")


def _log(path: Path, log: Options) -> Iterator[Problem]:
    """The log may not be written into the state folder's own files."""
    own = {path.resolve(), path.with_name("station.lock").resolve()}
    if log["target"] == "file" and Path(log["file"] or "s0web.log").resolve() in own:
        yield Problem("log", "file", "is a file that s0web itself needs; take another.")

"""What the sections of switches get wrong together: a pin in use, thresholds that contradict."""

from collections.abc import Iterator, Mapping

from .energy.loads import Load, load_of
from .errors import Problem
from .hardware.lan import place_of
from .hardware.pins import offset_of
from .model import Options

Sections = Mapping[str, Options]
HOSTS = {"shelly": ("host",), "tasmota": ("host",), "http": ("on_url", "off_url")}


def switches(sections: Sections) -> Iterator[Problem]:
    """Every such mistake in sections whose options are right each by itself."""
    yield from _pins(sections)
    for section, options in sections.items():
        family, _, name = section.partition(":")
        if family != "switch":
            continue
        for option in HOSTS.get(str(options["type"]), ()):
            try:
                place_of(str(options[option]))
            except ValueError as error:
                yield Problem(section, option, f"{error}.")
        if options["type"] == "mqtt" and set("+#") & set(options["command_topic"]):
            yield Problem(section, "command_topic", "a topic to be written has neither + nor #.")
        try:
            load = load_of(name, options)
        except ValueError as error:
            yield Problem(section, "hours", f"{error}.")
            continue
        if load.needs_meter and not sections["house"]["grid"]:
            text = f"{load.rule} needs the meter at the grid: say in [house] which device it is."
            yield Problem(section, "rule", text)
        if load.rule == "peak" and not sections["peak"]["enabled"]:
            yield Problem(section, "rule", "peak needs enabled = yes in [peak].")
        yield from _thresholds(section, load, options)


def _thresholds(section: str, load: Load, options: Options) -> Iterator[Problem]:
    percent = [option for option in ("on", "off") if options[option].is_percent]
    if load.rule == "price" and percent:
        yield Problem(section, percent[0], "for rule = price it is EUR/kWh, such as 0.15.")
        return
    if load.rule in ("price", "import") and load.off < load.on:
        what = "a price" if load.rule == "price" else "W taken from the grid"
        text = f"for rule = {load.rule} it is {what}, and at least that of on ({load.on:g})."
        yield Problem(section, "off", text)
    if load.rule in ("export", "peak") and load.off > load.on:
        yield Problem(section, "off", f"it must not be more than that of on ({load.on:g} W).")
    if load.rule == "clock" and not load.hours:
        yield Problem(section, "hours", "say when it is to be on: 22:00-06:00.")
    if load.daily_minimum > load.daily_maximum:
        yield Problem(section, "daily_minimum", "it is more than daily_maximum.")


def _pins(sections: Sections) -> Iterator[Problem]:
    """No pin is a relay's and something else's."""
    seen: dict[tuple[str, int], str] = {}
    for section, options in sections.items():
        family, kind = section.partition(":")[0], options.get("type")
        if (family, kind) not in (("switch", "gpio"), ("source", "s0")):
            continue
        is_blinking = kind == "s0" and options["blink"]
        for option in ("pin", "led_pin") if is_blinking else ("pin",):
            try:
                line = str(options["chip"]), offset_of(int(options[option]), options["numbering"])
            except ValueError as error:
                if kind == "gpio":
                    yield Problem(section, option, f"{error}.")
                continue
            other = seen.setdefault(line, section)
            if other != section and "switch:" in section + other:
                yield Problem(section, option, f"is in use by [{other}] already.")

"""What the sections of the house can get wrong together: a device not there, a name twice."""

from collections.abc import Iterator, Mapping

from .errors import Problem
from .model import Options

Sections = Mapping[str, Options]
ROLES = ("grid", "battery", "car", "gas", "water")
OWN = (
    "costs",
    "daily",
    "peak",
    "prices",
    "rules",
    "station",
)  # names of what the station itself tells


def house(sections: Sections) -> Iterator[Problem]:
    """Every such mistake in sections whose options are right each by itself."""
    options = sections["house"]
    for role in ROLES:
        yield from _device(sections, role, options[role])
    for device in options["solar"]:
        yield from _device(sections, "solar", device)
    yield from _daily(sections)
    for section in sections:
        family, _, name = section.partition(":")
        if family == "switch" and f"source:{name}" in sections:
            yield Problem(section, "", f"[source:{name}] has this name already; take another.")
        if name in OWN and (family == "switch" or (family == "source" and _derives(sections))):
            yield Problem(section, "", "is a name that the station itself uses; take another.")


def _device(sections: Sections, role: str, device: str) -> Iterator[Problem]:
    if device and f"source:{device.partition('.')[0]}" not in sections:
        yield Problem("house", role, f"there is no source {device}.")


def _daily(sections: Sections) -> Iterator[Problem]:
    """What the files of each day are made of must be there."""
    daily = sections["daily"]
    if daily["folder"] and not sections["house"]["grid"]:
        yield Problem("daily", "folder", "needs the grid meter: name it with grid in [house].")
    if daily["log"] and sections["log"]["target"] != "file":
        yield Problem("daily", "log", "needs a log file: set target = file in [log].")


def _derives(sections: Sections) -> bool:
    """Whether anything is derived at all."""
    is_priced = sections["prices"]["provider"] != "none"
    return (
        bool(sections["house"]["grid"])
        or is_priced
        or any(section.startswith(("contract:", "switch:")) for section in sections)
    )

"""EnergyMonitor's state of a point: the JSON that one station PUTs to another or answers to a GET.

    {"point": "Mains", "time": 1584108000.25,                      1
     "brown": {"current": 3.913, "voltage": 230.1, "power": 900.4}, 2
     "current": 3.913, "voltage": 230.1, "power": 900}             3

1. The point's name; when it was, in seconds since 1970.
2. Each wire, by any name: A, V and W, import positive; null: not measured.
3. All wires together: the sum, the mean and the sum.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ..errors import FrameError
from ..model import Reading, Value
from ..option import RESERVED, WIRE
from ..quantities import PHASES

MOST_BYTES = 16 * 1024  # of a state
MOST_WIRES = 24
CLOCK_OFF = 60.0  # s; a stamp further away is that of a wrong clock
EARLIEST, AHEAD = datetime(2000, 1, 1, tzinfo=UTC).timestamp(), 86_400.0  # s: what no clock shows
KEYS = ("current", "voltage", "power")
LIMITS = {"current": (-1e4, 1e4), "voltage": (0.0, 1e3), "power": (-1e7, 1e7)}  # A, V, W of a house
DIGITS = {"current": 3, "voltage": 1, "power": 4}  # as EnergyMonitor rounds
BEHIND = "the clock of the other station is {}; its states get the time at which they arrive"

Numbers = Mapping[str, float]  # those of KEYS that are known


class State(NamedTuple):
    point: str
    time: float  # s since 1970
    wires: Mapping[str, Numbers]
    total: Numbers


# -- what another station says ---------------------------------------------------------------------


def parse(data: bytes, complete: bool = True) -> State:
    """The state in a body; FrameError says in a sentence what is wrong with it.

    `complete`: each key has to be there, as a PUT has them; an answer may leave out what is not
    measured, but never the power of all.
    """
    if len(data) > MOST_BYTES:
        raise FrameError(f"It is {len(data)} bytes long; a state has at most {MOST_BYTES}.")
    body = _object(data)
    for key in ("point", "time"):
        if key not in body:
            raise FrameError(f"{key} is missing.")
    if not isinstance(body["point"], str) or not body["point"]:
        raise FrameError(f"point: {_shown(body['point'])} is not a name in quotes.")
    names = [key for key in body if key not in ("point", "time", *KEYS)]
    if len(names) > MOST_WIRES:
        raise FrameError(f"There are {len(names)} wires; a point has at most {MOST_WIRES}.")
    wires = {name: _wire(name, body[name], complete) for name in names}
    time = _number("time", body["time"], -1e15, 1e15)
    return State(body["point"], time, wires, _numbers("", body, complete))


def readings(state: State, device: str, arrived: datetime) -> list[Reading]:
    """What a state tells of the device, and of each wire (mains.brown).

    A stamp more than 60 s off comes from a wrong clock: the time of arrival stands in for it, and
    the label `note` says so. FrameError for what no clock shows: before 2000, or a day ahead.
    """
    if not EARLIEST <= state.time <= arrived.timestamp() + AHEAD:
        raise FrameError(
            f"time: {state.time:.15g} is no moment of our days; it counts seconds since 1970."
        )
    time, labels = datetime.fromtimestamp(state.time, UTC), {}
    if is_off(state, arrived):
        how = "more than a minute " + ("ahead" if time > arrived else "behind")
        time, labels = arrived, {"note": BEHIND.format(how)}
    wires = (Reading(f"{device}.{name}", time, of) for name, of in state.wires.items() if of)
    return [Reading(device, time, state.total, labels), *wires]


def is_off(state: State, arrived: datetime) -> bool:
    return abs(state.time - arrived.timestamp()) > CLOCK_OFF


# -- what this station says ------------------------------------------------------------------------


def state_of(
    values: Mapping[str, Mapping[str, Value]], device: str, point: str = ""
) -> State | None:
    """What is known of a device, under the point's name; None where no power is.

    Wires are what hangs on it (mains.brown), else its phases.
    """
    own = values.get(device, {})
    if "power" not in own:
        return None
    wires = _hanging(values, device, own["power"]) or _phases(own)
    total = {key: own[key].number for key in KEYS if key in own}
    for key in KEYS[:2]:
        known = [wire[key] for wire in wires.values() if key in wire]
        if key not in total and known and len(known) == len(wires):
            total[key] = sum(known) / (len(known) if key == "voltage" else 1)
    return State(point or device, own["power"].time.timestamp(), wires, total)


def document(state: State, complete: bool = False) -> dict[str, Any]:
    """The state as JSON is made from it, rounded as EnergyMonitor does.

    `complete`: for a PUT; wires of which something is not known are left out, and what is not known
    of all together is null.
    """
    wires = {
        name: {key: round(wire[key], DIGITS[key]) for key in KEYS if key in wire}
        for name, wire in state.wires.items()
        if not complete or len(wire) == len(KEYS)
    }
    total: dict[str, float | None] = {
        key: round(state.total[key], DIGITS[key]) if key in state.total else None
        for key in KEYS
        if complete or key in state.total
    }
    total["power"] = round(state.total["power"])
    return {"point": state.point, "time": state.time, **wires, **total}


def _hanging(
    values: Mapping[str, Mapping[str, Value]], device: str, whole: Value
) -> dict[str, Numbers]:
    """The wires of a device, without those that are no longer told when the whole is."""
    found: dict[str, Numbers] = {}
    for name, of in values.items():
        if name.startswith(f"{device}.") and "power" in of and of["power"].time >= whole.time:
            found[name.partition(".")[2]] = {key: of[key].number for key in KEYS if key in of}
    return found


def _phases(own: Mapping[str, Value]) -> dict[str, Numbers]:
    found: dict[str, Numbers] = {}
    for phase in PHASES:
        wire = {key: own[f"{key}_{phase}"].number for key in KEYS if f"{key}_{phase}" in own}
        if wire:
            found[phase] = wire
    return found


# -- reading JSON that anyone may have written -----------------------------------------------------


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data.decode(), parse_constant=_refuse, object_pairs_hook=_once)
    except FrameError:
        raise
    except (ValueError, RecursionError) as error:
        raise FrameError(f"It is not JSON ({error}).") from None
    if not isinstance(body, dict):
        raise FrameError(f"It is {_shown(body)}, not an object such as {{...}}.")
    return body


def _refuse(name: str) -> float:
    raise FrameError(f"{name} is not a number.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for key, value in pairs:
        if key in body:
            raise FrameError(f"{key[:40]!r} is there twice.")
        body[key] = value
    return body


def _wire(name: str, wire: Any, complete: bool) -> Numbers:
    if not isinstance(wire, dict):
        raise FrameError(f"{name[:40]!r} is neither a wire ({{...}}) nor a key of a state.")
    if not WIRE.fullmatch(name) or name in RESERVED:
        raise FrameError(f"{name[:40]!r} cannot name a wire: letters, digits, _ and -.")
    if strange := next((key for key in wire if key not in KEYS), ""):
        raise FrameError(f"{name}: {strange[:40]!r} is not one of {', '.join(KEYS)}.")
    return _numbers(f"{name}: ", wire, complete)


def _numbers(where: str, body: Mapping[str, Any], complete: bool) -> Numbers:
    """The numbers of a wire, or of all together."""
    found = {}
    for key in KEYS:
        if key not in body:
            if complete or (key == "power" and not where):
                raise FrameError(f"{where}{key} is missing.")
        elif body[key] is not None or key == "power":
            found[key] = _number(f"{where}{key}", body[key], *LIMITS[key])
    return found


def _number(what: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FrameError(f"{what}: {_shown(value)} is not a number.")
    if not low <= value <= high:
        raise FrameError(f"{what}: it must be {low:g} to {high:g}, not {str(value)[:40]}.")
    return float(value)


def _shown(value: Any) -> str:
    """A value for a sentence, however large it is."""
    if isinstance(value, str):
        return repr(value[:40])
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")

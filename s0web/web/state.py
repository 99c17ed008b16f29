"""/state/<point>, EnergyMonitor's interface: how a point is, and what another station says of one.

Reading is open on the LAN. To tell needs the token of the point's section, an address on its list,
or the right to change the settings. What is told goes to the point's own source, and the answer
waits until it is known.
"""

import hmac
import ipaddress
import time
from typing import Any

from flask import Blueprint, Response, abort, current_app, request
from flask_restful import Resource
from werkzeug.datastructures import WWWAuthenticate

from ..errors import FrameError, StationError
from ..meters.energymonitor import (
    MOST_BYTES,
    MOST_WIRES,
    State,
    document,
    parse,
    readings,
    state_of,
)
from ..model import Command, Options, Value
from ..station import Station
from . import documents
from .rest import Api
from .rights import FORWARDING, Tries, is_local, refuse_other_sites, require_right

PATIENCE = 1.0  # s for the source's own thread to obey
NOT_FOUND = "point not found"  # EnergyMonitor's words
FORM = (
    'A state is {"point": "Mains", "time": seconds since 1970, "brown": {"current": A, "voltage": '
    'V, "power": W}, ..., "current": A, "voltage": V, "power": W}.'
)


def state_blueprint() -> Blueprint:
    blueprint = Blueprint("state", __name__)
    blueprint.record(lambda setup: setup.app.extensions.setdefault("state tries", Tries()))
    Api(blueprint).add_resource(PointState, "/state/<string:point>")
    return blueprint


class PointState(Resource):  # type: ignore[misc]
    def get(self, point: str) -> tuple[Any, int]:
        """How a point is: EnergyMonitor's document, its 404 to the letter."""
        station = _running()
        found = _named(point, _points(station))
        if found is None:
            return NOT_FOUND, 404
        device, point = found
        state = _state(station, device, point)
        if state is None and ("." in device or _counts_volume(station, device)):
            return NOT_FOUND, 404
        if state is None:
            abort(503, f"Nothing is known of {point} yet; ask again when it has told its power.")
        return document(state), 200

    def put(self, point: str) -> Response | dict[str, Any]:
        """Take a state: 201 and the same back for the first, then 200 and what is known now."""
        station = _running()
        refuse_other_sites()
        device, point = _named(point, _remotes(station)) or _no_remote(point)
        options = station.devices()[device]
        _require_right_to_tell(device, options)
        if options["url"]:
            abort(409, f"[source:{device}] asks its url by itself; it is not told.")
        data = _body()
        try:
            command = _command(station, device, point, data)
        except FrameError as error:
            abort(400, f"{error} {FORM}")
        is_first = station.hub.snapshot().get(device, "power") is None
        if not _is_known(station, command):
            _tell(station, command)
        if is_first:
            return Response(data, 201, content_type="application/json")
        state = _state(station, device, point)
        assert state is not None  # it has just been told
        return document(state)


def _running() -> Station:
    station: Station = current_app.extensions["station"]
    if station.config is None:
        abort(503, station.sentence())
    return station


# -- which device a point is -----------------------------------------------------------------------


def _remotes(station: Station) -> dict[str, str]:
    """Point -> device of each section that can be told."""
    sources = station.devices().items()
    return {of["point"] or name: name for name, of in sources if of["type"] == "remote"}


def _points(station: Station) -> dict[str, str]:
    """Point -> device of everything that can be asked for."""
    return {name: name for name in documents.names(station)} | _remotes(station)


def _named(point: str, points: dict[str, str]) -> tuple[str, str] | None:
    """Device and point of that name, to the letter, else whatever the case: old clients say Mains
    to a device mains.
    """
    if point in points:
        return points[point], point
    folded = ((name, device) for name, device in points.items())
    return next(((d, name) for name, d in folded if name.casefold() == point.casefold()), None)


def _no_remote(point: str) -> tuple[str, str]:
    """Abort: nobody is to be told of that."""
    return abort(
        404,
        f"No point {point[:40]!r} is taken here. Add a section [source:NAME] with type = remote "
        "and point = its name, at /s0/config or in the INI.",
    )


def _counts_volume(station: Station, device: str) -> bool:
    return bool(station.devices()[device].get("measures", "energy") != "energy")


def _state(station: Station, device: str, point: str) -> State | None:
    snapshot = station.hub.snapshot()
    state = state_of(snapshot.values, device, point)
    health, options = snapshot.health.get(device), station.devices().get(device, {})
    if state and options.get("type") == "s0" and health is not None and health.state == "ok":
        return state._replace(time=station.clock.now().timestamp())  # no pulse is news too
    return state


# -- who may tell ----------------------------------------------------------------------------------


def _require_right_to_tell(device: str, options: Options) -> None:
    """Abort with 401, 403 or 429 unless this request may tell of the device."""
    address = _address()
    if address and any(address in ipaddress.ip_network(n, False) for n in options["allowed"]):
        return
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and options["token"]:
        _check_token(device, given.strip(), str(options["token"]), str(address))
    elif kind.lower() == "basic" or (not kind and is_local()):
        require_right()
    elif options["token"]:
        _unauthorized(f"The token of [source:{device}] is needed: Authorization: Bearer TOKEN.")
    else:
        abort(
            403,
            f"[source:{device}] takes no state from {address or 'an unknown address'}: add that "
            "address to its option allowed, or set its token and send it (Authorization: Bearer "
            "TOKEN).",
        )


def _check_token(device: str, given: str, token: str, address: str) -> None:
    tries: Tries = current_app.extensions["state tries"]
    told = given.encode("latin-1", "replace")  # as WSGI made a text of the bytes sent
    verdict = tries.attempt(address, lambda: hmac.compare_digest(told, token.encode()))
    if verdict is None:
        abort(429, "Too many wrong tokens; wait a minute.")
    if not verdict:
        _unauthorized(f"This is not the token of [source:{device}].")


def _unauthorized(text: str) -> None:
    abort(401, text, www_authenticate=WWWAuthenticate("bearer", {"realm": "s0web"}))


def _address() -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Who sends this; None where a proxy passed it on and only it knows for whom.

    A proxy on this machine is believed; one elsewhere is not, nor is it taken for its client.
    """
    told = request.remote_addr or ""
    if any(name in request.headers for name in FORWARDING):
        if told not in ("127.0.0.1", "::1"):
            return None
        told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(told)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


# -- telling ---------------------------------------------------------------------------------------


def _body() -> bytes:
    too_long = f"A state has at most {MOST_BYTES} bytes."
    if (request.content_length or 0) > MOST_BYTES:
        abort(413, too_long)
    data = request.get_data()
    if len(data) > MOST_BYTES:
        abort(413, too_long)
    return data


def _command(station: Station, device: str, point: str, data: bytes) -> Command:
    """What the source is to obey; FrameError for a state that is none, or of another point."""
    state = parse(data)
    if state.point.casefold() != point.casefold():
        raise FrameError(f"point: {state.point[:40]!r} is not {point!r}, which the address names.")
    told = readings(state, device, station.clock.now())
    known = {name for name in station.hub.snapshot().values if name.startswith(f"{device}.")}
    if len(known | {reading.device for reading in told[1:]}) > MOST_WIRES:
        raise FrameError(
            f"{device} has told of other wires before; there are {MOST_WIRES} at most."
        )
    return Command(device, "state", reason="PUT", state=told)


def _is_known(station: Station, command: Command) -> bool:
    """Whether just that was told before: then it is no news, and two stations that pass on each
    other's states do not keep an old one alive.
    """
    snapshot = station.hub.snapshot()
    return all(
        snapshot.get(reading.device, quantity) == Value(number, reading.time, "")
        for reading in command.state
        for quantity, number in reading.values.items()
    )


def _tell(station: Station, command: Command) -> None:
    """Have it obeyed, and wait until it is known; StationError if that takes too long."""
    snapshot = station.hub.snapshot()
    before, end = snapshot.get(command.target, "power"), time.monotonic() + PATIENCE
    station.tell(command)
    while snapshot.get(command.target, "power") is before:
        if (left := end - time.monotonic()) <= 0:
            raise StationError(f"{command.target} is busy; send the state again.")
        snapshot = station.hub.wait(snapshot.version, left)

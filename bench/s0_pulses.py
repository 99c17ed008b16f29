"""S0 pulses at the raw-event seam with the web loaded, beside RPi.GPIO's way, in the same process.

    python -m bench.s0_pulses [seconds of a case, 4] [seconds stopped, 3]

This process is the meter and the kernel. Another one is s0web: the station with its own GPIO code,
the WSGI app served by waitress, and the peer's thread on the same pulses; a third one polls it with
8 threads. Each case runs once with the web loaded, and once stopped as well (SIGSTOP). Errors are
against the moments at which the pulses were made. How late a real kernel's stamps are is measured
in bench/virtual_pi.
"""

import http.client
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from bench.s0_meter import LINE, CallbackPeer, Wire, play
from s0web.hardware import gpio
from s0web.hub import Hub
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.server import server

CLIENTS = 8
PATHS = ("/s0/electricity", "/s0/api/v1/readings", "/s0/api/v1/status", "/s0/")
PER_KWH = 1000
LIMIT = 20.0  # s, longest wait for anything
INI = f"""\
[log]
level = warning
[source:main]
type = s0
pin = {LINE}
pulses_per_kwh = {PER_KWH}
minimum_width_ms = 2
"""
FORK = get_context("fork")  # the children take the wire with them


class Case(NamedTuple):
    name: str
    period: float  # s
    width: float  # s
    stopped: float  # s


class Told(NamedTuple):
    """What the process knows at the end."""

    pulses: int
    kwh: float
    powers: list[tuple[int, float]]  # (pulse number from 1, W)
    between: list[tuple[int, float]]  # powers told between pulses: (pulses so far, W)
    peer: list[int]  # ns, as RPi.GPIO's way stamped the pulses


class Judged(NamedTuple):
    lost: int
    error: float  # %, the worst of the powers told with a pulse


def station(wire: Wire, pipe: Connection, ini: Path) -> None:
    """The process that is measured: serve, tell the port, wait for the number of pulses, report."""
    sys.setswitchinterval(0.0005)  # s, as s0web itself sets it
    peer = CallbackPeer(wire)
    with (
        mock.patch.object(gpio, "find", return_value=gpio.Chip("pipe", "pipe", "pipe", 54)),
        mock.patch.object(gpio, "request", return_value=os.dup(wire.events)),
    ):
        house = Station(ini)
        web = server(create_app(house), "127.0.0.1", 0)
        for work in (web.run, peer.run):
            threading.Thread(target=work, daemon=True).start()
        house.start()
        wait_for_pulses(house.hub, 0)
        pipe.send(web.effective_port)
        wait_for_pulses(house.hub, pipe.recv())
        house.stop()
        pipe.send(report(house.hub, peer.rises))
        pipe.recv()  # until killed


def wait_for_pulses(hub: Hub, count: int) -> None:
    """Until that many are told, or no more for 2 s."""
    last, end = -1.0, time.monotonic() + LIMIT
    while last < count and time.monotonic() < end:
        snapshot = hub.snapshot()
        told = snapshot.number("main", "pulses")
        if told is not None and told > last:
            last, end = told, time.monotonic() + 2.0
        hub.wait(snapshot.version, 0.1)


def report(hub: Hub, peer: list[int]) -> Told:
    powers: list[tuple[int, float]] = []
    between: list[tuple[int, float]] = []
    pulses, kwh = 0, 0.0
    for values in (reading.values for reading in hub.after(0, 1_000_000).readings):
        if "pulses" in values:
            pulses, kwh = int(values["pulses"]), values["energy_import"]
        if "power" in values:
            (powers if "pulses" in values else between).append((pulses, values["power"]))
    return Told(pulses, kwh, powers, between, list(peer))


def clients(port: int, go: Connection) -> None:
    """Poll with 8 threads until told to end; then tell how many answers there were."""
    answers = [0] * CLIENTS
    end = threading.Event()

    def poll(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        while not end.is_set():
            connection.request("GET", PATHS[answers[number] % len(PATHS)])
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            answers[number] += 1

    workers = [threading.Thread(target=poll, args=(number,)) for number in range(CLIENTS)]
    for worker in workers:
        worker.start()
    go.recv()
    end.set()
    for worker in workers:
        worker.join()
    go.send(sum(answers))


def run(case: Case, seconds: float) -> tuple[Judged, Judged]:
    """One case; print it; how both did."""
    wire, folder = Wire(), tempfile.TemporaryDirectory()
    ini = Path(folder.name, "s0web.ini")
    ini.write_text(INI)
    (here, there), (load, loaded) = FORK.Pipe(), FORK.Pipe()
    house = FORK.Process(target=station, args=(wire, there, ini))
    house.start()
    pollers = FORK.Process(target=clients, args=(here.recv(), loaded))
    pollers.start()
    try:
        count = round((seconds + case.stopped) / case.period)
        begin = time.monotonic()
        rises = play(wire, count, case.period, case.width, halts(house.pid, case, seconds))
        duration = time.monotonic() - begin - case.stopped
        load.send("end")
        requests = load.recv()
        here.send(count)
        told: Told = here.recv()
    finally:
        for process in (pollers, house):
            process.kill()
            process.join()
        wire.close()
        folder.cleanup()
    ours = judge(told.pulses, told.powers, rises)
    theirs = judge(len(told.peer), stamped(told.peer), rises)
    false = dips(told.between, rises)
    print(f"{case.name}: {count} pulses; web: {requests / duration:.0f} requests/s")
    print(f"  s0web        {shown(ours)}; energy {told.kwh} kWh; false dips {false}")
    print(f"  RPi.GPIO way {shown(theirs)}", flush=True)
    return ours, theirs


def halts(pid: int | None, case: Case, seconds: float) -> dict[int, Callable[[], None]]:
    """Before which pulses the process is stopped and goes on: a quarter of the case runs first."""
    if pid is None or not case.stopped:
        return {}
    stop, go = (round(t / case.period) for t in (seconds / 4, seconds / 4 + case.stopped))
    return {
        stop: lambda: os.kill(pid, signal.SIGSTOP),
        go: lambda: os.kill(pid, signal.SIGCONT),
    }


def judge(count: int, powers: Sequence[tuple[int, float]], rises: Sequence[int]) -> Judged:
    """How many pulses were lost, and the worst of the powers told with a pulse."""
    errors = [
        abs(power / true_power(rises, number - 2, number - 1) - 1)
        for number, power in powers
        if 2 <= number <= len(rises)
    ]
    return Judged(abs(len(rises) - count), 100 * max(errors, default=0.0))


def true_power(rises: Sequence[int], first: int, last: int) -> float:
    """Mean power between two pulses (numbered from 0), W."""
    return (last - first) * 3.6e6 * 1e9 / (PER_KWH * (rises[last] - rises[first]))


def dips(between: Sequence[tuple[int, float]], rises: Sequence[int]) -> int:
    """How often the power told between pulses denied a pulse: it was less than one pulse in the
    time of two.
    """
    return sum(
        power < true_power(rises, number - 1, number + 1) / 2
        for number, power in between
        if 1 <= number < len(rises) - 1
    )


def stamped(stamps: Sequence[int]) -> list[tuple[int, float]]:
    """The powers that follow from stamps taken in Python."""
    return [
        (number, true_power(stamps, number - 2, number - 1)) for number in range(2, len(stamps) + 1)
    ]


def shown(judged: Judged) -> str:
    return f"{judged.lost:3} pulses lost, worst power error {judged.error:.3f} %"


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # and end the others too
    given = [float(text) for text in sys.argv[1:]]
    seconds, stopped = [*given, *(4.0, 3.0)[len(given) :]]
    results = []
    for name, period, width in (("100 Hz, 5 ms", 0.01, 0.005), ("16 Hz, 30/30 ms", 0.06, 0.03)):
        results.append(run(Case(name, period, width, 0.0), seconds))
        name = f"{name}, stopped for {stopped:g} s"
        results.append(run(Case(name, period, width, stopped), seconds / 2))
    for who, judged in zip(("s0web", "RPi.GPIO way"), zip(*results, strict=True), strict=True):
        lost, error = sum(each.lost for each in judged), max(each.error for each in judged)
        print(f"{who}: {lost} pulses lost, worst power error {error:.3f} %")
    print(f"value: {sum(ours.lost for ours, _ in results)}")


if __name__ == "__main__":
    main()

"""Requests/s and p99 of /s0/electricity under Apache and waitress, beside a bare Flask route.

    python -m bench.web [seconds of a round, 2] [rounds, 3]
    python -m bench.web --whole            8 s, 5 rounds

The bare route returns the same bytes and is served in the same way: by the same Apache set-up, or
by the same waitress set-up. 32 clients keep their connections; rounds alternate, medians count.
"""

import http.client
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.apache_server import CHECKOUT, LIMIT, SCRIPT, Apache, wait_for
from tests.ports import free_port

CLIENTS = 32
PATH = "/s0/electricity"
INI = """\
[s0web]
simulate = yes
[log]
level = warning
[source:main]
type = s0
pin = 4
[source:grid]
type = p1
port = simulated
[cache:simulated]
main = 22.228
"""
BARE = """\
from flask import Flask, Response

application = Flask("bare")
BODY = {body!r}


@application.get("/electricity")
def electricity():
    return Response(BODY, mimetype="application/json")
"""
SERVE = """\
import sys
from s0web.web.server import server
exec(sys.argv[2])
server(application, "127.0.0.1", int(sys.argv[1])).run()
"""


class Round(NamedTuple):
    rate: float  # requests/s
    p99: float  # ms


def measured(port: int, seconds: float) -> Round:
    return (wrk if shutil.which("wrk") else threads)(port, seconds)


def wrk(port: int, seconds: float) -> Round:
    script = (
        "done = function(s, latency, r) io.write(string.format('%f %f %d\\n', "
        "s.requests / s.duration * 1e6, latency:percentile(99) / 1e3, "
        "s.errors.status + s.errors.connect + s.errors.timeout)) end"  # read: connections renewed
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds:g}s", "-s", file.name]
        url = f"http://127.0.0.1:{port}{PATH}"
        out = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    rate, p99, errors = out.splitlines()[-1].split()
    assert errors == "0", out
    return Round(float(rate), float(p99))


def threads(port: int, seconds: float) -> Round:
    """The same with a client of our own, which costs more than the server: a lower bound."""
    times: list[float] = []
    end = time.monotonic() + seconds

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        while (begin := time.monotonic()) < end:
            connection.request("GET", PATH)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            times.append((time.monotonic() - begin) * 1e3)
        connection.close()

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    return Round(len(times) / seconds, statistics.quantiles(times, n=100)[-1])


@contextmanager
def apache(folder: Path, script: str) -> Iterator[int]:
    server = Apache(folder, script, {"S0WEB_INI": str(_ini(folder))})
    server.start()
    try:
        _answers(server.port, server.log)
        yield server.port
    finally:
        server.stop()


@contextmanager
def waitress(folder: Path, script: str) -> Iterator[int]:
    port, ini = free_port(), _ini(folder)
    program = [sys.executable, "-c", SERVE, str(port), script]
    server = subprocess.Popen(program, env={"S0WEB_INI": str(ini), "PYTHONPATH": str(CHECKOUT)})
    try:
        _answers(port, lambda: "")
        yield port
    finally:
        server.terminate()
        server.wait(LIMIT)


def _ini(folder: Path) -> Path:
    folder.with_suffix(".state").mkdir(parents=True)
    path = folder.with_suffix(".state") / "s0web.ini"
    path.write_text(INI)
    return path


def _answers(port: int, log: Callable[[], str]) -> None:
    """Wait until the server gives the document."""

    def there() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
        try:
            connection.request("GET", PATH)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    wait_for(there, f"an answer on port {port}", log)


def body(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    connection.request("GET", PATH)
    text = connection.getresponse().read().decode()
    connection.close()
    json.loads(text)
    return text


def main() -> None:
    whole = sys.argv[1:] == ["--whole"]
    numbers = [] if whole else [float(text) for text in sys.argv[1:]]
    seconds = numbers[0] if numbers else (8.0 if whole else 2.0)
    rounds = int(numbers[1]) if len(numbers) > 1 else (5 if whole else 3)
    ratios = {}
    for name, serve in (("Apache mod_wsgi", apache), ("waitress", waitress)):
        with tempfile.TemporaryDirectory(prefix="s0web-") as folder, ExitStack() as stack:
            ours = stack.enter_context(serve(Path(folder) / "ours", SCRIPT))
            bare_script = BARE.format(body=body(ours))
            bare = stack.enter_context(serve(Path(folder) / "bare", bare_script))
            found = [(measured(ours, seconds), measured(bare, seconds)) for _ in range(rounds)]
        for label, column in zip(
            ("s0web", "bare Flask route"), zip(*found, strict=True), strict=True
        ):
            rate = statistics.median(r.rate for r in column)
            p99 = statistics.median(r.p99 for r in column)
            print(f"{name:16} {label:17} {rate:7.0f} requests/s   p99 {p99:6.1f} ms")
        ours_rate, bare_rate = (
            statistics.median(r.rate for r in c) for c in zip(*found, strict=True)
        )
        ratios[name] = ours_rate / bare_rate
    for name, ratio in ratios.items():
        print(f"{name} ratio: {ratio:.2f}")
    print(f"ratio: {min(ratios.values()):.2f}")


if __name__ == "__main__":
    main()

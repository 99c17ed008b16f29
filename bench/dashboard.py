"""The pages: bytes of a first load, time to the first figure, CPU of an open page, p95 of data.

    python -m bench.dashboard [seconds a page stays open, 30]
    python -m bench.dashboard --whole            120 s

`s0web serve` with a simulated house and a year in its archive, a headless Chromium beside it on the
same machine. Bytes are those on the wire, head and body.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from s0web.archive.place import FILES
from tests.chromium import Browser
from tests.dashboard_house import INI, fill

LIMIT = 150  # kB of a first load
ROUNDS = 20
PAGES = ("", "history", "devices", "switches", "config")
DATA = {
    "now": ("readings", "status", "peak", "costs?period=day&from={day}", "prices", "switches",
            "energy/grid?period=day&from={day}",
            "recent/grid?quantity=power&seconds=86400&step=60"),
    "history, day": ("energy/grid?period=hour&from={day}&register={registers}",
                     "history/grid?quantity=power&step=quarter&from={day}"),
    "history, month": ("energy/grid?period=day&from={month}&register={registers}",
                       "costs?period=day&from={month}"),
    "history, year": ("energy/grid?period=month&from={year}&register={registers}",
                      "costs?period=month&from={year}"),
    "devices": ("readings", "status", "rejected"),
}  # fmt: skip


def is_ready(url: str) -> bool:
    """Whether the running quarter-hour is known: then all else is."""
    try:
        with urllib.request.urlopen(f"{url}api/v1/peak") as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


@contextmanager
def station(folder: Path) -> Iterator[tuple[str, int]]:
    """Its address and its process, once it has values."""
    ini = folder / "s0web.ini"
    ini.write_text(INI)
    fill(folder / FILES[True], datetime.now(UTC), 366)
    command = [sys.executable, "-m", "s0web", "serve", "--port", "0"]
    with (folder / "log").open("w") as log:
        environment = {**os.environ, "S0WEB_INI": str(ini)}
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    found = re.search(r"http://\S+/s0/", process.stdout.readline())
    assert found, (folder / "log").read_text()
    try:
        end = time.monotonic() + 60
        while not is_ready(found[0]):
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.5)
        yield found[0], process.pid
    finally:
        process.terminate()
        process.wait(20)


def cpu(process: int) -> float:
    """Seconds that it used so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def loaded(browser: Browser, url: str) -> float:
    """kB that a first load of a page moves."""
    browser.tell("Network.enable", {})
    browser.tell("Network.clearBrowserCache", {})
    browser.open("about:blank")
    browser.driver.get_log("performance")
    browser.open(url)
    time.sleep(4)
    moved = 0.0
    for entry in browser.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.loadingFinished":
            moved += message["params"]["encodedDataLength"]
    return moved / 1000


def first_figure(browser: Browser, url: str) -> float:
    """Seconds from the wish to the figure, nothing in the browser's cache."""
    browser.tell("Network.clearBrowserCache", {})
    browser.open("about:blank")
    begin = time.monotonic()
    browser.driver.execute_script("location.href = arguments[0]", url)
    while not browser.text("#power"):
        assert time.monotonic() - begin < 20
        time.sleep(0.005)
    return time.monotonic() - begin


def asked(url: str, paths: tuple[str, ...]) -> list[float]:
    """ms of each document, several rounds."""
    now = datetime.now()
    names = {"day": f"{now:%Y-%m-%d}", "month": f"{now:%Y-%m}-01", "year": f"{now.year - 1}-12-01",
             "registers": "energy_import_high,energy_import_low,energy_export_high"}  # fmt: skip
    told = []
    for _ in range(ROUNDS):
        for path in paths:
            begin = time.monotonic()
            urllib.request.urlopen(f"{url}api/v1/{path.format(**names)}").read()
            told.append((time.monotonic() - begin) * 1000)
    return told


def main() -> None:
    whole = sys.argv[1:] == ["--whole"]
    seconds = 120.0 if whole else float(sys.argv[1]) if sys.argv[1:] else 30.0
    with tempfile.TemporaryDirectory(prefix="s0web-") as folder:
        (Path(folder) / "house").mkdir()
        with station(Path(folder) / "house") as (url, process):
            for name, paths in DATA.items():
                p95 = statistics.quantiles(asked(url, paths), n=20)[-1]
                print(f"p95 of the data of {name}, ms, value: {p95:.0f}")
            browser = Browser(Path(folder) / "profile", network=True)
            try:
                kilobytes = {page: loaded(browser, url + page) for page in PAGES}
                for page, moved in kilobytes.items():
                    print(f"first load of /{page}, kB, value: {moved:.1f}")
                print(f"largest first load, kB (<= {LIMIT}), value: {max(kilobytes.values()):.1f}")
                times = [first_figure(browser, url) for _ in range(7)]
                print(f"first live figure after, s, value: {statistics.median(times):.2f}")
                used = {}
                for page in ("about:blank", url):
                    browser.open(page)
                    time.sleep(5)
                    before, begin = cpu(process), time.monotonic()
                    time.sleep(seconds)
                    used[page] = (cpu(process) - before) / (time.monotonic() - begin) * 60
                idle = used["about:blank"]
                print(f"CPU of the server without a page, s a minute, value: {idle:.2f}")
                more = used[url] - idle
                print(f"CPU of the server for an open page, s a minute, value: {more:.2f}")
            finally:
                browser.close()


if __name__ == "__main__":
    main()

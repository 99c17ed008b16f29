"""A house with a past for the pages: a station whose clock stands, months in its archive."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import pi, sin
from pathlib import Path

from werkzeug.serving import make_server

from s0web.archive.place import FILES
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading
from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.server import mounted

NOON = datetime(2026, 6, 18, 10, 20, 20, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SLICE = 2_000  # readings
INI = """\
[s0web]
simulate = yes
timezone = Europe/Brussels
[web]
title = Our house
[source:grid]
type = p1
port = simulated
[source:solar]
type = modbus
port = simulated-bus
model = sdm120
unit = 2
[house]
grid = grid
solar = solar
[peak]
area = antwerpen
[prices]
provider = simulated
[contract:home]
type = electricity
from = 2025-01-01
tariff = day_night
import_rate = 0.31
import_rate_low = 0.26
export_rate = 0.05
fixed_month = 5
[contract:heating]
type = gas
from = 2025-01-01
rate_kwh = 0.08
[switch:boiler]
type = simulated
power = 1500
rule = export
"""


def past(now: datetime, days: int) -> Iterator[Reading]:
    """Quarter-hours until `now`: registers that grow, and what was booked of them."""
    end = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    high, low, fed, gas, sun = 100.0, 100.0, 100.0, 100.0, 100.0
    for number in range(days * 96, 0, -1):
        time = end - number * QUARTER
        light = max(0.0, sin((time.hour + time.minute / 60 - 5) / 14 * pi)) * (1 + number % 7) / 7
        used, made = 0.05 + number % 5 / 50 + number % 671 / 9000, light * 0.7
        taken, given, burnt = max(0.0, used - made), max(0.0, made - used), 0.02 + number % 3 / 50
        is_low = time.weekday() > 4 or not 5 <= time.hour < 20
        high, low = high + taken * (not is_low), low + taken * is_low
        fed, gas, sun = fed + given, gas + burnt, sun + made
        power = {"power": (taken - given) * 4000}
        registers = {
            "energy_import_high": high,
            "energy_import_low": low,
            "energy_export_high": fed,
        }
        yield Reading("grid", time + QUARTER, registers | power)
        yield Reading("grid.gas", time + QUARTER, {"volume": gas})
        yield Reading("solar", time + QUARTER, {"energy_export": sun, "power": -made * 4000})
        bill = {"cost_import_high": taken * 0.31 * (not is_low), "cost_fixed": 0.001736,
                "cost_import_low": taken * 0.26 * is_low, "cost_export": -given * 0.05}  # fmt: skip
        paid = bill["cost_import_high"] + bill["cost_import_low"]
        told = bill | {"cost_import": paid, "cost": sum(bill.values())}
        yield Reading("costs.electricity", time + QUARTER, told)
        heat = {"cost": burnt * 0.92, "cost_volume": burnt * 0.92, "cost_fixed": 0.0}
        yield Reading("costs.gas", time + QUARTER, heat)


def fill(path: Path, now: datetime, days: int) -> None:
    archive = Archive(path, FakeClock(now))
    archive.open()
    rows: list[Reading] = []
    for reading in past(now, days):
        rows.append(reading)
        if len(rows) == SLICE:
            archive.add(rows)
            rows = []
    archive.add(rows)
    archive.close()


@contextmanager
def standing(folder: Path, text: str = INI, days: int = 45) -> Iterator[tuple[Station, str]]:
    """The station, minutes after it began, and its address."""
    path = folder / "s0web.ini"
    path.write_text(text)
    if days:
        fill(folder / FILES[True], NOON, days)
    station = Station(path, FakeClock(NOON), threads=False)
    station.run(NOON + timedelta(minutes=4))
    listening = make_server("127.0.0.1", 0, mounted(create_app(station)), threaded=True)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield station, f"http://127.0.0.1:{listening.server_port}/s0/"
    listening.shutdown()
    thread.join(10)
    listening.server_close()
    station.stop()

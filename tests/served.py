"""A station under waitress, as `s0web serve` runs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.server import server
from tests.conftest import until


@contextmanager
def under_waitress(ini: Path) -> Iterator[tuple[Station, str]]:
    """It, once it runs, and the root of its addresses, without a slash at its end."""
    station = Station(ini)
    listening = server(create_app(station), "127.0.0.1", 0)
    thread = Thread(target=listening.run, daemon=True)
    thread.start()
    station.start()
    try:
        until(lambda: station.state == "running", "the start")
        yield station, f"http://127.0.0.1:{listening.effective_port}"
    finally:
        station.stop()
        listening.close()
        listening.task_dispatcher.shutdown()
        thread.join(5)

"""The sinks that tell the present alone, with what they tell it to: Mosquitto, and the web of a
second station.
"""

import subprocess
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.parse import quote

from s0web.station import Station
from s0web.web.app import create_app
from s0web.web.server import server
from tests.conftest import until
from tests.mosquitto import Mosquitto, retained
from tests.sink_servers import ODD, SECRET

NUMBER = count(1)
WHO = ("-u", "meter", "-P", "secret")
STATIONS = {"pi": "one", "attic": "two", ODD: "three"}
REMOTE = """\
[source:{device}]
type = remote
point = {point}
token = secret
"""


class Present:
    kind = at = ""
    wrong: Mapping[str, str]

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="s0web-present-")
        self.folder = Path(self._folder.name)

    def fresh(self) -> None:
        """Into nothing."""

    def texts(self, station: str) -> dict[str, str]:
        raise NotImplementedError

    def now(self, station: str) -> dict[str, float]:
        """Quantity -> number of the device grid, as it was told last."""
        raise NotImplementedError

    def kill(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def remove(self) -> None:
        self.kill()
        self._folder.cleanup()


class Mqtt(Present):
    kind = "mqtt"
    wrong: Mapping[str, str] = {"password": SECRET}

    def __init__(self) -> None:
        super().__init__()
        file = self.folder / "users"
        subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), *WHO[1::2]], check=True)
        self._broker = Mosquitto(self.folder, f"password_file {file}")
        self.at = f"127.0.0.1:{self._broker.port}"
        self._house = ""

    def fresh(self) -> None:
        self._house = f"house{next(NUMBER)}"

    def texts(self, station: str) -> dict[str, str]:
        own = {"host": "127.0.0.1", "port": str(self._broker.port), "discovery": "no"}
        own |= {"user": "meter", "password": "secret", "interval": "0.5"}
        return own | {"prefix": self._prefix(station)}

    def now(self, station: str) -> dict[str, float]:
        begin = f"{self._prefix(station)}/grid/"
        told = retained(self._broker.port, *WHO).items()
        return {topic.removeprefix(begin): float(n) for topic, n in told if topic.startswith(begin)}

    def kill(self) -> None:
        self._broker.kill()

    def _prefix(self, station: str) -> str:
        """Without blanks, which would part what mosquitto_sub says."""
        return f"{self._house}/{station}".replace(" ", "")

    def start(self) -> None:
        self._broker.start()


class Push(Present):
    """Its server is a station in this process: it is not killed but ended."""

    kind = "push"
    wrong: Mapping[str, str] = {"token": SECRET}

    def __init__(self) -> None:
        super().__init__()
        text = "".join(REMOTE.format(device=d, point=point) for point, d in STATIONS.items())
        self._ini = self.folder / "s0web.ini"
        self._ini.write_text(text)
        self._port = 0
        self.start()
        self.at = f"http://127.0.0.1:{self._port}/"

    def fresh(self) -> None:
        self._station.hub.clear()

    def texts(self, station: str) -> dict[str, str]:
        url = f"{self.at}state/{quote(station, safe='')}"
        return {"device": "grid", "url": url, "token": "secret", "interval": "0.5"}

    def now(self, station: str) -> dict[str, float]:
        values = self._station.hub.snapshot().values.get(STATIONS[station], {})
        return {quantity: value.number for quantity, value in values.items()}

    def kill(self) -> None:
        self._station.stop()
        self._listening.close()
        self._listening.task_dispatcher.shutdown()
        self._thread.join(10)

    def start(self) -> None:
        self._station = Station(self._ini)
        self._listening: Any = server(create_app(self._station), "127.0.0.1", self._port)
        self._port = self._listening.effective_port
        self._thread = Thread(target=self._listening.run, daemon=True)
        self._thread.start()
        self._station.start()
        until(lambda: self._station.state == "running", "the other station")


PRESENT = {"mqtt": Mqtt, "push": Push}

"""InfluxDB 1 and VictoriaMetrics as Debian has them, on private ports in a folder of their own."""

import json
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import quote

from tests.ports import free_port
from tests.server_process import ServerProcess

INFLUX = """\
reporting-disabled = true
bind-address = "127.0.0.1:{other}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
  auth-enabled = {auth}
  max-body-size = {most}
  https-enabled = {tls}
  https-certificate = "{certificate}"
[logging]
  level = "error"
"""


class _Server(ServerProcess):
    """One that answers HTTP."""

    def __init__(self, folder: Path, tls: SSLContext | None = None) -> None:
        super().__init__(folder)
        self._tls, self.head = tls, dict[str, str]()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        try:
            return self.ask("GET", "/ping")[0] < 500
        except (OSError, HTTPException):
            return False

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        connection = (
            HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self._tls)
            if self._tls
            else HTTPConnection("127.0.0.1", self.port, timeout=10)
        )
        try:
            connection.request(method, path, body, self.head)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def credentials(self, user: str, password: str) -> None:
        said = b64encode(f"{user}:{password}".encode()).decode()
        self.head = {"Authorization": f"Basic {said}"}


class Influx(_Server):
    def __init__(
        self,
        folder: Path,
        auth: bool = False,
        most: int = 25_000_000,
        certificate: Path | None = None,
        tls: SSLContext | None = None,
    ) -> None:
        super().__init__(folder, tls)
        text = INFLUX.format(
            folder=folder,
            port=self.port,
            other=free_port(),
            auth=str(auth).lower(),
            most=most,
            tls=str(certificate is not None).lower(),
            certificate=certificate or "",
        )
        (folder / "influxdb.conf").write_text(text)

    def command(self) -> list[str]:
        return ["influxd", "-config", str(self.folder / "influxdb.conf")]

    def query(self, text: str, database: str = "s0web") -> list[dict[str, Any]]:
        """The series of the answer, each with its columns and values."""
        path = f"/query?epoch=ns&db={quote(database)}&q={quote(text)}"
        status, body = self.ask("POST", path)
        assert status == 200, body
        result: Mapping[str, Any] = json.loads(body)["results"][0]
        assert "error" not in result, body
        return list(result.get("series", ()))

    def rows(self, text: str, database: str = "s0web") -> list[dict[str, Any]]:
        """The rows of all series as dictionaries, without what is null."""
        return [
            {
                name: value
                for name, value in zip(series["columns"], row, strict=True)
                if value is not None
            }
            for series in self.query(text, database)
            for row in series["values"]
        ]


class Victoria(_Server):
    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder)
        self._options = options

    def command(self) -> list[str]:
        return [
            "victoria-metrics",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={self.folder}/data",
            "-retentionPeriod=100y",
            "-memory.allowedBytes=64MB",
            "-dedup.minScrapeInterval=1ms",
            *self._options,
        ]

    def samples(self) -> dict[str, list[tuple[int, float]]]:
        """Name and device of each series -> its samples (ms, number), in order."""
        self.ask("GET", "/internal/force_flush")
        status, body = self.ask("GET", "/api/v1/export?match=" + quote('{__name__!=""}'))
        assert status == 200, body
        found = {}
        for line in body.splitlines():
            series = json.loads(line)
            name = f"{series['metric']['__name__']} {series['metric'].get('device', '')}".strip()
            found[name] = sorted(zip(series["timestamps"], series["values"], strict=True))
        return found

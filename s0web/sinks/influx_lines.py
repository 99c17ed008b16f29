"""Readings as line protocol, in the house's layout or in that of smartmeter-python.

    s0web,device=grid,logger=pi,meter=1SAG31 power=431.0,voltage_l1=231.2 1792573355000000000
    1     2                                  3                            4

1 measurement, 2 tags, 3 fields (always floats: a type never changes), 4 ns since 1970 UTC
https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
"""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from ..model import Reading
from .smartmeter import GAS, Smartmeter

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Point(NamedTuple):
    head: str  # measurement and tags, escaped
    fields: Mapping[str, float]
    reading: Reading  # where it comes from

    @property
    def measurement(self) -> str:
        return self.head.partition(",")[0]

    def with_only(self, names: Sequence[str]) -> "Point":
        return self._replace(fields={name: self.fields[name] for name in names})

    def line(self) -> str:
        fields = ",".join([f"{name}={float(number)!r}" for name, number in self.fields.items()])
        return f"{self.head} {fields} {(self.reading.time - EPOCH) // MICROSECOND * 1000}"


class Layout(Protocol):
    def points(self, batch: Sequence[Reading]) -> list[Point]:
        """Return the points of these readings, in their order."""

    def kept(self) -> None:
        """They are kept: the same batch will not come again."""


class HouseLayout:
    """One measurement; tags device, logger and meter; a field for each quantity."""

    def __init__(self, measurement: str, logger: str, device: str) -> None:
        self._measurement, self._logger, self._device = measurement, logger, device
        self._heads: dict[tuple[str, str], str] = {}

    def points(self, batch: Sequence[Reading]) -> list[Point]:
        return [
            Point(self._head(reading.device, reading.meter), reading.values, reading)
            for reading in batch
            if reading.values and self._wants(reading.device)
        ]

    def kept(self) -> None:
        """Nothing is remembered from one batch to the next."""

    def _wants(self, device: str) -> bool:
        return not self._device or f"{device}.".startswith(f"{self._device}.")

    def _head(self, device: str, meter: str) -> str:
        head = self._heads.get((device, meter))
        if head is None:
            tags = {"device": device, "logger": self._logger, "meter": meter}
            texts = [f",{name}={text}" for name, tag in tags.items() if (text := escaped(tag))]
            head = self._heads[device, meter] = escaped(self._measurement) + "".join(texts)
        return head


class SmartmeterLayout:
    """Measurements electricity and gas without tags, as the P1 predecessor wrote them."""

    def __init__(self, device: str) -> None:
        self._device, self._meter = device, Smartmeter(device)
        self._next = self._meter  # as it is after the batch

    def points(self, batch: Sequence[Reading]) -> list[Point]:
        found = []
        self._next = copy(self._meter)
        for reading in batch:
            if fields := self._next.take(reading):
                found.append(Point("electricity", fields, reading))
            if reading.device == f"{self._device}.gas" and "volume" in reading.values:
                found.append(Point("gas", {GAS: reading.values["volume"]}, reading))
        return found

    def kept(self) -> None:
        self._meter = self._next


def escaped(text: str) -> str:
    """Return the text as a measurement or a tag; what no server takes in one becomes a _ or a /."""
    text = "".join(c if c.isprintable() else "_" for c in text).replace("\\", "/").strip()
    for special in (",", "=", " "):
        text = text.replace(special, f"\\{special}")
    return text

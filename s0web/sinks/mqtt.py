"""Tells an MQTT broker how the devices are: the newest values alone, retained, and Home Assistant
what they mean.

What could not be told is not told later: after a silence the broker gets all that is true then. A
message is told when the broker has acknowledged it (QoS 1, 2) or it has left (QoS 0).
"""

import json
import secrets
from collections.abc import Sequence

from ..clock import Clock
from ..errors import SinkError
from ..model import Options, Reading, Value
from . import mqtt_discovery as discovery
from .mqtt_broker import Broker, Connection, Message
from .mqtt_topics import Topics, problem

BACKLOG = 500  # readings; a batch that long is followed by another at once
EARLY = 0.05  # s; a turn of the loop may come that much early
ONLINE, OFFLINE = "online", "offline"  # of ours, and in Home Assistant's birth message


class MqttSink:
    """contract: model.Sink; holds the latest Value of every quantity it was told, nothing else."""

    is_present_only = True
    begins_with_known = True  # what is not told again after a start is retained nevertheless

    def __init__(self, name: str, options: Options, clock: Clock) -> None:
        self.name = f"sink:{name}"
        self._options, self._clock = options, clock
        self._device, self._interval = str(options["device"]), float(options["interval"])
        self._topics = Topics(str(options["prefix"]), str(options["layout"]))
        self._broker = Broker(f"s0web-{name}-{secrets.token_hex(4)}", options)
        self._connection: Connection | None = None
        self._values: dict[str, dict[str, Value]] = {}
        self._labels: dict[str, dict[str, str]] = {}
        self._news: dict[str, set[str]] = {}  # device -> quantities that were told since
        self._announced: dict[str, str] = {}  # topic -> its discovery message, as the broker has it
        self._answers: dict[str, str] = {}  # topic -> what we owe somebody there
        self._due = clock.monotonic()
        self._home = str(options["discovery_prefix"]).rstrip("/")

    def open(self) -> None:
        """Connect and say that we are there; SinkError for options that cannot work too."""
        self._check()
        status = self._topics.status
        if self._options["discovery"]:
            heeded = self._birth
        else:
            heeded = discovery.topic(self._home, self._topics, "+")
        self._connection = self._broker.connect(Message(status, OFFLINE), (status, heeded))
        self._connection.send([Message(status, ONLINE)])
        self._tell_all()  # a broker may have forgotten everything

    def write(self, batch: Sequence[Reading]) -> None:
        for reading in batch:
            if self._is_told(reading.device):
                self._keep(reading)
        connection = self._connection
        if connection is None:
            raise SinkError("there is no connection to the broker")
        connection.check()
        self._listen(connection)
        now = self._clock.monotonic()
        if len(batch) >= BACKLOG or now < self._due:
            return
        announcements = self._announcements() if self._options["discovery"] else {}
        messages = {**self._answers, **announcements, **self._states()}
        if not messages:
            return
        connection.send([Message(topic, payload) for topic, payload in messages.items()])
        self._announced |= announcements
        self._answers, self._news = {}, {}
        self._due = now + self._interval - EARLY

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(Message(self._topics.status, OFFLINE))

    @property
    def _birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self._home}/status"

    def _check(self) -> None:
        for option in ("prefix", "discovery_prefix"):
            if wrong := problem(str(self._options[option])):
                raise SinkError(f"{option} {wrong}")
        if self._topics.is_german and not self._device:
            raise SinkError("layout smartmeter has topics for one device alone: set device")

    def _is_told(self, device: str) -> bool:
        if not self._device or device == self._device:
            return True
        return device.startswith(f"{self._device}.") and not self._topics.is_german

    def _keep(self, reading: Reading) -> None:
        values = self._values.setdefault(reading.device, {})
        for quantity, number in reading.values.items():
            values[quantity] = Value(number, reading.time, reading.meter)
        if reading.labels:
            labels = {**self._labels.get(reading.device, {}), **reading.labels}
            self._labels[reading.device] = {name: text for name, text in labels.items() if text}
        self._news.setdefault(reading.device, set()).update(reading.values)

    def _tell_all(self) -> None:
        """Let the next write tell everything, at once."""
        self._announced = {}
        self._news = {device: set(values) for device, values in self._values.items()}
        self._due = self._clock.monotonic()

    def _listen(self, connection: Connection) -> None:
        """Hear what others said; what the broker remembers of it is no news, but for discovery
        messages of ours that shall not be there.
        """
        for topic, payload, retained in connection.heard():
            if topic == self._topics.status:
                if payload == OFFLINE.encode() and not retained:  # the will of a former connection
                    self._answers[topic] = ONLINE
            elif topic == self._birth:
                if payload == ONLINE.encode() and not retained:
                    self._tell_all()
            elif discovery.mark(self._topics) in payload:
                self._answers[topic] = ""

    def _announcements(self) -> dict[str, str]:
        """Discovery topic -> message, of devices with news in it."""
        told = {}
        for device in self._news:
            values = self._values[device]
            meter = next((value.meter for value in values.values() if value.meter), "")
            topic = discovery.topic(self._home, self._topics, device)
            payload = discovery.payload(self._topics, device, meter, values)
            if self._announced.get(topic) != payload and values:
                told[topic] = payload
        return told

    def _states(self) -> dict[str, str]:
        """Topic -> message, of what was told since."""
        told = {}
        for device, news in self._news.items():
            values = self._values[device]
            for quantity in news:
                if topic := self._topics.of(device, quantity):
                    told[topic] = json.dumps(round(values[quantity].number, 6))
            if topic := self._topics.device(device):
                told[topic] = self._document(device, values)
        return told

    def _document(self, device: str, values: dict[str, Value]) -> str:
        """All that is known of a device; its time is that of its newest value."""
        document: dict[str, object] = {"device": device}
        if values:
            newest = max(value.time for value in values.values())
            document["time"] = newest.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if meter := next((value.meter for value in values.values() if value.meter), ""):
            document["meter"] = meter
        document |= {quantity: round(value.number, 6) for quantity, value in values.items()}
        if labels := self._labels.get(device):
            document["labels"] = labels
        return json.dumps(document)

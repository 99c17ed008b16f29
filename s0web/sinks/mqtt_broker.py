"""A connection to an MQTT broker: the only user of paho-mqtt, version 2 or 1.6 (as in Debian 12).

1. paho's network loop has a thread of its own; it pings, and tells when the connection is lost.
2. A connection never comes back by itself: whoever holds it closes it and makes a new one.
3. MQTT 5 by default: only there a broker says that a message was refused (paho-mqtt 1.6 hides it).
"""

import math
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import SinkError
from ..model import Options
from .mqtt_refusals import not_connected, not_taken, refused

if TYPE_CHECKING:
    from paho.mqtt.client import Client

PORT, PORT_TLS = 1883, 8883
FAREWELL = 0.5  # s, for the last words to a broker at the end
HEARD = 1_000  # messages to us that are kept until they are taken
FAILED = 128  # MQTT 5: reason codes from here on are failures
INSTALL = "paho-mqtt is not installed: apt install python3-paho-mqtt, or pip install paho-mqtt"


class Message(NamedTuple):
    topic: str
    payload: str


class Heard(NamedTuple):
    topic: str
    payload: bytes
    retained: bool  # the broker remembers it from before


class Broker:
    """Where the broker is and who we are there; `connect` as often as needed."""

    def __init__(self, client_id: str, options: Options) -> None:
        self._id, self._options = client_id, options
        self._tls = bool(options["tls"])
        self._host = str(options["host"])
        self._port = int(options["port"]) or (PORT_TLS if self._tls else PORT)
        self._timeout = float(options["timeout"])

    def connect(self, will: Message, topics: Sequence[str]) -> "Connection":
        """Return a connection that the broker took, subscribed to the topics; it publishes the will
        when we vanish. Raises SinkError.
        """
        at, user = f"{self._host}:{self._port}", str(self._options["user"])
        made = Connection(self._client(will), at, user, self._timeout, int(self._options["qos"]))
        try:
            made.begin(self._host, self._port, self._tls, topics)
        except SinkError:
            made.close()
            raise
        return made

    def _client(self, will: Message) -> "Client":
        try:
            from paho.mqtt import client as paho
        except ImportError:
            raise SinkError(INSTALL) from None
        version = paho.MQTTv5 if self._options["version"] == "5" else paho.MQTTv311
        own: dict[str, Any] = {"protocol": version, "reconnect_on_failure": False}
        if hasattr(paho, "CallbackAPIVersion"):
            own["callback_api_version"] = paho.CallbackAPIVersion.VERSION2
        client = paho.Client(client_id=self._id, **own)
        client.connect_timeout = self._timeout
        client.will_set(will.topic, will.payload, 1, retain=True)
        if self._options["user"]:
            client.username_pw_set(str(self._options["user"]), self._password() or None)
        if self._tls:
            client.tls_set_context(self._context())
            client.tls_insecure_set(not self._options["tls_verify"])
        return client

    def _password(self) -> str:
        path = str(self._options["password_file"])
        if not path:
            return str(self._options["password"])
        try:
            if Path(path).stat().st_mode & 0o007:
                raise SinkError(f"password_file {path}: everyone may read it; chmod o= {path}")
            return Path(path).read_text().strip()
        except (OSError, UnicodeError) as error:
            if isinstance(error, SinkError):
                raise
            text = getattr(error, "strerror", None) or "it is not text"
            raise SinkError(f"password_file {path} cannot be read: {text}") from None

    def _context(self) -> ssl.SSLContext:
        path = str(self._options["ca_file"])
        try:
            context = ssl.create_default_context(cafile=path or None)
        except OSError as error:  # ssl.SSLError is one
            is_bad = isinstance(error, ssl.SSLError)
            text = "it holds no certificate" if is_bad else error.strerror
            raise SinkError(f"ca_file {path} cannot be used: {text}") from None
        context.sslsocket_class = _Wire
        if not self._options["tls_verify"]:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


class _Wire(ssl.SSLSocket):
    """Closes itself when there is no agreement; paho would leave it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


class Connection:
    """One connection, from the broker's word that it takes us to `close`.

    The callbacks take what paho 2 and paho 1.6 give them.
    """

    def __init__(self, client: "Client", at: str, user: str, timeout: float, qos: int) -> None:
        self._client: Any = client
        self._at, self._user = at, user
        self._timeout, self._qos = timeout, qos
        self._changed = threading.Condition()
        self._answer: int | None = None  # the broker's word, 0: welcome
        self._lost: str | None = None  # why the connection is over; "": nobody says
        self._sent = self._done = 0  # messages given to paho, and those that the broker has
        self._refused: list[tuple[int, int]] = []  # number of a message, reason code
        self._heard: deque[Heard] = deque(maxlen=HEARD)

    def begin(self, host: str, port: int, tls: bool, topics: Sequence[str]) -> None:
        """Connect, wait until the broker takes us, and subscribe; raises SinkError."""
        silence = max(5, math.ceil(self._timeout))
        try:
            self._client.connect(host, port, silence)
        except (OSError, UnicodeError) as error:
            raise SinkError(not_connected(error, host, self._at, self._timeout, tls)) from error
        self._hear()
        self._client.loop_start()
        with self._changed:
            self._wait(lambda: self._answer is not None, self._timeout)
            answer, lost = self._answer, self._lost
        if answer is None and lost is not None:
            other = "a port without TLS" if tls else "a port with TLS (tls = yes), or no broker"
            raise SinkError(f"{self._at} closes the connection without a word: is that {other}?")
        if answer is None:
            raise SinkError(
                f"{self._at} takes the connection but says nothing within {self._timeout:g} s: "
                "does the broker hang?"
            )
        if answer:
            raise SinkError(refused(answer, self._at, self._user))
        self._client.subscribe([(topic, 0) for topic in topics])

    def check(self) -> None:
        """Raise SinkError if the connection is lost."""
        if self._lost is not None:
            because = f" ({self._lost})" if self._lost else ""
            raise SinkError(f"{self._at} is gone{because}: does the broker run?")

    def send(self, messages: Sequence[Message], seconds: float = math.inf) -> None:
        """Return when the broker has all of them, retained (with QoS 0: when they left); raises
        SinkError after the timeout, when the connection is lost, or when one is refused.
        """
        topics, cut = {}, False
        for topic, payload in messages:
            info = self._client.publish(topic, payload, self._qos, retain=True)
            if cut := bool(info.rc):
                break  # not connected any more; we shall hear why
            topics[info.mid] = topic
            self._sent += 1
        seconds = min(seconds, self._timeout)
        with self._changed:
            self._wait(lambda: not cut and self._done >= self._sent, seconds)
        if cut or self._done < self._sent:
            self.check()
            raise SinkError(
                f"{self._at} leaves {self._sent - self._done} messages without an answer for "
                f"{seconds:g} s: does the broker hang?"
            )
        with self._changed:
            wrong, self._refused = self._refused, []
        for number, code in wrong:
            raise SinkError(not_taken(code, self._at, self._user, topics.get(number, "a message")))

    def heard(self) -> list[Heard]:
        """What came since the last call."""
        return [self._heard.popleft() for _ in range(len(self._heard))]

    def close(self, last: Message | None = None) -> None:
        """Say a last word if it can be said within half a second, and end thread and socket."""
        client = self._client
        if client.on_connect is None:  # there was never a connection
            return
        if last is not None and self._lost is None:
            with suppress(SinkError):
                self.send([last], FAREWELL)
        client.disconnect()
        with self._changed:
            self._wait(lambda: False, FAREWELL)
        if (wire := client.socket()) is not None:  # it takes nothing: paho would wait for ever
            with suppress(OSError):
                wire.shutdown(socket.SHUT_RDWR)
        client.loop_stop()
        client.on_connect = client.on_disconnect = client.on_publish = client.on_message = None
        self._client = None  # its last sockets are closed when nobody holds it, be it a traceback

    def _hear(self) -> None:
        client = self._client
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_publish, client.on_message = self._on_publish, self._on_message

    def _wait(self, done: Callable[[], bool], seconds: float) -> None:
        """Wait until it is done, or can never be, or the seconds are over."""
        self._changed.wait_for(lambda: done() or self._lost is not None, seconds)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: Any, *_more: Any) -> None:
        with self._changed:
            self._answer = _number(code)
            self._changed.notify_all()

    def _on_disconnect(self, _client: Any, _data: Any, *more: Any) -> None:
        with self._changed:
            known = len(more) == 3 and more[0].is_disconnect_packet_from_server
            self._lost = str(more[1]) if known else ""
            self._changed.notify_all()

    def _on_publish(self, _client: Any, _data: Any, number: int, *more: Any) -> None:
        with self._changed:
            self._done += 1
            if more and (code := _number(more[0])) >= FAILED:
                self._refused.append((number, code))
            self._changed.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self._heard.append(Heard(message.topic, message.payload, bool(message.retain)))


def _number(code: Any) -> int:
    return int(getattr(code, "value", code))

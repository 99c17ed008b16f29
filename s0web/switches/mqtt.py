"""A plug that is switched over MQTT (3.1.1), by paho-mqtt 2 or 1.6.

1. Commands are not retained: a plug that comes back later does not obey an old one.
2. The broker itself publishes the safe state as our will when we vanish.
3. paho's network loop has a thread of its own; whoever finds the connection lost makes a new one.
"""

import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import SourceError
from ..inside import Inside
from ..model import Options
from .switch import Actor, Switch

if TYPE_CHECKING:
    from paho.mqtt.client import Client

SECONDS = 3.0  # for the broker to answer
CONFIRM = 6.0  # s, for the plug to tell its new state
RETAINED = 0.5  # s that a retained state may take after we asked for it
KEEPALIVE = 15  # s: by one and a half of it the broker knows that we vanished
INSTALL = "paho-mqtt is not installed: apt install python3-paho-mqtt, or pip install paho-mqtt"


class Plug:
    def __init__(self, name: str, options: Options) -> None:
        self._name, self._options = name, options
        self._at = f"{options['host']}:{options['port']}"
        self._client: Client | None = None
        self._changed = threading.Condition()
        self._answer: int | None = None  # the broker's word, 0: welcome
        self._is_lost = False
        self._state: bool | None = None
        self._unconfirmed: float | None = None  # monotonic, of a command that shows no effect yet

    def open(self, on: bool) -> str:
        client = self._client = self._made()
        self._answer = self._state = None
        self._is_lost = False
        try:
            client.connect(self._options["host"], self._options["port"], KEEPALIVE)
        except (OSError, UnicodeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no answer, or no such name"
            text = f"the broker {self._at} cannot be reached ({reason}): does it run there?"
            raise SourceError(text) from None
        client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._answer is not None or self._is_lost, SECONDS)
        if self._answer:
            text = f"does not take us (reason {self._answer}): are user and password right?"
            raise SourceError(f"the broker {self._at} {text}")
        if self._answer is None:
            raise SourceError(f"{self._at} does not answer within {SECONDS:g} s: is it a broker?")
        if topic := self._options["state_topic"]:
            try:
                client.subscribe(topic, 1)
            except ValueError:
                raise SourceError(f"state_topic {topic}: no broker takes that") from None
            if self._unconfirmed is not None:
                self.put(on, 0.0)
            with self._changed:
                is_told = self._changed.wait_for(lambda: self._is_told, RETAINED)
            if not is_told and self._unconfirmed is not None:
                raise SourceError(self._silence())
            return ""
        return "it does not tell its state"

    def put(self, on: bool, back_after: float) -> None:
        payload = self._options["on_payload" if on else "off_payload"]
        client = self._joined()
        if on != self._state:
            self._unconfirmed = time.monotonic()
        self._state = on  # until the plug says otherwise
        told = client.publish(self._options["command_topic"], payload, 1)
        try:
            told.wait_for_publish(SECONDS)
        except (RuntimeError, ValueError):
            self._is_lost = True
        if not told.is_published():
            raise SourceError(f"the broker {self._at} does not take a command: does it hang?")

    def state(self) -> bool | None:
        self._joined()
        topic, since = self._options["state_topic"], self._unconfirmed
        if topic and since is not None and time.monotonic() - since > CONFIRM:
            raise SourceError(self._silence())
        return self._state if topic else None

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            time.sleep(0.05)  # for the last words; a broker that hangs would be waited for
            wire: Any = client.socket()
            if wire is not None:
                with suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)
            client.loop_stop()
            client.on_connect = client.on_disconnect = client.on_message = None

    @property
    def _is_told(self) -> bool:
        return self._state is not None and self._unconfirmed is None

    def _silence(self) -> str:
        topic = self._options["state_topic"]
        return f"the plug does not answer on {topic}: is it on, and is the topic right?"

    def _joined(self) -> "Client":
        if self._client is None or self._is_lost:
            raise SourceError(f"the broker {self._at} is gone: does it run?")
        return self._client

    def _made(self) -> "Client":
        try:
            from paho.mqtt import client as paho
        except ImportError:
            raise SourceError(INSTALL) from None
        own: dict[str, Any] = {"protocol": paho.MQTTv311, "reconnect_on_failure": False}
        if hasattr(paho, "CallbackAPIVersion"):
            own["callback_api_version"] = paho.CallbackAPIVersion.VERSION2
        client = paho.Client(client_id="", **own)
        client.connect_timeout = SECONDS
        options = self._options
        if options["user"]:
            client.username_pw_set(options["user"], options["password"] or None)
        if options["safe"] != "keep":
            payload = options["on_payload" if options["safe"] == "on" else "off_payload"]
            client.will_set(options["command_topic"], payload, 1, retain=False)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_message = self._heard
        return client

    def _connected(self, _client: Any, _data: Any, _flags: Any, code: Any, *_more: Any) -> None:
        with self._changed:
            self._answer = int(getattr(code, "value", code))
            self._changed.notify_all()

    def _disconnected(self, _client: Any, _data: Any, *_more: Any) -> None:
        with self._changed:
            self._is_lost = True
            self._changed.notify_all()

    def _heard(self, _client: Any, _data: Any, message: Any) -> None:
        """What the plug says of itself; other words say nothing."""
        payload = message.payload[:200].decode("utf-8", "replace").strip()
        if payload in (self._options["on_payload"], self._options["off_payload"]):
            with self._changed:
                self._state, self._unconfirmed = payload == self._options["on_payload"], None
                self._changed.notify_all()


class MqttSwitch(Switch):
    def actor(self, options: Options, inside: Inside) -> Actor:
        return Plug(self.devices[0], options)

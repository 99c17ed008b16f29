"""The MQTT sink on a real Mosquitto: what it tells."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from s0web.clock import FakeClock
from s0web.hub import Hub
from s0web.log import Log
from s0web.model import Reading
from s0web.quantities import QUANTITIES
from s0web.sinks import mqtt_discovery as discovery
from s0web.sinks.mqtt import BACKLOG
from s0web.sinks.mqtt_topics import Topics
from s0web.station import Station
from s0web.workers import SinkLoop
from tests.conftest import S0_AND_P1, running, until
from tests.mosquitto import (
    Mosquitto,
    listening,
    mosquitto,
    opened,
    publish,
    reading,
    refusal,
    retained,
    sink,
    turns,
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as made:
        yield made


def test_a_late_subscriber_gets_every_quantity_and_the_device(
    clock: FakeClock, broker: Mosquitto
) -> None:
    told = Reading(
        "grid", clock.now(), {"power": -400.4, "energy_import": 3.25}, {"ean": 'a"\n+#é'}, "1SAG"
    )
    with opened(clock, broker.port, discovery="no") as mqtt:
        mqtt.write([told, reading(clock, 7, "main.brown")])
        found = retained(broker.port)
    assert json.loads(found.pop("s0web/grid")) == {
        "device": "grid",
        "time": "2026-03-02T12:00:00.000Z",
        "meter": "1SAG",
        "power": -400.4,
        "energy_import": 3.25,
        "labels": {"ean": 'a"\n+#é'},
    }
    assert json.loads(found.pop("s0web/main.brown"))["power"] == 7
    assert found == {
        "s0web/status": "online",
        "s0web/grid/power": "-400.4",
        "s0web/grid/energy_import": "3.25",
        "s0web/main.brown/power": "7",
    }


def test_a_label_that_is_gone_is_gone(clock: FakeClock, broker: Mosquitto) -> None:
    with opened(clock, broker.port) as mqtt:
        mqtt.write([Reading("grid", clock.now(), {}, {"note": "old", "ean": "5"})])
        clock.advance(10)
        mqtt.write([Reading("grid", clock.now(), {}, {"note": ""})])
        assert json.loads(retained(broker.port)["s0web/grid"])["labels"] == {"ean": "5"}


def test_no_name_breaks_out_of_its_topic() -> None:
    topics = Topics("home/s0/", "s0web")
    assert topics.of("a/b+c#\n", "power") == "home/s0/a_b_c__/power"
    assert topics.device("status") == "home/s0/status_"  # status is the station's own
    assert topics.status == "home/s0/status"


def test_only_the_newest_is_told_at_most_each_interval(clock: FakeClock, broker: Mosquitto) -> None:
    with opened(clock, broker.port) as mqtt, listening(broker.port) as heard:
        until(lambda: heard.last("s0web/status"), "the subscription")
        for power in range(11):
            mqtt.write([reading(clock, power - 0.5), reading(clock, power)])
            clock.advance(1)
        publish(broker.port, "end", "x")
        until(lambda: heard.last("end"), "the end")
        assert heard.of("s0web/grid/power") == ["0", "5", "10"]


def test_a_backlog_is_passed_over(clock: FakeClock, broker: Mosquitto) -> None:
    hub = Hub(clock, Log(4 * BACKLOG))
    with listening(broker.port) as heard:
        loop = SinkLoop(sink(clock, broker.port), hub, clock)
        for power in range(3 * BACKLOG + 1):
            hub.publish([reading(clock, power)])
        while loop.step() == 0:
            pass
        loop.step()  # the turn after a long batch
        until(lambda: heard.last("s0web/grid/power"), "a number")
        loop.finish()
        until(lambda: heard.last("s0web/status") == "offline", "the end")
        assert heard.of("s0web/grid/power") == [str(3 * BACKLOG)]


def test_one_device_alone_can_be_told(clock: FakeClock, broker: Mosquitto) -> None:
    with opened(clock, broker.port, device="grid", prefix="x") as mqtt:
        mqtt.write([reading(clock, 1, name) for name in ("grid", "grid.l1", "grids", "main")])
        numbers = {topic for topic in retained(broker.port) if topic.endswith("/power")}
    assert numbers == {"x/grid/power", "x/grid.l1/power"}


def test_the_topics_of_smartmeter_are_served(clock: FakeClock, broker: Mosquitto) -> None:
    values = {"voltage_l1": 230.1, "energy_import": 12.5, "crc_errors": 3.0}
    texts = {"layout": "smartmeter", "prefix": "/smartmeter/", "device": "haus"}
    with opened(clock, broker.port, discovery="no", **texts) as mqtt:
        mqtt.write([Reading("haus", clock.now(), values), reading(clock, 5, "haus.l1")])
        assert retained(broker.port) == {
            "/smartmeter/Spannung_L1": "230.1",
            "/smartmeter/Import_Wh_seit_reset": "12.5",
            "/smartmeter/status": "online",
        }
    del texts["device"]
    assert "set device" in refusal(sink(clock, broker.port, **texts))


@pytest.mark.parametrize("prefix", ["", "/", "s0/+/x", "a#", "$SYS/x"])
def test_a_prefix_that_cannot_be_is_a_sentence(clock: FakeClock, prefix: str) -> None:
    assert "take a name such" in (text := refusal(sink(clock, 1, prefix=prefix))) or "give" in text


@pytest.mark.parametrize("texts", [{"qos": "0"}, {"qos": "2"}, {"version": "3.1.1"}])
def test_every_quality_and_version_is_told(
    clock: FakeClock, broker: Mosquitto, texts: dict[str, str]
) -> None:
    with opened(clock, broker.port, **texts) as mqtt:
        mqtt.write([reading(clock, 5)])
        until(lambda: retained(broker.port).get("s0web/grid/power") == "5", "the power")


def test_a_station_tells_its_house(broker: Mosquitto, ini: Path) -> None:
    text = f"{S0_AND_P1}[sink:ha]\ntype = mqtt\nhost = 127.0.0.1\nport = {broker.port}\n"
    stations = running(ini, text)
    station: Station = next(stations)
    until(lambda: "s0web/grid/energy_import_high" in retained(broker.port), "the grid meter")
    found = retained(broker.port)
    assert station.hub.snapshot().health["sink:ha"].state == "ok"
    assert float(found["s0web/main/energy_import"]) >= 22.228
    assert "homeassistant/device/s0web_grid/config" in found
    assert not list(stations)  # it stops
    assert retained(broker.port)["s0web/status"] == "offline"


CONFIG = "homeassistant/device/s0web_{}/config"


def test_home_assistant_learns_what_the_numbers_mean(clock: FakeClock, broker: Mosquitto) -> None:
    values = {"power": 5.0, "energy_import_high": 3.0, "crc_errors": 0.0}
    with opened(clock, broker.port, prefix="home/s0") as mqtt:
        mqtt.write([Reading("grid", clock.now(), values, {}, "1SAG")])
        found = retained(broker.port)
    config = json.loads(found["homeassistant/device/home-s0-cffa_grid/config"])
    assert config["device"] == {
        "identifiers": ["home-s0-cffa_grid"],
        "name": "grid",
        "manufacturer": "s0web",
        "serial_number": "1SAG",
    }
    assert config["availability_topic"] == "home/s0/status"
    assert config["origin"]["name"] == "s0web"
    parts = config["components"]
    assert parts["energy_import_high"] == {
        "platform": "sensor",
        "unique_id": "home-s0-cffa_grid_energy_import_high",
        "name": "Energy import high",
        "state_topic": "home/s0/grid/energy_import_high",
        "suggested_display_precision": 3,
        "unit_of_measurement": "kWh",
        "device_class": "energy",
        "state_class": "total_increasing",
    }
    assert parts["power"]["device_class"] == "power"
    assert parts["power"]["state_class"] == "measurement"
    assert parts["crc_errors"]["entity_category"] == "diagnostic"
    for part in parts.values():
        assert part["state_topic"] in found


ALLOWED = {  # Home Assistant's device classes: units, state classes
    "power": ({"W"}, {"measurement"}),
    "reactive_power": ({"var"}, {"measurement"}),
    "apparent_power": ({"VA"}, {"measurement"}),
    "voltage": ({"V"}, {"measurement"}),
    "current": ({"A"}, {"measurement"}),
    "frequency": ({"Hz"}, {"measurement"}),
    "power_factor": ({None, "%"}, {"measurement"}),
    "energy": ({"kWh", "GJ"}, {"total", "total_increasing"}),
    "gas": ({"m³"}, {"total", "total_increasing"}),
    "water": ({"m³"}, {"total", "total_increasing"}),
    "volume": ({"m³"}, {"total", "total_increasing"}),
    "volume_flow_rate": ({"m³/h"}, {"measurement"}),
    "duration": ({"s"}, {"measurement", "total_increasing"}),
}


def test_every_quantity_is_one_that_home_assistant_allows() -> None:
    for device in ("grid", "grid.gas", "grid.hot_water2", "Gasmeter", "meter"):
        config = json.loads(discovery.payload(Topics("s0", "s0web"), device, "", QUANTITIES))
        assert set(config["components"]) == set(QUANTITIES)
        for quantity, part in config["components"].items():
            state, unit = part.get("state_class"), part.get("unit_of_measurement")
            if "device_class" in part:
                units, states = ALLOWED[part["device_class"]]
                assert unit in units, quantity
                assert state in states, quantity
            if QUANTITIES[quantity].kind == "register":
                assert state == "total_increasing", quantity


@pytest.mark.parametrize(
    ("device", "medium"),
    [("grid.gas", "gas"), ("grid.hot_water2", "water"), ("Gasmeter", "gas"), ("x", "volume")],
)
def test_volume_is_gas_or_water_by_the_name(device: str, medium: str) -> None:
    config = json.loads(discovery.payload(Topics("s0", "s0web"), device, "", ["volume"]))
    assert config["components"]["volume"]["device_class"] == medium


def test_identifiers_are_allowed_and_differ() -> None:
    topics = Topics("s0web", "s0web")
    names = ["grid", "grid.gas", "grid-gas", "grid_gas", "grid.gas2", "a/b", "ü", "ä"]
    found = {discovery.topic("homeassistant", topics, name).split("/")[2] for name in names}
    assert len(found) == len(names)
    assert all(
        name.isascii() and name.replace("_", "a").replace("-", "a").isalnum() for name in found
    )


def test_a_new_quantity_and_a_birth_send_discovery_again(
    clock: FakeClock, broker: Mosquitto
) -> None:
    topic = CONFIG.format("grid")
    publish(broker.port, "homeassistant/status", "online", "-r")  # of before: no birth
    with opened(clock, broker.port) as mqtt, listening(broker.port) as heard:
        mqtt.write([reading(clock, 5)])
        until(lambda: len(heard.of(topic)) == 1, "the first")
        clock.advance(10)
        mqtt.write([reading(clock, 6)])
        clock.advance(10)
        mqtt.write([reading(clock, 7, voltage=230)])
        until(lambda: heard.last("s0web/grid/power") == "7", "the last power")
        first, second = heard.of(topic)
        assert "voltage" not in first
        assert "voltage" in second
        publish(broker.port, "homeassistant/status", "offline")
        publish(broker.port, "homeassistant/status", "online")
        turns(clock, mqtt, lambda: heard.of(topic) == [first, second, second])
        until(lambda: heard.of("s0web/grid/power") == ["5", "6", "7", "7"], "the values again")


def test_without_discovery_ours_are_taken_away(clock: FakeClock, broker: Mosquitto) -> None:
    for prefix in ("s0web", "s0web_2"):
        with opened(clock, broker.port, prefix=prefix) as mqtt:
            mqtt.write([reading(clock, 5), reading(clock, 5, "gone")])
    foreign = "homeassistant/device/s0web_other/config"
    publish(broker.port, foreign, "not json", "-r")
    with opened(clock, broker.port, discovery="no") as mqtt:

        def left() -> set[str]:
            return {topic for topic in retained(broker.port) if topic.startswith("homeassistant/")}

        theirs = {CONFIG.format("2_grid"), CONFIG.format("2_gone"), foreign}
        turns(clock, mqtt, lambda: left() == theirs)
        mqtt.write([reading(clock, 6)])
        assert left() == theirs

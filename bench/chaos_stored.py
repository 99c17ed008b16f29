"""What the databases of a chaos run hold, read from them as anyone would."""

import csv
import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from bench.chaos_oracle import Key, Ledger, Row, micros
from tests.chaos_house import ChaosHouse
from tests.mosquitto import retained

RECENT = timedelta(seconds=5)  # what is told last may have been on its way
READING = "FROM {0}reading r JOIN {0}series s ON s.id = r.series_id"
TICKS = {"mysql": 1000, "postgresql": 1000, "influx": 1, "csv": 1000}  # us


def rows(house: ChaosHouse, sink: str) -> list[Row]:
    """Every value with its key, as often as it is there."""
    asked = {"mysql": _mysql, "postgresql": _postgresql, "influx": _influx, "csv": _csv}
    return list(asked[sink](house))


def untold(house: ChaosHouse, ledger: Ledger) -> tuple[int, int]:
    """Of how many quantities the broker retains what was told last, and of how many not."""
    told: dict[str, list[tuple[datetime, float]]] = {}
    for _, reading in sorted(ledger.readings.items()):
        for quantity, number in reading.values.items():
            told.setdefault(f"s0web/{reading.device}/{quantity}", []).append(
                (reading.time, round(number, 6))
            )
    end = max(values[-1][0] for values in told.values())
    kept = retained(house.mqtt.port)
    wrong = 0
    for topic, values in told.items():
        newest = {number for time, number in values[-200:] if time > end - RECENT}
        wrong += topic not in kept or json.loads(kept[topic]) not in {*newest, values[-1][1]}
    return len(told), wrong


def _mysql(house: ChaosHouse) -> Iterator[Row]:
    text = f"SELECT s.device, s.quantity, s.meter, r.ts, r.value {READING.format('s0web.')}"
    return ((Key(*key), float(number)) for *key, number in house.mysql.query(text))


def _postgresql(house: ChaosHouse) -> Iterator[Row]:
    ms = "(extract(epoch FROM r.ts) * 1000)::bigint"
    text = f"SELECT s.device, s.quantity, s.meter, {ms}, r.value {READING.format('')}"
    return ((Key(*key), number) for *key, number in house.postgresql.rows(text, "s0web"))


def _influx(house: ChaosHouse) -> Iterator[Row]:
    for series in house.influx.query("SELECT * FROM s0web GROUP BY *"):
        tags, names = series["tags"], series["columns"][1:]
        for time, *numbers in series["values"]:
            for name, number in zip(names, numbers, strict=True):
                if number is not None:
                    yield Key(tags["device"], name, tags.get("meter", ""), time // 1000), number


def _csv(house: ChaosHouse) -> Iterator[Row]:
    for path in house.csv.glob("*.csv"):
        with path.open(newline="") as file:
            for line in csv.DictReader(file):
                time = micros(datetime.fromisoformat(line["time"])) // 1000
                key = Key(line["device"], line["quantity"], line["meter"], time)
                yield key, float(line["value"])

"""One batch of Readings in order of arrival as a blob, and back: the log's older part.

Readings of the same device, meter, labels and quantities are one shape, told once. The first column
is JSON, the list of shapes; then come the shape of each reading, its time in us, and for each shape
one column for each of its quantities. Nothing is rounded.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ..model import Reading
from .packing import join, pack_floats, pack_ints, split, unpack_floats, unpack_ints

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DIGITS = 6  # a number with no more decimals takes few bytes
Shape = tuple[str, str, tuple[tuple[str, str], ...], tuple[str, ...]]


def encode(readings: Sequence[Reading]) -> bytes:
    shapes: dict[Shape, int] = {}
    order, times = [], []
    columns: list[list[list[float]]] = []
    for reading in readings:
        labels = tuple(reading.labels.items())
        shape = (reading.device, reading.meter, labels, tuple(reading.values))
        number = shapes.setdefault(shape, len(shapes))
        if number == len(columns):
            columns.append([[] for _ in reading.values])
        for column, value in zip(columns[number], reading.values.values(), strict=True):
            column.append(value)
        order.append(number)
        times.append((reading.time - EPOCH) // TICK)
    head = json.dumps([len(readings), list(shapes)], separators=(",", ":")).encode()
    packed = [pack_floats(column, DIGITS, exact=True) for shape in columns for column in shape]
    return join([head, pack_ints(order), pack_ints(times), *packed])


def decode(blob: bytes) -> list[Reading]:
    head, order, stamps, *columns = split(blob)
    count, shapes = json.loads(head)
    numbers = unpack_ints(order, count)
    rows = []  # of each shape: its values, reading by reading
    packed = iter(columns)
    for number, (_, _, _, quantities) in enumerate(shapes):
        size = numbers.count(number)
        values = [unpack_floats(next(packed), size) for _ in quantities]
        rows.append(zip(*values, strict=True) if values else iter([()] * size))
    readings = []
    for number, stamp in zip(numbers, unpack_ints(stamps, count), strict=True):
        device, meter, labels, quantities = shapes[number]
        told = dict(zip(quantities, next(rows[number]), strict=True))
        time = EPOCH + timedelta(microseconds=stamp)
        readings.append(Reading(device, time, told, dict(labels), meter))
    return readings

"""Columns of numbers in few bytes: their differences, with bytes of equal weight side by side.

A column is, little-endian:

    +------+-------+----------------+---------------------------------+
    | type | scale | first, 8 bytes | differences, by planes of bytes |
    +------+-------+----------------+---------------------------------+

type: b h i q, the width of the differences of whole numbers, or d: the numbers as doubles. A number
is the whole one divided by 10 ** scale, or multiplied where the scale is negative; what has at most
15 digits comes back as the same float.
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import sub

MOST = 1 << 53  # whole numbers up to here are exact as floats
_HEAD = struct.Struct("<cbq")
_WIDTHS = (("b", 7), ("h", 15), ("i", 31), ("q", 63))


def pack_ints(numbers: Sequence[int], scale: int = 0) -> bytes:
    """A column of whole numbers; zeros at the end of all of them go into the scale."""
    while numbers and any(numbers) and not any(number % 10 for number in numbers):
        numbers, scale = [number // 10 for number in numbers], scale - 1
    steps = list(map(sub, numbers[1:], numbers))
    widest = max(max(steps), -1 - min(steps)).bit_length() if steps else 0
    code = next(code for code, bits in _WIDTHS if widest <= bits)
    first = numbers[0] if numbers else 0
    return _HEAD.pack(code.encode(), scale, first) + _planes(array(code, steps))


def unpack_ints(column: bytes, count: int) -> list[int]:
    code, scale, numbers = _whole(column, count)
    assert code != "d"
    return [number * 10**-scale for number in numbers] if scale else numbers


def pack_floats(numbers: Sequence[float], digits: int, exact: bool = False) -> bytes:
    """A column of numbers, rounded to so many decimals; `exact`: not rounded, whatever it takes."""
    if max(map(abs, numbers), default=0.0) * 10**digits < MOST:
        power = 10**digits
        whole = [round(number * power) for number in numbers]
        if not exact or all(map(_same, whole, numbers, [power] * len(whole))):
            return pack_ints(whole, digits)
    return _HEAD.pack(b"d", 0, 0) + _planes(array("d", numbers))


def unpack_floats(column: bytes, count: int) -> list[float]:
    if column[:1] == b"d":
        return list(_numbers("d", column[_HEAD.size :]))
    _, scale, whole = _whole(column, count)
    if scale > 0:
        power = 10**scale
        return [number / power for number in whole]
    return [float(number * 10**-scale) for number in whole]


def join(columns: Sequence[bytes]) -> bytes:
    """Columns behind each other, each with its length before it; compressed."""
    parts = [part for column in columns for part in (struct.pack("<I", len(column)), column)]
    return zlib.compress(b"".join(parts), 9)


def split(blob: bytes) -> list[bytes]:
    """What was joined; ValueError for a blob that is damaged (zlib's checksum tells)."""
    try:
        data, at, columns = zlib.decompress(blob), 0, []
    except zlib.error as error:
        raise ValueError(f"a packed blob is damaged: {error}") from None
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        columns.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return columns


def _same(whole: int, number: float, power: int) -> bool:
    return whole / power == number


def _whole(column: bytes, count: int) -> tuple[str, int, list[int]]:
    letter, scale, first = _HEAD.unpack_from(column)
    if count == 0:
        return letter.decode(), scale, []
    steps = _numbers(letter.decode(), column[_HEAD.size :])
    return letter.decode(), scale, list(accumulate(steps, initial=first))


def _planes(numbers: "array[int] | array[float]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    data, width = numbers.tobytes(), numbers.itemsize
    return b"".join(data[plane::width] for plane in range(width))


def _numbers(code: str, planes: bytes) -> "array[int]":
    numbers: array[int] = array(code)
    width, data = numbers.itemsize, bytearray(len(planes))
    count = len(planes) // width
    for plane in range(width):
        data[plane::width] = planes[plane * count : (plane + 1) * count]
    numbers.frombytes(bytes(data))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers

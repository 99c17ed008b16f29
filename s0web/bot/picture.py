"""A bar chart as PNG, made with zlib alone: bars up and down from a zero line, numbers beside it.

PNG: signature, then chunks of length, type, data and CRC-32; here one IHDR, one PLTE and one IDAT
with a byte for each pixel and a 0 before each row (W3C PNG, 5 and 11).
"""

import math
import struct
import zlib
from collections.abc import Sequence

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 16, 40, 44  # around the bars
PALETTE = bytes.fromhex("ffffff e3e6ea 39424e d9822b 2e9e6b")
PAPER, RULE, INK, UP, DOWN = range(5)
SCALE = 3  # pixels for a dot of a letter
STEPS = 4  # rules above zero, about
_LETTERS = {  # 5 rows of 3 dots, the first row in the highest bits
    "0": 0o75557, "1": 0o26227, "2": 0o71747, "3": 0o71717, "4": 0o55711, "5": 0o74717,
    "6": 0o74757, "7": 0o71122, "8": 0o75757, "9": 0o75717, ".": 0o00002, "-": 0o00700,
    ":": 0o02020, "k": 0o45655, "W": 0o55775, "h": 0o44755, " ": 0o00000,
}  # fmt: skip


def bars(values: Sequence[float | None], unit: str, ticks: Sequence[tuple[int, str]]) -> bytes:
    """One bar for each value, none for None; `ticks`: index of a bar, what stands below its left
    edge. What is no letter of the chart (digits, `.-:kWh`) is left blank.
    """
    canvas = _Canvas()
    known = [value for value in values if value is not None and math.isfinite(value)]
    step = _step(max([*known, 0.0]) - min([*known, 0.0]))
    low = math.floor(min([*known, 0.0]) / step)
    high = max(math.ceil(max([*known, 0.0]) / step), low + 1)
    tall = HEIGHT - TOP - BOTTOM

    def level(value: float) -> int:
        return TOP + round((high * step - value) / ((high - low) * step) * tall)

    digits = 0 if step >= 1 else 1 if step >= 0.1 else 2
    for number in range(low, high + 1):
        row = level(number * step)
        canvas.fill(LEFT, row, WIDTH - RIGHT, row + 1, RULE if number else INK)
        canvas.write(LEFT - 8, row - 7, f"{number * step:.{digits}f}", is_end=True)
    canvas.write(LEFT, 10, unit)
    wide, zero = (WIDTH - LEFT - RIGHT) / max(len(values), 1), level(0.0)
    gap = 1 if wide >= 3 else 0
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            continue
        left, right = round(LEFT + index * wide), round(LEFT + (index + 1) * wide) - gap
        top, bottom = sorted((zero, level(value)))
        canvas.fill(left, top, max(right, left + 1), bottom, UP if value >= 0 else DOWN)
    canvas.fill(LEFT, zero, WIDTH - RIGHT, zero + 1, INK)
    for index, text in ticks:
        left = round(LEFT + index * wide)
        canvas.fill(left, HEIGHT - BOTTOM, left + 1, HEIGHT - BOTTOM + 5, INK)
        canvas.write(left, HEIGHT - BOTTOM + 14, text)
    return canvas.png()


def _step(span: float) -> float:
    """1, 2 or 5 times a power of ten, so that a few rules cover the span."""
    rough = max(span, 1e-3) / STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough * 0.999)


class _Canvas:
    def __init__(self) -> None:
        self._rows = [bytearray(WIDTH) for _ in range(HEIGHT)]

    def fill(self, left: int, top: int, right: int, bottom: int, color: int) -> None:
        left, right = max(left, 0), min(right, WIDTH)
        for row in self._rows[max(top, 0) : bottom]:
            if left < right:
                row[left:right] = bytes([color]) * (right - left)

    def write(self, left: int, top: int, text: str, is_end: bool = False) -> None:
        """From `left` on, or up to there."""
        advance = 4 * SCALE
        if is_end:
            left -= advance * len(text)
        for place, letter in enumerate(text):
            dots = _LETTERS.get(letter, 0)
            for dot in range(15):
                if dots >> (14 - dot) & 1:
                    column = left + place * advance + dot % 3 * SCALE
                    row = top + dot // 3 * SCALE
                    self.fill(column, row, column + SCALE, row + SCALE, INK)

    def png(self) -> bytes:
        head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
        dots = b"".join(b"\0" + row for row in self._rows)
        parts = ((b"IHDR", head), (b"PLTE", PALETTE), (b"IDAT", zlib.compress(dots, 9)))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in (*parts, (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

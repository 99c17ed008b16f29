"""An output line by the kernel's character device (uAPI v2): a relay, claimed in a given state.

Where the relay is on when the line is low, the kernel turns the values round.
"""

import fcntl
import os
import struct

from .gpio import OUTPUT, SET_VALUES, find, request

ACTIVE_LOW = 2
GET_VALUES = 0xC010B40E  # struct gpio_v2_line_values: bits mask
OUTPUT_VALUES = 2  # gpio_v2_line_attribute.id


class ChardevOutput:
    """One line of a chip (contract: hardware.Output)."""

    def __init__(self, chip: str, offset: int, active_low: bool, on: bool) -> None:
        info = find(chip)
        self.note = f"{info.label} ({info.path})"
        self._fd = request(info.path, [offset], output_config(active_low, on), 0)

    def put(self, on: bool) -> None:
        fcntl.ioctl(self._fd, SET_VALUES, struct.pack("=QQ", on, 1))

    def is_on(self) -> bool:
        answer = bytearray(struct.pack("=QQ", 0, 1))
        fcntl.ioctl(self._fd, GET_VALUES, answer)
        return bool(answer[0] & 1)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def output_config(active_low: bool, on: bool) -> bytes:
    """struct gpio_v2_line_config of one line: an output with its first value."""
    flags = OUTPUT | (ACTIVE_LOW if active_low else 0)
    first_value = struct.pack("=IIQQ", OUTPUT_VALUES, 0, on, 1)
    return struct.pack("=QI20x", flags, 1) + first_value.ljust(240, b"\0")

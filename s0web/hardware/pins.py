"""The 40-pin header of the Raspberry Pi: position on the board -> GPIO (BCM) number."""

BOARD = {
    3: 2, 5: 3, 7: 4, 8: 14, 10: 15, 11: 17, 12: 18, 13: 27, 15: 22, 16: 23, 18: 24, 19: 10, 21: 9, 22: 25,
    23: 11, 24: 8, 26: 7, 27: 0, 28: 1, 29: 5, 31: 6, 32: 12, 33: 13, 35: 19, 36: 16, 37: 26, 38: 20, 40: 21,
}  # fmt: skip


def offset_of(pin: int, numbering: str) -> int:
    """The line of the chip that a pin stands for; ValueError where the header has no GPIO there."""
    if numbering == "bcm":
        return pin
    if pin not in BOARD:
        there = ", ".join(map(str, BOARD))
        raise ValueError(f"position {pin} of the header is no GPIO; GPIO are at {there}")
    return BOARD[pin]

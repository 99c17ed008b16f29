"""Cuts a P1 byte stream into telegrams and proves each by its CRC.

    /FLU5\\253769484_A              1  '/', three letters of the maker, a digit, the type of meter
                                      an empty line
    1-0:1.8.1(000000.034*kWh)      2  data lines, each ended by CR LF
    !28FA                          3  '!', CRC-16/ARC over '/' to '!' inclusive, 1 to 4 hex digits

IEC 62056-21 allows neither '/' nor '!' inside a telegram: every '/' begins one anew, the next '!'
ends it, and no damage outlives the telegram that it hit. DSMR 2.2 and 3.0 have no CRC; neither have
they a version or a time line.
"""

import re

BUFFER = 8192  # bytes held at most; the longest lawful telegram takes about 4,200
LONGEST = BUFFER - 8  # bytes from '/' to '!', so that the digits after it fit too

SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))  # heals 7E1 read as 8N1
END = re.compile(rb"!([0-9A-Fa-f]{0,4})")

_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_IDENT = re.compile(rb"/[A-Za-z]{3}[0-9]")
_LINE = re.compile(rb"\n\d-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}[.*\d]{0,4}\(")
_SIGNED = (b"0-0:96.1.4", b"1-3:0.2.8", b"0-0:1.0.0")  # lines of editions that all have a CRC


def crc16(data: bytes) -> int:
    """Return the CRC-16/ARC of data: x16 + x15 + x2 + 1, lowest bit first, start 0, no final XOR.

    The polynomial is (x + 1)(x15 + x + 1). Modulo the first factor remains the parity. Modulo the
    second, x^15m = x^m + 1 for every power of two m, so that a few shifts of one big integer halve
    it again and again: four times as fast as a table that takes two bytes at a time.
    """
    rest = int.from_bytes(data.translate(_MIRROR), "big") << 16
    odd = rest.bit_count() & 1
    step = 1 << (rest.bit_length() // 15).bit_length()
    while step := step >> 1:
        while high := rest >> 15 * step:
            rest ^= high << 15 * step ^ high << step ^ high
    if rest.bit_count() & 1 != odd:
        rest ^= 0x8003
    return _MIRROR[rest & 0xFF] << 8 | _MIRROR[rest >> 8]


def prove(frame: bytes, digits: bytes) -> bytes | None:
    """Return the frame, '/' to '!', with CR LF line ends; None if the digits are not its CRC.

    Without digits it must be of an edition that has no CRC.
    """
    if b"\r" not in frame:  # a gateway took the CR away, over which the meter reckoned its CRC
        frame = frame.replace(b"\n", b"\r\n")
    proven = crc16(frame) == int(digits, 16) if digits else _rightly_bare(frame)
    return frame if proven else None


def _rightly_bare(frame: bytes) -> bool:
    """Whether this is a telegram of DSMR 2.2 or 3.0, not noise nor the head of a newer one."""
    looks_whole = frame[-2:-1] == b"\n" and _IDENT.match(frame) and _LINE.search(frame)
    return bool(looks_whole) and not any(code in frame for code in _SIGNED)


class Framer:
    """Takes bytes in any pieces, returns the proven telegrams, holds at most BUFFER bytes."""

    def __init__(self) -> None:
        self.good = 0  # telegrams returned
        self.bad = 0  # complete frames refused for their CRC
        self.dropped = 0  # bytes thrown away, line ends not counted
        self._held = bytearray()
        self._seen = 0  # no '!' ends a telegram before here

    @property
    def buffered(self) -> int:
        return len(self._held)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the telegrams that end in this chunk: '/' to CRC and CR LF, bit 7 cleared."""
        held = self._held
        held += chunk.translate(SEVEN_BITS)
        found = []
        while (at := held.find(b"!", self._seen)) >= 0:
            end = END.match(held, at)
            assert end is not None
            if end.end() == len(held) and len(end[1]) < 4:  # more digits may follow
                self._seen = at
                break
            telegram = self._take(at, end[1])
            if telegram is not None:
                found.append(telegram)
        else:
            self._seen = len(held)
        self._trim()
        self.good += len(found)
        return found

    def _take(self, at: int, digits: bytes) -> bytes | None:
        """Remove all up to the end at `at` and return the telegram that it closes, if any."""
        held, after = self._held, at + 1 + len(digits)
        start = held.rfind(b"/", 0, at)
        if start < 0:
            start = held.find(b"/", at)
            self._drop(len(held) if start < 0 else start)
            return None
        if at - start > LONGEST:
            self._drop(after)
            return None
        frame = prove(bytes(held[start : at + 1]), digits)
        self._drop(start if frame else after)
        if frame is None:
            self.bad += 1
            return None
        del held[: after - start]
        self._seen = 0
        return b"%b%b\r\n" % (frame, digits)

    def _trim(self) -> None:
        """Keep only what may still become a telegram."""
        start = self._held.rfind(b"/")
        too_long = self._seen - start > LONGEST
        self._drop(len(self._held) if start < 0 or too_long else start)

    def _drop(self, count: int) -> None:
        if count:
            self.dropped += len(self._held[:count].translate(None, b"\r\n\0"))
            del self._held[:count]
        self._seen = max(0, self._seen - count)

"""What is wrong with a P1 line: judged from when bytes, telegrams and damaged telegrams came.

Four troubles are told apart, each with what to do: silent (no bytes), garbled (bytes but no
telegram), crc (damaged telegrams), lag (the meter's time and ours differ).
"""

from collections import deque
from datetime import timedelta

from ..model import Trouble

LIMIT = 12.0  # s without a byte or a telegram; up to DSMR 4 a meter sends one each 10 s
PROVEN_LIMIT = 3 * LIMIT  # s without a telegram at a baud rate that was right: two may be damaged
NOISE_LIMIT = 0.1  # share of bytes that are no text; far more are at a wrong baud rate
TEXT = bytes(b for b in range(256) if b & 0x7F in (10, 13) or 32 <= b & 0x7F < 127)  # bit 7 apart
CRC_ERRORS = 3  # within a minute are a trouble, until there is only one
LAG_LIMIT = 60.0  # s between the meter's clock and this machine's
LONGEST_WAIT = 3600.0  # s that bytes may lie on their way, in a few kB of buffers
REPEAT = 10.0  # s until a standing trouble is told again, in the same words
MINUTE = 60.0  # s until it is worded anew: a number that ticks would fill the log

SENTENCES = {  # cause: kind, text, remedy
    "silent": (
        "silent",
        "{where} gives no bytes",
        "Is the P1 port opened by the grid operator (in Belgium only on request), is the cable "
        "plugged in at both ends, and is it a P1 cable, which holds Data Request high?",
    ),
    "garbled": (
        "garbled",
        "{where} gives bytes but no telegram at {baud} baud: wrong baud rate?{trying}",
        "115200 is right for DSMR 4, 5 and Belgium, 9600 for DSMR 2 and 3; if neither helps, the "
        "cable lacks the inverter that P1 needs, or this is not a P1 port",
    ),
    "crc": (
        "crc",
        "{errors} damaged telegrams (CRC errors) on {where} within a minute",
        "Try a shorter or better cable, and another USB port or a hub with its own power",
    ),
    "clock": (
        "lag",
        "the meter's clock is {lag} {side} this machine's",
        "Check this machine's time (timedatectl); the meter's is set by the grid operator",
    ),
    "slow": (
        "lag",
        "telegrams are {lag} old when they are read: bytes had to wait for this machine",
        "Look for what keeps its processor busy (top), or for a slow network before it",
    ),
}


class Line:
    """What has been heard on a line, and from that what is wrong with it; times are monotonic s."""

    def __init__(self, now: float) -> None:
        self._heard = now
        self.retune(now)

    def retune(self, now: float) -> None:
        """The baud rate is another: all that was heard before was noise."""
        self._errors: deque[tuple[float, int]] = deque()
        self._damaged = self._proven = False
        self._uncounted = 0
        self._await(now)

    def hear(self, now: float, chunk: bytes) -> None:
        """Bytes came."""
        if now - self._heard >= LIMIT:  # after a silence the wait for a telegram begins anew
            self._await(now)
        self._heard = now
        self._bytes += len(chunk)
        self._noise += len(chunk.translate(None, TEXT))

    def count(self, now: float, good: int, bad: int) -> None:
        """So many telegrams came since the last count, and so many with a wrong CRC."""
        if good:
            self._proven = True
            self._await(now)
        if bad:
            self._errors.append((now, bad))
            self._uncounted += bad
        while self._errors and now - self._errors[0][0] > MINUTE:
            self._errors.popleft()
        self._damaged = self.errors > 1 if self._damaged else self.errors >= CRC_ERRORS

    @property
    def errors(self) -> int:
        """CRC errors within the last minute."""
        return sum(number for _, number in self._errors)

    def damaged(self) -> int:
        """Return how many damaged telegrams came since the last call, at this baud rate."""
        count, self._uncounted = self._uncounted, 0
        return count

    def verdict(self, now: float) -> str:
        """Return silent, crc, garbled or "" (fine, or too early to tell)."""
        if now - self._heard >= LIMIT:
            return "silent"
        if self._damaged and self._noise <= self._bytes * NOISE_LIMIT:
            return "crc"
        limit = PROVEN_LIMIT if self._proven else LIMIT
        return "garbled" if now - self._since >= limit else ""

    def _await(self, now: float) -> None:
        """Begin to wait for a telegram."""
        self._since, self._bytes, self._noise = now, 0, 0


class Complaints:
    """Words each trouble, and tells it when it is another or 10 s old."""

    def __init__(self, device: str, where: str) -> None:
        self._device, self._where = device, where
        self._what = ("", 0)  # cause and baud rate of the standing trouble
        self._trouble = Trouble(device, "", "", "")
        self._worded = self._told = 0.0

    def about(
        self,
        cause: str,
        now: float,
        again: bool,
        *,
        baud: int,
        trying: str,
        errors: int,
        lag: float,
    ) -> list[Trouble]:
        """Return the trouble, or nothing if it stands already (`again`: even then)."""
        standing = (cause, baud) == self._what
        if standing and not again and now - self._told < REPEAT:
            return []
        if not standing or now - self._worded >= MINUTE:
            kind, text, remedy = SENTENCES[cause]
            side = "behind" if lag > 0 else "ahead of"
            text = text.format(
                where=self._where,
                baud=baud,
                trying=trying,
                errors=errors,
                lag=timedelta(seconds=round(abs(lag))),
                side=side,
            )
            self._what, self._worded = (cause, baud), now
            self._trouble = Trouble(self._device, kind, text, remedy)
        self._told = now
        return [self._trouble]

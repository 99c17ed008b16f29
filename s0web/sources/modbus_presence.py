"""Whether a Modbus meter is there, and how long to wait before what failed is tried again."""

from ..model import Trouble

LONGEST = 10.0  # s between two attempts; the first comes after 1 s, then 2, 4 ...


class Presence:
    """`trouble`: why it is not met, as it was told; None: it is met, or was never asked."""

    def __init__(self, now: float) -> None:
        self.is_met, self.retry_at = False, now  # monotonic s
        self.trouble: Trouble | None = None
        self._misses = 0  # turns in which something failed, since all was well

    @property
    def wait(self) -> float:
        """Seconds until the next attempt."""
        return float(min(LONGEST, 2.0 ** min(self._misses, 10)))

    def unknown(self, now: float) -> None:
        """The wire was opened: ask at once who is there."""
        self.is_met, self.retry_at, self._misses = False, now, 0

    def met(self) -> None:
        self.is_met, self.trouble, self._misses = True, None, 0

    def lost(self, trouble: Trouble, now: float) -> Trouble:
        """Leave it alone for a while; a trouble that stands keeps its words."""
        if self.trouble is None or self.trouble.kind != trouble.kind:
            self.trouble = trouble
        self.is_met, self.retry_at = False, now + self.wait
        self._misses += 1
        return self.trouble

    def judge(self, failed: bool, is_behind: bool) -> None:
        """After a turn of a meter that is there: did a request fail, must one yet be repeated?"""
        if failed:
            self._misses += 1
        elif not is_behind:
            self._misses = 0

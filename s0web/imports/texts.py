"""Numbers and times as other programs write them; ValueError says what is wrong with a text."""

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo

_DUTCH = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})(.*)", re.S)
_METER = re.compile(r"(\d{12})([SW])")


def number(text: str) -> float:
    """A finite number, with a point or a comma."""
    try:
        found = float(text.strip().replace(",", "."))
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{text[:30]!r} is no number")
    return found


def shown(text: str) -> str:
    """A piece of a file, fit for a terminal."""
    return ascii(text[:40])


def meter_time(text: str) -> datetime:
    """As a P1 meter writes it: 211024195235S."""
    found = _METER.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{shown(text)} is no time of a P1 meter, such as 211024195235S")
    try:
        local = datetime.strptime(found[1], "%y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{shown(text)} is no time that there is") from None
    return local - timedelta(hours=2 if found[2] == "S" else 1)


class LocalTimes:
    """Reads times in the order of a file; where clocks are put back an hour is there twice, and the
    second one is known by its times not rising.
    """

    def __init__(self, zone: tzinfo | None) -> None:
        self.zone = zone
        self._last: datetime | None = None

    def read(self, text: str) -> datetime:
        """A time such as 2026-03-01 12:30:00, 1-3-2026 12:30 or 2026-03-01T12:30Z, as UTC."""
        text = text.strip()
        if found := _DUTCH.fullmatch(text):
            text = f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}{found[4]}"
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{shown(text)} is no time such as 2026-03-01 12:30:00") from None
        try:
            return self.utc(time)
        except OverflowError:
            raise ValueError(f"{shown(text)} is no time that there is") from None

    def utc(self, time: datetime) -> datetime:
        if time.tzinfo is not None:
            return time.astimezone(UTC)
        first, second = (self._at(time.replace(fold=fold)) for fold in (0, 1))
        if first > second:  # clocks skipped it
            raise ValueError(f"{time} is no local time: clocks were put forward then")
        found = second if self._last is not None and first <= self._last else first
        self._last = found
        return found

    def _at(self, time: datetime) -> datetime:
        return (time.replace(tzinfo=self.zone) if self.zone else time).astimezone(UTC)

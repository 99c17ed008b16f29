"""What is asked of the past: the words of a request as moments and names. ValueError says what is
wrong with one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from ..quantities import QUANTITIES

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # nothing was told before
MOST = 10  # quantities of one request
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_BACK = re.compile(r"-(\d{1,6})([mhdw])", re.ASCII)
_EPOCH = re.compile(r"\d{9,10}(\.\d+)?", re.ASCII)
_PLUS = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$", re.ASCII)  # a + that became a space


def span(
    asked: Mapping[str, str], now: datetime, zone: tzinfo | None, usual: timedelta
) -> tuple[datetime, datetime]:
    """`usual`: how far back from `to` where `from` is not said."""
    now = now.replace(microsecond=0) + timedelta(seconds=1)  # what was told just now, too
    end = _moment("to", asked["to"], now, zone) if asked.get("to") else now
    start = _moment("from", asked["from"], now, zone) if asked.get("from") else end - usual
    if start >= end:
        raise ValueError(
            f"from: {start:%Y-%m-%dT%H:%M:%SZ} is not before to, {end:%Y-%m-%dT%H:%M:%SZ}."
        )
    return start, end


def choice(name: str, text: str, known: Sequence[str]) -> str:
    if text not in known:
        raise ValueError(f"{name}: {text[:40]!r} is none: take one of {', '.join(known)}.")
    return text


def names(name: str, texts: Iterable[str]) -> list[str]:
    """Quantities, several times or in one list with commas; each once."""
    asked = [one.strip() for text in texts for one in text.split(",")]
    found = list(dict.fromkeys(one for one in asked if one))
    for one in found:
        if one not in QUANTITIES:
            raise ValueError(f"{name}: {one[:40]!r} is not known; see /s0/api/v1/history.")
    if len(found) > MOST:
        raise ValueError(f"{name}: {len(found)} are too many: ask for {MOST} at a time.")
    return found


def _moment(name: str, text: str, now: datetime, zone: tzinfo | None) -> datetime:
    text = text.strip()
    try:
        if text == "now":
            return now
        if back := _BACK.fullmatch(text):
            moment = now - timedelta(**{_UNITS[back[2]]: int(back[1])})
        elif _EPOCH.fullmatch(text):
            moment = datetime.fromtimestamp(float(text), UTC)
        else:
            moment = datetime.fromisoformat(_PLUS.sub(r"\1+\2", text))
            moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return max(EARLIEST, moment.astimezone(UTC))
    except (ValueError, OverflowError, OSError):  # the last two: beyond the years 1 to 9999
        raise ValueError(
            f"{name}: {text[:40]!r} is no time: write it as 2026-03-01, 2026-03-01T12:00, "
            "2026-03-01T11:00Z, seconds since 1970, now, or back from now: -24h, -7d."
        ) from None

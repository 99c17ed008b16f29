"""Day-ahead prices of the past, as they were told and archived."""

from datetime import datetime, timedelta

from ..archive.batches import EPOCH
from ..archive.query import History
from ..energy.dayahead import slots_of
from ..energy.price_book import Slot
from ..errors import SinkError

DEVICE, QUANTITY = "prices", "price_spot"
POINTS = 36 * 100  # quarter-hours of five weeks and a clock change


def archived(history: History | None, start: datetime, end: datetime) -> list[Slot]:
    """What is known of start..end, at most five weeks; nothing where the archive cannot be read."""
    if history is None:
        return []
    try:
        points = history.series(DEVICE, QUANTITY, start, end, "raw", POINTS).points
    except SinkError:
        return []
    known = {EPOCH + timedelta(milliseconds=point.time): point.number for point in points}
    return list(slots_of(sorted(known.items()), "archive"))

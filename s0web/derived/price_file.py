"""The prices of now and of what is to come, in a file of their own, so that a restart without
internet knows them.

    {"zone": "BE", "slots": [[1761343200, 1761344100, 85.2, "entsoe"], ...]}

A file that is damaged, or of another zone, is as none.
"""

import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..energy.price_book import Slot

LOG = logging.getLogger(__name__)
LONGEST = 1_000_000  # bytes; ten days are 50,000


def load(path: Path, zone: str) -> list[Slot]:
    try:
        if path.stat().st_size > LONGEST:
            raise ValueError("it is too long")
        said = json.loads(path.read_bytes())
        return [_slot(row) for row in said["slots"]] if said["zone"] == zone else []
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        LOG.warning("%s: begins anew: %s", path, error)
        return []


def save(path: Path, zone: str, slots: Sequence[Slot]) -> None:
    """Whole or not at all; raises OSError."""
    rows = [[s.start.timestamp(), s.end.timestamp(), s.spot, s.provider] for s in slots]
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w") as file:
        json.dump({"zone": zone, "slots": rows}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _slot(row: Sequence[float | str]) -> Slot:
    begin, end, spot, provider = row
    start, until = (datetime.fromtimestamp(float(time), UTC) for time in (begin, end))
    if not 0 < (until - start).total_seconds() <= 3600 or not abs(float(spot)) < 1e6:
        raise ValueError(f"{row} is no price")
    return Slot(start, until, float(spot), str(provider))

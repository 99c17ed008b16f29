"""A program that archives numbered readings without end and says what is on disk; to be killed.

python -m tests.archive_writer FILE
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEP = 7.0  # s between two readings: hours end, and are packed, all the time


def reading(number: int) -> Reading:
    time = START + timedelta(seconds=number * STEP)
    return Reading("main", time, {"energy_import": number / 1000, "power": float(number % 3000)})


def main() -> None:
    clock = FakeClock(START)
    archive = Archive(Path(sys.argv[1]), clock, interval=1e9)
    archive.open()
    clock.advance(archive.last * STEP)
    while True:
        for _ in range(10):
            clock.advance(STEP)
            archive.write([reading(archive.last + 1)])
        archive.move("sink:central", archive.last)
        archive.flush()
        print(archive.last, flush=True)


if __name__ == "__main__":
    main()

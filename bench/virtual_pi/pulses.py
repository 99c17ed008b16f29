"""The meter of the virtual Pi: a process that pulls gpio-sim's lines up and down.

    python3 -m bench.virtual_pi.pulses COUNT PERIOD WIDTH BOUNCES SYSFS_FILE...

Seconds; all lines at once. At the end it prints when each pulse began, as JSON: ns of
CLOCK_MONOTONIC just before the line was pulled up.
"""

import json
import os
import sys
import time

BOUNCE = 0.0003  # s that the line is low, then high, in each bounce


def main(count: int, period: float, width: float, bounces: int, files: list[str]) -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    lines = [os.open(file, os.O_WRONLY) for file in files]

    def pull(direction: bytes) -> None:
        for line in lines:
            os.pwrite(line, direction, 0)

    rises = []
    begin = time.monotonic() + 0.1
    for number in range(count):
        time.sleep(max(0.0, begin + number * period - time.monotonic()))
        rises.append(time.monotonic_ns())
        pull(b"pull-up")
        for _ in range(bounces):
            time.sleep(BOUNCE)
            pull(b"pull-down")
            time.sleep(BOUNCE)
            pull(b"pull-up")
        time.sleep(width)
        pull(b"pull-down")
    print(json.dumps(rises))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])

"""What the virtual Pi is booted for: s0web's GPIO and S0 code on a kernel's real character device.

    python3 -m bench.virtual_pi.checks         (inside; outside use run.sh)

Each check ends with a sentence of what it saw. Last lines: the worst power error, the pulses lost.
"""

import os
import sys
from collections.abc import Callable

from bench.virtual_pi import chip, counting

CHECKS = chip.CHECKS + counting.CHECKS


def passed(check: Callable[[], str]) -> bool:
    name = check.__name__.replace("_", " ")
    try:
        print(f"ok     {name}: {check()}", flush=True)
    except (AssertionError, OSError, LookupError, ValueError) as error:
        print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
        return False
    return True


def main() -> int:
    print(f"Linux {os.uname().release}, Python {sys.version.split()[0]}", flush=True)
    sys.setswitchinterval(0.0005)  # s, as s0web itself sets it
    failed = sum(not passed(check) for check in CHECKS)
    print(f"{len(CHECKS)} checks, {failed} failed")
    print(f"power error: {max(counting.ERRORS):.3f} %")
    print(f"value: {sum(counting.LOST):.0f}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""All benchmarks in turn, each in a process of its own, and at the end their figures in one table.

    python bench/all.py            whole: about an hour, half of it chaos
    python bench/all.py --quick    small sizes: about five minutes, most of them fleet

Exit code 1 if one of them fails.
"""

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent
FIGURE = re.compile(r"(?:\S.*)?\b(?:ratio|value): .*")


class Script(NamedTuple):
    name: str
    reach: str
    whole: str  # arguments
    quick: str


class Result(NamedTuple):
    script: Script
    failed: bool
    seconds: float
    figures: list[str]


SCRIPTS = (
    Script("p1_parse", ">= 8; >= 15", "1000", "50"),
    Script("p1_reader", "<= 0.30", "100 3", "8 1"),
    Script("p1_damage", "100 %", "1000", "20"),
    Script("p1_malformed", "0", "--whole", "2000 0.05"),
    Script("s0_pulses", "0 lost", "20 3", "1 1"),
    Script("modbus_sweep", "<= 0.60 s, >= 5", "5 3", "1 1"),
    Script("modbus_faults", "0 wrong", "10000 4", "100 2"),
    Script("adc_accuracy", "<= 0.05 %, <= 0.1", "--whole", "32"),
    Script("adc_sampler", "<= 0.1 %", "20", "1"),
    Script("archive", "<= 0.1 GB, >= 100, <= 3", "--whole", "1 7 0.3"),
    Script("latency", "<= 30 ms", "200 0.3", "8 0.25"),
    Script("web", ">= 0.8", "--whole", "1 1"),
    Script("sinks", ">= 2, <= 30 s", "--whole", "4000 600"),
    Script("fleet", "0 wrong", "50 200", "4 6"),
    Script("chaos", "0 lost", "30", "0.3"),
    Script("peak", "<= 0.33", "31", "2"),
    Script("bills", "all to the cent", "", ""),
    Script("peak", "<= 0.33", "", "2"),
    Script("relays", "printed", "7", "1"),
    Script("dashboard", "<= 150 kB", "", ""),
    Script("footprint", "printed, MB", "60", "5"),
)


def run(script: Script, arguments: str) -> Result:
    """Run one, pass on what it prints, and pick out its figures."""
    print(f"== bench.{script.name} {arguments}", flush=True)
    begin, figures = time.monotonic(), []
    command = [sys.executable, "-u", "-m", f"bench.{script.name}", *arguments.split()]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if FIGURE.fullmatch(line.strip()):
                figures.append(line.strip())
    print(flush=True)
    return Result(script, process.returncode != 0, time.monotonic() - begin, figures)


def main() -> int:
    parser = argparse.ArgumentParser(description="Run all benchmarks.")
    parser.add_argument("--quick", action="store_true", help="small sizes, about five minutes")
    quick = parser.parse_args().quick
    results = [run(script, script.quick if quick else script.whole) for script in SCRIPTS]
    print(f"{'script':14}{'seconds':>8}  {'reach':25}figures")
    for script, failed, seconds, figures in results:
        told = "FAILED" if failed else ", ".join(figures)
        print(f"{script.name:14}{seconds:8.0f}  {script.reach:25}{told}")
    return int(any(result.failed for result in results))


if __name__ == "__main__":
    sys.exit(main())

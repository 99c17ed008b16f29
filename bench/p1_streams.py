"""Streams of telegrams for the P1 benchmarks: the golden ones, and a live Belgian meter."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from s0web.meters.p1 import crc16

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "golden"
START = datetime(2023, 2, 14, 16, 0, 0, tzinfo=UTC)


def sign(body: bytes) -> bytes:
    """Put the right CRC behind a telegram that ends with '!'."""
    return body + b"%04X\r\n" % crc16(body)


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.txt").read_bytes().replace(b"\n", b"\r\n")


def _stamp(time: datetime) -> str:
    return f"{time + timedelta(hours=1):%y%m%d%H%M%S}W"


def _months() -> str:
    rows = []
    for month in range(13):
        end = datetime(2022 + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        peak = end - timedelta(days=9, hours=5, minutes=15 * month)
        rows.append(f"({end:%y%m%d%H%M%S}W)({_stamp(peak)})({4 + month * 0.317:06.3f}*kW)")
    return "0-0:98.1.0(13)(1-0:1.6.0)(1-0:1.6.0)" + "".join(rows)


def live(count: int, seed: int = 1) -> Iterator[bytes]:
    """A Belgian three-phase meter each second: 13 months, gas, water; what moves in a house moves.

    About 1.7 kB each: time, powers, currents, demand, one register, and now and then a voltage
    change, the other lines stay; gas and water come every five minutes.
    """
    dice = random.Random(seed)
    spare = golden("be_three_phase").decode().split("\r\n")
    spare = [_months() if line.startswith("0-0:98.1.0") else line for line in spare[:-2]]
    energy, powers, volts = 1234.567, [300, 900, 150], [2347, 2371, 2350]
    for second in range(count):
        now = START + timedelta(seconds=second)
        sampled = _stamp(now - timedelta(seconds=second % 300))
        powers = [max(0, power + dice.randint(-20, 20)) for power in powers]
        volts = [volt + dice.choice((-1, 0, 0, 0, 0, 1)) for volt in volts]
        energy += sum(powers) / 3.6e6
        moving = {
            "0-0:1.0.0": _stamp(now),
            "1-0:1.8.1": f"{energy:010.3f}*kWh",
            "1-0:1.4.0": f"{sum(powers) / 1000 * (now.minute % 15 + 1) / 15:06.3f}*kW",
            "1-0:1.7.0": f"{sum(powers) / 1000:06.3f}*kW",
            "1-0:2.7.0": "00.000*kW",
            "0-1:24.2.3": f"{sampled})({112 + second // 300 * 0.021:09.3f}*m3",
            "0-2:24.2.1": f"{sampled})({872 + second // 300 * 0.002:09.3f}*m3",
        }
        for phase, (power, volt) in enumerate(zip(powers, volts, strict=True)):
            base = 20 * phase
            moving[f"1-0:{21 + base}.7.0"] = f"{power / 1000:06.3f}*kW"
            moving[f"1-0:{22 + base}.7.0"] = "00.000*kW"
            moving[f"1-0:{32 + base}.7.0"] = f"{volt / 10:05.1f}*V"
            moving[f"1-0:{31 + base}.7.0"] = f"{power / volt * 10:06.2f}*A"
        lines = []
        for line in spare:
            code = line.partition("(")[0]
            lines.append(f"{code}({moving[code]})" if code in moving else line)
        yield sign("\r\n".join((*lines, "!")).encode())

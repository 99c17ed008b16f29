"""Malformed telegrams and garbage: exceptions that escape, bytes held, CPU per megabyte.

    python -m bench.p1_malformed [telegrams, 20000] [megabytes, 0.2]
    python -m bench.p1_malformed --whole            1,000,000 telegrams and 10 MB

Telegrams of all editions are mutated and, two times in three, signed again, so that the parser
meets odd content and not only a wrong CRC. Any exception but FrameError counts as escaped. An
unsigned mutant whose CRC digits fit is a false accept, unless it equals its original (its damage
hit only what lies outside of the frame); by chance that is one mutant in 65,536.
"""

import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle

from bench.p1_streams import GOLDEN, golden, sign
from s0web.clock import SystemClock
from s0web.errors import FrameError
from s0web.meters.p1 import Framer, Parser, crc16
from s0web.meters.telegram import readings

BOUND = 16 * 1024
Dice = random.Random
SAMPLES = [golden(path.stem) for path in sorted(GOLDEN.glob("*.txt"))]


def mutated(dice: Dice, raw: bytes) -> bytes:
    """Spoil a telegram at one to six places."""
    hit = bytearray(raw)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(hit) or 1)
        match dice.randrange(6):
            case 0:
                hit[at : at + 1] = dice.randbytes(1)
            case 1:
                del hit[at : at + dice.randint(1, 40)]
            case 2:
                hit[at:at] = dice.choice(
                    (b")(", b"(", b")", b"*", b"-", b"\r\n", b"\0", b"nan", b"1e9")
                )
            case 3:
                hit[at:at] = hit[dice.randrange(len(hit) or 1) :][: dice.randint(1, 60)]
            case 4:
                hit[at : at + 6] = b"%d" % dice.randrange(10**6)
            case _:
                del hit[dice.randrange(len(hit) // 2, len(hit) + 1) :]
    return bytes(hit)


def telegrams(dice: Dice, count: int) -> Iterator[tuple[bytes, bool]]:
    """Yield mutants, and whether each was signed again."""
    for _, sample in zip(range(count), cycle(SAMPLES), strict=False):
        mutant, signed = mutated(dice, sample), dice.random() < 2 / 3
        if signed:
            inner = mutant.lstrip(b"/").translate(None, b"/!")
            mutant = sign(b"/" + inner[:-6] + b"!")
        yield mutant, signed


def parse_them(count: int) -> int:
    """Print what became of the mutants, return the number of escaped exceptions."""
    dice, parser, framer, arrived = Dice(1), Parser(), Framer(), SystemClock().now()
    signed, accepted, chance, refused, unread, escaped, held = 0, 0, 0, 0, 0, 0, 0
    for mutant, was_signed in telegrams(dice, count):
        signed += was_signed
        try:
            framer.feed(mutant)
            held = max(held, framer.buffered)
            told = parser.parse(mutant)
            readings(told, "grid", arrived)
            accepted, unread = accepted + 1, unread + len(told.unread)
            chance += not (was_signed or told.raw.endswith(b"!\r\n") or told.raw in SAMPLES)
        except FrameError:
            refused += 1
        except Exception as error:  # noqa: BLE001  what this bench looks for
            escaped += 1
            print(f"escaped: {error!r} from {mutant!r}")
    print(f"{count} malformed telegrams, {signed} of them signed again")
    print(f"  {accepted} read with {unread} lines unread, {refused} refused, {escaped} escaped")
    print(f"  false accepts among the {count - signed} unsigned: {chance}")
    print(f"  held at most {held} bytes in the stream of them")
    return escaped


def garbage(kind: str, size: int) -> bytes:
    dice = Dice(size)
    plain: dict[str, Callable[[], bytes]] = {
        "random bytes": lambda: dice.randbytes(size),
        "7-bit text": lambda: bytes(dice.choices(range(10, 127), k=size)),
        "all /": lambda: b"/" * size,
        "all !": lambda: b"!" * size,
        "/! pairs": lambda: b"/!" * (size // 2),
        "no end": lambda: b"/FLU5\\253769484_A\r\n" + b"1-0:1.7.0(00.1*kW)\r\n" * (size // 20),
    }
    return plain[kind]()


def feed_it(kind: str, size: int) -> tuple[float, int]:
    """Return CPU seconds per MB and the bytes held at most, in pieces of 64 bytes."""
    data, framer, held = garbage(kind, size), Framer(), 0
    start = time.process_time()
    for at in range(0, len(data), 64):
        framer.feed(data[at : at + 64])
        held = max(held, framer.buffered)
    return (time.process_time() - start) / size * 1e6, held


def main() -> None:
    words = sys.argv[1:]
    if words == ["--whole"]:
        words = ["1000000", "10"]
    count, megabytes = int(words[0]) if words else 20_000, float((words[1:] or ["0.2"])[0])
    assert crc16(b"123456789") == 0xBB3D
    escaped, most = parse_them(count), 0
    size = int(megabytes * 1e6)
    print(
        f"garbage: CPU s per MB at {size / 4e6:g} MB and at {size / 1e6:g} MB, bytes held at most"
    )
    for kind in ("random bytes", "7-bit text", "all /", "all !", "/! pairs", "no end"):
        (small, _), (large, held) = feed_it(kind, size // 4), feed_it(kind, size)
        most = max(most, held)
        print(f"  {kind:13} {small:6.2f} {large:6.2f} {held:6}")
    print(f"largest buffer {most} bytes, allowed {BOUND}: {'ok' if most <= BOUND else 'TOO LARGE'}")
    print(f"value: {escaped}")


if __name__ == "__main__":
    main()

"""Damaged P1 streams: how many of the intact telegrams come through, beside dsmr_parser.

    python -m bench.p1_damage [telegrams in a stream, 100] [seed, 1]

A live Belgian stream in which a fifth of the telegrams is hit, by eight classes of damage, each
read in pieces of four sizes. A telegram is kept if its very bytes come out; it is a false accept if
bytes come out that were never sent. By chance, a CRC of 16 bits lets one damaged telegram in 65,536
pass; where a class heals all (bit 7) or only repeats (duplicates), all telegrams count as intact.
"""

import logging
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from dsmr_parser.clients.telegram_buffer import TelegramBuffer
from dsmr_parser.exceptions import InvalidChecksumError, ParseError
from dsmr_parser.parsers import TelegramParser
from dsmr_parser.telegram_specifications import BELGIUM_FLUVIUS

from bench.p1_streams import live
from s0web.errors import FrameError
from s0web.meters.p1 import Framer, Parser

SIZES = (1, 13, 64, 1024)
Dice = random.Random
Damage = Callable[[Dice, bytes, bytes], bytes]  # a telegram and the one after it -> what arrives


def flips(dice: Dice, raw: bytes, _: bytes) -> bytes:
    hit = bytearray(raw)
    for _count in range(dice.randint(1, 8)):
        hit[dice.randrange(len(hit))] ^= 1 << dice.randrange(7)
    return bytes(hit)


def drops(dice: Dice, raw: bytes, _: bytes) -> bytes:
    for _count in range(dice.randint(1, 4)):
        at = dice.randrange(len(raw))
        raw = raw[:at] + raw[at + dice.randint(1, 30) :]
    return raw


def head_cut(dice: Dice, raw: bytes, _: bytes) -> bytes:
    return raw[dice.randrange(1, len(raw)) :]


def tail_cut(dice: Dice, raw: bytes, _: bytes) -> bytes:
    return raw[: -dice.randrange(3, len(raw))]


def noise(dice: Dice, raw: bytes, _: bytes) -> bytes:
    """Random bytes inside the telegram, and before the next, which stays intact."""
    at = dice.randrange(1, len(raw) - 2)
    return raw[:at] + dice.randbytes(dice.randint(1, 200)) + raw[at:] + dice.randbytes(60)


def bit_7(dice: Dice, raw: bytes, _: bytes) -> bytes:
    return bytes(byte | (dice.random() < 0.1) << 7 for byte in raw)


def joins(dice: Dice, raw: bytes, after: bytes) -> bytes:
    return raw[: dice.randrange(1, len(raw) - 6)] + after[dice.randrange(1, len(after) - 6) :]


def duplicates(dice: Dice, raw: bytes, _: bytes) -> bytes:
    return raw + raw[: dice.randrange(1, len(raw) - 6)]


CLASSES: tuple[Damage, ...] = (flips, drops, head_cut, tail_cut, noise, bit_7, joins, duplicates)
HEALED = (bit_7, duplicates)  # here every telegram must come through


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def ours(chunks: Iterable[bytes]) -> Iterator[bytes]:
    framer, parser = Framer(), Parser()
    for chunk in chunks:
        for telegram in framer.feed(chunk):
            try:
                parser.parse(telegram)
            except FrameError:
                continue
            yield telegram


def theirs(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The loop of its SerialReader; it goes on here where an exception would end it."""
    buffer, parser = TelegramBuffer(), TelegramParser(BELGIUM_FLUVIUS)
    for chunk in chunks:
        try:
            buffer.append(chunk.decode("ascii"))
        except UnicodeDecodeError:
            continue
        for telegram in buffer.get_all():
            try:
                parser.parse(telegram)
            except (ParseError, InvalidChecksumError, ValueError, ArithmeticError, LookupError):
                continue
            yield telegram.encode()


def result(found: Iterable[bytes], expected: list[bytes], sent: set[bytes]) -> tuple[float, int]:
    """Return the share of the expected telegrams that were found, and the false accepts."""
    out = Counter(found)
    kept = sum((Counter(expected) & out).values()) / len(expected)
    return kept, sum(count for raw, count in out.items() if raw not in sent)


def main() -> None:
    logging.disable(logging.CRITICAL)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    telegrams = list(live(count))
    worst, false = 1.0, 0
    print(f"{count} telegrams of {len(telegrams[0])} bytes in a stream, a fifth of them damaged")
    print(f"{'damage':12}{'piece':>6}{'intact':>8}{'s0web':>9}{'dsmr_parser':>13}")
    for damage in CLASSES:
        dice = Dice(f"{seed} {damage.__name__}")
        hit = {at for at in range(count) if dice.random() < 0.2} or {0}
        arrived = [
            damage(dice, raw, telegrams[(at + 1) % count]) if at in hit else raw
            for at, raw in enumerate(telegrams)
        ]
        expected = [raw for at, raw in enumerate(telegrams) if damage in HEALED or at not in hit]
        for size in SIZES:
            stream = list(pieces(b"".join(arrived), size))
            mine, wrong = result(ours(stream), expected, set(telegrams))
            peer, wrong_peer = result(theirs(stream), expected, set(telegrams))
            note = f"  false accepts {wrong}, {wrong_peer}" if wrong or wrong_peer else ""
            name = damage.__name__
            print(f"{name:12}{size:6}{len(expected):8}{mine:9.1%}{peer:13.1%}{note}")
            worst, false = min(worst, mine), false + wrong
    print(f"false accepts of s0web: {false}")
    print(f"value: {100 * worst:.1f}")


if __name__ == "__main__":
    main()

"""P1 parse and CRC, telegrams per second, beside dsmr_parser.

    python -m bench.p1_parse [telegrams in a round, 300]

CPU time of this process, the median of interleaved rounds. First the same Belgian three-phase
telegram by `parse`, which remembers nothing; then a live Belgian stream by `Parser`, which does not
read unchanged lines again. Both also group the sub-meters, as dsmr_parser does. Before, the numbers
of both are compared.
"""

import re
import statistics
import sys
import time
from collections.abc import Callable

from dsmr_parser.parsers import TelegramParser
from dsmr_parser.telegram_specifications import BELGIUM_FLUVIUS

from bench.p1_streams import golden, live
from s0web.meters.p1 import Number, Parser, Stamped, parse

ROUNDS = 9


def seconds(read: Callable[[bytes], object], telegrams: list[bytes]) -> float:
    """CPU seconds per telegram."""
    start = time.process_time()
    for telegram in telegrams:
        read(telegram)
    return (time.process_time() - start) / len(telegrams)


def compare(
    what: str,
    ours: Callable[[bytes], object],
    peer: Callable[[bytes], object],
    telegrams: list[bytes],
) -> None:
    seconds(ours, telegrams[:50]), seconds(peer, telegrams[:50])
    rounds = [(seconds(ours, telegrams), seconds(peer, telegrams)) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(peer / own for own, peer in rounds)
    size = sum(map(len, telegrams)) / len(telegrams)
    print(f"{what}, {size:.0f} bytes, {len(telegrams)} telegrams, {ROUNDS} rounds")
    print(f"  s0web       {1e6 * mine:7.1f} us  {1 / mine:7.0f} telegrams/s")
    print(f"  dsmr_parser {1e6 * theirs:7.1f} us  {1 / theirs:7.0f} telegrams/s")
    print(f"ratio: {ratio:.1f}")


def compare_numbers(peer: TelegramParser, telegrams: list[bytes]) -> None:
    """Print how many numbers of the main meter both parsers tell, and each on which they differ."""
    same = 0
    for raw in telegrams:
        mine, theirs = parse(raw).objects, peer.parse(raw.decode("ascii"))
        for row in BELGIUM_FLUVIUS["objects"]:
            for code, value in mine.items():
                if not code.startswith("1-0:") or not re.match(
                    row["obis_reference"], f"{code}()\r\n"
                ):
                    continue
                own = value.number if isinstance(value, Stamped) else value
                told = getattr(theirs, row["value_name"]).value if isinstance(own, Number) else None
                if told is not None and own == (float(told), own.unit):
                    same += 1
                else:
                    print(f"  {code}: s0web {value}, dsmr_parser {told}")
    print(f"{same} numbers of {len(telegrams)} telegrams are the same in both")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    peer = TelegramParser(BELGIUM_FLUVIUS)
    parser = Parser()

    def theirs(telegram: bytes) -> object:
        return peer.parse(telegram.decode("ascii"), throw_ex=True)

    stream = list(live(count))
    compare_numbers(peer, [golden("be_three_phase"), golden("be_single_phase"), *stream[:20]])
    single = [golden("be_three_phase")] * count
    compare("eMUCS-P1 three-phase telegram", lambda raw: parse(raw).channels, theirs, single)
    compare("live Belgian stream", lambda raw: parser.parse(raw).channels, theirs, stream)


if __name__ == "__main__":
    main()

"""EnergyMonitor's table VolumeData: energies of intervals, as registers that go on.

Its times are UTC and begin the interval, whose length is Wh / W. Power of the interval is told at
its begin, the registers at its end.
"""

from collections.abc import Iterable
from datetime import UTC, timedelta

from ..model import Reading
from . import Choices, Fault, Parser, Told
from .counters import Counters
from .tables import Row, rows
from .texts import LocalTimes, number

METER = "energymonitor"
USUAL = 60  # s of an interval that does not tell
_KINDS = ("wh", "maxw", "minw", "avgw")
_SIDES = tuple(f"{side}{kind}" for side in ("supply", "usage") for kind in _KINDS)
COLUMNS = ("timestamp", "point", "numreads", *_SIDES, "totalavgw", "totalmaxw", "totalminw")
NEEDED = ("timestamp", "point", "supplywh", "usagewh")


def parser(choices: Choices) -> Parser:
    counters = Counters(METER, choices)
    seconds: dict[str, int] = {}
    times: dict[str, LocalTimes] = {}

    def told(row: Row) -> list[Reading]:
        values = row.values
        if missing := [column for column in NEEDED if column not in values]:
            raise ValueError(f"has no {missing[0]}")
        point = values["point"]
        local = times.setdefault(point, LocalTimes(choices.zone or UTC))
        start = local.read(values["timestamp"])
        device = choices.device(point)
        supply, usage = (number(values[f"{side}wh"]) for side in ("supply", "usage"))
        watts = [number(values.get(f"{side}avgw", "0")) for side in ("supply", "usage")]
        if sum(watts) > 0 and supply + usage > 0:
            seconds[point] = max(1, round((supply + usage) / sum(watts) * 3600))
        length = timedelta(seconds=seconds.get(point, USUAL))
        other = "export" if choices.supply == "import" else "import"
        amounts = {f"energy_{choices.supply}": supply / 1000, f"energy_{other}": usage / 1000}
        power = watts[1] - watts[0]
        mean = Reading(device, start, {"power": -power if other == "export" else power})
        return [*counters.add(device, start, start + length, amounts), mean]

    def parse(lines: Iterable[str]) -> Told:
        for row in rows(lines, NEEDED, COLUMNS):
            if isinstance(row, Fault):
                yield row
                continue
            try:
                yield from told(row)
            except ValueError as error:
                yield Fault(row.line, str(error))

    return parse

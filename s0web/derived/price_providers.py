"""Who tells day-ahead prices: ENTSO-E, energy-charts, and the simulation."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from urllib.parse import urlsplit

from ..energy import dayahead, dayahead_simulated
from ..energy.price_book import Slot
from ..energy.zones import ZONES
from ..errors import SourceError
from ..model import Options
from .web import fetch

WAIT = 12.0  # s for an answer


class Provider(NamedTuple):
    name: str
    ask: Callable[[datetime, datetime], Sequence[Slot]]  # start, end; raises SourceError


def providers(options: Options, market: tzinfo) -> list[Provider]:
    """Those that are asked, in their order. `market`: whose days the prices are of."""
    zone, kind = str(options["zone"]), options["provider"]

    def simulated(start: datetime, end: datetime) -> Sequence[Slot]:
        return dayahead_simulated.slots(start, end, market)

    def entsoe(start: datetime, end: datetime) -> Sequence[Slot]:
        url, area = str(options["entsoe_url"]), ZONES[zone]
        asked = {
            "documentType": "A44",
            "in_Domain": area,
            "out_Domain": area,
            "periodStart": f"{start.astimezone(UTC):%Y%m%d%H%M}",
            "periodEnd": f"{end.astimezone(UTC):%Y%m%d%H%M}",
            "securityToken": str(options["token"]),
        }
        return _slots(url, asked, dayahead.entsoe)

    def energy_charts(start: datetime, end: datetime) -> Sequence[Slot]:
        first, last = start.astimezone(market), end.astimezone(market)
        asked = {"bzn": zone, "start": f"{first:%Y-%m-%d}", "end": f"{_before(last):%Y-%m-%d}"}
        return _slots(str(options["energy_charts_url"]), asked, dayahead.energy_charts)

    if kind == "simulated":
        return [Provider("simulated", simulated)]
    second = Provider("energy-charts", energy_charts)
    return [Provider("entsoe", entsoe), second] if kind == "entsoe" else [second]


def _before(midnight: datetime) -> datetime:
    """A moment of the last day."""
    return datetime.fromtimestamp(midnight.timestamp() - 1, midnight.tzinfo)


def _slots(url: str, asked: dict[str, str], parse: Callable[[bytes], list[Slot]]) -> Sequence[Slot]:
    where, answer = urlsplit(url).hostname, fetch(url, asked, WAIT)
    if answer.status in (401, 403) and parse is dayahead.entsoe:
        raise SourceError(f"{where} answers {answer.status}: is the token right?")
    if answer.status == 429:
        raise SourceError(f"{where} was asked too often, and is asked again later")
    if answer.status in (400, 404) and parse is dayahead.energy_charts:
        return []  # so it says that there is nothing of that day
    if answer.status != 200 and b"Acknowledgement_MarketDocument" not in answer.body[:1000]:
        raise SourceError(f"{where} answers {answer.status}")
    try:
        return parse(answer.body)
    except ValueError as error:
        raise SourceError(f"{where}: its answer {error}") from None

"""Day-ahead prices as ENTSO-E and energy-charts tell them; what is simulated."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from s0web.energy import dayahead_simulated
from s0web.energy.dayahead import energy_charts, entsoe, slots_of
from s0web.energy.price_book import PriceBook, Slot
from s0web.energy.price_days import Pace, cheapest_hours, days, is_whole

BRUSSELS = ZoneInfo("Europe/Brussels")
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
SPACE = "urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3"
NO_DATA = f"""{HEAD}<Acknowledgement_MarketDocument
 xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0"><Reason><code>999</code>
 <text>No matching data found for Data item Day-ahead Prices</text></Reason>
</Acknowledgement_MarketDocument>"""


def day(text: str) -> tuple[datetime, datetime]:
    begin = datetime.fromisoformat(text).replace(tzinfo=BRUSSELS)
    end = (begin + timedelta(days=1)).astimezone(UTC)
    return begin.astimezone(UTC), end


def series(
    start: datetime,
    end: datetime,
    points: dict[int, float],
    resolution: str = "PT15M",
    curve: str = "A03",
    sequence: str = "1",
) -> str:
    told = "".join(
        f"<Point><position>{n}</position><price.amount>{p}</price.amount></Point>"
        for n, p in points.items()
    )
    name = "classificationSequence_AttributeInstanceComponent.position"
    return (
        f"<TimeSeries><{name}>{sequence}</{name}><currency_Unit.name>EUR</currency_Unit.name>"
        f"<price_Measure_Unit.name>MWH</price_Measure_Unit.name><curveType>{curve}</curveType>"
        f"<Period><timeInterval><start>{start:%Y-%m-%dT%H:%MZ}</start>"
        f"<end>{end:%Y-%m-%dT%H:%MZ}</end></timeInterval>"
        f"<resolution>{resolution}</resolution>{told}</Period></TimeSeries>"
    )


def publication(*parts: str) -> bytes:
    text = "".join(parts)
    return (
        f'{HEAD}<Publication_MarketDocument xmlns="{SPACE}"><mRID>1</mRID>{text}'
        "</Publication_MarketDocument>"
    ).encode()


# -- ENTSO-E ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"), [("2026-11-21", 96), ("2026-03-29", 92), ("2026-10-25", 100)]
)
def test_a_day_has_as_many_slots_as_quarter_hours(text: str, count: int) -> None:
    start, end = day(text)
    slots = entsoe(publication(series(start, end, {n: float(n) for n in range(1, count + 1)})))
    assert [slot.spot for slot in slots] == [float(n) for n in range(1, count + 1)]
    assert (slots[0].start, slots[-1].end) == (start, end)
    assert {slot.end - slot.start for slot in slots} == {QUARTER}
    assert {slot.provider for slot in slots} == {"entsoe"}


def test_prices_that_repeat_are_left_out_and_filled_in() -> None:
    start, end = day("2026-11-21")
    slots = entsoe(publication(series(start, end, {1: 80.0, 3: -5.5, 95: 120.25})))
    assert [slot.spot for slot in slots] == [80.0] * 2 + [-5.5] * 92 + [120.25] * 2


def test_a_curve_that_tells_every_point_has_gaps_where_it_does_not() -> None:
    start, end = day("2026-11-21")
    slots = entsoe(publication(series(start, end, {1: 80.0, 3: 90.0}, "PT60M", "A01")))
    assert [(slot.start - start) / HOUR for slot in slots] == [0, 2]


def test_the_lowest_sequence_counts_whatever_comes_first() -> None:
    start, end = day("2026-11-21")
    other = series(start, end, {1: 1.0}, "PT15M", sequence="2")
    slots = entsoe(publication(other, series(start, end, {1: 50.0}, "PT60M", sequence="1")))
    assert {slot.spot for slot in slots} == {50.0}
    assert len(slots) == 24


def test_prices_within_the_day_are_not_day_ahead() -> None:
    start, end = day("2026-11-21")
    name = "contract_MarketAgreement.type"
    told = f"<{name}>A07</{name}><curveType>"
    intraday = series(start, end, {1: 1.0}).replace("<curveType>", told)
    assert entsoe(publication(intraday)) == []
    ahead = intraday.replace("A07", "A01").replace(">1.0<", ">50.0<")
    assert {slot.spot for slot in entsoe(publication(intraday, ahead))} == {50.0}


def test_days_of_another_resolution_stand_side_by_side() -> None:
    """PT15M since 1 October 2025, PT60M before."""
    (start, turn), (_, end) = day("2025-09-30"), day("2025-10-01")
    slots = entsoe(publication(series(turn, end, {1: 2.0}), series(start, turn, {1: 1.0}, "PT60M")))
    assert [slot.spot for slot in slots] == [1.0] * 24 + [2.0] * 96


def test_no_data_is_no_mistake() -> None:
    assert entsoe(NO_DATA.encode()) == []
    assert entsoe(publication()) == []


ENTITIES = """<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>"""
OUTSIDE = """<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>"""
START, END = day("2026-11-21")
GOOD = series(START, END, {1: 80.0}).replace
LONG = series(START, START + timedelta(days=300), {1: 80.0})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is not XML"),
        (b"\xff\xfe\x00", "is not XML"),
        (publication(LONG)[:-20], "is not XML"),
        (b"<html><body>502 Bad Gateway</body></html>", "is no document of prices, but 'html'"),
        (f"{HEAD}{ENTITIES}<x>&b;</x>".encode(), "has a document type"),
        (f"{HEAD}{OUTSIDE}<x>&a;</x>".encode(), "has a document type"),
        (f'<?xml version="1.0" encoding="utf-16"?>{ENTITIES}<x>&b;</x>'.encode("utf-16"), "is not"),
        (publication(LONG), "has a period of 28800 slots"),
        (publication(series(END, START, {1: 1.0})), "has a period of -96 slots"),
        (publication(GOOD("PT15M", "P1Y")), "has slots of 'P1Y'"),
        (publication(GOOD(">EUR<", ">GBP<")), "has prices in 'GBP'"),
        (publication(GOOD(">80.0<", ">dear<")), "has a price that is none, 'dear'"),
        (publication(GOOD(">80.0<", ">nan<")), "has a price that is none, 'nan'"),
        (publication(GOOD(">80.0<", ">1e300<")), "has a price that is none, '1e300'"),
        (publication(GOOD("<position>1<", "<position>97<")), "at position '97' of 96"),
        (publication(GOOD("<position>1<", "<position>-1<")), "at position '-1' of 96"),
        (publication(GOOD("2026-11-20T23", "yesterday")), "has a time that is none"),
        (publication(GOOD(":00Z", ":00")), "has a time that cannot be right"),
    ],
)
def test_what_is_no_answer_is_refused_with_a_sentence(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        entsoe(data)
    assert said in str(caught.value)


# -- energy-charts ---------------------------------------------------------------------------------


def charts(times: list[Any], prices: list[Any], **more: Any) -> bytes:
    return json.dumps({"unix_seconds": times, "price": prices, **more}).encode()


def test_energy_charts_tells_quarters_and_hours() -> None:
    begin = round(datetime(2025, 9, 30, 20, tzinfo=UTC).timestamp())
    times = [begin, begin + 3600, begin + 7200, begin + 8100, begin + 9000]
    slots = energy_charts(charts(times, [10, -1.5, 30.25, None, 50], unit="EUR / MWh"))
    assert [(slot.end - slot.start) / QUARTER for slot in slots] == [4, 4, 1, 1]
    assert [slot.spot for slot in slots] == [10.0, -1.5, 30.25, 50.0]
    assert energy_charts(charts([], [])) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html>", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "has no unix_seconds"),
        (charts([0], [1, 2]), "has 1 times and 2 prices"),
        (charts([1_700_000_000], [1], unit="EUR / kWh"), "is in 'EUR / kWh'"),
        (charts(["a"], [1]), "has a time that is none"),
        (charts([1e300], [1]), "has a time that cannot be right"),
        (charts([True], [1]), "has a time that is none"),
        (charts([1_700_000_000], ["x"]), "has a price that is none"),
        (charts([1_700_000_000], [10**400]), "has a price that is none"),
        (charts([1_700_000_900, 1_700_000_000], [1, 2]), "is not in order of time"),
        (charts([1_700_000_000] * 4000, [1] * 4000), "has 4000 times"),
    ],
)
def test_what_energy_charts_cannot_mean_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        energy_charts(data)
    assert said in str(caught.value)


# -- slots -----------------------------------------------------------------------------------------


def test_a_hole_in_what_was_told_stays_a_hole() -> None:
    told: list[tuple[datetime, float | None]] = [(START, 1.0), (START + QUARTER, 2.0)]
    told.append((START + 3 * HOUR, 3.0))
    slots = list(slots_of(told, "archive"))
    assert [slot.end - slot.start for slot in slots] == [QUARTER] * 3


def test_the_book_keeps_newer_words() -> None:
    book = PriceBook()
    hourly = [Slot(START + n * HOUR, START + (n + 1) * HOUR, 10.0, "old") for n in range(24)]
    book.add(hourly, START)
    book.add([Slot(START, START + QUARTER, 1.0, "new")], START)
    assert book.at(START) == Slot(START, START + QUARTER, 1.0, "new")
    assert book.at(START + QUARTER) is None
    assert book.at(START + HOUR) == hourly[1]
    assert not is_whole(book.between(START, END), days(START, BRUSSELS))


def test_the_cheapest_hours_are_whole_and_to_come() -> None:
    prices = [0, 0, 0, 0, 50, 50, 50, 50, 20, 20, 20, 20, 10, 90, 90, 90, 5, 5]
    slots = [
        Slot(START + n * QUARTER, START + (n + 1) * QUARTER, float(p), "x")
        for n, p in enumerate(prices)
    ]
    found = cheapest_hours(slots, START + QUARTER, 2)
    assert [(slot.start - START) / HOUR for slot in found] == [2, 1]
    assert [slot.spot for slot in found] == [20, 50]


@pytest.mark.parametrize(
    ("text", "count"), [("2026-06-21", 96), ("2026-03-29", 92), ("2026-10-25", 100)]
)
def test_simulated_days_are_whole_and_dear_in_the_evening(text: str, count: int) -> None:
    span = days(day(text)[0], BRUSSELS)
    slots = dayahead_simulated.slots(*span, BRUSSELS)
    assert len(slots) == count
    assert is_whole(slots, span)
    by_hour = {slot.start.astimezone(BRUSSELS).hour: slot.spot for slot in slots}
    assert by_hour[19] > by_hour[13]
    assert slots == dayahead_simulated.slots(*span, BRUSSELS)


def test_simulated_prices_are_sometimes_negative() -> None:
    year = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    prices = [slot.spot for slot in dayahead_simulated.slots(*year, BRUSSELS)]
    assert 0.005 < sum(price < 0 for price in prices) / len(prices) < 0.1
    assert 50 < sum(prices) / len(prices) < 100


def test_the_longer_nobody_answers_the_less_is_asked() -> None:
    pace, now, waits = Pace(), 0.0, []
    for _ in range(8):
        pace.failed(now, 2)
        assert (pace.provider, pace.due) == (1, now)  # the second one at once
        pace.failed(now, 2)
        assert pace.provider == 0
        waits.append(pace.due - now)
        now = pace.due
    assert waits == [60, 120, 240, 480, 960, 1800, 1800, 1800]
    pace.worked(now, 10)
    assert (pace.due, pace.failures) == (now + 10, 0)

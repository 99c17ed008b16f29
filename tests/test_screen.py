"""What the terminal's screen makes of a station's documents."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from s0web.screen import telegram, usage, words
from s0web.screen.keys import names
from s0web.screen.news import Known
from s0web.screen.pages import PAGES, Screen, View
from s0web.simulation.house import House
from s0web.simulation.telegram import telegram as simulated
from tests.p1_samples import golden

NOW = datetime(2026, 3, 5, 17, 8, tzinfo=UTC)  # a Thursday
TODAY = datetime(2026, 3, 5, tzinfo=UTC)
DAY = timedelta(days=1)
SIZES = [(80, 24), (60, 10), (100, 31), (130, 50), (200, 60), (20, 4)]


def period(start: datetime, end: datetime, **told: Any) -> dict[str, Any]:
    return {"start": start.isoformat(), "end": end.isoformat(), **told}


def energy(days: int) -> dict[str, Any]:
    start = TODAY - days * DAY
    values = {"energy_import_high": 2.0 + days, "energy_import_low": 1.0, "energy_import": 3.0}
    values |= {"energy_export_high": 0.5, "energy_export_low": 0.0, "energy_export": 0.5}
    return period(start, start + DAY, values=values)


def costs(days: int) -> dict[str, Any]:
    start = TODAY - days * DAY
    power = {"cost": 1.25, "import_high": 0.75, "import_low": 0.25, "export": -0.05, "fixed": 0.3}
    gas = {"cost": 2.5, "volume": 2.25}
    return period(start, start + DAY, total=3.75, electricity=power, gas=gas)


def device(**values: float) -> dict[str, Any]:
    told = {n: {"value": v, "unit": "W", "time": NOW.isoformat()} for n, v in values.items()}
    health = {"state": "ok", "text": "", "remedy": ""}
    return {"type": "p1", "health": health, "values": told, "labels": {"tariff": "high"}}


PEAK = {
    "device": "grid",
    "quarter": {"start": "", "end": "2026-03-05T17:15:00Z", "demand": 684.0, "forecast": 1470.0},
    "month": {"peak": 3100.0, "time": "2026-03-02T18:00:00Z", "from": "meter", "computed": None},
    "limit": 3100.0,
    "gap": 1630.0,
    "alarm": "none",
    "text": "All is well.",
    "cost": None,
    "months": [{"month": "2026-02", "peak": 4055, "time": None, "from": "meter", "computed": 4000}],
}
DOCUMENTS: dict[str, dict[str, Any]] = {
    "readings": {"time": NOW.isoformat(), "devices": {"grid": device(power=468.0)}},
    "electricity day": {"periods": [energy(days) for days in (3, 2, 1, 0)]},
    "electricity week": {"periods": [energy(0)]},
    "costs day": {
        "now": {"tariff": "high", "import": 0.3214, "export": 0.1, "per_hour": 0.15},
        "periods": [costs(days) for days in (3, 2, 1, 0)],
    },
    "costs week": {"periods": [costs(0)]},
    "peak": PEAK,
    "prices": {"now": None, "cheapest": [{"start": "2026-03-06T12:00:00Z", "spot": -3.25}]},
    "status": {"station": {"state": "running", "version": "1"}, "workers": {}},
    "switches": {
        "switches": [
            {
                "name": "boiler",
                "on": True,
                "since": NOW.isoformat(),
                "run_time_today": 5_400.0,
                "override": None,
                "reason": "1600 W is exported",
            }
        ]
    },
}
FIRST = View()
KNOWN = Known(DOCUMENTS, simulated(House(), NOW).decode())


def drawn(known: Known, width: int, height: int, view: View = FIRST) -> list[str]:
    console = Console(
        file=io.StringIO(), width=width, height=height, color_system=None, force_terminal=True
    )
    console.print(Screen(known, view, "http://here/s0", NOW), end="")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().split("\n")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_page_is_as_large_as_the_terminal(width: int, height: int, page: str) -> None:
    for known in (KNOWN, Known(), Known(trouble="nobody answers")):
        lines = drawn(known, width, height, View(page))
        assert len(lines) <= height
        assert all(len(line) <= width for line in lines)


def test_a_device_that_only_exports_is_shown_with_that() -> None:
    told = {"devices": {"solar": device(power=-700.0, energy_import=0.0, energy_export=58_694.0)}}
    text = "\n".join(drawn(Known({**DOCUMENTS, "readings": told}), 100, 24, View("sources")))
    assert "58694" in text.replace(",", "")


def test_the_overview_shows_all_that_counts_in_80_by_24() -> None:
    text = "\n".join(drawn(KNOWN, 80, 24))
    for words_ in (
        "Thu 05 Mar 2026 17:08",
        ">high 0.3214",
        " low 0.2500",  # what this week's cost
        "now 0.15 EUR/h",
        "Mon   Tue   Wed Today",
        ">import high kWh   5.0   4.0   3.0   2.0   2.0",
        " net         kWh   2.5",
        " all         EUR  3.75",
        "so far 0.68 kW  forecast 1.47 kW  peak 3.10 kW  gap 1.63 kW",
        "All is well.",
    ):
        assert words_ in text, f"{words_}\n{text}"


def test_the_bar_shows_demand_forecast_and_limit_without_colour() -> None:
    bar = next(line for line in drawn(KNOWN, 80, 24) if line.startswith("[#"))
    assert 0 < bar.index("-") < bar.index(".") < bar.index("|")
    assert bar.index("-") - 1 == pytest.approx(bar.index("|") * 0.684 / 3.1, abs=2)


def test_a_large_terminal_has_peaks_and_telegram_beside() -> None:
    text = "\n".join(drawn(KNOWN, 200, 60))
    for words_ in ("Monthly peaks", "2026-02 4.05", "(4.00)", "Cheapest", "-3.2", "boiler on"):
        assert words_ in text
    assert "1SAG1100548719" in text


def test_keys_turn_pages_and_scroll() -> None:
    view = View().turned("right", 24)
    assert view.page == "peaks"
    assert view.turned("left", 24).page == "overview"
    assert View().turned("left", 24).page == "sources"
    assert View().turned("t", 24) == View("telegram")
    assert View("telegram", 7).turned("t", 24) == View("overview")
    assert View("telegram").turned("down", 24).top == 1
    assert View("telegram").turned("up", 24).top == 0
    assert View("telegram").turned("x", 24) == View("telegram")
    long = drawn(KNOWN, 80, 10, View("telegram", 1_000))  # not beyond the end
    assert "0-2:24.2.1" in "\n".join(long)


def test_keys_are_read_from_what_terminals_send() -> None:
    assert names(b"qT\x1b[A\x1bOB\x1b[Z\t\x03") == ["q", "t", "up", "down", "left", "right", "q"]
    assert names(b"\x1b\x00\xff\x1b[99~") == ["9", "9"]


def test_a_column_of_which_nothing_is_known_is_left_out() -> None:
    titles = [column.title for column in usage.columns(DOCUMENTS, NOW, UTC)]
    assert titles == ["Mon", "Tue", "Wed", "Today", "Week"]
    assert usage.columns({}, NOW, UTC) == []
    rows = {row.title for row, _ in usage.rows(usage.columns(DOCUMENTS, NOW, UTC))}
    assert "water" not in rows
    assert "import" not in rows  # high and low say it


def test_a_meter_without_tariffs_has_one_row() -> None:
    values = {"energy_import": 3.0, "energy_export": 0.0}
    document = {"electricity day": {"periods": [period(TODAY, TODAY + DAY, values=values)]}}
    told = usage.rows(usage.columns(document, NOW, UTC))
    assert [(row.key, numbers) for row, numbers in told] == [
        ("energy_import", ["3.0"]),
        ("energy_export", ["0.0"]),
        ("net", ["3.0"]),
    ]


def test_every_line_of_a_telegram_is_told_with_its_meaning() -> None:
    lines = {line.code: line for line in telegram.lines(KNOWN.telegram, UTC)}
    assert lines["1-0:1.8.1"].value.endswith(" kWh")
    assert lines["1-0:1.8.1"].meaning == "energy imported, high tariff"
    assert lines["1-0:2.7.0"].meaning == "active power, export"
    assert lines["0-0:1.0.0"].value == "2026-03-05 17:08:00"
    assert lines["0-1:24.1.0"].meaning == "type of sub-meter: gas"
    assert lines["0-0:98.1.0"].value.startswith("13: ")
    assert all(line.meaning for line in lines.values())


@pytest.mark.parametrize("name", ["be_single_phase", "nl_22", "nl_50", "at", "lu", "se", "hu"])
def test_telegrams_of_all_countries_are_told(name: str) -> None:
    raw = golden(name).decode("latin-1")
    lines = telegram.lines(raw, UTC)
    assert len(lines) > 5
    assert sum(bool(line.code) for line in lines) == len(lines) - 1


def test_a_damaged_telegram_is_shown_as_it_came_and_obeyed_in_nothing() -> None:
    lines = telegram.lines("/X\x1b[2J\r\n1-0:1.8.1(\x07)\r\n!0000\r\n", UTC)
    assert "damaged" in lines[0].meaning
    assert all(line.value.isprintable() for line in lines)
    assert [line.value for line in lines[1:]] == ["/X [2J", "1-0:1.8.1( )", "!0000"]


EVIL = "\x1b]0;owned\x07[red]x[/red]\x9b2J"


@pytest.mark.parametrize("page", PAGES)
def test_no_word_of_a_station_moves_the_cursor_or_is_markup(page: str) -> None:
    evil = device(power=1.0) | {"health": {"state": EVIL, "text": EVIL, "remedy": EVIL}}
    documents = {
        **DOCUMENTS,
        "readings": {"time": NOW.isoformat(), "devices": {EVIL: evil, "grid": evil}},
        "peak": {**PEAK, "text": EVIL},
        "status": {"station": {"state": EVIL, "text": EVIL, "version": EVIL}, "workers": {}},
    }
    for known in (Known(documents, EVIL), Known({}, "", {}, EVIL)):
        text = "\n".join(drawn(known, 200, 60, View(page)))
        assert "\x07" not in text
        assert "\x1b]" not in text
        assert "\x9b" not in text


JUNK: list[Mapping[str, Any]] = [{"periods": [{}]}, {"now": 5, "periods": "x"}, {"devices": []}]


@pytest.mark.parametrize("junk", [*JUNK, {"series": [1]}, {"quarter": None}, {"months": 7}])
@pytest.mark.parametrize("page", PAGES)
def test_documents_of_another_shape_leave_the_rest_of_the_screen(
    page: str, junk: Mapping[str, Any]
) -> None:
    for name in DOCUMENTS:
        lines = drawn(Known({**DOCUMENTS, name: junk}, KNOWN.telegram), 130, 50, View(page))
        assert "s0web" in lines[0]
        assert "quit" in lines[-1]


def test_old_values_stay_and_the_screen_says_so() -> None:
    lines = drawn(Known(DOCUMENTS, "", {}, "http://here/s0 does not answer (refused)."), 80, 24)
    assert "What is shown is old: http://here/s0 does not answer" in lines[-1]
    assert any("import high" in line for line in lines)


def test_numbers_and_times_are_short() -> None:
    assert words.number(-0.001, 2) == "0.00"
    assert words.number("7", 2) == words.number(True, 2) == words.number(None, 2) == ""
    assert words.kilo(2814) == "2.81"
    assert [words.lasted(s) for s in (5, 300, 9_000, 200_000)] == ["5 s", "5 min", "2.5 h", "2 d"]
    assert words.moment("2026-03-05T12:00") is None
    assert words.local("never", UTC, "%H:%M") == ""

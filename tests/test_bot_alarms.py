"""What the Telegram bot tells without being asked: alarms, and summaries with their charts."""

import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from s0web import bot
from s0web.bot import picture, reports, summary
from s0web.bot.alarms import Alarm, Watch
from s0web.bot.home import Home
from s0web.bot.memory import Memory
from s0web.bot.news import News
from s0web.bot.outbox import LONGEST, MOST, Message, Outbox
from s0web.bot.settings import of
from s0web.clock import FakeClock
from s0web.errors import StationError
from s0web.model import Health, Reading, Snapshot, Value
from s0web.station import Station
from tests.bot_server import CHAT, GROUP, STRANGER, TOKEN, bot_server
from tests.conftest import S0_AND_P1, until
from tests.test_bot import ini_text

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def seen(watch: Watch, state: str, *times: float, name: str = "sink:db") -> list[Alarm]:
    snapshot = Snapshot(health={name: Health(state, NOON, "is away", "Look.")})
    return [alarm for time in times for alarm in watch.health(snapshot, time)]


def test_a_failure_is_told_after_a_minute_once_until_it_healed() -> None:
    watch = Watch()
    assert seen(watch, "ok", 0) == []
    assert seen(watch, "failed", 10, 40, 69) == []
    assert seen(watch, "starting", 69.5) == []
    assert seen(watch, "failed", 70) == [Alarm("failed", "sink:db", "is away Look.")]
    assert seen(watch, "failed", 71, 3600, 90_000) == []
    assert seen(watch, "ok", 90_010) == []
    assert seen(watch, "failed", 90_020, 95_000) == []
    assert seen(watch, "ok", 95_010, 95_069) == []
    assert seen(watch, "ok", 95_070) == [Alarm("healed", "sink:db", seconds=95_000)]
    assert seen(watch, "failed", 95_100, 95_200)[0].word == "failed"


def test_a_short_failure_and_one_of_a_wire_are_not_told() -> None:
    watch = Watch()
    assert seen(watch, "failed", 0, 59) + seen(watch, "ok", 60) + seen(watch, "failed", 61) == []
    assert seen(watch, "failed", 0, 900, name="source:grid") == []
    assert seen(watch, "failed", 0, 900, name="bot") == []
    assert seen(watch, "stale", 1000, 1060, name="grid")[0].word == "silent"


def test_what_is_no_longer_configured_is_forgotten() -> None:
    watch = Watch()
    assert seen(watch, "failed", 0, 60)[0].word == "failed"
    assert watch.health(Snapshot(), 61) == []
    assert seen(watch, "ok", 70, 200) == []


def test_another_meter_is_told_once() -> None:
    watch, known = Watch(), {"grid": "A1"}
    values = {"power": Value(1.0, NOON, ""), "energy_import": Value(5.0, NOON, "A1")}
    assert watch.meters(Snapshot(values={"grid": values}), known, 0) == []
    later = {**values, "energy_import_high": Value(0.0, NOON + timedelta(hours=1), "B2")}
    told = watch.meters(Snapshot(values={"grid": later, "new": values}), known, 10)
    assert told == [Alarm("meter", "grid", "B2", "A1")]
    assert watch.meters(Snapshot(values={"grid": values}), known, 20) == []
    assert known == {"grid": "A1", "new": "A1"}


def test_a_peak_is_told_once_a_quarter_and_level() -> None:
    watch = Watch()
    told = [
        watch.is_new_peak(*seen)
        for seen in (
            ("12:00", "none", 0.0),
            ("12:00", "will_exceed", 100.0),
            ("12:00", "will_exceed", 110.0),
            ("12:00", "none", 120.0),
            ("12:00", "will_exceed", 130.0),
            ("12:00", "has_exceeded", 200.0),
            ("12:15", "will_exceed", 900.0),
            ("12:30", "none", 1900.0),
            ("12:30", "will_exceed", 2000.0),
            ("12:45", "will_exceed", 2800.0),
            ("13:45", "will_exceed", 6000.0),
        )
    ]
    assert [number for number, is_told in enumerate(told) if is_told] == [1, 5, 8, 10]


def clock_of(time: datetime) -> str:
    return f"{time:%H:%M}"


def test_what_waits_is_bounded_and_old_alarms_merge() -> None:
    outbox = Outbox()
    for number in range(MOST + 5):
        time = NOON + timedelta(minutes=number)
        outbox.add(Message(CHAT, f"<b>alarm {number}</b>", time, is_alarm=True))
    assert (len(outbox), outbox.lost) == (MOST, 5)
    message, count = outbox.next(CHAT, NOON + timedelta(minutes=24), clock_of)
    assert count == MOST
    assert message.text.splitlines()[0] == "12:05 <b>alarm 5</b>"
    assert message.text.splitlines()[-1] == "<b>alarm 24</b>"
    outbox.sent(CHAT, count)
    outbox.add(Message(CHAT, "x\n" * 5000, NOON))
    outbox.add(Message(CHAT, "y" * 5000, NOON))
    message, count = outbox.next(CHAT, NOON, clock_of)
    assert (len(message.text) <= LONGEST, count) == (True, 1)
    outbox.sent(CHAT, 1)
    assert len(outbox.next(CHAT, NOON, clock_of)[0].text) <= LONGEST
    outbox.keep(frozenset())
    assert outbox.chats() == []


def test_alarms_come_when_telegram_is_there_again(
    ini: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s0web.bot.alarms.LASTING", 0.0)
    with bot_server() as api:
        ini.write_text(ini_text(api, chats=f"{CHAT} {GROUP} {STRANGER}", alarms="yes"))
        station = Station(ini)
        station.start()
        thread = bot.start(station)
        until(lambda: api.offsets, "the bot")
        api.write("/mute 3", GROUP)
        until(lambda: api.told(GROUP), "the mute")
        api.misbehave.append(b"")
        api.misbehave.append(b"")
        for name in ("sink:a", "sink:b"):
            station.hub.report(name, Health("failed", NOON, f"{name} <is> away"))
        until(lambda: any("sink:b" in text for text in api.told()), "the alarms", 25)
        assert "⚠ <b>sink:a</b> has failed: sink:a &lt;is&gt; away" in "\n".join(api.told())
        station.hub.report("sink:a", Health("ok", NOON))
        until(lambda: any("sink:a</b> is well again" in text for text in api.told()), "it", 25)
        until(
            lambda: "takes no messages" in station.hub.snapshot().health["bot"].text,
            "the chat that takes none",
            15,
        )
        assert len(api.told(GROUP)) == 1
        station.stop()
        until(lambda: not thread.is_alive(), "the bot's end")


# -- the peak --------------------------------------------------------------------------------------

PEAK: dict[str, Any] = {
    "quarter": {
        "start": "2026-03-02T12:00:00.000Z",
        "end": "2026-03-02T12:15:00.000Z",
        "elapsed": 0.5,
        "demand": 2000.0,
        "forecast": 4000.0,
    },
    "gap": -1000.0,
    "alarm": "will_exceed",
    "cost": {"if_exceeded": 4.36},
}


@pytest.fixture
def warped(ini: Path) -> Station:
    """The simulated house, from before midnight until summaries are due."""
    ini.write_text(
        S0_AND_P1.replace("simulate = yes", "simulate = yes\ntimezone = Europe/Brussels")
        + "[house]\ngrid = grid\n[switch:boiler]\ntype = simulated\npower = 2000\n"
        "[prices]\nprovider = simulated\n"
        "[contract:power]\ntype = electricity\nimport_rate = 0.3\n"
        f"[telegram]\ntoken = {TOKEN}\nchats = {CHAT}\nsummary = both\n[web]\nlanguage = en\n"
    )
    clock = FakeClock(datetime(2026, 2, 28, 22, 58, tzinfo=UTC))
    station = Station(ini, clock, threads=False)
    station.run(clock.now() + timedelta(minutes=23))
    return station


def home(station: Station) -> Home:
    assert station.config is not None
    return Home(station, station.config)


def test_a_peak_is_told_with_what_to_do_and_what_it_costs(
    warped: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    warped.hub.publish(
        [
            Reading("grid", warped.clock.now(), {"power": 5000.0}),
            Reading("boiler", warped.clock.now(), {"switch": 1.0}),
        ]
    )
    monkeypatch.setattr(reports, "peak_document", lambda station: PEAK)
    quarter, alarm, text = reports.exceeding(home(warped))
    assert (quarter, alarm) == (PEAK["quarter"]["start"], "will_exceed")
    assert text.splitlines() == [
        "⚠ <b>Peak:</b> the quarter-hour until 13:15 will come to 4.00 kW, more than 3.00 kW.",
        "Take off 2.00 kW until then. Is on: boiler (2.00 kW)",
        "Costs about 4.36 EUR more in the next 12 months.",
    ]
    over = {**PEAK, "alarm": "has_exceeded", "cost": None}
    monkeypatch.setattr(reports, "peak_document", lambda station: over)
    assert reports.exceeding(home(warped))[2].endswith("has exceeded 3.00 kW: 2.00 kW by now.")


def test_no_peak_is_no_alarm(warped: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(station: Station) -> None:
        raise StationError("No peak is followed.")

    monkeypatch.setattr(reports, "peak_document", none)
    assert reports.exceeding(home(warped)) == ("", "none", "")
    quiet = {**PEAK, "quarter": {**PEAK["quarter"], "forecast": None}, "gap": None}
    monkeypatch.setattr(reports, "peak_document", lambda station: quiet)
    assert reports.exceeding(home(warped))[1] == "none"


def test_costs_and_prices_are_told_in_words(warped: Station) -> None:
    lines = reports.costs(home(warped)).splitlines()
    assert lines[0] == "<b>Costs</b>"
    assert lines[-1] == "A kWh from the grid: 0.3000 EUR now."
    assert [line.split(":")[0] for line in lines[1:-1]] == ["Today", "This month", "This year"]
    assert "Cost: " in reports.today(home(warped))
    prices = reports.prices(home(warped)).splitlines()
    assert prices[1].endswith("EUR/MWh")
    assert len(prices) == 7
    assert " to " in prices[-1]


# -- summaries -------------------------------------------------------------------------------------


def test_a_day_and_a_month_are_summed_up_once(warped: Station) -> None:
    outbox, memory = Outbox(), Memory()
    settings = of(warped.config)
    assert settings is not None
    news = News(outbox)
    news.look(home(warped), settings, memory, 0.0)
    assert (len(outbox), memory.day, memory.month) == (0, "2026-02-28", "2026-02")
    warped.clock.advance(86_400)  # type: ignore[attr-defined]
    memory.month = "2026-01"
    news.look(home(warped), settings, memory, 1.0)
    assert (memory.day, memory.month) == ("2026-03-01", "2026-02")
    texts = []
    while outbox.chats():
        message, count = outbox.next(CHAT, warped.clock.now(), clock_of)
        outbox.sent(CHAT, count)
        texts.append(message.text)
        assert decoded(message.photo)
    assert [text.splitlines()[0] for text in texts] == ["<b>02/2026</b>", "<b>01/03/2026</b>"]
    assert "From the grid: " in texts[1]
    assert "Gas: " in texts[1]
    news.look(home(warped), settings, memory, 2.0)
    assert len(outbox) == 0


def test_a_summary_nobody_wants_is_not_caught_up(warped: Station) -> None:
    memory = Memory(day="2026-01-01", month="2025-12")
    assert summary.due(home(warped), memory, "never") == []
    assert (memory.day, memory.month) == ("2026-02-28", "2026-02")


def test_a_summary_waits_for_the_archive(warped: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox, memory, settings = (
        Outbox(),
        Memory(day="2026-02-01", month="2026-01"),
        of(warped.config),
    )
    assert settings is not None
    news = News(outbox)
    monkeypatch.setattr(Station, "history", None)
    news.look(home(warped), settings, memory, 0.0)
    monkeypatch.undo()
    news.look(home(warped), settings, memory, 30.0)
    assert len(outbox) == 0
    news.look(home(warped), settings, memory, 61.0)
    assert len(outbox) == 2


def decoded(data: bytes) -> list[bytes]:
    """The rows of a PNG, its chunks proven."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, pixels = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (
            zlib.crc32(kind + body),
        )
        pixels = zlib.decompress(body) if kind == b"IDAT" else pixels
        at += 12 + length
    wide = picture.WIDTH + 1
    assert len(pixels) == wide * picture.HEIGHT
    return [pixels[row : row + wide] for row in range(0, len(pixels), wide)]


@pytest.mark.parametrize(
    "values",
    [
        [],
        [None, None],
        [0.0],
        [1.0, -1.0, None],
        [1e12] * 31,
        [-0.001] * 96,
        [float("nan"), 3.0, float("inf")],
        [0.1] * 3000,
    ],
)
def test_any_values_make_a_picture(values: list[float | None]) -> None:
    rows = decoded(picture.bars(values, "kWh", [(0, "1"), (95, "24:00"), (9, "é")]))
    assert max(max(row[1:]) for row in rows) <= picture.DOWN


def test_bars_go_up_and_down_from_zero() -> None:
    rows = decoded(picture.bars([1.0, -1.0], "kW", []))
    left = bytes(row[1 + picture.LEFT + 100] for row in rows)
    right = bytes(row[1 + picture.WIDTH - picture.RIGHT - 100] for row in rows)
    assert left.count(picture.UP) == pytest.approx(right.count(picture.DOWN), abs=2)
    assert left.index(picture.UP) < right.index(picture.DOWN)

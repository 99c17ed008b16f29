"""The Telegram bot, asked over a local Bot API on a running station of the simulated house."""

import json
import logging
import random
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from s0web import bot, config
from s0web.bot import memory as memories
from s0web.bot.api import MOST, Answer, BotApi
from s0web.bot.updates import asked, number_of
from s0web.bot.words import WORDS, Speech
from s0web.errors import ConfigError
from s0web.model import Command, Health
from s0web.station import Station
from tests.bot_server import CHAT, GROUP, STRANGER, TOKEN, BotServer, answer, bot_server
from tests.conftest import S0_AND_P1, until

HOUSE = (
    S0_AND_P1
    + """\
[house]
grid = grid
[switch:boiler]
type = simulated
power = 2000
[telegram]
token = {token}
chats = {chats}
api_url = {url}
alarms = {alarms}
summary = never
[web]
language = {language}
"""
)


def ini_text(
    api: BotServer, chats: str = f"{CHAT}, {GROUP}", language: str = "en", alarms: str = "no"
) -> str:
    """Without alarms nothing is told unasked, whatever the house does at this hour."""
    return HOUSE.format(token=TOKEN, chats=chats, url=api.url, language=language, alarms=alarms)


@pytest.fixture(scope="module")
def api() -> Iterator[BotServer]:
    with bot_server() as made:
        yield made


def listening(ini: Path, api: BotServer) -> Iterator[Station]:
    """A station whose bot listens."""
    ini.write_text(ini_text(api))
    station = Station(ini)
    station.start()
    thread = bot.start(station)
    until(lambda: state(station) == "ok", "the bot")
    until(lambda: station.hub.snapshot().get("grid", "power"), "the grid meter")
    yield station
    station.stop()
    until(lambda: not thread.is_alive(), "the bot's end")


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory, api: BotServer) -> Iterator[Station]:
    yield from listening(tmp_path_factory.mktemp("state") / "s0web.ini", api)


@pytest.fixture
def own_api() -> Iterator[BotServer]:
    with bot_server() as made:
        yield made


@pytest.fixture
def alone(ini: Path, own_api: BotServer) -> Iterator[Station]:
    """One for a test that leaves it changed."""
    yield from listening(ini, own_api)


def health(station: Station) -> Health | None:
    return station.hub.snapshot().health.get("bot")


def state(station: Station) -> str:
    of = health(station)
    return of.state if of else ""


def told_of(station: Station) -> str:
    of = health(station)
    return of.text if of else ""


def say(api: BotServer, text: str, chat: int = CHAT, sender: int = 0) -> str:
    """What the bot answers."""
    before = len(api.told(chat))
    api.write(text, chat, sender)
    until(lambda: len(api.told(chat)) > before, f"an answer to {text}")
    return api.told(chat)[before]


def test_it_answers_what_it_is_asked(talking: Station, api: BotServer) -> None:
    assert "/switch NAME" in say(api, "/start")
    assert say(api, "/HELP@s0web_bot") == say(api, "/help")
    assert "I do not know that" in say(api, "/make coffee")
    assert "I do not know that" in say(api, "hello")
    status = say(api, "/status")
    assert "grid: " in status
    assert "W" in status
    assert say(api, "/today").startswith("<b>Today</b>\nNow: ")
    until(lambda: "Peak of the month" in say(api, "/peak"), "the peak")
    assert "Nothing is known" in say(api, "/costs")
    assert "No prices are known" in say(api, "/prices")
    assert "no such Modbus meter" in say(api, "/schnelles_messintervall")


def test_it_switches(talking: Station, api: BotServer) -> None:
    until(lambda: talking.hub.snapshot().get("boiler", "switch"), "the switch")
    assert say(api, "/switch BOILER on 30") == "boiler is switched on for 30 min."
    until(lambda: talking.hub.snapshot().number("boiler", "switch") == 1, "the boiler")
    assert "<b>boiler</b>: on" in say(api, "/switches")
    assert "by hand until" in say(api, "/switches")
    assert say(api, "/switch boiler auto") == "boiler follows its rule again."
    for wrong in (
        "",
        "boiler",
        "boiler up",
        "oven on",
        "boiler on 0",
        "boiler on x",
        "boiler on ²",
    ):
        assert say(api, f"/switch {wrong}").startswith("Like this: /switch")


def test_it_reads_modbus_meters_often(alone: Station, own_api: BotServer) -> None:
    told: list[Command] = []
    meter = {"type": "modbus", "port": "/dev/simulated", "model": "sdm630"}
    config.save(alone.path, {"source:heat": meter})
    alone.tell(Command("station", "apply"))
    until(lambda: "heat" in alone.devices(), "the meter")
    alone.tell = told.append  # type: ignore[method-assign]
    until(lambda: "heat" in say(own_api, "/fast"), "the bot to know it")
    assert say(own_api, "/Schnelles_Messintervall HEAT") == "Read often for a while: heat"
    assert [(one.target, one.verb) for one in told] == [("heat", "fast")] * 2


def test_strangers_get_no_answer_and_the_householder_learns_their_id(
    talking: Station, api: BotServer, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        api.write("/switch boiler on", STRANGER)
    say(api, "/help")
    assert api.told(STRANGER) == []
    lines = [r.getMessage() for r in caplog.records if "666" in r.getMessage()]
    assert len([line for line in lines if "asks and is not" in line]) == 1
    until(lambda: "Chat 666 got no answer" in told_of(talking), "the id in the health")
    assert "Eve" not in caplog.text


def test_in_a_group_only_an_allowed_chat_switches(talking: Station, api: BotServer) -> None:
    other = -999
    assert say(api, "/switch boiler on", GROUP, sender=STRANGER) == "boiler is switched on."
    api.write("/status", other, STRANGER)
    assert "grid" in say(api, "/status", other, CHAT)
    assert len(api.told(other)) == 1
    for wish in ("/switch boiler off", "/fast", "/mute 3"):
        assert "Not in this chat" in say(api, wish, other, CHAT)
    api.write("only talk among people", GROUP)
    say(api, "/help", GROUP)
    assert "I do not know that" not in api.told(GROUP)[-1]


def test_what_was_asked_while_it_was_away_is_not_done(talking: Station, api: BotServer) -> None:
    before = len(api.told())
    api.write("/switch boiler on", ago=700)
    say(api, "/help")
    assert len(api.told()) == before + 1


def test_nothing_is_done_twice(ini: Path, own_api: BotServer) -> None:
    ini.write_text(ini_text(own_api))
    for _ in range(2):
        station = Station(ini)
        station.start()
        thread = bot.start(station)
        assert bot.start(station) is thread
        until(lambda s=station: state(s) == "ok", "the bot")  # type: ignore[misc]
        if not own_api.told():
            say(own_api, "/switch boiler on")
        station.stop()
        until(lambda t=thread: not t.is_alive(), "its end")  # type: ignore[misc]
    assert len(own_api.told()) == 1
    assert own_api.offsets[-1] == own_api.updates[-1]["update_id"] + 1
    kept = json.loads(ini.with_name("telegram.json").read_text())
    assert TOKEN.partition(":")[2] not in json.dumps(kept)


def test_it_speaks_the_language_of_the_settings_and_escapes(ini: Path, own_api: BotServer) -> None:
    ini.write_text(ini_text(own_api, language="de"))
    station = Station(ini)
    station.start()
    thread = bot.start(station)
    until(lambda: state(station) == "ok", "the bot")
    assert "Das kenne ich nicht" in say(own_api, "/kaffee")
    reason = Health("failed", station.started, "a < b & <script>")
    station.hub.report("sink:<i>", reason)
    assert "sink:&lt;i&gt;: a &lt; b &amp; &lt;script&gt;" in say(own_api, "/status")
    station.stop()
    until(lambda: not thread.is_alive(), "the bot's end")


def test_other_settings_are_taken_over_live(alone: Station, own_api: BotServer) -> None:
    config.save(alone.path, {"telegram": {"chats": str(STRANGER + 1)}})
    alone.tell(Command("station", "apply"))
    until(lambda: alone.config.sections["telegram"]["chats"] == "667", "them")  # type: ignore[union-attr]
    say(own_api, "/help", STRANGER + 1)
    own_api.write("/help")
    say(own_api, "/help", STRANGER + 1)
    assert own_api.told() == []
    config.save(alone.path, {"telegram": {"token": ""}})
    alone.tell(Command("station", "apply"))
    until(lambda: health(alone) is None, "the end of the bot")


def test_a_wrong_token_is_a_sentence_and_tells_no_secret(
    alone: Station, own_api: BotServer, caplog: pytest.LogCaptureFixture
) -> None:
    own_api.token = "1:other"
    until(lambda: state(alone) == "failed", "the failure", 20)
    of, calls = health(alone), own_api.calls
    assert of is not None
    assert "does not know this token" in of.text
    assert "@BotFather" in of.remedy
    time.sleep(1.5)
    assert own_api.calls == calls
    secret = TOKEN.partition(":")[2]
    assert secret not in caplog.text
    assert secret not in repr(alone.hub.snapshot())


BAD = (
    b"",
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\0\xff\n" * 500,
    answer(200, b"<html>captive portal</html>"),
    answer(200, b"[" * 100_000),
    answer(200, {"ok": True, "result": {"update_id": 1}}),
    answer(200, {"ok": "yes"}),
    answer(200, 1),
    answer(200, b"9" * 5000),
    answer(502, b"Bad Gateway"),
    answer(409, {"ok": False, "error_code": 409, "description": "Conflict"}),
    answer(302, b"", "Location: http://127.0.0.1:1/\r\n"),
    answer(400, {"ok": False, "error_code": [], "description": {"a": TOKEN}, "parameters": 3}),
)


def called(api: BotServer) -> Answer:
    with closing(BotApi(api.url, TOKEN, lambda: False)) as client:
        return client.call("getUpdates", {"timeout": 0, "offset": 0})


def test_bad_answers_are_told_and_survived() -> None:
    with bot_server() as api:
        for raw in BAD:
            api.misbehave.append(raw)
            said = called(api)
            assert said.code != 200 or not isinstance(said.result, list), raw[:60]
            assert TOKEN.partition(":")[2] not in repr(said)
        api.misbehave.append(answer(200, b" " * (MOST + 10)))
        said = called(api)
        assert "more than" in said.text
        api.misbehave.append(answer(400, {"ok": False, "description": f"no {TOKEN}\x1b[2J"}))
        said = called(api)
        assert (said.code, said.text) == (400, "no ...[2J")


def test_certificates_are_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with bot_server(context) as api:
        assert "has no valid certificate: self-signed" in called(api).text
        assert api.calls == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        waits = threading.Timer(0.8, api.write, ("/help",))  # longer than one look at the wire
        waits.start()
        with closing(BotApi(api.url, TOKEN, lambda: False)) as client:
            said = client.call("getUpdates", {"timeout": 10, "offset": 0})
            assert said.result[0]["message"]["text"] == "/help"
            fields = {"chat_id": CHAT, "caption": "x"}
            assert client.call("sendPhoto", fields, b"\x89PNG" * 50_000).code == 200
        waits.join()
        assert api.sent[0].photo == b"\x89PNG" * 50_000


def test_an_idle_connection_that_was_closed_is_opened_again() -> None:
    with bot_server() as api:
        api.polls_wait = False
        client = BotApi(api.url, TOKEN, lambda: False)
        fields = {"timeout": 0, "offset": 0}
        assert client.call("getUpdates", fields).code == 200
        api.misbehave.append(b"")
        assert client.call("getUpdates", fields).code == 200
        client.close()
    said = client.call("getUpdates", fields)
    assert (said.code, said.text) == (0, "127.0.0.1 cannot be reached (Connection refused)")


def test_it_goes_on_after_bad_answers(talking: Station, api: BotServer) -> None:
    api.misbehave.extend((BAD[4], BAD[10]))
    until(lambda: not api.misbehave, "two bad answers", 20)
    assert "/switch" in say(api, "/help")
    until(lambda: state(talking) == "ok", "the bot")


def test_too_many_requests_are_waited_for(talking: Station, api: BotServer) -> None:
    limit = {"ok": False, "error_code": 429, "parameters": {"retry_after": 2}}
    with api.one_by_one:
        calls = api.calls
        api.misbehave.append(answer(429, limit))
    until(lambda: api.calls > calls + 1, "the next call")
    assert api.called_at[calls + 1] - api.called_at[calls] > 1.5
    assert state(talking) == "ok"


def test_it_stops_while_telegram_is_silent(ini: Path, own_api: BotServer) -> None:
    own_api.misbehave.append(None)
    ini.write_text(ini_text(own_api))
    station = Station(ini)
    station.start()
    thread = bot.start(station)
    until(lambda: own_api.calls, "the call")
    station.stop()
    until(lambda: not thread.is_alive(), "the bot's end")  # the answer comes after 30 s


def junk(chance: random.Random, depth: int = 0) -> object:
    """Any JSON, often with the names that updates have."""
    kind = chance.randrange(9 if depth < 4 else 6)
    if kind < 6:
        text = chance.choice(("", "/", "/switch", "/switch boiler on", "/mute -1", "\ud800", "\0"))
        number = chance.choice((0, -1, CHAT, 2**70, -(2**31), 10**300))
        return (None, True, number, 1.5e300, text, "x" * 500)[kind]
    if kind == 6:
        return [junk(chance, depth + 1) for _ in range(chance.randrange(4))]
    names = ("update_id", "message", "chat", "from", "id", "date", "text", "edited_message")
    return {chance.choice(names): junk(chance, depth + 1) for _ in range(chance.randrange(7))}


def test_an_update_of_any_shape_stops_nothing(talking: Station, api: BotServer) -> None:
    chance = random.Random(5)
    for _ in range(10_000):
        update = junk(chance)
        number_of(update)
        asked(update)
    now = int(time.time())
    updates = []
    for number in range(5_001, 5_121):
        message: dict[str, object] = {
            "chat": {"id": CHAT},
            "from": {"id": CHAT},
            "date": now,
            "text": "/help",
        }
        message[chance.choice(list(message))] = junk(chance)
        updates += [{"update_id": number, "message": message}, junk(chance)]
    api.updates = updates
    until(lambda: api.offsets[-1] > 5_120, "all of it", 30)
    api.updates.clear()
    assert "/switch" in say(api, "/help")
    until(lambda: state(talking) == "ok", "the bot")
    assert [t.name for t in threading.enumerate()].count("bot") == 1


def test_what_is_kept_survives_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "telegram.json"
    fine = memories.Memory("1", 7, muted={"5": "2999-01-01T00:00:00+00:00"}, day="2026-03-01")
    memories.save(path, fine)
    assert memories.load(path, "1") == fine
    assert memories.load(path, "2") == memories.Memory("2", day="2026-03-01")
    with caplog.at_level(logging.WARNING):
        for text in ("", "{", "[]", '{"bot": 1}', '{"x": 1}', '{"muted": {"1": 2}}', "[" * 90_000):
            path.write_text(text)
            assert memories.load(path, "1") == memories.Memory("1")
    assert "begins anew" in caplog.text


def test_all_languages_say_the_same() -> None:
    for table in WORDS.values():
        assert table.keys() == WORDS["en"].keys()
        for key, words in table.items():
            assert set(_names(words)) == set(_names(WORDS["en"][key])), key
            assert words.count("<b>") == words.count("</b>") == WORDS["en"][key].count("<b>")
    assert Speech("nl", None).power(1234.5) == "1,23 kW"
    assert Speech("auto", None).number(-0.001, 2) == "0.00"


def _names(words: str) -> list[str]:
    return [part.partition("}")[0] for part in words.split("{")[1:]]


@pytest.mark.parametrize(
    ("option", "text", "why"),
    [
        ("token", "12:34", "it is none"),
        ("token", "https://api.telegram.org/bot1", "it is none"),
        ("chats", "12, me", "'me' is not a chat id"),
        ("chats", "0", "'0' is not a chat id"),
        ("api_url", "ftp://x", "it is not an address"),
        ("api_url", "http://api.telegram.org", "encrypted"),
        ("api_url", "https://x:99999", "it is not an address"),
        ("api_url", "https://a:b@x", "it is not an address"),
    ],
)
def test_a_mistake_is_a_sentence(ini: Path, option: str, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as raised:
        config.parse(ini, f"{S0_AND_P1}[telegram]\n{option} = {text}\n")
    if option == "token":
        assert text not in str(raised.value)

"""The pages and the settings dialog as a browser without JavaScript has them."""

import gzip
import re
from datetime import date
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from s0web import config
from s0web.model import Command
from s0web.options import OPTIONS
from s0web.quantities import QUANTITIES
from s0web.station import Station
from s0web.web import assets, words
from s0web.web.app import create_app
from tests.conftest import until

PAGE = {"Accept": "text/html"}
LAN = {"REMOTE_ADDR": "192.168.1.20"}


@pytest.fixture
def client(station: Station) -> FlaskClient:
    return create_app(station).test_client()


def page(answer: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(answer.get_data(as_text=True), "html.parser")


def fields(soup: BeautifulSoup, form: str) -> dict[str, str]:
    """What a browser would send of this form, the first value of each name."""
    owned = [
        *soup.select(f"[form={form}]"),
        *soup.select(f"#{form} :is(input, select):not([form])"),
    ]
    sent: dict[str, str] = {}
    for tag in owned:
        if tag.name == "select":
            chosen = tag.select_one("option[selected]") or tag.select_one("option")
            assert chosen is not None
            sent.setdefault(str(tag["name"]), chosen.get_text())
        elif tag.name == "input" and (tag.get("type") != "checkbox" or tag.has_attr("checked")):
            sent.setdefault(str(tag["name"]), str(tag["value"]))
    return sent


def submit(client: FlaskClient, form: str, action: str, **typed: str) -> TestResponse:
    """Open the dialog, type, press a button; `a__b=text` is the field a|b."""
    sent = fields(page(client.get("/config")), form)
    for name, text in typed.items():
        sent[name.replace("__", "|").replace("source_", "source:")] = text
    return client.post("/config", data=sent | {"action": action})


def message(soup: BeautifulSoup, field: str) -> str:
    """The text beside a field."""
    tag = soup.select_one(f'[name="{field}"]')
    assert tag is not None
    wrong = soup.select_one(f"#{tag['aria-describedby']} .wrong")
    return wrong.get_text() if wrong else ""


def test_commands_are_told_so_that_they_work_from_any_folder(
    client: FlaskClient, station: Station
) -> None:
    told = [code.get_text() for code in page(client.get("/devices")).select("#page code")]
    for command, what in zip(told, ("backup", "restore FILE --write"), strict=True):
        ini, program, does = command.split(" ", 2)
        assert (ini, does) == (f"S0WEB_INI={station.path.absolute()}", what)
        assert program == "s0web" or Path(program).is_file()


@pytest.mark.parametrize(
    ("machine", "told"), [("America/New_York", "America/New_York"), ("CET-1CEST", "")]
)
def test_times_are_those_of_the_machine_where_the_settings_name_no_zone(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, machine: str, told: str
) -> None:
    """Days begin where the station's begin, wherever the browser is."""
    monkeypatch.setenv("TZ", machine)
    (html,) = page(client.get("/history")).select("html")
    assert html["data-zone"] == told


# -- pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/history", "/devices", "/switches", "/config", "/grafana/", "/nowhere"]
)
def test_no_page_needs_another_site_or_what_the_policy_forbids(
    client: FlaskClient, path: str
) -> None:
    soup = page(client.get(path, headers=PAGE))
    for tag in soup.select("[src], [href], [action]"):
        address = str(tag.get("src") or tag.get("href") or tag.get("action"))
        assert address.startswith(("/", "?language=", "#"))
        assert not address.startswith("//")
        if "/static/" in address:
            with client.get(address) as answer:
                assert answer.status_code == 200
    assert not soup.select("style, [style], script:not([src])")
    assert not [name for tag in soup.find_all() for name in tag.attrs if name.startswith("on")]


def test_addresses_follow_the_mount(client: FlaskClient) -> None:
    soup = page(client.get("/", environ_overrides={"SCRIPT_NAME": "/s0"}))
    for tag in soup.select("[src], [href]"):
        assert str(tag.get("src") or tag.get("href")).startswith(("/s0/", "?language=", "#"))


def test_modules_import_only_what_is_there() -> None:
    folder = assets("static")
    for module in folder.glob("*.js"):
        for name in re.findall(r'from "\./(.+?)"', module.read_text()):
            assert (folder / name).is_file()
        assert "https:" not in module.read_text()


def test_the_page_of_devices_knows_every_quantity(client: FlaskClient) -> None:
    devices = page(client.get("/devices")).select_one("#page")
    assert devices is not None
    for quantity in QUANTITIES:
        assert f'"{quantity}"' in str(devices["data-vocabulary"])


def test_every_page_leads_to_every_other_and_says_where_it_is(client: FlaskClient) -> None:
    paths = ["/", "/history", "/switches", "/devices", "/config"]
    for path in paths:
        links = page(client.get(path)).select("header nav a")
        assert [link["href"] for link in links] == paths
        assert [link["href"] for link in links if link.get("aria-current") == "page"] == [path]


# -- languages -------------------------------------------------------------------------------------


def test_every_language_has_all_words_and_fills_in_the_same(client: FlaskClient) -> None:
    english = words.table("en")
    for language in words.LANGUAGES:
        here = words.table(language)
        assert list(here) == list(english)
        for key, text in here.items():
            assert text.strip() == text != ""
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", english[key]))
        same = [key for key in english if here[key] == english[key]]
        assert language == "en" or len(same) < len(english) / 8, same


def test_every_word_of_the_pages_is_in_the_tables_and_none_is_left_over() -> None:
    scripts = [*assets("static").glob("*.js"), *assets("templates").glob("*.html")]
    text = "\n".join(file.read_text() for file in scripts)
    used = set(re.findall(r"""\bt\(["']([a-z0-9_.]+)["']""", text))
    known = set(words.table("en"))
    assert used - {name for name in used if name.endswith((".", "_"))} <= known
    written = {key for key in known if re.search(rf"[\"'`]{re.escape(key)}[\"'`]", text)}
    built = ("device.", "kind.", "state.", "rule.", "flow.", "energy.", "cost.",
             "quantity.", "peak.", "switch.", "source.last_", "dialog.")  # fmt: skip
    assert [key for key in known - written if not key.startswith(built)] == []


@pytest.mark.parametrize(
    ("accepted", "cookie", "told", "address", "spoken"),
    [
        ("", "", "auto", "", "en"),
        ("fr-BE,fr;q=0.9,en;q=0.5", "", "auto", "", "fr"),
        ("ja", "", "auto", "", "en"),
        ("fr", "", "nl", "", "nl"),
        ("fr", "de", "nl", "", "de"),
        ("fr", "de", "nl", "en", "en"),
        ("fr", "<b>", "auto", "xx", "fr"),
    ],
)
def test_the_language_is_that_of_the_address_the_cookie_the_settings_or_the_browser(
    client: FlaskClient,
    station: Station,
    accepted: str,
    cookie: str,
    told: str,
    address: str,
    spoken: str,
) -> None:
    if told != "auto":
        config.save(station.path, {"web": {"language": told}})
        station.tell(Command("station", "apply"))
        until(lambda: station.config and station.config.sections["web"]["language"] == told, told)
    if cookie:
        client.set_cookie(words.COOKIE, cookie)
    answer = client.get(f"/devices?language={address}", headers={"Accept-Language": accepted})
    soup = page(answer)
    assert soup.html is not None
    assert soup.html["lang"] == spoken
    heading = soup.select_one("h1")
    assert heading is not None
    assert heading.get_text() == words.table(spoken)["nav.devices"]


def test_a_chosen_language_is_kept(client: FlaskClient) -> None:
    links = page(client.get("/")).select(".languages a")
    assert [link["lang"] for link in links] == ["nl", "fr", "de"]
    client.get(f"/{links[0]['href']}")
    assert "Instellingen" in page(client.get("/")).get_text()
    assert "Set-Cookie" not in client.get("/healthz?language=de").headers


def test_a_person_gets_a_page_for_an_error_and_a_program_a_document(client: FlaskClient) -> None:
    soup = page(client.get("/nowhere", headers=PAGE))
    assert "Nothing here" in soup.get_text()
    assert client.get("/nowhere").json is not None


# -- the dialog ------------------------------------------------------------------------------------


def test_the_dialog_draws_every_option_with_its_help_and_unit(house: Station) -> None:
    soup = page(create_app(house).test_client().get("/config"))
    scopes = {"s0web": "s0web", "web": "web", "log": "log",
              "source:main": "source.s0", "source:grid": "source.p1", "house": "house",
              "peak": "peak", "prices": "prices", "telegram": "telegram",
              "daily": "daily"}  # fmt: skip
    for section, scope in scopes.items():
        for option in OPTIONS[scope]:
            tags = soup.select(f'[name="{section}|{option.name}"]')
            if option.kind == "hash":
                assert not tags
                continue
            label = soup.select_one(f'label[for="{tags[0]["id"]}"]')
            assert label is not None
            assert option.unit in label.get_text()
            about = soup.select_one(f"#{tags[0]['aria-describedby']}")
            assert about is not None
            assert option.help.replace("m3", "m³") in about.get_text()


def test_saving_an_untouched_dialog_changes_nothing(client: FlaskClient, station: Station) -> None:
    text = station.path.read_text().replace("simulate = yes", "simulate = on")
    station.path.write_text(text)
    answer = submit(client, "options", "save")
    assert answer.location.endswith("/config?done=nothing")
    assert station.path.read_text() == text


def test_a_changed_option_is_saved_alone_and_applied(client: FlaskClient, station: Station) -> None:
    answer = submit(
        client, "options", "save", source_main__pulses_per_kwh="800", source_main__blink="yes"
    )
    assert answer.status_code == 303
    saved = config.load(station.path).sources["main"]
    assert (saved["pulses_per_kwh"], saved["blink"]) == (800.0, True)
    assert "pull" not in station.path.read_text()
    until(lambda: station.devices()["main"]["pulses_per_kwh"] == 800.0, "the change")
    assert "Saved and applied." in page(client.get(answer.location)).get_text()


def test_a_bad_value_is_told_beside_its_field_and_what_was_typed_stays(
    client: FlaskClient, station: Station
) -> None:
    before = station.path.read_text()
    answer = submit(
        client, "options", "save", source_main__pin="four", s0web__save_interval="0", web__title="x"
    )
    soup = page(answer)
    assert answer.status_code == 400
    assert message(soup, "source:main|pin") == "'four' is not a whole number."
    assert message(soup, "s0web|save_interval") == "0 is out of range, it must be 1 to 3600 s."
    assert message(soup, "web|title") == ""
    assert fields(soup, "options")["web|title"] == "x"
    assert station.path.read_text() == before


def test_a_bad_advanced_value_is_not_folded_away(client: FlaskClient) -> None:
    soup = page(submit(client, "options", "save", source_main__pull="sideways"))
    assert message(soup, "source:main|pull")
    opened = soup.select_one('details[open] [name="source:main|pull"]')
    assert opened is not None


def test_a_mistake_of_a_hand_edit_is_shown_beside_its_field(
    client: FlaskClient, station: Station
) -> None:
    station.path.write_text(station.path.read_text().replace("pin = 4", "pin = four"))
    answer = client.get("/config")
    assert answer.status_code == 200
    assert message(page(answer), "source:main|pin") == "'four' is not a whole number."


def test_a_file_that_cannot_be_read_is_a_sentence_and_offers_no_save(
    client: FlaskClient, station: Station
) -> None:
    station.path.write_text("pin = 4\n")
    soup = page(client.get("/config"))
    assert "line 1: text before the first [section]" in soup.get_text()
    assert not soup.select("#options")


def test_a_source_is_added_and_removed(client: FlaskClient, station: Station) -> None:
    answer = submit(client, "add-source-s0", "add", new__name="heatpump", new__pin="22")
    assert answer.location.endswith("done=added")
    until(lambda: "heatpump" in station.devices(), "the new source")
    answer = submit(client, "options", "remove:source:heatpump")
    assert answer.location.endswith("done=removed")
    until(lambda: "heatpump" not in station.devices(), "its end")


@pytest.mark.parametrize(
    ("name", "pin", "field", "sentence"),
    [
        ("main", "22", "new|name", "There is a main already."),
        ("a.b", "22", "new|name", "A name is letters, digits"),
        ("", "22", "new|name", "A name is letters, digits"),
        ("x]\n[web", "22", "new|name", "A name is letters, digits"),
        ("x", "", "new|pin", "'' is not a whole number."),
        ("x", "4", "new|pin", "Is in use by [source:main]"),
    ],
)
def test_a_source_that_cannot_be_added_is_told_beside_the_field(
    client: FlaskClient, station: Station, name: str, pin: str, field: str, sentence: str
) -> None:
    before = station.path.read_text()
    soup = page(submit(client, "add-source-s0", "add", new__name=name, new__pin=pin))
    assert message(soup, field).startswith(sentence)
    assert soup.select(f'details[open] [name="{field}"]')
    assert station.path.read_text() == before


def test_a_password_in_an_address_is_told_to_nobody(client: FlaskClient, station: Station) -> None:
    """Such an address is refused, but somebody may have written it into the file."""
    with station.path.open("a") as file:
        file.write("[source:far]\ntype = remote\nurl = http://me:geheim@10.0.0.1/state/x\n")
    soup = page(client.get("/config", environ_overrides=LAN))
    assert message(soup, "source:far|url").startswith("10.0.0.1/state/x is no address")
    for path in ("/config", "/api/v1/status"):
        assert "geheim" not in client.get(path, environ_overrides=LAN).get_data(as_text=True)


def test_a_second_meter_on_a_bus_is_added_with_the_dialog_alone(
    client: FlaskClient, station: Station
) -> None:
    """It cannot have the usual address; and a faster bus is as fast for all on it."""
    bus = {"new__port": "simulated-bus", "new__model": "sdm120"}
    answer = submit(
        client, "add-source-modbus", "add", new__name="one", **bus, new__unit="7", new__baud="19200"
    )
    assert answer.location.endswith("done=added")
    tried = submit(client, "add-source-modbus", "add", new__name="two", **bus, new__unit="7")
    assert message(page(tried), "new|unit").startswith("Is in use by [source:one]")
    assert message(page(tried), "new|baud").startswith("Is 9600, but [source:one]")
    added = fields(page(tried), "add-source-modbus") | {"new|unit": "8", "new|baud": "19200"}
    assert client.post("/config", data=added | {"action": "add"}).location.endswith("done=added")
    two = config.load(station.path).sources["two"]
    assert (two["unit"], two["baud"], two["parity"]) == (8, 19200, "N")


def test_what_was_wrong_with_an_addition_is_asked_beside_it(
    client: FlaskClient, station: Station
) -> None:
    adc = {"new__current_channels": "a:0", "new__voltage_channels": "a:1"}
    added = submit(client, "add-source-adc", "add", new__name="one", **adc)
    assert added.location.endswith("done=added")
    config.save(station.path, {"source:one": {"chip": "mcp3204"}})
    tried = page(
        submit(client, "add-source-adc", "add", new__name="two", new__current_channels="b:2")
    )
    assert message(tried, "new|chip").startswith("Is mcp3208, but [source:one]")
    again = fields(tried, "add-source-adc") | {"new|chip": "mcp3204", "action": "add"}
    assert client.post("/config", data=again).location.endswith("done=added")
    assert config.load(station.path).sources["two"]["chip"] == "mcp3204"


def test_contracts_and_switches_are_added_beside_a_sink_of_the_same_type(
    client: FlaskClient, station: Station
) -> None:
    rates = {"new__import_rate": "0,3", "new__from": "2026-01-01"}
    submit(client, "add-contract-electricity", "add", new__name="supplier", **rates)
    plug = {"new__host": "10.0.0.9", "new__command_topic": "cmnd/plug/POWER"}
    submit(client, "add-switch-mqtt", "add", new__name="boiler", **plug)
    submit(client, "add-sink-mqtt", "add", new__name="broker", new__host="10.0.0.9")
    saved = config.load(station.path)
    assert saved.contracts["supplier"]["import_rate"] == 0.3
    assert saved.contracts["supplier"]["from"] == date(2026, 1, 1)
    assert saved.switches["boiler"]["command_topic"] == "cmnd/plug/POWER"
    assert saved.sinks["broker"]["type"] == "mqtt"
    soup = page(client.get("/config"))
    day = soup.select_one('input[type="date"][name="contract:supplier|from"]')
    assert day is not None
    assert day["value"] == "2026-01-01"
    for section in ("switch:boiler", "contract:supplier"):
        assert submit(client, "options", f"remove:{section}").location.endswith("done=removed")


def test_a_type_that_is_none_is_refused(client: FlaskClient) -> None:
    token = fields(page(client.get("/config")), "add-source-s0")
    for kind in ("s0", "source.", "source.mysql", "web.", "", "cache.x"):
        answer = client.post("/config", data=token | {"new|type": kind, "action": "add"})
        assert answer.status_code == 400
        assert "There is no such type." in page(answer).get_text()


def test_devices_are_offered_where_one_is_asked_for(client: FlaskClient) -> None:
    soup = page(client.get("/config"))
    assert [option["value"] for option in soup.select("#devices option")] == ["main"]
    for role in ("grid", "solar", "battery", "car", "gas", "water"):
        assert soup.select(f'[name="house|{role}"][list="devices"]')


def test_a_secret_is_set_kept_and_removed_and_never_shown(
    client: FlaskClient, station: Station
) -> None:
    added = submit(
        client,
        "add-sink-push",
        "add",
        new__name="attic",
        new__device="main",
        new__url="http://x/state/y",
    )
    assert added.location.endswith("done=added")
    field = "sink:attic|token"

    def token() -> str:
        return str(config.load(station.path).sinks["attic"]["token"])

    sent = fields(page(client.get("/config")), "options")
    assert sent[field] == ""
    for typed, kept in (("geheim", "geheim"), ("", "geheim"), ("-", "")):
        client.post("/config", data=sent | {field: typed, "action": "save"})
        assert token() == kept
        assert "geheim" not in client.get("/config").get_data(as_text=True)
    submit(client, "options", "remove:sink:attic")
    assert config.load(station.path).sinks == {}


def test_a_correction_adds_the_difference(client: FlaskClient, station: Station) -> None:
    answer = submit(client, "correct-main", "correct:main", reading__main="1022,5")
    assert answer.location.endswith("done=corrected")
    until(
        lambda: (station.hub.snapshot().number("main", "energy_import") or 0) >= 1022.5,
        "the correction",
    )
    assert station.hub.snapshot().number("main", "energy_import") == pytest.approx(1022.5, abs=0.05)


def test_a_reading_that_is_no_number_is_told_beside_its_field(client: FlaskClient) -> None:
    soup = page(submit(client, "correct-main", "correct:main", reading__main="many"))
    assert message(soup, "reading|main") == "'many' is not a number."


def test_who_may_not_change_sees_it_and_why(client: FlaskClient) -> None:
    soup = page(client.get("/config", environ_overrides=LAN))
    assert soup.select("#options > fieldset[disabled]")
    assert "s0web passwd" in soup.get_text()
    assert not page(client.get("/config")).select("fieldset[disabled]")


def test_what_people_type_is_text_and_never_markup(client: FlaskClient, station: Station) -> None:
    title = "<script>\"&'"
    submit(client, "options", "save", web__title=title)
    until(lambda: station.config and station.config.sections["web"]["title"] == title, "the title")
    for path in ("/", "/history", "/config"):
        answer = client.get(path)
        assert title not in answer.get_data(as_text=True)
        assert title in page(answer).get_text()


def test_static_files_are_small_and_have_a_licence_where_they_are_not_ours() -> None:
    folder: Path = assets("static")
    vendored = sum(path.stat().st_size for path in (folder / "vendor").iterdir())
    own = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    assert vendored < 60_000
    assert own < 110_000
    assert "MIT" in (folder / "vendor" / "uPlot-LICENSE.txt").read_text()


# -- what goes over the wire -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/static/style.css", "/openapi.json", "/static/words/en.json"])
def test_files_and_documents_are_packed_for_who_asks(client: FlaskClient, path: str) -> None:
    with client.get(path, headers={"Accept-Encoding": "gzip, br"}) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["Vary"] == "Accept-Encoding"
        assert int(packed.headers["Content-Length"]) == len(packed.data)
        text = gzip.decompress(packed.data)
    for wish in ("", "identity", "gzip;q=0"):
        with client.get(path, headers={"Accept-Encoding": wish}) as plain:
            assert "Content-Encoding" not in plain.headers
            if path.startswith("/static"):
                assert plain.data == text


def test_a_packed_file_that_is_known_is_not_sent_again(client: FlaskClient) -> None:
    head = {"Accept-Encoding": "gzip"}
    with client.get("/static/style.css", headers=head) as first:
        known = first.headers["ETag"]
    with client.get("/static/style.css", headers=head | {"If-None-Match": known}) as again:
        assert again.status_code == 304
        assert again.data == b""


def test_pages_with_their_form_tokens_are_never_packed(client: FlaskClient) -> None:
    answer = client.get("/config", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    with client.get(
        "/static/style.css", headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"}
    ) as part:
        assert len(part.data) == 10

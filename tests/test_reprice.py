"""`s0web reprice`: what was booked, priced once more."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from s0web import config
from s0web.__main__ import main
from s0web.archive.glance import glance
from s0web.archive.place import archive_path
from s0web.archive.query import History
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.derived.ledger import Ledger, contracts_of
from s0web.energy.price_book import PriceBook
from s0web.model import Reading
from tests.conftest import until
from tests.served import under_waitress

BRUSSELS = ZoneInfo("Europe/Brussels")
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
START = datetime(2026, 2, 27, tzinfo=BRUSSELS)
INI = """\
[s0web]
simulate = yes
timezone = Europe/Brussels
[house]
grid = grid
[source:grid]
type = p1
port = simulated
[contract:home]
type = electricity
import_rate = 0.30
fixed_day = 0.96
"""


class House:
    """A state folder with five days of a meter, booked by the contract above."""

    def __init__(self, ini: Path) -> None:
        ini.write_text(INI)
        self.ini, self.path = ini, archive_path(config.load(ini))
        self.clock = clock = FakeClock(START.astimezone(UTC))
        archive = Archive(self.path, clock)
        archive.open()
        begin = clock.now()
        for number in range(5 * 96 + 1):
            kwh = {"energy_import": number / 4}
            archive.write([Reading("grid", begin + number * QUARTER, kwh, meter="old")])
        clock.advance(5 * 86_400)
        options = config.load(ini)
        ledger = Ledger(
            History(archive, BRUSSELS),
            contracts_of(options.contracts),
            options.sections["house"],
            BRUSSELS,
            PriceBook(),
            lambda _: {},
            1000 * options.sections["peak"]["floor"],
        )
        meter = ledger.meter("electricity")
        assert meter is not None
        archive.write(ledger.page("electricity", meter, begin, clock.now()).readings)
        archive.move("sink:central", archive.last)  # a database has all of it
        clock.advance(2 * 3600)
        archive.close()

    def agree(self, old: str, new: str) -> None:
        self.ini.write_text(self.ini.read_text().replace(old, new))

    def for_the_database(self) -> list[Reading]:
        """What of the log it has yet to write."""
        archive = Archive(self.path, FakeClock())
        archive.open()
        try:
            return archive.after(archive.cursor("sink:central") or 0).readings
        finally:
            archive.close()

    def days(self) -> list[float]:
        with glance(self.path) as view:
            rows = History(view, BRUSSELS).sums(
                "costs.electricity", "cost", "day", START, START + 5 * DAY
            )
            return [round(row.number, 4) for row in rows]


@pytest.fixture
def house(ini: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """What was booked long ago is no longer priced anew: the command has the clock of the house."""
    monkeypatch.setenv("S0WEB_INI", str(ini))
    made = House(ini)
    monkeypatch.setattr("s0web.cli.reprice.SystemClock", lambda: made.clock)
    return made


def test_a_dry_run_tells_the_sums_of_each_month_and_changes_nothing(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert house.days() == [pytest.approx(24 * 0.30 + 0.96)] * 5
    house.agree("0.30", "0.40")
    assert main(["reprice", "--from", "2026-02-28", "--to", "2026-03-01"]) == 0
    said = capsys.readouterr().out
    assert "electricity  2026-02      96 quarter-hours        8.16 EUR ->      10.56 EUR" in said
    assert "electricity  2026-03      96 quarter-hours        8.16 EUR ->      10.56 EUR" in said
    assert "Nothing is written yet" in said
    assert house.days() == [pytest.approx(24 * 0.30 + 0.96)] * 5


def test_what_is_written_is_these_days_alone_and_goes_to_every_sink(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.agree("0.30", "0.40")
    assert main(["reprice", "--from", "2026-02-28", "--to", "2026-03-01", "--write"]) == 0
    assert "It is booked in" in capsys.readouterr().out
    old, new = pytest.approx(24 * 0.30 + 0.96), pytest.approx(24 * 0.40 + 0.96)
    assert house.days() == [old, new, new, old, old]
    told = house.for_the_database()
    assert [reading.device for reading in told] == ["costs.electricity"] * 2 * 96
    assert told[0].time == START + DAY + QUARTER
    assert main(["reprice", "--from", "2026-02-01", "--write"]) == 0
    assert house.days() == [new] * 5
    assert main(["reprice", "--from", "2026-02-01"]) == 0
    assert "50.40 EUR ->" not in capsys.readouterr().out


def test_a_time_in_which_nothing_was_booked_is_a_sentence(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reprice", "--from", "2025-01-01", "--to", "2025-02-01"]) == 0
    assert "Nothing is booked in that time." in capsys.readouterr().out
    assert main(["reprice", "--from", "2014-01-01"]) == 2
    assert "can be priced anew" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["reprice", "--from", "yesterday"])
    assert "'yesterday' is not a day such as 2026-03-01" in capsys.readouterr().err
    house.ini.write_text(INI.partition("[contract")[0])
    assert main(["reprice", "--from", "2026-01-01"]) == 2
    assert "has no [contract:NAME]" in capsys.readouterr().err


def test_a_running_station_books_anew(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.agree("0.30", "0.40")
    house.agree("fixed_day", "to = 2026-03-03\nfixed_day")
    with house.ini.open("a") as file:
        file.write("[archive]\nkeep = 36500\n")  # the station has a clock of its own
    with under_waitress(house.ini) as (station, root):
        url = f"{root}/s0"
        assert main(["reprice", "--from", "2026-03-01", "--write", "--url", url]) == 0
        assert "books it so" in capsys.readouterr().out

        def days() -> list[float]:
            assert station.history is not None
            rows = station.history.sums("costs.electricity", "cost", "day", START, START + 5 * DAY)
            return [round(row.number, 4) for row in rows]

        old, new = pytest.approx(24 * 0.30 + 0.96), pytest.approx(24 * 0.40 + 0.96)
        until(lambda: days() == [old, old, new, new, new], "the new prices")
        assert main(["reprice", "--from", "2026-03-01", "--write"]) == 2
        assert "A station runs with" in capsys.readouterr().err

"""The source of costs: its wire is the archive, of which it prices every closed quarter-hour once.

It tells costs.electricity, costs.gas and costs.water, each quarter stamped at its end, and in the
labels of `costs` how far each carrier is. A changed contract prices only what comes; `reprice`
(value: from, seconds since 1970; reason: the end, ISO) books anew what is past.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from ..archive.query import History
from ..clock import Clock
from ..errors import SourceError
from ..inside import Inside
from ..model import Command, Options, Reading, Telling, Totals, Trouble
from . import anew
from .ledger import QUARTER, SILENCE, Ledger, contracts_of, floored
from .meters import REGISTERS, Meter

LOG = logging.getLogger(__name__)
IDLE, BUSY = 5.0, 0.5  # s between two pages
LOOK = timedelta(minutes=1)  # between two looks for a day-ahead price in the archive
ASK = timedelta(minutes=15)  # between two wishes for the same day-ahead prices


class Account:
    """How far the booking of one carrier is."""

    def __init__(self, carrier: str) -> None:
        self.carrier, self.device = carrier, f"costs.{carrier}"
        self.until: datetime | None = None  # where to go on; None: not looked yet
        self.anew: anew.Task | None = None  # what is priced once more
        self.missing: datetime | None = None  # the quarter whose day-ahead price is not known
        self.looked = self.asked = datetime.min.replace(tzinfo=UTC)


class CostSource:
    """contract: model.Source"""

    name = "source:costs"
    is_amid = False
    patience = math.inf

    def __init__(
        self, sections: Mapping[str, Options], inside: Inside, clock: Clock, totals: Totals
    ) -> None:
        ((device, options),) = sections.items()
        self.devices: Sequence[str] = (device,)
        self.interval = BUSY
        self._house: Options = options["house"]
        self._floor = 1000 * float(options["floor"])
        self._contracts = contracts_of(options["contracts"])
        self._inside, self._clock = inside, clock
        self._opened = clock.now()
        self._history: History | None = None
        self._ledger: Ledger | None = None
        carriers = dict.fromkeys(contract.carrier for contract in self._contracts)
        self._accounts = [Account(carrier) for carrier in carriers]

    def open(self) -> str:
        """SourceError while there is no archive."""
        self._require()
        self._opened = self._clock.now()
        return f"books {', '.join(account.carrier for account in self._accounts)}"

    def read(self) -> Sequence[Telling]:
        """One page of one carrier, where there is something to be booked."""
        ledger = self._require()
        told: list[Telling] = []
        if not self._inside.is_kept:
            self.interval = BUSY
            return told
        self.interval = IDLE
        for account in self._accounts:
            before = account.anew, account.until
            news = self._again(ledger, account) if account.anew else self._turn(ledger, account)
            told += news
            if (account.anew, account.until) != before:
                self.interval = BUSY
            if any(isinstance(one, Reading) for one in news):
                self._accounts.remove(account)  # the others come first the next time
                self._accounts.append(account)
                return [*told, self._progress()]
        return told

    def obey(self, command: Command) -> Sequence[Telling]:
        if command.verb != "reprice":
            raise ValueError(f"costs cannot {command.verb}")
        start = datetime.fromtimestamp(command.value, UTC)
        end = datetime.fromisoformat(command.reason)
        if end.tzinfo is None:
            raise ValueError(f"{command.reason} has no time zone")
        ledger = self._require()
        ledger.forget()
        for account in self._accounts:
            account.anew = anew.task(ledger, account.carrier, start, end)
        return ()

    def close(self) -> None:
        self._ledger = None

    def _require(self) -> Ledger:
        """The ledger of the archive as it is now."""
        history, inside = self._inside.history, self._inside
        if history is None:
            raise SourceError("the archive is not ready yet: what energy costs is booked later")
        if self._ledger is None or history is not self._history:
            if history is not self._history:
                for account in self._accounts:
                    account.until = None
            self._history = history
            self._ledger = Ledger(
                history,
                self._contracts,
                self._house,
                inside.zone,
                inside.book,
                lambda device: inside.snapshot().labels.get(device, {}),
                self._floor,
            )
        return self._ledger

    def _again(self, ledger: Ledger, account: Account) -> list[Telling]:
        """Go on with what is priced once more."""
        assert account.anew is not None
        page, account.anew = anew.step(ledger, account.anew)
        return [*page.readings]

    def _turn(self, ledger: Ledger, account: Account) -> list[Telling]:
        """Go on with a carrier."""
        device = ledger.devices[account.carrier]
        if not device:
            return [_without_meter(account)]
        if not self._is_due(device, account):
            return []
        meter = ledger.meter(account.carrier, account.until)
        if meter is None:
            return []  # it has told nothing yet
        if account.until is None:
            account.until = self._begin(ledger, account, meter)
            meter = ledger.meter(account.carrier, account.until) or meter
        page = ledger.page(account.carrier, meter, account.until, self._closed(meter))
        account.until, account.missing = page.until, page.missing
        account.looked = self._clock.now()
        told: list[Telling] = [*page.readings]
        if page.missing is not None:
            told.append(self._ask(account, page.missing))
        elif page.uncovered and page.until == page.uncovered[-1] + QUARTER:
            told.append(
                _without_contract(account, page.uncovered[-1].astimezone(self._inside.zone))
            )
        return told

    def _begin(self, ledger: Ledger, account: Account, meter: Meter) -> datetime:
        """Where the booking ended, by the archive or by what was told a moment ago."""
        booked = ledger.booked(account.carrier)
        if booked is None:
            return ledger.begin(account.carrier, meter)
        told = self._inside.snapshot().get(account.device, "cost")
        return max(booked[1], told.time) if told else booked[1]

    def _is_due(self, device: str, account: Account) -> bool:
        """Whether another quarter may have closed; spares the archive a question."""
        now, until, missing = self._clock.now(), account.until, account.missing
        if missing is not None and self._inside.book.at(missing) is None:
            return now >= account.looked + LOOK
        if until is None or now >= until + QUARTER + SILENCE:
            return True
        values = self._inside.snapshot().values.get(device, {})
        registers = REGISTERS[account.carrier]
        return any(q in registers and v.time >= until + QUARTER for q, v in values.items())

    def _closed(self, meter: Meter) -> datetime:
        """Up to there nothing more will be told: the meter has spoken later, or is silent though it
        is well.
        """
        now, last = self._clock.now(), meter.last
        if now - max(last, self._opened) > SILENCE and self._is_well(meter.device):
            last = now - SILENCE
        return floored(min(now, last))

    def _is_well(self, device: str) -> bool:
        health = self._inside.snapshot().health
        names = (device, device.partition(".")[0])
        return not any(
            name in health and health[name].state in ("failed", "stale") for name in names
        )

    def _ask(self, account: Account, quarter: datetime) -> Trouble:
        """Have the day-ahead prices of a day fetched that are missing."""
        now, local = self._clock.now(), quarter.astimezone(self._inside.zone)
        if now >= account.asked + ASK:
            account.asked = now
            day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
            self._inside.tell(Command("prices", "fetch", day.timestamp(), "costs need them"))
        return Trouble(
            account.device,
            "price",
            f"the day-ahead price of {local:%Y-%m-%d %H:%M} is not known: booking waits for it",
            "It goes on by itself; how the prices are is told under prices.",
        )

    def _progress(self) -> Reading:
        labels = {
            account.carrier: f"booked up to {local:%Y-%m-%d %H:%M}"
            for account in self._accounts
            if account.until is not None and (local := account.until.astimezone(self._inside.zone))
        }
        return Reading(self.devices[0], self._clock.now(), {}, labels)


def _without_meter(account: Account) -> Trouble:
    option = "grid" if account.carrier == "electricity" else f"{account.carrier}, or grid,"
    text = f"there is a contract for {account.carrier}, but no device that measures it"
    return Trouble(account.device, "no_meter", text, f"Name it with {option} in [house].")


def _without_contract(account: Account, local: datetime) -> Trouble:
    text = f"no contract for {account.carrier} is in force on {local:%Y-%m-%d}: nothing is booked"
    remedy = "Correct the days of a [contract:NAME], or add one."
    return Trouble(account.device, "no_contract", text, remedy)

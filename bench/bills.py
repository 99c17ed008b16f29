"""Bills that are worked out by hand (bench/invoices.py), and the same by s0web: how many agree to
the cent.

    python -m bench.bills
"""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.invoices import INVOICES, Invoice
from s0web import config
from s0web.energy import capacity, contract, rates
from s0web.energy.contract import Contract

ZONE = ZoneInfo("Europe/Brussels")
QUARTER = timedelta(minutes=15)
FLOOR = 2500.0  # W


def quarters(month: date) -> Iterator[datetime]:
    """The begins of a local month's quarter-hours, UTC."""
    following = (month + timedelta(days=31)).replace(day=1)
    start, end = (
        datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC)
        for day in (month, following)
    )
    while start < end:
        yield start
        start += QUARTER


def bill(invoice: Invoice) -> dict[str, str]:
    """The lines of the invoice that are asked for."""
    made = config.parse(Path("bills.ini"), f"[s0web]\n{invoice.contracts}").contracts
    agreed = [contract.of(name, options) for name, options in made.items()]
    sums = dict.fromkeys(("import", "high", "low", "export", "volume", "fixed", "capacity"), 0.0)
    kwh = 0.0
    last: Contract | None = None
    for start in quarters(invoice.month):
        local = start.astimezone(ZONE)
        use, last = invoice.use(local), contract.in_force(agreed, agreed[0].carrier, local.date())
        assert last is not None, local
        rate = rates.rate(last, start, ZONE, use.spot, use.tariff)
        assert rate is not None, local
        sums["import"] += use.imported * rate.imported
        if rate.tariff in ("high", "low"):
            sums[rate.tariff] += use.imported * rate.imported
        sums["export"] -= use.exported * rate.exported
        sums["volume"] += use.volume * rate.volume
        sums["fixed"] += rates.fixed(last, start, ZONE)
        kwh += use.imported
    if last is not None and invoice.peaks:
        network = kwh * rates.network(last)
        sums["capacity"] = capacity.month_cost(
            last, invoice.peaks, FLOOR, invoice.month, kwh, network
        )
    parts = ("import", "export", "volume", "fixed", "capacity")
    sums["total"] = sum(sums[part] for part in parts)
    return {line: f"{sums[line]:.2f}" for line in invoice.lines}


def main() -> int:
    right = 0
    for invoice in INVOICES:
        made = bill(invoice)
        right += made == invoice.lines
        told = ", ".join(f"{line} {amount}" for line, amount in made.items())
        print(f"{'ok ' if made == invoice.lines else 'NOT'} {invoice.name}: {told}")
        if made != invoice.lines:
            print(f"    by hand: {invoice.lines}")
    print(f"bills value: {right} of {len(INVOICES)} to the cent")
    return int(right < len(INVOICES))


if __name__ == "__main__":
    sys.exit(main())

"""What contracts and prices can get wrong together: two at once, rates in cents, a price that
nobody tells.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from ipaddress import ip_address
from urllib.parse import urlsplit

from .energy.bands import hours
from .energy.contract import CARRIERS
from .energy.zones import ZONES
from .errors import Problem
from .model import Options

Sections = Mapping[str, Options]
CENTS = 3.0  # EUR/kWh; nobody pays so much
PER_KWH = ("import_rate", "import_rate_low", "export_rate", "export_rate_low", "spot_offset",
           "export_spot_offset", "network", "taxes", "rate_kwh", "capacity_cap")  # fmt: skip
FORMULA = 0.3  # a smaller spot_factor is one of cents by EUR/MWh


def contracts(sections: Sections) -> Iterator[Problem]:
    """Every such mistake in sections whose options are right each by itself."""
    there = {n: of for n, of in sections.items() if n.startswith("contract:")}
    for name, options in there.items():
        yield from _alone(name, options, sections["prices"])
    for carrier in CARRIERS:
        yield from _in_turn({n: of for n, of in there.items() if of["type"] == carrier})
    yield from _prices(sections["prices"])


def _alone(name: str, options: Options, prices: Options) -> Iterator[Problem]:
    first, last = options["from"], options["to"]
    if first and last and last < first:
        yield Problem(name, "to", f"{last} is before from, {first}.")
    for option in PER_KWH:
        if abs(number := options.get(option, 0.0)) > CENTS:
            text = f"{number:g} EUR/kWh looks like cents: write {number / 100:g}."
            yield Problem(name, option, text)
    if options["type"] != "electricity":
        return
    try:
        hours(options["night"])
    except ValueError as error:
        yield Problem(name, "night", f"{error}.")
    cap, network = options["capacity_cap"], options["network"] * (1 + options["vat"] / 100)
    if 0 < cap < network:
        text = f"{cap:g} EUR/kWh is less than the network alone costs, {network:g} with VAT."
        yield Problem(name, "capacity_cap", text)
    if options["tariff"] == "dynamic":
        yield from _dynamic(name, options, prices)


def _dynamic(name: str, options: Options, prices: Options) -> Iterator[Problem]:
    if prices["provider"] == "none":
        text = "dynamic needs the day-ahead prices: set provider in [prices]."
        yield Problem(name, "tariff", text)
    factor = options["spot_factor"]
    if 0 < factor < FORMULA:
        text = f"{factor:g} looks like cents by EUR/MWh: in EUR/kWh it is {10 * factor:g}."
        yield Problem(name, "spot_factor", text)


def _in_turn(there: Sections) -> Iterator[Problem]:
    """One after the other; of a time between them the costs say that they know no rate."""
    ordered = sorted(there.items(), key=lambda item: item[1]["from"] or date.min)
    last: date | None = None
    before = ""
    for name, options in ordered:
        first = options["from"]
        if before and (last is None or first is None or first <= last):
            what = "give that a last day (option to)" if first else "say when this one begins"
            text = f"[{before}] is in force then, too: {what}."
            yield Problem(name, "from", text)
        before, last = name, options["to"]


def _prices(prices: Options) -> Iterator[Problem]:
    if prices["provider"] == "entsoe":
        if not prices["token"]:
            yield Problem("prices", "token", "entsoe needs one; or take energy-charts, without.")
        if prices["zone"] not in ZONES:
            text = f"'{prices['zone'][:20]}' is none of {', '.join(ZONES)}."
            yield Problem("prices", "zone", text)
    for option in ("entsoe_url", "energy_charts_url"):
        if not _is_address(str(prices[option])):
            text = "is no address such as https://web-api.tp.entsoe.eu/api (http: on this machine)."
            yield Problem("prices", option, text)


def _is_address(url: str) -> bool:
    """Of a server on the internet; without encryption on this machine alone: a token goes there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or port == 0 or "@" in parts.netloc or parts.query or not url.isascii():
        return False
    return " " not in url and (parts.scheme == "https" or (parts.scheme == "http" and _here(host)))


def _here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

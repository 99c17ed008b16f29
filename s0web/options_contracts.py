"""The options of contracts: the part of the OPTIONS table that says what energy costs."""

from .option import Option
from .options_house import AREAS

SCOPES = {
    "contract.electricity": "What electricity costs",
    "contract.gas": "What gas costs",
    "contract.water": "What water costs",
}
_DATES = (
    Option("from", "date", "", "First day on which it is in force, 2026-01-01; empty: from ever."),
    Option("to", "date", "", "Last day; empty: until further notice."),
)
_FEES = (
    Option("vat", "number", "0", "VAT that comes on top of rates and fees; 0: it is in them. What export brings, and the "
           "capacity tariff, are taken as they are.", "%", 0, 100),
    Option("fixed_day", "number", "0", "Fixed fee.", "EUR/day", -1000, 1000),
    Option("fixed_month", "number", "0", "Fixed fee.", "EUR/month", -1000, 10_000),
    Option("fixed_year", "number", "0", "Fixed fee.", "EUR/year", -1000, 100_000),
)  # fmt: skip
OPTIONS: dict[str, tuple[Option, ...]] = {
    "contract.electricity": (
        *_DATES,
        Option("tariff", "choice", "single", "One rate, day and night, or the day-ahead price.",
               choices=("single", "day_night", "dynamic")),
        Option("bands", "choice", "meter", "What tells day from night: the meter's registers, or the clock (night, weekends, "
               "Belgian holidays).", choices=("meter", "clock")),
        Option("night", "text", "22:00-07:00", "Night hours, for bands = clock, and where the meter tells no tariff."),
        Option("import_rate", "number", "0", "Energy from the grid; with day_night by day.", "EUR/kWh", -10, 10),
        Option("import_rate_low", "number", "0", "The same at night.", "EUR/kWh", -10, 10),
        Option("export_rate", "number", "0", "What is paid for energy given to the grid; with day_night by day.", "EUR/kWh",
               -10, 10),
        Option("export_rate_low", "number", "0", "The same at night.", "EUR/kWh", -10, 10),
        Option("spot_factor", "number", "1", "dynamic: import costs spot_offset + spot_factor x day-ahead price.", "", -10, 10),
        Option("spot_offset", "number", "0", "See spot_factor.", "EUR/kWh", -10, 10),
        Option("export_spot_factor", "number", "1", "dynamic: export brings export_spot_offset + export_spot_factor x "
               "day-ahead price.", "", -10, 10),
        Option("export_spot_offset", "number", "0", "See export_spot_factor.", "EUR/kWh", -10, 10),
        Option("network", "number", "0", "Network cost of a kWh from the grid.", "EUR/kWh", -10, 10),
        Option("taxes", "number", "0", "Taxes and levies on a kWh from the grid.", "EUR/kWh", -10, 10),
        *_FEES,
        Option("area", "choice", "", "Grid area in Flanders, for its capacity tariff; empty: none, or capacity_rate says it.",
               choices=("", *AREAS)),
        Option("capacity_rate", "number", "0", "Capacity tariff with VAT; 0: as in the area.", "EUR/kW/year", 0, 1000, advanced=True),
        Option("capacity_cap", "number", "0", "Capacity and network together cost at most so much for a kWh from the grid, "
               "with VAT; 0: no cap.", "EUR/kWh", 0, 10, advanced=True),
    ),
    "contract.gas": (
        *_DATES,
        Option("rate", "number", "0", "Price of a m3 of gas.", "EUR/m3", -10, 100),
        Option("rate_kwh", "number", "0", "Or of a kWh of gas.", "EUR/kWh", -10, 10),
        Option("kwh_per_m3", "number", "11.5", "Energy of a m3 of gas.", "kWh/m3", 1, 20),
        Option("taxes", "number", "0", "Network, taxes and levies on a kWh of gas.", "EUR/kWh", -10, 10),
        *_FEES,
    ),
    "contract.water": (
        *_DATES,
        Option("rate", "number", "0", "Price of a m3 of water, all included.", "EUR/m3", -10, 100),
        *_FEES,
    ),
}  # fmt: skip

"""The options of what is derived: the part of the OPTIONS table that says what the devices are in
the house, and what is made of what they tell.
"""

from .option import Option

AREAS = ("antwerpen", "halle-vilvoorde", "imewo", "kempen", "limburg", "midden-vlaanderen", "west", "zenne-dijle")  # fmt: skip

SCOPES = {
    "house": "What is what in the house",
    "peak": "The quarter-hour peak",
    "prices": "Day-ahead prices",
    "telegram": "Telegram bot",
    "daily": "A file of usage and cost for each day",
}
OPTIONS: dict[str, tuple[Option, ...]] = {
    "house": (
        Option("grid", "device", "", "The device at the grid connection, such as grid. Costs, the peak and switching by export "
               "need it."),
        Option("solar", "devices", "", "Devices that measure solar panels: solar, solar2."),
        Option("battery", "device", "", "The device that measures the home battery."),
        Option("car", "device", "", "The device that measures the car's charger."),
        Option("gas", "device", "", "The gas meter; empty: that of the grid meter (grid.gas), where it has one."),
        Option("water", "device", "", "The water meter; empty: that of the grid meter (grid.water), where it has one."),
    ),
    "peak": (
        Option("enabled", "yesno", "yes", "Follow the running quarter-hour of the grid connection."),
        Option("floor", "number", "2.5", "A month's peak is billed as at least so much.", "kW", 0, 100),
        Option("area", "choice", "", "Grid area in Flanders, for what a kW costs; empty: outside, or capacity_rate says it.",
               choices=("", *AREAS)),
        Option("capacity_rate", "number", "0", "What one kW of the yearly mean costs; 0: as in the area.", "EUR/kW/year", 0,
               1000),
        Option("limit", "number", "0", "What gap and alarm go by; 0: the month's peak so far, at least the floor.", "kW", 0, 100,
               advanced=True),
    ),
    "prices": (
        Option("provider", "choice", "none", "Who tells the day-ahead prices; entsoe needs a token, and energy-charts is asked "
               "where it does not answer.", choices=("none", "entsoe", "energy-charts", "simulated")),
        Option("zone", "text", "BE", "Bidding zone: BE, NL, DE-LU, FR ... see docs/contracts.md."),
        Option("token", "secret", "", "Your security token of the ENTSO-E transparency platform."),
        Option("entsoe_url", "text", "https://web-api.tp.entsoe.eu/api", "Address of ENTSO-E's API.", advanced=True),
        Option("energy_charts_url", "text", "https://api.energy-charts.info/price", "Address of energy-charts' API.",
               advanced=True),
    ),
    "telegram": (
        Option("token", "secret", "", "Token of your bot, from @BotFather; empty: no bot."),
        Option("chats", "text", "", "Chat ids that may talk to it: 12345678, -987654321. Others get no answer."),
        Option("alarms", "yesno", "yes", "Tell of a peak that will be exceeded, and of what failed and healed."),
        Option("summary", "choice", "daily", "When to tell what was used and what it cost.",
               choices=("never", "daily", "monthly", "both")),
        Option("api_url", "text", "https://api.telegram.org", "Address of the Bot API.", advanced=True),
    ),
    "daily": (
        Option("folder", "text", "", "Folder that gets MM-DD_data.json after each day, as digital_meter wrote it; it keeps a year. "
               "Empty: none."),
        Option("log", "yesno", "no", "The day's messages too, as MM-DD_log_info.log; needs target = file in [log]."),
    ),
}  # fmt: skip

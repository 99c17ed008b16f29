"""The options of switches: the part of the OPTIONS table that says what is switched, and when."""

from .option import Option

SCOPES = {
    "switch.gpio": "A relay on a GPIO pin",
    "switch.shelly": "A Shelly plug or relay",
    "switch.tasmota": "A Tasmota plug or relay over HTTP",
    "switch.http": "Anything that is switched by a web address",
    "switch.mqtt": "A plug that is switched over MQTT",
    "switch.simulated": "A load of the simulated house",
}
_RULE = (
    Option("power", "number", "1000", "What the load takes when it is on.", "W", 1, 100_000),
    Option("rule", "choice", "manual", "What switches it: only people, energy given to the grid, taken from it, the price, the "
           "quarter-hour peak, or the clock.", choices=("manual", "export", "import", "price", "peak", "clock")),
    Option("on", "threshold", "100%", "Threshold to switch it on, W or % of its power: export: so much is exported; import: no "
           "more is imported; peak: so much is free below the peak; price: EUR/kWh or less."),
    Option("off", "threshold", "0", "Threshold to switch it off: export: less than this is exported (-500: more than 500 W "
           "imported); import: more is imported; peak: less is free; price: more EUR/kWh."),
    Option("hold_on", "number", "20", "So long the threshold must be reached before it is switched on.", "s", 0, 86_400),
    Option("hold_off", "number", "90", "The same before it is switched off; export, import: so long where a quarter of its power "
           "is missing, sooner where more is, later where less is.", "s", 0, 86_400),
    Option("minimum_on", "number", "60", "It stays on at least so long; a compressor wants 600.", "s", 0, 86_400),
    Option("minimum_off", "number", "120", "It stays off at least so long; a compressor wants 600.", "s", 0, 86_400),
    Option("daily_minimum", "number", "0", "It runs at least so long each day: in the cheapest hours left, or at the day's end.", "min", 0, 1440, advanced=True),
    Option("daily_maximum", "number", "1440", "It runs at most so long each day.", "min", 0, 1440, advanced=True),
    Option("hours", "text", "", "When the rule may have it on (clock: when it is on): 22:00-06:00, 12:00-14:00; empty: always.", advanced=True),
    Option("priority", "integer", "10", "The lowest number is switched on first and off last.", "", 0, 1000, advanced=True),
    Option("safe", "choice", "off", "State when s0web stops, or the meter is silent.", choices=("off", "on", "keep"),
           advanced=True),
)  # fmt: skip
OPTIONS: dict[str, tuple[Option, ...]] = {
    "switch.gpio": (
        Option("pin", "integer", None, "GPIO number of the relay's input.", "", 0, 511),
        Option("numbering", "choice", "bcm", "How pins are numbered.", choices=("bcm", "board")),
        Option("chip", "text", "", "GPIO chip, as for a pulse counter; empty: a Raspberry Pi's is found.", advanced=True),
        Option("active_low", "yesno", "no", "The relay is on when the pin is low."),
        *_RULE,
    ),
    "switch.shelly": (
        Option("host", "text", None, "Name or address of the plug."),
        Option("channel", "integer", "0", "Its relay, where it has several.", "", 0, 7),
        Option("user", "text", "", "User name, where it asks for one.", advanced=True),
        Option("password", "secret", "", "Password, where it asks for one.", advanced=True),
        *_RULE,
    ),
    "switch.tasmota": (
        Option("host", "text", None, "Name or address of the plug."),
        Option("channel", "integer", "1", "Its relay, where it has several.", "", 1, 8),
        Option("user", "text", "", "User name, where it asks for one.", advanced=True),
        Option("password", "secret", "", "Password, where it asks for one.", advanced=True),
        *_RULE,
    ),
    "switch.http": (
        Option("on_url", "text", None, "Address that switches it on."),
        Option("off_url", "text", None, "Address that switches it off."),
        *_RULE,
    ),
    "switch.mqtt": (
        Option("host", "text", None, "Name or address of the broker."),
        Option("port", "integer", "1883", "Its port.", "", 1, 65_535, advanced=True),
        Option("user", "text", "", "User name at the broker.", advanced=True),
        Option("password", "secret", "", "The user's password.", advanced=True),
        Option("command_topic", "text", None, "Topic that switches it: cmnd/plug/POWER."),
        Option("state_topic", "text", "", "Topic on which it tells its state: stat/plug/POWER."),
        Option("on_payload", "text", "ON", "What switches it on.", advanced=True),
        Option("off_payload", "text", "OFF", "What switches it off.", advanced=True),
        *_RULE,
    ),
    "switch.simulated": _RULE,
}  # fmt: skip

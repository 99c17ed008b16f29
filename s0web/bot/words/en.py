"""English."""

WORDS = {
    "help": (
        "I tell of the energy of this house.\n"
        "/status how everything is\n"
        "/today what was used today\n"
        "/peak the quarter-hour peak\n"
        "/costs what it costs\n"
        "/prices day-ahead prices\n"
        "/switches what is switched on, and why\n"
        "/switch NAME on|off|auto [minutes]\n"
        "/fast [device] read Modbus meters often for a while\n"
        "/mute [hours] no alarms in this chat, /unmute"
    ),
    "unknown": "I do not know that. /help tells what I know.",
    "private": "Not in this chat: its id is not in the settings. Ask me in your own chat.",
    "now": "Now: {power}",
    "device": "{name}: {power}",
    "well": "All is well.",
    "troubles": "<b>Not well:</b>",
    "trouble": "{name}: {text}",
    "today": "<b>Today</b>",
    "import": "From the grid: {energy}",
    "export": "To the grid: {energy}",
    "solar": "Solar: {energy}",
    "gas": "Gas: {volume} m³",
    "water": "Water: {volume} m³",
    "cost": "Cost: {cost}",
    "nothing": "Nothing is known of that yet.",
    "away": "That cannot be told: {why}",
    "quarter": "Quarter-hour until {end}: {demand} so far, {forecast} expected.",
    "month_peak": "Peak of the month: {peak}",
    "month_peak_at": "Peak of the month: {peak} ({time})",
    "gap": "Room below {limit}: {gap}",
    "over": "Over {limit} by {gap}",
    "capacity": "Capacity tariff: {cost} a year at a mean of {mean}.",
    "costs": "<b>Costs</b>",
    "costs_day": "Today: {cost}",
    "costs_month": "This month: {cost}",
    "costs_year": "This year: {cost}",
    "electricity_part": "electricity {cost}",
    "gas_part": "gas {cost}",
    "water_part": "water {cost}",
    "rate_now": "A kWh from the grid: {rate} EUR now.",
    "prices": "<b>Day-ahead prices</b>",
    "spot_now": "Now: {price} EUR/MWh",
    "cheapest": "Cheapest to come:",
    "price": "{start} to {end}: {price} EUR/MWh",
    "no_prices": "No prices are known now.",
    "fast": "Read often for a while: {names}",
    "no_fast": "There is no such Modbus meter.",
    "no_switches": "There are no switches.",
    "on": "on",
    "off": "off",
    "switch": "<b>{name}</b>: {state}",
    "switch_unknown": "<b>{name}</b>: not known",
    "reason": "  {reason}",
    "by_hand": "  by hand",
    "by_hand_until": "  by hand until {until}",
    "ran": "  ran {time} today",
    "switch_how": "Like this: /switch NAME on|off|auto [minutes]. There are: {names}",
    "switch_on": "{name} is switched on.",
    "switch_off": "{name} is switched off.",
    "switch_on_for": "{name} is switched on for {minutes} min.",
    "switch_off_for": "{name} is switched off for {minutes} min.",
    "switch_auto": "{name} follows its rule again.",
    "mute_how": "Like this: /mute 8, for 8 hours; at most 720.",
    "muted": "No alarms here until {until}. /unmute ends that.",
    "unmuted": "Alarms are told here again.",
    "will_exceed": (
        "⚠ <b>Peak:</b> the quarter-hour until {end} will come to {forecast}, more than {limit}."
    ),
    "has_exceeded": (
        "⚠ <b>Peak:</b> the quarter-hour until {end} has exceeded {limit}: {demand} by now."
    ),
    "take_off": "Take off {power} until then. Is on: {loads}",
    "take_off_some": "Take off {power} until then.",
    "would_cost": "Costs about {cost} more in the next 12 months.",
    "failed": "⚠ <b>{name}</b> has failed: {text}",
    "silent": "⚠ <b>{name}</b> tells nothing: {text}",
    "healed": "✓ <b>{name}</b> is well again, after {time}.",
    "meter": "⚠ <b>{name}</b>: the meter is another one. Before {old}, now {new}.",
    "summary": "<b>{when}</b>",
}

"""Deutsch."""

WORDS = {
    "help": (
        "Ich erzähle von der Energie dieses Hauses.\n"
        "/status wie es allem geht\n"
        "/today was heute verbraucht wurde\n"
        "/peak die Viertelstundenspitze\n"
        "/costs was es kostet\n"
        "/prices Day-Ahead-Preise\n"
        "/switches was eingeschaltet ist, und warum\n"
        "/switch NAME on|off|auto [Minuten]\n"
        "/fast [Gerät] Modbus-Zähler eine Weile oft lesen (/schnelles_messintervall)\n"
        "/mute [Stunden] keine Alarme in diesem Chat, /unmute"
    ),
    "unknown": "Das kenne ich nicht. /help sagt, was ich kenne.",
    "private": "Nicht in diesem Chat: er steht nicht in den Einstellungen. Frag im eigenen Chat.",
    "now": "Jetzt: {power}",
    "device": "{name}: {power}",
    "well": "Alles ist in Ordnung.",
    "troubles": "<b>Nicht in Ordnung:</b>",
    "trouble": "{name}: {text}",
    "today": "<b>Heute</b>",
    "import": "Aus dem Netz: {energy}",
    "export": "Ins Netz: {energy}",
    "solar": "Solar: {energy}",
    "gas": "Gas: {volume} m³",
    "water": "Wasser: {volume} m³",
    "cost": "Kosten: {cost}",
    "nothing": "Davon ist noch nichts bekannt.",
    "away": "Das kann ich jetzt nicht sagen: {why}",
    "quarter": "Viertelstunde bis {end}: bisher {demand}, erwartet {forecast}.",
    "month_peak": "Spitze des Monats: {peak}",
    "month_peak_at": "Spitze des Monats: {peak} ({time})",
    "gap": "Platz unter {limit}: {gap}",
    "over": "{gap} über {limit}",
    "capacity": "Kapazitätstarif: {cost} im Jahr bei im Mittel {mean}.",
    "costs": "<b>Kosten</b>",
    "costs_day": "Heute: {cost}",
    "costs_month": "Dieser Monat: {cost}",
    "costs_year": "Dieses Jahr: {cost}",
    "electricity_part": "Strom {cost}",
    "gas_part": "Gas {cost}",
    "water_part": "Wasser {cost}",
    "rate_now": "Eine kWh aus dem Netz kostet jetzt {rate} EUR.",
    "prices": "<b>Day-Ahead-Preise</b>",
    "spot_now": "Jetzt: {price} EUR/MWh",
    "cheapest": "Am billigsten, was noch kommt:",
    "price": "{start} bis {end}: {price} EUR/MWh",
    "no_prices": "Zur Zeit sind keine Preise bekannt.",
    "fast": "Eine Weile oft gelesen: {names}",
    "no_fast": "Einen solchen Modbus-Zähler gibt es nicht.",
    "no_switches": "Es gibt keine Schalter.",
    "on": "an",
    "off": "aus",
    "switch": "<b>{name}</b>: {state}",
    "switch_unknown": "<b>{name}</b>: nicht bekannt",
    "reason": "  {reason}",
    "by_hand": "  von Hand",
    "by_hand_until": "  von Hand bis {until}",
    "ran": "  lief heute {time}",
    "switch_how": "So: /switch NAME on|off|auto [Minuten]. Es gibt: {names}",
    "switch_on": "{name} wird eingeschaltet.",
    "switch_off": "{name} wird ausgeschaltet.",
    "switch_on_for": "{name} wird für {minutes} min eingeschaltet.",
    "switch_off_for": "{name} wird für {minutes} min ausgeschaltet.",
    "switch_auto": "{name} folgt wieder seiner Regel.",
    "mute_how": "So: /mute 8, für 8 Stunden; höchstens 720.",
    "muted": "Hier keine Alarme bis {until}. /unmute beendet das.",
    "unmuted": "Alarme kommen hier wieder.",
    "will_exceed": (
        "⚠ <b>Spitze:</b> die Viertelstunde bis {end} kommt auf {forecast}, mehr als {limit}."
    ),
    "has_exceeded": (
        "⚠ <b>Spitze:</b> die Viertelstunde bis {end} ist über {limit}: schon {demand}."
    ),
    "take_off": "Bis dahin {power} wegnehmen. An ist: {loads}",
    "take_off_some": "Bis dahin {power} wegnehmen.",
    "would_cost": "Kostet etwa {cost} mehr in den nächsten 12 Monaten.",
    "failed": "⚠ <b>{name}</b> ist ausgefallen: {text}",
    "silent": "⚠ <b>{name}</b> sagt nichts: {text}",
    "healed": "✓ <b>{name}</b> ist wieder in Ordnung, nach {time}.",
    "meter": "⚠ <b>{name}</b>: es ist ein anderer Zähler. Vorher {old}, jetzt {new}.",
    "summary": "<b>{when}</b>",
}

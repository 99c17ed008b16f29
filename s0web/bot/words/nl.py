"""Nederlands."""

WORDS = {
    "help": (
        "Ik vertel over de energie van dit huis.\n"
        "/status hoe het met alles gaat\n"
        "/today wat er vandaag verbruikt is\n"
        "/peak de kwartierpiek\n"
        "/costs wat het kost\n"
        "/prices day-aheadprijzen\n"
        "/switches wat er aanstaat, en waarom\n"
        "/switch NAAM on|off|auto [minuten]\n"
        "/fast [toestel] Modbus-meters een tijdje vaak lezen\n"
        "/mute [uren] geen alarmen in deze chat, /unmute"
    ),
    "unknown": "Dat ken ik niet. /help zegt wat ik ken.",
    "private": "Niet in deze chat: die staat niet in de instellingen. Vraag het in uw eigen chat.",
    "now": "Nu: {power}",
    "device": "{name}: {power}",
    "well": "Alles gaat goed.",
    "troubles": "<b>Niet in orde:</b>",
    "trouble": "{name}: {text}",
    "today": "<b>Vandaag</b>",
    "import": "Van het net: {energy}",
    "export": "Naar het net: {energy}",
    "solar": "Zon: {energy}",
    "gas": "Gas: {volume} m³",
    "water": "Water: {volume} m³",
    "cost": "Kosten: {cost}",
    "nothing": "Daarover is nog niets bekend.",
    "away": "Dat kan ik nu niet zeggen: {why}",
    "quarter": "Kwartier tot {end}: {demand} tot nu, {forecast} verwacht.",
    "month_peak": "Maandpiek: {peak}",
    "month_peak_at": "Maandpiek: {peak} ({time})",
    "gap": "Ruimte onder {limit}: {gap}",
    "over": "{gap} boven {limit}",
    "capacity": "Capaciteitstarief: {cost} per jaar bij gemiddeld {mean}.",
    "costs": "<b>Kosten</b>",
    "costs_day": "Vandaag: {cost}",
    "costs_month": "Deze maand: {cost}",
    "costs_year": "Dit jaar: {cost}",
    "electricity_part": "elektriciteit {cost}",
    "gas_part": "gas {cost}",
    "water_part": "water {cost}",
    "rate_now": "Een kWh van het net kost nu {rate} EUR.",
    "prices": "<b>Day-aheadprijzen</b>",
    "spot_now": "Nu: {price} EUR/MWh",
    "cheapest": "Goedkoopste die komen:",
    "price": "{start} tot {end}: {price} EUR/MWh",
    "no_prices": "Er zijn nu geen prijzen bekend.",
    "fast": "Een tijdje vaak gelezen: {names}",
    "no_fast": "Zo'n Modbus-meter is er niet.",
    "no_switches": "Er zijn geen schakelaars.",
    "on": "aan",
    "off": "uit",
    "switch": "<b>{name}</b>: {state}",
    "switch_unknown": "<b>{name}</b>: niet bekend",
    "reason": "  {reason}",
    "by_hand": "  met de hand",
    "by_hand_until": "  met de hand tot {until}",
    "ran": "  liep vandaag {time}",
    "switch_how": "Zo: /switch NAAM on|off|auto [minuten]. Er zijn: {names}",
    "switch_on": "{name} wordt aangezet.",
    "switch_off": "{name} wordt uitgezet.",
    "switch_on_for": "{name} wordt {minutes} min aangezet.",
    "switch_off_for": "{name} wordt {minutes} min uitgezet.",
    "switch_auto": "{name} volgt weer zijn regel.",
    "mute_how": "Zo: /mute 8, voor 8 uur; hoogstens 720.",
    "muted": "Hier geen alarmen tot {until}. /unmute beëindigt dat.",
    "unmuted": "Hier komen weer alarmen.",
    "will_exceed": ("⚠ <b>Piek:</b> het kwartier tot {end} wordt {forecast}, meer dan {limit}."),
    "has_exceeded": (
        "⚠ <b>Piek:</b> het kwartier tot {end} is boven {limit} gekomen: nu al {demand}."
    ),
    "take_off": "Neem tot dan {power} weg. Aan staat: {loads}",
    "take_off_some": "Neem tot dan {power} weg.",
    "would_cost": "Kost ongeveer {cost} meer in de volgende 12 maanden.",
    "failed": "⚠ <b>{name}</b> is uitgevallen: {text}",
    "silent": "⚠ <b>{name}</b> zegt niets: {text}",
    "healed": "✓ <b>{name}</b> is weer in orde, na {time}.",
    "meter": "⚠ <b>{name}</b>: het is een andere meter. Vroeger {old}, nu {new}.",
    "summary": "<b>{when}</b>",
}

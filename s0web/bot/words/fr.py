"""Français."""

WORDS = {
    "help": (
        "Je parle de l'énergie de cette maison.\n"
        "/status comment tout va\n"
        "/today la consommation du jour\n"
        "/peak la pointe quart-horaire\n"
        "/costs ce que cela coûte\n"
        "/prices prix day-ahead\n"
        "/switches ce qui est allumé, et pourquoi\n"
        "/switch NOM on|off|auto [minutes]\n"
        "/fast [appareil] lire souvent les compteurs Modbus pour un moment\n"
        "/mute [heures] pas d'alarmes dans ce chat, /unmute"
    ),
    "unknown": "Je ne connais pas cela. /help dit ce que je connais.",
    "private": "Pas dans ce chat : son id n'est pas dans les réglages. Demandez dans votre chat.",
    "now": "Maintenant : {power}",
    "device": "{name} : {power}",
    "well": "Tout va bien.",
    "troubles": "<b>Ne va pas bien :</b>",
    "trouble": "{name} : {text}",
    "today": "<b>Aujourd'hui</b>",
    "import": "Du réseau : {energy}",
    "export": "Vers le réseau : {energy}",
    "solar": "Solaire : {energy}",
    "gas": "Gaz : {volume} m³",
    "water": "Eau : {volume} m³",
    "cost": "Coût : {cost}",
    "nothing": "On n'en sait encore rien.",
    "away": "Je ne peux pas le dire : {why}",
    "quarter": "Quart d'heure jusqu'à {end} : {demand} jusqu'ici, {forecast} prévus.",
    "month_peak": "Pointe du mois : {peak}",
    "month_peak_at": "Pointe du mois : {peak} ({time})",
    "gap": "Marge sous {limit} : {gap}",
    "over": "{gap} au-dessus de {limit}",
    "capacity": "Tarif capacitaire : {cost} par an pour une moyenne de {mean}.",
    "costs": "<b>Coûts</b>",
    "costs_day": "Aujourd'hui : {cost}",
    "costs_month": "Ce mois : {cost}",
    "costs_year": "Cette année : {cost}",
    "electricity_part": "électricité {cost}",
    "gas_part": "gaz {cost}",
    "water_part": "eau {cost}",
    "rate_now": "Un kWh du réseau coûte maintenant {rate} EUR.",
    "prices": "<b>Prix day-ahead</b>",
    "spot_now": "Maintenant : {price} EUR/MWh",
    "cheapest": "Les moins chers à venir :",
    "price": "{start} à {end} : {price} EUR/MWh",
    "no_prices": "Aucun prix n'est connu maintenant.",
    "fast": "Lus souvent pour un moment : {names}",
    "no_fast": "Il n'y a pas de tel compteur Modbus.",
    "no_switches": "Il n'y a pas d'interrupteurs.",
    "on": "allumé",
    "off": "éteint",
    "switch": "<b>{name}</b> : {state}",
    "switch_unknown": "<b>{name}</b> : inconnu",
    "reason": "  {reason}",
    "by_hand": "  à la main",
    "by_hand_until": "  à la main jusqu'à {until}",
    "ran": "  a marché {time} aujourd'hui",
    "switch_how": "Ainsi : /switch NOM on|off|auto [minutes]. Il y a : {names}",
    "switch_on": "{name} est mis en marche.",
    "switch_off": "{name} est arrêté.",
    "switch_on_for": "{name} est mis en marche pour {minutes} min.",
    "switch_off_for": "{name} est arrêté pour {minutes} min.",
    "switch_auto": "{name} suit de nouveau sa règle.",
    "mute_how": "Ainsi : /mute 8, pour 8 heures ; au plus 720.",
    "muted": "Pas d'alarmes ici jusqu'à {until}. /unmute y met fin.",
    "unmuted": "Les alarmes reviennent ici.",
    "will_exceed": (
        "⚠ <b>Pointe :</b> le quart d'heure jusqu'à {end} atteindra {forecast}, plus que {limit}."
    ),
    "has_exceeded": (
        "⚠ <b>Pointe :</b> le quart d'heure jusqu'à {end} a dépassé {limit} : déjà {demand}."
    ),
    "take_off": "Réduisez de {power} jusque-là. En marche : {loads}",
    "take_off_some": "Réduisez de {power} jusque-là.",
    "would_cost": "Coûte environ {cost} de plus dans les 12 mois qui viennent.",
    "failed": "⚠ <b>{name}</b> est en panne : {text}",
    "silent": "⚠ <b>{name}</b> ne dit rien : {text}",
    "healed": "✓ <b>{name}</b> va de nouveau bien, après {time}.",
    "meter": "⚠ <b>{name}</b> : c'est un autre compteur. Avant {old}, maintenant {new}.",
    "summary": "<b>{when}</b>",
}

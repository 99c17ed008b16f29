"""How the bot speaks: one table of words for each language, numbers and times as people write them
there.

What is filled into words is escaped, so that no name and no sentence of others becomes HTML.
"""

from datetime import date, datetime, tzinfo
from html import escape

from . import de, en, fr, nl

WORDS = {"en": en.WORDS, "nl": nl.WORDS, "fr": fr.WORDS, "de": de.WORDS}
DATES = {"en": "%d/%m/%Y", "nl": "%d-%m-%Y", "fr": "%d/%m/%Y", "de": "%d.%m.%Y"}


class Speech:
    """`zone`: of local times; None: the machine's."""

    def __init__(self, language: str, zone: tzinfo | None) -> None:
        self._language = language if language in WORDS else "en"
        self._zone = zone

    def say(self, key: str, **filled: object) -> str:
        """Words as HTML."""
        safe = {name: escape(str(value), quote=False) for name, value in filled.items()}
        return WORDS[self._language][key].format(**safe)

    def number(self, value: float, digits: int) -> str:
        text = f"{value:.{digits}f}"
        if not float(text):
            text = text.removeprefix("-")
        return text if self._language == "en" else text.replace(".", ",")

    def power(self, watts: float) -> str:
        if abs(watts) < 1000:
            return f"{self.number(watts, 0)} W"
        return f"{self.number(watts / 1000, 2)} kW"

    def energy(self, kwh: float) -> str:
        return f"{self.number(kwh, 2)} kWh"

    def money(self, euros: float) -> str:
        return f"{self.number(euros, 2)} EUR"

    def clock(self, time: datetime) -> str:
        return f"{time.astimezone(self._zone):%H:%M}"

    def day(self, day: date | datetime) -> str:
        local = day.astimezone(self._zone) if isinstance(day, datetime) else day
        return local.strftime(DATES[self._language])

    def time(self, time: datetime, now: datetime) -> str:
        """With its day, where that is not today."""
        is_today = time.astimezone(self._zone).date() == now.astimezone(self._zone).date()
        return self.clock(time) if is_today else f"{self.day(time)} {self.clock(time)}"

    def span(self, seconds: float) -> str:
        minutes = round(seconds / 60)
        if minutes < 60:
            return f"{minutes} min"
        return f"{minutes // 60} h {minutes % 60:02} min"

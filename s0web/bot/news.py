"""What the bot tells without being asked: alarms and summaries, put into the outbox."""

import logging

from ..errors import S0WebError
from . import reports, summary
from .alarms import Alarm, Watch
from .home import Home
from .memory import Memory
from .outbox import Message, Outbox
from .settings import Settings

LOG = logging.getLogger(__name__)
RETRY = 60.0  # s until a summary that could not be made is tried again


class News:
    def __init__(self, outbox: Outbox) -> None:
        self._outbox, self._watch = outbox, Watch()
        self._summary_at = 0.0  # monotonic s

    def look(self, home: Home, settings: Settings, memory: Memory, now: float) -> None:
        """`now` is monotonic, s. What it changes in the memory is to be saved."""
        told = [
            _words(home, alarm)
            for alarm in (
                *self._watch.health(home.snapshot, now),
                *self._watch.meters(home.snapshot, memory.meters, now),
            )
        ]
        quarter, alarm, text = reports.exceeding(home)
        if self._watch.is_new_peak(quarter, alarm, now):
            told.append(text)
        for chat in settings.chats if settings.alarms else ():
            if not memory.is_muted(chat, home.now):
                for text in told:
                    self._outbox.add(Message(chat, text, home.now, is_alarm=True))
        if now >= self._summary_at:
            self._sum_up(home, settings, memory, now)

    def _sum_up(self, home: Home, settings: Settings, memory: Memory, now: float) -> None:
        for one in summary.due(home, memory, settings.summary):
            try:
                text, chart = summary.text(home, one), summary.chart(home, one)
            except S0WebError as error:
                LOG.warning("bot: the summary of %s must wait: %s", one.name, error)
                self._summary_at = now + RETRY
                continue
            summary.done(memory, one)
            for chat in settings.chats:
                self._outbox.add(Message(chat, text, home.now, chart))


def _words(home: Home, alarm: Alarm) -> str:
    speech = home.speech
    if alarm.word == "healed":
        return speech.say("healed", name=alarm.name, time=speech.span(alarm.seconds))
    if alarm.word == "meter":
        return speech.say("meter", name=alarm.name, old=alarm.old, new=alarm.text)
    return speech.say(alarm.word, name=alarm.name, text=alarm.text)

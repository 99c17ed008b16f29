"""What people may ask the bot, and what it answers."""

from collections.abc import Callable, Collection
from datetime import timedelta

from ..errors import S0WebError
from ..model import Command
from ..web.switches import LONGEST, WORDS
from . import reports
from .home import Home
from .memory import Memory
from .updates import Asked, may_change

REASON = "by Telegram"
MUTE = 8  # hours, where nobody says how many
MOST_MUTE = 720
ALIASES = {"start": "help", "schnelles_messintervall": "fast"}


def answer(asked: Asked, home: Home, memory: Memory, chats: Collection[int]) -> str:
    """HTML. What it changes in the memory is to be saved."""
    name = ALIASES.get(asked.command, asked.command)
    say = home.speech.say
    if name in CHANGES or name in QUIET:
        if not may_change(asked, chats):
            return say("private")
        if name in QUIET:
            return QUIET[name](asked, home, memory)
    command = CHANGES.get(name) or ANSWERS.get(name)
    if command is None:
        return say("unknown")
    try:
        return command(home, asked.words)
    except S0WebError as error:
        return say("away", why=error)


def _fast(home: Home, words: tuple[str, ...]) -> str:
    """Of one Modbus meter, or of all."""
    wish = words[0].lower() if words else ""
    meters = [name for name, of in home.config.sources.items() if of["type"] == "modbus"]
    names = [name for name in meters if wish in ("", name.lower())]
    for name in names:
        home.station.tell(Command(name, "fast", reason=REASON))
    return home.speech.say("fast", names=", ".join(names)) if names else home.speech.say("no_fast")


def _switch(home: Home, words: tuple[str, ...]) -> str:
    known = {name.lower(): name for name in home.config.switches}
    if not known:
        return home.speech.say("no_switches")
    how = home.speech.say("switch_how", names=", ".join(known.values()))
    if len(words) not in (2, 3):
        return how
    name, word = known.get(words[0].lower()), words[1].lower()
    minutes = _whole(words[2], LONGEST) if len(words) == 3 else 0
    if name is None or word not in WORDS or minutes is None:
        return how
    seconds = 0.0 if word == "auto" else minutes * 60.0
    home.station.tell(Command(name, word, seconds, REASON))
    key = f"switch_{word}_for" if seconds else f"switch_{word}"
    return home.speech.say(key, name=name, minutes=minutes)


def _mute(asked: Asked, home: Home, memory: Memory) -> str:
    hours = _whole(asked.words[0], MOST_MUTE) if asked.words else MUTE
    if hours is None:
        return home.speech.say("mute_how")
    until = home.now + timedelta(hours=hours)
    memory.mute(asked.chat, until)
    return home.speech.say("muted", until=home.speech.time(until, home.now))


def _unmute(asked: Asked, home: Home, memory: Memory) -> str:
    memory.mute(asked.chat, None)
    return home.speech.say("unmuted")


def _whole(text: str, most: int) -> int | None:
    """A number from 1 to `most`."""
    is_whole = text.isascii() and text.isdigit() and len(text) <= 9
    return int(text) if is_whole and 1 <= int(text) <= most else None


Answers = dict[str, Callable[[Home, tuple[str, ...]], str]]
ANSWERS: Answers = {
    "help": lambda home, words: home.speech.say("help"),
    "status": lambda home, words: reports.status(home),
    "today": lambda home, words: reports.today(home),
    "peak": lambda home, words: reports.peak(home),
    "costs": lambda home, words: reports.costs(home),
    "prices": lambda home, words: reports.prices(home),
    "switches": lambda home, words: reports.switches(home),
}
CHANGES: Answers = {"fast": _fast, "switch": _switch}
QUIET = {"mute": _mute, "unmute": _unmute}

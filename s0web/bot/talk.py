"""One bot with one token: each turn looks, sends what waits, and hears what is asked."""

import logging
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path

from ..config import Config
from ..guarded import Guarded
from ..station import Station
from . import memory as memories
from .api import Answer, BotApi
from .commands import answer
from .home import Home
from .news import News
from .outbox import Message, Outbox
from .settings import Settings
from .updates import Asked, asked, may_ask, number_of

LOG = logging.getLogger(__name__)
FILE = "telegram.json"
ONLY_MESSAGES = {"allowed_updates": ["message"]}
MOST = 20  # updates at once
POLL = 10  # s that the API waits for something new
PAUSE = 1.0  # s between two polls of which the first brought nothing
LONGEST = 60.0  # s between two tries while Telegram is away
WRONG = 300.0  # s between two tries with a token that is wrong
OLD = timedelta(minutes=10)  # what was asked so long ago is answered no more
STRANGERS = 50  # chats of which the log tells that they were refused


class Talk:
    """`is_unwanted`: whether a call that waits is to be given up."""

    def __init__(
        self, station: Station, settings: Settings, is_unwanted: Callable[[], bool]
    ) -> None:
        self.settings = settings
        self._station, self._clock = station, station.clock
        self._api = BotApi(settings.url, settings.token, is_unwanted)
        self._is_unwanted = is_unwanted
        self._path: Path = station.path.with_name(FILE)
        self._memory = memories.load(self._path, settings.bot)
        self._kept = deepcopy(self._memory)
        self._outbox = Outbox()
        self._news = News(self._outbox)
        self._guard = Guarded("bot", station.hub, station.clock)
        self._failures, self._is_well = 0, False
        self._send_at = self._ask_at = 0.0  # monotonic s, before which there is no call
        self._refused: set[int] = set()  # chats that the log tells of
        self._stranger = 0  # the chat that was refused last
        self._strange = 0  # messages that were refused
        self._note = ""

    def adopt(self, settings: Settings) -> None:
        """Other chats or wishes for the same bot."""
        self.settings = settings
        self._outbox.keep(settings.chats)
        self._refused.clear()
        self._stranger = self._strange = 0
        self._note = ""
        self._send_at = self._ask_at = 0.0

    def close(self) -> None:
        self._api.close()

    def turn(self, config: Config) -> float:
        """Return the seconds until the next one."""
        home = Home(self._station, config)
        self._news.look(home, self.settings, self._memory, self._clock.monotonic())
        self._save()
        if self._clock.monotonic() >= self._send_at:
            self._send(home)
        if self._clock.monotonic() < self._ask_at:
            return PAUSE
        return self._hear(config)

    def bug(self, error: Exception) -> float:
        """One turn ended in what nobody foresaw."""
        self._api.close()
        return self._guard.retreat(error)

    # -- out ---------------------------------------------------------------------------------------

    def _send(self, home: Home) -> None:
        def stamp(time: datetime) -> str:
            return home.speech.time(time, home.now)

        for chat in self._outbox.chats():
            while chat in self._outbox.chats():
                message, count = self._outbox.next(chat, home.now, stamp)
                said = self._say(message)
                if said.code != 200 and self._is_unwanted():
                    return
                if said.code == 429:
                    self._send_at = self._clock.monotonic() + said.rest
                    return
                if said.code in (0, 401, 404) or said.code >= 500:
                    self._send_at = self._ask_at = self._clock.monotonic() + self._fail(said)
                    return
                self._outbox.sent(chat, count)
                if said.code != 200:
                    self._note = f"Chat {chat} takes no messages: {said.text}"
                    LOG.warning("bot: chat %d takes no messages: %s", chat, said.text)

    def _say(self, message: Message) -> Answer:
        fields = {"chat_id": message.chat, "parse_mode": "HTML"}
        if message.photo:
            fields["caption"] = message.text
            return self._api.call("sendPhoto", fields, message.photo)
        return self._api.call("sendMessage", {**fields, "text": message.text})

    # -- in ----------------------------------------------------------------------------------------

    def _hear(self, config: Config) -> float:
        offset = self._memory.next_update(self._clock.now())
        patience = POLL if self._is_well else 0  # how it is, is told at once
        fields = {"offset": offset, "timeout": patience, "limit": MOST, **ONLY_MESSAGES}
        said = self._api.call("getUpdates", fields, longer=patience)
        if said.code != 200 and self._is_unwanted():
            return 0.0
        if said.code == 429:
            self._ask_at = self._clock.monotonic() + said.rest
            return PAUSE
        if said.code == 200 and not isinstance(said.result, list):
            said = Answer(0, text=f"{self._api.host} gives an answer that is none of a Bot API")
        if said.code != 200:
            self._ask_at = self._clock.monotonic() + self._fail(said)
            return PAUSE
        self._failures, self._is_well = 0, True
        before = self._memory.offset
        for update in said.result:
            self._take(update, offset, config)
        self._well()
        return 0.0 if self._memory.offset != before else PAUSE

    def _take(self, update: object, offset: int, config: Config) -> None:
        """Any update of any shape, once."""
        number, now = number_of(update), self._clock.now()
        if number is None or number < max(offset, self._memory.next_update(now)):
            return
        self._memory.has_done(number, now)
        who = asked(update)
        if who is None or not (who.command or who.chat > 0):
            return  # people talk in a group
        if not may_ask(who, self.settings.chats):
            self._refuse(who)
            return
        self._save()  # before it is carried out
        if now - who.time > OLD:
            LOG.info("bot: /%s is too old: asked while nobody listened", who.command)
            return
        text = answer(who, Home(self._station, config), self._memory, self.settings.chats)
        self._outbox.add(Message(who.chat, text, now))

    def _refuse(self, who: Asked) -> None:
        """No answer; told once, so that a householder finds the id of a chat."""
        self._stranger = who.chat
        self._strange += 1
        if who.chat not in self._refused and len(self._refused) < STRANGERS:
            self._refused.add(who.chat)
            LOG.warning("bot: chat %d asks and is not in [telegram] chats: no answer", who.chat)

    # -- how it is ---------------------------------------------------------------------------------

    def _well(self) -> None:
        notes = [self._note]
        if not self.settings.chats:
            notes.append("No chat may talk to it: write to it, and its id is told here")
        if self._stranger:
            notes.append(
                f"Chat {self._stranger} got no answer: if it is yours, add it to [telegram] chats "
                f"({self._strange} refused in all)"
            )
        if self._outbox.lost:
            notes.append(f"{self._outbox.lost} messages found no room")
        self._guard.report("bot", "ok", ". ".join(filter(None, notes)))

    def _fail(self, said: Answer) -> float:
        """Tell it; return the seconds to wait."""
        self._is_well = False
        if said.code in (401, 404):
            remedy = "Copy the token that @BotFather told into [telegram] token."
            self._guard.report("bot", "failed", "Telegram does not know this token.", remedy)
            return WRONG
        self._failures += 1
        text = said.text or f"{self._api.host} answers {said.code}"
        remedy = ""
        if said.code == 409:
            text = "Another program asks for this bot's messages."
            remedy = f"End that one, or take a bot of its own for s0web ({said.text})."
        self._guard.report("bot", "failed", text, remedy)
        return float(min(LONGEST, 2 ** min(self._failures - 1, 6)))

    def _save(self) -> None:
        if self._memory == self._kept:
            return
        self._kept = deepcopy(self._memory)
        try:
            memories.save(self._path, self._memory)
        except OSError as error:
            LOG.warning("bot: %s cannot be written: %s", self._path, error.strerror)

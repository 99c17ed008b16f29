"""What is still to be sent, chat by chat: it waits while Telegram is away, and old alarms merge."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

MOST = 20  # messages that wait for a chat
LONGEST = 3_800  # letters of a message; Telegram takes 4096
CAPTION = 1_000  # letters below a picture; Telegram takes 1024
OLD = timedelta(minutes=1)  # what waited longer tells its time


class Message(NamedTuple):
    chat: int
    text: str  # HTML, whole tags on every line
    time: datetime
    photo: bytes = b""
    is_alarm: bool = False


class Outbox:
    def __init__(self) -> None:
        self._waiting: dict[int, deque[Message]] = {}
        self.lost = 0  # oldest ones that found no room

    def add(self, message: Message) -> None:
        waiting = self._waiting.setdefault(message.chat, deque())
        if len(waiting) >= MOST:
            waiting.popleft()
            self.lost += 1
        waiting.append(message)

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._waiting.values())

    def chats(self) -> list[int]:
        """Those for which something waits."""
        return [chat for chat, waiting in self._waiting.items() if waiting]

    def next(
        self, chat: int, now: datetime, stamp: Callable[[datetime], str]
    ) -> tuple[Message, int]:
        """What to send to the chat, and how many of those that wait are in it. `stamp`: how a time
        is written.
        """
        waiting = self._waiting[chat]
        first = waiting[0]
        if not first.is_alarm:
            return first._replace(text=cut(first.text, CAPTION if first.photo else LONGEST)), 1
        texts: list[str] = []
        for message in waiting:
            is_old = now - message.time > OLD
            text = f"{stamp(message.time)} {message.text}" if is_old else message.text
            if not message.is_alarm or sum(map(len, texts)) + len(text) > LONGEST - len(texts):
                break
            texts.append(text)
        return first._replace(text=cut("\n".join(texts or [first.text]), LONGEST)), len(texts) or 1

    def sent(self, chat: int, count: int) -> None:
        """They are with Telegram, or will never be taken."""
        for _ in range(count):
            self._waiting[chat].popleft()

    def keep(self, chats: frozenset[int]) -> None:
        """Forget what waits for others: they are no longer allowed."""
        self._waiting = {chat: of for chat, of in self._waiting.items() if chat in chats}


def cut(text: str, most: int) -> str:
    """As many whole lines as there is room for."""
    if len(text) <= most:
        return text
    room = text[: most - 3]
    return room[: room.rfind("\n") + 1] + "..." if "\n" in room else "..."

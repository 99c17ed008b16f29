"""What the Bot API tells of a message, whatever its shape; and who may ask what."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import NamedTuple

LONGEST = 300  # letters of a text that are read
NUMBER = 2**53  # ids are below this
LATEST = 2**35  # s since 1970, the year 3058


class Asked(NamedTuple):
    chat: int
    sender: int  # 0: nobody in particular
    time: datetime
    command: str  # lower case, without the slash and the bot's name; "" for no command
    words: tuple[str, ...]  # what follows it


def number_of(update: object) -> int | None:
    """The number of an update; None for what is none."""
    number = _whole(update.get("update_id")) if isinstance(update, dict) else None
    return number if number is not None and number >= 0 else None


def asked(update: object) -> Asked | None:
    """None for all that is no new text of a chat: edits, pictures, channel posts, junk."""
    message = update.get("message") if isinstance(update, dict) else None
    if not isinstance(message, dict):
        return None
    chat, sender = _id(message.get("chat")), _id(message.get("from"))
    stamp, text = _whole(message.get("date")) or 0, message.get("text")
    if not chat or not isinstance(text, str) or not 0 < stamp < LATEST:
        return None
    command, words = _split(text[:LONGEST])
    return Asked(chat, sender, datetime.fromtimestamp(stamp, UTC), command, words)


def may_ask(who: Asked, chats: Collection[int]) -> bool:
    """In a chat that is allowed, or anywhere by a person whose own chat is."""
    return who.chat in chats or who.sender in chats


def may_change(who: Asked, chats: Collection[int]) -> bool:
    """Where others read along, the chat itself must be allowed."""
    return who.chat in chats


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """ "/Switch@my_bot boiler on" -> switch, (boiler, on)."""
    first, *words = text.split() or [""]
    found = re.fullmatch(r"/([A-Za-z_]{1,32})(@[A-Za-z0-9_]{1,64})?", first)
    return (found[1].lower(), tuple(words)) if found else ("", ())


def _id(of: object) -> int:
    return _whole(of.get("id")) or 0 if isinstance(of, dict) else 0


def _whole(number: object) -> int | None:
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    return number if abs(number) < NUMBER else None

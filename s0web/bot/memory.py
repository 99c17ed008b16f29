"""What the bot must know after a restart, in a file of its own beside the INI.

    {"bot": "123456", "offset": 712, "offset_time": "2026-03-02T12:00:00+00:00",
     "muted": {"987": "2026-03-02T20:00:00+00:00"}, "meters": {"grid": "1SAG..."},
     "day": "2026-03-01", "month": "2026-02"}

A file that is damaged, or of another bot, is as none.
"""

import json
import logging
import os
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)
LONGEST = 100_000  # bytes
KNOWN = timedelta(days=2)  # so long an offset holds: updates live for one, numbers begin anew
#                            at random after seven without any
NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Memory:
    bot: str = ""  # the public number of the bot, which is the first half of its token
    offset: int = 0  # the number of the next update
    offset_time: str = ""
    muted: dict[str, str] = field(default_factory=dict)  # chat -> until
    meters: dict[str, str] = field(default_factory=dict)  # device -> serial
    day: str = ""  # the last one that was summed up
    month: str = ""

    def next_update(self, now: datetime) -> int:
        """0: whatever there is. A clock that is behind makes no offset old."""
        return self.offset if now - _time(self.offset_time) < KNOWN else 0

    def has_done(self, number: int, now: datetime) -> None:
        self.offset, self.offset_time = number + 1, now.isoformat()

    def mute(self, chat: int, until: datetime | None) -> None:
        """None: no longer."""
        self.muted.pop(str(chat), None)
        if until is not None:
            self.muted[str(chat)] = until.isoformat()

    def is_muted(self, chat: int, now: datetime) -> bool:
        return now < _time(self.muted.get(str(chat), ""))


def load(path: Path, bot: str) -> Memory:
    try:
        if path.stat().st_size > LONGEST:
            raise ValueError("it is too long")
        memory = _checked(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return Memory(bot)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        LOG.warning("%s: begins anew: %s", path, error)
        return Memory(bot)
    if memory.bot != bot:
        return Memory(bot, meters=memory.meters, day=memory.day, month=memory.month)
    return memory


def save(path: Path, memory: Memory) -> None:
    """Whole or not at all; raises OSError."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w") as file:
        json.dump(asdict(memory), file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _checked(said: Any) -> Memory:
    memory = Memory(**said)
    for name, value in asdict(Memory()).items():
        if type(getattr(memory, name)) is not type(value):
            raise ValueError(f"{name} is none")
    for words in (memory.muted, memory.meters):
        if not all(isinstance(word, str) for word in words.values()):
            raise ValueError("it is damaged")
    return memory


def _time(text: str) -> datetime:
    """Long ago for what is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return NEVER

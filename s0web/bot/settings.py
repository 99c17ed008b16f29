"""What the INI says of the bot."""

from typing import NamedTuple

from ..checks_bot import SECTION, chats
from ..config import Config


class Settings(NamedTuple):
    token: str
    chats: frozenset[int]
    alarms: bool
    summary: str  # never, daily, monthly, both
    url: str

    @property
    def bot(self) -> str:
        """Its public number."""
        return self.token.partition(":")[0]

    @property
    def api(self) -> tuple[str, str]:
        """Whom to talk to, and as whom."""
        return self.url, self.token


def of(config: Config | None) -> Settings | None:
    """None: no bot is wanted."""
    if config is None or not config.sections[SECTION]["token"]:
        return None
    options = config.sections[SECTION]
    allowed = chats(options["chats"])
    return Settings(
        options["token"], allowed, options["alarms"], options["summary"], options["api_url"]
    )

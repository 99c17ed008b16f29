"""What the section of the Telegram bot can get wrong: its token, the chats, the address."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from .errors import Problem
from .model import Options

Sections = Mapping[str, Options]
SECTION, OWN = "telegram", "bot"
TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}")
NEAR = ("localhost", ".local", ".lan", ".home.arpa", ".fritz.box")


def bot(sections: Sections) -> Iterator[Problem]:
    """Every such mistake in sections whose options are right each by itself."""
    options = sections[SECTION]
    if options["token"] and not TOKEN.fullmatch(options["token"]):
        text = "it is none: @BotFather tells it like 123456789:AAE4...; copy it whole."
        yield Problem(SECTION, "token", text)
    for option, look in (("chats", chats), ("api_url", _place)):
        try:
            look(str(options[option]))
        except ValueError as error:
            yield Problem(SECTION, option, f"{error}.")
    for section in (f"source:{OWN}", f"switch:{OWN}"):
        if options["token"] and section in sections:
            yield Problem(section, "", "is a name that the station itself uses; take another.")


def chats(text: str) -> frozenset[int]:
    """The ids in the text; ValueError for what is none."""
    found = [part for part in re.split(r"[\s,]+", text) if part]
    for part in found:
        if not re.fullmatch(r"-?[1-9][0-9]{0,15}", part):
            raise ValueError(f"'{part[:40]}' is not a chat id such as 12345678 or -987654321")
    return frozenset(map(int, found))


def _place(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        is_address = False
    if not is_address or parts.username or parts.query or parts.fragment:
        raise ValueError("it is not an address such as https://api.telegram.org")
    if parts.scheme == "http" and not _is_near(parts.hostname or ""):
        raise ValueError("over the internet the token must be sent encrypted: https://...")


def _is_near(host: str) -> bool:
    """On this machine or in the house."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host.endswith(NEAR) or "." not in host

"""The servers that an option names: db1, db2:5433, [::1]:5432."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import NamedTuple

from ..errors import SinkError


class Host(NamedTuple):
    name: str  # as its certificate has it; with / the folder of its socket on this machine
    port: int

    def __str__(self) -> str:
        if self.is_folder:
            return self.name
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"

    @property
    def is_folder(self) -> bool:
        return self.name.startswith("/")

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, so that nobody can listen on the way."""
        try:
            return ip_address(self.name).is_loopback
        except ValueError:
            return self.name == "localhost" or self.is_folder


def hosts(text: str, port: int) -> list[Host]:
    """The servers in their order; ValueError says what is wrong."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = (
            re.fullmatch(r"\[([0-9a-fA-F:.]+)\](?::(\d{1,5}))?", part)
            or re.fullmatch(r"([A-Za-z0-9_][A-Za-z0-9_.-]{0,252})(?::(\d{1,5}))?", part)
            or re.fullmatch(r"(/[A-Za-z0-9_./-]{1,90})(?::(\d{1,5}))?", part)
        )
        if match is None or not 0 < int(match[2] or port) < 65536:
            raise ValueError(f"'{part[:60]}' is no server: write it as db1, or db1:{port + 1}")
        found.append(Host(match[1], int(match[2] or port)))
    if not found:
        raise ValueError("there is no server in it")
    return found


def enter_first(
    hosts: list[Host], enter: Callable[[Host], None], leave: Callable[[], None]
) -> None:
    """Enter the first host that takes us; those that did not come last from now on. SinkError with
    what each said.
    """
    said = []
    for host in list(hosts):
        try:
            enter(host)
            return
        except SinkError as error:
            said.append(str(error))
            leave()
            hosts.append(hosts.pop(0))
    raise SinkError(" ".join(said))

"""What a derived source or a switch reads in place of a wire: the station itself."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from .archive.query import History
from .energy.price_book import PriceBook
from .hardware import Wires
from .hub import Hub
from .model import Command, Snapshot

BEHIND = 1_000  # readings; with what two sources tell at once less than the log holds


@dataclass(frozen=True)
class Inside:
    folder: Path  # of the station's state; what a source keeps there is its own file
    zone: tzinfo | None  # where days begin; None: the machine's
    wires: Wires
    book: PriceBook
    hub: Hub
    history_now: Callable[[], History | None]
    tell: Callable[[Command], bool]  # leave a command for a device; False where there is none

    @property
    def history(self) -> History | None:
        """None as long as the archive cannot be opened."""
        return self.history_now()

    @property
    def is_kept(self) -> bool:
        """Whether the archive has nearly all that was told. Who tells of months waits until it has:
        what leaves the log before that, on a slow card, is nowhere.
        """
        return self.history is not None and self.hub.last - self.history.last <= BEHIND

    def snapshot(self) -> Snapshot:
        return self.hub.snapshot()

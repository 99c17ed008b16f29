"""The pages of the screen, as large as the terminal: which parts are where."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from . import lists, tables, words
from .news import Known
from .tables import text

PAGES = ("overview", "peaks", "telegram", "sources")
WIDE, HIGH = 124, 42  # from there the overview has peaks beside it, and all sources below
LARGE, LEFT = 170, 72  # from there the telegram beside both; columns of the left part then
KEYS = "q quit  tab page  t telegram  s sources  up/down scroll"


class View(NamedTuple):
    page: str = PAGES[0]
    top: int = 0  # lines scrolled past

    def turned(self, key: str, height: int) -> "View":
        """What is shown after a key."""
        shortcuts = {"o": "overview", "p": "peaks", "t": "telegram", "s": "sources"}
        step = {"up": -1, "down": 1, "page up": 5 - height, "page down": height - 5}.get(key)
        if step is not None:
            return self._replace(top=max(0, self.top + step))
        if key in shortcuts:
            page = shortcuts[key]
            return View(PAGES[0] if page == self.page else page)
        if key in ("left", "right"):
            place = PAGES.index(self.page) + (1 if key == "right" else -1)
            return View(PAGES[place % len(PAGES)])
        return self


class Screen:
    """What is known, drawn exactly as large as the terminal is."""

    def __init__(self, known: Known, view: View, url: str, now: datetime) -> None:
        self._known, self._view, self._url = known, view, url
        self._zone = words.zone_of(known.documents)
        self._now = tables.time_of(known) or now

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or console.height
        room = max(1, height - 2)
        lines = console.render_lines(self._body(width, room), options.update(height=None))
        top = min(self._view.top, max(0, len(lines) - room))
        shown = lines[top : top + room]
        shown += [[Segment(" " * width)]] * (room - len(shown))
        foot = self._foot(top, len(lines) - room)
        for number, line in enumerate([*self._line(console, options, self._head()), *shown]):
            yield from [Segment.line()] if number else []
            yield from line
        for line in self._line(console, options, foot):
            yield Segment.line()
            yield from line

    @staticmethod
    def _line(
        console: Console, options: ConsoleOptions, said: RenderableType
    ) -> list[list[Segment]]:
        return console.render_lines(said, options.update(height=None))[:1]

    def _head(self) -> RenderableType:
        known = self._known
        status = known.document("status").get("station")
        status = status if isinstance(status, dict) else {}
        title = f"s0web {words.plain(status.get('version', ''))}".strip()
        said = text(f" {title}  ", "bold reverse")
        said.append_text(text(f" {self._url}  "))
        meter = _meter_time(known)
        if shown := words.local(meter, self._zone, "%a %d %b %Y %H:%M:%S"):
            said.append_text(text(f"meter {shown}  ", "bold"))
        if known.trouble:
            said.append_text(text(known.trouble, tables.BAD))
        elif status and status.get("state") != "running":
            said.append_text(text(status.get("text", ""), tables.BAD))
        return said

    def _foot(self, top: int, more: int) -> RenderableType:
        if self._known.trouble:
            return text(f" What is shown is old: {self._known.trouble}", tables.BAD)
        said = text(" ")
        for page in PAGES:
            said.append_text(text(f" {page} ", "reverse" if page == self._view.page else ""))
        place = f"  {top + 1} of {more + 1}" if more > 0 else ""
        return said + text(f"   {KEYS}{place}", tables.FAINT)

    def _body(self, width: int, room: int) -> RenderableType:
        known, zone, now = self._known, self._zone, self._now
        if not known.documents:
            return text(f"{self._url} is asked ...")
        if self._view.page == "telegram":
            return _group(lambda: lists.telegram(known, zone))
        if self._view.page == "sources":
            return _group(lambda: lists.sources(known, now))
        return self._overview(width, room)

    def _overview(self, width: int, room: int) -> RenderableType:
        known, zone, now = self._known, self._zone, self._now
        switches = _part(lambda: tables.switches(known, zone))
        peaks = _part(lambda: tables.peaks(known, zone))
        side = Group(peaks, Text(""), _part(lambda: tables.cheapest(known, zone)))
        if self._view.page == "peaks":
            return Group(side, Text(""), switches)
        rates, used = _part(lambda: tables.rates(known)), _part(self._used)
        is_large = width >= LARGE and room >= HIGH
        quarter = _part(lambda: tables.quarter(known, zone, LEFT if is_large else width))
        if is_large:
            left = Group(used, Text(""), quarter, Text(""), switches)
            told = _group(lambda: lists.telegram(known, zone))
            return Group(rates, Text(""), _beside(left, side, told))
        main = _beside(used, side) if width >= WIDE else used
        if room < 30:
            return Group(rates, main, quarter)
        low = _group(lambda: lists.sources(known, now)) if room >= HIGH else Text("")
        gap = Text("")
        return Group(rates, gap, main, gap, quarter, gap, switches, gap, low)

    def _used(self) -> RenderableType:
        return tables.consumption(self._known, self._now, self._zone)


def _beside(*parts: RenderableType) -> RenderableType:
    made = Table.grid(padding=(0, 3, 0, 0))
    made.add_row(*parts)
    return made


def _part(draw: Callable[[], RenderableType]) -> RenderableType:
    """One part; a document that is not as it should be leaves the others alone."""
    try:
        return draw()
    except words.STRANGE as error:
        return text(f"not understood: {type(error).__name__} {error}", tables.BAD)


def _group(draw: Callable[[], Sequence[RenderableType]]) -> RenderableType:
    return _part(lambda: Group(*draw()))


def _meter_time(known: Known) -> str:
    """By its own clock, where it has one."""
    values = known.devices.get(known.grid, {})
    return words.found(lambda: max(str(told["time"]) for told in values["values"].values()), "")

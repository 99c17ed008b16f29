"""The screen while it lives: draws what is new, obeys keys, follows the terminal's size."""

import signal
from types import FrameType

from rich.console import Console
from rich.live import Live

from ..clock import Clock
from .client import Client
from .keys import Keys
from .news import News
from .pages import Screen, View

LOOK = 0.2  # s between two looks for something new


def show(client: Client, clock: Clock) -> None:
    """Until q, Ctrl-C or SIGTERM; into a file or a pipe once."""
    console, news = Console(highlight=False), News(client, clock)
    if not console.is_terminal or console.is_dumb_terminal:
        news.turn()
        news.turn()  # which devices there are is known by now
        console.print(Screen(news.known, View(), client.url, clock.now()))
        return
    before = signal.signal(signal.SIGTERM, _end)
    news.start()
    try:
        with Keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
            _follow(console, live, keys, news, client, clock)
    except KeyboardInterrupt:
        return  # which is how people end it
    finally:
        news.stop()
        signal.signal(signal.SIGTERM, before)


def _follow(
    console: Console, live: Live, keys: Keys, news: News, client: Client, clock: Clock
) -> None:
    view, drawn = View(), None
    while True:
        now = news.version, view, console.size
        if now != drawn:
            drawn = now
            live.update(Screen(news.known, view, client.url, clock.now()), refresh=True)
        for key in keys.wait(LOOK):
            if key == "q":
                return
            view = view.turned(key, console.size.height)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)

"""The terminal's screen: tables of what a station tells over its JSON API, near or far.

`client` asks, `news` remembers what was answered last, `words`, `usage` and `telegram` make texts
of it (pure), `tables` and `pages` draw them with rich, `keys` reads the keyboard.
"""

"""What the station says, in the language of a page drawn here: static/sentences.js in Python.

A catalogue has the pieces of its English sentences: {0} is filled in, … stands for who is spoken
of. What is in none stays English.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from . import assets

LONGEST = 300  # letters of a piece that is looked for: with each more it takes far longer


class Pattern(NamedTuple):
    is_it: re.Pattern[str]
    words: str
    weight: int  # letters of its own: the most specific is tried first


@cache
def catalogue(language: str) -> dict[str, str]:
    """English piece -> words; nothing for English."""
    path = assets("static") / "words" / f"sentences.{language}.json"
    words: dict[str, str] = {}
    if language != "en":
        words = json.loads(path.read_text(encoding="utf-8"))
    return words


@cache
def _patterns(language: str) -> tuple[Pattern, ...]:
    found = [
        _pattern(english, words)
        for english, words in catalogue(language).items()
        if re.search(r"^… |\{\d\}", english)
    ]
    return tuple(sorted(found, key=lambda pattern: -pattern.weight))


def _pattern(english: str, words: str) -> Pattern:
    bare = english.removeprefix("… ")
    source = re.sub(r"\\\{\d\\\}", "(.*?)", re.escape(bare))
    who = "()" if bare == english else "(?:(.*) )?"
    own = len(re.sub(r"\{\d\}", "", bare))
    return Pattern(re.compile(f"{who}{source}", re.DOTALL), words.removeprefix("… "), own)


def said(text: str, language: str) -> str:
    """A text of the station in that language."""
    if language == "en":
        return text
    return " ".join(_whole(piece, language) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """Cut behind . : ; and ?, but not within brackets."""
    depth, piece = 0, ""
    for word in text.split(" "):
        piece += f" {word}"
        depth = max(0, depth + word.count("(") - word.count(")"))
        if depth == 0 and word.endswith((".", ":", ";", "?")):
            yield piece[1:]
            piece = ""
    if piece[1:]:
        yield piece[1:]


def _whole(piece: str, language: str) -> str:
    core = piece.rstrip(".:;,")
    end = piece[len(core) :]
    words = _translated(core, language)
    if words is None:
        words = ", ".join(_translated(part, language) or part for part in core.split(", "))
    if language == "fr" and words != core:
        end = re.sub(r"([:;])$", r" \1", end)  # French puts a blank before them
    return words + end


def _translated(core: str, language: str) -> str | None:
    exact = catalogue(language)
    if core in exact:
        return exact[core]
    for pattern in _patterns(language) if len(core) <= LONGEST else ():
        if found := pattern.is_it.fullmatch(core):
            who, *holes = found.groups()
            words = pattern.words.format(*(_filled(hole, language) for hole in holes))
            return f"{_subject(who, language)} {words}" if who else words
    return None


def _filled(hole: str, language: str) -> str:
    """What is filled in may be words of the station, too, with the blank that stands before."""
    text = hole.lstrip()
    return hole[: len(hole) - len(text)] + said(text, language)


def _subject(who: str, language: str) -> str:
    """Who is spoken of: one or two names."""
    both = catalogue(language).get("and", "and")
    return re.sub(r"(^| )and ", rf"\1{both} ", said(who, language))

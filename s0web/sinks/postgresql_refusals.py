"""What a PostgreSQL server refuses, in sentences; by its SQLSTATE, which every language has.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re

SENTENCE = 200  # characters
SLOW = "no answer in time"
_TOO_SLOW = "does not answer within {seconds:g} s: is it on, or too busy?"
_FULL = "has no room left ({why}): make room on its disk; what is not written yet comes then."
_COLUMNS = (
    "has a table with other columns or keys than ours ({why}): rename it, or name another schema."
)
_PASSWORD = (
    "refuses user {user} ({why}): are user and password right, and does its pg_hba.conf let "
    "them in?"
)
_BUSY = "takes no more connections ({why}): raise max_connections there, or wait."
_SOON = "is starting or shutting down ({why}): it is tried again."
_LOCK = "waited too long ({why}): who else works on these tables?"
_DENIED = "does not let user {user} do that ({why}): grant it as in docs/postgresql.md."
_AGAIN = "could not write it now ({why}): it is tried again."
_SENTENCES = {  # the longest beginning of the SQLSTATE counts
    "08": "has closed the connection ({why}): it is tried again.",
    "23502": _COLUMNS,
    "25006": "is read-only ({why}): name the server that may be written to as host.",
    "28": _PASSWORD,
    "3D000": "has no such database ({why}): create it there, or mend the option database.",
    "3F000": "has no such schema ({why}): create it there, or mend the option schema.",
    "40": _AGAIN,
    "42501": _DENIED,
    "42703": _COLUMNS,
    "42804": _COLUMNS,
    "42P10": _COLUMNS,
    "42P01": "has lost a table ({why}): it is made again.",
    "53100": _FULL,
    "53300": _BUSY,
    "53": "is short of something ({why}): look into its log.",
    "55P03": _LOCK,
    "57014": _LOCK,
    "57P01": _SOON,
    "57P02": _SOON,
    "57P03": _SOON,
    "58030": _FULL,
}
_WELCOMES = (  # words of libpq, always English; then of an English server
    (r"timeout expired|timed out|" + SLOW, _TOO_SLOW),
    (
        r"could not translate host name|Name or service not known|name resolution|No address|"
        r"failed to resolve",
        "is unknown: is the host's name right, does the network work?",
    ),
    (
        r"Connection refused|No such file or directory",
        "refuses the connection: does the server run there, is the port right, and does its "
        "listen_addresses name this network?",
    ),
    (
        r"does not support SSL",
        "offers no TLS: set it up there (docs/postgresql.md), or say tls = no where nobody else "
        "can listen.",
    ),
    (
        r"certificate|SSL error|host name .* does not match",
        "shows a certificate that is not trusted ({why}): name its CA in ca_file, and the host as "
        "the certificate does.",
    ),
    (r"too many|remaining connection slots", _BUSY),
    (r"starting up|shutting down|in recovery|not yet accepting", _SOON),
    (r"FATAL", _PASSWORD),
    (r"closed the connection|Connection reset", "closes the connection ({why}): is it PostgreSQL?"),
    (r"authentication method", _PASSWORD),
)


def is_poison(state: str) -> bool:
    """Whether it refuses a row for what it holds: out of range, against a constraint, or by a
    trigger's RAISE.
    """
    return state == "P0001" or (state[:2] in ("22", "23") and state not in _SENTENCES)


def is_of_server(words: str) -> bool:
    """Whether the server itself said it, and no library on the way."""
    return "FATAL" in words


def sentence(state: str, why: str, user: str, seconds: float) -> str:
    """What is wrong, to be read after the server's name, and what to do."""
    if SLOW in why:
        return _TOO_SLOW.format(seconds=seconds)
    known = next((_SENTENCES[state[:n]] for n in (5, 2) if state[:n] in _SENTENCES), "")
    if not state:
        known = _SENTENCES["08"]
    known = known or "refuses ({why}, {state}): look into its log."
    return known.format(why=why, state=state, user=user, seconds=seconds)


def welcome(why: str, user: str, seconds: float) -> str:
    """Why it does not let us in, and what to do."""
    for words, text in _WELCOMES:
        if re.search(words, why):
            why = why.removeprefix("FATAL: ").strip()
            return text.format(why=why, user=user, seconds=seconds)
    return f"cannot be reached ({why}): is it on, and the address right?"


def last_words(words: str) -> str:
    """The reason in libpq's "connection failed: connection to server at ... failed: reason"."""
    lines = [text for text in words.splitlines() if text.strip()] or [words]
    fatal = next((text for text in lines if "FATAL" in text), lines[0])
    return re.sub(r"^.*?\bfailed: (?=\S)(connection to server .*? failed: )?", "", fatal)


def line(words: str) -> str:
    """The server's words in one line, without a full stop."""
    text = "".join(c if c.isprintable() else " " for c in words).strip()
    return re.sub(r"\s+", " ", text)[:SENTENCE].rstrip(".")

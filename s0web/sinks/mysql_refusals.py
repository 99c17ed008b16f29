"""What a MySQL or MariaDB server refuses, in sentences; and which refusals another try may mend.

Numbers: https://mariadb.com/kb/en/mariadb-error-code-reference/ (1000 to 4199, of the server) and
https://dev.mysql.com/doc/mysql-errors/8.4/en/client-error-reference.html (2000 to 2061).
"""

import re

SENTENCE = 200  # characters
DEADLOCK = {1020, 1205, 1213}
SLOW = {3024}  # the library's own, for a wait that was over
LOST = SLOW | {
    *(1047, 1053, 1146, 1152, 1158, 1159, 1160, 1161, 1290, 1792, 1836, 1927, 4031),
    *(-1, 2002, 2003, 2006, 2013, 2027, 2055),  # -1: closed on our side
}
_POISON = {1265, 1366, 3819}  # 4025 and most others are known by their class
NOT_READY = (
    "is a node without its cluster (WSREP is not ready): it takes nothing until more than half of "
    "the nodes see each other; start the others."
)
NO_TLS = (
    "offers no TLS: set it up there (docs/mysql.md), or say tls = no where nobody else can listen."
)
_FULL = "has no room left ({why}): make room on its disk; what is not written yet comes then."
_READ_ONLY = "is read-only ({why}): name the server that may be written to as host."
_DENIED = "does not let user {user} do that ({why}): grant it as in docs/mysql.md."
_BUSY = "takes no more connections ({why}): raise max_connections there, or wait."
_SENTENCES = {
    1021: _FULL,
    1030: _FULL,
    1114: _FULL,
    3675: _FULL,
    1290: _READ_ONLY,
    1792: _READ_ONLY,
    1836: _READ_ONLY,
    1044: _DENIED,
    1142: _DENIED,
    1143: _DENIED,
    1227: _DENIED,
    1370: _DENIED,
    1040: _BUSY,
    1203: _BUSY,
    1226: _BUSY,
    1045: "refuses user {user} ({why}): are user and password right?",
    1698: "refuses user {user} ({why}): root comes in by the socket only; make a user of its own.",
    1129: "lets this machine in no more ({why}): run mariadb-admin flush-hosts there.",
    1130: "lets nobody in from this machine ({why}): create the user for this host, or for '%'.",
    1820: "wants a new password of user {user} first ({why}).",
    1862: "wants a new password of user {user} first ({why}).",
    3159: "takes only connections with TLS: say tls = yes.",
    1047: NOT_READY,
    1049: "has no such database ({why}): create it there, or mend the option database.",
    1053: "is shutting down: it is tried again.",
    1054: "has a table with other columns than ours ({why}): rename it, or take another database.",
    1146: "has lost a table ({why}): it is made again.",
    1153: "takes no packet of this size: set max_allowed_packet = 16M there.",
    1205: "waited too long for a lock ({why}): who else writes into these tables?",
    1526: "has no partition for a new row ({why}): add one to the table.",
    2005: "is unknown ({why}): is the host's name right, does the network work?",
    2027: "does not speak as a MySQL server does ({why}): is that its port?",
    2059: "wants a login that we do not know ({why}): create the user with a plain password.",
    2061: "wants a login that we do not know ({why}): create the user with a plain password.",
    3024: "does not answer within {seconds:g} s: is it on, or too busy?",
}


def is_poison(code: int, state: str) -> bool:
    """Whether it refuses a row for what it holds: out of range, too long, against a constraint, or
    by a trigger's SIGNAL.
    """
    return code in _POISON or state[:2] in ("22", "23") or state == "45000"


def sentence(code: int, why: str, user: str, seconds: float) -> str:
    """What is wrong, to be read after the server's name, and what to do."""
    if code == 2026 or ("SSL" in why and code not in _SENTENCES):
        return _tls(why)
    if code in (-1, 2002, 2003, 2006, 2013, 2055):
        return _away(code, why, seconds)
    known = _SENTENCES.get(code, "refuses ({why}, {code}): look into its log.")
    return known.format(why=why, code=code, user=user or "(none)", seconds=seconds)


def line(words: str) -> str:
    """The server's words in one line, without a full stop."""
    text = "".join(c if c.isprintable() else " " for c in words).strip()
    return re.sub(r"\s+", " ", text)[:SENTENCE].rstrip(".")


def _tls(why: str) -> str:
    if "doesn't support" in why:
        return NO_TLS
    if "CERTIFICATE_VERIFY_FAILED" in why:
        found = re.search(r"verify failed: ([^(]+)", why)
        reason = found[1].strip() if found else why
        return (
            f"shows a certificate that is not trusted ({reason}): name its CA in ca_file, and the "
            "host as the certificate does."
        )
    return f"does not speak TLS as it should ({why}): look into its log."


def _away(code: int, why: str, seconds: float) -> str:
    if "timed out" in why:
        return f"does not answer within {seconds:g} s: is it on, or too busy?"
    if "Name or service not known" in why or "name resolution" in why or "No address" in why:
        return "is unknown: is the host's name right, does the network work?"
    if "refused" in why:
        return "refuses the connection: does the server run there, and is the port right?"
    if code in (-1, 2006, 2013, 2055):
        return "has closed the connection: it is tried again."
    return f"cannot be reached ({why}): is it on, and the address right?"

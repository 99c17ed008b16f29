"""What the station says of itself, collected from the source: the pieces of its English sentences
and of the meanings of quantities, with {0}, {1} for what is filled in.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import s0web
from s0web.quantities import QUANTITIES

SOURCE = Path(s0web.__file__).parent
TALKERS = (  # what they say can be a health, a switch's reason, an answer to a wish, an error page
    *("sources/*", "sinks/*", "hardware/*", "switches/*", "derived/*"),
    *("energy/relays", "energy/diagnosis", "energy/dayahead", "bot/talk", "bot/api"),
    *("workers", "guarded", "keeping", "followers", "station", "statelock", "assembly"),
    *("archive/disk", "archive/schema", "archive/thinning", "archive/asides"),
    *("archive/backup", "archive/bundle"),
    *("web/rights", "web/backup", "web/config", "web/corrections", "web/grafana"),
    *("web/legacy", "web/rejected", "web/switches"),
)
ELSEWHERE = {  # functions whose texts are for the dialog or nobody
    *("wrong", "_wrong_ssh", "trigger", "correct", "server", "hosts", "place"),
    *("place_of", "is_poison", "is_conflict", "iso", "__str__"),
    *("unpack", "_unpacked"),
    *("electricity", "change", "_corrected", "_minutes"),  # for programs
}
ASKED = {"obey", "fast", "wish"}  # functions that refuse a command with a line of the log
CALLS = {"debug", "info", "warning", "error", "log", "execute"}  # of the log, of SQLite
CALLS |= {"_wrong"}  # of the dialog, which has words of its own
NO_SENTENCE = re.compile(r"[|\n]|\(\?|s\.logger|\b(SELECT|INSERT) |timestamptz|double precision")
TYPED = re.compile(r"^(sudo |apt |pip |chmod |Digest |s0web \w+ \{)")  # by people, or programs
OF_OTHERS = {  # what servers and programs say, and names
    *("Could not resolve", "authentication method", "does not support SSL", "open failed"),
    *(
        "verify failed",
        "form key",
        "no longer wanted",
        "costs need them",
        "by /trigger",
        "cost {0}",
    ),
    *("derived {0}", "switch {0}", "{0} at {1}", "mysql-connector-python {0}, pure Python"),
    *("dd.mm.yyyy hh:mm:ss", 'The body is no JSON object such as {"state"'),
}
HOLE = re.compile(r"\{[^{}]*\}")
WORDS = re.compile(r"\b[a-z]{2,},? [a-z{]|\} [a-z]{2,} ")


def numbered(text: str) -> str:
    """{0}, {1} ... for what is filled in."""
    found = iter(range(99))
    return HOLE.sub(lambda _: f"{{{next(found)}}}", text)


def pieces(text: str) -> Iterator[str]:
    """Cut behind . : ; and ?, but not within brackets, as static/sentences.js does."""
    text = re.sub(r"([.?]|\} s)\{[^{}]*\}", r"\1", text)  # a sentence of its own is filled in there
    depth, piece = 0, ""
    for word in [*text.split(" "), "."]:
        piece += f" {word}"
        depth = max(0, depth + word.count("(") - word.count(")"))
        if word == "." or (not depth and word[-1:] in tuple(".:;?")):
            yield numbered(piece.strip(" .").rstrip(".:;, "))
            piece = ""


def joined(text: ast.JoinedStr) -> str:
    parts = text.values
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)


def texts(node: ast.AST) -> Iterator[str]:
    """Those that may be told."""
    match node:
        case ast.FunctionDef(name=name) if name in ELSEWHERE:
            return
        case ast.FunctionDef(name=name) if name in ASKED:
            for part in ast.walk(node):
                if isinstance(part, ast.Raise):
                    part.exc = None
        case ast.Compare() | ast.Expr(value=ast.Constant()):
            return  # words of others that are looked for; docstrings
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in CALLS:
            return
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield joined(node)
            for part in parts:
                if isinstance(part, ast.FormattedValue):
                    yield from texts(part)
            return
    for child in ast.iter_child_nodes(node):
        yield from texts(child)


@cache
def words() -> frozenset[str]:
    """The pieces of every text of the source: short ones are filled in."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    told = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    told |= {joined(node) for node in nodes if isinstance(node, ast.JoinedStr)}
    told |= {f"{{}}{text}{{}}" for text in told if text in (", then ",)}
    return frozenset(piece for text in told for piece in pieces(text))


@cache
def said() -> frozenset[str]:
    """The pieces of all sentences."""
    paths = [path for name in TALKERS for path in sorted(SOURCE.glob(f"{name}.py"))]
    found = [text for path in paths for text in texts(ast.parse(path.read_text(encoding="utf-8")))]
    sentences = [text for text in found if not NO_SENTENCE.search(text)]
    cut = {piece for text in sentences for piece in pieces(text)}
    told = {piece for piece in cut if WORDS.search(piece) and not TYPED.match(piece)}
    return frozenset(told - OF_OTHERS) | meanings()


def meanings() -> frozenset[str]:
    """Of quantities; that of one phase is `{0}, phase {1}`."""
    told = set()
    for quantity in QUANTITIES.values():
        whole, of, phase = quantity.meaning.partition(", phase ")
        told |= {whole, f"{{}}{of}{{}}"} if phase else {re.sub(r"\bL\d|(?<=relay )\d", "{}", whole)}
    cut = {piece for text in told for piece in pieces(text)}
    return frozenset(piece for piece in cut if re.search("[a-z]", piece))


def ways(piece: str) -> set[str]:
    """How a catalogue may write a piece: … stands for who is spoken of."""
    bare = re.sub(r"^\{0\} ", "", piece)
    return {piece, f"… {piece}", f"… {numbered(bare)}"}

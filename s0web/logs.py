"""Where messages go, as [log] says; may be configured anew while it runs."""

import logging
import logging.handlers
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

ROOT = logging.getLogger("s0web")
JOURNAL = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class _Journal(logging.StreamHandler[TextIO]):
    """journald reads the priority of a line from its first characters (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        first, *rest = super().format(record).split("\n")
        priority = f"<{JOURNAL.get(record.levelno, 6)}>"
        return "\n".join(priority + line for line in (first, *rest))


def configure(options: Mapping[str, Any]) -> None:
    """Send the messages of s0web where the checked options of [log] say.

    A log file that cannot be written stops no station: stderr takes its place, and is told why.
    """
    problem = ""
    stamp = "" if options["target"] == "journal" else "%(asctime)s "
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if options["target"] == "journal":
        handler = _Journal(sys.stderr)
    elif options["target"] == "file":
        path = Path(options["file"] or "s0web.log")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.handlers.RotatingFileHandler(
                path,
                maxBytes=options["size"],
                backupCount=max(1, options["keep"]),
                encoding="utf-8",
            )
        except OSError as error:
            problem = f"[log] file: {path} cannot be written ({error.strerror}); stderr is used."
    form = logging.Formatter(stamp + "%(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
    handler.setFormatter(form)
    for old in ROOT.handlers[:]:
        ROOT.removeHandler(old)
        old.close()
    ROOT.addHandler(handler)
    ROOT.propagate = False
    ROOT.setLevel(options["level"].upper())
    if problem:
        ROOT.error(problem)

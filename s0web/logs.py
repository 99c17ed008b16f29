"""Where messages go, as [log] says; `set_level` changes what is worth a line while it runs."""

import logging
import logging.handlers
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from .errors import ConfigError

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
    """Send the messages of s0web where the checked options of [log] say; ConfigError when that
    cannot be written.
    """
    handler: logging.Handler
    stamp = "%(asctime)s "
    if options["target"] == "file":
        path = Path(options["file"] or "s0web.log")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handler = logging.handlers.RotatingFileHandler(
                path, maxBytes=options["size"], backupCount=options["keep"], encoding="utf-8"
            )
        except OSError as error:
            raise ConfigError(
                f"[log] file: {path} cannot be written ({error.strerror})."
            ) from error
    elif options["target"] == "journal":
        handler, stamp = _Journal(sys.stderr), ""
    else:
        handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter(stamp + "%(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
    )
    for old in ROOT.handlers[:]:
        ROOT.removeHandler(old)
        old.close()
    ROOT.addHandler(handler)
    ROOT.propagate = False
    set_level(options["level"])


def set_level(level: str) -> None:
    ROOT.setLevel(level.upper())

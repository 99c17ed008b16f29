"""Whether the INI has become another file, and is no longer being written."""

from pathlib import Path

Look = tuple[int, ...]


class IniWatch:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._look: Look = ()  # what the file was at the last look
        self._told: Look = ()  # what it was when a change was told last

    def has_changed(self) -> bool:
        """One look, to be taken about once a second; a change is told once, when it has settled."""
        try:
            told = self._path.stat()
        except OSError:
            return False
        look = (told.st_mtime_ns, told.st_ino, told.st_size)
        is_settled, self._look = look == self._look, look
        if not is_settled or look == self._told:
            return False
        self._told = look
        return True

"""Where a station's archive lies: what [archive] path says, or beside the INI."""

from pathlib import Path

from ..config import Config

FILES = {False: "archive.db", True: "archive-simulated.db"}  # a simulated house has one of its own


def archive_path(config: Config) -> Path:
    """`path` may name a folder, a relative one beside the INI whoever asks from wherever; the
    simulated house never writes into the real one's file.
    """
    return config.path.parent / str(config.sections["archive"]["path"]) / FILES[config.simulate]

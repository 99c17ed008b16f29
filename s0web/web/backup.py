"""The backup as a download: what `s0web backup` makes, made first and then sent from disk.

One at a time. It is made beside the archive, since /tmp may be memory, and has no name any more
when it is sent: whatever ends the sending, or this process, frees its room.
"""

import io
import shutil
from datetime import datetime

from flask import Blueprint, Response, abort, current_app, request
from werkzeug.wsgi import wrap_file

from .. import config as ini
from ..archive.backup import Made, file_name, making
from ..archive.place import archive_path
from ..config import Config
from ..errors import S0WebError
from ..statelock import StateLock
from ..station import Station
from .rights import changing, token_right

PREFIX, LOCK = ".s0web-page-", "backup.lock"  # beside the archive
CHUNK = 64 * 1024  # bytes
BEGUN = "s0web_backup"  # a cookie, for the page cannot see a download begin
SHOWN = 30  # s that it stays


class Parcel(io.FileIO):
    """A backup without a name; until it is closed nobody else gets one."""

    def __init__(self, made: Made, lock: StateLock) -> None:
        self.is_whole, self._lock = made.held is not None, lock
        super().__init__(made.path)

    def close(self) -> None:
        super().close()
        self._lock.drop()


def backup_blueprint() -> Blueprint:
    blueprint = Blueprint("backup", __name__)
    blueprint.add_url_rule("/backup", view_func=download, methods=["POST"])
    return blueprint


@changing
def download() -> Response:
    """The file, once it was read back; 409 while another is made or sent, 503 where none can be."""
    if not token_right(request.form.get("token", "")):
        abort(400, "The page was too old: open the page Devices again and press the button there.")
    station: Station = current_app.extensions["station"]
    now = station.clock.now()
    try:
        config = ini.load(station.path)
        parcel = _parcel(config, now)
    except S0WebError as error:
        abort(503, f"There is no backup: {error}")
    response = Response(
        wrap_file(request.environ, parcel, CHUNK),
        mimetype="application/zip",
        direct_passthrough=True,
    )
    response.content_length = parcel.seek(0, io.SEEK_END)
    parcel.seek(0)
    name = file_name(config, now)
    if not parcel.is_whole:  # no archive: is the disk there that it lies on?
        name = f"settings-of-{name}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    path = f"{request.script_root}/"
    response.set_cookie(BEGUN, "begun", max_age=SHOWN, path=path, samesite="Strict")
    return response


def _parcel(config: Config, now: datetime) -> Parcel:
    place = archive_path(config).parent
    lock = StateLock(place / LOCK)
    try:
        if not lock.take():
            abort(409, "A backup is being made or fetched already; try again in some minutes.")
        for left in place.glob(f"{PREFIX}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        with making(config, place, now, prefix=PREFIX) as made:
            return Parcel(made, lock)
    except BaseException:
        lock.drop()
        raise

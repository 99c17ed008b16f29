"""What wsgi/s0web.wsgi serves: the one station of this process, and its application.

A module is made once, however often a server loads that file. Nothing here reads the INI or
touches a wire: the keeper does, so loading never fails for what is wrong with either.
"""

import atexit
import sys

from ..config import ini_path
from ..station import Station
from .app import create_app

SWITCH = 0.0005  # s; a heavy handler shall not keep the wires waiting

station = Station(ini_path())
application = create_app(station)


def start() -> None:
    """Start the station, and have it end in order with the process; may be called twice.

    mod_wsgi tells of the end before it waits for open requests, and may kill instead of waiting: so
    the station drains from then on. `atexit` comes when the last request has ended.
    """
    sys.setswitchinterval(SWITCH)
    try:
        import mod_wsgi
    except ImportError:
        pass  # another WSGI server: `atexit` is enough
    else:
        mod_wsgi.subscribe_shutdown(lambda *told, **more: station.drain())
    atexit.register(station.stop)
    station.start()

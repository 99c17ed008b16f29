"""A TCP proxy on loopback, between the station and a server: the network that fails."""

import contextlib
import socket
import threading

CHUNK = 65_536


class Proxy:
    """Forwards `port` to another port; what it holds back while it stalls comes late, as on a real
    line.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self._flow = threading.Event()
        self._flow.set()
        self._refuses = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Nothing goes through and nobody is told: a cable that is pulled."""
        self._flow.clear()

    def cut(self) -> None:
        """All connections are hung up, and new ones at once."""
        self._refuses = True
        self._hang_up()

    def heal(self) -> None:
        self._refuses = False
        self._flow.set()

    def close(self) -> None:
        self.cut()
        self._flow.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _hang_up(self) -> None:
        with self._lock:
            for wire in self._open:
                _end(wire)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        """One connection, until either side ends it."""
        with near, contextlib.suppress(OSError):  # the server is away
            self._flow.wait()
            with socket.create_connection(("127.0.0.1", self._to), 10) as far:
                far.settimeout(None)
                with self._lock:
                    self._open |= {near, far}
                if self._refuses:
                    self._hang_up()
                back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
                back.start()
                self._pump(near, far)
                back.join()
                with self._lock:
                    self._open -= {near, far}

    def _pump(self, source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._flow.wait()
                to.sendall(data)
        self._flow.wait()
        _end(to)
        _end(source)


def _end(wire: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it ended by itself
        wire.shutdown(socket.SHUT_RDWR)

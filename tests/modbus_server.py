"""Modbus as others speak it: pymodbus servers, a plain gateway, and a cable between two ptys."""

import asyncio
import os
import select
import socket
import threading
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def _meter(values: Sequence[int]) -> list[SimDevice]:
    data = SimData(address=0, values=list(values), datatype=DataType.REGISTERS)
    return [SimDevice(id=1, simdata=[data])]


@contextmanager
def _served(
    make: Callable[[], Any],
) -> Iterator[Any]:
    """Run a pymodbus server in a thread and a loop of its own."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    server: list[Any] = []

    async def serve() -> None:
        server.append(make())
        await server[0].serve_forever(background=True)
        ready.set()
        await server[0].serving

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10), "the server did not start"
    yield server[0]
    asyncio.run_coroutine_threadsafe(server[0].shutdown(), loop).result(10)
    thread.join(10)
    loop.close()


@contextmanager
def tcp_server(values: Sequence[int], framer: FramerType) -> Iterator[str]:
    """Unit 1 with these registers; yields host:port."""
    address = ("127.0.0.1", 0)
    with _served(lambda: ModbusTcpServer(_meter(values), framer=framer, address=address)) as server:
        port = server.transport.sockets[0].getsockname()[1]
        yield f"127.0.0.1:{port}"


@contextmanager
def rtu_server(values: Sequence[int]) -> Iterator[str]:
    """Unit 1 with these registers on a serial port; yields the path of the cable's other end."""
    with (
        cable() as (near, far),
        _served(
            lambda: ModbusSerialServer(
                _meter(values), framer=FramerType.RTU, port=far, baudrate=9600
            )
        ),
    ):
        yield near


@contextmanager
def cable() -> Iterator[tuple[str, str]]:
    """Two ptys joined; what goes in at one end comes out at the other."""
    pairs = [os.openpty() for _ in range(2)]
    for pair in pairs:
        tty.setraw(pair[1])
    masters = [master for master, _ in pairs]
    stop, bell = os.pipe()

    def pump() -> None:
        while True:
            ready, _, _ = select.select([stop, *masters], [], [])
            if stop in ready:
                return
            for end in ready:
                os.write(masters[1 - masters.index(end)], os.read(end, 4096))

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    yield os.ttyname(pairs[0][1]), os.ttyname(pairs[1][1])
    os.write(bell, b"!")
    thread.join(10)
    for fd in (stop, bell, *(fd for pair in pairs for fd in pair)):
        os.close(fd)


class Gateway:
    """A TCP server that says to each request what `answer` returns, in pieces; None ends it. It
    takes so many connections, one after the other.
    """

    def __init__(
        self, answer: Callable[[bytes], Sequence[bytes] | None], connections: int = 1
    ) -> None:
        self._answer, self._connections = answer, connections
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for _ in range(self._connections):
            self._serve(self._listener.accept()[0])

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while request := connection.recv(256):
                pieces = self._answer(request)
                if pieces is None:
                    return
                for piece in pieces:
                    connection.sendall(piece)

    def close(self) -> None:
        self._thread.join(10)
        self._listener.close()

"""A Modbus bus, opened by what its port says: a serial line, or a gateway of one of two kinds.

1. `/dev/...`: RTU on a local port. 2. `socket://host:port`: the same RTU frames through a network
(ser2net, transparent gateways). 3. `tcp://host:502`: Modbus TCP, the gateway makes the frames.
"""

from . import Bus, BusLine


def open_bus(line: BusLine) -> Bus:
    """Claim the bus; raises SourceError with a sentence that names the port and the reason.

    The text of a ReplyError of its `read` is the cause alone ("no answer within 0.30 s"): who asks
    knows the meter and the registers.
    """
    if line.port.startswith("tcp://"):
        from .modbus_tcp import TcpBus

        return TcpBus(line)
    from .modbus_rtu import RtuBus

    return RtuBus(line)

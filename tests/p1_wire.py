"""A P1 line in memory, with the clock in hand, and the telegrams that come over it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from s0web.clock import Clock, FakeClock
from s0web.hardware import Edges, Line, Port
from s0web.meters.p1 import crc16
from s0web.model import Reading, Telling, Trouble
from s0web.sources.p1 import P1Source

METER = "1SAG1100000292"
NOISE = bytes(
    (byte * 89 + 57) % 256 for byte in range(256)
)  # what another baud rate makes of bytes
START = FakeClock().now()


def telegram(
    at: datetime, *more: str, power: float = 0.5, gas: float = 112.384, meter: str = METER
) -> bytes:
    """A Belgian telegram with a peak and a gas meter, whose stamps are those of START."""

    def stamp(moment: datetime) -> str:
        return (moment + timedelta(hours=1)).strftime("%y%m%d%H%M%SW")

    lines = (
        "/FLU5\\253769484_A",
        "",
        "0-0:96.1.4(50221)",
        f"0-0:96.1.1({meter.encode().hex()})",
        f"0-0:1.0.0({stamp(at)})",
        "1-0:1.8.1(000123.456*kWh)",
        "1-0:1.8.2(000234.567*kWh)",
        f"1-0:1.7.0({power:06.3f}*kW)",
        "1-0:2.7.0(00.000*kW)",
        f"1-0:1.6.0({stamp(START - timedelta(days=1))})(02.589*kW)",
        "0-0:96.14.0(0001)",
        *more,
        "0-1:24.1.0(003)",
        f"0-1:96.1.1({b'37464C4F32313139303333373333'.decode()})",
        f"0-1:24.2.3({stamp(START - timedelta(minutes=5))})({gas:09.3f}*m3)",
    )
    body = "".join(line + "\r\n" for line in lines).encode() + b"!"
    return body + b"%04X\r\n" % crc16(body)


OLD = (  # DSMR 3.0: no version, no time, no CRC
    b"/ISk5\\2ME382-1003\r\n\r\n0-0:96.1.1(4B414C37303035303739363336333132)\r\n"
    b"1-0:1.8.1(00001.001*kWh)\r\n1-0:1.8.2(00002.002*kWh)\r\n1-0:1.7.0(0001.19*kW)\r\n!\r\n"
)


class Wire:
    """A port in memory: bytes that come at moments of the fake clock, as fast as its baud rate."""

    def __init__(self, clock: FakeClock, baud: int = 115200) -> None:
        self.clock, self.baud, self.tuned = clock, baud, 0
        self.pieces: list[tuple[float, bytes]] = []  # moment, bytes; in order
        self.opened: list[int] = []
        self.looks = 0
        self.failure: OSError | None = None
        self.missing = ""

    def send(self, data: bytes, after: float = 0.0, burst: int = 12) -> None:
        """Let data come from `after` s from now on, in bursts at the pace of the line."""
        start = self.clock.monotonic() + after
        for i in range(0, len(data), burst):
            done = min(i + burst, len(data)) * 10 / self.baud
            self.pieces.append((start + done, data[i : i + burst]))

    def read(self, seconds: float) -> bytes:
        self.looks += 1
        if self.failure:
            raise self.failure
        wait = self.pieces[0][0] - self.clock.monotonic() if self.pieces else seconds
        self.clock.advance(min(seconds, max(0.0, wait + 1e-6)))
        due = [piece for piece in self.pieces if piece[0] <= self.clock.monotonic()]
        del self.pieces[: len(due)]
        data = b"".join(chunk for _, chunk in due)
        return data if self.tuned == self.baud else data.translate(NOISE)

    def set_baud(self, baud: int) -> None:
        self.tuned = baud

    def close(self) -> None:
        self.tuned = 0


class OneWire:
    """Wires with a single port."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def edges(self, chip: str, lines: Sequence[Line]) -> Edges:
        raise OSError("no pins here")

    def port(self, name: str, baud: int) -> Port:
        if self.wire.missing:
            raise OSError(self.wire.missing)
        self.wire.opened.append(baud)
        self.wire.tuned = baud
        return self.wire

    def monotonic(self) -> float:
        return self.wire.clock.monotonic()

    def close(self) -> None: ...


def totals(device: str) -> Mapping[str, float]:
    return {}


def source_on(wire: Wire, **options: object) -> P1Source:
    sections = {"grid": {"port": "/dev/ttyP1", "baud": 0, "patience": 30.0, **options}}
    return P1Source(sections, OneWire(wire), wire.clock, totals)


def run(source: P1Source, clock: Clock, seconds: float) -> list[Telling]:
    """Read for so many seconds of the clock."""
    told: list[Telling] = []
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        told += source.read()
    return told


def readings(told: Sequence[Telling], device: str = "grid") -> list[Reading]:
    """The main readings of the device, each with a power or a volume."""
    found = [item for item in told if isinstance(item, Reading) and item.device == device]
    return [item for item in found if {"power", "volume"} & set(item.values)]


def troubles(told: Sequence[Telling]) -> list[Trouble]:
    return [item for item in told if isinstance(item, Trouble)]


def feed(wire: Wire, seconds: int, every: int = 1, damage: int = 0, behind: float = 0.0) -> None:
    """A telegram each so many seconds, from 0.2 s on; every `damage`-th of them damaged."""
    for i in range(0, seconds, every):
        moment = wire.clock.now() + timedelta(seconds=i - behind)
        data = telegram(moment, power=i / 1000)
        if damage and i // every % damage == damage - 1:
            data = data.replace(b"000123", b"000223")
        wire.send(data, 0.2 + i)

"""Telegrams for the tests: the golden ones, and telegrams built from lines."""

from datetime import UTC, datetime
from pathlib import Path

from s0web.meters.p1 import crc16, parse
from s0web.meters.telegram import readings
from s0web.model import Reading

GOLDEN = {path.stem: path for path in sorted((Path(__file__).parent / "golden").glob("*.txt"))}
NOW = datetime(2023, 2, 14, 16, 35, 2, tzinfo=UTC)  # the time of belgian()
BELGIAN = ("0-0:96.1.4(50221)", "0-0:1.0.0(230214173502W)")


def golden(name: str) -> bytes:
    """The golden telegram as it is on the wire, with CR LF (files keep LF)."""
    return GOLDEN[name].read_bytes().replace(b"\n", b"\r\n")


def sign(body: str | bytes) -> bytes:
    """Put the right CRC behind a telegram that ends with '!'."""
    data = body.encode("latin-1") if isinstance(body, str) else body
    return data + b"%04X\r\n" % crc16(data)


def telegram(*lines: str, ident: str = "FLU5\\253769484_A") -> bytes:
    """A telegram of these lines with right CRC."""
    return sign("\r\n".join((f"/{ident}", "", *lines, "!")))


def belgian(*lines: str) -> bytes:
    """A Belgian telegram of 2023-02-14 16:35:02 UTC with these lines after version and time."""
    return telegram(*BELGIAN, *lines)


def told(raw: bytes, arrived: datetime | None = None) -> dict[str, Reading]:
    """The Readings of a telegram by device; the monthly peak as "peak"."""
    whole = parse(raw)
    found = readings(whole, "grid", arrived or whole.time or NOW)
    assert found[0].device == "grid"
    return {"peak" if "peak" in each.values else each.device: each for each in found}


def gas(number: int, stamp: str, volume: str, equipment: str = "") -> tuple[str, ...]:
    """The lines of a gas meter on this channel."""
    name = equipment or f"7FLO210000000{number}"
    return (
        f"0-{number}:24.1.0(003)",
        f"0-{number}:96.1.1({name.encode().hex().upper()})",
        f"0-{number}:24.2.3({stamp})({volume})",
    )

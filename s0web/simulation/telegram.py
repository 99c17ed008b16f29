"""What the meter of the simulated house says on its P1 port: Belgian, three-phase, eMUCS-P1 50221.

Every line of the specification's polyphase example is there, in its order and formats. Registers
are cut off to what a line can show; gas and water are told as they were at the last five minutes.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ..meters.p1 import crc16
from .house import House, Truth
from .peaks import BRUSSELS, Peak, month_of

IDENT = "FLU5\\253769484_A"
EAN, SERIAL = "541448820054871903", "1SAG1100548719"
GAS_EAN, GAS_SERIAL = "541448820061203374", "7FLO2120612033"
WATER_EAN, WATER_SERIAL = "541448820070461187", "8SEN0070461187"
MBUS_SECONDS = 300  # between two readings of the gas and water meters


def telegram(house: House, t: datetime) -> bytes:
    """The telegram of that second, from "/" to the line end after its CRC; t is aware."""
    truth = house.at(t)
    minutes = timedelta(seconds=int(truth.time.timestamp()) % MBUS_SECONDS)
    lines = (
        f"/{IDENT}",
        "",
        *_registers(truth),
        *_peaks(truth, house.peaks(t)),
        *_powers(truth),
        *_switches(),
        *_meters(house.at(truth.time - minutes)),
        "!",
    )
    body = "\r\n".join(lines).encode("ascii")
    return body + b"%04X\r\n" % crc16(body)


def stamp(t: datetime) -> str:
    """Local time with its flag: YYMMDDhhmmss, then S in summer time or W in winter time."""
    local = t.astimezone(BRUSSELS)
    return f"{local:%y%m%d%H%M%S}{'S' if local.dst() else 'W'}"


def _registers(truth: Truth) -> Iterator[str]:
    yield "0-0:96.1.4(50221)"
    yield "1-0:94.32.1(400)"
    yield f"0-0:96.1.1({_hex(SERIAL)})"
    yield f"0-0:96.1.2({_hex(EAN)})"
    yield f"0-0:1.0.0({stamp(truth.time)})"
    yield f"1-0:1.8.1({_thousandths(truth.energy_import_high, 6)}*kWh)"
    yield f"1-0:1.8.2({_thousandths(truth.energy_import_low, 6)}*kWh)"
    yield f"1-0:2.8.1({_thousandths(truth.energy_export_high, 6)}*kWh)"
    yield f"1-0:2.8.2({_thousandths(truth.energy_export_low, 6)}*kWh)"
    yield f"0-0:96.14.0({'0001' if truth.tariff == 'high' else '0002'})"


def _peaks(truth: Truth, history: tuple[Peak, ...]) -> Iterator[str]:
    """Demand, peak of the month, and those of months past, each with the end of its month."""
    rows = (
        f"({stamp(_end(peak.month))})({stamp(peak.time)})({_kw(peak.power)})" for peak in history
    )
    yield f"1-0:1.4.0({_kw(truth.demand)})"
    yield f"1-0:1.6.0({stamp(truth.peak_time)})({_kw(truth.peak)})"
    yield f"0-0:98.1.0({len(history)})(1-0:1.6.0)(1-0:1.6.0){''.join(rows)}"


def _end(month: datetime) -> datetime:
    return month_of(month + timedelta(days=32))


def _powers(truth: Truth) -> Iterator[str]:
    yield f"1-0:1.7.0({_kw(truth.power)})"
    yield f"1-0:2.7.0({_kw(-truth.power)})"
    for code, power in zip((21, 41, 61), truth.phases, strict=True):
        yield f"1-0:{code}.7.0({_kw(power)})"
    for code, power in zip((22, 42, 62), truth.phases, strict=True):
        yield f"1-0:{code}.7.0({_kw(-power)})"
    for code, volts in zip((32, 52, 72), truth.voltages, strict=True):
        yield f"1-0:{code}.7.0({volts:05.1f}*V)"
    for code, amperes in zip((31, 51, 71), truth.currents, strict=True):
        yield f"1-0:{code}.7.0({amperes:06.2f}*A)"


def _switches() -> Iterator[str]:
    yield "0-0:96.3.10(1)"
    yield "0-0:17.0.0(99.999*kW)"
    yield "1-0:31.4.0(999.99*A)"
    for relay in range(1, 5):
        yield f"0-{relay}:96.3.10(0)"
    yield "0-0:96.13.0()"


def _meters(truth: Truth) -> Iterator[str]:
    """Gas on channel 1 (not temperature corrected, with a valve), water on channel 2."""
    yield "0-1:24.1.0(003)"
    yield f"0-1:96.1.1({_hex(GAS_SERIAL)})"
    yield f"0-1:96.1.2({_hex(GAS_EAN)})"
    yield "0-1:24.4.0(1)"
    yield f"0-1:24.2.3({stamp(truth.time)})({_thousandths(truth.gas, 5)}*m3)"
    yield "0-2:24.1.0(007)"
    yield f"0-2:96.1.1({_hex(WATER_SERIAL)})"
    yield f"0-2:96.1.2({_hex(WATER_EAN)})"
    yield f"0-2:24.2.1({stamp(truth.time)})({_thousandths(truth.water, 5)}*m3)"


def _hex(text: str) -> str:
    return text.encode("ascii").hex().upper()


def _kw(watts: int) -> str:
    """The positive part, as 00.000*kW."""
    return f"{max(watts, 0) / 1000:06.3f}*kW"


def _thousandths(number: float, digits: int) -> str:
    """So many digits, a point and three decimals, cut off."""
    whole, rest = divmod(int(number * 1000 + 1e-5), 1000)  # 1 Ws is 3e-4 of the last digit
    return f"{whole:0{digits}d}.{rest:03d}"

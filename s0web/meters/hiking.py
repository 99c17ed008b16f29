"""Small one-phase meters that count hundredths of a kWh: Hiking's DDS238-2, and the DDS353."""

from .registers import Meter, Register, series

_TOTAL = (  # what the display shows
    Register("energy_total", 0, "uint32", 0.01),
)

DDS238 = Meter(
    "DDS238-2", "Hiking", "one phase; ZN/S too",
    "fawno/Modbus, DDS238-2 ZN-S Modbus.md", 1, 3,
    (
        *_TOTAL,
        *series(0x08, "energy_export energy_import", "uint32", 0.01),
        Register("voltage", 0x0C, "uint16", 0.1),
        Register("current", 0x0D, "uint16", 0.01),
        *series(0x0E, "power reactive_power", "int16"),
        Register("power_factor", 0x10, "uint16", 0.001),
        Register("frequency", 0x11, "uint16", 0.01),
    ),
    sizes=(18, 12, 2), areas=((0x00, 0x12),),
)  # fmt: skip
DDS353 = Meter(
    "DDS353", "various", "one phase; DDS353B too; tells what its display shows, no power",
    "Hofei90/smartmeter, class DDS353B: register 0, hundredths; the width is the DDS238-2's", 1, 3,
    (*_TOTAL, Register("energy_import", 0, "uint32", 0.01)),  # it tells no direction: it was used
    sizes=(2,),
)  # fmt: skip

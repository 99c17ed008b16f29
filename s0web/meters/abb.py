"""ABB's meters of the B series: integers, and a pattern of ones where a value does not exist."""

from .registers import Meter, Probe, Register, series

_SOURCE = (
    "ABB, B23/B24 user manual 2CMC485003M0201, as volkszaehler/mbmd, meters/rs485/abb.go, and "
    "victronenergy/dbus-modbus-client, abb.py, read it"
)
_SERIAL = Probe(3, 0x8900, "uint32")
_CODE = Probe(
    3, 0x8960, "uint32", {0x42323120: "abb_b21", 0x42323320: "abb_b23", 0x42323420: "abb_b23"}
)
_ENERGY = series(0x5000, "energy_import energy_export", "uint64", 0.01)
_FREQUENCY = Register("frequency", 0x5B2C, "uint16", 0.01)

B23 = Meter(
    "ABB B23", "ABB", "three phases; B24 too", _SOURCE, 3, 3,
    (
        *series(
            0x5B00, "voltage_l1 voltage_l2 voltage_l3 voltage_l1_l2 voltage_l2_l3 voltage_l3_l1",
            "uint32", 0.1,
        ),
        *series(0x5B0C, "current_l1 current_l2 current_l3 current_neutral", "uint32", 0.01),
        *series(0x5B14, "power power_l1 power_l2 power_l3", "int32", 0.01),
        *series(
            0x5B1C, "reactive_power reactive_power_l1 reactive_power_l2 reactive_power_l3",
            "int32", 0.01,
        ),
        *series(
            0x5B24, "apparent_power apparent_power_l1 apparent_power_l2 apparent_power_l3",
            "int32", 0.01,
        ),
        _FREQUENCY,
        *series(
            0x5B3A, "power_factor power_factor_l1 power_factor_l2 power_factor_l3",
            "int16", 0.001,
        ),
        *_ENERGY,
        *series(0x5460, "energy_import_l1 energy_import_l2 energy_import_l3", "uint64", 0.01),
        *series(0x546C, "energy_export_l1 energy_export_l2 energy_export_l3", "uint64", 0.01),
    ),
    sizes=(50, 30, 10), serial=_SERIAL, code=_CODE,
)  # fmt: skip
B21 = Meter(
    "ABB B21", "ABB", "one phase", _SOURCE, 1, 3,
    (
        Register("voltage", 0x5B00, "uint32", 0.1),
        Register("current", 0x5B0C, "uint32", 0.01),
        Register("power", 0x5B14, "int32", 0.01),
        _FREQUENCY,
        Register("power_factor", 0x5B3A, "int16", 0.001),
        *_ENERGY,
    ),
    sizes=(50, 30, 10), areas=((0x5B00, 0x5B2D),), serial=_SERIAL, code=_CODE,
)  # fmt: skip

"""ORNO's meters, and B+G e-tech's WS100 that is built like one of them."""

from .registers import Meter, Register, series

_MBMD = "volkszaehler/mbmd, meters/rs485/"

WE504 = Meter(
    "WE-504", "ORNO", "one phase", _MBMD + "orno1p504.go", 1, 3,
    (
        *series(0x00, "voltage current frequency", "uint16", 0.1),
        *series(0x03, "power reactive_power apparent_power", "int16"),
        Register("power_factor", 0x06, "int16", 0.001),
        # what it counts has no sign: it is what was used
        *series(0x07, "energy_import reactive_energy_total", "uint32", 0.001),
        Register("energy_total", 0x07, "uint32", 0.001),
    ),
    sizes=(11, 4, 2),
)  # fmt: skip
WE514 = Meter(
    "WE-514", "ORNO", "one phase; WE-515 too",
    _MBMD + "orno1p.go, after ORNO's register description", 1, 3,
    (
        *series(0x130, "frequency voltage", "uint16", 0.01),
        Register("current", 0x139, "uint32", 0.001),
        Register("power", 0x140, "int32"),
        Register("reactive_power", 0x148, "int32"),
        Register("apparent_power", 0x150, "int32"),
        Register("power_factor", 0x158, "int16", 0.001),
        Register("energy_import", 0xA000, "uint32", 0.01),
        Register("energy_total", 0xA000, "uint32", 0.01),
        Register("reactive_energy_total", 0xA01E, "uint32", 0.01),
    ),
    sizes=(50, 30, 10, 2), areas=((0x130, 0x159), (0xA000, 0xA00A)),  # between: phases, tariffs
)  # fmt: skip
_KILO = 1000  # the registers are in kW, kvar and kVA
WE516 = Meter(
    "WE-516", "ORNO", "three phases; WE-517 too", _MBMD + "orno3p.go", 3, 3,
    (
        *series(0x0E, "voltage_l1 voltage_l2 voltage_l3 frequency"),
        *series(0x16, "current_l1 current_l2 current_l3"),
        *series(0x1C, "power power_l1 power_l2 power_l3", scale=_KILO),
        *series(
            0x24, "reactive_power reactive_power_l1 reactive_power_l2 reactive_power_l3",
            scale=_KILO,
        ),
        *series(
            0x2C, "apparent_power apparent_power_l1 apparent_power_l2 apparent_power_l3",
            scale=_KILO,
        ),
        *series(0x34, "power_factor power_factor_l1 power_factor_l2 power_factor_l3"),
        *series(0x100, "energy_total energy_total_l1 energy_total_l2 energy_total_l3"),
        *series(0x108, "energy_import energy_import_l1 energy_import_l2 energy_import_l3"),
        *series(0x110, "energy_export energy_export_l1 energy_export_l2 energy_export_l3"),
        *series(0x118, "reactive_energy_total reactive_energy_total_l1 reactive_energy_total_l2 "
                "reactive_energy_total_l3"),
        *series(0x120, "reactive_energy_import reactive_energy_import_l1 reactive_energy_import_l2 "
                "reactive_energy_import_l3"),
        *series(0x128, "reactive_energy_export reactive_energy_export_l1 reactive_energy_export_l2 "
                "reactive_energy_export_l3"),
    ),
    sizes=(60, 30, 10, 2),
)  # fmt: skip
_SHARED = (  # the WE-525 and the WS100
    Register("voltage", 0x100, "uint32", 0.001),
    Register("current", 0x102, "int32", 0.001),
    Register("power", 0x104, "int32"),
    Register("apparent_power", 0x106, "uint32"),
    Register("reactive_power", 0x108, "int32"),
    Register("frequency", 0x10A, "uint16", 0.1),
    Register("power_factor", 0x10B, "int16", 0.001),
    Register("energy_import", 0x10E, "uint32", 0.01),
    Register("energy_export", 0x118, "uint32", 0.01),
    Register("energy_total", 0x122, "uint32", 0.01),
)  # fmt: skip
WE525 = Meter(
    "WE-525", "ORNO", "one phase; WE-526 too",
    _MBMD + "orno1p525.go, after ORNO's OR-WE-525_rejestry.pdf", 1, 4,
    (
        *_SHARED,
        Register("reactive_energy_import", 0x12C, "uint32", 0.01),
        Register("reactive_energy_export", 0x136, "uint32", 0.01),
        Register("reactive_energy_total", 0x140, "uint32", 0.01),
    ),
    sizes=(60, 30, 12, 2), areas=((0x10E, 0x14A),),  # between them: the same of four tariffs
)  # fmt: skip
WS100 = Meter(
    "WS100", "B+G e-tech", "one phase",
    _MBMD + "ws100.go, after B+G e-tech's bg_ws100serie_de.pdf", 1, 3,
    _SHARED, sizes=(40, 12, 2), areas=((0x10E, 0x124),),
)  # fmt: skip

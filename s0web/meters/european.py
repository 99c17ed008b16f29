"""Meters of Schneider, Siemens, Socomec, Inepro, Eltako and Bernecker: one of each maker."""

from .registers import Meter, Probe, Register, series

_MBMD = "volkszaehler/mbmd, meters/rs485/"
_KILO = 1000  # the registers are in kW, kvar and kVA
_L123 = "{0}_l1 {0}_l2 {0}_l3"
_ALL = "{0} {0}_l1 {0}_l2 {0}_l3"

IEM3155 = Meter(
    "iEM3155", "Schneider Electric", "three phases; iEM3255 and iEM3355 too",
    _MBMD + "iem3000.go; Schneider's manual DOCA0005 counts from 1", 3, 3,
    (
        *series(0x0BB7, _L123.format("current")),
        *series(0x0BCB, "voltage_l1_l2 voltage_l2_l3 voltage_l3_l1 voltage_ll"),
        *series(0x0BD3, _L123.format("voltage")),
        *series(0x0BED, "power_l1 power_l2 power_l3 power", scale=_KILO),
        Register("frequency", 0x0C25),
        *series(0x0C83, "energy_import energy_export", "int64", 0.001),
        *series(0x0DBD, _L123.format("energy_import"), "int64", 0.001),
    ),
    sizes=(50, 20, 4), serial=Probe(3, 0x0081, "uint32"),
)  # fmt: skip
PAC2200 = Meter(
    "PAC2200", "Siemens", "three phases; the energies are those of tariff 1",
    _MBMD + "pac2200.go; Siemens, manual L1V30415167B", 3, 4,
    (
        *series(1, _L123.format("voltage")),
        *series(13, _L123.format("current")),
        *series(25, _L123.format("power")),
        *series(37, _L123.format("power_factor")),
        *series(63, "apparent_power power reactive_power power_factor"),
        Register("energy_import", 801, "float64", 0.001),
        Register("energy_export", 809, "float64", 0.001),
    ),
    sizes=(60, 20, 4), areas=((1, 43), (801, 817)),  # between: other quantities, tariff 2
)  # fmt: skip
COUNTIS = Meter(
    "Countis E3x/E4x", "Socomec", "three phases; counts whole kWh",
    _MBMD + "socomec.go, after Socomec's JBUS common table 1.01", 3, 3,
    (
        *series(
            0xC552, "voltage_l1_l2 voltage_l2_l3 voltage_l3_l1 voltage_l1 voltage_l2 voltage_l3 "
            "frequency", "uint32", 0.01,
        ),
        *series(0xC560, _L123.format("current"), "uint32", 0.001),
        *series(0xC568, "power reactive_power", "int32", 10),
        Register("apparent_power", 0xC56C, "uint32", 10),
        Register("power_factor", 0xC56E, "int32", 0.001),
        *series(0xC570, _L123.format("power"), "int32", 10),
        *series(0xC576, _L123.format("reactive_power"), "int32", 10),
        *series(0xC57C, _L123.format("apparent_power"), "uint32", 10),
        *series(0xC582, _L123.format("power_factor"), "int32", 0.001),
        *series(0xC652, "energy_import reactive_energy_import", "uint32"),
        *series(0xC658, "energy_export reactive_energy_export", "uint32"),
    ),
    sizes=(60, 30, 10, 2), areas=((0xC552, 0xC588), (0xC652, 0xC65C)),  # tables without holes
)  # fmt: skip
PRO380 = Meter(
    "PRO380", "Inepro", "three phases", _MBMD + "inepro.go, after Inepro's manual 2.18", 3, 3,
    (
        *series(0x5002, _L123.format("voltage") + " frequency"),
        *series(0x500C, _L123.format("current")),
        *series(0x5012, _ALL.format("power"), scale=_KILO),
        *series(0x501A, _ALL.format("reactive_power"), scale=_KILO),
        *series(0x5022, _ALL.format("apparent_power"), scale=_KILO),
        *series(0x502A, _ALL.format("power_factor")),
        *series(0x6000, "energy_total - - energy_total_l1 energy_total_l2 energy_total_l3"),
        *series(0x600C, "energy_import - - energy_import_l1 energy_import_l2 energy_import_l3"),
        *series(0x6018, "energy_export - - energy_export_l1 energy_export_l2 energy_export_l3"),
        Register("reactive_energy_total", 0x6024),
        Register("reactive_energy_import", 0x6030),
        Register("reactive_energy_export", 0x603C),
    ),
    sizes=(60, 30, 10, 2), areas=((0x5000, 0x5032), (0x6000, 0x6048)),  # between: tariffs, sums
)  # fmt: skip
DSZ15 = Meter(
    "DSZ15DZMOD", "Eltako", "three phases; DSZ16 too",
    _MBMD + "eltako.go, after Eltako's protocol specification 1.6", 3, 4,
    (
        *series(0x00, _L123.format("voltage") + " " + _L123.format("current"), "uint32", 0.01),
        *series(0x0C, _L123.format("power"), "int32"),
        *series(0x1E, _L123.format("power_factor"), "int32", 0.001),
        Register("power", 0x34, "int32"),
        Register("power_factor", 0x3E, "int32", 0.001),
        *series(0x48, "energy_import energy_export", "uint32", 0.01),
    ),
    sizes=(18, 6, 2),
)  # fmt: skip
MPM3PM = Meter(
    "MPM3PM", "Bernecker Engineering", "three phases",
    _MBMD + "mpm3pm.go, after Bernecker's MPM3PModBus.pdf", 3, 3,
    (
        Register("energy_net", 0x00, "int32", 0.01),
        *series(0x02, "energy_import energy_export reactive_energy_total", "uint32", 0.01),
        *series(0x08, _L123.format("voltage"), "uint32", 0.1),
        *series(0x0E, _L123.format("current"), "uint32", 0.01),
        *series(0x14, _L123.format("power"), "int32", 0.01),
        *series(0x1A, _L123.format("reactive_power"), "int32", 0.01),
        *series(0x20, _L123.format("power_factor"), "uint32", 0.001),
        *series(0x26, "power reactive_power", "int32", 0.01),
        Register("power_factor", 0x2A, "uint32", 0.001),
        Register("frequency", 0x2C, "uint32", 0.01),
    ),
    sizes=(46, 20, 6, 2),
)  # fmt: skip

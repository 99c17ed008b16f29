"""Chint's meters: float registers; those of the three-phase one are in parts of the units."""

from .registers import Meter, Register, series

DTSU666 = Meter(
    "DTSU666", "Chint", "three phases (not the DTSU666-H)",
    "volkszaehler/mbmd, meters/rs485/dtsu666.go; the energies of the phases: star.ke.st, "
    "map of the DTSU666", 3, 3,
    (
        *series(
            0x2000, "voltage_l1_l2 voltage_l2_l3 voltage_l3_l1 voltage_l1 voltage_l2 voltage_l3",
            scale=0.1,
        ),
        *series(0x200C, "current_l1 current_l2 current_l3", scale=0.001),
        *series(0x2012, "power power_l1 power_l2 power_l3", scale=0.1),
        *series(
            0x201A, "reactive_power reactive_power_l1 reactive_power_l2 reactive_power_l3",
            scale=0.1,
        ),
        *series(
            0x202A, "power_factor power_factor_l1 power_factor_l2 power_factor_l3", scale=0.001
        ),
        Register("frequency", 0x2044, scale=0.01),
        *series(0x101E, "energy_import energy_import_l1 energy_import_l2 energy_import_l3"),
        *series(0x1028, "energy_export energy_export_l1 energy_export_l2 energy_export_l3"),
    ),
    sizes=(40, 20, 4), areas=((0x101E, 0x1030),),
)  # fmt: skip
DDSU666 = Meter(
    "DDSU666", "Chint", "one phase (not the DDSU666-H)",
    "arendst/Tasmota, xnrg_11_ddsu666.ino", 1, 4,
    (
        *series(0x2000, "voltage current"),
        *series(0x2004, "power reactive_power", scale=1000),
        Register("power_factor", 0x200A),
        Register("frequency", 0x200E),
        Register("energy_import", 0x4000),
        Register("energy_export", 0x400A),
    ),
    sizes=(40, 8, 2),
)  # fmt: skip

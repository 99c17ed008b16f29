"""Carlo Gavazzi's three-phase meters: integers of 32 bits with the low word first."""

from .registers import Meter, Probe, Register, series

_INT = "int32_swapped"
_MODELS = {  # Carlo Gavazzi's identification code, register 000Bh
    **dict.fromkeys(range(45, 49), "em24"),
    **dict.fromkeys((*range(331, 333), *range(335, 337), *range(340, 346)), "em340"),
}
_CODE = Probe(3, 0x000B, "uint16", _MODELS)
_MOMENT = (  # the same on all of them
    *series(
        0x00, "voltage_l1 voltage_l2 voltage_l3 voltage_l1_l2 voltage_l2_l3 voltage_l3_l1",
        _INT, 0.1,
    ),
    *series(0x0C, "current_l1 current_l2 current_l3", _INT, 0.001),
    *series(0x12, "power_l1 power_l2 power_l3", _INT, 0.1),
    *series(0x18, "apparent_power_l1 apparent_power_l2 apparent_power_l3", _INT, 0.1),
    *series(0x1E, "reactive_power_l1 reactive_power_l2 reactive_power_l3", _INT, 0.1),
    *series(0x24, "voltage voltage_ll power apparent_power reactive_power", _INT, 0.1),
)  # fmt: skip
_FACTORS = "power_factor_l1 power_factor_l2 power_factor_l3 power_factor"

EM24 = Meter(
    "EM24", "Carlo Gavazzi", "three phases; EM24-DIN with RS-485, not Ethernet",
    "volkszaehler/mbmd, meters/rs485/carlogavazzi-em24.go; aggsoft.com, map of the EM24", 3, 4,
    (
        *_MOMENT,
        *series(0x32, _FACTORS, "int16", 0.001),
        Register("frequency", 0x37, "int16", 0.1),
        # mbmd takes the partial counter at 42h for the import
        *series(0x3E, "energy_import reactive_energy_import energy_import_resettable", _INT, 0.1),
        *series(0x46, "energy_import_l1 energy_import_l2 energy_import_l3", _INT, 0.1),
        *series(0x5C, "energy_export reactive_energy_export", _INT, 0.1),
    ),
    sizes=(10, 2), code=_CODE,
)  # fmt: skip
EM340 = Meter(
    "EM340", "Carlo Gavazzi", "three phases; EM330, ET330 and ET340 too",
    "volkszaehler/mbmd, meters/rs485/carlogavazzi-ex3x0.go; star.ke.st, map of the EM330/EM340",
    3, 4,
    (
        *_MOMENT,
        *series(0x2E, _FACTORS, "int16", 0.001),
        Register("frequency", 0x33, "int16", 0.1),
        *series(
            0x34, "energy_import reactive_energy_import power_demand power_demand_max "
            "energy_import_resettable -", _INT, 0.1,
        ),
        *series(0x40, "energy_import_l1 energy_import_l2 energy_import_l3", _INT, 0.1),
        *series(0x4E, "energy_export reactive_energy_export", _INT, 0.1),
    ),
    sizes=(50, 30, 10, 2), code=_CODE,
)  # fmt: skip

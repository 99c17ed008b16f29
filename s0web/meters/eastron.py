"""Eastron's SDM meters: float registers, read with function 4; the same address holds the same
quantity on all models.

Energies that Eastron's papers count "since the last reset" are in kWh. Register 84 and others
named "demand" are means of the demand period; what flows now is in register 52.
"""

from .registers import Meter, Probe, Register

_REGISTERS = {
    0: "voltage_l1",
    2: "voltage_l2",
    4: "voltage_l3",
    6: "current_l1",
    8: "current_l2",
    10: "current_l3",
    12: "power_l1",
    14: "power_l2",
    16: "power_l3",
    18: "apparent_power_l1",
    20: "apparent_power_l2",
    22: "apparent_power_l3",
    24: "reactive_power_l1",
    26: "reactive_power_l2",
    28: "reactive_power_l3",
    30: "power_factor_l1",
    32: "power_factor_l2",
    34: "power_factor_l3",
    36: "phase_angle_l1",
    38: "phase_angle_l2",
    40: "phase_angle_l3",
    42: "voltage",
    46: "current_mean",
    48: "current",
    52: "power",
    56: "apparent_power",
    60: "reactive_power",
    62: "power_factor",
    66: "phase_angle",
    70: "frequency",
    72: "energy_import",
    74: "energy_export",
    76: "reactive_energy_import",
    78: "reactive_energy_export",
    80: "apparent_energy",
    82: "charge",
    84: "power_demand",
    86: "power_demand_max",
    88: "power_import_demand",
    90: "power_import_demand_max",
    92: "power_export_demand",
    94: "power_export_demand_max",
    100: "apparent_power_demand",
    102: "apparent_power_demand_max",
    104: "current_neutral_demand",
    106: "current_neutral_demand_max",
    200: "voltage_l1_l2",
    202: "voltage_l2_l3",
    204: "voltage_l3_l1",
    206: "voltage_ll",
    224: "current_neutral",
    234: "thd_voltage_l1",
    236: "thd_voltage_l2",
    238: "thd_voltage_l3",
    240: "thd_current_l1",
    242: "thd_current_l2",
    244: "thd_current_l3",
    248: "thd_voltage",
    250: "thd_current",
    254: "power_factor_negated",  # the paper says degrees; it is the factor, with the sign turned
    258: "current_demand_l1",
    260: "current_demand_l2",
    262: "current_demand_l3",
    264: "current_demand_max_l1",
    266: "current_demand_max_l2",
    268: "current_demand_max_l3",
    334: "thd_voltage_l1_l2",
    336: "thd_voltage_l2_l3",
    338: "thd_voltage_l3_l1",
    340: "thd_voltage_ll",
    342: "energy_total",
    344: "reactive_energy_total",
    346: "energy_import_l1",
    348: "energy_import_l2",
    350: "energy_import_l3",
    352: "energy_export_l1",
    354: "energy_export_l2",
    356: "energy_export_l3",
    358: "energy_total_l1",
    360: "energy_total_l2",
    362: "energy_total_l3",
    364: "reactive_energy_import_l1",
    366: "reactive_energy_import_l2",
    368: "reactive_energy_import_l3",
    370: "reactive_energy_export_l1",
    372: "reactive_energy_export_l2",
    374: "reactive_energy_export_l3",
    376: "reactive_energy_total_l1",
    378: "reactive_energy_total_l2",
    380: "reactive_energy_total_l3",
    384: "energy_total_resettable",
    386: "reactive_energy_total_resettable",
    388: "energy_import_resettable",
    390: "energy_export_resettable",
    396: "energy_net",
    1280: "power_import",
    1282: "power_export",
}
_OF_ONE_PHASE = {0: "voltage", 6: "current", 12: "power"}  # the only phase is the whole
_AREAS = ((0, 108), (200, 270), (334, 398), (1280, 1284))  # gaps within one read as 0
_SERIAL = Probe(3, 0xFC00, "uint32")
_CODE = Probe(  # as in Victron's community driver for Eastron meters
    3,
    0xFC02,
    "uint16",
    {
        0x0020: "sdm120",
        0x002B: "sdm230",
        0x0070: "sdm630",
        0x0079: "sdm630",  # MCT
        0x0084: "sdm72",
        0x0088: "sdm630",  # MCT for 40 mA
        0x0089: "sdm72v2",
    },
)
_LARGE, _SMALL = (80, 60, 50, 30, 10), (60, 50, 30, 10)
_BRIEF = 0.005  # s, a little more than Modbus asks for at 9600 baud
_GENTLE = 0.06  # s, as Eastron's papers ask; an SDM72 starts anew when it is asked too fast

_MBMD = "volkszaehler/mbmd, meters/rs485/"


def _meter(
    name: str,
    title: str,
    source: str,
    addresses: str,
    sizes: tuple[int, ...],
    phases: int = 3,
    pause: float = _GENTLE,
) -> Meter:
    """A model from the addresses that it has: "0-16 52" is 0, 2 ... 16 and 52."""
    registers = []
    for part in addresses.split():
        first, _, last = part.partition("-")
        for address in range(int(first), int(last or first) + 1, 2):
            if address in _REGISTERS:
                registers.append(Register(_REGISTERS[address], address))
    if phases == 1:
        registers += [Register(quantity, address) for address, quantity in _OF_ONE_PHASE.items()]
    return Meter(
        name, "Eastron", title, source, phases, 4, tuple(registers), sizes, pause,
        _areas(registers), _SERIAL, _CODE,
    )  # fmt: skip


def _areas(registers: list[Register]) -> tuple[tuple[int, int], ...]:
    """From the first to the last register that the model has in each area."""
    found = []
    for first, end in _AREAS:
        if here := [r for r in registers if first <= r.address < end]:
            found.append((min(r.address for r in here), max(r.end for r in here)))
    return tuple(found)


SDM530 = _meter(
    "SDM530", "three phases, 100 A", "Hofei90/smartmeter, class SDM530 (no paper by Eastron found)",
    "0-86 100-106 200-268 334-344", _LARGE, pause=_BRIEF,
)  # fmt: skip
SDM630 = _meter(
    "SDM630", "three phases, 100 A or transformers",
    f"Eastron, SDM630Register.pdf (bg-etech.de); {_MBMD}sdm.go",
    "0-86 100-106 200-268 334-380", _LARGE, pause=_BRIEF,
)  # fmt: skip
SDM54 = _meter(
    "SDM54", "three phases, 63 A", f"{_MBMD}sdm54.go, after Eastron's manual 1.2",
    "0-34 52 56 60 62 70 72 74 84 234-238 248 342 346-362", _SMALL,
)  # fmt: skip
SDM230 = _meter(
    "SDM230", "one phase, 100 A",
    f"Eastron, SDM230Modbus protocol 1.4; {_MBMD}sdm230.go",
    "0 6 12 18 24 30 36 70-78 84-94 258 264 342 344 384 386", _LARGE, phases=1,
)  # fmt: skip
SDM220 = _meter(
    "SDM220", "one phase, 100 A", f"{_MBMD}sdm220.go, after SDM220StandardDE.pdf",
    "0 6 12 18 24 30 36 70-78 342 344", _LARGE, phases=1,
)  # fmt: skip
SDM120 = _meter(
    "SDM120", "one phase, 45 A", f"Eastron, SDM120 protocol 2.4; {_MBMD}sdm120.go",
    "0 6 12 18 24 30 36 70-78 84-94 258 264 342 344", _LARGE, phases=1,
)  # fmt: skip
SDM72 = _meter(
    "SDM72", "three phases, 100 A, totals only (SDM72D-M, first version)",
    f"Eastron, SDM72D-M manual 1.1; {_MBMD}sdm72.go",
    "52 72 74 342 384 388 390 1280 1282", _SMALL,
)  # fmt: skip
SDM72V2 = _meter(
    "SDM72V2", "three phases, 100 A (SDM72D-M-2)",
    f"Eastron, sdm72dm-v2.pdf; {_MBMD}sdm72v2.go",
    "0-34 42-48 52 56 60 62 70 72 74 200-206 224 342 344 384 388 390 396 1280 1282", _SMALL,
)  # fmt: skip

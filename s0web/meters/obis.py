"""The OBIS codes of P1 telegrams as a table: how a line is read, and which quantity of s0web it is.

Sources: eMUCS-P1 2.1.1 (Belgium), DSMR P1 5.0.2, 4.2, 3.0, 2.2 (Netherlands), Smarty P1 1.1.3
(Luxembourg), H1 2.0 (Sweden), and the Austrian and Hungarian meters of the field. The unit is that
of the specification, for meters that print none. Tariff 1 is high here, as in Belgium. `n` is the
channel of a sub-meter, 1 to 8.
"""

from typing import NamedTuple

from . import values as v

CHANNELS = range(1, 9)


class Row(NamedTuple):
    code: str
    read: v.Reader
    unit: str = ""
    quantity: str = ""  # "" where s0web has none
    sign: int = 1  # -1 for what leaves the house: the quantity is net


_ROWS = (
    # the telegram and its meter
    Row("0-0:96.1.4", v.plain),  # version, Belgium: 50221
    Row("1-3:0.2.8", v.plain),  # version: 40, 42, 50
    Row("0-0:1.0.0", v.time),
    Row("0-0:96.1.1", v.text),  # equipment id
    Row("0-0:96.1.0", v.text),  # equipment id, Hungary
    Row("0-0:96.1.255", v.text),  # serial number, Austria
    Row("0-0:42.0.0", v.text),  # logical device name
    Row("0-0:96.1.2", v.ean),
    Row("1-0:94.32.1", v.number, "V"),  # grid: 230 is 3x230 V, 400 is 3x400 V + N
    Row("0-0:96.14.0", v.plain),  # tariff in force
    Row("0-0:96.13.0", v.text),
    Row("0-0:96.13.1", v.text),  # message code
    Row("0-0:96.13.2", v.text),
    Row("0-0:96.13.3", v.text),
    Row("0-0:96.13.4", v.text),
    Row("0-0:96.13.5", v.text),
    # energy
    Row("1-0:1.8.0", v.number, "kWh", "energy_import"),
    Row("1-0:1.8.1", v.number, "kWh", "energy_import_high"),
    Row("1-0:1.8.2", v.number, "kWh", "energy_import_low"),
    Row("1-0:1.8.3", v.number, "kWh"),
    Row("1-0:1.8.4", v.number, "kWh"),
    Row("1-0:2.8.0", v.number, "kWh", "energy_export"),
    Row("1-0:2.8.1", v.number, "kWh", "energy_export_high"),
    Row("1-0:2.8.2", v.number, "kWh", "energy_export_low"),
    Row("1-0:2.8.3", v.number, "kWh"),
    Row("1-0:2.8.4", v.number, "kWh"),
    Row("1-0:3.8.0", v.number, "kvarh", "reactive_energy_import"),
    Row("1-0:3.8.1", v.number, "kvarh"),
    Row("1-0:3.8.2", v.number, "kvarh"),
    Row("1-0:4.8.0", v.number, "kvarh", "reactive_energy_export"),
    Row("1-0:4.8.1", v.number, "kvarh"),
    Row("1-0:4.8.2", v.number, "kvarh"),
    Row("1-0:5.8.0", v.number, "kvarh"),  # the four quadrants, Hungary
    Row("1-0:6.8.0", v.number, "kvarh"),
    Row("1-0:7.8.0", v.number, "kvarh"),
    Row("1-0:8.8.0", v.number, "kvarh"),
    Row("1-0:15.8.0", v.number, "kWh"),  # import and export together
    # demand and limits
    Row("1-0:1.4.0", v.number, "kW", "demand"),
    Row("1-0:1.6.0", v.stamped, "kW", "peak"),
    Row("0-0:98.1.0", v.peaks, "kW"),  # peaks of up to 13 months
    Row("0-0:17.0.0", v.number, "kW", "limiter"),
    Row("1-0:31.4.0", v.number, "A", "fuse"),
    Row("1-0:51.4.0", v.number, "A", "fuse_l2"),
    Row("1-0:71.4.0", v.number, "A", "fuse_l3"),
    Row("1-1:31.4.0", v.numbers, "A", "fuse"),  # Luxembourg: import and export
    Row("1-1:34.4.0", v.numbers, "A"),
    Row("0-0:96.3.10", v.number, "", "breaker"),
    Row("0-1:96.3.10", v.number, "", "relay_1"),  # relays of the meter, no M-Bus devices
    Row("0-2:96.3.10", v.number, "", "relay_2"),
    Row("0-3:96.3.10", v.number, "", "relay_3"),
    Row("0-4:96.3.10", v.number, "", "relay_4"),
    # power, voltage, current
    Row("1-0:1.7.0", v.number, "kW", "power"),
    Row("1-0:2.7.0", v.number, "kW", "power", -1),
    Row("1-0:21.7.0", v.number, "kW", "power_l1"),
    Row("1-0:41.7.0", v.number, "kW", "power_l2"),
    Row("1-0:61.7.0", v.number, "kW", "power_l3"),
    Row("1-0:22.7.0", v.number, "kW", "power_l1", -1),
    Row("1-0:42.7.0", v.number, "kW", "power_l2", -1),
    Row("1-0:62.7.0", v.number, "kW", "power_l3", -1),
    Row("1-0:3.7.0", v.number, "kvar", "reactive_power"),
    Row("1-0:4.7.0", v.number, "kvar", "reactive_power", -1),
    Row("1-0:23.7.0", v.number, "kvar", "reactive_power_l1"),
    Row("1-0:43.7.0", v.number, "kvar", "reactive_power_l2"),
    Row("1-0:63.7.0", v.number, "kvar", "reactive_power_l3"),
    Row("1-0:24.7.0", v.number, "kvar", "reactive_power_l1", -1),
    Row("1-0:44.7.0", v.number, "kvar", "reactive_power_l2", -1),
    Row("1-0:64.7.0", v.number, "kvar", "reactive_power_l3", -1),
    Row("1-0:5.7.0", v.number, "kvar"),
    Row("1-0:6.7.0", v.number, "kvar"),
    Row("1-0:7.7.0", v.number, "kvar"),
    Row("1-0:8.7.0", v.number, "kvar"),
    Row("1-0:9.7.0", v.number, "kVA", "apparent_power"),
    Row("1-0:10.7.0", v.number, "kVA", "apparent_power", -1),
    Row("1-0:32.7.0", v.number, "V", "voltage_l1"),
    Row("1-0:52.7.0", v.number, "V", "voltage_l2"),
    Row("1-0:72.7.0", v.number, "V", "voltage_l3"),
    Row("1-0:31.7.0", v.number, "A", "current_l1"),
    Row("1-0:51.7.0", v.number, "A", "current_l2"),
    Row("1-0:71.7.0", v.number, "A", "current_l3"),
    Row("1-0:13.7.0", v.number, "", "power_factor"),
    Row("1-0:33.7.0", v.number, "", "power_factor_l1"),
    Row("1-0:53.7.0", v.number, "", "power_factor_l2"),
    Row("1-0:73.7.0", v.number, "", "power_factor_l3"),
    Row("1-0:14.7.0", v.number, "Hz", "frequency"),
    # quality of supply
    Row("0-0:96.7.21", v.number, "", "failures"),
    Row("0-0:96.7.9", v.number, "", "failures_long"),
    Row("1-0:99.97.0", v.failures, "s"),  # log of the long ones
    Row("1-0:32.32.0", v.number, "", "sags_l1"),
    Row("1-0:52.32.0", v.number, "", "sags_l2"),
    Row("1-0:72.32.0", v.number, "", "sags_l3"),
    Row("1-0:32.36.0", v.number, "", "swells_l1"),
    Row("1-0:52.36.0", v.number, "", "swells_l2"),
    Row("1-0:72.36.0", v.number, "", "swells_l3"),
    # sub-meters
    Row("0-n:24.1.0", v.number),  # type of device, see channels.py
    Row("0-n:96.1.0", v.text),  # equipment id, Netherlands
    Row("0-n:96.1.1", v.text),  # equipment id, Belgium
    Row("0-n:96.1.2", v.ean),
    Row("0-n:24.2.1", v.stamped),  # gas here is converted to standard temperature
    Row("0-n:24.2.3", v.stamped, "m3"),  # gas as measured, Belgium
    Row("0-n:24.3.0", v.hourly),  # DSMR 2.2 and 3.0
    Row("0-n:24.4.0", v.number),  # valve
    Row("5-0:1.0.0", v.stamped, "GJ"),  # before DSMR 2.2: heat, gas, water
    Row("7-0:0.0.0", v.text),
    Row("7-0:23.1.0", v.stamped, "m3"),
    Row("7-0:24.4.0", v.number),
    Row("8-0:1.0.0", v.stamped, "m3"),
)

TABLE = {
    code: row._replace(code=code)
    for row in _ROWS
    for code in (
        [row.code.replace("n", str(n), 1) for n in CHANNELS] if "n" in row.code else [row.code]
    )
}
READERS = {code: row.read for code, row in TABLE.items()}

_UNITS = {  # as a meter prints it, in small letters -> unit of s0web, factor
    "kwh": ("kWh", 1.0),
    "wh": ("kWh", 0.001),
    "mwh": ("kWh", 1000.0),
    "kvarh": ("kvarh", 1.0),
    "varh": ("kvarh", 0.001),
    "kw": ("W", 1000.0),
    "w": ("W", 1.0),
    "kvar": ("var", 1000.0),
    "var": ("var", 1.0),
    "kva": ("VA", 1000.0),
    "va": ("VA", 1.0),
    "v": ("V", 1.0),
    "a": ("A", 1.0),
    "hz": ("Hz", 1.0),
    "s": ("s", 1.0),
    "m3": ("m3", 1.0),
    "dm3": ("m3", 0.001),
    "l": ("m3", 0.001),
    "gj": ("GJ", 1.0),
    "mj": ("GJ", 0.001),
    "": ("", 1.0),
}


def in_house_unit(reading: v.Number, unit: str = "") -> tuple[float, str]:
    """Return value and unit as s0web has them: W, kWh, A, m3 ...

    `unit` counts where the meter printed none. An unknown unit comes back as it is.
    """
    printed = reading.unit or unit
    house, factor = _UNITS.get(printed.lower(), (printed, 1.0))
    return round(reading.value * factor, 6), house

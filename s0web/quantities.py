"""The closed vocabulary: every quantity that a Reading may hold, with its unit, its kind and its
OBIS code.

A name is the quantity, then the phase or the tariff. Tariffs are named by meaning (high, low),
never by number, since tariff 1 is high in Belgium and low in the Netherlands. A register only grows
(and may be replaced); a gauge is momentary.
"""

from typing import NamedTuple


class Quantity(NamedTuple):
    name: str
    unit: str
    kind: str  # register or gauge
    obis: str  # "" where no meter code exists
    meaning: str
    digits: int  # decimals worth showing


PHASES = ("l1", "l2", "l3")
PAIRS = (("l1", "l2"), ("l2", "l3"), ("l3", "l1"))

_ROWS = (
    ("power", "W", "gauge", "1-0:16.7.0", "active power, import positive", 0),
    ("reactive_power", "var", "gauge", "1-0:3.7.0", "reactive power, import positive", 0),
    ("apparent_power", "VA", "gauge", "1-0:9.7.0", "apparent power, import positive", 0),
    ("voltage", "V", "gauge", "1-0:12.7.0", "voltage to neutral, the mean of the phases", 1),
    ("voltage_ll", "V", "gauge", "", "voltage between phases, their mean", 1),
    ("current", "A", "gauge", "1-0:11.7.0", "current, the sum of the phases", 2),
    ("current_mean", "A", "gauge", "", "current, the mean of the phases", 2),
    ("current_neutral", "A", "gauge", "1-0:91.7.0", "current of the neutral wire", 2),
    ("power_factor", "", "gauge", "1-0:13.7.0", "power factor", 3),
    ("power_factor_negated", "", "gauge", "", "power factor with the other sign", 3),
    ("phase_angle", "deg", "gauge", "1-0:81.7.4", "angle between voltage and current", 1),
    ("frequency", "Hz", "gauge", "1-0:14.7.0", "mains frequency", 3),
    ("power_import", "W", "gauge", "1-0:1.7.0", "active power imported", 0),
    ("power_export", "W", "gauge", "1-0:2.7.0", "active power exported", 0),
    ("power_demand", "W", "gauge", "", "active power, mean of the demand period", 0),
    ("power_demand_max", "W", "gauge", "", "highest power_demand since its reset", 0),
    ("power_import_demand", "W", "gauge", "", "imported power, mean of the demand period", 0),
    ("power_import_demand_max", "W", "gauge", "", "highest power_import_demand since its reset", 0),
    ("power_export_demand", "W", "gauge", "", "exported power, mean of the demand period", 0),
    ("power_export_demand_max", "W", "gauge", "", "highest power_export_demand since its reset", 0),
    ("apparent_power_demand", "VA", "gauge", "", "apparent power, mean of the demand period", 0),
    ("apparent_power_demand_max", "VA", "gauge", "", "highest apparent_power_demand since its reset", 0),
    ("current_demand", "A", "gauge", "", "current, mean of the demand period", 2),
    ("current_demand_max", "A", "gauge", "", "highest current_demand since its reset", 2),
    ("current_neutral_demand", "A", "gauge", "", "neutral current, mean of the demand period", 2),
    ("current_neutral_demand_max", "A", "gauge", "", "highest current_neutral_demand since its reset", 2),
    ("thd_voltage", "%", "gauge", "", "harmonic distortion of the voltage to neutral", 1),
    ("thd_voltage_ll", "%", "gauge", "", "harmonic distortion of the voltage between phases", 1),
    ("thd_current", "%", "gauge", "", "harmonic distortion of the current", 1),
    ("energy_import", "kWh", "register", "1-0:1.8.0", "energy imported", 3),
    ("energy_import_high", "kWh", "register", "1-0:1.8.1", "energy imported, high tariff", 3),
    ("energy_import_low", "kWh", "register", "1-0:1.8.2", "energy imported, low tariff", 3),
    ("energy_export", "kWh", "register", "1-0:2.8.0", "energy exported", 3),
    ("energy_export_high", "kWh", "register", "1-0:2.8.1", "energy exported, high tariff", 3),
    ("energy_export_low", "kWh", "register", "1-0:2.8.2", "energy exported, low tariff", 3),
    ("energy_total", "kWh", "register", "1-0:15.8.0", "energy imported and exported, their sum", 3),
    ("energy_net", "kWh", "gauge", "1-0:16.8.0", "energy imported less exported", 3),
    ("energy_import_resettable", "kWh", "register", "", "energy imported since it was set to zero", 3),
    ("energy_export_resettable", "kWh", "register", "", "energy exported since it was set to zero", 3),
    ("energy_total_resettable", "kWh", "register", "", "energy_total since it was set to zero", 3),
    ("reactive_energy_import", "kvarh", "register", "1-0:3.8.0", "reactive energy imported", 3),
    ("reactive_energy_export", "kvarh", "register", "1-0:4.8.0", "reactive energy exported", 3),
    ("reactive_energy_total", "kvarh", "register", "", "reactive energy, imported and exported", 3),
    ("reactive_energy_total_resettable", "kvarh", "register", "", "reactive_energy_total since it was set to zero", 3),
    ("apparent_energy", "kVAh", "register", "1-0:9.8.0", "apparent energy", 3),
    ("charge", "Ah", "register", "", "charge that flowed", 3),
    ("demand", "W", "gauge", "1-0:1.4.0", "running quarter-hour average of import", 0),
    ("peak", "W", "gauge", "1-0:1.6.0", "highest demand of the month", 0),
    ("demand_quarter", "W", "gauge", "", "mean import of the quarter-hour that ended", 0),
    ("demand_forecast", "W", "gauge", "", "mean import that the running quarter-hour will have", 0),
    ("peak_gap", "W", "gauge", "", "peak of the month less demand_forecast", 0),
    ("peak_alarm", "", "gauge", "", "1: this quarter-hour will exceed the peak, 2: it has, 0: neither", 0),
    ("price_spot", "EUR/MWh", "gauge", "", "day-ahead price", 2),
    ("rate_import", "EUR/kWh", "gauge", "", "what one kWh more from the grid costs, all included", 4),
    ("rate_export", "EUR/kWh", "gauge", "", "what one kWh given to the grid brings", 4),
    ("rate_volume", "EUR/m3", "gauge", "", "what one m3 costs, all included", 4),
    ("cost", "EUR", "gauge", "", "cost of the quarter-hour that ended, all included", 4),
    ("cost_import", "EUR", "gauge", "", "cost of imported energy", 4),
    ("cost_import_high", "EUR", "gauge", "", "cost of energy imported, high tariff", 4),
    ("cost_import_low", "EUR", "gauge", "", "cost of energy imported, low tariff", 4),
    ("cost_export", "EUR", "gauge", "", "cost of exported energy, negative where it is paid for", 4),
    ("cost_volume", "EUR", "gauge", "", "cost of gas or water", 4),
    ("cost_fixed", "EUR", "gauge", "", "fixed fees", 4),
    ("cost_capacity", "EUR", "gauge", "", "cost of the monthly peaks, booked at the month's end", 4),
    ("switch", "", "gauge", "", "switch: 0 off, 1 on", 0),
    ("run_time", "s", "register", "", "time switched on", 0),
    ("run_time_today", "s", "gauge", "", "time switched on, this local day", 0),
    ("switchings", "", "register", "", "times switched on or off", 0),
    ("limiter", "W", "gauge", "0-0:17.0.0", "power limit in force", 0),
    ("limiter_current", "A", "gauge", "0-0:17.0.0", "current limit in force (DSMR 3)", 0),
    ("limiter_apparent", "VA", "gauge", "0-0:17.0.0", "apparent power limit in force (Luxembourg)", 0),
    ("fuse", "A", "gauge", "1-0:31.4.0", "fuse supervision threshold", 2),
    ("breaker", "", "gauge", "0-0:96.3.10", "breaker: 0 off, 1 on, 2 ready", 0),
    ("valve", "", "gauge", "0-n:24.4.0", "valve: 0 closed, 1 open, 2 ready", 0),
    ("relay_1", "", "gauge", "0-1:96.3.10", "virtual relay 1: 0 off, 1 on", 0),
    ("relay_2", "", "gauge", "0-2:96.3.10", "virtual relay 2: 0 off, 1 on", 0),
    ("relay_3", "", "gauge", "0-3:96.3.10", "virtual relay 3: 0 off, 1 on", 0),
    ("relay_4", "", "gauge", "0-4:96.3.10", "virtual relay 4: 0 off, 1 on", 0),
    ("failures", "", "register", "0-0:96.7.21", "power failures", 0),
    ("failures_long", "", "register", "0-0:96.7.9", "long power failures", 0),
    ("sags", "", "register", "1-0:32.32.0", "voltage sags", 0),
    ("swells", "", "register", "1-0:32.36.0", "voltage swells", 0),
    ("volume", "m3", "register", "0-n:24.2.1", "volume of gas or water", 3),
    ("heat", "GJ", "register", "0-n:24.2.1", "heat or cold delivered", 3),
    ("pulses", "", "register", "", "pulses since the station started", 0),
    ("pulse_interval", "s", "gauge", "", "time between the last two pulses", 3),
    ("pulses_rejected", "", "register", "", "pulses too short to count, since the station started", 0),
    ("flow", "m3/h", "gauge", "", "flow of gas or water", 3),
    ("crc_errors", "", "register", "", "damaged telegrams since the station started", 0),
    ("requests_failed", "", "register", "", "Modbus requests without a good answer, since the station started", 0),
    ("frames_late", "", "register", "", "ADC frames taken late, since the station started", 0),
    ("lag", "s", "gauge", "", "host time minus meter time at arrival", 1),
)  # fmt: skip
_BY_PHASE = {
    "power": ("1-0:21.7.0", "1-0:41.7.0", "1-0:61.7.0"),
    "reactive_power": ("1-0:23.7.0", "1-0:43.7.0", "1-0:63.7.0"),
    "apparent_power": ("1-0:29.7.0", "1-0:49.7.0", "1-0:69.7.0"),
    "voltage": ("1-0:32.7.0", "1-0:52.7.0", "1-0:72.7.0"),
    "current": ("1-0:31.7.0", "1-0:51.7.0", "1-0:71.7.0"),
    "power_factor": ("1-0:33.7.0", "1-0:53.7.0", "1-0:73.7.0"),
    "fuse": ("1-0:31.4.0", "1-0:51.4.0", "1-0:71.4.0"),
    "sags": ("1-0:32.32.0", "1-0:52.32.0", "1-0:72.32.0"),
    "swells": ("1-0:32.36.0", "1-0:52.36.0", "1-0:72.36.0"),
    "energy_import": ("1-0:21.8.0", "1-0:41.8.0", "1-0:61.8.0"),
    "energy_export": ("1-0:22.8.0", "1-0:42.8.0", "1-0:62.8.0"),
    "reactive_energy_import": ("1-0:23.8.0", "1-0:43.8.0", "1-0:63.8.0"),
    "reactive_energy_export": ("1-0:24.8.0", "1-0:44.8.0", "1-0:64.8.0"),
    "phase_angle": ("1-0:81.7.40", "1-0:81.7.51", "1-0:81.7.62"),
    "energy_total": ("", "", ""),
    "reactive_energy_total": ("", "", ""),
    "current_demand": ("", "", ""),
    "current_demand_max": ("", "", ""),
    "thd_voltage": ("", "", ""),
    "thd_current": ("", "", ""),
}
_BETWEEN = {"voltage": "voltage", "thd_voltage": "harmonic distortion of the voltage"}


def _vocabulary() -> dict[str, Quantity]:
    table = {}
    for row in _ROWS:
        whole = Quantity(*row)
        table[whole.name] = whole
        for phase, obis in zip(PHASES, _BY_PHASE.get(whole.name, ()), strict=False):
            name, meaning = f"{whole.name}_{phase}", f"{_of_one(whole)}, phase {phase.upper()}"
            table[name] = whole._replace(name=name, obis=obis, meaning=meaning)
        for one, other in PAIRS if whole.name in _BETWEEN else ():
            name = f"{whole.name}_{one}_{other}"
            meaning = f"{_BETWEEN[whole.name]} between {one.upper()} and {other.upper()}"
            table[name] = whole._replace(name=name, obis="", meaning=meaning)
    return table


def _of_one(whole: Quantity) -> str:
    """The meaning without what is said of all phases together."""
    return whole.meaning.partition(", the ")[0]


QUANTITIES = _vocabulary()

"""Drivers by name: one dict for each family, type name -> "module:Class"; imported only when a
section asks for it.
"""

from importlib import import_module
from typing import Any

SOURCES = {
    "s0": "s0web.sources.s0:S0Source",
    "p1": "s0web.sources.p1:P1Source",
    "modbus": "s0web.sources.modbus:ModbusSource",
    "adc": "s0web.sources.adc:AdcSource",
    "remote": "s0web.sources.remote:RemoteSource",
}
METERS = {
    "sdm630": "s0web.meters.eastron:SDM630",
    "sdm530": "s0web.meters.eastron:SDM530",
    "sdm230": "s0web.meters.eastron:SDM230",
    "sdm220": "s0web.meters.eastron:SDM220",
    "sdm120": "s0web.meters.eastron:SDM120",
    "sdm72": "s0web.meters.eastron:SDM72",
    "sdm72v2": "s0web.meters.eastron:SDM72V2",
    "sdm54": "s0web.meters.eastron:SDM54",
    "dds353": "s0web.meters.hiking:DDS353",
    "dds238": "s0web.meters.hiking:DDS238",
    "ws100": "s0web.meters.orno:WS100",
    "we504": "s0web.meters.orno:WE504",
    "we514": "s0web.meters.orno:WE514",
    "we516": "s0web.meters.orno:WE516",
    "we525": "s0web.meters.orno:WE525",
    "abb_b21": "s0web.meters.abb:B21",
    "abb_b23": "s0web.meters.abb:B23",
    "em24": "s0web.meters.carlo_gavazzi:EM24",
    "em340": "s0web.meters.carlo_gavazzi:EM340",
    "iem3155": "s0web.meters.european:IEM3155",
    "pac2200": "s0web.meters.european:PAC2200",
    "countis": "s0web.meters.european:COUNTIS",
    "pro380": "s0web.meters.european:PRO380",
    "dsz15": "s0web.meters.european:DSZ15",
    "mpm3pm": "s0web.meters.european:MPM3PM",
    "dtsu666": "s0web.meters.chint:DTSU666",
    "ddsu666": "s0web.meters.chint:DDSU666",
}
SINKS = {
    "push": "s0web.sinks.push:PushSink",
    "csv": "s0web.sinks.csv:CsvSink",
    "influx": "s0web.sinks.influx:InfluxSink",
    "mqtt": "s0web.sinks.mqtt:MqttSink",
    "postgresql": "s0web.sinks.postgresql:PostgresqlSink",
    "mysql": "s0web.sinks.mysql:MysqlSink",
}
DERIVED = {  # sources that read the station itself
    "prices": "s0web.derived.prices:PriceSource",
    "costs": "s0web.derived.costs:CostSource",
    "peak": "s0web.derived.peak:PeakSource",
    "rules": "s0web.derived.rules:RuleSource",
    "daily": "s0web.derived.daily:DailySource",
}
SWITCHES = {
    "gpio": "s0web.switches.gpio:GpioSwitch",
    "shelly": "s0web.switches.shelly:ShellySwitch",
    "tasmota": "s0web.switches.tasmota:TasmotaSwitch",
    "http": "s0web.switches.http:HttpSwitch",
    "mqtt": "s0web.switches.mqtt:MqttSwitch",
    "simulated": "s0web.switches.simulated:SimulatedSwitch",
}
WIRES = {
    "real": "s0web.hardware.wires:RealWires",
    "simulated": "s0web.simulation.wires:SimulatedWires",
}


def load(family: dict[str, str], name: str) -> Any:
    """The class that the name stands for; KeyError for an unknown name."""
    module, _, attribute = family[name].partition(":")
    return getattr(import_module(module), attribute)

"""Taking over config.ini of smartmeter-python: its port, log, InfluxDB, CSV files and loads."""

import configparser
from collections.abc import Mapping
from pathlib import Path

from .config import parser_of, read
from .errors import ConfigError
from .upgrade import YES, Sections
from .upgrade_loads import loads

DEVICE = "grid"


def from_smartmeter(path: Path) -> tuple[Sections, list[str]]:
    """Our sections, and lines about the rest."""
    parser = parser_of(path, read(path))
    if "serial" not in parser and "logging" not in parser:
        raise ConfigError(
            f"{path}: has neither [serial] nor [logging]; is it smartmeter's config.ini?"
        )
    sections: Sections = {}
    notes: list[str] = []
    if "serial" in parser:
        serial: Mapping[str, str] = parser["serial"]
        baud = serial.get("baudrate", serial.get("speed", ""))
        if baud in ("115000", ""):
            baud = "0"  # 115000 is the sample's slip of 115200: let it be found
        sections["source:grid"] = {
            "type": "p1",
            "port": serial.get("port", "/dev/serial0"),
            "baud": baud,
        }
    if "logging" in parser:
        sections["log"] = _logging(parser["logging"])
    for name, sink in (("influx", _influx), ("csv", _csv)):
        if name not in parser:
            continue
        if parser[name].get("enabled", "yes").lower() not in YES:
            notes.append(f"[{name}] is not enabled, and is left out.")
        elif "serial" not in parser:
            notes.append(f"[{name}] is left out: there is no [serial] whose meter it tells of.")
        else:
            sections[f"sink:{name}"] = sink(parser[name])
    switches, more = loads(parser)
    if switches and "serial" in parser:
        sections |= {"house": {"grid": DEVICE}} | switches
    elif switches:
        more = ["The loads are left out: there is no [serial] whose meter switches them."]
    return sections, notes + more


def _influx(old: configparser.SectionProxy) -> dict[str, str]:
    """Of both generations: InfluxDB 1 with a database, 2 with a bucket."""
    sink = {"type": "influx", "layout": "smartmeter", "device": DEVICE}
    if "url" in old:
        sink |= {"version": "2", "url": old["url"].strip("\"' ")}
    else:
        scheme = "https" if old.get("ssl", "no").lower() in YES else "http"
        address = f"{old.get('hostname', '127.0.0.1')}:{old.get('port', '8086')}"
        sink |= {"version": "1", "url": f"{scheme}://{address}"}
        sink["database"] = old.get("database", "smartmeter")
    for name, option in (
        ("username", "user"),
        ("password", "password"),
        ("token", "token"),
        ("org", "org"),
        ("bucket", "bucket"),
        ("ssl_ca_cert", "ca_file"),
    ):
        if old.get(name):
            sink[option] = old[name]
    if "verify_ssl" in old:
        sink["verify"] = "yes" if old["verify_ssl"].lower() in YES else "no"
    return sink


def _csv(old: configparser.SectionProxy) -> dict[str, str]:
    sink = {"type": "csv", "layout": "smartmeter", "device": DEVICE}
    sink["file_path"] = old.get("file_path", old.get("path", "/data"))
    sink["file_prefix"] = old.get("file_prefix", "smartmeter").rstrip("_")
    for option in ("write_header", "write_every", "max_lines", "max_age"):
        if old.get(option):
            sink[option] = old[option]
    return sink


def _logging(old: configparser.SectionProxy) -> dict[str, str]:
    level = old.get("loglevel", "info").lower()
    log = {"level": level if level in ("debug", "info", "warning", "error") else "info"}
    if old.get("log_to_stdout", "no").lower() in YES:
        return log | {"target": "stderr"}
    file = old.get("logfile") or (
        f"{old['logpath'].rstrip('/')}/smartmeter.log" if "logpath" in old else ""
    )
    if file:
        log |= {"target": "file", "file": file}
    if size := _bytes(old.get("size", "")):
        log["size"] = str(max(10_000, min(size, 1_000_000_000)))
    if old.get("keep", "").isdecimal():
        log["keep"] = str(min(100, int(old["keep"])))
    return log


def _bytes(text: str) -> int:
    """smartmeter's sizes: bytes, or k, M, G of 1024."""
    text = text.strip()
    factor = {"k": 1024, "m": 1024**2, "g": 1024**3}.get(text[-1:].lower(), 1)
    digits = text[:-1] if factor > 1 else text
    return int(digits) * factor if digits.isdecimal() else 0

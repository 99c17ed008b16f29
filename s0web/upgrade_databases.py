"""Taking over the databases and the broker of Hofei90's smartmeter_cfg.toml: sinks that go on
filling them.

The older generation ([pg]) reaches its PostgreSQL through SSH, by a password in a file of its own;
ours takes a key. The newer one ([db]) has one table for each model of meter, ours one.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .config import read
from .errors import ConfigError

Sections = dict[str, dict[str, str]]
DEVICE = "meter"
KEY = "SSH takes a key here, no password: ssh-copy-id -i KEY.pub {}, and [sink:database] ssh_key."
TABLE = "Its rows came into the table {}; the sink fills the table smartmeter, of the same columns."


def databases(path: Path, file: Mapping[str, Any]) -> tuple[Sections, list[str]]:
    """Our section, and lines about the rest; ConfigError names file and key."""
    if isinstance(file.get("pg"), dict):
        return _tunnelled(path, file["pg"])
    db = file.get("db")
    if not isinstance(db, dict):
        return {}, []
    kind = db.get("db")
    if kind not in ("postgresql", "mysql"):
        return {}, [f"[db]: {_shown(kind)} is left out: the station's archive takes its place."]
    table = db.get(kind)
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [db.{kind}] is missing, though db names it.")
    names = (("host", "host"), ("port", "port"), ("database", "database"), ("user", "user"))
    sink = {"type": kind, "host": "localhost"}
    sink |= _options(path, f"db.{kind}", table, (*names, ("password", "password")))
    if kind == "mysql":
        return {"sink:database": sink}, ["In MySQL the tables are ours: see docs/mysql.md."]
    sink |= {"layout": "smartmeter", "device": DEVICE}
    return {"sink:database": sink}, [TABLE.format("of its meter's name")]


def _tunnelled(path: Path, pg: Mapping[str, Any]) -> tuple[Sections, list[str]]:
    sink = {"type": "postgresql", "layout": "smartmeter", "device": DEVICE, "host": "localhost"}
    names = (("pgport", "port"), ("db", "database"), ("pguser", "user"), ("pgpw", "password"))
    sink |= _options(path, "pg", pg, names)
    beside = str(pg.get("pfad_zu_ssh_auth", ""))
    if not beside:
        return {"sink:database": sink}, []
    try:
        ssh = tomllib.loads(read(path.parent / beside))
        user, host = str(ssh["user"]), str(ssh["ip_server"])
        address = f"{user}@{host}:{int(ssh.get('ssh_port', 22))}"
    except (ConfigError, ValueError, TypeError, KeyError):
        return {"sink:database": sink}, [
            f"pg.pfad_zu_ssh_auth: {_shown(beside)} cannot be read or lacks user and ip_server: "
            "give [sink:database] its ssh = user@host:port, or the host itself."
        ]
    sink["ssh"] = address
    return {"sink:database": sink}, [KEY.format(f"{user}@{host}")]


def broker(path: Path, file: Mapping[str, Any]) -> tuple[Sections, list[str]]:
    """Our section for [mqtt], and lines about it; ConfigError names file and key."""
    mqtt = file.get("mqtt")
    if not isinstance(mqtt, dict):
        return {}, []
    if not mqtt.get("is_active") or not mqtt.get("broker"):
        return {}, ["[mqtt] is left out: it was not active, or had no broker."]
    names = (("broker", "host"), ("port", "port"), ("username", "user"), ("password", "password"))
    sink = {"type": "mqtt", "layout": "smartmeter", "device": DEVICE, "discovery": "no"}
    sink |= _options(path, "mqtt", mqtt, (*names, ("topic", "prefix")))
    return {"sink:broker": {"prefix": "/smartmeter/"} | sink}, []


def _options(
    path: Path, name: str, table: Mapping[str, Any], names: tuple[tuple[str, str], ...]
) -> dict[str, str]:
    found = {}
    for key, option in names:
        value = table.get(key, "")
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise ConfigError(f"{path}: {name}.{key}: is neither a number nor a text.")
        if value != "":
            found[option] = str(value).strip()
    return found


def _shown(value: object) -> str:
    return ascii(str(value)[:40])

"""`s0web check`: every mistake in the INI, and what hardware this machine has for it."""

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .. import config as ini
from .. import upgrade
from ..config import Config
from ..errors import ConfigError
from ..hardware import gpio, rpigpio
from ..hardware.pins import offset_of
from ..hardware.serial import ports


def add_parser(commands: Any) -> None:
    text = "check the INI file and tell what hardware is there"
    command: argparse.ArgumentParser = commands.add_parser("check", help=text, description=text)
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    path = ini.ini_path()
    wrong = 0
    config: Config | None = None
    try:
        config = upgrade.checked(path)
        devices = ", ".join(config.sources) or "no source yet; add one at /s0/config"
        print(f"INI       {path}: no mistakes. Sources: {devices}")
        if upgrade.is_s0_logger(ini.read(path)):
            print("          It is S0-Logger's; it is upgraded at the first start, with a copy.")
    except ConfigError as error:
        wrong = 1
        print(f"INI       {error}")
    _hardware()
    if config is not None and not config.simulate:
        for device, options in config.sources.items():
            sentence = LOOKS[options["type"]](options) if options["type"] in LOOKS else ""
            wrong |= bool(sentence)
            print(f"source    {device}: {sentence or _well(options)}")
        for name, options in config.sinks.items():
            print(f"sink      {name}: {_well(options)}")
    return wrong


def _well(options: Any) -> str:
    """What is said of a wire with which nothing seems wrong, and no more than was looked at."""
    address = str(options.get("url") or options.get("port", ""))
    if "://" in address:
        return f"{address} is not tried here"
    if options["type"] == "remote":
        return "waits for another station to tell it"
    return "its line is there and free" if options["type"] == "s0" else "its wire is there"


def _hardware() -> None:
    chips = gpio.chips()
    for chip in chips:
        print(f"GPIO      {chip.path}: {chip.label}, {chip.lines} lines")
    if not chips:
        print("GPIO      no chip that may be opened")
        try:
            rpigpio.module()
            print("GPIO      RPi.GPIO is there (no kernel time stamps)")
        except OSError as error:
            print(f"GPIO      {error.strerror}")
    found = ports()
    for by_id, device in found:
        print(f"serial    {by_id} -> {device}")
    if not found:
        print("serial    no port in /dev/serial/by-id")
    spi = sorted(map(str, Path("/dev").glob("spidev*")))
    print(
        f"SPI       {', '.join(spi) or 'no /dev/spidev*; on a Pi: raspi-config, Interface Options'}"
    )
    print(f"Python    {sys.version.split()[0]}, user {os.environ.get('USER') or os.getuid()}")


def _s0(options: Any) -> str:
    """What is wrong with the wire of an S0 source, or ""."""
    try:
        chip = gpio.find(options["chip"])
        offset = offset_of(options["pin"], options["numbering"])
        if offset >= chip.lines:
            return f"{chip.path} has lines 0 to {chip.lines - 1}, not {offset}"
        user = gpio.user_of(chip.path, offset)
    except OSError as error:
        return str(error.strerror or error)
    return f"line {offset} of {chip.path} is in use by {user}" if user and user != "s0web" else ""


def _port(options: Any) -> str:
    """What is wrong with a serial port, or ""; the port is not opened, a running station may hold
    it.
    """
    port = str(options["port"])
    if "://" in port:
        return ""
    if not Path(port).exists():
        return f"there is no {port}; is the cable plugged in?"
    if not os.access(port, os.R_OK | os.W_OK):
        return f"no permission for {port}: add the service's user to the group dialout"
    return ""


def _adc(options: Any) -> str:
    """What is wrong with an SPI device or with what the ADC's arithmetic needs, or ""."""
    if find_spec("numpy") is None:
        return "the ADC needs numpy: sudo apt install python3-numpy"
    path = f"/dev/spidev{options['spi']}"
    if not Path(path).exists():
        return f"there is no {path}; on a Pi: raspi-config, Interface Options, SPI"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"no permission for {path}: add the service's user to the group spi"
    return ""


LOOKS = {"s0": _s0, "p1": _port, "modbus": _port, "adc": _adc}  # by type; others have no wire here

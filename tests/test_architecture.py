"""The house rules, read from the code: who may import whom, what stays at which edge."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from s0web import registry
from s0web.options import OPTIONS, types_of

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "s0web").rglob("*.py"))

# A family may import those in rows above its own, and itself.
TIERS = (
    {"errors", "hurried", "quantities", "registry", "__init__"},
    {"model", "clock", "option"},
    {
        "log",
        "inifile",
        "options_house",
        "options_sinks",
        "options_switches",
        "logs",
        "statelock",
        "watch",
        "hardware",
        "meters",
        "energy",
    },
    {"options_contracts"},
    {"options"},
    {"checks_bot", "checks_contracts", "checks_house", "checks_switches"},
    {"hub", "checks", "fresh", "simulation"},
    {"config", "guarded", "earlier"},
    {"upgrade", "upgrade_databases", "imports"},
    {"upgrade_loads"},
    {"upgrade_energymonitor", "upgrade_modbus", "upgrade_smartmeter"},
    {"workers", "sinks", "sources", "archive"},
    {"inside"},
    {"derived", "switches"},
    {"crew", "assembly"},
    {"acquisition", "filling", "keeping"},
    {"followers"},
    {"station"},
    {"web"},
    {"bot", "screen"},
    {"cli"},
    {"__main__"},
)
NEVER = {
    "web": {"hardware", "sources", "sinks", "simulation", "workers", "crew"},
    "sources": {"simulation", "hub", "config", "archive", "sinks", "options", "options_sinks"},
    "sinks": {"hardware", "sources", "simulation", "hub"},
    "meters": {"hardware", "clock", "simulation"},
    "energy": {"hardware", "clock", "simulation"},
    "derived": {"hardware", "sources", "sinks", "simulation", "workers", "config"},
    "switches": {"sources", "simulation", "workers", "config", "archive"},
}
EDGES = {  # third-party module -> where alone it may be imported
    "flask": {"web"},
    "flask_restful": {"web"},
    "werkzeug": {"web", "cli"},
    "waitress": {"web"},
    "mod_wsgi": {"web"},
    "serial": {"hardware"},
    "minimalmodbus": {"hardware"},
    "spidev": {"hardware"},
    "numpy": {"sources", "simulation", "hardware"},
    "RPi": {"hardware"},
    "paho": {"sinks", "switches"},
    "psycopg": {"sinks"},
    "mysql": {"sinks"},
    "rich": {"screen"},
}


def family(path: Path) -> str:
    parts = path.relative_to(ROOT / "s0web").with_suffix("").parts
    return parts[0]


def imports(path: Path) -> set[tuple[bool, str]]:
    """(own, first part of the name) of everything a file imports, wherever in it."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found: set[tuple[bool, str]] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {(False, alias.name.split(".")[0]) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            found.add((False, node.module.split(".")[0]))
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            names = [part for part in base if part][1:]
            if names:
                found.add((True, names[0]))
            else:
                found |= {
                    (True, alias.name if alias.name != "__version__" else "__init__")
                    for alias in node.names
                }
    return found


def tier(name: str) -> int:
    return next(number for number, row in enumerate(TIERS) if name in row)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_point_to_lower_tiers_only(path: Path) -> None:
    own = family(path)
    for is_own, name in imports(path):
        if is_own and name != own:
            assert tier(name) < tier(own), f"{own} imports {name}"
            assert name not in NEVER.get(own, set()), f"{own} imports {name}"
        if not is_own:
            assert name != "s0web", "imports within the package are relative"
            assert own in EDGES.get(name, {own}), f"{own} imports {name}"


def test_the_lowest_tiers_need_the_standard_library_alone() -> None:
    for path in FILES:
        if family(path) in TIERS[0] | TIERS[1] | {
            "hub",
            "log",
            "meters",
            "energy",
            "workers",
            "crew",
        }:
            strangers = {name for own, name in imports(path) if not own} - sys.stdlib_module_names
            assert not strangers, path


def test_every_driver_of_the_registry_can_be_loaded_and_has_options() -> None:
    assert set(registry.SOURCES) == set(types_of("source"))
    assert set(registry.SINKS) == set(types_of("sink"))
    assert set(registry.SWITCHES) == set(types_of("switch"))
    for name in registry.SWITCHES:
        assert isinstance(registry.load(registry.SWITCHES, name), type)
    for name in registry.DERIVED:
        assert isinstance(registry.load(registry.DERIVED, name), type)
    for name in registry.SINKS:
        assert isinstance(registry.load(registry.SINKS, name), type)
    for name in registry.SOURCES:
        assert callable(registry.load(registry.SOURCES, name).wire)
        assert f"source.{name}" in OPTIONS
    for name in registry.WIRES:
        assert isinstance(registry.load(registry.WIRES, name), type)


def test_importing_everything_needs_no_hardware_and_starts_nothing() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in FILES
        if path.name not in ("__main__.py", "__init__.py")
    ]
    code = (
        "import importlib, threading\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, cwd=ROOT)


def test_files_and_functions_stay_small() -> None:
    long = []
    for path in FILES:
        text = path.read_text()
        if text.count("\n") > 280:
            long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                size = node.end_lineno - node.lineno + 1
                if size > 50:
                    long.append(f"{path.name}: {node.name}: {size} lines")
    assert long == []


def test_no_error_is_swallowed() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, path
                silent = all(isinstance(step, ast.Pass) for step in node.body)
                assert not (silent and ast.unparse(node.type) in ("Exception", "BaseException")), (
                    path
                )


def test_every_module_says_what_it_is() -> None:
    for path in FILES:
        docstring = ast.get_docstring(ast.parse(path.read_text()))
        assert docstring, path
        assert re.match(r"[`A-Z/]|s0web: ", docstring), path

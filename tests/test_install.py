"""The installer and the service file: what can be proved without changing the machine."""

import configparser
import os
import re
import subprocess
from pathlib import Path

import pytest

from s0web.__main__ import _parser
from s0web.config import DEFAULT_INI
from tests.apache_server import CHECKOUT

SCRIPT = CHECKOUT / "install_apache2.sh"
SHELL_FILES = (SCRIPT, *sorted((CHECKOUT / "tools").glob("*.sh")))


def install(*arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the installer, told over standard input, in a folder that is no checkout."""
    return subprocess.run(
        [*before, "sh", "-s", "--", *arguments],
        input=SCRIPT.read_text(),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=30,
    )


def setting(text: str, name: str) -> str:
    """The value of a shell variable or an Apache Define."""
    found = re.search(rf"^\s*(?:Define {name} |{name}=)(\S+)", text, re.MULTILINE)
    assert found, name
    return found[1]


@pytest.mark.parametrize("path", SHELL_FILES, ids=lambda path: path.name)
def test_shellcheck_finds_nothing(path: Path) -> None:
    done = subprocess.run(["shellcheck", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_installer_can_be_run() -> None:
    assert os.access(SCRIPT, os.X_OK)


def test_help_tells_every_option_and_changes_nothing() -> None:
    done = install("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("--logs-in-ram", "--uninstall", "S0WEB_PASSWORD", "/var/lib/s0web"):
        assert word in done.stdout


def test_an_unknown_option_is_refused_by_name_even_beside_a_known_one() -> None:
    done = install("--uninstall", "--purge")
    assert done.returncode == 2
    assert done.stderr.endswith("there is no option --purge.\n")


def test_without_root_it_says_so() -> None:
    nobody = ("setpriv", "--reuid=65534", "--clear-groups", "--") if os.geteuid() == 0 else ()
    done = install(before=nobody)
    assert (done.returncode, done.stdout) == (1, "")
    assert "run it with sudo" in done.stderr


def test_installer_apache_and_service_agree_on_the_places() -> None:
    script = SCRIPT.read_text()
    conf = (CHECKOUT / "apache/s0web.conf").read_text()
    root, state = setting(script, "root"), setting(script, "state")
    assert setting(conf, "S0WEB_ROOT") == f"{root}/current"
    assert setting(conf, "S0WEB_VENV") == f"{root}/current/venv"
    assert setting(conf, "S0WEB_STATE") == state == str(Path(DEFAULT_INI).parent)
    service = (CHECKOUT / "systemd/s0web.service").read_text()
    assert f"ExecStart={root}/current/venv/bin/s0web serve" in service
    assert f"S0WEB_INI={DEFAULT_INI}" in service


def test_the_service_starts_what_the_command_line_knows() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read(CHECKOUT / "systemd/s0web.service")
    program, *arguments = unit["Service"]["ExecStart"].split()
    assert Path(program).name == "s0web"
    assert _parser().parse_args(arguments).host == "0.0.0.0"

"""The wheel: built, installed in an empty environment, and serving its pages."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import until
from tests.ports import free_port
from tests.test_cli import answers, fetch

ROOT = Path(__file__).parent.parent


@pytest.mark.timeout(300)
def test_an_installed_wheel_serves_its_pages(tmp_path: Path) -> None:
    quiet = ["--quiet", "--disable-pip-version-check"]
    source = tmp_path / "source"  # a copy, so that the build leaves nothing in the checkout
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".*", "var", "build", "*.egg-info"))
    build = [sys.executable, "-m", "pip", "wheel", *quiet, "--no-deps", "-w", tmp_path, source]
    subprocess.run(build, check=True)
    (wheel,) = tmp_path.glob("s0web-*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", *quiet, wheel], check=True)
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if k not in ("S0WEB_INI", "PYTHONPATH")}
    process = subprocess.Popen(
        [tmp_path / "venv/bin/s0web", "demo", "--port", str(port)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        base = f"http://127.0.0.1:{port}/s0"
        until(lambda: answers(f"{base}/readyz"), "the station", 30)
        assert "<html" in fetch(f"{base}/")
        assert "<form" in fetch(f"{base}/config")
        assert "uPlot" in fetch(f"{base}/static/vendor/uPlot-1.6.32.iife.min.js")[:1000]
        until(lambda: '"power"' in fetch(f"{base}/api/v1/readings/grid"), "a telegram", 15)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s0web import logs
from s0web.options import OPTIONS

LOG = logging.getLogger("s0web.test")


def options(**texts: str) -> dict[str, Any]:
    return {o.name: o.parse(texts.get(o.name, o.default or "")) for o in OPTIONS["log"]}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    handlers, level, propagate = logs.ROOT.handlers[:], logs.ROOT.level, logs.ROOT.propagate
    logs.ROOT.handlers = []
    yield
    for handler in logs.ROOT.handlers:
        handler.close()
    logs.ROOT.handlers, logs.ROOT.level, logs.ROOT.propagate = handlers, level, propagate


def test_a_file_is_rotated_at_its_size(tmp_path: Path) -> None:
    file = tmp_path / "deep/s0web.log"
    logs.configure(options(target="file", file=str(file), size="10000", keep="2"))
    for number in range(1000):
        LOG.info("line %d of many", number)
    assert sorted(p.name for p in file.parent.iterdir()) == [
        "s0web.log",
        "s0web.log.1",
        "s0web.log.2",
    ]
    assert "line 999" in file.read_text()


def test_the_journal_gets_its_priorities(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(options(target="journal"))
    LOG.warning("two\nlines")
    assert capfd.readouterr().err == "<4>WARNING two\n<4>lines\n"


def test_a_level_is_taken_over_while_it_runs(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(options())
    LOG.debug("unseen")
    logs.configure(options(level="debug"))
    LOG.debug("seen")
    assert [line.split(" ", 2)[2] for line in capfd.readouterr().err.splitlines()] == ["DEBUG seen"]


def test_a_file_that_cannot_be_written_stops_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(options(target="file", file="/proc/nonesuch/s0web.log"))
    LOG.info("goes on")
    told = capfd.readouterr().err
    assert "/proc/nonesuch/s0web.log cannot be written" in told
    assert "goes on" in told

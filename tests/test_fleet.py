"""A fleet on a real Galera cluster: a short form of bench/fleet.py, and what docs/fleet.md says."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench import fleet, fleet_events, galera
from bench.fleet_loggers import NAMES, sink
from bench.galera import Cluster
from s0web.config import parse
from s0web.model import Reading
from tests import mariadb_server

PAGE = (Path(__file__).parent.parent / "docs/fleet.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


@pytest.fixture(scope="module")
def servers() -> Iterator[Cluster]:
    with ExitStack() as ends:
        with mariadb_server.alone():
            made = ends.enter_context(fleet.cluster(quick=True))
        yield made


def test_a_node_that_is_killed_costs_no_row(servers: Cluster) -> None:
    outcome = fleet.run(servers, "kill", fleet.Case("", fleet_events.kill_first, 5, at_once=27), 5)
    assert outcome.wrong == []
    assert outcome.kept == 5 * (27 + 5) * len(NAMES)


def test_the_sql_of_the_docs_runs_on_a_cluster(servers: Cluster) -> None:
    first, *others = servers.nodes
    users, *more = blocks("sql")
    subprocess.run(first.client, input=users, text=True, check=True)
    now = datetime.now(UTC)
    told = [Reading("main", now - timedelta(days=age), {"power": age}) for age in (100, 95, 2)]
    for name, user, password in (
        ("a", "owner", "change me"),
        ("b", "station-17", "change me 17"),  # has no right to make anything
    ):
        made = sink(name, [first.port], user=user, password=password, database="s0web")
        made.open()
        made.write(told)
        made.close()
    silent = [
        subprocess.run(first.client, input=block, text=True, check=True, capture_output=True).stdout
        for block in more
    ][-1]
    assert [line.split("\t")[0] for line in silent.splitlines()] == ["a", "b"]
    first.ask("CALL s0web.forget(90)")
    for node in others:
        assert node.ask(fleet.SYNC + "SELECT value FROM s0web.reading") == [["2"], ["2"]]


def test_the_options_of_the_docs_are_those_that_are_tried_here() -> None:
    nodes, station = blocks("ini")
    names = set(re.findall(r"^(\w\S*) = ", nodes, re.M))
    assert names <= set(re.findall(r"^(\w[\w-]*)=", galera.CONFIG, re.M))
    parse(Path("station.ini"), station)

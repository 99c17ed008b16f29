"""A fleet of loggers on one Galera cluster of three nodes, while nodes die: rows kept, stalls.

    python -m bench.fleet [loggers, 50] [many, 200] [rounds, 1] | --whole

1. The loggers are the station's own MySQL sink in its loop, a thread each, 50 to a process; each
   tells 20 values a second and writes once a second. A commit is one such write.
2. A stall is the longest time in which a logger had nothing acknowledged; 1 s is the interval.
3. At the end of each row of the table, all nodes healed, each node is asked for count and sum of
   each logger's values, and each quarter is held against its readings.
4. The naive peer, in the same run: EnergyMonitor's way (`fleet_loggers.Naive`), on one node.

About four minutes; `--whole` takes three rounds, and then the same with Galera's timers shortened.
Exit code 1 when anything is missing, double or different.
"""

import contextlib
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

from bench.fleet_events import (
    Event,
    freeze_last,
    kill_first,
    kill_last,
    kill_two,
    nothing,
    upgrade,
)
from bench.fleet_loggers import DATABASE, NAMES, PASSWORD, USER, Plan, Report, work
from bench.galera import Cluster, Node

AT = 4.0  # s after the start, when the nodes die
TOGETHER = 50  # loggers in a process
SETUP = f"""
CREATE DATABASE {DATABASE};
CREATE USER {USER} IDENTIFIED BY '{PASSWORD}';
GRANT SELECT, INSERT, UPDATE, CREATE, CREATE VIEW ON {DATABASE}.* TO {USER};
CREATE TABLE {DATABASE}.naive (logger VARCHAR(64), number INT, quantity VARCHAR(64), value DOUBLE,
    PRIMARY KEY (logger, number, quantity));
"""
STORED = f"""
SELECT s.logger, COUNT(*), SUM(r.value) FROM {DATABASE}.reading r
JOIN {DATABASE}.series s ON s.id = r.series_id WHERE s.logger LIKE '{{0}}-%' GROUP BY s.logger
"""
UNLIKE = f"""
SELECT COUNT(*) FROM (SELECT series_id, ts DIV 900000 * 900000 AS begin, COUNT(*) AS n,
        SUM(value) AS total FROM {DATABASE}.reading WHERE series_id IN
        (SELECT id FROM {DATABASE}.series WHERE logger LIKE '{{0}}-%') GROUP BY series_id, begin) r
LEFT JOIN {DATABASE}.quarter q ON q.series_id = r.series_id AND q.ts = r.begin
WHERE r.begin + 900000 <= (SELECT MAX(ts) FROM {DATABASE}.reading x WHERE x.series_id = r.series_id)
    AND (q.n IS NULL OR q.n <> r.n OR q.sum <> r.total)
"""
SYNC = "SET SESSION wsrep_sync_wait=1; "


class Case(NamedTuple):
    title: str
    event: Event
    seconds: float
    at_once: int = 0
    is_spread: bool = False  # each logger begins with another node


class Outcome(NamedTuple):
    reports: list[Report]
    seconds: float  # from the first word until all was written
    wrong: list[str]  # what is not as told

    @property
    def kept(self) -> int:
        return sum(report.kept for report in self.reports)

    @property
    def stall(self) -> float:
        return max(report.stall for report in self.reports)

    @property
    def commits(self) -> list[float]:
        return sorted(second for report in self.reports for second in report.commits)


@contextlib.contextmanager
def cluster(arbitrator: bool = False, quick: bool = False) -> Iterator[Cluster]:
    made = Cluster(2 if arbitrator else 3, arbitrator, quick)
    try:
        made.start()
        made.nodes[0].ask(SETUP)
        yield made
    finally:
        made.stop()


def plans(name: str, case: Case, count: int, ports: Sequence[int]) -> list[Plan]:
    """One for each process, and for each node that its loggers begin with."""
    ways = [[*ports[n:], *ports[:n]] for n in range(len(ports) if case.is_spread else 1)]
    names = [f"{name}-{number}" for number in range(count)]
    processes = max(len(ways), -(-count // TOGETHER))
    return [
        Plan(names[n::processes], ways[n % len(ways)], case.seconds, at_once=case.at_once)
        for n in range(processes)
    ]


def run(servers: Cluster, name: str, case: Case, count: int, naive: int = 0) -> Outcome:
    """Let so many loggers tell while `case.event` happens; the last outcome is of them all."""
    ports = [node.port for node in servers.nodes]
    wanted = plans(name, case, count, ports)
    if naive:
        names = [f"{name}-naive-{number}" for number in range(naive)]
        wanted.append(Plan(names, ports, case.seconds, is_naive=True))
    with started(wanted) as pipes:
        begin = time.monotonic()
        for pipe in pipes:
            pipe.send("go")
        time.sleep(min(AT, case.seconds / 2))
        for pause in case.event(servers.nodes):
            time.sleep(pause)
        reports = [report for pipe in pipes for report in pipe.recv()]
        seconds = time.monotonic() - begin
    for node in servers.nodes:
        if not node.is_synced:
            node.revive()
    servers.heal()
    mine = [report for report in reports if "-naive-" not in report.name]
    if naive:
        others = [report for report in reports if "-naive-" in report.name]
        print_naive(servers.nodes[0], name, others)
    return Outcome(mine, seconds, differences(servers, name, mine))


@contextlib.contextmanager
def started(wanted: Sequence[Plan]) -> Iterator[list[Connection]]:
    """Processes whose loggers are all connected."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in wanted]
    processes = [
        context.Process(target=work, args=(plan, theirs), daemon=True)
        for plan, (_, theirs) in zip(wanted, pairs, strict=True)
    ]
    for process in processes:
        process.start()
    for _, theirs in pairs:
        theirs.close()
    pipes = [ours for ours, _ in pairs]
    try:
        for pipe in pipes:
            pipe.recv()
        yield pipes
    finally:
        for process in processes:
            process.kill()
            process.join()


def differences(servers: Cluster, name: str, reports: Sequence[Report]) -> list[str]:
    """What is on a node other than what was told."""
    found = []
    for node in servers.nodes:
        stored = {row[0]: row[1:] for row in node.ask(SYNC + STORED.format(name))}
        for report in reports:
            count, total = stored.get(report.name, ["0", "0"])
            if (int(count), float(total)) != (report.told, report.total):
                found.append(f"{node.name}: {report.name}: {count} rows of {report.told}")
            if report.kept != report.told:
                found.append(f"{report.name}: {report.kept} acknowledged; {report.error}")
        unlike = node.ask(SYNC + UNLIKE.format(name))[0][0]
        if unlike != "0":
            found.append(f"{node.name}: {unlike} quarters are not those of their readings")
    return found


def print_naive(node: Node, name: str, reports: Sequence[Report]) -> None:
    told = sum(report.told for report in reports)
    asked = f"{SYNC}SELECT COUNT(*) FROM {DATABASE}.naive WHERE logger LIKE '{name}-%'"
    stored = int(node.ask(asked)[0][0])
    print(
        f"    naive peer, {len(reports)} loggers, same kill, ended while its host was away: "
        f"{told} told, {stored} stored, {told - stored} lost"
    )


def told(title: str, outcome: Outcome) -> None:
    commits = [1000 * second for second in outcome.commits]
    middle, late = statistics.median(commits), commits[int(0.99 * (len(commits) - 1))]
    values = sum(report.told for report in outcome.reports)
    print(
        f"{title:46} {len(outcome.reports):4} {outcome.kept / outcome.seconds:8.0f} {middle:7.0f} "
        f"{late:7.0f} {outcome.stall:7.1f} {values:8} {outcome.kept:8} {len(outcome.wrong):6}",
        flush=True,
    )
    for line in outcome.wrong[:10]:
        print(f"    {line}")


HEAD = (
    f"{'':46} {'logg':>4} {'rows/s':>8} {'p50 ms':>7} {'p99 ms':>7} {'stall s':>7} {'told':>8} "
    f"{'kept':>8} {'wrong':>6}"
)


def three(few: int, many: int, rounds: int, quick: bool) -> Iterator[Outcome]:
    kill = "kill -9 of the writers' node"
    cases = [
        (Case("nothing happens", nothing, 8), few, 0),
        (Case(kill, kill_first, 18), few, few),
        (Case("kill -9 of another node", kill_last, 16), few, 0),
        (Case("another node frozen for 12 s", freeze_last, 20), few, 0),
        (Case("kill -9 of two of three, back after 6 s", kill_two, 20), few, 0),
        (Case("each stopped and started in turn: an upgrade", upgrade, 20), few, 0),
        (Case("nothing happens, loggers on all nodes", nothing, 8, 0, True), many, 0),
        (Case(kill + " (a third of them)", kill_first, 18, 0, True), many, 0),
        (Case("a backlog of 1,000 readings each", nothing, 0, 1000), 8, 0),
    ]
    with cluster(quick=quick) as servers:
        for number, (case, count, naive) in enumerate(cases * rounds):
            outcome = run(servers, f"c{number:02}", case, count, naive)
            told(case.title, outcome)
            yield outcome


def two(few: int, quick: bool) -> Iterator[Outcome]:
    with cluster(arbitrator=True, quick=quick) as servers:
        outcome = run(servers, "arb", Case("", kill_first, 18), few)
        told("2 nodes + arbitrator, kill -9 of the writers'", outcome)
        yield outcome


def main() -> int:
    is_whole = "--whole" in sys.argv
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    few, many, rounds = [*given, *(50, 200, 1)[len(given) :]]
    print(f"{len(NAMES)} values/s of each logger; {os.cpu_count()} cores for nodes and loggers")
    outcomes: list[Outcome] = []
    for quick in (False, True) if is_whole else (False,):
        print(f"\n{'timers shortened' if quick else 'timers as Galera has them':46}{HEAD[46:]}")
        outcomes += three(few, many, 3 if is_whole else rounds, quick)
        outcomes += two(few, quick)
    wrong = sum(len(outcome.wrong) for outcome in outcomes)
    rows = sum(report.told for outcome in outcomes for report in outcome.reports)
    print(f"longest stall {max(outcome.stall for outcome in outcomes):.1f} s")
    print(f"value: {wrong} wrong of {rows} rows told, on each node")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

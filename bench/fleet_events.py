"""What happens to the nodes of a cluster while loggers write into it."""

import signal
from collections.abc import Callable, Iterator, Sequence

from bench.galera import Node

Event = Callable[[Sequence[Node]], Iterator[float]]  # does something, yields seconds to wait


def nothing(nodes: Sequence[Node]) -> Iterator[float]:
    yield 0.0


def kill_first(nodes: Sequence[Node]) -> Iterator[float]:
    nodes[0].send(signal.SIGKILL)
    yield 0.0


def kill_last(nodes: Sequence[Node]) -> Iterator[float]:
    nodes[-1].send(signal.SIGKILL)
    yield 0.0


def freeze_last(nodes: Sequence[Node]) -> Iterator[float]:
    nodes[-1].send(signal.SIGSTOP)
    yield 12.0
    nodes[-1].send(signal.SIGCONT)


def kill_two(nodes: Sequence[Node]) -> Iterator[float]:
    for node in nodes[:2]:
        node.send(signal.SIGKILL)
    yield 6.0
    for node in nodes[:2]:
        node.start()


def upgrade(nodes: Sequence[Node]) -> Iterator[float]:
    """Each is stopped in turn, and started again."""
    for node in nodes:
        node.send(signal.SIGTERM)
        node.start()
        while not node.is_synced:
            yield 0.2

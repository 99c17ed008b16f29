"""The pulse filter: what counts, by raw stamps alone."""

from hypothesis import given
from hypothesis import strategies as st

from s0web.hardware import Edge
from s0web.sources.pulse import PulseFilter

MS = 1_000_000


def train(*changes: tuple[float, bool], first: int = 1) -> list[Edge]:
    """Edges from (milliseconds, rising) rows, numbered from `first`."""
    return [
        Edge(4, rising, round(ms * MS), first + number)
        for number, (ms, rising) in enumerate(changes)
    ]


def pulse(at: float, width: float = 30.0) -> list[tuple[float, bool]]:
    return [(at, True), (at + width, False)]


def count(edges: list[Edge], minimum_ms: int = 15) -> tuple[list[tuple[float, int]], int]:
    counter = PulseFilter(minimum_ms * MS)
    return [(p.time_ns / MS, p.number) for p in counter.feed(edges)], counter.rejected


def test_a_pulse_counts_once_by_its_rise() -> None:
    assert count(train(*pulse(100))) == ([(100, 1)], 0)


def test_pulses_at_the_limit_of_the_standard_all_count() -> None:
    edges = train(*[row for n in range(100) for row in pulse(60.0 * n)])
    assert len(count(edges)[0]) == 100


def test_a_spike_is_rejected_and_counted_as_such() -> None:
    assert count(train(*pulse(0, 2), *pulse(100), *pulse(300, 1), *pulse(400))) == (
        [(100, 1), (400, 1)],
        2,
    )


def test_bounce_at_both_edges_makes_one_pulse() -> None:
    edges = train(
        *pulse(0, 0.3), *pulse(0.6, 0.3), *pulse(1.2, 28), *pulse(29.5, 0.3), *pulse(30, 0.2)
    )
    assert count(edges) == ([(0, 1)], 0)


def test_a_glitch_within_a_pulse_does_not_make_two() -> None:
    assert count(train(*pulse(0, 16), *pulse(16.4, 16))) == ([(0, 1)], 0)


def test_a_burst_of_spikes_makes_no_pulse_however_long_it_lasts() -> None:
    edges = train(*[row for n in range(40) for row in pulse(2.0 * n, 0.1)])
    assert count(edges)[0] == []


def test_a_fall_without_its_rise_counts_nothing_at_the_start() -> None:
    assert count(train((10, False), *pulse(100))) == ([(100, 1)], 0)


def test_pulses_lost_to_an_overflow_are_counted_by_number() -> None:
    """Six edges are missing between two low levels: three pulses."""
    before = train(*pulse(0))
    after = train(*pulse(1000), first=9)
    assert count([*before, *after])[0] == [(0, 1), (1000, 4)]


def test_an_overflow_before_the_first_edge_that_is_read_is_counted_too() -> None:
    assert count(train(*pulse(1000), first=2049))[0] == [(1000, 1025)]


def test_an_overflow_that_begins_within_a_pulse_is_counted_exactly() -> None:
    before = train((0, True))
    assert count([*before, *train((300, True), (330, False), first=3)])[0] == [(300, 2)]
    assert count([*before, *train((330, False), first=4)])[0] == [(330, 2)]


def test_a_pulse_whose_rise_is_lost_says_that_its_stamp_is_of_its_fall() -> None:
    told = PulseFilter(15 * MS).feed([*train(*pulse(0)), *train((400, False), first=4)])
    assert [p.is_exact for p in told] == [True, False]


def test_an_overflow_that_ends_within_a_pulse_is_counted_exactly() -> None:
    before = train(*pulse(0))
    assert count([*before, *train((400, False), first=4)])[0] == [(0, 1), (400, 1)]


@given(
    st.lists(st.integers(31, 500), min_size=1, max_size=60),
    st.data(),
)
def test_the_sum_is_exact_wherever_the_overflow_cuts(gaps: list[int], data: st.DataObject) -> None:
    """Any run of edges taken out of a clean train costs no pulse: only the instants are lost."""
    at, rows = 0.0, []
    for gap in gaps:
        at += gap + 30
        rows += pulse(at)
    edges = train(*rows)
    begin = data.draw(st.integers(1, len(edges)))
    end = data.draw(st.integers(begin, max(begin, len(edges) - 1)))
    kept = edges[:begin] + edges[end:]
    assert sum(number for _, number in count(kept)[0]) == len(gaps)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10**12), st.integers(1, 5)), max_size=80))
def test_any_train_of_edges_is_survived(rows: list[tuple[bool, int, int]]) -> None:
    seqno, stamp, edges = 0, 0, []
    for rising, gap, step in rows:
        seqno, stamp = seqno + step, stamp + gap
        edges.append(Edge(4, rising, stamp, seqno))
    pulses = PulseFilter(15 * MS).feed(edges)
    assert all(p.number >= 1 for p in pulses)

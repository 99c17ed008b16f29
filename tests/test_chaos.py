"""Nothing lost, nothing doubled: a short form of bench/chaos.py, and that its oracle sees."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.chaos import SHORT, run
from bench.chaos_oracle import Death, Key, Ledger, Tally, micros
from s0web.archive.store import Archive
from s0web.clock import FakeClock
from s0web.model import Reading

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEYS = [Key("main", "power", "", micros(START) // 1000 + 1000 * n) for n in range(5)]


def test_whatever_is_killed_every_acknowledged_reading_is_in_every_database_once(
    tmp_path: Path,
) -> None:
    outcome = run(tmp_path, SHORT._replace(seconds=16, kills=3), 4, print)
    assert outcome.kills == 3
    assert outcome.wrong == []
    for sink, tally in outcome.tallies.items():
        assert tally.acknowledged > 1000, sink
        assert (tally.missing, tally.doubled, tally.changed) == (0, 0, 0), sink
    quantities, untold = outcome.mqtt
    assert quantities > 100
    assert untold == 0


def ledger(folder: Path) -> Ledger:
    """Three readings on disk; the station was killed 3.5 s after the start."""
    archive = Archive(folder / "archive.db", FakeClock(START))
    archive.open()
    archive.write([Reading("main", START + timedelta(seconds=n), {"power": n}) for n in range(3)])
    archive.close()
    made = Ledger(folder / "archive.db")
    made.read()
    made.deaths.append(Death(3, {"main": KEYS[2].time * 1000}, KEYS[3].time * 1000 + 500_000))
    return made


def test_the_oracle_is_content_with_what_is_there_once(tmp_path: Path) -> None:
    rows = [(key, float(n)) for n, key in enumerate(KEYS[:3])]
    assert ledger(tmp_path).compare(rows, 1000, every=True) == Tally(3, 3, 0, 0, 0, 0)


def test_the_oracle_sees_what_is_missing_doubled_changed_and_ahead(tmp_path: Path) -> None:
    rows = [(KEYS[0], 0.0), (KEYS[0], 0.0), (KEYS[1], 9.0), (KEYS[3], 3.0), (KEYS[4], 4.0)]
    tally = ledger(tmp_path).compare(rows, 1000, every=False)
    assert tally == Tally(3, 5, missing=2, doubled=2, changed=1, ahead=1)


def test_the_oracle_sees_a_reading_under_another_meter(tmp_path: Path) -> None:
    rows = [(key, float(n)) for n, key in enumerate(KEYS[:3])]
    rows.append((KEYS[0]._replace(meter="other"), 0.0))
    assert ledger(tmp_path).compare(rows, 1000, every=False).doubled == 1

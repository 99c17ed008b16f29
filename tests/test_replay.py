"""`s0web replay`: a captured stream is played byte for byte, at its own pace or another."""

import argparse
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from s0web.cli import replay
from s0web.errors import SourceError
from s0web.hardware.serial import open_port
from s0web.simulation.house import House
from s0web.simulation.telegram import telegram

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STREAM = [telegram(House(), NOON + timedelta(seconds=second)) for second in (0, 1, 2, 5, 6)]
SCRIPT = """
import argparse, sys
from s0web.cli import replay
parser = argparse.ArgumentParser()
replay.add_parser(parser.add_subparsers())
args = parser.parse_args(sys.argv[1:])
sys.exit(args.run(args))
"""


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="s0web")
    replay.add_parser(parser.add_subparsers())
    return parser.parse_args(["replay", *words])


def hear(words: list[str], link: Path, limit: int = 10**9) -> tuple[bytes, int]:
    """Replay in a thread and read the port until it ends; the bytes, and the exit code."""
    codes: list[int] = []
    args = arguments(*words, "--link", str(link))
    player = threading.Thread(target=lambda: codes.append(args.run(args)))
    player.start()
    wait_for(link.exists)
    port, heard = open_port(str(link), 115200), b""
    try:
        while len(heard) < limit:
            heard += port.read(10.0)
    except SourceError:  # the end
        pass
    port.close()
    player.join(timeout=20)
    return heard, codes[0]


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "capture.txt"
    path.write_bytes(b"".join(STREAM))
    return path


def test_every_byte_of_a_capture_is_heard(capture: Path, tmp_path: Path) -> None:
    link = tmp_path / "meter"
    heard, code = hear([str(capture), "--speed", "100"], link)
    assert heard == b"".join(STREAM)
    assert code == 0
    assert not os.path.lexists(link)


def test_damaged_telegrams_are_played_as_they_are(tmp_path: Path) -> None:
    damaged = STREAM[1].replace(b"(50221)", b"(5\xff221)")
    seven_bits = bytes(byte | 0x80 if byte.bit_count() % 2 else byte for byte in STREAM[2])
    path = tmp_path / "capture"
    path.write_bytes(b"7.0(00.000*kW)\r\n!1234\r\n" + STREAM[0] + damaged + seven_bits)
    heard, _ = hear([str(path), "--interval", "0.01"], tmp_path / "meter")
    assert heard == STREAM[0] + damaged + seven_bits


def test_the_pauses_are_those_of_the_time_stamps() -> None:
    steps = replay.cut(b"".join(STREAM))
    assert [step.data for step in steps] == STREAM
    assert [step.gap for step in steps] == [1.0, 1.0, 3.0, 1.0, 1.0]
    assert steps[3].time == NOON + timedelta(seconds=5)


def test_stamps_that_tell_nothing_make_a_pause_of_a_second() -> None:
    bare = b"/ISk5\\2ME382-1003\r\n\r\n1-0:1.7.0(00.1*kW)\r\n!\r\n"
    unset = STREAM[0].replace(b"0-0:1.0.0(260302", b"0-0:1.0.0(000000")
    steps = replay.cut(bare + STREAM[1] + STREAM[0] + unset + STREAM[0] + STREAM[0])
    assert [step.gap for step in steps] == [1.0] * 6


def test_the_double_hour_is_no_pause_of_an_hour() -> None:
    moments = [datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]
    steps = replay.cut(b"".join(telegram(House(), moment) for moment in moments))
    assert [step.gap for step in steps] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("pace", "least"), [(["--speed", "20"], 0.30), (["--interval", "0.1"], 0.4)]
)
def test_speed_and_interval_set_the_pace(
    pace: list[str], least: float, capture: Path, tmp_path: Path
) -> None:
    start = time.monotonic()
    heard, _ = hear([str(capture), *pace], tmp_path / "meter")
    assert time.monotonic() - start > least  # of 6 s in four pauses
    assert heard == b"".join(STREAM)


def test_a_loop_begins_again(capture: Path, tmp_path: Path) -> None:
    whole, link = b"".join(STREAM), tmp_path / "meter"
    words = [str(capture), "--loop", "--interval", "0.01", "--link", str(link)]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "replay", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(link.exists)
        port, heard = open_port(str(link), 115200), b""
        while len(heard) < 3 * len(whole):
            heard += port.read(10.0)
        port.close()
        assert heard[: 3 * len(whole)] == 3 * whole
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert out.decode() == f"port = {link}\n"
    assert not os.path.lexists(link)


def test_standard_input_is_played_and_progress_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"".join(STREAM))))
    heard, _ = hear(["-", "--speed", "1000"], tmp_path / "meter")
    assert heard == b"".join(STREAM)
    out, err = capsys.readouterr()
    assert out == f"port = {tmp_path / 'meter'}\n"
    assert "waiting for a program to open the port" in err
    assert "played 5 telegrams, 0 of them unread" in err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: No such file"),
        (b"", "holds no P1 telegram"),
        (b"hello\r\n!\r\n/", "holds no P1 telegram"),
        (bytes(range(256)) * 99, "holds no P1 telegram"),
    ],
)
def test_a_bad_file_is_one_clear_sentence(
    content: bytes | None, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "capture"
    if content is not None:
        path.write_bytes(content)
    args = arguments(str(path))
    assert args.run(args) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"s0web replay: {path} ")
    assert sentence in error
    assert error.count("\n") == 1


def test_a_port_that_cannot_be_made_is_one_clear_sentence(
    capture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for link, sentence in (
        (capture, "give a path that is free"),
        (tmp_path / "no" / "where", "No such file or directory"),
    ):
        args = arguments(str(capture), "--link", str(link))
        assert args.run(args) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"s0web replay: there can be no port {link}: ")
        assert sentence in error
    assert capture.read_bytes() == b"".join(STREAM)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", ""])
@pytest.mark.parametrize("option", ["--speed", "--interval"])
def test_an_impossible_pace_is_refused(
    option: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        arguments("x", f"{option}={text}")
    assert stop.value.code == 2
    assert "is no number above 0" in capsys.readouterr().err


def test_the_files_of_others_are_played_too(tmp_path: Path) -> None:
    golden = sorted((Path(__file__).parent / "golden").glob("*.txt"))
    assert golden
    for path in golden:
        content = path.read_bytes()
        begin = content.index(b"/")
        assert b"".join(step.data for step in replay.cut(content)) == content[begin:]

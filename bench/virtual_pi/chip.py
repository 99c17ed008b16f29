"""The checks of s0web.hardware.gpio: what it asks of the kernel, and what the kernel answers."""

import errno
import fcntl
import os
import statistics
import struct

from bench.virtual_pi.board import LABEL, OTHER, PI, Pulses, refused
from s0web.hardware import Edge, Line, gpio


def flags(line: int) -> int:
    """What the kernel says of a line (GPIO_V2_LINE_FLAG_*)."""
    question = bytearray(gpio.LINEINFO.size)
    struct.pack_into("=I", question, 64, line)
    handle = os.open(PI.path, os.O_RDWR)
    fcntl.ioctl(handle, gpio.GET_LINEINFO, question)
    os.close(handle)
    flags: int = gpio.LINEINFO.unpack(question)[4]
    return flags


def the_chip_of_a_pi_is_found_by_its_label() -> str:
    chip = gpio.find()
    assert (chip.label, chip.lines, chip.path) == (LABEL, 58, PI.path), chip
    assert gpio.find(LABEL) == gpio.find(PI.path) == chip
    return str(chip)


def another_chip_is_found_by_path_and_by_label() -> str:
    chip = gpio.find("expander")
    assert chip == gpio.find(OTHER.path), chip
    assert chip.lines == 8, chip
    return str(chip)


def an_absent_chip_is_refused_with_what_is_there() -> str:
    sentence = str(refused(lambda: gpio.find("nonesuch")))
    assert f"{OTHER.path} (expander), {PI.path} ({LABEL})" in sentence, sentence
    return sentence


def the_user_of_a_line_is_known() -> str:
    users = [gpio.user_of(PI.path, line) for line in (4, 22)]
    assert users == ["", "w1"], users
    return "line 4 is free, line 22 belongs to w1"


def a_line_in_use_is_refused_with_the_name_of_its_user() -> str:
    error = refused(lambda: gpio.ChardevEdges("", [Line(22)]))
    assert error.errno == errno.EBUSY, error
    assert "line 22 is in use by w1" in str(error), error
    edges = gpio.ChardevEdges("", [Line(4)])
    second = refused(lambda: gpio.ChardevEdges("", [Line(5), Line(4)]))
    edges.close()
    assert "line 4 is in use by s0web" in str(second), second
    assert gpio.user_of(PI.path, 5) == "", "the other line was not let go"
    return str(error.strerror)


def a_line_that_is_not_there_or_twice_is_a_sentence() -> str:
    absent = refused(lambda: gpio.ChardevEdges("", [Line(58)]))
    assert "line 58" in str(absent), absent
    twice = refused(lambda: gpio.ChardevEdges("", [Line(4), Line(4)]))
    assert "line 4" in str(twice), twice
    led = refused(lambda: gpio.ChardevEdges("", [Line(4, led=4)]))
    assert "line 4" in str(led), led
    assert gpio.user_of(PI.path, 4) == "", "the line was not let go"
    return f"{absent.strerror} | {twice.strerror} | {led.strerror}"


def each_line_gets_its_pull() -> str:
    lines = [Line(4, "down"), Line(17, "up"), Line(27, "none"), Line(5, "up"), Line(6, "down")]
    edges = gpio.ChardevEdges("", lines)
    told = [flags(line.offset) for line in lines]
    pulls = [PI.pull(line.offset) for line in lines if line.pull != "none"]
    edges.close()
    assert [f & sum(gpio.BIAS.values()) for f in told] == [gpio.BIAS[x.pull] for x in lines], told
    both = gpio.USED | gpio.INPUT | gpio.RISING | gpio.FALLING
    assert all(f & both == both for f in told), told
    assert pulls == ["down", "up", "up", "down"], pulls
    return "down, up and none on five lines of one request"


def edges_carry_the_kernels_stamp_and_number() -> str:
    chip = gpio.ChardevEdges("", [Line(4)])
    pulses = Pulses([4], 40, 0.02, 0.01)
    edges: list[Edge] = []
    while pulses.going():
        edges += chip.read(0.1)
    edges += chip.read(0.0)
    chip.close()
    assert [edge.seqno for edge in edges] == list(range(1, 81)), edges
    assert [edge.rising for edge in edges] == [True, False] * 40
    late = [edge.time_ns - rise for edge, rise in zip(edges[::2], pulses.rises(), strict=True)]
    assert min(late) >= 0, late
    assert max(late) < 1_000_000, late
    usual, most = statistics.median(late) / 1e3, max(late) / 1e3
    return f"80 edges, stamps {usual:.0f} us late, {most:.0f} us at most"


def lines_are_numbered_each_by_itself() -> str:
    chip = gpio.ChardevEdges("", [Line(4), Line(17), Line(27, "none")])
    pulses = Pulses([4, 17, 27], 20, 0.02, 0.01)
    edges: list[Edge] = []
    while pulses.going():
        edges += chip.read(0.1)
    edges += chip.read(0.0)
    chip.close()
    for line in (4, 17, 27):
        numbers = [edge.seqno for edge in edges if edge.line == line]
        assert numbers == list(range(1, 41)), (line, numbers)
    return "20 pulses on each of lines 4, 17, 27"


CHECKS = (
    the_chip_of_a_pi_is_found_by_its_label,
    another_chip_is_found_by_path_and_by_label,
    an_absent_chip_is_refused_with_what_is_there,
    the_user_of_a_line_is_known,
    a_line_in_use_is_refused_with_the_name_of_its_user,
    a_line_that_is_not_there_or_twice_is_a_sentence,
    each_line_gets_its_pull,
    edges_carry_the_kernels_stamp_and_number,
    lines_are_numbered_each_by_itself,
)

import contextlib
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s0web import config, fresh, inifile
from s0web.errors import ConfigError

GOOD = """\
# my house
[s0web]
simulate = no

; the meter in the cellar
[source:main]
type = s0
pin = 4
pulses_per_kwh = 800

[source:grid]
type = p1
port = /dev/ttyUSB0

[cache]
main = 22.228
"""


def wrong(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config.parse(Path("s0web.ini"), text)
    return str(caught.value)


def test_every_option_has_its_value_or_its_default() -> None:
    read = config.parse(Path("x"), GOOD)
    assert read.sources["main"]["pulses_per_kwh"] == 800.0
    assert read.sources["main"]["pull"] == "down"
    assert read.sections["log"]["level"] == "info"
    assert read.cache == {"main": 22.228}


def test_all_mistakes_are_told_at_once_each_with_section_option_text_and_reason() -> None:
    text = GOOD.replace("pin = 4", "pin = four\npinn = 4").replace(
        "simulate = no", "simulate = maybe"
    )
    said = wrong(text + "[sorce:x]\ntype = s0\n[source:y]\ntype = s1\n[source:z]\ntype = p1\n")
    for sentence in (
        "6 mistake(s)",
        "[s0web] simulate: 'maybe' is not yes or no",
        "[source:main] pin: 'four' is not a whole number",
        "[source:main] pinn: there is no such option",
        "[sorce:x] there is no such section",
        "[source:y] type: 's1' is not one of s0, p1",
        "[source:z] port: is missing",
    ):
        assert sentence in said


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("pin = -1", "-1 is out of range, it must be 0 to 511"),
        ("pin = 99999999999999999999", "is not a whole number"),
        ("pulses_per_kwh = nan", "'nan' is not a number"),
        ("pulses_per_kwh = 0", "0 is out of range"),
        ("measures = beer", "'beer' is not one of energy, gas, water"),
        ("pin = 6\nnumbering = board", "position 6 of the header is no GPIO"),
    ],
)
def test_a_bad_value_is_a_sentence(line: str, sentence: str) -> None:
    assert sentence in wrong(
        f"[source:a]\ntype = s0\n{'' if 'pin' in line else 'pin = 4'}\n{line}\n"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[a\n", "line 1"),
        ("pin = 4\n", "line 1: text before the first [section]"),
        ("[s0web]\nsimulate\n", "line 2: neither [section] nor option = value"),
        ("[s0web]\n[s0web]\n", "line 2: section [s0web] is there twice"),
        ("[s0web]\nsimulate=no\nsimulate=no\n", "line 3: [s0web] has simulate twice"),
        ("[source:gas.1]\ntype=s0\npin=4\n", "a name is letters, digits"),
        ("[source:a]\ntype=s0\npin=4\n[source:b]\ntype=s0\npin=7\nnumbering=board\n", "in use by"),
        ("[source:a]\ntype=p1\nport=x\n[source:b]\ntype=p1\nport=x\n", "in use by [source:a]"),
        ("[cache]\nmain = much\n", "[cache] main: 'much' is not a number"),
        ("[cache]\nmain = -1\n", "[cache] main: -1 is out of range"),
        ("[source.s0]\npin = 4\n", "[source.s0] there is no such section"),
        ("[source.p1]\nport = x\n", "[source.p1] there is no such section"),
        ("[web]\ntitle = a\u2028b\n", "[web] title: it must be one line"),
        ("[web]\ntitle = a\x0cb\n", "there is a U+000C"),
        ("[log]\ntarget = paper\n", "'paper' is not one of stderr, journal, file"),
        ("[s0web]\ntimezone = Mars\n", "not a time zone"),
        ("[web]\nallowed_hosts = ok.example, <b>\n", "'<b>' is not a host name"),
        ("[web]\nadmin_password = secret\n", "not a password hash"),
    ],
)
def test_a_broken_file_is_a_sentence(text: str, sentence: str) -> None:
    assert sentence in wrong(text)


def test_the_log_cannot_be_the_settings_file(ini: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[log\] file: is a file that s0web itself needs"):
        config.parse(ini, f"[log]\ntarget = file\nfile = {ini}\n")


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        config.load(tmp_path / "none.ini")
    binary = tmp_path / "binary.ini"
    binary.write_bytes(b"\xff\xfe\x00\x01" * 100)
    with pytest.raises(ConfigError, match="not a text file"):
        config.load(binary)
    zeros = tmp_path / "zeros.ini"
    zeros.write_bytes(bytes(4096))
    with pytest.raises(ConfigError, match="null bytes"):
        config.load(zeros)
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path)
    (tmp_path / "empty.ini").write_text("")
    assert config.load(tmp_path / "empty.ini").sources == {}


@settings(max_examples=300)
@given(st.text(alphabet=st.sampled_from("[]=:;#\n abc s0webporin419.é\t"), max_size=200))
def test_any_text_is_read_or_refused_with_a_sentence(text: str) -> None:
    with contextlib.suppress(ConfigError):
        config.parse(Path("x.ini"), text)


def test_a_save_keeps_comments_order_and_hand_edits(ini: Path) -> None:
    ini.write_text(GOOD)
    config.save(ini, {"source:main": {"pin": "17"}, "log": {"level": "debug"}})
    text = ini.read_text()
    assert text == GOOD.replace("pin = 4", "pin = 17") + "\n[log]\nlevel = debug\n"


def test_an_option_goes_back_to_its_default_by_removing_its_line() -> None:
    assert "pulses" not in inifile.rewrite(GOOD, {"source:main": {"pulses_per_kwh": None}})
    assert inifile.rewrite(GOOD, {"log": {"level": None}}) == GOOD


@pytest.mark.parametrize("text", ["a\n[web]", "a\r", "\0", "a\u2028b", "\x85", "\x7f", "\ud800"])
def test_a_value_cannot_smuggle_in_another_line(text: str) -> None:
    with pytest.raises(ConfigError, match="must be one line"):
        inifile.rewrite(GOOD, {"web": {"title": text}})


def test_a_section_is_removed_with_its_comments_and_no_others() -> None:
    text = GOOD.replace("[source:grid]", "# the grid meter\n# of 2024\n\n[source:grid]")
    begin, end = text.index("; the meter"), text.index("# the grid")
    assert inifile.rewrite(text, {}, ("source:main",)) == text[:begin] + text[end:]
    begin, end = end, text.index("[cache]")
    assert inifile.rewrite(text, {}, ("source:grid",)) == text[:begin] + text[end:]
    assert inifile.rewrite(text, {}, ("cache",)) == text[:end].rstrip() + "\n"


def test_a_new_option_comes_below_its_section_not_below_the_next_ones_comment() -> None:
    text = "[a]\nx = 1\n\n# about b\n[b]\ny = 2\n# about c\n[c]\n"
    assert inifile.rewrite(text, {"a": {"z": "3"}, "b": {"z": "4"}}) == (
        "[a]\nx = 1\nz = 3\n\n# about b\n[b]\ny = 2\nz = 4\n# about c\n[c]\n"
    )


def test_the_defaults_that_a_new_file_tells_stay_with_their_section() -> None:
    text = inifile.rewrite(fresh.new_file(fresh.DEMO), {}, ("source:garden",))
    left = {name: texts for name, texts in fresh.DEMO.items() if name != "source:garden"}
    assert text.rstrip() == fresh.new_file(left).rstrip()


CUTS = "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\r"


@pytest.mark.parametrize("cut", CUTS)
def test_only_a_line_feed_ends_a_line(ini: Path, cut: str) -> None:
    text = GOOD.replace("my house", f"my{cut}[house]{cut}main = 5")
    ini.write_bytes(text.encode())
    config.save_counters(ini, {"main": 22.229}, simulated=False)
    assert ini.read_bytes().decode() == text.replace("22.228", "22.229")


def test_lines_keep_their_endings_and_new_ones_get_the_files(ini: Path) -> None:
    text = GOOD.replace("\n", "\r\n").replace("type = p1\r", "type = p1")
    ini.write_bytes(text.encode())
    config.save(ini, {"source:main": {"pin": "17", "pull": "up"}, "log": {"level": "debug"}})
    expected = text.replace("pin = 4", "pin = 17").replace("= 800", "= 800\r\npull = up")
    assert ini.read_bytes().decode() == expected + "\r\n[log]\r\nlevel = debug\r\n"


def test_a_byte_order_mark_is_no_part_of_the_text(ini: Path) -> None:
    ini.write_bytes(b"\xef\xbb\xbf[cache]\nmain = 1\n")
    assert config.load(ini).cache == {"main": 1.0}
    config.save_counters(ini, {"main": 2.0}, simulated=False)
    assert config.load(ini).cache == {"main": 2.0}


@pytest.mark.parametrize("begin", ["", "\ufeff", "[[\n\xff\n", "[x]\ny = 1\n\n# c\u2028d\n"])
@pytest.mark.parametrize("line", ["admin_password = ab", "  admin_password:ab \r\nx"])
def test_the_stored_hash_is_found_in_any_file(ini: Path, begin: str, line: str) -> None:
    ini.write_bytes(f"{begin}[web]\n{line}\n".encode())
    assert inifile.stored_hash(ini) == "ab"


def test_a_link_stays_a_link_and_what_it_leads_to_is_saved(ini: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.ini"
    real.write_text(GOOD)
    ini.symlink_to(real)
    config.save_counters(ini, {"main": 23.0}, simulated=False)
    assert ini.is_symlink()
    assert config.load(real).cache == {"main": 23.0}
    inifile.write(ini, GOOD)
    assert ini.is_symlink()
    assert real.read_text() == GOOD


def test_counters_alone_never_make_a_file(ini: Path) -> None:
    with pytest.raises(ConfigError, match="is gone, so counters are not saved"):
        config.save_counters(ini, {"main": 1.0}, simulated=False)
    assert not ini.exists()


def test_a_counter_may_have_all_the_decimals_of_a_float() -> None:
    read = config.parse(Path("x"), "[cache]\nmain = 22.228000000000004\n")
    assert read.cache == {"main": 22.228000000000004}


def test_continuation_lines_of_an_old_value_go_with_it() -> None:
    text = "[web]\nallowed_hosts = a.example\n  b.example\ntitle = x\n"
    assert inifile.rewrite(text, {"web": {"allowed_hosts": "c.example"}}) == (
        "[web]\nallowed_hosts = c.example\ntitle = x\n"
    )


def test_they_go_over_comments_and_blank_lines_too() -> None:
    text = "[web]\nallowed_hosts = a.example\n# mine\n\n  b.example\ntitle = x\n"
    assert inifile.rewrite(text, {"web": {"allowed_hosts": "c.example"}}) == (
        "[web]\nallowed_hosts = c.example\n# mine\n\ntitle = x\n"
    )


def test_indented_options_are_changed_in_their_place() -> None:
    text = "[cache]\n  main = 1\n  water = 2\n"
    assert inifile.rewrite(text, {"cache": {"main": "3", "gas": "4"}}) == (
        "[cache]\n  main = 3\n  water = 2\n  gas = 4\n"
    )


LINES = st.sampled_from(
    [
        "[x]",
        "[cache]",
        "  [y]",
        "[z] ;",
        "a = 1",
        "  a=2",
        "b: 3",
        " b",
        "    c",
        "# n",
        "  ; n",
        "",
    ]
)


def told(text: str) -> dict[str, dict[str, str]]:
    read = config.parser_of(Path("x"), text)
    return {section: dict(read[section]) for section in read.sections()}


@settings(max_examples=500)
@given(
    st.lists(st.tuples(LINES, st.sampled_from(["\n", "\r\n", "\x0c\n", "\u2028"])), max_size=12),
    st.dictionaries(st.sampled_from("ab"), st.sampled_from(["", "5", None]), min_size=1),
    st.sampled_from([(), ("x",), ("y", "z")]),
)
def test_however_a_file_is_laid_out_only_the_change_changes_what_it_says(
    lines: list[tuple[str, str]], options: dict[str, str | None], remove: tuple[str, ...]
) -> None:
    text = "".join(line + ending for line, ending in lines)
    try:
        expected = told(text)
    except ConfigError:
        return
    assert list(inifile.sections(text)) == list(expected)
    expected = {name: texts for name, texts in expected.items() if name not in remove}
    for option, value in options.items():
        if value is not None:
            expected.setdefault("cache", {})[option] = value
        elif "cache" in expected:
            expected["cache"].pop(option, None)
    assert told(inifile.rewrite(text, {"cache": options}, remove)) == expected


NAMES = st.sampled_from(["a", "b", "pin", "long_name"])
TEXTS = st.text(alphabet="abc 123=:;#[]", max_size=12).map(str.strip)


@given(
    st.dictionaries(st.sampled_from(["x", "source:y", "cache"]), st.dictionaries(NAMES, TEXTS)),
    st.dictionaries(st.sampled_from(["x", "cache", "new"]), st.dictionaries(NAMES, TEXTS)),
)
def test_a_rewritten_file_reads_as_the_old_one_with_the_changes(
    old: dict[str, dict[str, str]], changes: dict[str, dict[str, str]]
) -> None:
    lines = [
        f"[{s}]\n# about {s}\n" + "".join(f"{k} = {v}\n" for k, v in o.items())
        for s, o in old.items()
    ]
    text = inifile.rewrite("".join(lines), changes)
    expected = {s: dict(o) for s, o in old.items()}
    for section, options in changes.items():
        if options or section in expected:
            expected[section] = {**expected.get(section, {}), **options}
    assert {s: o for s, o in told(text).items() if o} == {s: o for s, o in expected.items() if o}


def test_a_save_that_would_be_wrong_leaves_the_old_file(ini: Path) -> None:
    ini.write_text(GOOD)
    with pytest.raises(ConfigError, match="'x' is not a whole number"):
        config.save(ini, {"source:main": {"pin": "x"}})
    assert ini.read_text() == GOOD


def test_a_full_disk_leaves_the_old_file(ini: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ini.write_text(GOOD)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        ConfigError, match=r"not saved \(No space left on device\); the old file stays"
    ):
        config.save_counters(ini, {"main": 23.0}, simulated=False)
    assert ini.read_text() == GOOD
    assert sorted(p.name for p in ini.parent.iterdir()) == ["s0web.ini", "s0web.ini.lock"]


def test_a_folder_that_cannot_be_written_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="/proc/sys: cannot write here"):
        config.save_counters(Path("/proc/sys/s0web.ini"), {"main": 1.0}, simulated=False)


def test_a_new_file_is_not_for_everybody_and_a_saved_one_keeps_its_mode(ini: Path) -> None:
    fresh.create(ini, fresh.DEMO)
    assert stat.S_IMODE(ini.stat().st_mode) == 0o640
    ini.chmod(0o600)
    config.save_counters(ini, {"main": 1.5}, simulated=False)
    assert stat.S_IMODE(ini.stat().st_mode) == 0o600


def test_a_new_file_explains_every_option_and_can_be_read(ini: Path) -> None:
    fresh.create(ini, fresh.DEMO)
    text = ini.read_text()
    assert "# Pulses for one kWh (energy).\n#pulses_per_kwh = 1000" in text
    assert config.load(ini).simulate


def test_counters_survive_in_a_file_with_a_mistake(ini: Path) -> None:
    ini.write_text(GOOD + "[nonsense]\n")
    config.save_counters(ini, {"main": 22.229}, simulated=False)
    assert "main = 22.229\n" in ini.read_text()
    assert "[nonsense]" in ini.read_text()


def test_simulated_counters_never_touch_the_real_ones(ini: Path) -> None:
    ini.write_text(GOOD)
    config.save_counters(ini, {"main": 1.0}, simulated=True)
    assert config.load(ini).cache == {"main": 22.228}
    config.save(ini, {"s0web": {"simulate": "yes"}})
    assert config.load(ini).cache == {"main": 1.0}


def test_saves_of_many_threads_lose_no_change(ini: Path) -> None:
    ini.write_text(GOOD)

    def run(name: str) -> None:
        for number in range(25):
            config.save_counters(ini, {name: number / 10}, simulated=False)

    threads = [threading.Thread(target=run, args=(f"d{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert config.load(ini).cache == {"main": 22.228} | {f"d{n}": 2.4 for n in range(6)}


@given(st.floats(0, 1e9, allow_nan=False))
def test_a_counter_is_kept_to_a_millionth_of_a_watt_hour(number: float) -> None:
    assert float(config.counter_text(number)) == pytest.approx(number, abs=1e-9, rel=1e-12)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_what_root_saves_belongs_to_the_owner_of_the_folder(ini: Path) -> None:
    os.chown(ini.parent, 33, 33)
    fresh.create(ini, fresh.FRESH)
    config.save(ini, {"web": {"title": "x"}})
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in ini.parent.iterdir()}
    assert owners == {(33, 33)}

"""What could leave a load on for ever: crashes, power cuts, clocks, settings, and what stops it."""

from datetime import timedelta

import pytest

from s0web.model import Health
from tests.plugs import Plug, plug
from tests.test_switches import NAME, Bench


def restarted(bench: Bench, made: Plug, seconds: float, kind: str = "shelly") -> Bench:
    """Killed at once, and started again so many s later."""
    now = bench.clock.now() + timedelta(seconds=seconds)
    rule = bench.source._options["rule"]  # type: ignore[attr-defined]
    return Bench(kind, bench.hub, now, host=made.host, rule=rule)


def test_a_time_that_ended_while_nobody_ran_is_over() -> None:
    with plug("shelly2") as made:
        bench = Bench("shelly", host=made.host)
        bench.turn()
        bench.say("on", 60)
        again = restarted(bench, made, 90)
        again.turn(times=3)
        assert (made.on, again.number(), again.label("override")) == (False, 0, "")
        assert again.label("reason") == "the time given by hand is over"


def test_what_nobody_asked_us_for_is_not_prolonged() -> None:
    with plug("shelly2") as made:
        made.on = True  # by its button, or its own timer of before a crash runs
        bench = Bench("shelly", host=made.host)
        bench.turn(times=200)
        assert (made.on, bench.number()) == (True, 1)
        assert not made.last("Switch.Set")
        bench.say("on", 600)
        bench.turn(times=70)
        assert "toggle_after=180" in made.last("Switch.Set")


def test_a_plug_that_comes_back_on_is_switched_off_again_where_a_person_said_off() -> None:
    with plug("shelly1") as made:
        bench = Bench("shelly", host=made.host, rule="export")
        bench.turn()
        bench.say("off")
        made.mood = "junk"
        bench.turn(times=10)
        made.mood, made.on = "well", True  # a power cut: its own setting says on
        bench.turn(times=5)
        assert (made.on, bench.number(), bench.label("override")) == (False, 0, "off")
        assert bench.label("reason") == "as it was said by hand"


def test_a_button_at_the_thing_is_the_newest_word_of_a_person() -> None:
    with plug("shelly1") as made:
        bench = Bench("shelly", host=made.host, rule="export")
        bench.turn()
        bench.say("off")
        bench.turn(times=10)
        made.on = True
        bench.turn(times=10)
        assert (bench.number(), bench.label("override")) == (1, "")
        bench.wish(False)
        assert not made.on


def test_a_button_is_not_undone_by_the_renewal_of_the_timer() -> None:
    with plug("shelly2") as made:
        bench = Bench("shelly", host=made.host, rule="export")
        bench.turn()
        bench.wish(True)
        for _ in range(70):
            bench.turn()
            due = bench.clock.monotonic() - bench.source._renewed  # type: ignore[attr-defined]
            if due >= 58:
                made.on = False
        assert not made.on


@pytest.mark.parametrize("rule", ["manual", "export"])
def test_a_clock_set_back_a_day_lengthens_nothing(rule: str) -> None:
    lamp = Bench("simulated", rule=rule)
    lamp.turn(times=60)
    lamp.say("on", 1800)
    lamp.turn(times=60)
    lamp.clock.step_wall(-86_400)
    lamp.turn(times=2)
    assert lamp.label("override") == "on until 2026-03-01T12:31:00Z"
    assert lamp.label("since") == "2026-03-01T12:02:01Z"
    lamp.turn(times=1800)
    assert (lamp.number(), lamp.label("override")) == (float(rule == "export"), "")


@pytest.mark.parametrize(("rule", "then"), [("export", 0), ("manual", 1)])
def test_without_rules_nothing_that_they_switched_stays_on(rule: str, then: int) -> None:
    lamp = Bench("simulated", rule=rule)
    lamp.turn()
    lamp.wish(True)
    lamp.hub.report("source:rules", Health("stopped", lamp.clock.now()))
    lamp.turn(times=20)
    assert lamp.number() == 1  # while settings are applied
    lamp.turn(times=15)
    assert lamp.number() == then
    assert rule == "manual" or lamp.label("reason") == "the rules do not run"


def test_a_tasmota_is_never_on_with_nothing_that_ends_it() -> None:
    with plug("tasmota") as made:
        bench = Bench("tasmota", host=made.host, rule="export")
        bench.turn()
        bench.wish(True)
        made.asked.clear()
        bench.source._actor.close()  # type: ignore[attr-defined]
        assert made.asked == []  # as after a look that found no answer
        bench.turn(times=70)
        assert [asked[9:] for asked in made.asked if "Pulse" in asked or "+ON" in asked] == [
            "PulseTime1+280",
            "Power1+ON",
        ]
        assert bench.hub.snapshot().number(NAME, "switch") == 1
        bench.loop.finish()
        assert (made.on, made.asked[-1][9:]) == (False, "PulseTime1+0")


def test_without_a_rule_auto_is_as_it_was_before_and_no_timer_is_left() -> None:
    with plug("shelly2") as made:
        bench = Bench("shelly", host=made.host)
        bench.turn()
        bench.say("on")
        bench.say("auto")
        assert (made.on, bench.number(), bench.label("override")) == (False, 0, "")
        made.on = True
        bench.turn(times=8)
        bench.say("on", 60)
        assert "toggle_after=180" in made.last("Switch.Set")
        bench.turn(times=70)
        assert (made.on, bench.number()) == (True, 1)
        assert "toggle_after" not in made.last("Switch.Set")


def test_a_thing_that_does_not_tell_its_state_hears_its_word_again() -> None:
    with plug("http") as made:
        at = f"http://{made.host}"
        bench = Bench("http", on_url=f"{at}/on", off_url=f"{at}/off", rule="export")
        bench.turn()
        made.on = True  # a power cut: its own setting says on
        bench.turn(times=70)
        assert not made.on
